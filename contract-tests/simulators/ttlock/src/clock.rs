//! The one clock of a simulation.

use tokio::sync::watch;

/// A clock that moves only when it is told to. Clones share the same time.
#[derive(Debug, Clone)]
pub struct SimClock(watch::Sender<i64>);

impl SimClock {
    /// A clock that stands at `unix_ms`.
    #[must_use]
    pub fn new(unix_ms: i64) -> Self {
        Self(watch::Sender::new(unix_ms))
    }

    /// The time now, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        *self.0.borrow()
    }

    /// Sets the time; going back is allowed.
    pub fn set_ms(&self, unix_ms: i64) {
        self.0.send_replace(unix_ms);
    }

    /// Moves the time by `ms`.
    pub fn advance_ms(&self, ms: i64) {
        self.0.send_modify(|now_ms| *now_ms = now_ms.saturating_add(ms));
    }

    /// Tells whoever waits when the time was set.
    pub(crate) fn changes(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }
}
