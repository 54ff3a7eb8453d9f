//! A circuit for each vendor and property: who fails too often is left alone for a while, and then asked carefully.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::env::{Env, HttpRequest, HttpResponse, HttpTransport, TransportError};
use crate::validity::Timestamp;

/// How many of the last outcomes count.
pub const WINDOW: u32 = 100;
/// How many there must be before the circuit may open.
const LEAST: u32 = 20;
/// The part of them, in percent, at which it opens.
const OPEN_AT_PERCENT: u32 = 50;
/// How many good probes in a row close it.
const PROBES: u32 = 3;
/// How long it stays open before the first probe.
const OPEN_FOR: Duration = Duration::from_secs(30);
/// A request given up after at least this long without an answer has failed; one given up earlier says nothing of the vendor.
const SILENCE: Duration = Duration::from_secs(5);

/// When a circuit opens and closes. The figures lie apart on purpose: one bad minute neither opens it at once nor closes it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitPolicy {
    /// How many outcomes there must be before it may open: 1 to 100, 20 by default.
    pub least: u32,
    /// The part of the last 100 outcomes, in percent, at which it opens; 50 by default.
    pub open_at_percent: u32,
    /// How long it stays open before the first probe; 30 s by default.
    pub open_for: Duration,
    /// How many good probes in a row close it; 3 by default.
    pub probes: u32,
}

impl Default for CircuitPolicy {
    fn default() -> Self {
        Self { least: LEAST, open_at_percent: OPEN_AT_PERCENT, open_for: OPEN_FOR, probes: PROBES }
    }
}

/// Whether requests pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// They do.
    Closed,
    /// One at a time does, to find out.
    HalfOpen,
    /// None does, until the first request after the pause.
    Open,
}

impl CircuitState {
    /// The word for it: `half_open`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }

    /// The figure of the gauge `vendor_circuit_state` (R197): 0 closed, 0.5 half-open, 1 open.
    #[must_use]
    pub const fn gauge(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::HalfOpen => 0.5,
            Self::Open => 1.0,
        }
    }
}

/// One circuit. A handle: every transport to the same vendor for the same property is lent a clone of the same one by the host.
#[derive(Clone, Debug)]
pub struct Circuit {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policy: CircuitPolicy,
    switch: Mutex<Switch>,
}

#[derive(Debug)]
struct Switch {
    phase: Phase,
    /// The part that had failed when it opened, in percent.
    opened_at_percent: f64,
    /// Counts the phases: an outcome of a request from an earlier one is no longer news.
    era: u64,
}

#[derive(Debug)]
enum Phase {
    Closed(Window),
    HalfOpen { probing: bool, good: u32 },
    Open { since: Timestamp },
}

/// The last outcomes, one bit each, the newest lowest; set where it failed.
#[derive(Debug, Default)]
struct Window {
    failed: u128,
    count: u32,
}

impl Window {
    fn push(&mut self, failed: bool) {
        self.failed = ((self.failed << 1) | u128::from(failed)) & ((1 << WINDOW) - 1);
        self.count = self.count.saturating_add(1).min(WINDOW);
    }

    /// The part that failed, in percent.
    fn failed_percent(&self) -> f64 {
        f64::from(self.failed.count_ones()) * 100.0 / f64::from(self.count.max(1))
    }

    const fn is_bad(&self, policy: &CircuitPolicy) -> bool {
        self.count >= policy.least
            && self.failed.count_ones().saturating_mul(100)
                >= self.count.saturating_mul(policy.open_at_percent)
    }
}

/// What a request says about the vendor.
#[derive(Clone, Copy)]
enum Verdict {
    Good,
    Failed,
    Nothing,
}

impl Verdict {
    /// Whoever answers is there, also with a "no" or with more than we want to read; only 5xx is the vendor's own trouble.
    const fn of(result: &Result<HttpResponse, TransportError>) -> Self {
        match result {
            Ok(response) if response.status >= 500 => Self::Failed,
            Ok(_) | Err(TransportError::TooLarge) => Self::Good,
            Err(TransportError::NotSent | TransportError::Lost | TransportError::TimedOut) => Self::Failed,
            Err(TransportError::Limited(_) | TransportError::CircuitOpen) => Self::Nothing,
        }
    }
}

impl Circuit {
    /// A closed circuit.
    #[must_use]
    pub fn new(policy: CircuitPolicy) -> Self {
        let switch = Switch { phase: Phase::Closed(Window::default()), opened_at_percent: 0.0, era: 0 };
        Self { shared: Arc::new(Shared { policy, switch: Mutex::new(switch) }) }
    }

    /// Whether requests pass now.
    #[must_use]
    pub fn state(&self) -> CircuitState {
        match self.switch().phase {
            Phase::Closed(_) => CircuitState::Closed,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
            Phase::Open { .. } => CircuitState::Open,
        }
    }

    /// The part of the last requests that failed, in percent; as long as it is not closed, when it opened.
    #[must_use]
    pub fn failed_percent(&self) -> f64 {
        let switch = self.switch();
        match &switch.phase {
            Phase::Closed(window) => window.failed_percent(),
            Phase::HalfOpen { .. } | Phase::Open { .. } => switch.opened_at_percent,
        }
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.shared.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit<'a>(&'a self, env: &'a Env) -> Result<Passage<'a>, TransportError> {
        let begin = env.now();
        let mut switch = self.switch();
        match &mut switch.phase {
            Phase::Closed(_) => {}
            Phase::HalfOpen { probing: true, .. } => return Err(TransportError::CircuitOpen),
            Phase::HalfOpen { probing, .. } => *probing = true,
            Phase::Open { since } => {
                // A clock that has jumped back must not leave the vendor alone for longer than the pause.
                *since = begin.min(*since);
                if env.since(*since) < self.shared.policy.open_for {
                    return Err(TransportError::CircuitOpen);
                }
                switch.turn(Phase::HalfOpen { probing: true, good: 0 });
            }
        }
        Ok(Passage { circuit: self, env, era: switch.era, begin, settled: false })
    }

    fn settle(&self, era: u64, verdict: Verdict, now: Timestamp) {
        let mut switch = self.switch();
        if switch.era != era {
            return;
        }
        let policy = &self.shared.policy;
        match (&mut switch.phase, verdict) {
            (Phase::Closed(_), Verdict::Nothing) | (Phase::Open { .. }, _) => {}
            (Phase::Closed(window), verdict) => {
                window.push(matches!(verdict, Verdict::Failed));
                if window.is_bad(policy) {
                    let failed = window.failed_percent();
                    switch.opened_at_percent = failed;
                    switch.turn(Phase::Open { since: now });
                }
            }
            (Phase::HalfOpen { .. }, Verdict::Failed) => switch.turn(Phase::Open { since: now }),
            (Phase::HalfOpen { probing, .. }, Verdict::Nothing) => *probing = false,
            (Phase::HalfOpen { probing, good }, Verdict::Good) => {
                (*probing, *good) = (false, good.saturating_add(1));
                if *good >= policy.probes {
                    switch.turn(Phase::Closed(Window::default()));
                }
            }
        }
    }
}

impl Switch {
    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.era = self.era.wrapping_add(1);
    }
}

/// A request on its way. Dropped without an answer it frees the probe's place.
struct Passage<'a> {
    circuit: &'a Circuit,
    env: &'a Env,
    era: u64,
    begin: Timestamp,
    settled: bool,
}

impl Passage<'_> {
    fn settle(mut self, verdict: Verdict) {
        self.settled = true;
        self.circuit.settle(self.era, verdict, self.env.now());
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let silent = self.env.since(self.begin) >= SILENCE;
            let verdict = if silent { Verdict::Failed } else { Verdict::Nothing };
            self.circuit.settle(self.era, verdict, self.env.now());
        }
    }
}

/// Leaves a vendor alone that fails too often.
#[derive(Debug)]
pub struct CircuitBreaker {
    inner: Arc<dyn HttpTransport>,
    circuit: Circuit,
    env: Env,
}

impl CircuitBreaker {
    /// Around this transport, in this circuit.
    #[must_use]
    pub const fn new(inner: Arc<dyn HttpTransport>, circuit: Circuit, env: Env) -> Self {
        Self { inner, circuit, env }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl HttpTransport for CircuitBreaker {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let passage = self.circuit.admit(&self.env)?;
        let result = self.inner.send(request).await;
        passage.settle(Verdict::of(&result));
        result
    }
}
