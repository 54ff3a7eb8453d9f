//! A vendor's quota: requests wait for their turn, and what takes access away goes first.
//!
//! The generic cell rate algorithm: one instant, the *theoretical arrival time*, stands for the whole bucket. A request may go
//! when that instant is at most a tolerance ahead of the clock, and moves it on by one interval.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::env::{Env, HttpRequest, HttpResponse, HttpTransport, Priority, TransportError};

/// How long a request waits for its turn at most, unless the host says otherwise: half of the shortest deadline of a call.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Microseconds between two requests, rounded up, so that the rate is never above the quota.
    interval: i64,
    burst: u32,
    reserved: u32,
    patience: Duration,
}

impl Quota {
    /// `requests` in any `per`, evenly: one at a time, each waiting at most 5 s for its turn. No request at all counts as one.
    #[must_use]
    pub fn new(requests: u32, per: Duration) -> Self {
        let interval = per.as_micros().div_ceil(u128::from(requests.max(1))).max(1);
        Self {
            interval: i64::try_from(interval).unwrap_or(i64::MAX),
            burst: 1,
            reserved: 0,
            patience: PATIENCE,
        }
    }

    /// With so many requests at once after a quiet time, `reserved` of them for what takes access away. At least one is left for
    /// everything else. Over any stretch of time there may be `burst - 1` requests more than the rate alone admits: where a vendor
    /// counts strictly, the rate has to be told smaller by that.
    #[must_use]
    pub fn with_burst(mut self, burst: u32, reserved: u32) -> Self {
        self.burst = burst.max(1);
        self.reserved = reserved.min(self.burst.saturating_sub(1));
        self
    }

    /// With another longest wait for a turn. Who would have to wait longer is refused at once.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How far ahead of the clock the arrival time may be, in microseconds.
    fn tolerance(&self, priority: Priority) -> i64 {
        let reserved = if priority == Priority::First { 0 } else { self.reserved };
        self.intervals(self.burst.saturating_sub(1).saturating_sub(reserved))
    }

    fn intervals(&self, count: impl Into<i64>) -> i64 {
        self.interval.saturating_mul(count.into())
    }
}

/// One quota, as a vendor counts it: for an app, for an environment, for an account. A handle: whoever sends under that quota is
/// lent a clone of the same one by the host.
#[derive(Clone, Debug)]
pub struct Limits {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    quota: Quota,
    line: Mutex<Line>,
}

/// Who waits, and the arrival time in microseconds since 1970.
#[derive(Debug)]
struct Line {
    arrival: i64,
    next: u64,
    waiting: BTreeSet<Place>,
}

/// A place in the line: by priority, then by coming.
type Place = (Priority, u64);

impl Limits {
    /// An unused quota.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        let line = Line { arrival: i64::MIN, next: 0, waiting: BTreeSet::new() };
        Self { shared: Arc::new(Shared { quota, line: Mutex::new(line) }) }
    }

    /// How many requests wait for their turn now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line().waiting.len()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.shared.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn.
    async fn turn(&self, priority: Priority, env: &Env) -> Result<(), TransportError> {
        let Some(mut wait) = self.line().wait(&self.shared.quota, (priority, u64::MAX), env) else {
            return Ok(());
        };
        let mut patience = self.shared.quota.patience;
        let mut waiter = None;
        loop {
            let Some(rest) = patience.checked_sub(wait) else { return Err(TransportError::Limited(wait)) };
            patience = rest;
            let place = waiter.get_or_insert_with(|| Waiter::new(self, priority)).place;
            env.sleep.sleep(wait).await;
            match self.line().wait(&self.shared.quota, place, env) {
                Some(longer) => wait = longer,
                None => return Ok(()),
            }
        }
    }
}

impl Line {
    /// How long this place has to wait; `None` when it goes now. Room is kept for all places before it, so that nobody is passed,
    /// and a waiter that is not polled any more costs the others one turn and does not stop them.
    fn wait(&mut self, quota: &Quota, place: Place, env: &Env) -> Option<Duration> {
        let now = env.now().timestamp_micros();
        // No request moves the arrival time further ahead than this: if it is, the clock has jumped back.
        let furthest = quota.tolerance(Priority::First).saturating_add(quota.interval);
        self.arrival = self.arrival.min(now.saturating_add(furthest));
        let before = i64::try_from(self.waiting.range(..place).count()).unwrap_or(i64::MAX);
        let turn =
            self.arrival.saturating_add(quota.intervals(before)).saturating_sub(quota.tolerance(place.0));
        if turn > now {
            return Some(Duration::from_micros(turn.saturating_sub(now).unsigned_abs()));
        }
        self.arrival = self.arrival.max(now).saturating_add(quota.interval);
        self.waiting.remove(&place);
        None
    }
}

/// A place in the line, given up on drop too: when its caller was refused, or went away.
struct Waiter<'a> {
    limits: &'a Limits,
    place: Place,
}

impl<'a> Waiter<'a> {
    fn new(limits: &'a Limits, priority: Priority) -> Self {
        let mut line = limits.line();
        let place = (priority, line.next);
        line.next = line.next.wrapping_add(1);
        line.waiting.insert(place);
        Self { limits, place }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.limits.line().waiting.remove(&self.place);
    }
}

/// Sends no more than a vendor admits.
#[derive(Debug)]
pub struct RateLimit {
    inner: Arc<dyn HttpTransport>,
    limits: Limits,
    env: Env,
}

impl RateLimit {
    /// Around this transport, under this quota.
    #[must_use]
    pub const fn new(inner: Arc<dyn HttpTransport>, limits: Limits, env: Env) -> Self {
        Self { inner, limits, env }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl HttpTransport for RateLimit {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.limits.turn(Priority::current(), &self.env).await?;
        self.inner.send(request).await
    }
}
