//! What a reservation is: the fold of what was said about it.

use std::collections::{BTreeMap, BTreeSet};

use super::timeline::{Key, Step};
use super::vendor::Moment;

/// A stay as a confirmation has it: doors by name, seconds since 1970 in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) guest: String,
    pub(crate) doors: BTreeSet<String>,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// What an event says about a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Stands(Stay),
    Changes(Stay),
    Ends,
    Fraud,
    /// Suspends then: "the event's `time` + `noShowSuspendAfterHours`", with "the delay that stood when it was delivered".
    NoShow(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Said {
    News {
        version: u64,
        news: News,
    },
    Lost,
    Unsuspend,
    /// The property was deactivated.
    Closed,
}

/// Everything that was said about a reservation, in the order in which it was.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    said: Vec<(Moment, Said)>,
    /// When its guest stood at the desk.
    pub(crate) desk: Vec<Moment>,
}

/// A stay that is not over.
struct Live<'s> {
    begun: u64,
    stay: &'s Stay,
    is_suspended: bool,
}

impl Reservation {
    pub(crate) fn say(&mut self, moment: Moment, said: Said) {
        self.said.push((moment, said));
    }

    /// The guests it was ever for.
    pub(crate) fn guests(&self) -> BTreeSet<&str> {
        let stays = self.said.iter().filter_map(|(_, said)| match said {
            Said::News { news: News::Stands(stay) | News::Changes(stay), .. } => Some(&*stay.guest),
            _ => None,
        });
        stays.collect()
    }

    /// What its guest may, from each moment on at which that changed.
    pub(crate) fn timeline(&self, now: i64) -> Vec<Step> {
        let mut moments: Vec<(Moment, usize)> =
            self.said.iter().enumerate().map(|(index, (moment, _))| (*moment, index + 1)).collect();
        for (moment, said) in &self.said {
            if let Said::News { news: News::NoShow(due), .. } = said
                && (moment.at..=now).contains(due)
                && *due > moment.at
            {
                let due = Moment::by_the_clock(*due);
                let before = self.said.iter().filter(|(moment, _)| *moment < due).count();
                moments.push((due, before));
            }
        }
        moments.sort_unstable();
        let mut steps = Vec::new();
        let mut generation = 0;
        let mut last: Option<u64> = None;
        for (moment, count) in moments {
            let said = &self.said[..count];
            let live = fold(said, moment.at);
            let losses = said.iter().filter(|(_, said)| matches!(said, Said::Lost)).count();
            let key = live.map(|live| {
                if let Some(last) = last
                    && !is_one_stay(said, last, live.begun)
                {
                    generation += 1;
                }
                last = Some(live.begun);
                Key {
                    doors: live.stay.doors.clone(),
                    from: live.stay.from,
                    until: live.stay.until,
                    is_suspended: live.is_suspended,
                    generation,
                }
            });
            let step = Step { moment, key, losses };
            if steps.last().is_none_or(|last: &Step| (&last.key, last.losses) != (&step.key, step.losses)) {
                steps.push(step);
            }
        }
        steps
    }
}

/// "the fold, in order of version, of its events delivered until then"; "of two events with one version the first delivered stands".
fn by_version(said: &[(Moment, Said)]) -> BTreeMap<u64, (usize, &News)> {
    let mut by_version = BTreeMap::new();
    for (index, (_, said)) in said.iter().enumerate() {
        if let Said::News { version, news } = said {
            by_version.entry(*version).or_insert((index, news));
        }
    }
    by_version
}

/// Whether two beginnings are of one stay: a late confirmation may only make it begin earlier, but an end between them makes two.
fn is_one_stay(said: &[(Moment, Said)], one: u64, other: u64) -> bool {
    let (first, second) = (one.min(other), one.max(other));
    !by_version(said).range(first..second).any(|(_, (_, news))| matches!(news, News::Ends))
}

fn fold(said: &[(Moment, Said)], now: i64) -> Option<Live<'_>> {
    if said.iter().any(|(_, said)| matches!(said, Said::Closed)) {
        return None;
    }
    // "`unsuspend` lifts every suspension delivered so far; one delivered later suspends again".
    let lifted = said.iter().rposition(|(_, said)| matches!(said, Said::Unsuspend)).unwrap_or(0);
    let mut live: Option<Live<'_>> = None;
    for (version, (delivered, news)) in by_version(said) {
        live = match (news, live) {
            (News::Stands(stay), None) => Some(Live { begun: version, stay, is_suspended: false }),
            // "A confirmation within a live stay is a change, and lifts no suspension."
            (News::Stands(stay) | News::Changes(stay), Some(live)) => Some(Live { stay, ..live }),
            (News::Changes(_), None) | (News::Ends, _) => None,
            (News::Fraud, Some(live)) => {
                Some(Live { is_suspended: live.is_suspended || delivered >= lifted, ..live })
            }
            (News::NoShow(due), Some(live)) => {
                let suspends = delivered >= lifted && *due <= now;
                Some(Live { is_suspended: live.is_suspended || suspends, ..live })
            }
            (News::Fraud | News::NoShow(_), None) => None,
        };
    }
    live
}
