//! A stay: what a reservation is at a moment, folded from its events in the order of their versions.
//!
//! Events come twice, late and out of order. They are kept by version, the first delivered of a version stands, and the state
//! is the fold over all that is there: so it does not matter in which order they came. Only what a person at the desk does has a
//! place in the order of delivery: lifting suspensions, reporting a loss.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::by_hand::{ByHand, Loss, lose, wished};
use super::claim::{Block, Claim, Claimant, Entitlement, KeyOwner};
use crate::audit::People;
use crate::credential::{Contact, Guest, Holder, KeyCredentialKind, RevokeReason, SuspendReason};
use crate::event::Cause;
use crate::id::{GuestId, ReservationId, RoomId, UserId};
use crate::property::Property;
use crate::scope::Area;
use crate::store::{Record, Table};
use crate::validity::{Timestamp, Validity};

/// What a reservation entitles its guest to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Booking {
    pub(super) guest: GuestId,
    pub(super) rooms: BTreeSet<RoomId>,
    pub(super) areas: BTreeSet<Area>,
    pub(super) validity: Validity,
    /// Empty where the booking names none.
    pub(super) preferred_kinds: Vec<KeyCredentialKind>,
}

/// What one event says of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StayEvent {
    Confirmed(Booking),
    DatesChanged(Booking),
    Ended(RevokeReason),
    /// Not to open, from this instant on: the delay that stood at the delivery is in it.
    Suspended {
        reason: SuspendReason,
        from: Timestamp,
    },
}

/// An event as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivered {
    pub(super) event: StayEvent,
    pub(super) cause: Cause,
    /// The how many-th thing that was heard of the reservation.
    nth: u64,
}

/// An ending that no event of the bus told: everything up to a version is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CutShort {
    up_to: u64,
    reason: RevokeReason,
    by: ByHand,
}

/// A suspension that no event of the bus told (R28): of what the reservation is after a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Suspension {
    after: u64,
    /// The how many-th thing that was heard of the reservation.
    nth: u64,
    reason: SuspendReason,
    by: ByHand,
}

/// A reservation, with all its events so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StayRecord {
    reservation: ReservationId,
    events: BTreeMap<u64, Delivered>,
    heard: u64,
    /// Suspensions heard of up to here are lifted.
    lifted: u64,
    liftings: Vec<ByHand>,
    losses: Vec<Loss>,
    cuts: Vec<CutShort>,
    #[serde(default)]
    suspensions: Vec<Suspension>,
    wake: Option<Timestamp>,
}

impl Record for StayRecord {
    const TABLE: Table = Table::Stay;

    fn id(&self) -> String {
        self.reservation.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        self.wake
    }
}

/// What a reservation is now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stay {
    /// Nothing that gives access was heard of it yet.
    Nothing,
    /// The guest may open, unless he is blocked.
    Live {
        /// The version of the confirmation that began the stay.
        begun: u64,
        /// The version of the event that the booking is from.
        version: u64,
        booking: Booking,
        block: Option<Block>,
    },
    /// Over; for this reason.
    Ended(RevokeReason),
}

impl StayRecord {
    pub(super) const fn new(reservation: ReservationId) -> Self {
        Self {
            reservation,
            events: BTreeMap::new(),
            heard: 0,
            lifted: 0,
            liftings: Vec::new(),
            losses: Vec::new(),
            cuts: Vec::new(),
            suspensions: Vec::new(),
            wake: None,
        }
    }

    fn hear(&mut self) -> u64 {
        self.heard = self.heard.saturating_add(1);
        self.heard
    }

    /// Takes an event in; whether it was new. Of two events with one version the first delivered stands.
    pub(super) fn deliver(&mut self, version: u64, event: StayEvent, cause: Cause) -> bool {
        if self.events.contains_key(&version) {
            return false;
        }
        let nth = self.hear();
        self.events.insert(version, Delivered { event, cause, nth });
        true
    }

    /// Lifts every suspension heard of so far; whether that is news.
    pub(super) fn lift(&mut self, by: ByHand) -> bool {
        if self.liftings.iter().any(|lifting| lifting.name == by.name) {
            return false;
        }
        self.lifted = self.hear();
        self.liftings.push(by);
        true
    }

    /// Suspends what the reservation is now, until somebody lifts it; whether that is news.
    pub(super) fn suspend(&mut self, reason: SuspendReason, by: ByHand) -> bool {
        if self.suspensions.iter().any(|known| known.by.name == by.name) {
            return false;
        }
        let (after, nth) = (self.newest_version(), self.hear());
        self.suspensions.push(Suspension { after, nth, reason, by });
        true
    }

    /// Everything handed out so far is lost, and these kinds are rather to come in its place; whether that is news.
    pub(super) fn lose(&mut self, kinds: Vec<KeyCredentialKind>, by: ByHand) -> bool {
        let version = self.newest_version();
        lose(&mut self.losses, Loss { by, version, kinds })
    }

    fn newest_version(&self) -> u64 {
        self.events.keys().next_back().copied().unwrap_or(0)
    }

    /// Ends what the reservation is now, whatever it is; a confirmation of a later version begins anew. Whether that is news.
    pub(super) fn cut_short(&mut self, reason: RevokeReason, by: ByHand) -> bool {
        if self.cuts.iter().any(|cut| cut.by.name == by.name) {
            return false;
        }
        let up_to = self.newest_version();
        self.cuts.push(CutShort { up_to, reason, by });
        true
    }

    /// The ending by hand after this version and before the next, if there is one.
    fn cut_after(&self, version: u64) -> Option<RevokeReason> {
        self.cuts.iter().find(|cut| cut.up_to == version).map(|cut| cut.reason)
    }

    /// Who lifted the last suspension.
    pub(super) fn lifted_by(&self) -> Option<UserId> {
        self.liftings.last().map(|lifting| lifting.operator)
    }

    /// Who suspended it last for this reason, where that was a person.
    pub(super) fn suspended_by(&self, reason: SuspendReason) -> Option<UserId> {
        self.suspensions.iter().rev().find(|known| known.reason == reason).map(|known| known.by.operator)
    }

    fn fold(&self) -> Stay {
        let mut stay = Stay::Nothing;
        // The earliest counts.
        let earlier = |block: Option<Block>, from, reason| {
            block.filter(|block| block.from <= from).unwrap_or(Block { from, reason })
        };
        for (version, delivered) in &self.events {
            stay = match (&delivered.event, stay) {
                // A confirmation within a stay is a change, and lifts no suspension.
                (
                    StayEvent::Confirmed(booking) | StayEvent::DatesChanged(booking),
                    Stay::Live { begun, block, .. },
                ) => Stay::Live { begun, version: *version, booking: booking.clone(), block },
                (StayEvent::Confirmed(booking), _) => {
                    Stay::Live { begun: *version, version: *version, booking: booking.clone(), block: None }
                }
                (StayEvent::Suspended { reason, from }, Stay::Live { begun, version, booking, block })
                    if delivered.nth > self.lifted =>
                {
                    let block = Some(earlier(block, *from, *reason));
                    Stay::Live { begun, version, booking, block }
                }
                // What changes nothing that is there is without effect.
                (StayEvent::DatesChanged(_) | StayEvent::Suspended { .. }, other) => other,
                (StayEvent::Ended(reason), _) => Stay::Ended(*reason),
            };
            if let Some(reason) = self.cut_after(*version) {
                stay = Stay::Ended(reason);
            }
            let by_hand = self.suspensions.iter().filter(|known| known.after == *version);
            for suspension in by_hand.filter(|known| known.nth > self.lifted) {
                if let Stay::Live { block, .. } = &mut stay {
                    *block = Some(earlier(*block, suspension.by.at, suspension.reason));
                }
            }
        }
        stay
    }
}

impl Claimant for StayRecord {
    fn owner(&self) -> KeyOwner {
        self.reservation.into()
    }

    /// By the newest event that says so.
    fn people(&self) -> People {
        let guest_id = self.events.values().rev().find_map(|delivered| match &delivered.event {
            StayEvent::Confirmed(booking) | StayEvent::DatesChanged(booking) => Some(booking.guest),
            StayEvent::Ended(_) | StayEvent::Suspended { .. } => None,
        });
        People { guest_id, ..People::default() }
    }

    fn claim(&self, _property: &Property) -> Claim {
        match self.fold() {
            Stay::Nothing => Claim::Nothing,
            Stay::Ended(reason) => Claim::Ended(reason),
            Stay::Live { begun, version, booking, block } => {
                let holder = Holder::Guest(Guest {
                    id: booking.guest,
                    reservation_id: self.reservation,
                    display_name: None,
                    contact: Contact::default(),
                });
                let Booking { rooms, areas, validity, preferred_kinds, .. } = booking;
                let kinds = wished(&self.losses, begun, preferred_kinds);
                let losses = self.losses.len();
                Claim::Live(Box::new(Entitlement {
                    begun,
                    version,
                    holder,
                    rooms,
                    areas,
                    validity,
                    kinds,
                    block,
                    losses,
                }))
            }
        }
    }

    fn ending_after(&self, begun: u64) -> Option<RevokeReason> {
        self.events.range(begun..).find_map(|(version, delivered)| match delivered.event {
            StayEvent::Ended(reason) => Some(reason),
            StayEvent::Confirmed(_) | StayEvent::DatesChanged(_) | StayEvent::Suspended { .. } => {
                self.cut_after(*version)
            }
        })
    }

    fn ordered(&self, reason: RevokeReason) -> Option<&ByHand> {
        if reason == RevokeReason::Lost {
            return self.losses.last().map(|loss| &loss.by);
        }
        self.cuts.iter().rev().find(|cut| cut.reason == reason).map(|cut| &cut.by)
    }

    fn last_end(&self) -> Option<Timestamp> {
        let until = self.events.values().filter_map(|delivered| match &delivered.event {
            StayEvent::Confirmed(booking) | StayEvent::DatesChanged(booking) => {
                Some(booking.validity.until())
            }
            StayEvent::Ended(_) | StayEvent::Suspended { .. } => None,
        });
        until.max()
    }

    fn cause(&self, version: u64) -> Cause {
        self.events.get(&version).map(|delivered| delivered.cause.clone()).unwrap_or_default()
    }

    fn newest_cause(&self) -> Cause {
        let newest = self.events.values().max_by_key(|delivered| delivered.nth);
        newest.map(|delivered| delivered.cause.clone()).unwrap_or_default()
    }

    fn set_wake(&mut self, wake: Option<Timestamp>) {
        self.wake = wake;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(day: i64) -> Timestamp {
        DateTime::from_timestamp(day * 86_400, 0).unwrap()
    }

    fn booking(day: i64) -> Booking {
        Booking {
            guest: GuestId::derived("t", &[b"g"]),
            rooms: BTreeSet::from([RoomId::derived("t", &[b"r"])]),
            areas: BTreeSet::new(),
            validity: Validity::new(at(day), at(day + 1)).unwrap(),
            preferred_kinds: Vec::new(),
        }
    }

    fn live(begun: u64, version: u64, day: i64) -> Stay {
        Stay::Live { begun, version, booking: booking(day), block: None }
    }

    fn no_show(day: i64) -> StayEvent {
        StayEvent::Suspended { reason: SuspendReason::NoShow, from: at(day) }
    }

    fn heard(events: &[(u64, StayEvent)]) -> StayRecord {
        let mut stay = StayRecord::new(ReservationId::derived("t", &[b"s"]));
        for (version, event) in events {
            stay.deliver(*version, event.clone(), Cause::default());
        }
        stay
    }

    fn fold(events: &[(u64, StayEvent)]) -> Stay {
        heard(events).fold()
    }

    fn block(stay: &StayRecord) -> Option<Timestamp> {
        match stay.fold() {
            Stay::Live { block, .. } => block.map(|block| block.from),
            other => panic!("{other:?}"),
        }
    }

    fn by_hand(name: &str) -> ByHand {
        let (name, operator) = (name.parse().unwrap(), UserId::derived("t", &[b"u"]));
        ByHand { name, operator, at: at(0), decision: None }
    }

    /// The order of delivery makes no difference: every permutation of these folds alike.
    #[test]
    fn the_fold_does_not_depend_on_the_order_of_delivery() {
        let mut events = vec![
            (1, StayEvent::DatesChanged(booking(1))),
            (2, StayEvent::Confirmed(booking(2))),
            (3, no_show(2)),
            (4, StayEvent::Ended(RevokeReason::Cancellation)),
            (5, StayEvent::DatesChanged(booking(5))),
            (6, StayEvent::Confirmed(booking(6))),
            (7, StayEvent::DatesChanged(booking(7))),
        ];
        let mut permutations = 0;
        permute(&mut events, 0, &mut |events| {
            permutations += 1;
            assert_eq!(fold(events), live(6, 7, 7), "{events:?}");
        });
        assert_eq!(permutations, 5_040);
    }

    fn permute(events: &mut [(u64, StayEvent)], at: usize, judge: &mut impl FnMut(&[(u64, StayEvent)])) {
        if at == events.len() {
            return judge(events);
        }
        for other in at..events.len() {
            events.swap(at, other);
            permute(events, at + 1, judge);
            events.swap(at, other);
        }
    }

    #[test]
    fn a_cancellation_before_its_confirmation_wins_and_a_later_confirmation_begins_anew() {
        let cancelled = (3, StayEvent::Ended(RevokeReason::Cancellation));
        let confirmed = (2, StayEvent::Confirmed(booking(1)));
        assert_eq!(fold(&[cancelled.clone(), confirmed.clone()]), Stay::Ended(RevokeReason::Cancellation));
        let again = (4, StayEvent::Confirmed(booking(2)));
        assert_eq!(fold(&[cancelled, confirmed, again]), live(4, 4, 2));
    }

    #[test]
    fn a_change_waits_for_its_confirmation_and_of_one_version_the_first_stands() {
        let change = (3, StayEvent::DatesChanged(booking(3)));
        assert_eq!(fold(std::slice::from_ref(&change)), Stay::Nothing);
        let confirmed = (2, StayEvent::Confirmed(booking(1)));
        let twin = (2, StayEvent::Ended(RevokeReason::Checkout));
        assert_eq!(fold(&[change, confirmed, twin]), live(2, 3, 3));
    }

    /// A suspension belongs to its stay, whatever changes within it; the earliest counts; a lifting reaches all that was heard of.
    #[test]
    fn a_suspension_lasts_until_somebody_lifts_it() {
        let confirmed = |version| (version, StayEvent::Confirmed(booking(1)));
        let fraud = StayEvent::Suspended { reason: SuspendReason::FraudReview, from: at(3) };
        let mut stay = heard(&[confirmed(1), (2, no_show(5)), confirmed(3), (4, fraud), confirmed(5)]);
        assert_eq!(block(&stay), Some(at(3)));
        assert!(stay.lift(by_hand("one")));
        assert_eq!(block(&stay), None);
        // One that comes later suspends again, and the lifting of before, told twice, does not reach it.
        stay.deliver(6, no_show(7), Cause::default());
        assert!(!stay.lift(by_hand("one")));
        assert_eq!(block(&stay), Some(at(7)));
        // Heard of before its stay was, and lifted before: lifted.
        let mut early = heard(&[(2, no_show(5))]);
        early.lift(by_hand("two"));
        early.deliver(1, StayEvent::Confirmed(booking(1)), Cause::default());
        assert_eq!(block(&early), None);
        // What was there before the stay began is of another one.
        assert_eq!(fold(&[(1, no_show(1)), confirmed(2)]), live(2, 2, 1));
    }

    #[test]
    fn a_loss_told_twice_is_one() {
        let mut stay = heard(&[(1, StayEvent::Confirmed(booking(1)))]);
        assert!(stay.lose(Vec::new(), by_hand("one")));
        assert!(!stay.lose(Vec::new(), by_hand("one")));
        assert!(stay.lose(Vec::new(), by_hand("two")));
        assert_eq!(stay.losses.len(), 2);
    }

    /// R103: what was chosen at a loss comes first for as long as the stay lasts, and not in the next.
    #[test]
    fn a_kind_that_was_chosen_at_a_loss_is_wished_for_in_that_stay() {
        use KeyCredentialKind::{MobileApp, PinCode, RfidCard};
        let booked = vec![RfidCard, PinCode];
        let mut stay = heard(&[(1, StayEvent::Confirmed(booking(1)))]);
        stay.lose(vec![PinCode], by_hand("one"));
        stay.lose(Vec::new(), by_hand("two"));
        assert_eq!(wished(&stay.losses, 1, booked.clone()), [PinCode, RfidCard], "the last choice stands");
        stay.lose(vec![MobileApp], by_hand("three"));
        assert_eq!(wished(&stay.losses, 1, booked.clone()), [MobileApp, RfidCard, PinCode]);
        assert_eq!(wished(&stay.losses, 2, booked.clone()), booked);
    }

    /// R28: a person suspends what the reservation is then, and a lifting reaches that too.
    #[test]
    fn a_suspension_by_hand_is_of_the_stay_it_was_said_of() {
        let mut stay = heard(&[(1, StayEvent::Confirmed(booking(1))), (2, no_show(5))]);
        assert!(stay.suspend(SuspendReason::OverduePayment, by_hand("one")));
        assert!(!stay.suspend(SuspendReason::OverduePayment, by_hand("one")));
        assert_eq!(block(&stay), Some(at(0)));
        assert!(stay.lift(by_hand("lift")));
        assert_eq!(block(&stay), None);
        assert!(stay.suspend(SuspendReason::Manual, by_hand("two")));
        stay.deliver(3, StayEvent::DatesChanged(booking(2)), Cause::default());
        assert_eq!(block(&stay), Some(at(0)), "a change lifts nothing");
        stay.deliver(4, StayEvent::Ended(RevokeReason::Cancellation), Cause::default());
        stay.deliver(5, StayEvent::Confirmed(booking(3)), Cause::default());
        assert_eq!(block(&stay), None, "another stay");
    }
}
