//! "Too many calls": then nothing is sent for a while, by nobody who shares the line, and for longer each time it is said again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use lockport::env::Env;
use lockport::{LockError, RetryAdvice, Timestamp};

use crate::error::{Stakes, code};
use crate::limits::{LONGEST_THROTTLE_PAUSE, THROTTLE_PAUSE};

/// How often it was said in a row, and until when nothing is sent.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    times: u32,
    until: Option<Timestamp>,
}

impl Throttle {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails while the pause is on.
    pub(crate) fn check(&self, now: Timestamp, stakes: Stakes) -> Result<(), LockError> {
        let left = self.said().until.and_then(|until| until.signed_duration_since(now).to_std().ok());
        // A pause that is longer than one can be was begun before the clock was set back.
        match left.filter(|left| !left.is_zero() && *left <= 2 * LONGEST_THROTTLE_PAUSE) {
            Some(left) => Err(error(left, now, stakes)),
            None => Ok(()),
        }
    }

    /// The vendor has said so: twice the pause of the last time, and up to as much again by chance, so that instances part.
    pub(crate) fn refused(&self, env: &Env, stakes: Stakes) -> LockError {
        let now = env.now();
        let mut said = self.said();
        let doubled = 2_u32.checked_pow(said.times).and_then(|factor| THROTTLE_PAUSE.checked_mul(factor));
        let pause = doubled.unwrap_or(LONGEST_THROTTLE_PAUSE).min(LONGEST_THROTTLE_PAUSE);
        let pause = pause.saturating_add(pause.mul_f64(chance(env)));
        // No clock is finer, and who comes when he was told to is not to be too early.
        let pause = Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(0));
        said.times = said.times.saturating_add(1);
        said.until = TimeDelta::from_std(pause).ok().and_then(|pause| now.checked_add_signed(pause));
        error(pause, now, stakes)
    }

    /// The vendor has answered a call.
    pub(crate) fn answered(&self) {
        *self.said() = Said::default();
    }
}

/// From 0 to 1; without a source of chance 0.
fn chance(env: &Env) -> f64 {
    let mut byte = [0_u8];
    env.entropy.fill(&mut byte).map_or(0.0, |()| f64::from(byte[0]) / f64::from(u8::MAX))
}

fn error(pause: Duration, now: Timestamp, stakes: Stakes) -> LockError {
    stakes.refused(code::TOO_MANY_CALLS, now).with_advice(RetryAdvice::After(pause))
}
