//! A driver and a port that do as the honest one does, except where they are bent.

use std::fmt::Debug;

use async_trait::async_trait;
use lockport::credential::{
    IssueInput, IssueResult, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome, UnsuspendInput,
    UpdateInput, UpdateResult,
};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::id::{LockDeviceId, PropertyId};
use lockport::{AdapterDescriptor, LockError, LockPort, SharedLockPort};
use lockport_mock::MockDriver;

/// Where a driver is bent; honest where nothing is said.
#[async_trait]
pub(crate) trait BendDriver: Debug + Send + Sync + 'static {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        inner.describe()
    }

    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, attempt).await
    }

    async fn find(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        inner.find(order, attempt).await
    }

    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.amend(held, target, attempt).await
    }

    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        inner.withdraw(withdrawal, attempt).await
    }

    async fn devices(&self, inner: &MockDriver) -> Result<Vec<LockDevice>, LockError> {
        inner.devices().await
    }

    async fn health(&self, inner: &MockDriver, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        inner.health(device).await
    }
}

/// The mock's driver, bent.
#[derive(Debug)]
pub(crate) struct BentDriver<B> {
    pub(crate) inner: MockDriver,
    pub(crate) bend: B,
}

#[async_trait]
impl<B: BendDriver> VendorDriver for BentDriver<B> {
    fn describe(&self) -> DriverDescriptor {
        self.bend.describe(&self.inner)
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        self.bend.grant(&self.inner, order, attempt).await
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        self.bend.find(&self.inner, order, attempt).await
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.bend.amend(&self.inner, held, target, attempt).await
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.bend.withdraw(&self.inner, withdrawal, attempt).await
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.bend.devices(&self.inner).await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.bend.health(&self.inner, device).await
    }
}

/// Where a port is bent; honest where nothing is said.
#[async_trait]
pub(crate) trait BendPort: Debug + Send + Sync + 'static {
    /// Before every call.
    async fn before(&self, _inner: &dyn LockPort) {}

    fn describe(&self, inner: &dyn LockPort) -> AdapterDescriptor {
        inner.describe_adapter()
    }

    async fn issue(&self, inner: &dyn LockPort, input: IssueInput) -> Result<IssueResult, LockError> {
        inner.issue_credential(input).await
    }

    async fn update(&self, inner: &dyn LockPort, input: UpdateInput) -> Result<UpdateResult, LockError> {
        inner.update_credential(input).await
    }

    async fn revoke(&self, inner: &dyn LockPort, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        inner.revoke_credential(input).await
    }

    async fn devices(
        &self,
        inner: &dyn LockPort,
        property: PropertyId,
    ) -> Result<Vec<LockDevice>, LockError> {
        inner.list_devices(property).await
    }

    async fn health(&self, inner: &dyn LockPort, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        inner.health_check(device).await
    }
}

/// The mock's port, bent.
#[derive(Debug)]
pub(crate) struct BentPort<B> {
    pub(crate) inner: SharedLockPort,
    pub(crate) bend: B,
}

#[async_trait]
impl<B: BendPort> LockPort for BentPort<B> {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.bend.describe(self.inner.as_ref())
    }

    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.bend.before(self.inner.as_ref()).await;
        self.bend.issue(self.inner.as_ref(), input).await
    }

    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        self.bend.before(self.inner.as_ref()).await;
        self.bend.update(self.inner.as_ref(), input).await
    }

    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.bend.before(self.inner.as_ref()).await;
        self.bend.revoke(self.inner.as_ref(), input).await
    }

    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        self.bend.before(self.inner.as_ref()).await;
        self.inner.suspend_credential(input).await
    }

    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        self.bend.before(self.inner.as_ref()).await;
        self.inner.unsuspend_credential(input).await
    }

    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        self.bend.devices(self.inner.as_ref(), property).await
    }

    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.bend.health(self.inner.as_ref(), device).await
    }
}
