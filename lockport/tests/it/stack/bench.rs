//! A stack over a port that does as its script says, on a clock that turns by itself.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{
    Artifact, Contact, Guest, Holder, IssueInput, IssueResult, Place, Progress, RevokeInput, RevokeOutcome,
    RevokeReason, SuspendInput, SuspendOutcome, UnsuspendInput, UpdateInput, UpdateResult,
};
use lockport::device::{DeviceHealth, DoorMap, LockDevice};
use lockport::driver::LatencyProfile;
use lockport::env::{Env, ManualClock, Priority};
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, PropertyId, ReservationId, RoomId, UserId};
use lockport::stack::LockStack;
use lockport::{
    AdapterDescriptor, FailureReason, LockError, LockPort, Operation, RetryAdvice, SharedLockPort, Timestamp,
    Validity,
};

use crate::rig::{env, now, partition};
use crate::yes;

/// What marks a guest's data in what a test hands in; it must come out nowhere.
pub(super) const CANARY: &str = "canary-7f3a";

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs a future to its end and turns the clock to the next sleeper whenever nothing else is to be done.
pub(crate) fn drive<T>(clock: &ManualClock, future: impl Future<Output = T>) -> T {
    let (mut future, flag) = (pin!(future), Arc::new(Flag::default()));
    let waker = Waker::from(flag.clone());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        if !flag.0.swap(false, Ordering::SeqCst) {
            clock.set(clock.next_wake().expect("nobody sleeps, and nothing goes on"));
            flag.0.store(false, Ordering::SeqCst);
        }
    }
}

/// Polls a future once.
pub(crate) fn poll_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What the port below is to do with a call: take some time, then refer to the real one or fail.
pub(crate) type Plan = (Duration, Result<(), LockError>);

/// A port that does as its script says, by the number of the call.
pub(crate) struct Scripted {
    inner: SharedLockPort,
    env: Env,
    script: Box<dyn Fn(usize) -> Plan + Send + Sync>,
    pub(crate) asked: Mutex<Vec<(Operation, Timestamp, Priority)>>,
    latency: Option<LatencyProfile>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn ask(&self, operation: Operation) -> Result<(), LockError> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((operation, self.env.now(), Priority::current()));
            asked.len() - 1
        };
        let (takes, end) = (self.script)(number);
        if !takes.is_zero() {
            self.env.sleep.sleep(takes).await;
        }
        end
    }
}

#[async_trait]
impl LockPort for Scripted {
    fn describe_adapter(&self) -> AdapterDescriptor {
        let descriptor = self.inner.describe_adapter();
        AdapterDescriptor { latency: self.latency.unwrap_or(descriptor.latency), ..descriptor }
    }
    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.ask(Operation::IssueCredential).await?;
        self.inner.issue_credential(input).await
    }
    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        self.ask(Operation::UpdateCredential).await?;
        let mut result = self.inner.update_credential(input).await?;
        result.state = Progress::Pending;
        Ok(result)
    }
    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.ask(Operation::RevokeCredential).await?;
        self.inner.revoke_credential(input).await
    }
    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        self.ask(Operation::SuspendCredential).await?;
        self.inner.suspend_credential(input).await
    }
    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        self.ask(Operation::UnsuspendCredential).await?;
        self.inner.unsuspend_credential(input).await
    }
    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        self.ask(Operation::ListDevices).await?;
        self.inner.list_devices(property).await
    }
    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.ask(Operation::HealthCheck).await?;
        self.inner.health_check(device).await
    }
}

/// A stack to be, over a scripted port; its latency class is the cloud's: 10 s.
pub(crate) struct Bench {
    pub(crate) env: Env,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) port: Arc<Scripted>,
}

impl Bench {
    pub(crate) fn new(script: impl Fn(usize) -> Plan + Send + Sync + 'static) -> Self {
        Self::with_latency(script, None)
    }

    /// Over a port of other latency classes.
    pub(crate) fn with_latency(
        script: impl Fn(usize) -> Plan + Send + Sync + 'static,
        latency: Option<LatencyProfile>,
    ) -> Self {
        let (env, clock) = env();
        let port = Arc::new(Scripted {
            inner: yes::port(clock.clone()),
            env: env.clone(),
            script: Box::new(script),
            asked: Mutex::default(),
            latency,
        });
        Self { env, clock, port }
    }

    pub(crate) fn stack(&self) -> LockStack {
        let doors = DoorMap::default().with_room(room(), None, vec![door()]);
        LockStack::new(self.port.clone(), partition("a"), Arc::new(doors), self.env.clone())
    }

    pub(crate) fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        drive(&self.clock, future)
    }
}

pub(crate) fn quick(_: usize) -> Plan {
    (Duration::ZERO, Ok(()))
}

pub(crate) fn away(advice: RetryAdvice) -> LockError {
    LockError::unreachable(FailureReason::Network, advice, "away")
}

fn room() -> RoomId {
    RoomId::derived("test", &[b"room"])
}

fn door() -> LockDeviceId {
    LockDeviceId::derived("test", &[b"door"])
}

pub(crate) fn issue(key: &str) -> IssueInput {
    let guest = Guest {
        id: GuestId::derived("test", &[b"guest"]),
        reservation_id: ReservationId::derived("test", &[b"stay"]),
        display_name: Some(format!("{CANARY} name")),
        contact: Contact {
            email: Some(format!("{CANARY}@guest.example")),
            phone_e164: Some(format!("+93 {CANARY}")),
        },
    };
    let validity = Validity::new(now(), now() + TimeDelta::days(1)).unwrap();
    let of = partition("a");
    let holder = Holder::Guest(guest);
    IssueInput::new(of.tenant, of.property, holder, vec![room()], validity, key.parse().unwrap())
        .with_requested_by(UserId::derived("test", &[b"desk"]))
        .with_place(Place { at: None, holder_device: Some(format!("{CANARY} card")) })
}

pub(crate) fn revoke(key: &str) -> RevokeInput {
    RevokeInput::new(partition("a").tenant, id(), RevokeReason::Lost, key.parse().unwrap())
}

pub(super) fn id() -> KeyCredentialId {
    issue("k-1").resulting_id()
}

/// What the holder of this credential was given.
pub(super) fn secret_of(issued: &IssueResult) -> String {
    match &issued.credential.delivery[0].artifact {
        Artifact::MobileToken(secret) => secret.expose().clone(),
        other => panic!("{other:?}"),
    }
}
