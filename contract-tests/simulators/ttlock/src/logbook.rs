//! What a lock writes down, and what of it the cloud was told (VENDOR: section 8).

use std::collections::VecDeque;

use crate::digits::Digits;
use crate::limits::LOG_MAX;
use crate::memory::Judged;

/// What was held to the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tried {
    /// A phone of this account.
    App(i64),
    /// The cloud, for this account, through the gateway.
    Remote(i64),
    /// The same, to lock.
    RemoteLock(i64),
    Code(Digits),
    Card(u64),
}

/// One line of the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) tried: Tried,
    pub(crate) judged: Judged,
    /// Time on the lock's wall.
    pub(crate) wall_ms: i64,
    pub(crate) battery: u8,
}

impl Entry {
    /// VENDOR: section 8, the numbering of the cloud.
    pub(crate) fn cloud_type(&self) -> i64 {
        match self.tried {
            Tried::App(_) => 1,
            Tried::Code(_) => 4,
            Tried::Card(_) if self.judged == Judged::BlackListed => 51,
            Tried::Card(_) => 7,
            Tried::RemoteLock(_) => 11,
            Tried::Remote(_) => 12,
        }
    }

    /// VENDOR: section 8, the lock's own numbering.
    pub(crate) fn lock_type(&self) -> i64 {
        match (&self.tried, self.judged) {
            (Tried::App(_), _) => 1,
            (Tried::Remote(_), _) => 28,
            (Tried::RemoteLock(_), _) => 26,
            (Tried::Code(_), Judged::Opens) => 4,
            (Tried::Code(_), Judged::Erases) => 10,
            (Tried::Code(_), Judged::TooEarly | Judged::Expired | Judged::OffHours) => 11,
            (Tried::Code(_), Judged::BlackListed) => 13,
            (Tried::Code(_), Judged::Unknown) => 7,
            (Tried::Card(_), Judged::Opens | Judged::Erases) => 17,
            (Tried::Card(_), Judged::TooEarly | Judged::Expired | Judged::OffHours) => 25,
            (Tried::Card(_), Judged::BlackListed) => 51,
            (Tried::Card(_), Judged::Unknown) => 91,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        matches!(self.judged, Judged::Opens | Judged::Erases)
    }

    pub(crate) fn uid(&self) -> i64 {
        match self.tried {
            Tried::App(uid) | Tried::Remote(uid) | Tried::RemoteLock(uid) => uid,
            Tried::Code(_) | Tried::Card(_) => 0,
        }
    }
}

/// The last 500 lines; the cloud has not heard the last `untold` of them.
#[derive(Debug, Default)]
pub(crate) struct Logbook {
    entries: VecDeque<Entry>,
    untold: usize,
}

impl Logbook {
    pub(crate) fn write(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        self.untold += 1;
        if self.entries.len() > LOG_MAX {
            self.entries.pop_front();
        }
        self.untold = self.untold.min(self.entries.len());
    }

    pub(crate) fn has_news(&self) -> bool {
        self.untold > 0
    }

    /// Hands over what the cloud has not heard, oldest first.
    pub(crate) fn tell(&mut self) -> Vec<Entry> {
        let known = self.entries.len().saturating_sub(std::mem::take(&mut self.untold));
        self.entries.iter().skip(known).cloned().collect()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}
