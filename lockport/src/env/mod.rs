//! What the host lends: every door to the outside is a trait here, so that an adapter can be embedded, simulated and tested
//! without a clock, a socket or a cable of its own. Nothing in the core reaches past these.

mod link;
#[cfg(feature = "test-util")]
mod manual;
mod os;
mod priority;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::link::{ByteLink, DeviceAddress, GattLink, HidBus, HidDeviceInfo, LinkError, ReportLink};
#[cfg(feature = "test-util")]
pub use self::manual::{ManualClock, SeededEntropy};
pub use self::os::{OsEntropy, SystemClock};
pub use self::priority::Priority;
use crate::id::{PropertyId, TenantId};
use crate::secret::Secret;
use crate::validity::Timestamp;

/// Tells the time. Only differences of a few seconds matter to the core; a clock that jumps back delays, it never doubles.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Waits. The core waits for deadlines and pauses only through this, on whatever runtime the host has.
#[async_trait]
pub trait Sleep: fmt::Debug + Send + Sync + 'static {
    /// Returns when the duration has passed.
    async fn sleep(&self, duration: Duration);
}

/// Draws random bytes fit for secrets.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`EntropyError`] when the source is exhausted or absent; nothing secret is drawn from anything weaker instead.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// No random bytes were to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of random bytes failed")]
pub struct EntropyError;

impl From<EntropyError> for crate::LockError {
    fn from(_: EntropyError) -> Self {
        let message = "the source of random bytes failed";
        Self::new(
            crate::ErrorCode::StateConflict,
            crate::FailureReason::StoreUnavailable,
            crate::RetryAdvice::NotApplied,
            message,
        )
    }
}

/// The environment of everything in the core: time, waiting, chance.
#[derive(Clone, Debug)]
pub struct Env {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The waiting.
    pub sleep: Arc<dyn Sleep>,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// Now, in UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long ago that was; nothing when the clock has jumped back since.
    pub(crate) fn since(&self, then: Timestamp) -> Duration {
        self.now().signed_duration_since(then).to_std().unwrap_or_default()
    }

    /// A fresh ULID: the clock's milliseconds and 80 random bits.
    ///
    /// # Errors
    /// [`EntropyError`] when no random bytes were to be had.
    pub(crate) fn ulid(&self) -> Result<ulid::Ulid, EntropyError> {
        let mut random = [0_u8; 16];
        self.entropy.fill(&mut random)?;
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        Ok(ulid::Ulid::from_parts(millis, u128::from_be_bytes(random)))
    }
}

/// The method of an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

/// One HTTP request. The body is a secret: it may hold a PIN or a token.
pub struct HttpRequest {
    /// The method.
    pub method: HttpMethod,
    /// Scheme, host, port and path. Never a query that holds a secret: put those into the body.
    pub url: String,
    /// Headers besides those the transport sets; values are secret.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body, with the content type among the headers.
    pub body: Option<Secret<Vec<u8>>>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("HttpRequest").field("method", &self.method).field("url", &url).finish_non_exhaustive()
    }
}

/// One HTTP answer. The body is a secret until somebody has taken it apart.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The `Date` header, if it was there and readable: how a wrong clock of ours is noticed.
    pub date: Option<Timestamp>,
    /// The `Retry-After` header, as a duration from now.
    pub retry_after: Option<Duration>,
    /// The body: at most [`MAX_HTTP_BODY`] bytes.
    pub body: Secret<Vec<u8>>,
}

/// The largest body a transport hands on, in bytes.
pub const MAX_HTTP_BODY: usize = 1 << 20;

/// Why there was no answer. The difference that matters is whether the request can have had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Certainly not sent: no name, no connection, no TLS.
    #[error("the vendor could not be reached")]
    NotSent,
    /// Sent, or partly sent, and then the connection broke.
    #[error("the connection broke before the answer was there")]
    Lost,
    /// Sent, or partly sent, and no answer in time.
    #[error("the vendor did not answer in time")]
    TimedOut,
    /// An answer larger than [`MAX_HTTP_BODY`].
    #[error("the answer is too large")]
    TooLarge,
    /// Certainly not sent: the vendor's quota is used up for this long.
    #[error("the vendor's quota is used up for now")]
    Limited(Duration),
    /// Certainly not sent: the vendor failed so often that it is left alone for a while.
    #[error("the vendor failed too often and is left alone for a while")]
    CircuitOpen,
}

/// Sends an HTTP request once: no retry, no redirect, no decompression, no proxy of its own choosing.
#[async_trait]
pub trait HttpTransport: fmt::Debug + Send + Sync + 'static {
    /// Sends and waits for the whole answer.
    ///
    /// # Errors
    /// [`TransportError`]; `NotSent`, `Limited` and `CircuitOpen` are promises that nothing left this machine.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// Hands out a property's vendor secrets (R10, R174).
#[async_trait]
pub trait SecretProvider: fmt::Debug + Send + Sync + 'static {
    /// The secret of this name: `secret-lock-<vendor>` and the field after a slash.
    ///
    /// # Errors
    /// [`SecretError`] when it is not there or cannot be had now.
    async fn secret(&self, tenant: TenantId, property: PropertyId, name: &str)
    -> Result<Secret, SecretError>;
}

/// Why a secret is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// There is none of that name.
    #[error("the host has no secret of that name")]
    Missing,
    /// The host's store of secrets is away.
    #[error("the host's store of secrets is away")]
    Unavailable,
}

/// Wraps the keys under which stored values are sealed: a KMS in the cloud, the keychain on a desktop (R175).
#[async_trait]
pub trait KeyWrap: fmt::Debug + Send + Sync + 'static {
    /// The name of the wrapping key in force.
    fn current_key(&self) -> String;

    /// Wraps a data key under the key in force.
    ///
    /// # Errors
    /// [`SecretError`] when the wrapping key cannot be used now.
    async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError>;

    /// Unwraps a data key that `key` wrapped.
    ///
    /// # Errors
    /// [`SecretError`] when that key is gone or cannot be used now.
    async fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError>;
}

/// Signs with this device's Ed25519 key, which never leaves its keychain (R112, R165).
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// The public key, 32 bytes.
    fn public_key(&self) -> [u8; 32];

    /// The signature over exactly these bytes; callers put a domain prefix before them.
    ///
    /// # Errors
    /// [`SecretError`] when the key cannot be used now.
    async fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], SecretError>;
}
