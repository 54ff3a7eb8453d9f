//! What a host asks for: one type a verb, checked once by `check`, so that no adapter checks it again.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{KeyCredentialKind, RevokeReason, SuspendReason};
use crate::error::LockError;
use crate::id::{
    GuestId, KeyCredentialId, LockDeviceId, PropertyId, ReservationId, RoomId, TenantId, UserId,
};
use crate::idempotency::IdempotencyKey;
use crate::scope::GuestScope;
use crate::validity::{Timestamp, Validity};

/// The most rooms one credential may name.
pub const MAX_ROOMS: usize = 1_000;
/// The longest display name of a guest, in bytes.
pub const MAX_DISPLAY_NAME: usize = 256;

/// Who carries the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Holder {
    /// A guest of a reservation.
    Guest(Guest),
    /// A member of staff (R107).
    Staff(Staff),
}

/// A guest, as far as a key needs to know one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guest {
    /// The guest.
    pub id: GuestId,
    /// The stay the credential is for.
    pub reservation_id: ReservationId,
    /// The name a vendor's own console may show, if the hotel wants that; never logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where the guest can be reached; never logged.
    #[serde(default, skip_serializing_if = "Contact::is_empty")]
    pub contact: Contact,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("id", &self.id)
            .field("reservation_id", &self.reservation_id)
            .finish_non_exhaustive()
    }
}

/// Where a guest can be reached.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contact {
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_e164: Option<String>,
}

impl Contact {
    fn is_empty(&self) -> bool {
        self.email.is_none() && self.phone_e164.is_none()
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = |value: &Option<String>| value.as_ref().map(|_| "[redacted]");
        f.debug_struct("Contact")
            .field("email", &set(&self.email))
            .field("phone_e164", &set(&self.phone_e164))
            .finish()
    }
}

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Staff {
    /// The user who holds the key.
    pub user_id: UserId,
}

/// Where the request came from (R30).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelHint {
    /// From the guest's phone.
    Mobile,
    /// At the front desk.
    Desk,
    /// At a kiosk.
    Kiosk,
}

macro_rules! with {
    ($($(#[$doc:meta])* $method:ident($field:ident: $type:ty) $value:expr;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $method(mut self, $field: $type) -> Self {
            self.$field = $value;
            self
        }
    )*};
}

/// Where a write is to happen and what the holder brings along (X18).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    /// The encoder at which a card lies or a person stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<LockDeviceId>,
    /// What the holder brings: a card's number, a phone's endpoint at the vendor. Opaque to the core; never logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_device: Option<String>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holder_device = self.holder_device.as_ref().map(|_| "[redacted]");
        f.debug_struct("Place").field("at", &self.at).field("holder_device", &holder_device).finish()
    }
}

/// Asks for a new credential (R30).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IssueInput {
    /// Whose hotel.
    pub tenant_id: TenantId,
    /// Which hotel.
    pub property_id: PropertyId,
    /// For whom.
    pub holder: Holder,
    /// The rooms: at most [`MAX_ROOMS`], no duplicates; empty only when the scope names something.
    pub rooms: Vec<RoomId>,
    /// From when until when.
    pub validity: Validity,
    /// Kinds in order of preference; the adapter takes the first that every door can (R30).
    pub preferred_kinds: Vec<KeyCredentialKind>,
    /// What to open beside the rooms.
    pub scope: GuestScope,
    /// The caller's name for this one write.
    pub idempotency_key: IdempotencyKey,
    /// The id the credential is to have. Absent, it derives from the key, so that a caller who never saw the answer can revoke.
    pub credential_id: Option<KeyCredentialId>,
    /// Where it happens.
    pub place: Place,
    /// What `place.holder_device` names opens these doors already: a PIN that somebody set at the lock, a card that was written
    /// elsewhere. Nothing is made at the lock; the vendor is told of it, and from then on it is changed and revoked like any other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub already: bool,
    /// Other keys of the same holder, which this one comes beside: where keys stand on cards it takes a card of its own, and none
    /// that one of these stands on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<KeyCredentialId>,
    /// The member of staff who asked, if any.
    pub requested_by: Option<UserId>,
    /// Where the request came from.
    pub channel_hint: Option<ChannelHint>,
}

impl IssueInput {
    /// A request with what every request needs.
    #[must_use]
    pub fn new(
        tenant_id: TenantId,
        property_id: PropertyId,
        holder: Holder,
        rooms: Vec<RoomId>,
        validity: Validity,
        idempotency_key: IdempotencyKey,
    ) -> Self {
        Self {
            tenant_id,
            property_id,
            holder,
            rooms,
            validity,
            preferred_kinds: KeyCredentialKind::ALL.to_vec(),
            scope: GuestScope::default(),
            idempotency_key,
            credential_id: None,
            place: Place::default(),
            already: false,
            beside: Vec::new(),
            requested_by: None,
            channel_hint: None,
        }
    }

    with! {
        /// With these kinds, the best first.
        with_preferred_kinds(preferred_kinds: Vec<KeyCredentialKind>) preferred_kinds;
        /// With this reach beside the rooms.
        with_scope(scope: GuestScope) scope;
        /// With an id of the caller's own.
        with_credential_id(credential_id: KeyCredentialId) Some(credential_id);
        /// At this place.
        with_place(place: Place) place;
        /// Whether what the holder brings opens these doors already, and is only to be registered.
        with_already(already: bool) already;
        /// Beside these keys of the same holder.
        with_beside(beside: Vec<KeyCredentialId>) beside;
        /// On behalf of this member of staff.
        with_requested_by(requested_by: UserId) Some(requested_by);
        /// From this channel.
        with_channel_hint(channel_hint: ChannelHint) Some(channel_hint);
    }

    /// The id the credential will have.
    #[must_use]
    pub fn resulting_id(&self) -> KeyCredentialId {
        self.credential_id.unwrap_or_else(|| {
            let parts: [&[u8]; 3] = [
                &self.tenant_id.to_bytes(),
                &self.property_id.to_bytes(),
                self.idempotency_key.as_str().as_bytes(),
            ];
            KeyCredentialId::derived("lockport/credential-id/v1", &parts)
        })
    }

    /// # Errors
    /// `INVALID_INPUT` when a limit is broken.
    pub(crate) fn check(&self) -> Result<(), LockError> {
        check_rooms(&self.rooms, &self.scope)?;
        if self.preferred_kinds.is_empty() {
            return Err(LockError::invalid_input("no kind of credential is named"));
        }
        if self.already && self.place.holder_device.is_none() {
            return Err(LockError::invalid_input("it is not said what opens already"));
        }
        if let Holder::Guest(guest) = &self.holder
            && guest.display_name.as_ref().is_some_and(|name| name.len() > MAX_DISPLAY_NAME)
        {
            return Err(LockError::invalid_input(format!(
                "a display name has at most {MAX_DISPLAY_NAME} bytes"
            )));
        }
        Ok(())
    }
}

fn check_rooms(rooms: &[RoomId], scope: &GuestScope) -> Result<(), LockError> {
    if rooms.is_empty() && scope.is_empty() {
        return Err(LockError::invalid_input("neither a room nor an area is named"));
    }
    if rooms.len() > MAX_ROOMS {
        return Err(LockError::invalid_input(format!("a credential has at most {MAX_ROOMS} rooms")));
    }
    let mut seen = std::collections::BTreeSet::new();
    if !rooms.iter().all(|room| seen.insert(room)) {
        return Err(LockError::invalid_input("a room is named twice"));
    }
    Ok(())
}

/// Asks for other rooms, another window or another reach. What is `None` stays (R33, X18).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateInput {
    /// Whose hotel.
    pub tenant_id: TenantId,
    /// Which credential.
    pub credential_id: KeyCredentialId,
    /// The rooms from now on.
    pub rooms: Option<Vec<RoomId>>,
    /// The first instant from now on.
    pub valid_from: Option<Timestamp>,
    /// The first instant after from now on.
    pub valid_until: Option<Timestamp>,
    /// The reach beside the rooms from now on.
    pub scope: Option<GuestScope>,
    /// The caller's name for this one write.
    pub idempotency_key: IdempotencyKey,
    /// Where it happens.
    pub place: Place,
}

impl UpdateInput {
    /// A change of nothing yet.
    #[must_use]
    pub fn new(tenant_id: TenantId, credential_id: KeyCredentialId, idempotency_key: IdempotencyKey) -> Self {
        Self {
            tenant_id,
            credential_id,
            rooms: None,
            valid_from: None,
            valid_until: None,
            scope: None,
            idempotency_key,
            place: Place::default(),
        }
    }

    with! {
        /// With these rooms.
        with_rooms(rooms: Vec<RoomId>) Some(rooms);
        /// With this beginning.
        with_valid_from(valid_from: Timestamp) Some(valid_from);
        /// With this end.
        with_valid_until(valid_until: Timestamp) Some(valid_until);
        /// With this reach.
        with_scope(scope: GuestScope) Some(scope);
        /// At this place.
        with_place(place: Place) place;
    }

    /// # Errors
    /// `INVALID_INPUT` when a limit is broken.
    pub(crate) fn check_target(rooms: &[RoomId], scope: &GuestScope) -> Result<(), LockError> {
        check_rooms(rooms, scope)
    }
}

macro_rules! by_credential {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* };)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            /// Whose hotel.
            pub tenant_id: TenantId,
            /// Which credential.
            pub credential_id: KeyCredentialId,
            $($(#[$field_doc])* pub $field: $type,)*
            /// The caller's name for this one write.
            pub idempotency_key: IdempotencyKey,
            /// Where it happens.
            pub place: Place,
        }

        impl $name {
            /// A request with what every request needs.
            #[must_use]
            pub fn new(
                tenant_id: TenantId,
                credential_id: KeyCredentialId,
                $($field: $type,)*
                idempotency_key: IdempotencyKey,
            ) -> Self {
                Self { tenant_id, credential_id, $($field,)* idempotency_key, place: Place::default() }
            }

            with! {
                /// At this place.
                with_place(place: Place) place;
            }
        }
    )*};
}

by_credential! {
    /// Asks that a credential never opens again.
    RevokeInput {
        /// Why.
        reason: RevokeReason
    };
    /// Asks that a credential does not open until further notice.
    SuspendInput {
        /// Why.
        reason: SuspendReason
    };
    /// Asks that a suspended credential opens again.
    UnsuspendInput {};
    /// Says what a person found where nobody else can tell (see [`Settle`](crate::port::Settle)).
    SettleInput {
        /// What was found.
        verdict: Verdict,
        /// Who looked.
        operator: UserId
    };
}

/// What a person found of a call whose answer was lost for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It had its effect: the key is there, the change is in force.
    Happened,
    /// It had none.
    DidNotHappen,
}

/// What makes two inputs the same: a hash over everything but the key itself.
pub(crate) fn fingerprint<T: Serialize>(operation: &str, input: &T) -> Result<String, LockError> {
    let mut value = serde_json::to_value(input)
        .map_err(|_| LockError::invalid_input("the input cannot be written down"))?;
    if let Some(object) = value.as_object_mut() {
        object.remove("idempotencyKey");
    }
    let mut hash = Sha256::new();
    hash.update(operation.as_bytes());
    hash.update([0]);
    hash.update(value.to_string().as_bytes());
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R115: a card's number opens doors for whoever copies it.
    #[test]
    fn what_the_holder_brings_is_not_printed() {
        let place = Place { at: None, holder_device: Some("04A1B2C3".to_owned()) };
        assert_eq!(format!("{place:?}"), "Place { at: None, holder_device: Some(\"[redacted]\") }");
    }
}
