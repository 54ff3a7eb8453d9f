//! One error for every call: opaque, as small as a pointer, with a stable code and an advice that belongs to the occurrence.

mod code;
mod reason;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::code::{CODE_PREFIX, ErrorCode};
pub use self::reason::FailureReason;
use crate::credential::VendorCode;
use crate::env::TransportError;
use crate::id::{KeyCredentialId, LockDeviceId};
use crate::store::StoreError;

/// Whether calling again can help. Belongs to the *occurrence*, not to the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryAdvice {
    /// The same call will fail the same way.
    Never,
    /// Nothing was applied: never sent, or the vendor says so. Repeating cannot double anything.
    NotApplied,
    /// Come back after at least this long, with the same key: the vendor asks for a pause, or something under way has to end.
    After(Duration),
    /// It may have been applied. Repeat only with the same idempotency key.
    OutcomeUnknown,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `issue_credential`
    IssueCredential,
    /// `update_credential`
    UpdateCredential,
    /// `revoke_credential`
    RevokeCredential,
    /// `suspend_credential`
    SuspendCredential,
    /// `unsuspend_credential`
    UnsuspendCredential,
    /// `settle`, beside the port
    SettleCredential,
    /// `list_devices`
    ListDevices,
    /// `health_check`
    HealthCheck,
}

impl Operation {
    /// The method's name: `issue_credential`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IssueCredential => "issue_credential",
            Self::UpdateCredential => "update_credential",
            Self::RevokeCredential => "revoke_credential",
            Self::SuspendCredential => "suspend_credential",
            Self::UnsuspendCredential => "unsuspend_credential",
            Self::SettleCredential => "settle",
            Self::ListDevices => "list_devices",
            Self::HealthCheck => "health_check",
        }
    }

    /// The code for "the vendor said no": what gives access fails as an issue, what takes it away as a revoke.
    #[must_use]
    pub const fn refusal_code(self) -> ErrorCode {
        match self {
            Self::IssueCredential
            | Self::UpdateCredential
            | Self::UnsuspendCredential
            | Self::SettleCredential => ErrorCode::KeyIssueFailed,
            Self::RevokeCredential | Self::SuspendCredential => ErrorCode::KeyRevokeFailed,
            Self::ListDevices | Self::HealthCheck => ErrorCode::VendorUnreachable,
        }
    }
}

/// Why a call failed. See [`advice`](Self::advice) for what to do about it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LockError(Box<Record>);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    code: ErrorCode,
    reason: FailureReason,
    advice: RetryAdvice,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor: Option<VendorCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<LockDeviceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<KeyCredentialId>,
    #[serde(skip)]
    source: Option<Source>,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Store(StoreError),
    Transport(TransportError),
}

impl LockError {
    /// An error from its parts. `message` is one lower-case line without a full stop, without a secret, without a guest's data
    /// and without a vendor's own words: a vendor's number may stand in it, its text may not.
    #[must_use]
    pub fn new(
        code: ErrorCode,
        reason: FailureReason,
        advice: RetryAdvice,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Record {
            code,
            reason,
            advice,
            message: message.into(),
            operation: None,
            vendor: None,
            device: None,
            credential: None,
            source: None,
        }))
    }

    /// Input that a type or a limit forbids; nothing was changed.
    #[must_use]
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, FailureReason::Invalid, RetryAdvice::Never, message)
    }

    /// Something this adapter cannot do; no vendor was asked.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unsupported, FailureReason::KindNotSupported, RetryAdvice::Never, message)
    }

    /// Ids of another tenant or property.
    #[must_use]
    pub fn tenant_mismatch() -> Self {
        let message = "the call names another tenant or property than this port serves";
        Self::new(ErrorCode::TenantMismatch, FailureReason::ForeignId, RetryAdvice::Never, message)
    }

    /// No such credential here.
    #[must_use]
    pub fn credential_not_found(id: KeyCredentialId) -> Self {
        let message = "no such credential here";
        Self::new(ErrorCode::CredentialNotFound, FailureReason::NotFound, RetryAdvice::Never, message)
            .at_credential(id)
    }

    /// A device that this property does not have.
    #[must_use]
    pub fn device_not_paired(id: LockDeviceId) -> Self {
        let message = "the property has no such device";
        Self::new(ErrorCode::DeviceNotPaired, FailureReason::UnknownPlace, RetryAdvice::Never, message)
            .at_device(id)
    }

    /// Nothing of it was sent.
    #[must_use]
    pub fn unreachable(reason: FailureReason, advice: RetryAdvice, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::VendorUnreachable, reason, advice, message)
    }

    /// The code: coarse, stable, one of the table in [`ErrorCode`].
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The finer meaning.
    #[must_use]
    pub fn reason(&self) -> FailureReason {
        self.0.reason
    }

    /// Whether calling again can help, this time.
    #[must_use]
    pub fn advice(&self) -> RetryAdvice {
        self.0.advice
    }

    /// Whether the advice is anything but `Never`.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.0.advice != RetryAdvice::Never
    }

    /// One scrubbed line for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was being done, once a layer has said so.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// Whose adapter it was, once a layer has said so.
    #[must_use]
    pub fn vendor(&self) -> Option<&VendorCode> {
        self.0.vendor.as_ref()
    }

    /// The device it was about.
    #[must_use]
    pub fn device(&self) -> Option<LockDeviceId> {
        self.0.device
    }

    /// The credential it was about.
    #[must_use]
    pub fn credential(&self) -> Option<KeyCredentialId> {
        self.0.credential
    }

    /// The same error, about this device.
    #[must_use]
    pub fn at_device(mut self, device: LockDeviceId) -> Self {
        self.0.device = Some(device);
        self
    }

    /// The same error, about this credential.
    #[must_use]
    pub fn at_credential(mut self, credential: KeyCredentialId) -> Self {
        self.0.credential = Some(credential);
        self
    }

    /// The same error with another advice.
    #[must_use]
    pub fn with_advice(mut self, advice: RetryAdvice) -> Self {
        self.0.advice = advice;
        self
    }

    /// The same error, during this operation of this vendor's adapter; what was said before stays.
    #[must_use]
    pub(crate) fn during(mut self, operation: Operation, vendor: &VendorCode) -> Self {
        self.0.operation.get_or_insert(operation);
        self.0.vendor.get_or_insert_with(|| vendor.clone());
        self
    }

    /// Whether a row of the caller's own had moved on, and not one behind a port: whoever reads again and thinks again goes on.
    pub(crate) fn is_store_conflict(&self) -> bool {
        *self == Self::from(StoreError::Conflict)
    }
}

impl From<StoreError> for LockError {
    fn from(error: StoreError) -> Self {
        let (reason, advice) = match error {
            StoreError::Conflict => (FailureReason::InProgress, RetryAdvice::OutcomeUnknown),
            StoreError::Unavailable => (FailureReason::StoreUnavailable, RetryAdvice::OutcomeUnknown),
            StoreError::Corrupt => (FailureReason::StoreCorrupt, RetryAdvice::Never),
        };
        let mut this = Self::new(ErrorCode::StateConflict, reason, advice, "lockport's own store failed");
        this.0.source = Some(Source::Store(error));
        this
    }
}

impl From<TransportError> for LockError {
    fn from(error: TransportError) -> Self {
        let (reason, advice) = match error {
            TransportError::NotSent => (FailureReason::Network, RetryAdvice::NotApplied),
            TransportError::Lost => (FailureReason::Network, RetryAdvice::OutcomeUnknown),
            TransportError::TimedOut => (FailureReason::Timeout, RetryAdvice::OutcomeUnknown),
            TransportError::TooLarge => (FailureReason::MalformedAnswer, RetryAdvice::OutcomeUnknown),
            TransportError::Limited(wait) => (FailureReason::Throttled, RetryAdvice::After(wait)),
            TransportError::CircuitOpen => (FailureReason::Network, RetryAdvice::NotApplied),
        };
        let mut this = Self::unreachable(reason, advice, error.to_string());
        this.0.source = Some(Source::Transport(error));
        this
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            f.write_str(operation.as_str())?;
            if let Some(vendor) = &self.0.vendor {
                write!(f, " on {vendor}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} ({})", self.0.message, self.0.reason.as_str())
    }
}

impl fmt::Debug for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { code, reason, advice, message, operation, vendor, device, credential, source } =
            &*self.0;
        f.debug_struct("LockError")
            .field("code", &code.name())
            .field("reason", &reason.as_str())
            .field("advice", advice)
            .field("message", message)
            .field("operation", operation)
            .field("vendor", vendor)
            .field("device", device)
            .field("credential", credential)
            .field("source", source)
            .finish()
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.source.as_ref()? {
            Source::Store(error) => Some(error),
            Source::Transport(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// R37: exact codes, frozen numbers, constant retriable flags. A line may be added; none may change.
    #[test]
    fn codes_and_reasons_are_frozen() {
        let mut table = String::new();
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str(), format!("{CODE_PREFIX}{}", code.name()));
            writeln!(table, "{} {} {}", code.number(), code.as_str(), code.retriable()).unwrap();
        }
        for reason in FailureReason::ALL {
            writeln!(table, "{}", reason.as_str()).unwrap();
        }
        assert_eq!(table, include_str!("frozen.txt"));
    }

    #[test]
    fn an_error_is_as_small_as_a_pointer() {
        assert_eq!(size_of::<LockError>(), size_of::<usize>());
    }

    #[test]
    fn an_error_reads_as_one_line_and_survives_storage() {
        let error = LockError::unreachable(
            FailureReason::Throttled,
            RetryAdvice::After(Duration::from_secs(2)),
            "too many calls",
        )
        .during(Operation::RevokeCredential, &VendorCode::TTLOCK);
        assert_eq!(error.to_string(), "revoke_credential on ttlock: too many calls (throttled)");
        let stored = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<LockError>(&stored).unwrap(), error);
    }
}
