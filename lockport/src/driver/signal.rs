//! What a vendor knows of its doors beside the keys: who tried which, and what their clocks show.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::VendorDriver;
use crate::error::LockError;
use crate::id::LockDeviceId;
use crate::secret::Secret;
use crate::validity::Timestamp;

/// A vendor that tells who tried which door (R108).
///
/// # Contract
/// 1. Told are attempts to open, whatever came of them; a door that closed, a battery or a setting is none.
/// 2. The oldest first, as far as the vendor knows: a lock that was away tells its own later, and what comes late is not lost.
/// 3. What was told may be told again, behind a later cursor too, and then has the same [`VendorEventId`].
/// 4. Reading changes nothing: the same cursor brings the same page, with what has come since behind it.
#[async_trait]
pub trait AccessFeed: VendorDriver {
    /// The next page behind this cursor; without one the oldest that the vendor still has.
    ///
    /// # Errors
    /// When the vendor could not be asked.
    async fn attempts(&self, after: Option<&Cursor>) -> Result<Page<DoorAttempt>, LockError>;
}

/// A vendor that sets the clocks of its locks (R148).
#[async_trait]
pub trait ClockSync: VendorDriver {
    /// Sets the clock of this lock to `now`, or to the vendor's own time where that is how it sets one. Doing it twice leaves what
    /// doing it once leaves.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the vendor does not know it; otherwise as [`VendorDriver`]'s contract says, with the reason
    /// `device_offline` where the lock is away.
    async fn set_clock(&self, device: LockDeviceId, now: Timestamp) -> Result<(), LockError>;
}

/// Where a feed was read up to, in the vendor's own way: a time, a number, a page. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor that a driver reads as this.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the driver wrote.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A part of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is told.
    pub told: Vec<T>,
    /// Where the next page begins; `None` when that is where this one began. A page may tell nothing and have more behind it.
    pub next: Option<Cursor>,
    /// Whether there is more at once.
    pub more: bool,
}

/// The longest name of an event that is kept as the vendor wrote it.
const MAX_EVENT_ID: usize = 64;
/// How many digits a PIN has.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=9;

/// What a vendor calls one of its events: the same event has the same name whenever and however it is told.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VendorEventId(String);

impl VendorEventId {
    /// The vendor's own name; as its hash where it is long, or not of letters, digits, `-`, `_`, `.` and `:`, or has a number of
    /// so many digits that it may be somebody's PIN.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
        let is_like_a_pin =
            |word: &str| PIN_DIGITS.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
        let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
        let fits = (1..=MAX_EVENT_ID).contains(&name.len()) && name.bytes().all(is_plain);
        if fits && !words().any(is_like_a_pin) {
            return Self(name.to_owned());
        }
        Self(Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VendorEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VendorEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Somebody tried a door, as the vendor has it.
#[derive(Clone, Debug)]
pub struct DoorAttempt {
    /// The vendor's name of it. Where the vendor has none: made of what tells it from any other, and of nothing that opens.
    pub event: VendorEventId,
    /// The door.
    pub device: LockDeviceId,
    /// When, by the lock's own clock.
    pub at: Timestamp,
    /// What the lock said.
    pub outcome: AttemptOutcome,
    /// By what it can be told whose key it was.
    pub shown: Option<Shown>,
}

/// By what it can be told whose key was tried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Shown {
    /// The marker of the order that gave it.
    Marker(String),
    /// The vendor's own handle of what it gave.
    Reference(Secret),
    /// What was shown to the lock: digits that were typed, the number of a card.
    Artifact(Secret),
    /// What the artifact begins with, where no more of it is told: the name that a phone was logged in with, without its password.
    Beginning(Secret),
}

/// What a lock said to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// It opened.
    Granted,
    /// It did not.
    Denied(DenyReason),
}

impl AttemptOutcome {
    /// The platform's word: `granted`, `denied`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied(_) => "denied",
        }
    }

    /// Why not.
    #[must_use]
    pub const fn deny_reason(self) -> Option<DenyReason> {
        match self {
            Self::Granted => None,
            Self::Denied(reason) => Some(reason),
        }
    }
}

/// Why a lock did not open, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DenyReason {
    /// The window of what was shown is over.
    Expired,
    /// It has not begun.
    NotYetValid,
    /// It is over or has not begun, and the lock does not say which. Where the ledger knows the key, it is told which.
    OutsideWindow,
    /// The lock knows it, and is not to open to it.
    Blocked,
    /// The lock knows nothing of it.
    UnknownKey,
    /// Somebody inside has bolted the door.
    DoubleLocked,
    /// The lock takes nothing for a while: too many wrong tries.
    LockedOut,
    /// It does not say.
    Unsaid,
}

impl DenyReason {
    /// The word for it: `not_yet_valid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::OutsideWindow => "outside_window",
            Self::Blocked => "blocked",
            Self::UnknownKey => "unknown_key",
            Self::DoubleLocked => "double_locked",
            Self::LockedOut => "locked_out",
            Self::Unsaid => "unsaid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a vendor writes into a name comes no further, unless it is a plain one.
    #[test]
    fn a_name_that_is_no_plain_word_is_hashed() {
        for plain in ["1", "rec-17", "lock.3:1717000000002", "x1234"] {
            assert_eq!(VendorEventId::of(plain).as_str(), plain);
        }
        for other in [
            "",
            "two words",
            "Smith, 204",
            "é",
            "1234",
            "rec-482913",
            "a:1_2:123456789",
            &"x".repeat(MAX_EVENT_ID + 1),
        ] {
            let id = VendorEventId::of(other);
            assert_eq!(id.as_str().len(), 64, "{other}");
            assert_eq!(id, VendorEventId::of(other));
        }
        assert_ne!(VendorEventId::of("a b"), VendorEventId::of("a c"));
    }
}
