//! Who may open what, as the page of the format says it, and nothing else: no line of the product stands behind this.
//!
//! What a reservation is at a moment is the fold, in order of version, of its events delivered until then; of two events with
//! one version the first delivered stands. A confirmation without a live stay begins one with a key of its own, within one it
//! replaces it whole; a change does so within a live stay only; an end ends it. All that counts within five seconds.

use std::collections::{BTreeMap, BTreeSet};

/// Within this many seconds a change counts; until then the door may do as before.
const SETTLING: i64 = 5;

/// What an event says about a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Stands(Stay),
    Changes(Stay),
    Ends,
}

/// A stay as a confirmation has it: doors by name, seconds since 1970 in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) guest: String,
    pub(crate) doors: BTreeSet<String>,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Stay {
    fn opens(&self, door: &str, at: i64) -> bool {
        self.from <= at && at < self.until && self.doors.contains(door)
    }
}

#[derive(Debug)]
struct Delivered {
    at: i64,
    version: u64,
    news: News,
}

/// Everything that was delivered so far.
#[derive(Debug, Default)]
pub(crate) struct Model {
    reservations: BTreeMap<String, Vec<Delivered>>,
}

impl Model {
    pub(crate) fn deliver(&mut self, at: i64, reservation: &str, version: u64, news: News) {
        let delivered = Delivered { at, version, news };
        self.reservations.entry(reservation.to_owned()).or_default().push(delivered);
    }

    /// Whether the guest of a reservation opens the door now; `None` while a change is still on its way.
    pub(crate) fn opens(&self, reservation: &str, door: &str, now: i64) -> Option<bool> {
        let Some(delivered) = self.reservations.get(reservation) else { return Some(false) };
        let settled = settled(delivered, now);
        // A new stay has a new key: where one takes the place of another, that is a change though both open.
        let mut verdicts = (settled..=delivered.len()).map(|count| {
            fold(&delivered[..count]).filter(|live| live.stay.opens(door, now)).map(|live| live.begun)
        });
        let first = verdicts.next()?;
        verdicts.all(|verdict| verdict == first).then_some(first.is_some())
    }

    /// The same for a guest who may have more than one reservation and tries with what he got for all of them. Whether the
    /// page means the guest or his reservation is open where the two differ, so there nothing is said.
    pub(crate) fn expects(&self, reservation: &str, door: &str, now: i64) -> Option<bool> {
        let own = self.opens(reservation, door, now)?;
        let guests = self.guests(reservation);
        let is_also_his = |other: &String| other != reservation && !self.guests(other).is_disjoint(&guests);
        let mut others = self.reservations.keys().filter(|other| is_also_his(other));
        if !own && others.any(|other| self.opens(other, door, now) != Some(false)) {
            return None;
        }
        Some(own)
    }

    /// The stay of a reservation that is going on now behind some door: the version that began it, and the one it is as.
    pub(crate) fn going_on(&self, reservation: &str, now: i64) -> Option<(u64, u64)> {
        let delivered = self.reservations.get(reservation)?;
        let live = fold(delivered)?;
        live.stay.doors.iter().find(|door| live.stay.opens(door, now))?;
        (settled(delivered, now) == delivered.len()).then_some((live.begun, live.version))
    }

    fn guests(&self, reservation: &str) -> BTreeSet<&str> {
        let delivered = self.reservations.get(reservation).into_iter().flatten();
        let stays = delivered.filter_map(|event| match &event.news {
            News::Stands(stay) | News::Changes(stay) => Some(&*stay.guest),
            News::Ends => None,
        });
        stays.collect()
    }
}

/// How many of the events have had their five seconds.
fn settled(delivered: &[Delivered], now: i64) -> usize {
    delivered.iter().filter(|event| event.at + SETTLING <= now).count()
}

/// A stay that is not over.
struct Live<'d> {
    begun: u64,
    version: u64,
    stay: &'d Stay,
}

fn fold(delivered: &[Delivered]) -> Option<Live<'_>> {
    let mut by_version = BTreeMap::new();
    for event in delivered {
        by_version.entry(event.version).or_insert(&event.news);
    }
    by_version.into_iter().fold(None, |live, (version, news)| match (news, live) {
        (News::Stands(stay), None) => Some(Live { begun: version, version, stay }),
        (News::Stands(stay) | News::Changes(stay), Some(live)) => {
            Some(Live { begun: live.begun, version, stay })
        }
        (News::Changes(_) | News::Ends, _) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(door: &str, from: i64, until: i64) -> News {
        News::Stands(Stay { guest: "g".into(), doors: [door.to_owned()].into(), from, until })
    }

    #[test]
    fn the_sentences_of_the_page() {
        let mut model = Model::default();
        assert_eq!(model.opens("r", "1", 50), Some(false), "nobody else opens anything");
        model.deliver(0, "r", 2, stay("1", 10, 100));
        assert_eq!(
            [9, 10, 99, 100].map(|at| model.opens("r", "1", at)),
            [false, true, true, false].map(Some)
        );
        assert_eq!(model.opens("r", "2", 50), Some(false), "only his rooms");
        model.deliver(20, "r", 2, stay("2", 10, 100));
        assert_eq!(model.opens("r", "2", 50), Some(false), "the first of one version stands");
        model.deliver(20, "r", 1, News::Ends);
        assert_eq!(model.opens("r", "1", 50), Some(true), "an older end ends nothing");
        model.deliver(40, "r", 4, stay("3", 10, 100));
        assert_eq!(model.opens("r", "3", 44), None, "a change has five seconds");
        assert_eq!((model.opens("r", "1", 45), model.opens("r", "3", 45)), (Some(false), Some(true)));
        model.deliver(50, "r", 3, stay("4", 10, 100));
        assert_eq!(model.opens("r", "3", 51), Some(true), "an older change delivered late is without effect");
        model.deliver(60, "r", 6, News::Ends);
        assert_eq!(model.opens("r", "3", 65), Some(false));
        model.deliver(70, "r", 5, stay("3", 10, 100));
        assert_eq!(model.opens("r", "3", 75), Some(false), "a confirmation below an end is over");
        model.deliver(80, "r", 7, stay("3", 10, 100));
        assert_eq!(model.opens("r", "3", 85), Some(true), "one above it is a new stay");
        assert_eq!((model.going_on("r", 84), model.going_on("r", 85)), (None, Some((7, 7))));
        assert_eq!(model.going_on("r", 100), None, "it is over");
        model.deliver(90, "r", 9, stay("3", 10, 100));
        assert_eq!(model.opens("r", "3", 91), Some(true), "the same stay");
        model.deliver(95, "r", 8, News::Ends);
        assert_eq!(model.opens("r", "3", 96), None, "a new stay with a new key");
    }

    #[test]
    fn a_change_waits_for_its_confirmation() {
        let News::Stands(changed) = stay("2", 10, 100) else { panic!() };
        let mut model = Model::default();
        model.deliver(0, "r", 3, News::Changes(changed.clone()));
        model.deliver(0, "r", 7, News::Changes(changed));
        assert_eq!(model.opens("r", "2", 20), Some(false), "nobody has confirmed anything");
        model.deliver(20, "r", 2, stay("1", 10, 100));
        assert_eq!((model.opens("r", "1", 25), model.opens("r", "2", 25)), (Some(false), Some(true)));
        model.deliver(30, "r", 5, News::Ends);
        assert_eq!(model.opens("r", "2", 35), Some(false), "a change of what is over is without effect");
        model.deliver(40, "r", 6, stay("1", 10, 100));
        assert_eq!((model.opens("r", "2", 45), model.going_on("r", 45)), (Some(true), Some((6, 7))));
    }
}
