//! What the vendor last said of its locks, for the planner.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{Either, select};
use futures_util::lock::Mutex as Turn;

use super::Adapter;
use crate::device::LockDevice;
use crate::driver::VendorDriver;
use crate::error::{LockError, RetryAdvice};
use crate::validity::Timestamp;

/// For how long the list is believed before it is asked for again. A keypad is not screwed to a lock every minute; a gateway may
/// be gone sooner, and then the driver says so.
const BELIEVED_FOR: TimeDelta = TimeDelta::minutes(10);

/// How long an older list must do after somebody began to ask for a new one: he may have been given up over it, and whoever comes next
/// would be too.
const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// For how long somebody with an operation of his own to carry out asks for a new list, where an older one would do.
const ASKED_FOR: Duration = Duration::from_secs(5);

/// The newest list of locks, and when it came.
#[derive(Debug, Default)]
pub(super) struct Locks {
    last: Mutex<Option<(Timestamp, Arc<[LockDevice]>)>>,
    /// When a new one was last asked for.
    asked_at: Mutex<Option<Timestamp>>,
    /// Whose turn it is to ask. At a vendor that admits so many calls a minute, callers who all asked would hold each other up until
    /// none of them had an answer.
    turn: Turn<()>,
}

impl Locks {
    fn last(&self) -> MutexGuard<'_, Option<(Timestamp, Arc<[LockDevice]>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn told(&self, now: Timestamp, devices: &[LockDevice]) {
        *self.last() = Some((now, devices.into()));
    }

    /// Whether a new list is to be asked for now; if so, it counts as asked for.
    fn is_to_be_asked_for(&self, now: Timestamp) -> bool {
        let mut asked_at = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: Timestamp, within| at <= now && now.signed_duration_since(at) < within;
        let is_believed = self.last().as_ref().is_some_and(|(at, _)| is_recent(*at, BELIEVED_FOR));
        let is_to_be_asked = !is_believed && !asked_at.is_some_and(|at| is_recent(at, ASKED_AGAIN_AFTER));
        if is_to_be_asked {
            *asked_at = Some(now);
        }
        is_to_be_asked
    }
}

impl<D: VendorDriver> Adapter<D> {
    /// The locks as the vendor last said that they are. While somebody asks, and when the vendor does not answer, an older list
    /// must do.
    ///
    /// # Errors
    /// What the vendor says when there is no list at all; nothing was changed.
    pub(super) async fn known_locks(&self) -> Result<Arc<[LockDevice]>, LockError> {
        let known = self.locks.last().clone();
        let _turn = match (self.locks.turn.try_lock(), known) {
            (Some(turn), _) => turn,
            (None, Some((_, devices))) => return Ok(devices),
            (None, None) => self.locks.turn.lock().await,
        };
        let now = self.env.now();
        let last = self.locks.last().clone();
        // Where there is no list at all, there is nothing else to do.
        if let (false, Some((_, devices))) = (self.locks.is_to_be_asked_for(now), &last) {
            return Ok(Arc::clone(devices));
        }
        let Some((_, older)) = last else {
            let asked = self.driver.devices().await.map_err(|error| match error.advice() {
                RetryAdvice::OutcomeUnknown => error.with_advice(RetryAdvice::NotApplied),
                _ => error,
            });
            let devices = asked?;
            self.locks.told(now, &devices);
            return Ok(devices.into());
        };
        match select(self.driver.devices(), self.env.sleep.sleep(ASKED_FOR)).await {
            Either::Left((Ok(devices), _)) => {
                self.locks.told(now, &devices);
                Ok(devices.into())
            }
            Either::Left((Err(_), _)) | Either::Right(_) => Ok(older),
        }
    }
}
