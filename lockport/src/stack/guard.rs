//! The guard: what capability, tenant or input forbids is refused here, before any I/O. That a window is over is the adapter's
//! to say: whoever repeats an issue after its window is told what came of it, and only the ledger knows.

use std::future::Future;
use std::sync::Arc;

use super::call::{Call, layered};
use crate::credential::{IssueInput, UpdateInput};
use crate::device::DoorMap;
use crate::error::LockError;
use crate::id::{PropertyId, RoomId, TenantId};
use crate::port::{AdapterDescriptor, SharedLockPort};
use crate::scope::GuestScope;
use crate::store::Partition;

/// Refuses what cannot be, so that no adapter has to.
#[derive(Debug)]
pub struct GuardLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    partition: Partition,
    doors: Arc<DoorMap>,
}

impl GuardLayer {
    /// In front of this port of this property.
    #[must_use]
    pub fn new(inner: SharedLockPort, partition: Partition, doors: Arc<DoorMap>) -> Self {
        let descriptor = inner.describe_adapter();
        Self { inner, descriptor, partition, doors }
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

    fn look(&self, call: &Call<'_>) -> Result<(), LockError> {
        let checked = match call {
            Call::Issue(input) => self.check_issue(input),
            Call::Update(input) => self.check_update(input),
            Call::Revoke(input) => self.check_tenant(input.tenant_id),
            Call::Suspend(input) => self.check_tenant(input.tenant_id).and_then(|()| self.check_suspend()),
            Call::Unsuspend(input) => self.check_tenant(input.tenant_id).and_then(|()| self.check_suspend()),
            Call::Devices(property) => self.check_property(*property),
            Call::Health(device) if self.doors.has_door(*device) => Ok(()),
            Call::Health(device) => Err(LockError::device_not_paired(*device)),
        };
        checked.map_err(|error| error.during(call.operation(), &self.descriptor.vendor))
    }

    async fn around<T, F>(
        &self,
        checked: Result<(), LockError>,
        call: impl FnOnce() -> F,
    ) -> Result<T, LockError>
    where
        F: Future<Output = Result<T, LockError>>,
    {
        checked?;
        call().await
    }
}

layered!(GuardLayer, once);
