//! Layers over a port, in the one order that means what it says: audit > trace > guard > deadline > retry > metrics > attempt
//! time-out > trace of an attempt.
//! See `docs/decisions/0008-layers.md`.

#[cfg(feature = "trace")]
mod attempt;
mod audit;
mod call;
mod deadline;
mod guard;
mod measure;
mod retry;
#[cfg(feature = "trace")]
mod trace;

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "trace")]
use self::attempt::AttemptLayer;
pub use self::audit::{AuditLayer, AuditRecord, AuditSink};
pub use self::deadline::DeadlineLayer;
pub use self::guard::GuardLayer;
pub use self::measure::MetricsLayer;
pub use self::retry::{Decision, Failed, GiveUp, RetryBudget, RetryLayer, RetryPolicy, decide};
#[cfg(feature = "trace")]
pub use self::trace::TraceLayer;
pub use crate::audit::{Outcome, Reason};
use crate::device::DoorMap;
use crate::env::Env;
use crate::port::SharedLockPort;
use crate::store::Partition;
use crate::telemetry::Metrics;

/// Puts the layers around a port. The guard and the deadline cannot be left out; in which order the others are named changes
/// nothing.
#[derive(Debug)]
pub struct LockStack {
    port: SharedLockPort,
    partition: Partition,
    doors: Arc<DoorMap>,
    env: Env,
    audit: Option<Arc<dyn AuditSink>>,
    #[cfg(feature = "trace")]
    trace: bool,
    deadline: Option<Duration>,
    retry: Option<RetryPolicy>,
    metrics: Option<Arc<dyn Metrics>>,
    attempt_timeout: Option<Duration>,
}

impl LockStack {
    /// Around this port of this property.
    #[must_use]
    pub fn new(port: SharedLockPort, partition: Partition, doors: Arc<DoorMap>, env: Env) -> Self {
        Self {
            port,
            partition,
            doors,
            env,
            audit: None,
            #[cfg(feature = "trace")]
            trace: false,
            deadline: None,
            retry: None,
            metrics: None,
            attempt_timeout: None,
        }
    }

    /// With a record of every call, also of a refused one.
    #[must_use]
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// With a span around every call, and around each of its attempts another, with a line of the log (R192, R193, R201).
    #[cfg(feature = "trace")]
    #[must_use]
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// With a shorter deadline than the latency class's (10, 40 or 60 s); a longer one changes nothing.
    #[must_use]
    pub fn deadline(mut self, ceiling: Duration) -> Self {
        self.deadline = Some(ceiling);
        self
    }

    /// With repeats of what failed and may succeed. Not under a `KeyService`, which has a schedule of its own.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// With every attempt counted and timed (R197).
    #[must_use]
    pub fn metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// With a time-out for each attempt: at most this long.
    #[must_use]
    pub fn attempt_timeout(mut self, ceiling: Duration) -> Self {
        self.attempt_timeout = Some(ceiling);
        self
    }

    /// The whole stack.
    #[must_use]
    pub fn build(self) -> SharedLockPort {
        let Self { mut port, partition, env, deadline, .. } = self;
        #[cfg(feature = "trace")]
        if self.trace {
            port = Arc::new(AttemptLayer::new(port, partition, env.clone()));
        }
        if let Some(ceiling) = self.attempt_timeout {
            port = Arc::new(DeadlineLayer::per_attempt(port, ceiling, env.clone()));
        }
        if let Some(metrics) = self.metrics {
            port = Arc::new(MetricsLayer::new(port, partition, metrics, env.clone()));
        }
        if let Some(policy) = self.retry {
            port = Arc::new(RetryLayer::new(port, policy, deadline, env.clone()));
        }
        port = Arc::new(DeadlineLayer::new(port, deadline, env.clone()));
        port = Arc::new(GuardLayer::new(port, partition, self.doors));
        #[cfg(feature = "trace")]
        if self.trace {
            port = Arc::new(TraceLayer::new(port, partition, env.clone()));
        }
        if let Some(sink) = self.audit {
            port = Arc::new(AuditLayer::new(port, partition, sink, deadline, env));
        }
        port
    }
}
