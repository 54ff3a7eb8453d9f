//! A PN532 behind a bridge to HID (section 6.2): pieces of the chip's byte stream in reports of 64 bytes.

use std::time::Duration;

use super::pn532::Pn532;
use super::rrhfoem04::REPORT;
use super::{Face, Outbox};
use crate::desk::Desk;

/// How many bytes of the stream fit in a report behind their count.
const MOST: usize = REPORT - 1;

#[derive(Debug)]
pub(crate) struct Bridge {
    chip: Pn532,
    outbox: Outbox,
}

impl Bridge {
    /// The chip behind a bridge is awake: nobody can send it the wake bytes.
    pub(crate) fn new(finds_halted: bool) -> Self {
        Self { chip: Pn532::new(false, finds_halted), outbox: Outbox::default() }
    }

    /// Cuts what the chip says until `at` into reports. What comes later can still be taken back.
    fn collect(&mut self, at: Duration) {
        while let Some((due, bytes)) = self.chip.outbox().pop_due(at) {
            for piece in bytes.chunks(MOST) {
                let mut report = vec![u8::try_from(piece.len()).unwrap_or(u8::MAX)];
                report.extend(piece);
                report.resize(REPORT, 0);
                self.outbox.push(due, report);
            }
        }
    }
}

impl Face for Bridge {
    fn take(&mut self, at: Duration, unit: &[u8], desk: &mut Desk) {
        let Some((count, bytes)) = unit.split_first() else { return };
        match bytes.get(..usize::from(*count)) {
            Some(piece) => self.chip.take(at, piece, desk),
            // A count above 63: the stream is broken.
            None => self.chip.flush(),
        }
        self.collect(at);
    }

    fn wake(&mut self, at: Duration, desk: &mut Desk) {
        self.chip.wake(at, desk);
        self.collect(at);
    }

    fn next_wake(&self) -> Option<Duration> {
        [self.chip.next_wake(), self.chip.next_due()].into_iter().flatten().min()
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn next_due(&self) -> Option<Duration> {
        self.outbox.next_due()
    }
}
