//! What the vendor last said of its locks, for the planner.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{Either, select};
use futures_util::lock::Mutex as Turn;

use super::Adapter;
use crate::capability::LockCapabilities;
use crate::device::LockDevice;
use crate::driver::VendorDriver;
use crate::error::{LockError, RetryAdvice};
use crate::id::LockDeviceId;
use crate::validity::Timestamp;

/// For how long the list is believed before it is asked for again. A keypad is not screwed to a lock every minute; a gateway may
/// be gone sooner, and then the driver says so.
const BELIEVED_FOR: TimeDelta = TimeDelta::minutes(10);

/// How long an older list must do after somebody began to ask for a new one: he may have been given up over it, and whoever comes next
/// would be too.
const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// For how long, from when it was asked for, a new list holds up the answer of the operation beside which it was.
const WAITED_FOR: Duration = Duration::from_secs(5);

/// What the planner goes by at one door.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownLock {
    /// Whether it could be reached.
    pub(super) online: bool,
    /// What this one door can.
    pub(super) capabilities: LockCapabilities,
}

/// The doors of the property that the vendor spoke of.
pub(super) type KnownLocks = BTreeMap<LockDeviceId, KnownLock>;

/// The newest list of locks, and when it came.
#[derive(Debug, Default)]
pub(super) struct Locks {
    last: Mutex<Option<(Timestamp, Arc<KnownLocks>)>>,
    /// When a new one was last asked for.
    asked_at: Mutex<Option<Timestamp>>,
    /// Whose turn it is to ask. At a vendor that admits so many calls a minute, callers who all asked would hold each other up until
    /// none of them had an answer.
    turn: Turn<()>,
}

impl Locks {
    fn last(&self) -> MutexGuard<'_, Option<(Timestamp, Arc<KnownLocks>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a list, and a new one is to be asked for now; if so, it counts as asked for.
    fn are_to_be_asked_for(&self, now: Timestamp) -> bool {
        let is_recent = |at: Timestamp, within| at <= now && now.signed_duration_since(at) < within;
        let mut asked_at = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = self.last().as_ref().is_some_and(|(at, _)| !is_recent(*at, BELIEVED_FOR));
        let are_to_be_asked = is_old && !asked_at.is_some_and(|at| is_recent(at, ASKED_AGAIN_AFTER));
        if are_to_be_asked {
            *asked_at = Some(now);
        }
        are_to_be_asked
    }
}

impl<D: VendorDriver> Adapter<D> {
    /// The vendor's list of this moment: a portfolio's account may have locks of other hotels too, which nobody here asks for.
    pub(super) fn locks_are_told(&self, at: Timestamp, devices: &[LockDevice]) -> Arc<KnownLocks> {
        let ours = devices.iter().filter(|device| self.doors.has_door(device.device_id));
        let known =
            |device: &LockDevice| KnownLock { online: device.online, capabilities: device.capabilities };
        let told = Arc::new(ours.map(|device| (device.device_id, known(device))).collect::<KnownLocks>());
        *self.locks.last() = Some((at, told.clone()));
        told
    }

    /// The locks as the vendor last said that they are. An older list must do; where there is none, it is asked for.
    ///
    /// # Errors
    /// What the vendor says when there is no list at all; nothing was changed.
    pub(super) async fn known_locks(&self) -> Result<Arc<KnownLocks>, LockError> {
        if let Some((_, known)) = self.locks.last().clone() {
            return Ok(known);
        }
        let _turn = self.locks.turn.lock().await;
        if let Some((_, told)) = self.locks.last().clone() {
            return Ok(told);
        }
        let now = self.env.now();
        let asked = self.driver.devices().await.map_err(|error| match error.advice() {
            RetryAdvice::OutcomeUnknown => error.with_advice(RetryAdvice::NotApplied),
            _ => error,
        });
        Ok(self.locks_are_told(now, &asked?))
    }

    /// Carries this out, and where the list of locks is old asks for a new one beside it: an issue goes by the older list and waits for no
    /// other. Its answer waits only where it came sooner than the list's, and never for long.
    pub(super) async fn beside_a_look<T>(&self, work: impl Future<Output = T>) -> T {
        let now = self.env.now();
        let turn = self.locks.turn.try_lock().filter(|_| self.locks.are_to_be_asked_for(now));
        if turn.is_none() {
            return work.await;
        }
        let look = async {
            // What it is told of an error, the next call hears too.
            if let Ok(devices) = self.driver.devices().await {
                self.locks_are_told(now, &devices);
            }
        };
        match select(pin!(work), pin!(look)).await {
            Either::Right(((), work)) => work.await,
            Either::Left((done, look)) => {
                let waited = self.env.now().signed_duration_since(now).to_std().unwrap_or_default();
                let left = WAITED_FOR.saturating_sub(waited);
                if !left.is_zero() {
                    select(look, self.env.sleep.sleep(left)).await;
                }
                done
            }
        }
    }
}
