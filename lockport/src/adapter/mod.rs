//! The adapter: the one [`LockPort`] over any driver.
//!
//! It plans (kind, PIN, doors, one grant at a time), writes every intent down before it is sent, calls the driver, records the
//! answer, and recovers what was lost: so that every intent has exactly one effect, whatever dies in between. See
//! `docs/decisions/0004-engine.md`.

mod answer;
mod busy;
mod desk;
mod engine;
mod journal;
mod locks;
mod operation;
mod outcome;
mod plan;
mod planning;
mod record;
mod recover;
mod settled;
mod signal;
mod tidy;
mod webhook;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use self::busy::Busy;
pub use self::desk::{CardOnDesk, CardOwner};
use self::locks::Locks;
use self::record::Intent;
use crate::credential::{
    IssueInput, IssueResult, IssuedCredential, RevokeInput, RevokeOutcome, SettleInput, SuspendInput,
    SuspendOutcome, UnsuspendInput, UpdateInput, UpdateResult,
};
use crate::device::{DeviceHealth, DoorMap, LockDevice};
use crate::driver::VendorDriver;
use crate::env::Env;
use crate::error::{LockError, Operation};
use crate::id::{LockDeviceId, PropertyId, TenantId};
use crate::port::{AdapterDescriptor, LockPort, Settle};
use crate::secret::Secret;
use crate::store::ledger::Ledger;
use crate::store::{Partition, Store};

/// What an adapter stands on.
#[derive(Clone, Debug)]
pub struct AdapterSetup {
    /// Its name within the property, such as `main`: operations and locks of two adapters of one property never meet. It stands
    /// in stored rows, so it never changes.
    pub name: String,
    /// Whose adapter it is; ids of another tenant or property are refused.
    pub partition: Partition,
    /// The doors it serves.
    pub doors: Arc<DoorMap>,
    /// Where its ledger is.
    pub store: Arc<dyn Store>,
    /// Time and chance.
    pub env: Env,
    /// The name of this process among all that share the store; an operation left open by the same name is taken up at once,
    /// by another when its lease is over.
    pub instance: String,
}

/// A driver, made into a port.
#[derive(Debug)]
pub struct Adapter<D> {
    driver: D,
    descriptor: AdapterDescriptor,
    partition: Partition,
    doors: Arc<DoorMap>,
    ledger: Ledger,
    env: Env,
    busy: Busy,
    locks: Locks,
    /// The property's key for vendors' references, once it was read.
    reference_key: OnceLock<Secret<Vec<u8>>>,
}

impl<D: VendorDriver> Adapter<D> {
    /// An adapter over this driver. Does no I/O.
    #[must_use]
    pub fn new(driver: D, setup: AdapterSetup) -> Self {
        let AdapterSetup { name, partition, doors, store, env, instance } = setup;
        let mut descriptor = driver.describe();
        descriptor.capabilities = descriptor.all_capabilities();
        // An area behind a door of its own needs nothing of the vendor but that door.
        descriptor.capabilities.scope_areas |= doors.areas().next().is_some();
        let ledger = Ledger::new(store, partition, name, env.clone(), instance);
        Self {
            driver,
            descriptor,
            partition,
            doors,
            ledger,
            env,
            busy: Busy::default(),
            locks: Locks::default(),
            reference_key: OnceLock::new(),
        }
    }

    /// The domain checks the tenant again, whatever stands in front of it (R171, R172).
    fn check_tenant(&self, tenant: TenantId) -> Result<(), LockError> {
        if tenant == self.partition.tenant { Ok(()) } else { Err(LockError::tenant_mismatch()) }
    }

    fn during(&self, operation: Operation) -> impl Fn(LockError) -> LockError {
        move |error| error.during(operation, &self.descriptor.vendor)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: VendorDriver> LockPort for Adapter<D> {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.descriptor.clone()
    }

    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        let during = self.during(Operation::IssueCredential);
        self.check_tenant(input.tenant_id).map_err(&during)?;
        if input.property_id != self.partition.property {
            return Err(during(LockError::tenant_mismatch()));
        }
        let id = input.resulting_id();
        let run = Box::pin(self.perform(Intent::Issue(Box::new(input)))).await.map_err(&during)?;
        answer::issue(run, id, &self.descriptor.vendor).map_err(&during)
    }

    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        let during = self.during(Operation::UpdateCredential);
        self.check_tenant(input.tenant_id).map_err(&during)?;
        let id = input.credential_id;
        let run = Box::pin(self.perform(Intent::Update(input))).await.map_err(&during)?;
        answer::update(run, id, &self.descriptor.vendor).map_err(&during)
    }

    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        let during = self.during(Operation::RevokeCredential);
        self.check_tenant(input.tenant_id).map_err(&during)?;
        let id = input.credential_id;
        let run = Box::pin(self.perform(Intent::Revoke(input))).await.map_err(&during)?;
        answer::revoke(run, id, self.env.now()).map_err(&during)
    }

    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        let during = self.during(Operation::SuspendCredential);
        self.check_tenant(input.tenant_id).map_err(&during)?;
        let id = input.credential_id;
        let run = Box::pin(self.perform(Intent::Suspend(input))).await.map_err(&during)?;
        answer::suspend(run, id, self.env.now()).map_err(&during)
    }

    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        let during = self.during(Operation::UnsuspendCredential);
        self.check_tenant(input.tenant_id).map_err(&during)?;
        let id = input.credential_id;
        let run = Box::pin(self.perform(Intent::Unsuspend(input))).await.map_err(&during)?;
        answer::update(run, id, &self.descriptor.vendor).map_err(&during)
    }

    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        let during = self.during(Operation::ListDevices);
        if property != self.partition.property {
            return Err(during(LockError::tenant_mismatch()));
        }
        let devices = self.driver.devices().await.map_err(&during)?;
        self.locks_are_told(self.env.now(), &devices);
        Ok(devices.into_iter().filter(|device| self.doors.has_door(device.device_id)).collect())
    }

    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        let during = self.during(Operation::HealthCheck);
        if !self.doors.has_door(device) {
            return Err(during(LockError::device_not_paired(device)));
        }
        self.driver.health(device).await.map_err(|error| during(error.at_device(device)))
    }
}

#[async_trait]
impl<D: VendorDriver> Settle for Adapter<D> {
    async fn settle(&self, input: SettleInput) -> Result<Option<IssuedCredential>, LockError> {
        let during = self.during(Operation::SettleCredential);
        self.check_tenant(input.tenant_id).map_err(&during)?;
        let id = input.credential_id;
        let run = Box::pin(self.perform(Intent::Settle(input))).await.map_err(&during)?;
        answer::settle(run, id, &self.descriptor.vendor, self.env.now()).map_err(&during)
    }

    async fn tidy(&self) -> Result<(), LockError> {
        self.drop_outlived().await
    }
}
