//! What vendors tell by themselves, taken in: each attempt and each change of a lock once, with its event and its place in the
//! audit in one transaction.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::claim::KeyOwner;
use super::device::{DeviceChange, DeviceRecord, Facts, Firmware};
use super::record::KeyRecord;
use super::state::KeyState;
use super::{DELIVERY_TRIES, KeyService};
use crate::device::{DeviceHealth, LockDevice};
use crate::driver::AttemptOutcome;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::event::AnomalyKind;
use crate::id::{AccessAttemptId, LockDeviceId};
use crate::port::SeenAttempt;
use crate::property::AdapterBinding;
use crate::store::{Record, StoreError, Stored, Table};
use crate::telemetry::UseCase;
use crate::validity::Timestamp;

/// For how long an attempt is known, so that it is not told twice.
const KNOWN_FOR: TimeDelta = TimeDelta::days(30);

/// How many attempts that are no longer to be known are forgotten with each new one.
const FORGOTTEN_AT_ONCE: usize = 4;

/// Something that a vendor tells by itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VendorSignal {
    /// Somebody tried a door.
    Attempt(SeenAttempt),
    /// A lock is there, and how it is.
    Device(Box<LockDevice>),
    /// How a lock is.
    Health(Box<DeviceHealth>),
}

/// Whether a signal was news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It was, and was told.
    News,
    /// It was known already, or has changed nothing.
    Known,
}

/// An attempt that was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AttemptRecord {
    id: AccessAttemptId,
    forget_at: Timestamp,
}

impl Record for AttemptRecord {
    const TABLE: Table = Table::Attempt;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        Some(self.forget_at)
    }
}

impl KeyService {
    /// Takes in what a vendor tells: an attempt to open a door (R220), a lock and how it is (R214 to R217). It may be told twice,
    /// late and by several processes; each attempt is told on once and each change of a lock once. A use that should not be is
    /// told as an anomaly (R83, R108).
    ///
    /// # Errors
    /// `INVALID_INPUT` when the property has no such adapter; `DEVICE_NOT_PAIRED` when that serves no such door. Anything
    /// retriable: tell it again.
    pub async fn observe(&self, adapter: &str, signal: &VendorSignal) -> Result<Observed, LockError> {
        self.timed(UseCase::Observe, Box::pin(self.do_observe(adapter, signal))).await
    }

    pub(super) async fn do_observe(
        &self,
        adapter: &str,
        signal: &VendorSignal,
    ) -> Result<Observed, LockError> {
        let binding = self.property.adapter(adapter).ok_or_else(no_such_adapter)?;
        let device = match signal {
            VendorSignal::Attempt(attempt) => attempt.device,
            VendorSignal::Device(device) => device.device_id,
            VendorSignal::Health(health) => health.device_id,
        };
        if !binding.doors.has_door(device) {
            return Err(LockError::device_not_paired(device));
        }
        self.queue.catch_up().await?;
        let mut last = StoreError::Conflict.into();
        for _ in 0..DELIVERY_TRIES {
            let done = match signal {
                VendorSignal::Attempt(attempt) => self.hear_attempt(binding, attempt).await,
                VendorSignal::Device(device) => self.see_device(binding, device).await,
                VendorSignal::Health(health) => self.see_health(binding, health).await,
            };
            match done {
                Err(error) if error.is_store_conflict() => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    pub(super) async fn device(
        &self,
        adapter: &str,
        device: LockDeviceId,
    ) -> Result<Stored<DeviceRecord>, LockError> {
        let id = DeviceRecord::id_of(adapter, device);
        let found = Stored::<DeviceRecord>::read(&*self.store, self.partition(), &id).await?;
        Ok(found.unwrap_or_else(|| Stored::fresh(DeviceRecord::new(adapter, device))))
    }

    async fn see_device(&self, of: &AdapterBinding, seen: &LockDevice) -> Result<Observed, LockError> {
        let mut record = self.device(&of.name, seen.device_id).await?;
        let before = record.value.clone();
        let mut transaction = self.transaction()?;
        if record.value.registered_at.is_none() {
            record.value.registered_at = Some(self.env.now());
            self.tell_registered(&mut transaction, seen)?;
        }
        let facts = Facts {
            online: seen.online,
            battery: seen.battery,
            skew_ms: None,
            last_seen_at: seen.last_seen_at,
            firmware: seen.firmware.as_deref().and_then(|is| self.judged(&of.name, is)),
        };
        for change in record.value.see(&facts) {
            self.tell_device(&mut transaction, seen.device_id, change, &facts)?;
        }
        if record.value == before {
            return Ok(Observed::Known);
        }
        transaction.put(&mut record)?;
        transaction.commit(&*self.store, self.partition()).await?;
        Ok(Observed::News)
    }

    /// A firmware of one of this adapter's locks, beside the least that the hotel wants there.
    fn judged<'a>(&'a self, adapter: &str, is: &'a str) -> Option<Firmware<'a>> {
        let (_, at_least) = self.beside.firmware.iter().find(|(name, _)| name == adapter)?;
        Some(Firmware { is, at_least })
    }

    async fn see_health(&self, of: &AdapterBinding, seen: &DeviceHealth) -> Result<Observed, LockError> {
        let mut record = self.device(&of.name, seen.device_id).await?;
        let before = record.value.clone();
        let mut transaction = self.transaction()?;
        let facts = Facts {
            online: seen.online,
            battery: seen.battery,
            skew_ms: seen.clock_skew_ms,
            last_seen_at: seen.last_sync_at,
            firmware: None,
        };
        let changes: Vec<DeviceChange> = record.value.see(&facts);
        for change in &changes {
            self.tell_device(&mut transaction, seen.device_id, *change, &facts)?;
        }
        if record.value == before {
            return Ok(Observed::Known);
        }
        transaction.put(&mut record)?;
        transaction.commit(&*self.store, self.partition()).await?;
        Ok(if changes.is_empty() { Observed::Known } else { Observed::News })
    }

    async fn hear_attempt(&self, of: &AdapterBinding, seen: &SeenAttempt) -> Result<Observed, LockError> {
        let property = self.partition().property.to_bytes();
        let parts: [&[u8]; 3] = [&property, of.name.as_bytes(), seen.event.as_str().as_bytes()];
        let id = AccessAttemptId::derived("lockport/attempt/v1", &parts);
        let known = Stored::<AttemptRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
        let now = self.env.now();
        if known.as_ref().is_some_and(|known| known.value.forget_at > now) {
            return Ok(Observed::Known);
        }
        let key = match seen.credential {
            Some(key) => Stored::<KeyRecord>::read(&*self.store, self.partition(), &key.to_string()).await?,
            None => None,
        };
        let key = key.map(|key| key.value);
        let mut device = self.device(&of.name, seen.device).await?;
        let at = device.value.true_time(seen.at);
        let mut transaction = self.transaction()?;
        let now = self.env.now();
        let old =
            Stored::<AttemptRecord>::due(&*self.store, self.partition(), now, FORGOTTEN_AT_ONCE).await?;
        old.iter().filter(|old| old.value.id != id).for_each(|old| transaction.delete(old));
        let forget_at = now.checked_add_signed(KNOWN_FOR).unwrap_or(now);
        let mut record = known.unwrap_or_else(|| Stored::fresh(AttemptRecord { id, forget_at }));
        record.value.forget_at = forget_at;
        transaction.put(&mut record)?;
        self.tell_attempt(&mut transaction, id, of, seen, key.as_ref())?;
        let mut odd: Vec<(AnomalyKind, u32)> = Vec::new();
        match seen.outcome {
            AttemptOutcome::Granted => odd.extend(key.as_ref().and_then(|key| misuse(key, at)).zip(Some(1))),
            AttemptOutcome::Denied(_) => {
                odd.extend(device.value.deny(at).map(|times| (AnomalyKind::RepeatedDenials, times)));
                transaction.put(&mut device)?;
            }
        }
        for (kind, times) in odd {
            self.tell_anomaly(&mut transaction, id, of, seen, key.as_ref(), (kind, times))?;
        }
        transaction.commit(&*self.store, self.partition()).await?;
        Ok(Observed::News)
    }
}

/// What is wrong with a door having opened to this key then, if anything.
fn misuse(key: &KeyRecord, at: Timestamp) -> Option<AnomalyKind> {
    if key.revoked_at.is_some_and(|revoked| at >= revoked) {
        return Some(AnomalyKind::UsedAfterRevoke);
    }
    let is_suspended = key.state == KeyState::Suspended;
    if is_suspended && key.suspended_at.is_some_and(|suspended| at >= suspended) {
        return Some(AnomalyKind::UsedWhileSuspended);
    }
    let is_of_staff = matches!(key.owner, KeyOwner::Shift(_));
    (is_of_staff && !key.spec.validity.contains(at)).then_some(AnomalyKind::OffShift)
}

pub(super) fn no_such_adapter() -> LockError {
    let message = "the property has no such adapter";
    LockError::new(ErrorCode::InvalidInput, FailureReason::UnknownPlace, RetryAdvice::Never, message)
}
