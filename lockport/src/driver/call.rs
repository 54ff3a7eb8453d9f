//! What a vendor tells by calling the host: whether it is the vendor, and what it is about.

use std::fmt;

use async_trait::async_trait;

use super::{DoorAttempt, JobNews, VendorDriver, VendorEventId};
use crate::error::LockError;
use crate::id::LockDeviceId;
use crate::telemetry::WebhookKind;

/// A call as it came to the host.
#[derive(Clone, Copy)]
pub struct VendorCall<'a> {
    /// The secret part of the address that it came to, where the address has one.
    pub segment: &'a str,
    /// Its headers, names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// What it brought.
    pub body: &'a [u8],
}

impl<'a> VendorCall<'a> {
    /// A call that brought this.
    #[must_use]
    pub const fn with_body(body: &'a [u8]) -> Self {
        Self { segment: "", headers: &[], body }
    }
}

impl fmt::Debug for VendorCall<'_> {
    /// There may be a secret in each part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VendorCall([redacted])")
    }
}

/// What is known of a call before it is looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallHead {
    /// What it is about.
    pub kind: WebhookKind,
    /// The vendor's name for it, where it has one.
    pub event: Option<VendorEventId>,
    /// The text with which the vendor wants its call answered.
    pub reply: &'static str,
}

/// What a call is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallNews {
    /// Nothing of this property, or nothing that the vendor stands by.
    Nothing,
    /// A job: something that the vendor accepted has ended.
    Job(JobNews),
    /// Somebody tried doors.
    Attempts(Vec<DoorAttempt>),
    /// These locks may be otherwise than they were.
    Devices(Vec<LockDeviceId>),
}

/// A vendor that calls back: what is new is looked at when it says so, and not only when a look makes sense.
///
/// # Contract
/// 1. Nothing of a call is believed before [`check`](Self::check) has let it pass.
/// 2. What a vendor says that does not sign is a hint: [`news`](Self::news) tells only what the vendor says when it is asked.
/// 3. A call may come twice, late, out of order, or never.
#[async_trait]
pub trait Webhook: VendorDriver {
    /// Whether the call is the vendor's own: by its signature, or by the secret part of its address. The vendor is not asked.
    ///
    /// # Errors
    /// `WEBHOOK_SIGNATURE_INVALID` when it is somebody else's; `INVALID_INPUT` when it cannot be read; otherwise what the host's
    /// secret store says.
    async fn check(&self, call: &VendorCall<'_>) -> Result<CallHead, LockError>;

    /// What a call that was checked is about. Nothing is changed.
    ///
    /// # Errors
    /// When the vendor could not be asked: it may be told to call again.
    async fn news(&self, call: &VendorCall<'_>) -> Result<CallNews, LockError>;
}
