//! Idempotency keys: the caller's name for one logical write (R39, R79, R224, X7).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::{EventId, KeyCredentialId, ReservationId, ShiftId};

/// The longest key, in bytes.
pub const MAX_KEY: usize = 200;

/// The caller's name for one logical write: 1 to [`MAX_KEY`] visible ASCII characters. It travels to vendors and stands in logs,
/// so it carries no guest's data and no secret.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

/// Text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to {MAX_KEY} visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of one step of the stay saga (R79): `sha256(reservation, step, version)`, where the version is the stay's
    /// generation, so that a reinstated booking is never answered with a dead credential (X7).
    #[must_use]
    pub fn for_stay_step(reservation: ReservationId, step: &str, version: u64) -> Self {
        Self::hashed("stay-step", &[&reservation.to_bytes(), step.as_bytes(), &version.to_be_bytes()])
    }

    /// The name of one step for a shift: `issue-master` (R224).
    #[must_use]
    pub fn for_shift_step(shift: ShiftId, step: &str) -> Self {
        Self::hashed("shift-step", &[&shift.to_bytes(), step.as_bytes()])
    }

    /// The key of what an event does to a credential (R224): `sha256(event, credential, verb)`.
    #[must_use]
    pub fn for_event(event: EventId, credential: KeyCredentialId, verb: &str) -> Self {
        Self::hashed("event", &[&event.to_bytes(), &credential.to_bytes(), verb.as_bytes()])
    }

    /// The key of the n-th thing done to a credential.
    #[must_use]
    pub fn for_credential_step(credential: KeyCredentialId, step: &str, version: u64) -> Self {
        Self::hashed("credential-step", &[&credential.to_bytes(), step.as_bytes(), &version.to_be_bytes()])
    }

    /// Each field with its length before it, so that no two lists of fields run together.
    fn hashed(family: &str, fields: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for field in std::iter::once(&family.as_bytes()).chain(fields) {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;
    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        if text.is_empty() || text.len() > MAX_KEY || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidIdempotencyKey);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidIdempotencyKey;
    fn try_from(text: String) -> Result<Self, InvalidIdempotencyKey> {
        text.parse()
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X7: the formula is frozen; a changed key would issue a second credential after an upgrade.
    #[test]
    fn the_formulas_are_frozen() {
        let reservation: ReservationId = "rsv_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap();
        let credential = "key_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap();
        let one = IdempotencyKey::for_stay_step(reservation, "issue", 2);
        let all = [
            one.clone(),
            IdempotencyKey::for_shift_step("shf_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(), "issue-master"),
            IdempotencyKey::for_event(
                "evt_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
                credential,
                "revoke",
            ),
            IdempotencyKey::for_credential_step(credential, "update", 2),
        ];
        let all: Vec<&str> = all.iter().map(IdempotencyKey::as_str).collect();
        let golden: Vec<&str> = include_str!("idempotency.golden").lines().collect();
        assert_eq!(all, golden);
        assert_ne!(one, IdempotencyKey::for_stay_step(reservation, "issue", 3));
        assert_ne!(one, IdempotencyKey::for_stay_step(reservation, "update", 2));
    }

    #[test]
    fn a_key_is_visible_ascii_of_a_bounded_length() {
        for bad in ["", "a b", "ä", "a\n", "x".repeat(MAX_KEY + 1).as_str()] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?} was taken");
        }
        assert!("x".repeat(MAX_KEY).parse::<IdempotencyKey>().is_ok());
    }
}
