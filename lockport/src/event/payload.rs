//! What each event says: one type a subject, in the form of 004 section 2. Members beyond it are optional. Never in any of them:
//! a vendor's reference, the text of an artifact, a guest's name or address (R137, R209).

use serde::{Deserialize, Serialize};

use super::{Published, UnsuspendedBy, Word};
use crate::audit::VendorRefHash;
use crate::credential::{
    Decision, KeyCredentialKind, Proof, RevokeReason, SuspendReason, VendorCode, Warning,
};
use crate::id::{
    ArtifactRef, GuestId, KeyCredentialId, MasterKeyId, PropertyId, ReservationId, RoomId, ShiftId, TaskId,
    UserId,
};
use crate::idempotency::IdempotencyKey;
use crate::scope::{Area, Floor, GuestScope, StaffScope};
use crate::validity::Timestamp;

/// What an event of one subject says.
pub trait Payload: Serialize {
    /// The subject.
    const SUBJECT: Published;
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($members:tt)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name { $($members)* }

        impl Payload for $name {
            const SUBJECT: Published = Published::$name;
        }
    )*};
}

pub(super) use payloads;

payloads! {
    /// A credential is wanted (R208).
    CredentialRequested {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// What sort of holder that is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub holder_kind: Option<HolderKind>,
        /// The rooms it is to open.
        pub rooms: Vec<RoomId>,
        /// What it is to open beside them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scope: Option<Scope>,
        /// From when on, in UTC.
        pub valid_from: Timestamp,
        /// Until when, excluded, in UTC.
        pub valid_until: Timestamp,
        /// Kinds in order of preference; none where any will do.
        pub preferred_kinds: Vec<KeyCredentialKind>,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// The name of the issue.
        pub idempotency_key: IdempotencyKey,
        /// The credential in whose place it comes: a lost one, or one that could not be changed (R103).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replaces: Option<KeyCredentialId>,
    }

    /// The vendor confirmed a credential; it opens (R209).
    CredentialIssued {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel.
        pub property_id: PropertyId,
        /// What sort of holder it has.
        pub holder_kind: HolderKind,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// What it is.
        pub kind: KeyCredentialKind,
        /// The rooms it opens.
        pub rooms: Vec<RoomId>,
        /// What it opens beside them.
        pub scope: Scope,
        /// From when on, in UTC.
        pub valid_from: Timestamp,
        /// Until when, excluded, in UTC.
        pub valid_until: Timestamp,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// What the vendor calls it, as a keyed hash (X2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor_ref_hash: Option<VendorRefHash>,
        /// Issued offline and not yet reconciled.
        pub provisional: bool,
        /// How its holder gets it.
        pub delivery: Delivery,
        /// When the vendor confirmed it.
        pub issued_at: Timestamp,
        /// What a person should know.
        pub warnings: Vec<Warning>,
        /// Why it is of this kind and at this vendor, where it could have been another (R56, R120, R121).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub decisions: Vec<Decision>,
    }

    /// A credential will not come about (R210).
    CredentialFailed {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose it would have been.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// Why, in a word: a failure reason, or `cancelled` when nobody wanted it any more.
        pub failure_reason: Word,
        /// Why, in a sentence of ours; scrubbed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor_message: Option<String>,
        /// How often it was tried.
        pub attempts: u32,
        /// When it was given up.
        pub last_attempt_at: Timestamp,
    }

    /// The window or the rooms of a credential moved (R211).
    CredentialUpdated {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// What is otherwise now.
        pub changes: Changes,
        /// How its holder gets what he needs anew; absent when what he has goes on opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub delivery: Option<Delivery>,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// What the vendor calls it, as a keyed hash (X2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor_ref_hash: Option<VendorRefHash>,
        /// Whether the cloud has not heard of it (R42); lockport always says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub provisional: Option<bool>,
        /// When the vendor confirmed it.
        pub updated_at: Timestamp,
        /// What a person should know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub warnings: Vec<Warning>,
    }

    /// A credential opens nothing any more (R212).
    CredentialRevoked {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose it was.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// Why.
        pub reason: RevokeReason,
        /// Since when it counts as taken away here.
        pub revoked_at: Timestamp,
        /// Who reported the loss, where that was the reason (R103).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub operator_id: Option<UserId>,
        /// How it went.
        pub metadata: RevokeMetadata,
    }

    /// A credential opens nothing until further notice (R213).
    CredentialSuspended {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor: Option<VendorCode>,
        /// Why.
        pub reason: SuspendReason,
        /// Since when.
        pub suspended_at: Timestamp,
        /// What a person should know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub warnings: Vec<Warning>,
    }

    /// A credential opens again (R213).
    CredentialUnsuspended {
        /// The credential.
        pub key_credential_id: KeyCredentialId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor: Option<VendorCode>,
        /// How its holder gets what he needs anew; absent when what he has opens again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub delivery: Option<Delivery>,
        /// Since when.
        pub unsuspended_at: Timestamp,
        /// By whom.
        pub unsuspended_by: UnsuspendedBy,
    }

    /// A revoke came to less than its reason requires: a security alert (R84).
    RevokeFailed {
        /// The credential; it counts as revoked here.
        pub key_credential_id: KeyCredentialId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Whose it was.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// Why it is taken away.
        pub reason: RevokeReason,
        /// What is wrong, in a word: a failure reason, or `weak_proof`.
        pub failure_reason: Word,
        /// When that was seen.
        pub observed_at: Timestamp,
    }

    /// A vendor did not answer until the tries ran out (R73, R118).
    VendorError {
        /// The credential that waited for it.
        pub key_credential_id: KeyCredentialId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Whose it would have been.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// The code of the last error.
        pub error_code: Word,
        /// Its finer reason.
        pub failure_reason: Word,
        /// How often it was tried.
        pub attempts: u32,
        /// When it was given up.
        pub observed_at: Timestamp,
    }

    /// A shift has its key (R218).
    MasterKeyIssued {
        /// The key of the shift.
        pub master_key_id: MasterKeyId,
        /// The credential that carries it out.
        pub key_credential_id: KeyCredentialId,
        /// Who works.
        pub staff_user_id: UserId,
        /// The shift.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub shift_id: Option<ShiftId>,
        /// The hotel.
        pub property_id: PropertyId,
        /// How far it reaches; of several scopes the first.
        pub scope: StaffReach,
        /// Every scope of the shift.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub scopes: Vec<StaffReach>,
        /// From when on, in UTC.
        pub valid_from: Timestamp,
        /// Until when, excluded, in UTC.
        pub valid_until: Timestamp,
        /// What it is.
        pub kind: KeyCredentialKind,
        /// When the vendor confirmed it.
        pub issued_at: Timestamp,
    }

    /// A shift's key is gone (R218).
    MasterKeyExpired {
        /// The key of the shift.
        pub master_key_id: MasterKeyId,
        /// The credential that carried it out.
        pub key_credential_id: KeyCredentialId,
        /// Who worked.
        pub staff_user_id: UserId,
        /// The shift.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub shift_id: Option<ShiftId>,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Since when.
        pub expired_at: Timestamp,
        /// What ended it: `shift.ended`, `user.deactivated`, `bulk.revoked`, `property.deactivated`, `key.lost`, `window.over`.
        pub trigger: Word,
    }

    /// Something waits for a person.
    DeskTaskOpened {
        /// The task.
        pub task_id: TaskId,
        /// The hotel.
        pub property_id: PropertyId,
        /// For whom it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// What is to be done: `escort_guest`.
        pub kind: Word,
        /// The credential it is about.
        pub key_credential_id: KeyCredentialId,
        /// Since when.
        pub opened_at: Timestamp,
    }

    /// What waited for a person no longer does.
    DeskTaskClosed {
        /// The task.
        pub task_id: TaskId,
        /// The hotel.
        pub property_id: PropertyId,
        /// For whom it was.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// What was to be done: `escort_guest`.
        pub kind: Word,
        /// The credential it was about.
        pub key_credential_id: KeyCredentialId,
        /// Since when it was open.
        pub opened_at: Timestamp,
        /// Since when it is not any more.
        pub closed_at: Timestamp,
    }
}

/// Whose key it is: a guest's, with his reservation, or a member of staff's, with his shift.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyHolder {
    /// The stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<ReservationId>,
    /// The guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// The shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift_id: Option<ShiftId>,
    /// The member of staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_user_id: Option<UserId>,
}

/// What sort of holder a key has (R209).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A guest.
    Guest,
    /// A member of staff.
    Staff,
}

/// What a key opens beside its rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Scope {
    /// Floors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<Floor>,
    /// Shared areas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<Area>,
}

impl From<&GuestScope> for Scope {
    fn from(scope: &GuestScope) -> Self {
        Self { floors: scope.floors.clone(), areas: scope.areas.clone() }
    }
}

/// How a holder gets his key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Delivery {
    /// What is handed over, by reference.
    pub artifact: ArtifactReference,
    /// What opens the guest's app at this key; added by the host that has a template for it (R32).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_link: Option<String>,
}

/// What is handed over, by reference: the thing itself is never in an event (X17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ArtifactReference {
    /// What it is (R32): `pin`, `mobile_token`, `qr`, `nfc`, `rfid_card_ready_at`, or `none`.
    #[serde(rename = "type")]
    pub kind: Word,
    /// Exchanged for it once, by somebody, for something.
    pub opaque_ref: ArtifactRef,
}

/// What of a credential is otherwise now; what is absent is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Changes {
    /// The beginning of its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Change<Timestamp>>,
    /// The end of its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Change<Timestamp>>,
    /// Its rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Change<Vec<RoomId>>>,
    /// What it opens beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Change<Scope>>,
}

/// One thing before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change<T> {
    /// Before.
    pub from: T,
    /// After.
    pub to: T,
}

impl<T: PartialEq> Change<T> {
    /// The change, where there is one.
    pub(crate) fn between(from: T, to: T) -> Option<Self> {
        (from != to).then_some(Self { from, to })
    }
}

/// How a revoke went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RevokeMetadata {
    /// It was issued offline and never reconciled (R125).
    pub was_provisional: bool,
    /// The vendor took it; otherwise it is tried on.
    pub vendor_revoke_ok: bool,
    /// How far it is known to have got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// How far a shift's key reaches (R218).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StaffReach {
    /// Which of the seven forms of a scope (R105): `room`, `floor`, `rooms_assigned`, `rooms_all`, `area`, `areas_all`,
    /// `back_of_house`.
    pub kind: Word,
    /// The room of a `room`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The floor of a `floor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// The area of an `area`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
}

impl From<&StaffScope> for StaffReach {
    fn from(scope: &StaffScope) -> Self {
        let only = |kind| Self { kind: Word::of(kind), room_id: None, floor: None, area: None };
        match scope {
            StaffScope::Room(room) => Self { room_id: Some(*room), ..only("room") },
            StaffScope::Floor(floor) => Self { floor: Some(floor.clone()), ..only("floor") },
            StaffScope::RoomsAssigned => only("rooms_assigned"),
            StaffScope::RoomsAll => only("rooms_all"),
            StaffScope::Area(area) => Self { area: Some(area.clone()), ..only("area") },
            StaffScope::AreasAll => only("areas_all"),
            StaffScope::BackOfHouse => only("back_of_house"),
        }
    }
}
