//! A stay: what a reservation is at a moment, folded from its events in the order of their versions.
//!
//! Events come twice, late and out of order. They are kept by version, the first delivered of a version stands, and the state
//! is the fold over all that is there: so it does not matter in which order they came.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::credential::{KeyCredentialKind, RevokeReason};
use crate::event::Cause;
use crate::id::{GuestId, ReservationId, RoomId};
use crate::scope::Area;
use crate::store::{Record, Table};
use crate::validity::Validity;

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
}

/// An event as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivered {
    pub(super) event: StayEvent,
    pub(super) cause: Cause,
}

/// A reservation, with all its events so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StayRecord {
    pub(super) reservation: ReservationId,
    pub(super) events: BTreeMap<u64, Delivered>,
}

impl Record for StayRecord {
    const TABLE: Table = Table::Stay;

    fn id(&self) -> String {
        self.reservation.to_string()
    }
}

/// What a reservation is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// Nothing that gives access was heard of it yet.
    Nothing,
    /// The guest may open.
    Live {
        /// The version of the confirmation that began the stay.
        begun: u64,
        /// The version of the event that the booking is from.
        version: u64,
        booking: Booking,
    },
    /// Over; for this reason.
    Ended(RevokeReason),
}

impl StayRecord {
    pub(super) const fn new(reservation: ReservationId) -> Self {
        Self { reservation, events: BTreeMap::new() }
    }

    /// Takes an event in; whether it was new. Of two events with one version the first delivered stands.
    pub(super) fn deliver(&mut self, version: u64, delivered: Delivered) -> bool {
        if self.events.contains_key(&version) {
            return false;
        }
        self.events.insert(version, delivered);
        true
    }

    pub(super) fn fold(&self) -> Stay {
        let mut stay = Stay::Nothing;
        for (version, delivered) in &self.events {
            stay = match (&delivered.event, stay) {
                (StayEvent::Confirmed(booking), Stay::Live { begun, .. }) => {
                    Stay::Live { begun, version: *version, booking: booking.clone() }
                }
                (StayEvent::Confirmed(booking), _) => {
                    Stay::Live { begun: *version, version: *version, booking: booking.clone() }
                }
                (StayEvent::DatesChanged(booking), Stay::Live { begun, .. }) => {
                    Stay::Live { begun, version: *version, booking: booking.clone() }
                }
                // A change of what is not there, or no longer there, is without effect.
                (StayEvent::DatesChanged(_), other) => other,
                (StayEvent::Ended(reason), _) => Stay::Ended(*reason),
            };
        }
        stay
    }

    /// Why a stay that began at `begun` is over: the first ending after it.
    pub(super) fn ending_after(&self, begun: u64) -> Option<RevokeReason> {
        self.events.range(begun..).find_map(|(_, delivered)| match delivered.event {
            StayEvent::Ended(reason) => Some(reason),
            StayEvent::Confirmed(_) | StayEvent::DatesChanged(_) => None,
        })
    }

    /// The event that made it what it is.
    pub(super) fn cause(&self, version: u64) -> Cause {
        self.events.get(&version).map(|delivered| delivered.cause.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn booking(day: i64) -> Booking {
        let at = |day: i64| DateTime::from_timestamp(day * 86_400, 0).unwrap();
        Booking {
            guest: GuestId::derived("t", &[b"g"]),
            rooms: BTreeSet::from([RoomId::derived("t", &[b"r"])]),
            areas: BTreeSet::new(),
            validity: Validity::new(at(day), at(day + 1)).unwrap(),
            preferred_kinds: Vec::new(),
        }
    }

    fn fold(events: &[(u64, StayEvent)]) -> Stay {
        let mut stay = StayRecord::new(ReservationId::derived("t", &[b"s"]));
        for (version, event) in events {
            stay.deliver(*version, Delivered { event: event.clone(), cause: Cause::default() });
        }
        stay.fold()
    }

    /// The order of delivery makes no difference: every permutation of these folds alike.
    #[test]
    fn the_fold_does_not_depend_on_the_order_of_delivery() {
        let mut events = vec![
            (1, StayEvent::DatesChanged(booking(1))),
            (2, StayEvent::Confirmed(booking(2))),
            (4, StayEvent::Ended(RevokeReason::Cancellation)),
            (5, StayEvent::DatesChanged(booking(5))),
            (6, StayEvent::Confirmed(booking(6))),
            (7, StayEvent::DatesChanged(booking(7))),
        ];
        let expected = Stay::Live { begun: 6, version: 7, booking: booking(7) };
        let mut permutations = 0;
        permute(&mut events, 0, &mut |events| {
            permutations += 1;
            assert_eq!(fold(events), expected, "{events:?}");
        });
        assert_eq!(permutations, 720);
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
        let stay = fold(&[cancelled, confirmed, again]);
        assert_eq!(stay, Stay::Live { begun: 4, version: 4, booking: booking(2) });
    }

    #[test]
    fn a_change_waits_for_its_confirmation_and_of_one_version_the_first_stands() {
        let change = (3, StayEvent::DatesChanged(booking(3)));
        assert_eq!(fold(std::slice::from_ref(&change)), Stay::Nothing);
        let confirmed = (2, StayEvent::Confirmed(booking(1)));
        let twin = (2, StayEvent::Ended(RevokeReason::Checkout));
        assert_eq!(
            fold(&[change, confirmed, twin]),
            Stay::Live { begun: 2, version: 3, booking: booking(3) }
        );
    }
}
