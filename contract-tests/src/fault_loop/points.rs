//! One counter for every call through the store and to the vendor, and the failures on order.

use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use lockport::env::{Clock as _, ManualClock};
use lockport::{FailureReason, Timestamp};

use super::scenario::Quirk;
use super::way::{Call, Strike, Way};

/// A point that was passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) call: Call,
    pub(crate) name: String,
}

#[derive(Debug)]
pub(crate) struct Points {
    clock: Arc<ManualClock>,
    begin: Timestamp,
    calls_land_late: bool,
    state: Mutex<State>,
}

/// What becomes of a failure whose call cannot fail in its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It was ordered for this call.
    #[default]
    None,
    /// It waits for the next call that can.
    UntilItFits,
}

#[derive(Debug, Default)]
struct State {
    counting: bool,
    patience: Patience,
    passed: Vec<Point>,
    strikes: VecDeque<Strike>,
    /// The commit for which the store is away.
    away: Option<u128>,
    dropped: Option<Way>,
    trace: Vec<String>,
    quirk: Option<Quirk>,
    refused: bool,
    /// Every grant that was ever sent, by its marker.
    markers: Vec<String>,
}

/// What an odd vendor does with a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    No,
    Refuses(FailureReason),
    TakesItTwice,
}

impl Points {
    pub(crate) fn new(clock: Arc<ManualClock>, calls_land_late: bool) -> Self {
        let begin = clock.now();
        Self { clock, begin, calls_land_late, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from here on, with these failures on order, the earliest first.
    pub(crate) fn count(&self, strikes: &[Strike], patience: Patience) {
        let mut state = self.state();
        (state.counting, state.patience) = (true, patience);
        state.strikes = strikes.iter().copied().collect();
    }

    /// Counts no more. What was passed, and how many failures never struck.
    pub(crate) fn stop(&self) -> (Vec<Point>, usize) {
        let mut state = self.state();
        state.counting = false;
        (std::mem::take(&mut state.passed), state.strikes.len())
    }

    /// The vendor is odd from here on.
    pub(crate) fn be_odd(&self, quirk: Quirk) {
        let mut state = self.state();
        state.quirk = Some(quirk);
        state.markers.clear();
    }

    /// What the vendor is to do with the grant of this marker.
    pub(crate) fn odd(&self, marker: &str) -> Odd {
        let mut state = self.state();
        let known = state.markers.iter().position(|known| known == marker);
        let number = known.unwrap_or(state.markers.len());
        if known.is_none() {
            state.markers.push(marker.to_owned());
        }
        match state.quirk {
            Some(Quirk::TakenPins(taken)) if taken.contains(&number) => {
                Odd::Refuses(FailureReason::PinCollision)
            }
            Some(Quirk::NotThisKind(refused)) if refused == number => {
                Odd::Refuses(FailureReason::KindNotSupported)
            }
            Some(Quirk::Twice(doubled)) if doubled == number && known.is_none() => Odd::TakesItTwice,
            _ => Odd::No,
        }
    }

    /// Whether a failure on order was a refusal.
    pub(crate) fn has_refused(&self) -> bool {
        self.state().refused
    }

    /// A call is about to be made; how it is to fail.
    pub(crate) fn enter(&self, call: Call, name: String) -> Option<Way> {
        let mut state = self.state();
        if !state.counting {
            return None;
        }
        let point = state.passed.len().saturating_add(1);
        let is_due = |strike: &Strike| match state.patience {
            Patience::None => strike.point == point,
            Patience::UntilItFits => strike.point <= point && strike.way.fits(call, self.calls_land_late),
        };
        let way = state.strikes.front().filter(|strike| is_due(strike)).map(|strike| strike.way);
        if let Some(way) = way {
            state.strikes.pop_front();
            self.tell(&mut state, &format!("#{point} {name}: {way}"));
            state.refused |= way == Way::Refused;
            if way.drops().is_some() {
                state.dropped = Some(way);
            }
        }
        state.passed.push(Point { call, name });
        way
    }

    /// As [`Self::enter`], for the commit of this name: the store that is away stays away for its repeats.
    pub(crate) fn enter_commit(&self, batch: u128, name: String) -> Option<Way> {
        let way = self.enter(Call::Commit, name);
        let mut state = self.state();
        if matches!(way, Some(Way::AwayBefore | Way::AwayAfter)) {
            state.away = Some(batch);
            return way;
        }
        if state.away == Some(batch) {
            return Some(Way::AwayBefore);
        }
        state.away = None;
        way
    }

    /// A line for whoever reads a red run.
    pub(crate) fn say(&self, line: &str) {
        let mut state = self.state();
        self.tell(&mut state, line);
    }

    fn tell(&self, state: &mut State, line: &str) {
        let seconds = self.clock.now().signed_duration_since(self.begin).num_seconds();
        state.trace.push(format!("{seconds:>6} s  {line}"));
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        std::mem::take(&mut self.state().trace)
    }

    /// Polls until the future is done, or is to be dropped at a point: the way is the error then.
    pub(crate) async fn until_dropped<F: Future>(&self, future: F) -> Result<F::Output, Way> {
        let mut future = pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => match self.state().dropped.take() {
                Some(way) => Poll::Ready(Err(way)),
                None => Poll::Pending,
            },
        })
        .await
    }
}

/// Waits for good: whoever waits here is dropped.
pub(crate) async fn hold<T>() -> T {
    pending().await
}
