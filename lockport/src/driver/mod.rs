//! The seam on the vendor's side: what a vendor team writes.
//!
//! A *credential* is what the hotel knows; a *grant* is one effect at the vendor. The driver does one grant of one kind, once;
//! the adapter above it chooses kinds, PINs and doors, writes every intent down before it is sent, and recovers what was lost.
//! So a driver is a translation: domain to wire, one vendor effect, wire to domain. It keeps nothing, spawns nothing, draws
//! nothing at random and reads no clock for what it sends: the order holds all of that, so that a repeat is the same bytes.

mod call;
mod descriptor;
mod desk;
mod order;
mod signal;

use std::fmt;

use async_trait::async_trait;

pub use self::call::{CallHead, CallNews, VendorCall, Webhook};
pub use self::descriptor::{
    AfterLost, Amend, ArtifactSource, DriverDescriptor, Kind, LatencyClass, LatencyProfile, Per, Placement,
    Recovery, Suspend,
};
pub use self::desk::{CardDesk, CardReading, CardSays};
pub(crate) use self::order::LeaseSpan;
pub use self::order::{
    Answer, Attempt, Found, GrantOrder, Granted, Held, Job, JobNews, Journal, LeaseKey, Pending, Reach,
    Relation, Verb, WaitsFor, WhyWithdraw, Withdrawal, Withdrawn,
};
pub use self::signal::{
    AccessFeed, AttemptOutcome, ClockSync, Cursor, DenyReason, DoorAttempt, Page, Shown, VendorEventId,
};
use crate::device::{DeviceHealth, LockDevice};
use crate::error::LockError;
use crate::id::LockDeviceId;

/// One lock vendor, as far as the core needs one.
///
/// # Contract
/// 1. Every write states an absolute target: doing it twice leaves what doing it once leaves.
/// 2. An error with advice `NotApplied` or `After` promises that this call had no effect; `Never` that the vendor said no, or
///    would; everything else is `OutcomeUnknown`. A timeout or a reset after sending is never `NotApplied`.
/// 3. `find` answers `Absent` only when the vendor's whole list was read and nothing bears the marker; when in doubt
///    `CannotTell`.
/// 4. Withdrawing what is gone succeeds.
/// 5. A proof says what was seen, never what is hoped.
/// 6. Dropping a returned future is like a lost answer; the core asks again through the recovery of the descriptor.
#[async_trait]
pub trait VendorDriver: fmt::Debug + Send + Sync + 'static {
    /// What this vendor is and can do: pure data, the same at every call.
    fn describe(&self) -> DriverDescriptor;

    /// What no other operation may use while one with this reach does, beside the credential itself: an encoder, a gateway, a
    /// room. Empty when the vendor keeps order by itself.
    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey>;

    /// Gives exactly what the order says.
    ///
    /// # Errors
    /// As in the contract above.
    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError>;

    /// Every effect of this order that the vendor holds now: what bears its marker, and whether it is as the order says. Where
    /// the attempt names a job, the vendor may be asked about that instead.
    ///
    /// # Errors
    /// When the vendor could not be asked.
    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError>;

    /// Makes what is held as the order says.
    ///
    /// # Errors
    /// As in the contract above.
    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError>;

    /// Takes it away.
    ///
    /// # Errors
    /// As in the contract above.
    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError>;

    /// The property's locks.
    ///
    /// # Errors
    /// When the vendor could not be asked.
    async fn devices(&self) -> Result<Vec<LockDevice>, LockError>;

    /// How one of them is.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the vendor does not know it, or when the vendor could not be asked.
    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError>;
}
