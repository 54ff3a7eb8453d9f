//! THE table: what can go wrong at an encoder, what it means to us, and whether calling again can help (section 11).

use lockport::env::{LinkError, SecretError};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason, LockError, Operation, RetryAdvice};

use crate::card::Trouble;
use crate::encoder::EncoderError;

/// The code of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// `CARD_ENCODER_OFFLINE`
    Offline,
    /// The operation's own refusal: `KEY_ISSUE_FAILED`, or `KEY_REVOKE_FAILED` where it takes away.
    ByOperation,
}

use FailureReason as Why;
use Verdict::{ByOperation, Offline};

/// In the order of section 11. The words of its last column are the reasons. All of it may succeed later: with the cable in, or with
/// another card.
const fn row(trouble: Trouble) -> (Verdict, Why, &'static str) {
    use EncoderError as E;
    match trouble {
        // The port or the HID device cannot be opened, vanished, or is silent after all repeats.
        Trouble::Encoder(E::Link(LinkError::Busy)) => {
            (Offline, Why::PortBusy, "the encoder is in use by another program")
        }
        Trouble::Encoder(E::Link(LinkError::Denied)) => {
            (Offline, Why::NotPermitted, "the operating system forbids access to the encoder")
        }
        Trouble::Encoder(E::Link(_)) => (Offline, Why::DeviceOffline, "the encoder is not connected"),
        // No field, too hot, too much current.
        Trouble::Encoder(E::Faulty) => (Offline, Why::VendorInternal, "the encoder is faulty"),
        Trouble::SeveralCards => (ByOperation, Why::MultipleCards, "more than one card lies on the encoder"),
        Trouble::Removed | Trouble::Encoder(E::CardGone) => {
            (ByOperation, Why::CardRemoved, "the card was taken away")
        }
        Trouble::Unsupported | Trouble::Encoder(E::Unsupported) => {
            (ByOperation, Why::CardUnsupported, "nothing is written on a card of this kind")
        }
        // Status 14, login 03, FFFF on authenticate; a card that refuses what its sector should allow.
        Trouble::SectorConfig | Trouble::Encoder(E::KeyRefused | E::CardRefused) => {
            (ByOperation, Why::SectorConfig, "the card's sectors are not as the profile says")
        }
        Trouble::Verify | Trouble::Encoder(E::Radio) => {
            (ByOperation, Why::VerifyFailed, "what was written does not read back")
        }
        Trouble::Damaged => (ByOperation, Why::CardDamaged, "the card opens with no key any more"),
        Trouble::Encoder(E::Protocol) => {
            (ByOperation, Why::EncoderProtocol, "the encoder does not speak its protocol")
        }
        Trouble::TooLong => (ByOperation, Why::Timeout, "the card was not done in time"),
    }
}

/// What went wrong during an operation; `touched` when the card may hold something new, which only a look can tell.
pub(crate) fn trouble(
    trouble: Trouble,
    touched: bool,
    operation: Operation,
    encoder: LockDeviceId,
) -> LockError {
    let (verdict, reason, message) = row(trouble);
    let code = match verdict {
        Offline => ErrorCode::CardEncoderOffline,
        ByOperation => operation.refusal_code(),
    };
    let advice = if touched { RetryAdvice::OutcomeUnknown } else { RetryAdvice::NotApplied };
    LockError::new(code, reason, advice, message).at_device(encoder)
}

/// No encoder of the property is there.
pub(crate) fn no_encoder(error: LinkError) -> LockError {
    let (_, reason, message) = row(Trouble::Encoder(EncoderError::Link(error)));
    LockError::new(ErrorCode::CardEncoderOffline, reason, RetryAdvice::NotApplied, message)
}

/// Somebody else's job kept the encoder too long.
pub(crate) fn busy(operation: Operation, encoder: LockDeviceId) -> LockError {
    let message = "the encoder is in use by another job";
    LockError::new(operation.refusal_code(), Why::Busy, RetryAdvice::NotApplied, message).at_device(encoder)
}

/// Another encoder than the one that was paired answers, or none ever was.
pub(crate) fn not_paired(encoder: LockDeviceId, message: &str) -> LockError {
    let (code, reason) = (ErrorCode::DeviceNotPaired, Why::Configuration);
    LockError::new(code, reason, RetryAdvice::Never, message).at_device(encoder)
}

/// A secret of the property's was not to be had; the encoder was not asked. Its key is made at the pairing.
pub(crate) fn no_secret(error: SecretError) -> LockError {
    let (reason, advice) = match error {
        SecretError::Missing => (Why::Configuration, RetryAdvice::Never),
        _ => (Why::StoreUnavailable, RetryAdvice::NotApplied),
    };
    LockError::new(ErrorCode::DeviceNotPaired, reason, advice, error.to_string())
}

/// Our own store failed before anything was written on the card.
pub(crate) fn before_writing(error: LockError) -> LockError {
    if error.is_retriable() { error.with_advice(RetryAdvice::NotApplied) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 11, row by row: code and word for what gives and for what takes away; and what was touched is never said not to be.
    #[test]
    fn every_row_of_the_page() {
        use EncoderError as E;
        let device = LockDeviceId::derived("test", &[]);
        let rows: [(Trouble, &str); 15] = [
            (Trouble::Encoder(E::Link(LinkError::Gone)), "device_offline"),
            (Trouble::Encoder(E::Link(LinkError::TimedOut)), "device_offline"),
            (Trouble::Encoder(E::Link(LinkError::Busy)), "port_busy"),
            (Trouble::Encoder(E::Link(LinkError::Denied)), "not_permitted"),
            (Trouble::Encoder(E::Faulty), "vendor_internal"),
            (Trouble::SeveralCards, "multiple_cards"),
            (Trouble::Removed, "card_removed"),
            (Trouble::Encoder(E::CardGone), "card_removed"),
            (Trouble::Unsupported, "card_unsupported"),
            (Trouble::SectorConfig, "sector_config"),
            (Trouble::Verify, "verify_failed"),
            (Trouble::Encoder(E::Radio), "verify_failed"),
            (Trouble::Damaged, "card_damaged"),
            (Trouble::Encoder(E::Protocol), "encoder_protocol"),
            (Trouble::TooLong, "timeout"),
        ];
        for (index, (what, word)) in rows.into_iter().enumerate() {
            let issue = trouble(what, false, Operation::IssueCredential, device);
            let revoke = trouble(what, true, Operation::RevokeCredential, device);
            assert_eq!((issue.reason().as_str(), revoke.reason().as_str()), (word, word));
            let (gives, takes) = match index {
                0..5 => (ErrorCode::CardEncoderOffline, ErrorCode::CardEncoderOffline),
                _ => (ErrorCode::KeyIssueFailed, ErrorCode::KeyRevokeFailed),
            };
            assert_eq!((issue.code(), revoke.code()), (gives, takes), "{word}");
            assert_eq!(revoke.advice(), RetryAdvice::OutcomeUnknown, "{word}");
            // Another card may do, and the same may once it lies still.
            assert_eq!(issue.advice(), RetryAdvice::NotApplied, "{word}");
            assert!(issue.code().retriable(), "{word}");
        }
    }
}
