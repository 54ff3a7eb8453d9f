//! What TTLock tells, through `KeyService`: who tried the doors, how the locks are, and what the vendor calls back. The host hands the
//! adapter in and knows nothing of the vendor.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::device::DoorMap;
use lockport::driver::VendorCall;
use lockport::env::{Env, SeededEntropy};
use lockport::error::ErrorCode;
use lockport::event::Envelope;
use lockport::id::{ArtifactRef, ReservationId, RoomId, UserId};
use lockport::keys::{KeyService, WebhookOutcome};
use lockport::property::{AdapterBinding, KindPolicy, Property};
use lockport::stack::LockStack;
use lockport::store::{MemoryStore, Partition, Store};
use lockport_sim_ttlock::{OnTheWay, Presented};
use lockport_ttlock::TtlockDriver;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::house::{CLIENT, DOOR, GATEWAY, House, Plan, SEGMENT, device, new_driver};

/// How often the locks are looked at.
const LOOK: TimeDelta = TimeDelta::minutes(15);

struct Hotel {
    house: House,
    keys: KeyService,
    told: Vec<Envelope>,
}

impl Hotel {
    async fn open(kind: KeyCredentialKind) -> Self {
        let house = House::of(Plan::usual()).await;
        let partition = Partition { tenant: house.site.tenant, property: house.site.property };
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = house.clock.clone();
        let env =
            Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(3)) };
        let doors = Arc::new(DoorMap::default().with_room(room(), None, vec![device()]));
        let setup = AdapterSetup {
            name: "main".to_owned(),
            partition,
            doors: doors.clone(),
            store: store.clone(),
            env: env.clone(),
            instance: "one".to_owned(),
        };
        let adapter: Arc<Adapter<TtlockDriver>> =
            Arc::new(Adapter::new(new_driver(&house.config, &clock), setup));
        let port = LockStack::new(adapter.clone(), partition, doors.clone(), env.clone()).build();
        let policy = KindPolicy { preferred_kinds: vec![kind], no_show_suspend_after: TimeDelta::hours(2) };
        let binding = AdapterBinding {
            name: "main".to_owned(),
            port,
            doors,
            encoder: None,
            settle: Some(adapter.clone() as _),
        };
        let property = Property::new(partition.tenant, partition.property, "UTC".to_owned(), policy);
        let property = Arc::new(property.with_binding(binding));
        let keys = KeyService::new(property, store, env, "one")
            .watching(LOOK)
            .with_feed("main", adapter.clone())
            .with_clocks("main", adapter.clone())
            .with_calls("main", adapter);
        Self { house, keys, told: Vec::new() }
    }

    /// The event of a reservation; a booking is from now on, for so many hours.
    async fn hear(&self, how: &str, version: u64, hours: i64) {
        let now = self.house.now();
        let data = json!({
            "reservationId": stay(), "propertyId": self.house.site.property, "version": version,
            "guestId": "gst_01YN6ZGD3Y210WMW4BJ51T485P", "rooms": [room()],
            "validFrom": now, "validUntil": now + TimeDelta::hours(hours),
        });
        let subject = format!("melmastoon.reservation.booking.{how}.v1");
        let event = serde_json::from_value(json!({
            "specVersion": "1.0", "id": format!("evt_{version:026}"), "subject": subject, "type": subject,
            "source": "/test", "time": now, "tenantId": self.house.site.tenant, "data": data,
        }));
        self.keys.deliver(&event.unwrap()).await.unwrap();
    }

    /// Ticks and wakes until so much time has passed.
    async fn live(&self, time: TimeDelta) {
        let until = self.house.now() + time;
        while let Some(wake) = self.keys.tick().await.unwrap().filter(|wake| *wake <= until) {
            let next = wake.max(self.house.now() + TimeDelta::milliseconds(1));
            self.house.pass(next.signed_duration_since(self.house.now()));
        }
        self.house.pass(until.signed_duration_since(self.house.now()));
        self.keys.tick().await.unwrap();
    }

    /// What was told of a subject so far.
    async fn of(&mut self, subject: &str) -> Vec<Value> {
        for undelivered in self.keys.drain(1_000).await.unwrap() {
            self.told.push(undelivered.event().clone());
            self.keys.delivered(undelivered).await.unwrap();
        }
        let subject = format!("melmastoon.lock.{subject}.v1");
        self.told.iter().filter(|event| event.subject == subject).map(|event| event.data.clone()).collect()
    }

    /// The key of the one stay, as its guest holds it before a door, and the id of its credential.
    async fn key(&mut self) -> (Presented, Value) {
        let issued = self.of("credential.issued").await.pop().unwrap();
        let reference = issued["delivery"]["artifact"]["opaqueRef"].as_str().unwrap();
        let reference: ArtifactRef = reference.parse().unwrap();
        let courier = UserId::derived("test", &[b"courier"]);
        let delivered = self.keys.reveal(reference, courier, "delivery").await.unwrap().remove(0);
        let held = match delivered.artifact {
            // EXPOSE: the guest types it.
            Artifact::Pin(digits) => Presented::passcode(digits.expose()),
            Artifact::MobileToken(login) => {
                // EXPOSE: the guest's phone logs in with it.
                let (username, password) = login.expose().split_once(':').unwrap();
                Presented::EKey { username: username.to_owned(), password: password.to_owned() }
            }
            other => panic!("{other:?}"),
        };
        (held, issued["keyCredentialId"].clone())
    }

    fn try_open(&self, held: &Presented) -> bool {
        self.house.opens(held, self.house.now())
    }

    async fn anomalies(&mut self) -> Vec<String> {
        let all = self.of("audit.anomaly").await;
        all.iter().map(|data| data["anomaly"].as_str().unwrap().to_owned()).collect()
    }
}

fn room() -> RoomId {
    RoomId::derived("lockport-contract/room", &[DOOR.as_bytes()])
}

fn stay() -> ReservationId {
    ReservationId::derived("test", &[b"stay"])
}

/// Outcome, reason, and whose key, of each attempt that was told.
fn attempts(all: &[Value]) -> Vec<(&str, Option<&str>, Option<&Value>)> {
    all.iter()
        .map(|data| {
            (data["outcome"].as_str().unwrap(), data["denyReason"].as_str(), data.get("keyCredentialId"))
        })
        .collect()
}

/// R108, R220: what guests and strangers did at a door is told once, with whose key it was, in both kinds of key; a lock that was away
/// tells it days later, and a key that opens after it was revoked is told as an anomaly (R83).
#[tokio::test]
async fn who_tried_a_door_is_told_with_his_key_however_late() {
    for kind in [KeyCredentialKind::PinCode, KeyCredentialKind::MobileApp] {
        let mut hotel = Hotel::open(kind).await;
        hotel.hear("confirmed", 1, 24 * 5).await;
        hotel.live(TimeDelta::minutes(2)).await;
        let (key, credential) = hotel.key().await;
        assert!(hotel.try_open(&key));
        let _stranger = hotel.try_open(&Presented::passcode("739150"));
        hotel.live(LOOK * 2).await;
        let told = hotel.of("audit.attempt").await;
        let granted = ("granted", None, Some(&credential));
        assert_eq!(attempts(&told), [granted, ("denied", Some("unknown_key"), None)], "{kind}");
        assert_eq!(told[0]["reservationId"], json!(stay()), "{kind}");
        assert_eq!(told[0]["vendorRefHash"], hotel.of("credential.issued").await[0]["vendorRefHash"]);

        // Out of reach for three days: what is tried meanwhile the lock tells when it is heard again.
        hotel.house.sim.door(DOOR).set_in_reach(false);
        let typed = Presented::passcode("739150");
        for _ in 0..2 {
            let _stranger = hotel.try_open(&typed);
            hotel.live(TimeDelta::hours(36)).await;
        }
        assert_eq!(hotel.of("audit.attempt").await.len(), 2, "{kind}");
        hotel.house.sim.door(DOOR).set_in_reach(true);
        // The lock tells what it has when it is next used.
        assert!(hotel.try_open(&key));
        hotel.live(LOOK * 2).await;
        let told = hotel.of("audit.attempt").await;
        assert_eq!(told.len(), 5, "{kind}: {told:#?}");
        assert_eq!(told.iter().filter(|data| data["outcome"] == "denied").count(), 3, "{kind}");
        // Nothing that was typed came so far.
        assert!(!format!("{:?}", hotel.told).contains("739150"));
        assert!(hotel.anomalies().await.is_empty());
    }
}

/// A passcode before its time and after it: the lock says the same of both, the ledger which. Five denials are told as an anomaly.
#[tokio::test]
async fn too_early_and_too_late_are_told_apart() {
    let mut hotel = Hotel::open(KeyCredentialKind::PinCode).await;
    hotel.hear("confirmed", 1, 2).await;
    hotel.live(TimeDelta::minutes(2)).await;
    let (key, credential) = hotel.key().await;
    hotel.house.sim.door(DOOR).set_drift_ms(-4 * 60_000);
    assert!(!hotel.try_open(&key));
    hotel.house.sim.door(DOOR).set_drift_ms(4 * 60_000);
    hotel.house.pass(TimeDelta::minutes(117));
    assert!(!hotel.try_open(&key));
    hotel.live(LOOK * 2).await;
    let told = hotel.of("audit.attempt").await;
    let denied = |why| ("denied", Some(why), Some(&credential));
    assert_eq!(attempts(&told), [denied("not_yet_valid"), denied("expired")]);
    for _ in 0..5 {
        let _stranger = hotel.try_open(&Presented::passcode("739150"));
    }
    hotel.live(LOOK).await;
    assert_eq!(hotel.anomalies().await, ["repeated_denials"]);
}

/// R123, R148, R216, R217: batteries, clocks and gateways are told by the watch, and a clock that is off is set at the lock.
#[tokio::test]
async fn how_the_locks_are_is_told_and_their_clocks_are_set() {
    let mut hotel = Hotel::open(KeyCredentialKind::PinCode).await;
    hotel.live(LOOK).await;
    assert_eq!(hotel.of("device.registered").await.len(), 1);
    let door = hotel.house.sim.door(DOOR);
    door.set_battery(9);
    door.set_drift_ms(-318_000);
    hotel.live(LOOK).await;
    assert_eq!(door.drift_ms(), Some(0), "the clock was set");
    hotel.live(LOOK).await;
    assert_eq!(hotel.of("device.battery_low").await[0]["batteryPct"], json!(9));
    let alerts = hotel.of("device.health_alert").await;
    let clocks = alerts.iter().filter(|data| data["alert"] == "clock_skew");
    let clocks: Vec<_> = clocks.map(|data| (&data["severity"], &data["metric"]["clockSkewMs"])).collect();
    assert_eq!(clocks, [(&json!("warning"), &json!(-318_000)), (&json!("cleared"), &json!(0))]);
    hotel.house.sim.set_gateway_power(GATEWAY, false);
    hotel.live(LOOK * 2).await;
    assert_eq!(hotel.of("device.offline").await.len(), 1);
    hotel.house.sim.set_gateway_power(GATEWAY, true);
    hotel.live(LOOK * 2).await;
    assert_eq!(hotel.of("device.online").await.len(), 1);
}

/// Calls that came: the path and the body of each.
type Inbox = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Takes the calls of the vendor and answers as it wants.
async fn receiver() -> (String, Inbox) {
    let inbox = Inbox::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hooks/ttlock/{SEGMENT}", listener.local_addr().unwrap());
    let taken = Arc::clone(&inbox);
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            let mut text = Vec::new();
            let body = loop {
                let mut piece = [0_u8; 4096];
                let read = line.read(&mut piece).await.unwrap();
                text.extend_from_slice(&piece[..read]);
                let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if text.len() - end - 4 >= length.trim().parse::<usize>().unwrap() {
                    break text[end + 4..].to_vec();
                }
            };
            let path = String::from_utf8_lossy(&text).split(' ').nth(1).unwrap().to_owned();
            taken.lock().unwrap().push((path, body));
            line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nsuccess")
                .await
                .unwrap();
        }
    });
    (url, inbox)
}

impl Hotel {
    /// Everything that the vendor has sent is handed in, as a host does that knows its adapter's name and nothing else.
    async fn hand_in(&self, inbox: &Inbox) -> Vec<(WebhookOutcome, &'static str)> {
        self.house.sim.callbacks().await;
        let calls = std::mem::take(&mut *inbox.lock().unwrap());
        let mut outcomes = Vec::new();
        for (path, body) in &calls {
            let segment = path.rsplit('/').next().unwrap();
            let call = VendorCall { segment, headers: &[], body };
            let called = self.keys.called("main", &call).await.unwrap();
            outcomes.push((called.outcome, called.reply));
        }
        outcomes
    }
}

/// R46, R124, R221: a call of the vendor's is looked at and told before any look would be due, and once; the console's test button and
/// an invented record come to nothing; who does not know the address is refused, told as an alert, and nothing moves.
#[tokio::test]
async fn a_call_of_the_vendors_is_a_hint_and_only_a_hint() {
    let mut hotel = Hotel::open(KeyCredentialKind::PinCode).await;
    let (url, inbox) = receiver().await;
    hotel.house.sim.set_callback_url(CLIENT, &url);
    // The vendor tells only applications that somebody of the account has logged in with.
    hotel.hear("confirmed", 1, 24).await;
    hotel.live(LOOK + TimeDelta::minutes(1)).await;
    let (key, credential) = hotel.key().await;
    hotel.house.sim.order_callback(OnTheWay::Doubled);
    assert!(hotel.try_open(&key));
    let (applied, again) = ((WebhookOutcome::Applied, "success"), (WebhookOutcome::Duplicate, "success"));
    assert_eq!(hotel.hand_in(&inbox).await, [applied, again]);
    let told = hotel.of("audit.attempt").await;
    assert_eq!(attempts(&told), [("granted", None, Some(&credential))], "before any look");
    // The next look reads it as well, and tells nothing.
    hotel.live(LOOK * 2).await;
    assert_eq!(hotel.of("audit.attempt").await.len(), 1);

    assert!(hotel.house.sim.press_callback_test_button(CLIENT));
    assert_eq!(hotel.hand_in(&inbox).await, [(WebhookOutcome::Ignored, "success")]);
    let lock = hotel.house.sim.lock_id(DOOR).unwrap();
    let now = hotel.house.now().timestamp_millis();
    let records =
        format!("[{{\"recordType\":4,\"success\":1,\"keyboardPwd\":\"123456\",\"lockDate\":{now}}}]");
    let invented = format!("notifyType=1&lockId={lock}&records={}", records.replace('"', "%22"));
    let by = |segment| VendorCall { segment, headers: &[], body: invented.as_bytes() };
    let called = hotel.keys.called("main", &by(SEGMENT)).await.unwrap();
    assert_eq!(called.outcome, WebhookOutcome::Ignored, "the cloud has no such record");

    let before = (hotel.house.sim.seen().len(), hotel.of("audit.attempt").await.len());
    for segment in ["", "hooks", &SEGMENT[1..]] {
        let refused = hotel.keys.called("main", &by(segment)).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::WebhookSignatureInvalid);
    }
    assert_eq!((hotel.house.sim.seen().len(), hotel.of("audit.attempt").await.len()), before);
    let received = hotel.of("vendor_webhook.received").await;
    assert_eq!(received.last().unwrap()["signatureOk"], json!(false));
    assert!(!format!("{:?}", hotel.told).contains("123456"));
}

/// R46, R217: a gateway that goes is told by the vendor half an hour late, and by then looked at.
#[tokio::test]
async fn a_gateway_that_goes_is_looked_at() {
    let mut hotel = Hotel::open(KeyCredentialKind::PinCode).await;
    let (url, inbox) = receiver().await;
    hotel.house.sim.set_callback_url(CLIENT, &url);
    hotel.live(TimeDelta::minutes(1)).await;
    assert_eq!(hotel.of("device.registered").await.len(), 1);
    hotel.house.sim.set_gateway_power(GATEWAY, false);
    hotel.house.pass(TimeDelta::minutes(31));
    assert!(hotel.of("device.offline").await.is_empty());
    assert_eq!(hotel.hand_in(&inbox).await, [(WebhookOutcome::Applied, "success")]);
    assert_eq!(hotel.of("device.offline").await.len(), 1, "no look was due");
}
