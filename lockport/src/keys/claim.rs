//! What somebody is entitled to at a moment: folded from events, whoever it is, and the same for guests and staff from here on.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::by_hand::ByHand;
use super::house::HouseRecord;
use crate::audit::People;
use crate::credential::{Holder, KeyCredentialKind, RevokeReason, SuspendReason};
use crate::event::Cause;
use crate::id::{KeyCredentialId, ReservationId, RoomId, ShiftId};
use crate::property::Property;
use crate::scope::Area;
use crate::store::Record;
use crate::validity::{Timestamp, Validity};

/// For whom keys are kept: the stay of a reservation, or a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOwner {
    /// A guest's stay.
    Stay(ReservationId),
    /// A shift of a member of staff.
    Shift(ShiftId),
}

impl KeyOwner {
    /// The id of one of the keys that are kept for it.
    pub(super) fn key_id(self, parts: &[&[u8]]) -> KeyCredentialId {
        let (domain, id) = match self {
            Self::Stay(id) => ("lockport/stay-key/v1", id.to_bytes()),
            Self::Shift(id) => ("lockport/shift-key/v1", id.to_bytes()),
        };
        let parts: Vec<&[u8]> = std::iter::once(id.as_slice()).chain(parts.iter().copied()).collect();
        KeyCredentialId::derived(domain, &parts)
    }
}

impl fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stay(id) => id.fmt(f),
            Self::Shift(id) => id.fmt(f),
        }
    }
}

impl From<ReservationId> for KeyOwner {
    fn from(id: ReservationId) -> Self {
        Self::Stay(id)
    }
}

impl From<ShiftId> for KeyOwner {
    fn from(id: ShiftId) -> Self {
        Self::Shift(id)
    }
}

/// Not to open, from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) from: Timestamp,
    pub(super) reason: SuspendReason,
}

/// What somebody may open, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entitlement {
    /// The version of the event that began it: what was given before is of another one.
    pub(super) begun: u64,
    /// The version of the event that it is from as it stands.
    pub(super) version: u64,
    pub(super) holder: Holder,
    pub(super) rooms: BTreeSet<RoomId>,
    pub(super) areas: BTreeSet<Area>,
    pub(super) validity: Validity,
    /// Kinds that are wished for; empty where none are.
    pub(super) kinds: Vec<KeyCredentialKind>,
    pub(super) block: Option<Block>,
    /// How often everything that was handed out was lost.
    pub(super) losses: usize,
}

/// What somebody is entitled to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nothing that gives access was heard of yet.
    Nothing,
    Live(Box<Entitlement>),
    /// Over; for this reason.
    Ended(RevokeReason),
}

impl Claim {
    /// The claim, unless its window or its property is over.
    pub(super) fn at(self, now: Timestamp, house: &HouseRecord) -> Self {
        match self {
            Self::Live(_) if house.is_deactivated() => Self::Ended(RevokeReason::Security),
            Self::Live(entitlement) if entitlement.validity.is_over(now) => {
                Self::Ended(RevokeReason::Checkout)
            }
            other => other,
        }
    }

    /// The next instant at which it becomes something else by itself.
    pub(super) fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let Self::Live(entitlement) = self else { return None };
        let blocked = entitlement.block.map(|block| block.from).filter(|from| *from > now);
        Some(blocked.map_or(entitlement.validity.until(), |from| from.min(entitlement.validity.until())))
    }
}

/// A record that a claim is folded from.
pub(super) trait Claimant: Record {
    fn owner(&self) -> KeyOwner;

    /// Whose keys they are, as the audit names him.
    fn people(&self) -> People;

    /// What follows from what was heard so far. It may name rooms that the property no longer has.
    fn claim(&self, property: &Property) -> Claim;

    /// Why what began at `begun` is over, if an event ended it.
    fn ending_after(&self, begun: u64) -> Option<RevokeReason>;

    /// On whose order its keys were taken away for this reason, where that was a person's.
    fn ordered(&self, reason: RevokeReason) -> Option<&ByHand>;

    /// When the last window that was heard of ends.
    fn last_end(&self) -> Option<Timestamp>;

    /// The event that made it what it is.
    fn cause(&self, version: u64) -> Cause;

    /// What was heard of it last.
    fn newest_cause(&self) -> Cause;

    /// When it wants to be looked at again.
    fn set_wake(&mut self, wake: Option<Timestamp>);
}
