//! A small hotel: four rooms on two floors, a gym, a mock vendor behind each adapter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use lockport::Timestamp;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::device::DoorMap;
use lockport::env::{Clock as _, Env, ManualClock, SeededEntropy};
use lockport::event::Envelope;
use lockport::id::{ArtifactRef, LockDeviceId, PropertyId, ReservationId, RoomId, ShiftId, TenantId, UserId};
use lockport::idempotency::IdempotencyKey;
use lockport::keys::{DeskTaskKind, KeyService};
use lockport::property::{AdapterBinding, KindPolicy, Property};
use lockport::stack::LockStack;
use lockport::store::{Partition, Store};
use lockport_contract::fault_loop::{InMemory, Kept, Shelf};
use lockport_mock::{MockDriver, MockVendor};
use serde_json::{Value, json};

use crate::yielding::{Yielding, run};

/// How often a watching process looks.
pub(crate) const LOOK: TimeDelta = TimeDelta::minutes(5);

pub(crate) const ROOMS: [&str; 4] = ["101", "102", "201", "202"];

pub(crate) fn opening() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

pub(crate) fn partition() -> Partition {
    Partition { tenant: TenantId::derived("t", &[b"t"]), property: PropertyId::derived("t", &[b"p"]) }
}

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::derived("t", &[name.as_bytes()])
}

pub(crate) fn door(name: &str) -> LockDeviceId {
    LockDeviceId::derived("t", &[name.as_bytes()])
}

pub(crate) fn stay(name: &str) -> ReservationId {
    ReservationId::derived("t", &[name.as_bytes()])
}

pub(crate) fn shift(name: &str) -> ShiftId {
    ShiftId::derived("t", &[name.as_bytes()])
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::derived("t", &[name.as_bytes()])
}

pub(crate) fn name(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

/// One adapter: its name, the mock's address, the doors it serves.
pub(crate) type Served<'a> = (&'a str, &'a str, &'a [&'a str]);

/// An adapter beside its port, by its name.
type Wired = (String, Arc<Adapter<MockDriver>>);

/// What outlives a process.
pub(crate) struct Hotel {
    pub(crate) vendors: BTreeMap<String, MockVendor>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    /// How long before its window a key is asked for.
    pub(crate) horizon: Option<TimeDelta>,
    env: Env,
    served: Vec<(String, DoorMap)>,
    kept: Box<dyn Kept>,
}

fn doors(names: &[&str]) -> DoorMap {
    names.iter().fold(DoorMap::default(), |map, name| {
        if *name == "gym" {
            map.with_area("gym".parse().unwrap(), vec![door(name)])
        } else {
            map.with_room(room(name), Some(name[..1].parse().unwrap()), vec![door(name)])
        }
    })
}

fn opened(kept: &dyn Kept) -> Arc<dyn Store> {
    Arc::new(Yielding(run(kept.open()).unwrap()))
}

impl Hotel {
    /// One per-door vendor behind all doors.
    pub(crate) fn simple() -> Self {
        Self::of(&[("main", "mock://", &["101", "102", "201", "202", "gym"])])
    }

    pub(crate) fn of(adapters: &[Served<'_>]) -> Self {
        Self::on(&InMemory, adapters)
    }

    /// With its store on such a shelf; each process opens it anew.
    pub(crate) fn on(shelf: &dyn Shelf, adapters: &[Served<'_>]) -> Self {
        let clock = Arc::new(ManualClock::new(opening()));
        let env =
            Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        let kept = run(shelf.fresh()).unwrap();
        let store = opened(&*kept);
        let (mut vendors, mut served) = (BTreeMap::new(), Vec::new());
        for (name, url, names) in adapters {
            let map = doors(names);
            let vendor = MockVendor::from_url(url, partition().property, map.clone(), clock.clone()).unwrap();
            vendors.insert((*name).to_owned(), vendor);
            served.push(((*name).to_owned(), map));
        }
        Self { vendors, store, clock, horizon: None, env, served, kept }
    }

    pub(crate) fn vendor(&self) -> &MockVendor {
        &self.vendors["main"]
    }

    /// The encoder of an adapter.
    pub(crate) fn encoder(name: &str) -> LockDeviceId {
        door(&format!("encoder {name}"))
    }

    /// A process of this name on the hotel's store.
    pub(crate) fn service(&self, instance: &str) -> KeyService {
        self.wired(instance).0
    }

    /// A process of this name that looks at the locks every five minutes, and reads who tried them.
    pub(crate) fn watching(&self, instance: &str) -> KeyService {
        let (service, adapters) = self.wired(instance);
        adapters.into_iter().fold(service.watching(LOOK), |service, (name, of)| service.with_feed(&name, of))
    }

    /// As [`watching`](Self::watching), setting clocks.
    pub(crate) fn setting_clocks(&self, instance: &str) -> KeyService {
        let (service, adapters) = self.wired(instance);
        adapters
            .into_iter()
            .fold(service.watching(LOOK), |service, (name, of)| service.with_clocks(&name, of))
    }

    fn wired(&self, instance: &str) -> (KeyService, Vec<Wired>) {
        let policy = KindPolicy {
            preferred_kinds: vec![KeyCredentialKind::PinCode, KeyCredentialKind::MobileApp],
            no_show_suspend_after: TimeDelta::hours(2),
        };
        let of = partition();
        let store = opened(&*self.kept);
        let mut adapters = Vec::new();
        let mut property = Property::new(of.tenant, of.property, "UTC".to_owned(), policy);
        if let Some(horizon) = self.horizon {
            property = property.with_issue_horizon(horizon);
        }
        for (name, map) in &self.served {
            let doors = Arc::new(map.clone());
            let setup = AdapterSetup {
                name: name.clone(),
                partition: of,
                doors: doors.clone(),
                store: store.clone(),
                env: self.env.clone(),
                instance: instance.to_owned(),
            };
            let adapter = Arc::new(Adapter::new(MockDriver::new(self.vendors[name].clone()), setup));
            let port = LockStack::new(adapter.clone(), of, doors.clone(), self.env.clone()).build();
            adapters.push((name.clone(), adapter.clone()));
            let encoder = Some(Self::encoder(name));
            let (name, settle) = (name.clone(), Some(adapter as _));
            property = property.with_binding(AdapterBinding { name, port, doors, encoder, settle });
        }
        (KeyService::new(Arc::new(property), store, self.env.clone(), instance), adapters)
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        self.clock.set(self.clock.now() + time);
    }

    /// Ticks and wakes until nothing is due before so much time has passed.
    pub(crate) fn live(&self, service: &KeyService, time: TimeDelta) {
        run(self.lives(service, time));
    }

    /// The same, to be broken off.
    pub(crate) async fn lives(&self, service: &KeyService, time: TimeDelta) {
        let until = self.clock.now() + time;
        while let Some(wake) = service.tick().await.unwrap().filter(|wake| *wake <= until) {
            self.clock.set(wake.max(self.clock.now() + TimeDelta::milliseconds(1)));
        }
        self.clock.set(until);
        service.tick().await.unwrap();
    }

    /// Whether any of these opens the door now.
    pub(crate) fn opens(&self, keys: &[String], at: &str) -> bool {
        let vendors = self.vendors.values();
        let now = self.clock.now();
        vendors.into_iter().any(|vendor| keys.iter().any(|key| vendor.door(door(at)).try_open(key, now)))
    }

    /// How many grants every vendor holds, over all doors.
    pub(crate) fn held(&self) -> usize {
        let doors = || ROOMS.into_iter().chain(["gym"]);
        self.vendors.values().flat_map(|vendor| doors().map(|name| vendor.live_grants(door(name)))).sum()
    }
}

/// What was told, and the texts that were handed out with it, by whoever holds them.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) events: Vec<Envelope>,
    pub(crate) hands: BTreeMap<String, Vec<String>>,
    /// For which doors that was, by whoever holds it, as it was handed out last.
    pub(crate) doors: BTreeMap<String, BTreeSet<LockDeviceId>>,
}

impl Told {
    /// Drains the outbox and hands out what it names.
    pub(crate) fn drain(&mut self, service: &KeyService) {
        for undelivered in run(service.drain(1_000)).unwrap() {
            let event = undelivered.event().clone();
            let text = |pointer: &str| event.data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            let reference =
                text("/delivery/artifact/opaqueRef").and_then(|text| text.parse::<ArtifactRef>().ok());
            let holder = text("/reservationId").or_else(|| text("/staffUserId"));
            if let (Some(reference), Some(holder)) = (reference, holder)
                && let Ok(deliveries) = run(service.reveal(reference, user("courier"), "delivery"))
            {
                let doors = deliveries.iter().flat_map(|delivery| delivery.doors.clone()).collect();
                self.doors.insert(holder.clone(), doors);
                for delivery in deliveries {
                    if let Artifact::Pin(text) | Artifact::MobileToken(text) = delivery.artifact {
                        // EXPOSE: into the hand of whoever is to hold it.
                        self.hands.entry(holder.clone()).or_default().push(text.expose().clone());
                    }
                }
            }
            self.events.push(event);
            run(service.delivered(undelivered)).unwrap();
        }
    }

    pub(crate) fn hand(&self, holder: &impl ToString) -> &[String] {
        self.hands.get(&holder.to_string()).map_or(&[], Vec::as_slice)
    }

    /// What was told under a subject.
    pub(crate) fn of(&self, subject: &str) -> Vec<&Value> {
        let subject = format!("melmastoon.lock.{subject}.v1");
        self.events.iter().filter(|event| event.subject == subject).map(|event| &event.data).collect()
    }

    /// How often a subject was told.
    pub(crate) fn count(&self, subject: &str) -> usize {
        let subject = format!("melmastoon.lock.{subject}.v1");
        self.events.iter().filter(|event| event.subject == subject).count()
    }
}

pub(crate) fn tasks(service: &KeyService) -> Vec<DeskTaskKind> {
    let mut kinds: Vec<_> = run(service.open_tasks()).unwrap().into_iter().map(|task| task.kind).collect();
    kinds.sort();
    kinds
}

fn envelope(subject: &str, nth: u64, data: &Value) -> Envelope {
    serde_json::from_value(json!({
        "specVersion": "1.0", "id": format!("evt_{nth:026}"), "subject": subject, "type": subject,
        "source": "/test", "time": opening(), "tenantId": partition().tenant, "data": data,
    }))
    .unwrap()
}

/// A booking of these rooms from the opening on, for so many hours.
pub(crate) fn confirmed(of: &str, version: u64, rooms: &[&str], hours: i64) -> Envelope {
    let rooms: Vec<RoomId> = rooms.iter().map(|name| room(name)).collect();
    let data = json!({
        "reservationId": stay(of), "propertyId": partition().property, "version": version,
        "guestId": "gst_01YN6ZGD3Y210WMW4BJ51T485P", "rooms": rooms,
        "validFrom": opening(), "validUntil": opening() + TimeDelta::hours(hours),
    });
    envelope("melmastoon.reservation.booking.confirmed.v1", version, &data)
}

/// Anything else about a reservation: `cancelled`, `no_show`, `fraud_flagged`.
pub(crate) fn booking(how: &str, of: &str, version: u64) -> Envelope {
    let data = json!({ "reservationId": stay(of), "propertyId": partition().property, "version": version });
    envelope(&format!("melmastoon.reservation.booking.{how}.v1"), version, &data)
}

pub(crate) fn shift_started(of: &str, by: &str, scope: &Value, hours: i64) -> Envelope {
    let data = json!({
        "shiftId": shift(of), "userId": user(by), "propertyId": partition().property, "scope": scope,
        "validFrom": opening(), "validUntil": opening() + TimeDelta::hours(hours), "rooms": [room("202")],
    });
    envelope("melmastoon.staff.shift.started.v1", 1, &data)
}

pub(crate) fn shift_ended(of: &str, by: &str) -> Envelope {
    let data = json!({ "shiftId": shift(of), "userId": user(by), "propertyId": partition().property });
    envelope("melmastoon.staff.shift.ended.v1", 2, &data)
}

pub(crate) fn user_deactivated(who: &str) -> Envelope {
    envelope("melmastoon.iam.user.deactivated.v1", 3, &json!({ "userId": user(who) }))
}

pub(crate) fn property_deactivated() -> Envelope {
    let data = json!({ "propertyId": partition().property });
    envelope("melmastoon.tenant.property.deactivated.v1", 4, &data)
}
