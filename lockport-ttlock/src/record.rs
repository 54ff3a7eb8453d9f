//! Who tried a door: what the cloud has of a lock's own log.

use std::fmt;

use lockport::id::LockDeviceId;
use lockport::{LockError, Secret, Timestamp};

use crate::driver::TtlockDriver;
use crate::map::record;

/// Somebody tried a door.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The vendor's number of it: the same however often it is told.
    pub record: i64,
    /// The door.
    pub device: LockDeviceId,
    /// When, by the lock's own clock.
    pub at: Timestamp,
    /// When the vendor's cloud heard of it. A lock that nothing reaches tells it much later.
    pub told_at: Option<Timestamp>,
    /// What the lock said.
    pub outcome: Outcome,
    /// By what it can be told whose key it was.
    pub shown: Option<Shown>,
}

/// What a lock said to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It opened.
    Granted,
    /// It did not.
    Denied(Denied),
}

/// Why a lock did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// The window is over or has not begun; the lock does not say which.
    OutOfTime,
    /// It knows nothing of it. What was suspended or revoked is unknown too.
    Unknown,
    /// It is on the lock's black list.
    Barred,
    /// Somebody inside has locked twice.
    Bolted,
    /// It does not say.
    Unsaid,
}

/// What was shown to a lock.
#[derive(Clone)]
#[non_exhaustive]
pub enum Shown {
    /// Digits, or the number of a card as the desk's reader would have read it.
    Artifact(Secret),
    /// The account that a phone was logged in with: what an eKey's artifact begins with.
    Account(Secret),
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Artifact(_) => "Artifact([redacted])",
            Self::Account(_) => "Account([redacted])",
        })
    }
}

impl TtlockDriver {
    /// The attempts at a door in this time, the oldest first, as the cloud has them now: what a lock has not told yet is not there.
    /// The cloud keeps six months. One call for each hundred records.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` for a door that the property does not have; otherwise what the vendor says, with the reason
    /// `malformed_answer` when the list changed while it was read: ask again.
    pub async fn attempts_at(
        &self,
        device: LockDeviceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Attempt>, LockError> {
        let lock = self.lock(device)?;
        let time = (from.timestamp_millis(), until.timestamp_millis());
        let items = self.client.records(lock.lock_id, time).await.map_err(|error| error.at_device(device))?;
        Ok(record::attempts(&items, device, lock, self.config.cards))
    }
}
