//! A port that says yes: for tests of what stands above a port. It keeps nothing and opens nothing.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof, VendorCode};
use lockport::device::{DeviceHealth, DoorMap, LockDevice};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held,
    Kind, LatencyClass, LatencyProfile, LeaseKey, Per, Placement, Reach, Recovery, Suspend, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::id::{LockDeviceId, RoomId};
use lockport::store::MemoryStore;
use lockport::{LockError, SharedLockPort};

use crate::rig::partition;

#[derive(Debug)]
struct YesDriver(DriverDescriptor);

/// The core's own adapter over a driver that says yes to everything.
pub(crate) fn port(clock: Arc<ManualClock>) -> SharedLockPort {
    let resend = AfterLost::Resend { within: None };
    let descriptor = DriverDescriptor {
        vendor: VendorCode::MOCK,
        display_name: "Yes",
        runs_on: Placement::Anywhere,
        capabilities: LockCapabilities::NONE,
        doors_differ: false,
        latency: LatencyProfile::all(LatencyClass::Cloud),
        kinds: vec![Kind {
            kind: KeyCredentialKind::MobileApp,
            per: Per::Door,
            artifact: ArtifactSource::HostSecret,
            suspend: Suspend::Native,
            amend_window: Amend::Native,
            amend_doors: Amend::Replace,
            can_undo: true,
            best_proof: Proof::AtVendor,
            grain: TimeDelta::seconds(1),
            registers: false,
            needs_lock_online: false,
            recovery: Recovery {
                grant: resend,
                amend: resend,
                withdraw: resend,
                late_by: std::time::Duration::ZERO,
                notes_first: false,
            },
        }],
    };
    let room = RoomId::derived("test", &[b"room"]);
    let doors = DoorMap::default().with_room(room, None, vec![LockDeviceId::derived("test", &[b"door"])]);
    let env = Env { clock: clock.clone(), sleep: clock, entropy: Arc::new(SeededEntropy::new(2)) };
    let setup = AdapterSetup {
        name: "main".to_owned(),
        partition: partition("a"),
        doors: Arc::new(doors),
        store: Arc::new(MemoryStore::new()),
        env,
        instance: "test".to_owned(),
    };
    Arc::new(Adapter::new(YesDriver(descriptor), setup))
}

fn yes(order: &GrantOrder) -> Result<Answer<Granted>, LockError> {
    Ok(Answer::Done(Granted {
        reference: None,
        artifact: None,
        effective: order.window,
        proof: None,
        dies_unless_used_by: None,
        warnings: Vec::new(),
    }))
}

#[async_trait]
impl VendorDriver for YesDriver {
    fn describe(&self) -> DriverDescriptor {
        self.0.clone()
    }
    fn lease_keys(&self, _: &Reach<'_>) -> Vec<LeaseKey> {
        Vec::new()
    }
    async fn grant(&self, order: &GrantOrder, _: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        yes(order)
    }
    async fn find(&self, _: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        Ok(Found::CannotTell)
    }
    async fn amend(
        &self,
        _: &Held,
        target: &GrantOrder,
        _: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        yes(target)
    }
    async fn withdraw(&self, _: &Withdrawal, _: &Attempt<'_>) -> Result<Answer<Withdrawn>, LockError> {
        Ok(Answer::Done(Withdrawn { proof: Proof::AtVendor, warnings: Vec::new() }))
    }
    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        Ok(Vec::new())
    }
    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        Err(LockError::device_not_paired(device))
    }
}
