//! What the vendor calls back. Nothing about such a call proves where it is from: there is no signature, no nonce and no time in it.
//! So it is only ever a hint, told by whoever knows a secret part of the address; what it says is looked at before it is believed.

use std::hint::black_box;

use chrono::TimeDelta;
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret, Timestamp};

use crate::config::TtlockConfig;
use crate::driver::TtlockDriver;
use crate::limits::{MAX_CALLBACK_BYTES, MIN_CALLBACK_SECRET};
use crate::map;
use crate::record::Attempt;
use crate::wire::Notice;

/// The name under which the host keeps the secret segment of the address that stands in the vendor's console:
/// `https://hotel.example/hooks/ttlock/<segment>`. 32 characters or more, drawn at random.
pub const CALLBACK_SEGMENT: &str = "secret-lock-ttlock/callback-segment";

/// What a call of the vendor's says, and nobody has looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Nothing about this property: another one's lock, the test button of the console, news of a device that is not used here.
    Foreign,
    /// A door was tried, or something else stands in its log now.
    Tried {
        /// The door.
        device: LockDeviceId,
        /// The first instant that it is about, by the lock's clock.
        from: Timestamp,
        /// The first instant after.
        until: Timestamp,
    },
    /// A gateway of the account came or went. That it went is told half an hour late.
    Gateway {
        /// The vendor's number of it.
        gateway: i64,
        /// Whether it is there.
        is_online: bool,
    },
    /// A lock with a radio of its own came or went.
    Lock {
        /// The door.
        device: LockDeviceId,
        /// Whether it is there.
        is_online: bool,
    },
    /// Something that was left for a lock to fetch was refused by it. This driver leaves nothing: somebody else did.
    Refused {
        /// The door.
        device: LockDeviceId,
        /// The vendor's number for why.
        code: i64,
    },
}

impl TtlockDriver {
    /// Reads a call of the vendor's: `segment` is the secret part of the address that it came to, `body` what it brought. Nothing
    /// is asked and nothing is changed. Whatever comes of it, a call with the right segment is to be answered with status 200
    /// and the text `success`, or the vendor may call again.
    ///
    /// # Errors
    /// `WEBHOOK_SIGNATURE_INVALID` when the segment is not the one that the host keeps, or a lock's number and address do not
    /// belong together; answer 401. `INVALID_INPUT` for a body that cannot be read. Otherwise what the host's secret store says.
    pub async fn hint(&self, segment: &str, body: &[u8]) -> Result<Hint, LockError> {
        let own = self.client.callback_segment().await?;
        // EXPOSE: only its length.
        if own.expose().len() < MIN_CALLBACK_SECRET {
            let message = "the secret segment of the callback's address is too short";
            let (reason, advice) = (FailureReason::Configuration, RetryAdvice::Never);
            return Err(LockError::unreachable(reason, advice, message));
        }
        if !is_same(&own, segment) {
            return Err(not_the_vendors(
                "the address of the call is not the one that was told to the vendor",
            ));
        }
        if body.len() > MAX_CALLBACK_BYTES {
            return Err(LockError::invalid_input("the body of a call is too long"));
        }
        let notice = Notice::read(body);
        hint(&self.config, &notice.ok_or_else(|| LockError::invalid_input("the body cannot be read"))?)
    }

    /// Looks at the vendor for what a hint says: the attempts at that door in that time, as the cloud has them. Empty for a hint
    /// about no door, and for one that was invented.
    ///
    /// # Errors
    /// As [`attempts_at`](Self::attempts_at).
    pub async fn confirm(&self, hint: &Hint) -> Result<Vec<Attempt>, LockError> {
        match hint {
            Hint::Tried { device, from, until } => self.attempts_at(*device, *from, *until).await,
            _ => Ok(Vec::new()),
        }
    }
}

/// What a notice says of this property.
fn hint(config: &TtlockConfig, notice: &Notice) -> Result<Hint, LockError> {
    if notice.admin.as_ref().is_some_and(|admin| !admin.eq_ignore_ascii_case(&config.account)) {
        return Ok(Hint::Foreign);
    }
    if let (Some(2), Some(gateway)) = (notice.kind, notice.gateway) {
        let mut own = config.locks.values().filter_map(|lock| lock.gateway_id).peekable();
        let is_own = own.peek().is_none() || own.any(|own| own == gateway);
        let is_online = notice.is_online;
        return Ok(if is_own { Hint::Gateway { gateway, is_online } } else { Hint::Foreign });
    }
    let known = config.locks.iter().find(|(_, lock)| Some(lock.lock_id) == notice.lock);
    let Some((device, lock)) = known else { return Ok(Hint::Foreign) };
    if let (Some(own), Some(told)) = (&lock.mac, &notice.mac)
        && !own.eq_ignore_ascii_case(told)
    {
        return Err(not_the_vendors("the lock and the address in the call do not belong together"));
    }
    let device = *device;
    Ok(match notice.kind {
        Some(1) => match span(&notice.times) {
            Some((from, until)) => Hint::Tried { device, from, until },
            None => Hint::Foreign,
        },
        Some(3) => Hint::Lock { device, is_online: notice.is_online },
        Some(4) => Hint::Refused { device, code: notice.code.unwrap_or_default() },
        _ => Hint::Foreign,
    })
}

/// From the first of these instants to just after the last.
fn span(times_ms: &[i64]) -> Option<(Timestamp, Timestamp)> {
    let at = |ms: i64| map::instant(crate::wire::Loose(ms));
    let from = at(*times_ms.iter().min()?)?;
    let until = at(*times_ms.iter().max()?)?.checked_add_signed(TimeDelta::milliseconds(1))?;
    Some((from, until))
}

fn not_the_vendors(message: &str) -> LockError {
    let (code, reason) = (ErrorCode::WebhookSignatureInvalid, FailureReason::AuthRejected);
    LockError::new(code, reason, RetryAdvice::Never, message)
}

/// Whether they are the same, in a time that does not tell how much of the beginning fits: every byte of our own is compared, with
/// something or with nothing.
fn is_same(own: &Secret, told: &str) -> bool {
    // EXPOSE: compared byte by byte, to the last.
    let own = own.expose().as_bytes();
    let told_or_nothing = told.bytes().chain(std::iter::repeat(0));
    let start = u8::from(own.len() != told.len());
    let differs = own.iter().zip(told_or_nothing).fold(start, |differs, (a, b)| black_box(differs | (a ^ b)));
    differs == 0
}
