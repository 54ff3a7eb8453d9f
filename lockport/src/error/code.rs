//! The codes: exact strings and frozen numbers. Nothing here is ever renumbered; a snapshot test holds the table.

use serde::{Deserialize, Serialize};

/// What every code's text begins with (R37).
pub const CODE_PREFIX: &str = "MELMASTOON.LOCK.";

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, retriable: $retriable:literal;)*) => {
        /// Why a call failed, coarsely. What a vendor answered is always one of the first six (R37, X8).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name = $number,)*
        }

        impl ErrorCode {
            /// Every code, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name without the prefix: `KEY_ISSUE_FAILED`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The whole code: `MELMASTOON.LOCK.KEY_ISSUE_FAILED`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => concat!("MELMASTOON.LOCK.", $text),)* }
            }

            /// The number that stands for the code in C.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number,)* }
            }

            /// The constant of the platform's interface. Whether calling again can help *this time* is [`LockError::advice`](super::LockError::advice).
            #[must_use]
            pub const fn retriable(self) -> bool {
                match self { $(Self::$name => $retriable,)* }
            }
        }
    };
}

error_codes! {
    /// The vendor could not be reached, or did not decide.
    VendorUnreachable = 1, "VENDOR_UNREACHABLE", retriable: true;
    /// The vendor refused an issue, an update or an unsuspend, or its outcome is not known.
    KeyIssueFailed = 2, "KEY_ISSUE_FAILED", retriable: true;
    /// The vendor refused a revoke or a suspend, or its outcome is not known.
    KeyRevokeFailed = 3, "KEY_REVOKE_FAILED", retriable: true;
    /// A device is unknown to the vendor or to the property.
    DeviceNotPaired = 4, "DEVICE_NOT_PAIRED", retriable: false;
    /// The credential's window is over, or the vendor has forgotten it.
    CredentialExpired = 5, "CREDENTIAL_EXPIRED", retriable: false;
    /// The card encoder is away.
    CardEncoderOffline = 6, "CARD_ENCODER_OFFLINE", retriable: true;
    /// This adapter cannot do what was asked; no vendor was.
    Unsupported = 7, "UNSUPPORTED", retriable: false;
    /// The input is not valid; nothing was changed.
    InvalidInput = 8, "INVALID_INPUT", retriable: false;
    /// No such credential here.
    CredentialNotFound = 9, "CREDENTIAL_NOT_FOUND", retriable: false;
    /// The credential, or something it shares a lock with, is in a state that forbids the call now.
    StateConflict = 10, "STATE_CONFLICT", retriable: false;
    /// The key was used before with other input.
    IdempotencyConflict = 11, "IDEMPOTENCY_CONFLICT", retriable: false;
    /// The call names another tenant or property than this port serves.
    TenantMismatch = 12, "TENANT_MISMATCH", retriable: false;
    /// The certificate for offline issue is missing, over or revoked.
    CertificateRefused = 13, "CERTIFICATE_REFUSED", retriable: false;
    /// A webhook's proof of origin is wrong.
    WebhookSignatureInvalid = 14, "WEBHOOK_SIGNATURE_INVALID", retriable: false;
    /// The call was given up because another made it pointless.
    Cancelled = 15, "CANCELLED", retriable: false;
}
