//! The time on a line: it moves when somebody waits for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::Timestamp;
use lockport::env::{Clock, Entropy, Env, ManualClock, SeededEntropy, Sleep};
use lockport_sim_encoder::SimClock;

/// The time on one line. Clones are the same line's.
#[derive(Clone, Debug, Default)]
pub struct LineTime {
    line: SimClock,
    day: Option<Arc<ManualClock>>,
}

impl LineTime {
    /// A time that has nothing to do with the time of the day.
    #[must_use]
    pub fn apart() -> Self {
        Self::default()
    }

    /// A time with which the day's clock moves. The day's may be set back; the line's never is.
    #[must_use]
    pub fn of_day(day: &Arc<ManualClock>) -> Self {
        Self { line: SimClock::new(), day: Some(Arc::clone(day)) }
    }

    /// The time since the line was laid.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.line.now()
    }

    /// Moves the time to there; nothing happens when it is past already.
    pub fn wait_until(&self, then: Duration) {
        let wait = then.saturating_sub(self.now());
        self.line.advance_to(then);
        if let Some(day) = &self.day {
            // A clock of microseconds never stops short of what was waited for.
            day.advance(micros(wait));
        }
    }

    /// The environment of whoever works by this time.
    #[must_use]
    pub fn env(&self, seed: u64) -> Env {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
        Env { clock: Arc::new(self.clone()), sleep: Arc::new(self.clone()), entropy }
    }
}

fn micros(duration: Duration) -> TimeDelta {
    TimeDelta::microseconds(i64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX))
}

impl Clock for LineTime {
    fn now(&self) -> Timestamp {
        let of_line = || Timestamp::UNIX_EPOCH.checked_add_signed(micros(self.line.now()));
        self.day.as_ref().map(|day| day.now()).or_else(of_line).unwrap_or(Timestamp::MAX_UTC)
    }
}

#[async_trait]
impl Sleep for LineTime {
    async fn sleep(&self, duration: Duration) {
        self.wait_until(self.line.now().saturating_add(duration));
    }
}
