//! A login that the vendor has turned down: the same one is not sent again until it is another, or a long pause is over. Whoever goes
//! on asking gets the account locked.

use lockport::store::slots::{SlotValue, Slots};
use lockport::{FailureReason, LockError, RetryAdvice, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Stakes, before_sending};
use crate::limits::REFUSED_PAUSE;

/// What was turned down, and until when it is not sent again. Times are milliseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// A digest of the login.
    login: String,
    /// The vendor's number for it.
    code: i64,
    until_ms: i64,
}

impl Refused {
    /// Of the login with this digest, now.
    pub(crate) fn new(login: String, code: i64, now: Timestamp) -> Self {
        let until = now.checked_add_signed(REFUSED_PAUSE).unwrap_or(now);
        Self { login, code, until_ms: until.timestamp_millis() }
    }

    /// Whether the pause is on. One that is longer than one can be was begun before the clock was set back.
    pub(crate) fn is_on(&self, now: Timestamp) -> bool {
        let left_ms = self.until_ms.saturating_sub(now.timestamp_millis());
        (1..=REFUSED_PAUSE.num_milliseconds()).contains(&left_ms)
    }

    /// What the login with this digest is answered while the pause is on; nothing when it is another one.
    pub(crate) fn answer(&self, login: &str, stakes: Stakes, now: Timestamp) -> Option<LockError> {
        if self.login != login {
            return None;
        }
        let error = stakes.refused(self.code, now);
        let message = format!(
            "the vendor answered code {} to this login, which is not sent again for a while, or until a secret is another",
            self.code
        );
        Some(LockError::unreachable(error.reason(), error.advice(), message))
    }

    /// As the host's other instances find it.
    pub(crate) async fn keep(&self, slots: &Slots, slot: &str) -> Result<(), LockError> {
        let text = serde_json::to_string(self).map(Secret::new);
        let value = text.map_err(|_| LockError::invalid_input("a refusal cannot be written down"))?;
        slots.put(slot, SlotValue { value, expires: None }).await
    }

    /// What an instance has left behind. What cannot be read is as good as absent.
    pub(crate) async fn kept(slots: &Slots, slot: &str) -> Result<Option<Self>, LockError> {
        let kept = slots.get(slot).await.map_err(before_sending)?;
        // EXPOSE: the body of a slot, taken apart by the type that wrote it.
        Ok(kept.and_then(|kept| serde_json::from_str(kept.value.expose()).ok()))
    }
}

/// Whether this number of the vendor's is about the login itself, so that sending it again is in vain.
pub(crate) fn is_about_the_login(code: i64, stakes: Stakes, now: Timestamp) -> bool {
    let error = stakes.refused(code, now);
    (error.reason(), error.advice()) == (FailureReason::AuthRejected, RetryAdvice::Never)
}
