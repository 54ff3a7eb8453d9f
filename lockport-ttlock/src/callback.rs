//! What the vendor calls back. Nothing about such a call proves where it is from: there is no signature, no nonce and no time in it.
//! So it is only ever a hint, told by whoever knows a secret part of the address; what it says is looked at before it is believed.

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::driver::{CallHead, CallNews, VendorCall, Webhook};
use lockport::id::LockDeviceId;
use lockport::telemetry::WebhookKind;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Timestamp};

use crate::config::TtlockConfig;
use crate::driver::TtlockDriver;
use crate::limits::{MAX_CALLBACK_BYTES, MIN_CALLBACK_SECRET};
use crate::map;
use crate::wire::Notice;

/// The name under which the host keeps the secret segment of the address that stands in the vendor's console:
/// `https://hotel.example/hooks/ttlock/<segment>`. 32 characters or more, drawn at random.
pub const CALLBACK_SEGMENT: &str = "secret-lock-ttlock/callback-segment";

/// What the vendor wants to be answered.
const REPLY: &str = "success";

/// What a call of the vendor's says, and nobody has looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hint {
    /// Nothing about this property: another one's lock, the test button of the console, news of a device that is not used here; or that
    /// a lock refused what was left for it to fetch: this driver leaves nothing.
    Foreign,
    /// A door was tried, or something else stands in its log now.
    Tried {
        device: LockDeviceId,
        /// The first instant that it is about, by the lock's clock.
        from: Timestamp,
        /// The first instant after.
        until: Timestamp,
    },
    /// A gateway of the account came or went. That it went is told half an hour late.
    Gateway(i64),
    /// A lock with a radio of its own came or went.
    Lock(LockDeviceId),
}

impl Hint {
    const fn kind(&self) -> WebhookKind {
        match self {
            Self::Tried { .. } => WebhookKind::Access,
            Self::Gateway(_) | Self::Lock(_) => WebhookKind::Device,
            Self::Foreign => WebhookKind::Other,
        }
    }
}

/// The secret part of a call's address is the last segment of it.
#[async_trait]
impl Webhook for TtlockDriver {
    async fn check(&self, call: &VendorCall<'_>) -> Result<CallHead, LockError> {
        let own = self.client.callback_segment().await?;
        // EXPOSE: only its length.
        if own.expose().len() < MIN_CALLBACK_SECRET {
            let message = "the secret segment of the callback's address is too short";
            let (reason, advice) = (FailureReason::Configuration, RetryAdvice::Never);
            return Err(LockError::unreachable(reason, advice, message));
        }
        if !own.is(call.segment) {
            return Err(not_the_vendors(
                "the address of the call is not the one that was told to the vendor",
            ));
        }
        Ok(CallHead { kind: self.hint(call.body)?.kind(), event: None, reply: REPLY })
    }

    async fn news(&self, call: &VendorCall<'_>) -> Result<CallNews, LockError> {
        Ok(match self.hint(call.body)? {
            Hint::Foreign => CallNews::Nothing,
            Hint::Tried { device, from, until } => {
                CallNews::Attempts(self.attempts_at(device, from, until).await?)
            }
            Hint::Gateway(gateway) => CallNews::Devices(self.heard_by(gateway)),
            Hint::Lock(device) => CallNews::Devices(vec![device]),
        })
    }
}

impl TtlockDriver {
    /// Reads a call. Nothing is asked and nothing is believed.
    fn hint(&self, body: &[u8]) -> Result<Hint, LockError> {
        if body.len() > MAX_CALLBACK_BYTES {
            return Err(LockError::invalid_input("the body of a call is too long"));
        }
        let notice = Notice::read(body);
        hint(&self.config, &notice.ok_or_else(|| LockError::invalid_input("the body cannot be read"))?)
    }

    /// The locks that this gateway may hear: those that name it or none.
    fn heard_by(&self, gateway: i64) -> Vec<LockDeviceId> {
        let locks = self.config.locks.iter();
        let heard = locks.filter(|(_, lock)| lock.gateway_id.is_none_or(|own| own == gateway));
        heard.map(|(device, _)| *device).collect()
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
        return Ok(if is_own { Hint::Gateway(gateway) } else { Hint::Foreign });
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
        Some(3) => Hint::Lock(device),
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
