//! A driver over another one, with one method bent.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lockport::LockError;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;

/// What is bent; everything else is as below.
#[async_trait]
pub(crate) trait Bend: fmt::Debug + Send + Sync + 'static {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        inner.describe()
    }

    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, attempt).await
    }

    async fn find(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        inner.find(order, attempt).await
    }

    async fn amend(
        &self,
        inner: &dyn VendorDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.amend(held, target, attempt).await
    }

    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        inner.withdraw(withdrawal, attempt).await
    }
}

#[derive(Debug)]
pub(crate) struct Bent<B> {
    pub(crate) inner: Arc<dyn VendorDriver>,
    pub(crate) bend: B,
}

#[async_trait]
impl<B: Bend> VendorDriver for Bent<B> {
    fn describe(&self) -> DriverDescriptor {
        self.bend.describe(&*self.inner)
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        self.bend.grant(&*self.inner, order, attempt).await
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        self.bend.find(&*self.inner, order, attempt).await
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.bend.amend(&*self.inner, held, target, attempt).await
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.bend.withdraw(&*self.inner, withdrawal, attempt).await
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.inner.devices().await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.inner.health(device).await
    }
}
