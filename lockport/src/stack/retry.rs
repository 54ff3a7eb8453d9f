//! Repeating a call that failed: the loop for hosts that call the port themselves. `KeyService` has a schedule of its own, over
//! a stack without this layer.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::call::{Call, layered};
use super::deadline::Ceiling;
use crate::env::Env;
use crate::error::{LockError, RetryAdvice};
use crate::port::{AdapterDescriptor, SharedLockPort};

/// How often a call is tried in all, unless the host says otherwise.
const ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);
/// The longest pause before the second attempt after a passing failure; it doubles with each further one.
const TRANSIENT_BASE: Duration = Duration::from_millis(50);
/// The same after the vendor, or our own limit, asked for a pause.
const THROTTLED_BASE: Duration = Duration::from_millis(1_000);
/// The longest pause of our own, before chance shortens it.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How much longer than our own pause we wait because we are asked to.
const LONGEST_FAVOUR: Duration = Duration::from_secs(5);
/// What a full budget holds.
const BUDGET: u32 = 500;
/// What a repeat after a passing failure costs.
const TRANSIENT_COST: u32 = 14;
/// What a repeat after a pause that was asked for costs: whoever asks for a pause is alive.
const THROTTLED_COST: u32 = 5;
/// What a call that succeeds at once gives back.
const QUIET_GAIN: u32 = 1;

/// How many repeats are to be had: one handle for each vendor and property, lent by the host to every stack over them. In an
/// outage it runs dry, and each call is tried once.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    tokens: Arc<Mutex<u32>>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { tokens: Arc::new(Mutex::new(BUDGET)) }
    }
}

impl RetryBudget {
    /// What is left, of 500.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides and pays in one step, so that two calls never pay with the same tokens.
    fn pay(&self, decide: impl FnOnce(u32) -> Decision) -> Decision {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let decision = decide(*tokens);
        if let Decision::Again { cost, .. } = decision {
            *tokens = tokens.saturating_sub(cost);
        }
        decision
    }

    fn give_back(&self, gain: u32) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = tokens.saturating_add(gain).min(BUDGET);
    }
}

/// How a stack repeats calls.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    attempts: NonZeroU32,
    budget: RetryBudget,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new(RetryBudget::default())
    }
}

impl RetryPolicy {
    /// Three attempts, out of this budget.
    #[must_use]
    pub const fn new(budget: RetryBudget) -> Self {
        Self { attempts: ATTEMPTS, budget }
    }

    /// With so many attempts in all, the first among them.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }
}

/// A failed attempt, as far as the decision looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What the error advises.
    pub advice: RetryAdvice,
    /// Which attempt it was; the first is 1.
    pub attempt: u32,
    /// The time left to the call's deadline.
    pub left: Duration,
}

/// Whether to try once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// After this pause.
    Again {
        /// The pause.
        after: Duration,
        /// The tokens it costs.
        cost: u32,
    },
    /// No: the error goes to the caller.
    GiveUp(GiveUp),
}

/// Why an error goes to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveUp {
    /// The same call will fail the same way.
    Advice,
    /// The attempts are used up.
    Attempts,
    /// The pause would not end before the deadline.
    Deadline,
    /// The budget is used up.
    Budget,
}

/// Decides about a failed attempt, from the advice and nothing else of the error: `tokens` are what the budget has left, `chance`
/// is drawn evenly from all 32-bit numbers and says where between nothing and the longest our own pause lies. An unknown outcome
/// is repeated too, for the port answers a key it has seen with the first outcome.
///
/// The pause after `After(d)` is `d`, but not less than our own and at most five seconds more than that.
#[must_use]
pub fn decide(policy: &RetryPolicy, failed: Failed, tokens: u32, chance: u32) -> Decision {
    let (base, asked, cost) = match failed.advice {
        RetryAdvice::Never => return Decision::GiveUp(GiveUp::Advice),
        RetryAdvice::NotApplied | RetryAdvice::OutcomeUnknown => {
            (TRANSIENT_BASE, Duration::ZERO, TRANSIENT_COST)
        }
        RetryAdvice::After(asked) => (THROTTLED_BASE, asked, THROTTLED_COST),
    };
    if failed.attempt >= policy.attempts.get() {
        return Decision::GiveUp(GiveUp::Attempts);
    }
    let doubled = 2_u32.saturating_pow(failed.attempt.saturating_sub(1));
    let own = part(base.saturating_mul(doubled).min(LONGEST_PAUSE), chance);
    let after = asked.clamp(own, own.saturating_add(LONGEST_FAVOUR));
    if after.max(asked) >= failed.left {
        return Decision::GiveUp(GiveUp::Deadline);
    }
    if tokens < cost {
        return Decision::GiveUp(GiveUp::Budget);
    }
    Decision::Again { after, cost }
}

/// `chance / 2^32` of a whole.
fn part(whole: Duration, chance: u32) -> Duration {
    let nanos = (whole.as_nanos() * u128::from(chance)) >> u32::BITS;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Repeats calls that failed and may succeed.
#[derive(Debug)]
pub struct RetryLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    policy: RetryPolicy,
    ceiling: Ceiling,
    env: Env,
}

impl RetryLayer {
    /// Around this port, within a deadline that is at most `ceiling`.
    #[must_use]
    pub fn new(inner: SharedLockPort, policy: RetryPolicy, ceiling: Option<Duration>, env: Env) -> Self {
        let descriptor = inner.describe_adapter();
        Self { inner, descriptor, policy, ceiling: Ceiling(ceiling), env }
    }

    fn look(&self, call: &Call<'_>) -> Duration {
        self.ceiling.of(call, &self.descriptor)
    }

    fn chance(&self) -> u32 {
        let mut bytes = [0_u8; 4];
        // The longest pause will do where chance is not to be had: it guards no secret here.
        self.env.entropy.fill(&mut bytes).map_or(u32::MAX, |()| u32::from_be_bytes(bytes))
    }

    async fn around<T, F>(&self, deadline: Duration, call: impl Fn() -> F) -> Result<T, LockError>
    where
        F: Future<Output = Result<T, LockError>>,
    {
        let begin = self.env.now();
        let (mut attempt, mut gain) = (1, QUIET_GAIN);
        loop {
            let error = match call().await {
                Ok(answer) => {
                    self.policy.budget.give_back(gain);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let left = deadline.saturating_sub(self.env.since(begin));
            let failed = Failed { advice: error.advice(), attempt, left };
            let chance = self.chance();
            match self.policy.budget.pay(|tokens| decide(&self.policy, failed, tokens, chance)) {
                Decision::GiveUp(_) => return Err(error),
                Decision::Again { after, cost } => {
                    self.env.sleep.sleep(after).await;
                    (attempt, gain) = (attempt.saturating_add(1), cost);
                }
            }
        }
    }
}

layered!(RetryLayer, again);
