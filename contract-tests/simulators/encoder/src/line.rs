//! The line between host and reader: bytes take their time, both ways.

use std::collections::VecDeque;
use std::time::Duration;

/// A serial line at a speed, or one that takes no time.
#[derive(Debug)]
pub(crate) struct Line {
    /// Of one byte: start bit, eight bits, stop bit.
    byte: Duration,
    incoming: VecDeque<(Duration, u8)>,
    incoming_free: Duration,
    outgoing: VecDeque<(Duration, u8)>,
    outgoing_free: Duration,
}

impl Line {
    pub(crate) fn new(baud: Option<u32>) -> Self {
        let byte = baud.filter(|baud| *baud > 0).map_or(0, |baud| 10_000_000_000 / u64::from(baud));
        Self {
            byte: Duration::from_nanos(byte),
            incoming: VecDeque::new(),
            incoming_free: Duration::ZERO,
            outgoing: VecDeque::new(),
            outgoing_free: Duration::ZERO,
        }
    }

    /// Whatever is under way is lost.
    pub(crate) fn clear(&mut self) {
        self.incoming.clear();
        self.outgoing.clear();
    }

    /// The host sends from `now` on; returns when its last byte will have arrived.
    pub(crate) fn send(&mut self, now: Duration, bytes: &[u8]) -> Duration {
        self.incoming_free = self.incoming_free.max(now);
        for byte in bytes {
            self.incoming_free += self.byte;
            self.incoming.push_back((self.incoming_free, *byte));
        }
        self.incoming_free
    }

    /// The reader sends from `due` on.
    pub(crate) fn answer(&mut self, due: Duration, bytes: &[u8]) {
        self.outgoing_free = self.outgoing_free.max(due);
        for byte in bytes {
            self.outgoing_free += self.byte;
            self.outgoing.push_back((self.outgoing_free, *byte));
        }
    }

    /// When the next byte reaches the reader.
    pub(crate) fn next_arrival(&self) -> Option<Duration> {
        self.incoming.front().map(|(at, _)| *at)
    }

    pub(crate) fn pop_arrived(&mut self) -> Option<(Duration, u8)> {
        self.incoming.pop_front()
    }

    /// When the next byte reaches the host.
    pub(crate) fn next_for_host(&self) -> Option<Duration> {
        self.outgoing.front().map(|(at, _)| *at)
    }

    pub(crate) fn receive(&mut self, now: Duration) -> Vec<u8> {
        let count = self.outgoing.partition_point(|(at, _)| *at <= now);
        self.outgoing.drain(..count).map(|(_, byte)| byte).collect()
    }
}
