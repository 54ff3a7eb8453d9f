//! The hotel's credentials and what waits for a person, as they are stored.

use serde::{Deserialize, Serialize};

use super::state::KeyState;
use super::stay::Booking;
use crate::credential::{
    Artifact, Delivery, IssuedCredential, KeyCredentialKind, RevokeReason, VendorCode, Warning,
};
use crate::event::Cause;
use crate::id::{ArtifactRef, KeyCredentialId, LockDeviceId, ReservationId, TaskId, UserId};
use crate::property::Share;
use crate::secret::{Secret, stored};
use crate::store::{Record, Table};
use crate::validity::{Timestamp, Validity};

/// What a key is to open, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) rooms: Vec<crate::id::RoomId>,
    pub(super) scope: crate::scope::GuestScope,
    pub(super) validity: Validity,
}

impl Spec {
    pub(super) fn of(booking: &Booking, share: &Share) -> Self {
        Self { rooms: share.rooms.clone(), scope: share.scope.clone(), validity: booking.validity }
    }
}

/// What is still to be done about a key at its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Work {
    Issue,
    Update,
    Revoke(RevokeReason),
}

/// A credential as the hotel means it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pub(super) id: KeyCredentialId,
    pub(super) reservation: ReservationId,
    pub(super) adapter: String,
    pub(super) vendor: VendorCode,
    /// The version of the stay that was in force when the key was asked for: it belongs to every stay that began no later and
    /// has not ended since.
    pub(super) from_version: u64,
    /// Which key of that stay at that adapter: 0 is the first.
    pub(super) nth: u32,
    pub(super) booking: Booking,
    /// Kinds in order of preference, as they were when the key was asked for: a repeat must ask for the same.
    pub(super) kinds: Vec<KeyCredentialKind>,
    pub(super) state: KeyState,
    /// What the vendor was last told.
    pub(super) spec: Spec,
    /// What it is to be told; the same, when nothing is to be changed.
    pub(super) wanted: Spec,
    /// How often `wanted` was moved: each move is a write of its own.
    pub(super) moves: u64,
    pub(super) kind: Option<KeyCredentialKind>,
    pub(super) work: Option<Work>,
    pub(super) attempts: u32,
    pub(super) next_try: Option<Timestamp>,
    pub(super) artifact: Option<ArtifactRef>,
    pub(super) delivery: Vec<KeptDelivery>,
    pub(super) warnings: Vec<Warning>,
    pub(super) issued_at: Option<Timestamp>,
    /// When it was given up here, and when the vendor confirmed that it is gone (X11).
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) revoke_confirmed_at: Option<Timestamp>,
    pub(super) cause: Cause,
}

/// How long a PIN's text is kept beyond its window (X17).
const KEPT_AFTER: chrono::TimeDelta = chrono::TimeDelta::hours(24);

impl KeyRecord {
    /// When the text of the artifact is wiped.
    pub(super) fn wipe_at(&self) -> Option<Timestamp> {
        if self.delivery.is_empty() {
            None
        } else {
            self.spec.validity.until().checked_add_signed(KEPT_AFTER)
        }
    }

    /// Whether the vendor may have it, or is about to.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.state, KeyState::Revoked | KeyState::Failed)
    }
}

/// The term by which a reservation's keys are found.
pub(super) fn term_of_stay(reservation: ReservationId) -> String {
    format!("stay:{reservation}")
}

/// The term by which the key behind an artifact's reference is found.
pub(super) fn term_of_artifact(artifact: ArtifactRef) -> String {
    format!("artifact:{artifact}")
}

impl Record for KeyRecord {
    const TABLE: Table = Table::Key;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        match (self.work.and(self.next_try), self.wipe_at()) {
            (Some(work), Some(wipe)) => Some(work.min(wipe)),
            (work, wipe) => work.or(wipe),
        }
    }

    fn terms(&self) -> Vec<String> {
        let mut terms = vec![term_of_stay(self.reservation)];
        terms.extend(self.artifact.map(term_of_artifact));
        terms
    }
}

/// An artifact, kept until its window is over and a day more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptDelivery {
    doors: Vec<LockDeviceId>,
    #[serde(with = "stored")]
    text: Option<Secret>,
    ready_at: Option<LockDeviceId>,
}

impl KeptDelivery {
    pub(super) fn of(credential: &IssuedCredential) -> Vec<Self> {
        let keep = |delivery: &Delivery| {
            let (text, ready_at) = match &delivery.artifact {
                Artifact::Pin(text)
                | Artifact::MobileToken(text)
                | Artifact::Qr(text)
                | Artifact::Nfc(text) => (Some(text.clone()), None),
                Artifact::CardReadyAt(device) => (None, Some(*device)),
            };
            Self { doors: delivery.doors.clone(), text, ready_at }
        };
        credential.delivery.iter().map(keep).collect()
    }

    pub(super) fn hand_out(&self, kind: KeyCredentialKind) -> Option<Delivery> {
        let artifact = match (kind, self.text.clone(), self.ready_at) {
            (KeyCredentialKind::PinCode, Some(text), _) => Artifact::Pin(text),
            (KeyCredentialKind::MobileApp, Some(text), _) => Artifact::MobileToken(text),
            (KeyCredentialKind::QrCode, Some(text), _) => Artifact::Qr(text),
            (KeyCredentialKind::NfcTag, Some(text), _) => Artifact::Nfc(text),
            (_, _, Some(device)) => Artifact::CardReadyAt(device),
            _ => return None,
        };
        Some(Delivery { doors: self.doors.clone(), artifact })
    }

    /// Whether both hand out the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        // EXPOSE: to notice that the vendor changed an artifact; both stay in custody.
        let (own, others) = (self.text.as_ref().map(Secret::expose), other.text.as_ref().map(Secret::expose));
        self.doors == other.doors && own == others && self.ready_at == other.ready_at
    }
}

/// What a person has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeskTaskKind {
    /// No electronic way is left: let the guest in.
    EscortGuest,
    /// A key may still open that must not: go and see.
    VisitDoor,
    /// The vendor's answer is lost for good: look, and say what is there.
    DecideOutcome,
}

impl DeskTaskKind {
    /// The word for it: `escort_guest`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EscortGuest => "escort_guest",
            Self::VisitDoor => "visit_door",
            Self::DecideOutcome => "decide_outcome",
        }
    }
}

/// Something a person has to do, open until it is done or no longer needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskTask {
    /// The task.
    pub id: TaskId,
    /// What.
    pub kind: DeskTaskKind,
    /// About which credential.
    pub credential: KeyCredentialId,
    /// Of whose stay.
    pub reservation: Option<ReservationId>,
    /// Since when.
    pub opened_at: Timestamp,
    /// Since when no more.
    pub closed_at: Option<Timestamp>,
}

/// The term by which open tasks are found.
pub(super) const OPEN: &str = "open";

impl Record for DeskTask {
    const TABLE: Table = Table::Task;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn terms(&self) -> Vec<String> {
        if self.closed_at.is_some() {
            Vec::new()
        } else {
            vec![OPEN.to_owned(), term_of_key(self.credential)]
        }
    }
}

/// The term by which the open tasks of a key are found.
pub(super) fn term_of_key(credential: KeyCredentialId) -> String {
    format!("key:{credential}")
}

/// Who looked at what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AuditRecord {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) actor: UserId,
    pub(super) purpose: String,
    pub(super) credential: KeyCredentialId,
}

impl Record for AuditRecord {
    const TABLE: Table = Table::Audit;

    fn id(&self) -> String {
        self.id.clone()
    }
}
