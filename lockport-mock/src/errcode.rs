//! The codes of this vendor, and what each means to a host: one row per code.

use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

pub(crate) const NO_SUCH_DOOR: u16 = 4001;
pub(crate) const PIN_TAKEN: u16 = 4002;
pub(crate) const MEMORY_FULL: u16 = 4003;
pub(crate) const NO_SUCH_GRANT: u16 = 4004;
pub(crate) const NO_CARD: u16 = 4005;
pub(crate) const NO_SUCH_KIND: u16 = 4006;
/// Every code with which this vendor says no, as its page has them.
pub const DOCUMENTED_CODES: [u16; 6] =
    [NO_SUCH_DOOR, PIN_TAKEN, MEMORY_FULL, NO_SUCH_GRANT, NO_CARD, NO_SUCH_KIND];

/// What [`Fault::UnknownCode`](crate::Fault::UnknownCode) answers. It stands in no table, and that is the point.
pub(crate) const UNDOCUMENTED: u16 = 9999;

/// The documented codes; `None` as a code means that the call's own refusal fits.
const TABLE: &[(u16, Option<ErrorCode>, FailureReason, &str)] = &[
    (
        NO_SUCH_DOOR,
        Some(ErrorCode::DeviceNotPaired),
        FailureReason::UnknownPlace,
        "the vendor has no such door",
    ),
    (PIN_TAKEN, None, FailureReason::PinCollision, "the pin is taken at that door"),
    (MEMORY_FULL, None, FailureReason::CapacityFull, "the door holds no more grants"),
    (
        NO_SUCH_GRANT,
        Some(ErrorCode::CredentialExpired),
        FailureReason::NotFound,
        "the vendor has no such grant any more",
    ),
    (
        NO_CARD,
        Some(ErrorCode::CardEncoderOffline),
        FailureReason::NoCard,
        "another card lies on the encoder, or none",
    ),
    (NO_SUCH_KIND, None, FailureReason::KindNotSupported, "the lock of the door has no such kind"),
];

/// The error for a code of the vendor. `refusal` is what a plain no to this call is.
pub(crate) fn to_lock_error(code: u16, refusal: ErrorCode) -> LockError {
    match TABLE.iter().find(|(known, ..)| *known == code) {
        Some((_, own, reason, message)) => {
            LockError::new(own.unwrap_or(refusal), *reason, RetryAdvice::Never, *message)
        }
        None => LockError::new(
            refusal,
            FailureReason::UnmappedVendorCode,
            RetryAdvice::Never,
            format!("the vendor answered with code {code}, which stands in no table"),
        ),
    }
}
