//! One entry: what was done, to what, by whom, and how it ended (R136). There is no member for what must never be kept (R137):
//! no text that anybody typed, no vendor's reference, no artifact, and of a person nothing but a pseudonym.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::hash::{Digest, VendorRefHash, hmac};
use crate::credential::{RevokeReason, SuspendReason, VendorCode};
use crate::driver::DenyReason;
use crate::error::FailureReason;
use crate::event::AnomalyKind;
use crate::id::{
    DecisionId, EventId, GuestId, KeyCredentialId, LockDeviceId, PropertyId, ReservationId, ShiftId, TaskId,
    TenantId, UserId,
};
use crate::secret::Secret;
use crate::validity::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A credential was wanted.
    Request,
    /// It was issued; deferred while the vendor has it, an error when it will not come about.
    Issue,
    /// Its window or its rooms moved.
    Update,
    /// It was taken away; an error when that came to less than its reason requires.
    Revoke,
    /// It was suspended.
    Suspend,
    /// It was unsuspended.
    Unsuspend,
    /// Its artifact was handed out.
    Reveal,
    /// Its artifact got another reference.
    NewReference,
    /// Somebody said that it is lost.
    ReportLoss,
    /// Somebody had a stay suspended (R28).
    SuspendStay,
    /// Somebody lifted suspensions.
    LiftSuspensions,
    /// Somebody said what became of a call whose answer is lost.
    Settle,
    /// An event was not published.
    DropEvent,
    /// Somebody ordered that many credentials be taken away.
    RevokeAll,
    /// Somebody tried a door (R136).
    Attempt,
    /// An attempt that should not be (R83, R108).
    Anomaly,
    /// A vendor's webhook was called by somebody who is not the vendor (R124).
    RefuseWebhook,
    /// The people of earlier entries were taken out.
    Pseudonymise,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// As asked.
    Ok,
    /// The vendor, or a person, has still to do something.
    Deferred,
    /// In an error.
    Error,
    /// The caller did not wait for the end: what was begun is settled by the next call with the same key.
    Abandoned,
    /// Of an attempt: the door opened.
    Granted,
    /// Of an attempt: it did not.
    Denied,
}

impl Outcome {
    /// The platform's word: `deferred`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Deferred => "deferred",
            Self::Error => "error",
            Self::Abandoned => "abandoned",
            Self::Granted => "granted",
            Self::Denied => "denied",
        }
    }
}

/// Why something is taken away, or a door did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Reason {
    /// For good.
    Revoke(RevokeReason),
    /// For a while.
    Suspend(SuspendReason),
    /// It did not open.
    Deny(DenyReason),
    /// What is odd about an attempt.
    Anomaly(AnomalyKind),
}

/// The most letters of a purpose.
const MAX_PURPOSE: usize = 60;

/// What an artifact is handed out for, in words that the host chose: small letters and single spaces. What a person types does
/// not fit: no digit, no name, no address (R137).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(String);

/// Text that is no purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a purpose is 1 to {MAX_PURPOSE} small letters, with single spaces between words")]
pub struct InvalidPurpose;

impl Purpose {
    /// The purpose as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Purpose {
    type Err = InvalidPurpose;
    fn from_str(text: &str) -> Result<Self, InvalidPurpose> {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if text.len() > MAX_PURPOSE || !text.split(' ').all(is_word) {
            return Err(InvalidPurpose);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Purpose {
    type Error = InvalidPurpose;
    fn try_from(text: String) -> Result<Self, InvalidPurpose> {
        text.parse()
    }
}

impl From<Purpose> for String {
    fn from(purpose: Purpose) -> Self {
        purpose.0
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A W3C trace: hexadecimal digits and `-`, at most 55 in all. It comes from outside, so nothing else is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(String);

impl TraceId {
    /// The trace, if this is one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
        let is_trace = (1..=55).contains(&text.len()) && text.bytes().all(fits);
        is_trace.then(|| Self(text.to_owned()))
    }
}

impl TryFrom<String> for TraceId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::read(&text).ok_or("not a trace")
    }
}

impl From<TraceId> for String {
    fn from(trace: TraceId) -> Self {
        trace.0
    }
}

/// A person, under the key of the property: the same person is the same pseudonym, and cannot be found from it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pseudonym(String);

impl Pseudonym {
    pub(super) fn of(key: &Secret<Vec<u8>>, person: &str) -> Self {
        // EXPOSE: into a keyed hash.
        let hash = hmac(key.expose(), person.as_bytes());
        let half: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("psn_{half}"))
    }

    /// The pseudonym as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The people of an entry. They stand beside it and not in it, so that they can be taken out while its hash stays what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct People {
    /// The member of staff who did it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<UserId>,
    /// The guest whose key it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// The member of staff whose key it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_id: Option<UserId>,
    /// Who approved it (R189).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approver_ids: Vec<UserId>,
}

/// The people of an entry, as they stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Pseudonyms {
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Pseudonym>,
    /// The guest whose key it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Pseudonym>,
    /// The member of staff whose key it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<Pseudonym>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Pseudonym>,
}

impl Pseudonyms {
    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl People {
    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn pseudonyms(&self, key: &Secret<Vec<u8>>) -> Pseudonyms {
        let of_user = |id: &UserId| Pseudonym::of(key, &id.to_string());
        Pseudonyms {
            operator: self.operator_id.as_ref().map(of_user),
            guest: self.guest_id.map(|id| Pseudonym::of(key, &id.to_string())),
            staff: self.staff_id.as_ref().map(of_user),
            approvers: self.approver_ids.iter().map(of_user).collect(),
        }
    }
}

/// What an entry says, before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Why something is taken away, or a door did not open.
    pub reason: Option<Reason>,
    /// Why it ended in an error.
    pub failure_reason: Option<FailureReason>,
    /// The credential.
    pub key_credential_id: Option<KeyCredentialId>,
    /// The credential in whose place it comes (R103).
    pub replaces: Option<KeyCredentialId>,
    /// The stay.
    pub reservation_id: Option<ReservationId>,
    /// The shift.
    pub shift_id: Option<ShiftId>,
    /// The device.
    pub lock_device_id: Option<LockDeviceId>,
    /// The desk task.
    pub task_id: Option<TaskId>,
    /// The decision it rests on (R183).
    pub decision_id: Option<DecisionId>,
    /// The event that was told, dropped, or led to it.
    pub event_id: Option<EventId>,
    /// Whose lock system.
    pub vendor: Option<VendorCode>,
    /// What its adapter could, as a hash over the canonical bytes of its capabilities.
    pub capabilities: Option<Digest>,
    /// What the vendor calls it, as a keyed hash (X2).
    pub vendor_ref_hash: Option<VendorRefHash>,
    /// What an artifact was handed out for.
    pub purpose: Option<Purpose>,
    /// The trace it belongs to.
    pub trace_id: Option<TraceId>,
    /// Of a pseudonymisation: the last entry it reaches.
    pub through: Option<u64>,
    /// Who did it, and whose key it is.
    pub people: People,
}

impl Draft {
    /// That this was done and ended so.
    #[must_use]
    pub const fn new(action: Action, outcome: Outcome) -> Self {
        Self {
            action,
            outcome,
            reason: None,
            failure_reason: None,
            key_credential_id: None,
            replaces: None,
            reservation_id: None,
            shift_id: None,
            lock_device_id: None,
            task_id: None,
            decision_id: None,
            event_id: None,
            vendor: None,
            capabilities: None,
            vendor_ref_hash: None,
            purpose: None,
            trace_id: None,
            through: None,
            people: People { operator_id: None, guest_id: None, staff_id: None, approver_ids: Vec::new() },
        }
    }

    /// The entry at a place in the chain.
    pub(super) fn at(&self, place: &Place<'_>) -> AuditEntry {
        let draft = self.clone();
        AuditEntry {
            version: VERSION,
            nth: place.nth,
            at: place.at,
            tenant_id: place.tenant,
            property_id: place.property,
            action: draft.action,
            outcome: draft.outcome,
            reason: draft.reason,
            failure_reason: draft.failure_reason,
            key_credential_id: draft.key_credential_id,
            replaces: draft.replaces,
            reservation_id: draft.reservation_id,
            shift_id: draft.shift_id,
            lock_device_id: draft.lock_device_id,
            task_id: draft.task_id,
            decision_id: draft.decision_id,
            event_id: draft.event_id,
            vendor: draft.vendor,
            capabilities: draft.capabilities,
            vendor_ref_hash: draft.vendor_ref_hash,
            purpose: draft.purpose,
            trace_id: draft.trace_id,
            through: draft.through,
            people: self.people.pseudonyms(place.key),
        }
    }
}

/// The form of entries that is written.
const VERSION: u8 = 1;

/// Where in the chain an entry comes.
pub(super) struct Place<'a> {
    pub(super) nth: u64,
    pub(super) at: Timestamp,
    pub(super) tenant: TenantId,
    pub(super) property: PropertyId,
    pub(super) key: &'a Secret<Vec<u8>>,
}

/// An entry as it is chained. What a newer version adds is ignored when it is read, and counts when it is verified (R158).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEntry {
    /// The form of the entry.
    pub version: u8,
    /// Its place in the chain, from 1 on.
    pub nth: u64,
    /// When it was written: strictly later than the one before it, also when the clock went back.
    pub at: Timestamp,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which hotel's.
    pub property_id: PropertyId,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Why something is taken away, or a door did not open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Why it ended in an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<FailureReason>,
    /// The credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_credential_id: Option<KeyCredentialId>,
    /// The credential in whose place it comes (R103).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<KeyCredentialId>,
    /// The stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<ReservationId>,
    /// The shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift_id: Option<ShiftId>,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_device_id: Option<LockDeviceId>,
    /// The desk task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The decision it rests on (R183).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<DecisionId>,
    /// The event that was told, dropped, or led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Whose lock system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorCode>,
    /// What its adapter could, as a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Digest>,
    /// What the vendor calls it, as a keyed hash (X2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_ref_hash: Option<VendorRefHash>,
    /// What an artifact was handed out for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// Of a pseudonymisation: the last entry it reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<u64>,
    /// Who did it, and whose key it is.
    #[serde(flatten)]
    pub people: Pseudonyms,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R137: what a person types is no purpose.
    #[test]
    fn a_purpose_holds_no_name_number_or_address() {
        assert!("delivery to the guest".parse::<Purpose>().is_ok());
        let long = "x".repeat(MAX_PURPOSE + 1);
        for bad in ["", " ", "a  b", "room 204", "Mr smith", "a@b", "a\n", "é", " a", "a ", &long] {
            assert_eq!(bad.parse::<Purpose>(), Err(InvalidPurpose), "{bad:?}");
        }
    }

    #[test]
    fn a_trace_is_hexadecimal() {
        assert!(TraceId::read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").is_some());
        for bad in ["", "guest smith", &"0".repeat(56), "00-ABC"] {
            assert_eq!(TraceId::read(bad), None, "{bad}");
        }
    }
}
