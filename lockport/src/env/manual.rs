//! Time and chance for tests and rehearsals: both stand still until somebody moves them.

use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};

use super::{Clock, Entropy, EntropyError, Sleep};
use crate::validity::Timestamp;

/// A clock that moves only when told to; who sleeps on it wakes when it is moved far enough.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
    sleepers: Mutex<Vec<(i64, Waker)>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { micros: AtomicI64::new(now.timestamp_micros()), sleepers: Mutex::default() }
    }

    /// Moves the clock, forwards or back, and wakes whose time has come.
    pub fn set(&self, now: Timestamp) {
        let micros = now.timestamp_micros();
        self.micros.store(micros, Ordering::SeqCst);
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        sleepers.retain(|(until, waker)| {
            if *until > micros {
                return true;
            }
            waker.wake_by_ref();
            false
        });
    }

    /// When the next sleeper wants to wake, if anybody sleeps: where a rehearsal may turn the clock to at once. A sleeper that
    /// was dropped may still be counted.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        DateTime::from_timestamp_micros(sleepers.iter().map(|(until, _)| *until).min()?)
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: TimeDelta) {
        self.set(self.now().checked_add_signed(by).unwrap_or(Timestamp::MAX_UTC));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[async_trait]
impl Sleep for ManualClock {
    async fn sleep(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let until = self.micros.load(Ordering::SeqCst).saturating_add(micros);
        poll_fn(|context| {
            // Under the lock, or `set` could look for sleepers between the look at the clock and the lying down.
            let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            if self.micros.load(Ordering::SeqCst) >= until {
                return Poll::Ready(());
            }
            sleepers.push((until, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

/// The same "random" bytes for the same seed. Never for a secret that guards a real door.
#[derive(Debug)]
pub struct SeededEntropy {
    state: AtomicU64,
}

impl SeededEntropy {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        // SplitMix64: https://prng.di.unimi.it/splitmix64.c (public domain, the constants are the algorithm).
        for chunk in buffer.chunks_mut(8) {
            let step = 0x9e37_79b9_7f4a_7c15_u64;
            let mut z = self.state.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for (to, from) in chunk.iter_mut().zip(z.to_be_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }
}
