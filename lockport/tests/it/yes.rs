//! A port that says yes: for tests of what stands above a port. It keeps nothing and opens nothing.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;

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

/// How the doors of a port that says yes are asked for.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    /// How often they were.
    pub(crate) asked: AtomicU32,
    /// Whether whoever asks gets no answer.
    pub(crate) hang: AtomicBool,
    /// Whether whoever is to be given a key gets none yet.
    pub(crate) grants_hang: AtomicBool,
}

/// Ready once this is no longer so.
async fn until_not(is_so: &AtomicBool) {
    poll_fn(|context| {
        if !is_so.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[derive(Debug)]
struct YesDriver {
    descriptor: DriverDescriptor,
    looks: Arc<Looks>,
}

/// The core's own adapter over a driver that says yes to everything.
pub(crate) fn port(clock: Arc<ManualClock>) -> SharedLockPort {
    port_with(clock, false, Arc::default())
}

/// The same, with doors that may differ: they are asked for, each look counts, and none is answered at once.
pub(crate) fn port_that_looks(clock: Arc<ManualClock>, looks: Arc<Looks>) -> SharedLockPort {
    port_with(clock, true, looks)
}

fn port_with(clock: Arc<ManualClock>, doors_differ: bool, looks: Arc<Looks>) -> SharedLockPort {
    let resend = AfterLost::Resend { within: None };
    let descriptor = DriverDescriptor {
        vendor: VendorCode::MOCK,
        display_name: "Yes",
        runs_on: Placement::Anywhere,
        capabilities: LockCapabilities::NONE,
        doors_differ,
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
    Arc::new(Adapter::new(YesDriver { descriptor, looks }, setup))
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
        self.descriptor.clone()
    }
    fn lease_keys(&self, _: &Reach<'_>) -> Vec<LeaseKey> {
        Vec::new()
    }
    async fn grant(&self, order: &GrantOrder, _: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        until_not(&self.looks.grants_hang).await;
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
        self.looks.asked.fetch_add(1, Ordering::SeqCst);
        if self.descriptor.doors_differ {
            let mut is_asked = false;
            poll_fn(|context| {
                if std::mem::replace(&mut is_asked, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            until_not(&self.looks.hang).await;
        }
        Ok(Vec::new())
    }
    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        Err(LockError::device_not_paired(device))
    }
}
