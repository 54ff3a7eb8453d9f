//! Who tried which door, as the locks wrote it down, and what of that the vendor has been told.

use std::collections::{BTreeMap, VecDeque};

use lockport::Timestamp;
use lockport::driver::AttemptOutcome;
use lockport::id::LockDeviceId;

/// How many attempts a lock keeps that it could not tell yet; then the oldest go.
const KEPT_BY_LOCK: usize = 500;
/// How many the vendor keeps.
const KEPT_BY_VENDOR: usize = 10_000;

/// One attempt.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Counts the attempts at all doors.
    pub(crate) number: u64,
    pub(crate) device: LockDeviceId,
    /// By the lock's own clock.
    pub(crate) at: Timestamp,
    pub(crate) outcome: AttemptOutcome,
    /// The marker of what was shown, where the lock knew it.
    pub(crate) marker: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Records {
    last: u64,
    /// What each lock has not told yet.
    untold: BTreeMap<LockDeviceId, VecDeque<Record>>,
    /// What the vendor has, in the order in which it came, with its place in that.
    told: VecDeque<(u64, Record)>,
    last_place: u64,
}

impl Records {
    /// A lock writes down what it said to an attempt.
    pub(crate) fn add(
        &mut self,
        device: LockDeviceId,
        at: Timestamp,
        outcome: AttemptOutcome,
        marker: Option<String>,
    ) {
        self.last = self.last.saturating_add(1);
        let own = self.untold.entry(device).or_default();
        own.push_back(Record { number: self.last, device, at, outcome, marker });
        if own.len() > KEPT_BY_LOCK {
            own.pop_front();
        }
    }

    /// The locks that have a line tell what they have not told.
    pub(crate) fn collect(&mut self, has_line: impl Fn(LockDeviceId) -> bool) {
        let mut fresh: Vec<Record> = Vec::new();
        for (_, own) in self.untold.iter_mut().filter(|(device, _)| has_line(**device)) {
            fresh.extend(own.drain(..));
        }
        fresh.sort_by_key(|record| record.number);
        for record in fresh {
            self.last_place = self.last_place.saturating_add(1);
            self.told.push_back((self.last_place, record));
        }
        let too_many = self.told.len().saturating_sub(KEPT_BY_VENDOR);
        self.told.drain(..too_many);
    }

    /// What the vendor has behind this place, at most so many, each with its place.
    pub(crate) fn after(&self, place: u64, limit: usize) -> Vec<(u64, Record)> {
        self.told.iter().filter(|(own, _)| *own > place).take(limit).cloned().collect()
    }

    /// Whether the vendor has anything behind this place.
    pub(crate) fn has_more(&self, place: u64) -> bool {
        self.told.back().is_some_and(|(last, _)| *last > place)
    }
}
