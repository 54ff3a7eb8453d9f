//! The guard: what capability, window, tenant or input forbids is refused here, before any I/O.

use std::sync::Arc;

use async_trait::async_trait;

use crate::credential::{
    IssueInput, IssueResult, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome, UnsuspendInput,
    UpdateInput, UpdateResult,
};
use crate::device::{DeviceHealth, DoorMap, LockDevice};
use crate::env::Env;
use crate::error::{ErrorCode, FailureReason, LockError, Operation, RetryAdvice};
use crate::id::{LockDeviceId, PropertyId, RoomId, TenantId};
use crate::port::{AdapterDescriptor, LockPort, SharedLockPort};
use crate::scope::GuestScope;
use crate::store::Partition;

/// Refuses what cannot be, so that no adapter has to.
#[derive(Debug)]
pub struct GuardLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    partition: Partition,
    doors: Arc<DoorMap>,
    env: Env,
}

impl GuardLayer {
    /// In front of this port of this property.
    #[must_use]
    pub fn new(inner: SharedLockPort, partition: Partition, doors: Arc<DoorMap>, env: Env) -> Self {
        let descriptor = inner.describe_adapter();
        Self { inner, descriptor, partition, doors, env }
    }

    fn check_tenant(&self, tenant: TenantId) -> Result<(), LockError> {
        if tenant == self.partition.tenant { Ok(()) } else { Err(LockError::tenant_mismatch()) }
    }

    fn check_property(&self, property: PropertyId) -> Result<(), LockError> {
        if property == self.partition.property { Ok(()) } else { Err(LockError::tenant_mismatch()) }
    }

    fn check_reach(&self, rooms: &[RoomId], scope: &GuestScope) -> Result<(), LockError> {
        let capabilities = &self.descriptor.capabilities;
        if !scope.floors.is_empty() && !capabilities.scope_floors {
            return Err(LockError::unsupported("this lock system does not know floors"));
        }
        if !scope.areas.is_empty() && !capabilities.scope_areas {
            return Err(LockError::unsupported("this lock system does not know areas"));
        }
        let doors = self.doors.resolve(rooms, scope)?;
        match capabilities.max_doors {
            Some(most) if doors.len() > usize::from(most) => Err(LockError::invalid_input(format!(
                "a credential of this lock system has at most {most} doors"
            ))),
            _ => Ok(()),
        }
    }

    fn check_issue(&self, input: &IssueInput) -> Result<(), LockError> {
        self.check_tenant(input.tenant_id)?;
        self.check_property(input.property_id)?;
        input.check()?;
        if input.validity.is_over(self.env.now()) {
            let message = "the window is over already";
            return Err(LockError::new(
                ErrorCode::InvalidInput,
                FailureReason::WindowOver,
                RetryAdvice::Never,
                message,
            ));
        }
        if !input.preferred_kinds.iter().any(|kind| self.descriptor.capabilities.supports(*kind)) {
            return Err(LockError::unsupported("this lock system has none of the preferred kinds"));
        }
        self.check_reach(&input.rooms, &input.scope)
    }

    fn check_update(&self, input: &UpdateInput) -> Result<(), LockError> {
        self.check_tenant(input.tenant_id)?;
        let scope = input.scope.clone().unwrap_or_default();
        self.check_reach(input.rooms.as_deref().unwrap_or_default(), &scope)
    }

    fn check_suspend(&self) -> Result<(), LockError> {
        if self.descriptor.capabilities.suspend {
            return Ok(());
        }
        Err(LockError::unsupported("this lock system cannot suspend"))
    }

    fn refuse(&self, operation: Operation, checked: Result<(), LockError>) -> Result<(), LockError> {
        checked.map_err(|error| error.during(operation, &self.descriptor.vendor))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LockPort for GuardLayer {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.descriptor.clone()
    }

    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.refuse(Operation::IssueCredential, self.check_issue(&input))?;
        self.inner.issue_credential(input).await
    }

    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        self.refuse(Operation::UpdateCredential, self.check_update(&input))?;
        self.inner.update_credential(input).await
    }

    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.refuse(Operation::RevokeCredential, self.check_tenant(input.tenant_id))?;
        self.inner.revoke_credential(input).await
    }

    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        let checked = self.check_tenant(input.tenant_id).and_then(|()| self.check_suspend());
        self.refuse(Operation::SuspendCredential, checked)?;
        self.inner.suspend_credential(input).await
    }

    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        let checked = self.check_tenant(input.tenant_id).and_then(|()| self.check_suspend());
        self.refuse(Operation::UnsuspendCredential, checked)?;
        self.inner.unsuspend_credential(input).await
    }

    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        self.refuse(Operation::ListDevices, self.check_property(property))?;
        self.inner.list_devices(property).await
    }

    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        let known =
            if self.doors.has_door(device) { Ok(()) } else { Err(LockError::device_not_paired(device)) };
        self.refuse(Operation::HealthCheck, known)?;
        self.inner.health_check(device).await
    }
}
