//! The seam on the hotel's side: the eight methods that hosts call.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::audit::VendorRefHash;
use crate::credential::{
    IssueInput, IssueResult, IssuedCredential, KeyCredentialKind, RevokeInput, RevokeOutcome, SettleInput,
    SuspendInput, SuspendOutcome, UnsuspendInput, UpdateInput, UpdateResult,
};
use crate::device::{DeviceHealth, LockDevice};
use crate::driver::{AttemptOutcome, CallHead, Cursor, DriverDescriptor, Page, VendorCall, VendorEventId};
use crate::error::LockError;
use crate::id::{KeyCredentialId, LockDeviceId, PropertyId};
use crate::validity::Timestamp;

/// The one seam between hotel software and a lock vendor (R38). One value serves one (tenant, property).
///
/// # Contract
/// 1. A write repeated with the same idempotency key yields the first outcome again and leaves one effect at the vendor; with
///    other input it is `IDEMPOTENCY_CONFLICT` and changes nothing. (`IDEM-001` to `IDEM-004`)
/// 2. A key opens its doors inside its window and nowhere else. (`ISSUE-001`, `ISSUE-002`)
/// 3. Revoking a revoked credential succeeds, with the proof of the first time. (`REVOKE-001`, `REVOKE-002`)
/// 4. Dropping a returned future never corrupts the adapter; the outcome is then settled by calling again with the same key.
///    (`CANCEL-001` to `CANCEL-004`)
/// 5. What a capability says is impossible, and what an input type forbids, is refused before any I/O. (`GUARD-001`, `CAPA-001`)
/// 6. No vendor type, reference or message reaches the caller; a vendor code nobody knows is the operation's failure code.
///    (`ERROR-001`, `ERROR-002`, `LEAK-001` to `LEAK-003`)
#[async_trait]
pub trait LockPort: fmt::Debug + Send + Sync + 'static {
    /// What this adapter is and can do; the same at every call, without I/O.
    fn describe_adapter(&self) -> AdapterDescriptor;

    /// Issues a credential.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `UNSUPPORTED`, `TENANT_MISMATCH`, `IDEMPOTENCY_CONFLICT`, `STATE_CONFLICT` before anything is sent;
    /// `KEY_ISSUE_FAILED` or `VENDOR_UNREACHABLE` from the vendor, `CARD_ENCODER_OFFLINE` from the desk: see
    /// [`advice`](LockError::advice).
    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError>;

    /// Moves a credential's window, its rooms, its reach, or all of them.
    ///
    /// # Errors
    /// As for an issue, and `CREDENTIAL_NOT_FOUND`, `CREDENTIAL_EXPIRED`.
    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError>;

    /// Takes a credential away for good. Of a credential nobody knows it leaves a tombstone: a late issue of it is refused.
    ///
    /// # Errors
    /// `KEY_REVOKE_FAILED` or `VENDOR_UNREACHABLE`: nothing was achieved, or nothing is known.
    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError>;

    /// Takes a credential away for a while.
    ///
    /// # Errors
    /// As for a revoke, and `UNSUPPORTED`, `CREDENTIAL_NOT_FOUND`.
    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError>;

    /// Gives a suspended credential back.
    ///
    /// # Errors
    /// As for an update, and `STATE_CONFLICT` when it is not suspended.
    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError>;

    /// The property's locks at this vendor.
    ///
    /// # Errors
    /// `VENDOR_UNREACHABLE`, `TENANT_MISMATCH`.
    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError>;

    /// How one of them is.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the property does not have it; `VENDOR_UNREACHABLE`.
    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError>;
}

/// Beside the port: what an adapter's ledger needs beside vendor and hotel. A person's word on what no machine can find out, and
/// somebody who says when to clear up.
#[async_trait]
pub trait Settle: fmt::Debug + Send + Sync + 'static {
    /// Closes a declared unknown: an operation that ended as its failure code with reason `outcome_unknown` and advice `Never`.
    /// What happened counts from now on as if its answer had come; what did not happen as if it had never been sent: `None` is what
    /// was never issued. Of a change at several doors the word holds for all of it. A later revoke works either way.
    ///
    /// # Errors
    /// `CREDENTIAL_NOT_FOUND`; `STATE_CONFLICT` when nothing about the credential is unknown; `TENANT_MISMATCH`.
    async fn settle(&self, input: SettleInput) -> Result<Option<IssuedCredential>, LockError>;

    /// Drops what nobody may ask for any more: outcomes, credentials and their grants, [`REMEMBERED`] after the credential's window
    /// is over; some at a time. Never called, it only takes more room.
    ///
    /// # Errors
    /// When the store is away.
    ///
    /// [`REMEMBERED`]: crate::store::ledger::REMEMBERED
    async fn tidy(&self) -> Result<(), LockError>;
}

/// What hosts, registries and layers hold.
pub type SharedLockPort = Arc<dyn LockPort>;

/// An adapter, described: its driver's descriptor, with the capabilities that the property's doors add.
pub type AdapterDescriptor = DriverDescriptor;

/// Beside the port: who tried which door, of an adapter whose driver is told.
#[async_trait]
pub trait AttemptFeed: fmt::Debug + Send + Sync + 'static {
    /// The next page behind this cursor; without one the oldest that the vendor still has. Attempts at doors that the adapter
    /// does not serve are left out.
    ///
    /// # Errors
    /// `VENDOR_UNREACHABLE`; `UNSUPPORTED` when this vendor tells nothing.
    async fn attempts(&self, after: Option<&Cursor>) -> Result<Page<SeenAttempt>, LockError>;
}

/// Beside the port: the clocks of the locks, of an adapter whose driver can set them.
#[async_trait]
pub trait LockClocks: fmt::Debug + Send + Sync + 'static {
    /// Sets the clock of this lock to the time that it is (R148).
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the property does not have it; `VENDOR_UNREACHABLE`.
    async fn set_clock(&self, device: LockDeviceId) -> Result<(), LockError>;
}

/// Somebody tried a door, with whose key, as far as it can be told. The vendor's reference and what was shown are not in it (X2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAttempt {
    /// What the vendor calls it.
    pub event: VendorEventId,
    /// The door.
    pub device: LockDeviceId,
    /// When, by the lock's own clock.
    pub at: Timestamp,
    /// What the lock said.
    pub outcome: AttemptOutcome,
    /// Whose key it was.
    pub credential: Option<KeyCredentialId>,
    /// What kind of key.
    pub kind: Option<KeyCredentialKind>,
    /// What the vendor calls the key, as a keyed hash.
    pub vendor_ref_hash: Option<VendorRefHash>,
}

/// Beside the port: the calls of an adapter's vendor.
#[async_trait]
pub trait VendorCalls: fmt::Debug + Send + Sync + 'static {
    /// Whether a call is the vendor's own, and of what sort. The vendor is not asked and nothing is changed.
    ///
    /// # Errors
    /// `WEBHOOK_SIGNATURE_INVALID` when it is somebody else's; `INVALID_INPUT` when it cannot be read.
    async fn check(&self, call: &VendorCall<'_>) -> Result<CallHead, LockError>;

    /// Looks into a call that was checked: the operation that waits for what it is about goes on at once, as far as it will go. What
    /// the vendor says is not taken for done before it was looked at; news that comes twice, or too early, changes nothing.
    ///
    /// # Errors
    /// What the store says, or the vendor when it is looked at; the vendor may be told to call again. `InProgress` when another
    /// instance is at work on the operation.
    async fn take_in(&self, call: &VendorCall<'_>) -> Result<SeenCall, LockError>;
}

/// What a vendor's call was about, as far as the adapter's ledger knows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SeenCall {
    /// Nothing that is known here.
    Nothing,
    /// Something that the vendor had accepted for this credential has ended.
    Ended(KeyCredentialId),
    /// Somebody tried doors.
    Attempts(Vec<SeenAttempt>),
    /// Locks, as they are now.
    Devices(Vec<LockDevice>),
}
