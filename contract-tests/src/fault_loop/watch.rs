//! The whole driver, as the adapter holds it: it keeps what is sent, so that it can be held against the doors.

use std::sync::Arc;

use async_trait::async_trait;
use lockport::LockError;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;

use super::ring::Ring;

/// Whatever the rig made.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) inner: Arc<dyn VendorDriver>,
    pub(crate) ring: Arc<Ring>,
}

impl Watched {
    fn keep(&self, order: &GrantOrder, answer: &Result<Answer<Granted>, LockError>) {
        if let Ok(Answer::Done(granted)) = answer {
            self.ring.add_text(order, granted.artifact.as_ref());
        }
    }
}

#[async_trait]
impl VendorDriver for Watched {
    fn describe(&self) -> DriverDescriptor {
        self.inner.describe()
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        self.ring.add_text(order, order.artifact.as_ref());
        let answer = self.inner.grant(order, attempt).await;
        self.keep(order, &answer);
        answer
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let found = self.inner.find(order, attempt).await;
        if let Ok(Found::Present(all)) = &found {
            all.iter().for_each(|granted| self.ring.add_text(order, granted.artifact.as_ref()));
        }
        found
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.ring.add_text(target, target.artifact.as_ref());
        let answer = self.inner.amend(held, target, attempt).await;
        self.keep(target, &answer);
        answer
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.inner.withdraw(withdrawal, attempt).await
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.inner.devices().await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.inner.health(device).await
    }
}
