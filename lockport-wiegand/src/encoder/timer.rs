//! How long to wait: by the host's clock, and never for ever.

use std::sync::Arc;
use std::time::Duration;

use lockport::Timestamp;
use lockport::env::{Clock, Env, Sleep};

/// What a protocol needs of the host besides its link.
#[derive(Clone, Debug)]
pub struct Timer {
    clock: Arc<dyn Clock>,
    sleep: Arc<dyn Sleep>,
}

impl Timer {
    /// The clock and the sleep of this environment.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        Self { clock: Arc::clone(&env.clock), sleep: Arc::clone(&env.sleep) }
    }

    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A wait that ends this long from now.
    pub(super) fn deadline(&self, limit: Duration) -> Deadline {
        Deadline { start: self.now(), limit, looks: MOST_LOOKS }
    }

    /// What is left of a wait; nothing when it is over.
    pub(super) fn left(&self, deadline: &mut Deadline) -> Option<Duration> {
        deadline.looks = deadline.looks.checked_sub(1)?;
        let gone = self.now().signed_duration_since(deadline.start).to_std().unwrap_or_default();
        deadline.limit.checked_sub(gone).filter(|left| !left.is_zero())
    }

    /// Returns when the duration has passed.
    pub(crate) async fn pause(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }
}

/// More reads than any answer takes, a byte each. Where the clock is set back while a line chatters, this ends the wait.
const MOST_LOOKS: u32 = 1024;

/// The end of a wait.
#[derive(Debug)]
pub(super) struct Deadline {
    start: Timestamp,
    limit: Duration,
    looks: u32,
}
