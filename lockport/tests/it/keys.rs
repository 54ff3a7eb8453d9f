//! `KeyService` over a port that does as it is told: what the bus, the desk and the clock make of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{
    IssueInput, IssueResult, KeyCredentialKind, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome,
    UnsuspendInput, UpdateInput, UpdateResult,
};
use lockport::device::{DeviceHealth, DoorMap, LockDevice};
use lockport::env::{Env, ManualClock};
use lockport::event::Envelope;
use lockport::id::{LockDeviceId, PropertyId, ReservationId, RoomId, UserId};
use lockport::keys::{DeskTaskKind, KeyService};
use lockport::property::{KindPolicy, Property};
use lockport::store::{MemoryStore, Store};
use lockport::{AdapterDescriptor, ErrorCode, FailureReason, LockError, LockPort, RetryAdvice, Timestamp};
use serde_json::json;

use crate::rig::{env, now, partition, run};

/// What a port was asked, in one word each.
type Asked = Mutex<Vec<String>>;

/// A port that fails as often as it is told, then refers to a real one.
#[derive(Debug)]
pub(crate) struct Told {
    asked: Asked,
    failures: Mutex<VecDeque<LockError>>,
    /// Asked whether it is there, it does not answer.
    away: AtomicBool,
    inner: Arc<dyn LockPort>,
}

impl Told {
    fn ask(&self, what: String) -> Result<(), LockError> {
        self.asked.lock().unwrap().push(what);
        self.failures.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl LockPort for Told {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.inner.describe_adapter()
    }
    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.ask(format!("issue {}", input.idempotency_key))?;
        self.inner.issue_credential(input).await
    }
    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        self.ask(format!("update {}", input.idempotency_key))?;
        self.inner.update_credential(input).await
    }
    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.ask(format!("revoke {}", input.idempotency_key))?;
        self.inner.revoke_credential(input).await
    }
    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        self.ask(format!("suspend {}", input.idempotency_key))?;
        self.inner.suspend_credential(input).await
    }
    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        self.ask(format!("unsuspend {}", input.idempotency_key))?;
        self.inner.unsuspend_credential(input).await
    }
    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(unreachable());
        }
        self.inner.list_devices(property).await
    }
    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.inner.health_check(device).await
    }
}

pub(crate) struct Rig {
    pub(crate) service: KeyService,
    port: Arc<Told>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) env: Env,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) property: Arc<Property>,
}

pub(crate) fn room() -> RoomId {
    RoomId::derived("test", &[b"room"])
}

fn stay() -> ReservationId {
    ReservationId::derived("test", &[b"stay"])
}

pub(crate) fn operator() -> UserId {
    UserId::derived("test", &[b"operator"])
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()))
    }

    pub(crate) fn over(store: Arc<dyn Store>) -> Self {
        let (env, clock) = env();
        let of = partition("a");
        let doors = Arc::new(DoorMap::default().with_room(
            room(),
            None,
            vec![LockDeviceId::derived("test", &[b"door"])],
        ));
        let inner = crate::yes::port(clock.clone());
        let port = Arc::new(Told {
            asked: Mutex::default(),
            failures: Mutex::default(),
            away: AtomicBool::new(false),
            inner,
        });
        let policy = KindPolicy {
            preferred_kinds: vec![KeyCredentialKind::MobileApp],
            no_show_suspend_after: TimeDelta::hours(2),
        };
        let property =
            Arc::new(Property::new(of.tenant, of.property, "UTC".to_owned(), policy).with_adapter(
                "main",
                port.clone(),
                doors,
            ));
        let service = KeyService::new(property.clone(), store.clone(), env.clone(), "one");
        Self { service, port, clock, env, store, property }
    }

    pub(crate) fn event(&self, subject: &str, version: u64, until_hours: i64) -> Envelope {
        let of = partition("a");
        let at = |hours| now() + TimeDelta::hours(hours);
        serde_json::from_value(json!({
            "specVersion": "1.0", "id": format!("evt_{:026}", version), "subject": subject, "type": subject,
            "source": "/test", "time": now(), "tenantId": of.tenant,
            "data": {
                "reservationId": stay(), "propertyId": of.property, "version": version,
                "guestId": "gst_01YN6ZGD3Y210WMW4BJ51T485P", "rooms": [room()],
                "validFrom": at(0), "validUntil": at(until_hours),
            },
        }))
        .unwrap()
    }

    pub(crate) fn confirmed(&self, version: u64, until_hours: i64) -> Envelope {
        self.event("melmastoon.reservation.booking.confirmed.v1", version, until_hours)
    }

    pub(crate) fn cancelled(&self, version: u64) -> Envelope {
        self.event("melmastoon.reservation.booking.cancelled.v1", version, 1)
    }

    pub(crate) fn fail(&self, times: usize, error: &LockError) {
        self.port.failures.lock().unwrap().extend(std::iter::repeat_n(error.clone(), times));
    }

    fn asked(&self, what: &str) -> Vec<String> {
        self.port.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(what)).cloned().collect()
    }

    /// Ticks and wakes until nothing is due before `until`.
    pub(crate) fn live(&self, until: Timestamp) {
        while let Some(wake) = run(self.service.tick()).unwrap().filter(|wake| *wake <= until) {
            self.clock.set(wake);
        }
        self.clock.set(until);
        run(self.service.tick()).unwrap();
    }

    /// The subjects told since the last look, and the events.
    pub(crate) fn told(&self) -> Vec<Envelope> {
        let mut told = Vec::new();
        for event in run(self.service.drain(100)).unwrap() {
            crate::events::check(event.event());
            told.push(event.event().clone());
            run(self.service.delivered(event)).unwrap();
        }
        told
    }

    /// Of the events told, those about credentials.
    fn subjects(&self) -> Vec<String> {
        let name =
            |event: &Envelope| event.subject.strip_prefix("melmastoon.lock.credential.").map(str::to_owned);
        self.told().iter().filter_map(name).collect()
    }

    fn tasks(&self) -> Vec<DeskTaskKind> {
        run(self.service.open_tasks()).unwrap().into_iter().map(|task| task.kind).collect()
    }
}

pub(crate) fn unreachable() -> LockError {
    LockError::unreachable(FailureReason::Network, RetryAdvice::NotApplied, "x")
}

/// R77: a hundred duplicates, from three instances over one store, make one key under one name.
#[test]
fn a_hundred_duplicates_make_one_key() {
    let rig = Rig::new();
    let instances = ["a", "b", "c"]
        .map(|name| KeyService::new(rig.property.clone(), rig.store.clone(), rig.env.clone(), name));
    for nth in 0..100 {
        let instance = &instances[nth % 3];
        run(instance.deliver(&rig.confirmed(1, 48))).unwrap();
        run(instance.tick()).unwrap();
    }
    assert_eq!(rig.asked("issue").len(), 1);
    assert_eq!(rig.subjects(), ["requested.v1", "issued.v1"]);
}

/// R76: a cancellation that comes before the key was handed over costs no call, one that comes later takes it away.
#[test]
fn a_cancellation_finds_the_key_wherever_it_is() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    run(rig.service.tick()).unwrap();
    assert!(rig.asked("").is_empty());
    assert_eq!(rig.subjects(), ["requested.v1", "failed.v1"]);

    // Under way, outcome open: revoked at the port, failed here.
    let rig = Rig::new();
    rig.fail(1, &unreachable().with_advice(RetryAdvice::OutcomeUnknown));
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    run(rig.service.tick()).unwrap();
    assert_eq!((rig.asked("issue").len(), rig.asked("revoke").len()), (1, 1));
    assert_eq!(rig.subjects(), ["requested.v1", "failed.v1"]);

    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    run(rig.service.tick()).unwrap();
    assert_eq!(rig.subjects(), ["requested.v1", "issued.v1", "revoked.v1"]);
}

/// R73: the same name at every try; after the last one it has failed, somebody has to open, and what may be there goes. R66: when
/// the vendor is back, the guest gets a fresh one, and nobody has to open any more.
#[test]
fn after_the_last_try_a_person_opens_until_the_vendor_is_back() {
    let rig = Rig::new();
    rig.port.away.store(true, Ordering::Relaxed);
    rig.fail(6, &unreachable());
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    assert_eq!(rig.tasks(), [DeskTaskKind::EscortGuest], "the guest may stand at the door already");
    rig.live(now() + TimeDelta::hours(5));
    let issues = rig.asked("issue");
    assert_eq!(issues.len(), 6);
    assert!(issues.iter().all(|issue| *issue == issues[0]), "{issues:?}");
    assert_eq!(rig.subjects(), ["requested.v1", "failed.v1"]);
    assert_eq!(rig.tasks(), [DeskTaskKind::EscortGuest]);
    assert_eq!(rig.asked("revoke").len(), 1);
    rig.port.away.store(false, Ordering::Relaxed);
    rig.live(now() + TimeDelta::hours(5) + TimeDelta::minutes(5));
    assert_eq!(rig.subjects(), ["requested.v1", "issued.v1"]);
    assert!(rig.tasks().is_empty());
    let issues = rig.asked("issue");
    assert_eq!(issues.len(), 7);
    assert_ne!(issues[6], issues[0], "what failed is over");
}

/// The stay's end closes what nobody needs any more.
#[test]
fn nobody_waits_for_a_guest_who_is_gone() {
    let rig = Rig::new();
    rig.port.away.store(true, Ordering::Relaxed);
    rig.fail(6, &unreachable());
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    rig.live(now() + TimeDelta::hours(5));
    assert_eq!(rig.tasks(), [DeskTaskKind::EscortGuest]);
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    assert!(rig.tasks().is_empty());
}

/// R74: a refusal for good is not repeated.
#[test]
fn a_refusal_is_not_repeated() {
    let rig = Rig::new();
    rig.fail(1, &LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, RetryAdvice::Never, "x"));
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    rig.live(now() + TimeDelta::hours(5));
    assert_eq!(rig.asked("issue").len(), 1);
    assert_eq!(rig.tasks(), [DeskTaskKind::EscortGuest]);
}

/// R83, R84: a revoke that the vendor does not take is a revoke here all the same, a visit for somebody, and is tried until the
/// window has done it.
#[test]
fn a_revoke_is_tried_until_it_is_confirmed() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    rig.told();
    rig.fail(8, &LockError::new(ErrorCode::KeyRevokeFailed, FailureReason::Refused, RetryAdvice::Never, "x"));
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    run(rig.service.tick()).unwrap();
    let told = rig.told();
    let subjects: Vec<&str> = told.iter().map(|event| &*event.subject).collect();
    assert_eq!(
        subjects,
        [
            "melmastoon.lock.credential.revoked.v1",
            "melmastoon.lock.credential.revoke_failed.v1",
            "melmastoon.lock.desk_task.opened.v1"
        ]
    );
    assert_eq!(told[0].data["metadata"]["vendorRevokeOk"], false);
    assert_eq!(rig.tasks(), [DeskTaskKind::VisitDoor]);
    rig.live(now() + TimeDelta::hours(20));
    let revokes = rig.asked("revoke");
    assert_eq!(revokes.len(), 9);
    assert_ne!(revokes[0], revokes[1], "a recorded refusal would be repeated for ever under its name");
    assert!(rig.tasks().is_empty() && rig.subjects().is_empty());
}

/// R100, X17: a reference is exchanged once, by somebody, for something; another one can be had.
#[test]
fn a_reference_is_exchanged_once() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    let issued = rig.told().pop().unwrap();
    let reference = serde_json::from_value(issued.data["delivery"]["artifact"]["opaqueRef"].clone()).unwrap();
    let id = serde_json::from_value(issued.data["keyCredentialId"].clone()).unwrap();
    assert!(run(rig.service.reveal(reference, operator(), "")).is_err());
    assert_eq!(run(rig.service.reveal(reference, operator(), "handed to the guest")).unwrap().len(), 1);
    let again = run(rig.service.reveal(reference, operator(), "handed to the guest")).unwrap_err();
    assert_eq!(again.code(), ErrorCode::CredentialNotFound);
    let other = run(rig.service.new_reference(id, operator(), "the message bounced")).unwrap();
    assert_eq!(run(rig.service.reveal(other, operator(), "handed to the guest")).unwrap().len(), 1);
    // A day after the window the text is gone.
    rig.live(now() + TimeDelta::hours(48 + 25));
    assert!(run(rig.service.new_reference(id, operator(), "too late")).is_err());
}

/// What the vendor will not change is replaced, and the guest is never without a key that was there before.
#[test]
fn what_cannot_be_changed_is_replaced() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    rig.told();
    rig.fail(1, &LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, RetryAdvice::Never, "x"));
    run(rig.service.deliver(&rig.confirmed(2, 72))).unwrap();
    run(rig.service.tick()).unwrap();
    assert_eq!(rig.subjects(), ["requested.v1", "issued.v1"], "the old one stays until the new one is there");
    rig.live(now() + TimeDelta::minutes(1));
    assert_eq!(rig.subjects(), ["revoked.v1"]);
    assert_eq!(rig.asked("issue").len(), 2);
}

/// A service calls from any of its threads: every future may be carried to another one. That this compiles is the test.
#[test]
fn every_call_may_be_carried_to_another_thread() {
    fn sends(_: impl Send) {}
    let rig = Rig::new();
    let (keys, event, guest) = (&rig.service, rig.confirmed(1, 48), stay());
    let name = "desk/1".parse().unwrap();
    sends(keys.deliver(&event));
    sends(keys.report_lost(guest, &[], operator(), &name));
    sends(keys.lift_suspensions(guest, operator(), &name));
    sends(keys.tick());
    sends(keys.open_tasks());
    sends(keys.drain(1));
    sends(keys.encode_now(guest.into(), LockDeviceId::derived("encoder", &[])));
    sends(keys.keys(guest.into()));
    sends(keys.all_revoked(guest));
}

/// R84: the alert is told once, also when the vendor first said that it was at it.
#[test]
fn a_revoke_that_fails_after_it_was_under_way_is_an_alert() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    rig.told();
    let refused = LockError::new(ErrorCode::KeyRevokeFailed, FailureReason::Refused, RetryAdvice::Never, "x");
    let at_it =
        LockError::new(ErrorCode::KeyRevokeFailed, FailureReason::InProgress, RetryAdvice::NotApplied, "x");
    rig.fail(2, &at_it);
    rig.fail(2, &refused);
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    rig.live(now() + TimeDelta::hours(1));
    assert_eq!(rig.subjects(), ["revoked.v1", "revoke_failed.v1"]);
}

/// Whoever was sent to a door, because a key still opens too much there, is called back when it no longer does.
#[test]
fn nobody_watches_a_door_whose_key_is_narrowed_at_last() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    rig.port.away.store(true, Ordering::Relaxed);
    rig.fail(3, &unreachable());
    run(rig.service.deliver(&rig.confirmed(2, 24))).unwrap();
    rig.live(now() + TimeDelta::minutes(1));
    assert!(rig.tasks().contains(&DeskTaskKind::VisitDoor));
    rig.live(now() + TimeDelta::hours(3));
    assert!(rig.tasks().is_empty(), "{:?}", rig.tasks());
}
