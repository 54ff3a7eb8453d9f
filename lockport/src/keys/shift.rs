//! A shift: what a member of staff may open, and when (R105 to R107, X16).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::by_hand::{ByHand, Loss, lose, wished};
use super::claim::{Claim, Claimant, Entitlement, KeyOwner};
use crate::audit::People;
use crate::credential::{Holder, KeyCredentialKind, RevokeReason, Staff};
use crate::event::Cause;
use crate::id::{RoomId, ShiftId, UserId};
use crate::property::Property;
use crate::scope::StaffScope;
use crate::store::{Record, Table};
use crate::validity::{Timestamp, Validity};

/// A shift as its start announces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rota {
    pub(super) scopes: Vec<StaffScope>,
    /// The rooms that `rooms:assigned` means.
    pub(super) assigned: BTreeSet<RoomId>,
    pub(super) validity: Validity,
}

/// A shift, with what was heard of it. It began, ended or was cut short; each once, in whatever order they came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ShiftRecord {
    shift: ShiftId,
    pub(super) user: UserId,
    rota: Option<Rota>,
    started: Cause,
    ended: Option<Cause>,
    /// Its member of staff may have no keys any more.
    cut_short: Option<Cause>,
    /// Who saw to that, where it was no event.
    #[serde(default)]
    cut_by: Option<ByHand>,
    #[serde(default)]
    losses: Vec<Loss>,
    wake: Option<Timestamp>,
}

/// There is one stay in a shift.
const ONLY: u64 = 1;

impl ShiftRecord {
    pub(super) fn new(shift: ShiftId, user: UserId) -> Self {
        let (started, rota, ended, cut_short) = (Cause::default(), None, None, None);
        Self { shift, user, rota, started, ended, cut_short, cut_by: None, losses: Vec::new(), wake: None }
    }

    /// Whether that is news.
    pub(super) fn start(&mut self, user: UserId, rota: Rota, cause: Cause) -> bool {
        if self.rota.is_some() {
            return false;
        }
        self.user = user;
        self.rota = Some(rota);
        self.started = cause;
        true
    }

    /// Whether that is news.
    pub(super) fn end(&mut self, cause: Cause) -> bool {
        let is_news = self.ended.is_none();
        self.ended.get_or_insert(cause);
        is_news
    }

    /// Whether that is news.
    pub(super) fn cut_short(&mut self, cause: Cause) -> bool {
        let is_news = self.cut_short.is_none();
        self.cut_short.get_or_insert(cause);
        is_news
    }

    /// The same by a person's order.
    pub(super) fn cut_short_by(&mut self, by: ByHand) {
        if self.cut_short(Cause::default()) {
            self.cut_by = Some(by);
        }
    }

    /// Everything handed out so far is lost, and these kinds are rather to come in its place; whether that is news.
    pub(super) fn lose(&mut self, kinds: Vec<KeyCredentialKind>, by: ByHand) -> bool {
        lose(&mut self.losses, Loss { by, version: ONLY, kinds })
    }

    /// What ended one of its keys, in a word (R218).
    pub(super) fn trigger(&self, reason: RevokeReason) -> &'static str {
        match (&self.cut_short, &self.ended) {
            _ if reason == RevokeReason::Lost => "key.lost",
            (Some(_), _) if self.cut_by.is_some() => "bulk.revoked",
            (Some(_), _) => "user.deactivated",
            (None, Some(_)) => "shift.ended",
            (None, None) => "window.over",
        }
    }

    pub(super) fn scopes(&self) -> &[StaffScope] {
        self.rota.as_ref().map_or(&[], |rota| &rota.scopes)
    }
}

impl Record for ShiftRecord {
    const TABLE: Table = Table::Shift;

    fn id(&self) -> String {
        self.shift.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        self.wake
    }

    fn terms(&self) -> Vec<String> {
        vec![term_of_user(self.user)]
    }
}

/// The term by which a member's shifts are found.
pub(super) fn term_of_user(user: UserId) -> String {
    format!("user:{user}")
}

impl Claimant for ShiftRecord {
    fn owner(&self) -> KeyOwner {
        self.shift.into()
    }

    fn people(&self) -> People {
        People { staff_id: Some(self.user), ..People::default() }
    }

    fn claim(&self, property: &Property) -> Claim {
        match (&self.rota, self.ending_after(ONLY)) {
            (_, Some(reason)) => Claim::Ended(reason),
            (None, None) => Claim::Nothing,
            (Some(Rota { scopes, assigned, validity }), None) => {
                let (rooms, areas) = property.reach(scopes, assigned);
                Claim::Live(Box::new(Entitlement {
                    begun: ONLY,
                    version: ONLY,
                    holder: Holder::Staff(Staff { user_id: self.user }),
                    rooms,
                    areas,
                    validity: *validity,
                    kinds: wished(&self.losses, ONLY, Vec::new()),
                    block: None,
                    losses: self.losses.len(),
                }))
            }
        }
    }

    fn ending_after(&self, _begun: u64) -> Option<RevokeReason> {
        let ended = self.ended.as_ref().map(|_| RevokeReason::Checkout);
        self.cut_short.as_ref().map(|_| RevokeReason::Security).or(ended)
    }

    fn ordered(&self, reason: RevokeReason) -> Option<&ByHand> {
        if reason == RevokeReason::Lost {
            return self.losses.last().map(|loss| &loss.by);
        }
        self.cut_by.as_ref()
    }

    fn last_end(&self) -> Option<Timestamp> {
        self.rota.as_ref().map(|rota| rota.validity.until())
    }

    fn cause(&self, _version: u64) -> Cause {
        self.started.clone()
    }

    fn newest_cause(&self) -> Cause {
        self.cut_short.as_ref().or(self.ended.as_ref()).unwrap_or(&self.started).clone()
    }

    fn set_wake(&mut self, wake: Option<Timestamp>) {
        self.wake = wake;
    }
}

/// A member of staff: whether he may have keys at all. Written with each of his shifts, so that a shift and his deactivation never
/// pass each other by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StaffRecord {
    user: UserId,
    pub(super) deactivated: Option<Cause>,
}

impl StaffRecord {
    pub(super) const fn new(user: UserId) -> Self {
        Self { user, deactivated: None }
    }
}

impl Record for StaffRecord {
    const TABLE: Table = Table::Staff;

    fn id(&self) -> String {
        self.user.to_string()
    }
}
