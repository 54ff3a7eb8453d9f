//! The durable schedule: when a call that failed is tried again, and when it is given up (R73).

use std::time::Duration;

use chrono::TimeDelta;

use crate::env::{Entropy, EntropyError};
use crate::error::{LockError, RetryAdvice};
use crate::validity::{Timestamp, Validity};

/// The pauses after the first, second, ... failed try, in seconds. When they are used up, the next kind or a person is next.
pub const PAUSES: [i64; 5] = [10, 60, 300, 1_800, 7_200];

/// The longest pause when the guest stands at the door or will within [`SOON`].
pub const PAUSE_WHEN_NEEDED: TimeDelta = TimeDelta::seconds(60);

/// The longest pause before a change of a key that is in use.
const PAUSE_WHILE_WAITED_FOR: TimeDelta = TimeDelta::seconds(300);

/// How long before the window begins its guest counts as nearly there.
pub const SOON: TimeDelta = TimeDelta::hours(1);

/// The longest a vendor may ask us to wait before a person is asked instead.
pub const LONGEST: Duration = Duration::from_secs(7_200);

/// When to try again after `attempts` failed tries; `None` when that was the last one.
///
/// # Errors
/// [`EntropyError`] when no jitter can be drawn.
pub(super) fn next_try(
    attempts: u32,
    now: Timestamp,
    window: &Validity,
    error: &LockError,
    entropy: &dyn Entropy,
) -> Result<Option<Timestamp>, EntropyError> {
    let Some(pause) = usize::try_from(attempts).ok().and_then(|nth| PAUSES.get(nth.checked_sub(1)?)) else {
        return Ok(None);
    };
    let mut pause = TimeDelta::seconds(*pause);
    let needed =
        window.from().checked_sub_signed(SOON).is_some_and(|soon| soon <= now) && !window.is_over(now);
    if needed {
        pause = pause.min(PAUSE_WHEN_NEEDED);
    }
    let asked_for = asked_for(error);
    if asked_for > LONGEST {
        return Ok(None);
    }
    let then = later(now, jittered(pause, entropy)?, asked_for);
    // The instant from which the guest may stand at the door is always worth a try.
    Ok(Some(if window.from() > now { then.min(window.from()) } else { then }))
}

/// When to try again what must be done however long it takes.
///
/// # Errors
/// [`EntropyError`] when no jitter can be drawn.
pub(super) fn try_for_ever(
    attempts: u32,
    now: Timestamp,
    error: &LockError,
    entropy: &dyn Entropy,
) -> Result<Timestamp, EntropyError> {
    let nth =
        usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len().saturating_sub(1));
    let pause = TimeDelta::seconds(PAUSES.get(nth).copied().unwrap_or(7_200));
    Ok(later(now, jittered(pause, entropy)?, asked_for(error).min(LONGEST)))
}

/// When to try a change again that its holder waits for, however long it takes.
///
/// # Errors
/// [`EntropyError`] when no jitter can be drawn.
pub(super) fn as_long_as_it_takes(
    attempts: u32,
    now: Timestamp,
    window: &Validity,
    error: &LockError,
    entropy: &dyn Entropy,
) -> Result<Timestamp, EntropyError> {
    let then = try_for_ever(attempts, now, error, entropy)?;
    let soon = later(now, PAUSE_WHILE_WAITED_FOR, asked_for(error).min(LONGEST));
    Ok(if window.contains(now) { then.min(soon) } else { then })
}

fn asked_for(error: &LockError) -> Duration {
    match error.advice() {
        RetryAdvice::After(pause) => pause,
        _ => Duration::ZERO,
    }
}

/// Between nine and eleven tenths of the pause, so that a hundred hotels do not come back in one second.
fn jittered(pause: TimeDelta, entropy: &dyn Entropy) -> Result<TimeDelta, EntropyError> {
    let mut byte = [0_u8; 1];
    entropy.fill(&mut byte)?;
    let [byte] = byte;
    let fifth = pause.num_milliseconds() / 5;
    let share = fifth.saturating_mul(i64::from(byte)) / 255;
    Ok(TimeDelta::milliseconds(pause.num_milliseconds().saturating_sub(fifth / 2).saturating_add(share)))
}

fn later(now: Timestamp, pause: TimeDelta, at_least: Duration) -> Timestamp {
    let at_least = TimeDelta::from_std(at_least).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(pause.max(at_least)).unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::env::SeededEntropy;
    use crate::error::FailureReason;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// R73: five pauses with jitter, then no more; a guest within the hour is not kept waiting two hours.
    #[test]
    fn five_pauses_then_no_more() {
        let entropy = SeededEntropy::new(1);
        let error = LockError::unreachable(FailureReason::Network, RetryAdvice::NotApplied, "x");
        let far = Validity::new(at(1_000_000), at(2_000_000)).unwrap();
        let now_there = Validity::new(at(0), at(1_000)).unwrap();
        for (nth, pause) in (1..).zip(PAUSES) {
            let then = next_try(nth, at(0), &far, &error, &entropy).unwrap().unwrap().timestamp_millis();
            assert!((pause * 900..=pause * 1_100).contains(&then), "{nth}: {then} ms for {pause} s");
            let then =
                next_try(nth, at(0), &now_there, &error, &entropy).unwrap().unwrap().timestamp_millis();
            assert!(then <= 66_000);
        }
        assert_eq!(next_try(6, at(0), &far, &error, &entropy).unwrap(), None);
        let asked = error.clone().with_advice(RetryAdvice::After(Duration::from_secs(500)));
        assert!(next_try(1, at(0), &far, &asked, &entropy).unwrap().unwrap() >= at(500));
        let next_month = error.clone().with_advice(RetryAdvice::After(Duration::from_secs(2_600_000)));
        assert_eq!(next_try(1, at(0), &far, &next_month, &entropy).unwrap(), None);
        let today = Validity::new(at(6_000), at(9_000)).unwrap();
        assert_eq!(next_try(5, at(0), &today, &error, &entropy).unwrap(), Some(at(6_000)));
    }
}
