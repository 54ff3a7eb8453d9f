//! The readers' languages: state machines from bytes in to bytes out. Time is told to them and delays come out as
//! data, so that nothing here waits.

pub(crate) mod bridge;
pub(crate) mod pcsc;
pub(crate) mod pn532;
pub(crate) mod rrhfoem04;
pub(crate) mod stronglink;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::desk::Desk;

/// One reader's side of the line.
pub(crate) trait Face: fmt::Debug + Send {
    /// A unit of the line has arrived: one byte of a serial line, one report of 64 bytes, or one message of a service's.
    fn take(&mut self, at: Duration, unit: &[u8], desk: &mut Desk);

    /// Its own time has come.
    fn wake(&mut self, at: Duration, desk: &mut Desk);

    /// When it wants to be woken, if ever.
    fn next_wake(&self) -> Option<Duration>;

    /// What it has to say and when.
    fn outbox(&mut self) -> &mut Outbox;

    /// When the next thing in the outbox is due.
    fn next_due(&self) -> Option<Duration>;
}

/// Answers that are ready, each with the time at which it goes onto the line.
#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<(Duration, Vec<u8>)>);

impl Outbox {
    /// Adds an answer. It never overtakes one that is there already.
    pub(crate) fn push(&mut self, due: Duration, bytes: Vec<u8>) {
        let due = self.0.back().map_or(due, |(last, _)| due.max(*last));
        self.0.push_back((due, bytes));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes back what is not out yet.
    pub(crate) fn recall(&mut self, now: Duration) {
        self.0.retain(|(due, _)| *due <= now);
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.0.front().map(|(due, _)| *due)
    }

    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<(Duration, Vec<u8>)> {
        match self.0.front() {
            Some((due, _)) if *due <= now => self.0.pop_front(),
            _ => None,
        }
    }
}
