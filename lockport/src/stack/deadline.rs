//! The deadline: every call ends, whatever the vendor does. How long it may take follows from the driver's latency class.

use std::future::Future;

use async_trait::async_trait;
use futures_util::future::{Either, select};

use crate::credential::{
    IssueInput, IssueResult, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome, UnsuspendInput,
    UpdateInput, UpdateResult,
};
use crate::device::{DeviceHealth, LockDevice};
use crate::env::Env;
use crate::error::{FailureReason, LockError, Operation, RetryAdvice};
use crate::id::{LockDeviceId, PropertyId};
use crate::port::{AdapterDescriptor, LockPort, SharedLockPort};

/// Ends a call that takes too long. What it had begun is settled by calling again with the same key.
#[derive(Debug)]
pub struct DeadlineLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    env: Env,
}

impl DeadlineLayer {
    /// Around this port.
    #[must_use]
    pub fn new(inner: SharedLockPort, env: Env) -> Self {
        let descriptor = inner.describe_adapter();
        Self { inner, descriptor, env }
    }

    async fn within<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, LockError>> + Send,
    ) -> Result<T, LockError> {
        let deadline = self.descriptor.latency.of(operation).deadline();
        let sleep = self.env.sleep.sleep(deadline);
        match select(std::pin::pin!(call), sleep).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                let message = "the call did not end by its deadline";
                let error =
                    LockError::unreachable(FailureReason::Timeout, RetryAdvice::OutcomeUnknown, message);
                Err(error.during(operation, &self.descriptor.vendor))
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LockPort for DeadlineLayer {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.descriptor.clone()
    }

    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.within(Operation::IssueCredential, self.inner.issue_credential(input)).await
    }

    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        self.within(Operation::UpdateCredential, self.inner.update_credential(input)).await
    }

    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.within(Operation::RevokeCredential, self.inner.revoke_credential(input)).await
    }

    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        self.within(Operation::SuspendCredential, self.inner.suspend_credential(input)).await
    }

    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        self.within(Operation::UnsuspendCredential, self.inner.unsuspend_credential(input)).await
    }

    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        self.within(Operation::ListDevices, self.inner.list_devices(property)).await
    }

    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.within(Operation::HealthCheck, self.inner.health_check(device)).await
    }
}
