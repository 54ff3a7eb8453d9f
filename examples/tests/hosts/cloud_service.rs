use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::Secret;
use lockport::credential::Artifact;
use lockport::env::{Clock as _, Env, HttpMethod, HttpRequest, HttpTransport as _, ManualClock, OsEntropy};
use lockport::event::Envelope;
use lockport::id::UserId;
use lockport::keys::{KeyOwner, KeyState};
use lockport::store::{MemoryStore, Store};
use lockport::transport::{ReqwestTransport, Roots, TransportConfig};
use lockport_examples::cloud_service::{Bus, Service, serve};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::host::wire;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::{HOTEL, SARAH, ZAHRA, booked, fresh_file};

/// A bus that is away the first time.
#[derive(Debug)]
struct Shaky {
    is_there: AtomicBool,
    told: mpsc::UnboundedSender<Envelope>,
}

#[async_trait]
impl Bus for Shaky {
    async fn publish(&self, event: &Envelope) -> io::Result<()> {
        if !self.is_there.swap(true, Ordering::Relaxed) {
            return Err(io::Error::other("the bus is away"));
        }
        self.told.send(event.clone()).map_err(io::Error::other)
    }
}

async fn ask(base: &str, path: &str, body: Option<String>) -> (u16, String) {
    let transport =
        ReqwestTransport::new(&TransportConfig::default().with_roots(Roots::Only(Vec::new()))).unwrap();
    let request = HttpRequest {
        method: if body.is_some() { HttpMethod::Post } else { HttpMethod::Get },
        url: format!("{base}{path}"),
        headers: vec![("content-type", Secret::new("application/json".to_owned()))],
        body: body.map(|text| Secret::new(text.into_bytes())),
        timeout: Duration::from_secs(20),
    };
    let response = transport.send(request).await.unwrap();
    // EXPOSE: an answer of the service under test.
    (response.status, String::from_utf8(response.body.expose().clone()).unwrap())
}

/// From the event over HTTP to the door, and to a stop that leaves nothing half done.
#[tokio::test]
async fn an_event_becomes_a_key_that_opens_its_door() {
    let hotel = Hotel::read(&std::fs::read(HOTEL).unwrap()).unwrap();
    let clock = Arc::new(ManualClock::new("2026-05-14T12:00:00Z".parse().unwrap()));
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(OsEntropy) };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (told, mut bus) = mpsc::unbounded_channel();
    let shaky = Shaky { is_there: AtomicBool::new(false), told };
    let service =
        Arc::new(Service::new(wire(&hotel, &store, &env, "cloud-1").unwrap(), env, Arc::new(shaky)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, service.clone(), async { stopped.await.unwrap_or_default() }));

    let (status, _) = ask(&base, "/events", Some(booked(SARAH, "0N101"))).await;
    assert_eq!(status, 202);
    // The bus was away over the first event: the service is unwell, and comes again by itself.
    while ask(&base, "/health", None).await.0 != 503 {
        tokio::task::yield_now().await;
    }
    clock.advance(TimeDelta::seconds(5));
    let mut subjects = Vec::new();
    let issued = loop {
        let event = bus.recv().await.unwrap();
        subjects.push(event.subject.clone());
        if event.subject.ends_with("credential.issued.v1") {
            break event;
        }
    };
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    let reference = issued.data["delivery"]["artifact"]["opaqueRef"].as_str().unwrap().parse().unwrap();
    let app: UserId = UserId::derived("app", &[]);
    let deliveries = service.wired().keys.reveal(reference, app, "delivery to the guest").await.unwrap();
    let Artifact::MobileToken(token) = &deliveries[0].artifact else { panic!("{deliveries:?}") };
    let door = |name: &str| service.wired().locks["house"].vendor.door(hotel.lock(name));
    // EXPOSE: the phone shows its token to the door.
    let opens = |name: &str| door(name).try_open(token.expose(), clock.now());
    assert!(opens("1") && !opens("2"));

    assert_eq!(ask(&base, "/events", Some(booked(SARAH, "0N101"))).await.0, 202, "a duplicate is taken");
    let (status, refused) =
        ask(&base, "/events", Some(booked(ZAHRA, "0N103").replace("0A1B4", "0A1B5"))).await;
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((status, &refused["code"]), (422, &json!("TENANT_MISMATCH")));

    let lost = json!({ "operator": app, "name": "desk/1" }).to_string();
    assert_eq!(ask(&base, &format!("/desk/reservations/{SARAH}/lost"), Some(lost)).await.0, 202);
    while !bus.recv().await.unwrap().subject.ends_with("credential.issued.v1") {}
    assert!(!opens("1"), "the finder opens nothing");

    let due = json!({ "operator": app, "name": "desk/2", "reason": "overdue_payment" }).to_string();
    assert_eq!(ask(&base, &format!("/desk/reservations/{SARAH}/suspend"), Some(due)).await.0, 202);
    let suspended = loop {
        let event = bus.recv().await.unwrap();
        if event.subject.ends_with("credential.suspended.v1") {
            break event;
        }
    };
    assert_eq!(suspended.data["reason"], "overdue_payment");

    assert_eq!(ask(&base, "/events", Some(booked(ZAHRA, "0N103"))).await.0, 202);
    while !bus.recv().await.unwrap().subject.ends_with("desk_task.opened.v1") {}
    let (_, tasks) = ask(&base, "/desk/tasks", None).await;
    let tasks: Value = serde_json::from_str(&tasks).unwrap();
    assert_eq!(tasks[0]["kind"], "present_card", "{tasks}");
    let (status, metrics) = ask(&base, "/metrics", None).await;
    assert!(status == 200 && metrics.contains("lockport_open_tasks 1\n"), "{metrics}");
    assert!(
        metrics.contains("events_delivered_total 3\n") && metrics.contains("events_refused_total 1\n"),
        "{metrics}"
    );
    assert_eq!(ask(&base, "/health", None).await.0, 200);

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(service.wired().keys.drain(1).await.unwrap().is_empty(), "everything was published");
}

/// The text of a hotel's file whose house is a vendor that calls back.
fn called_back() -> Hotel {
    let text = std::fs::read_to_string(HOTEL).unwrap();
    Hotel::read(text.replace("personality=per_door", "personality=webhook").as_bytes()).unwrap()
}

/// R124, R221: what the vendor calls back goes on at once when it comes to the vendor's address, and once; the same body at any other
/// is refused, told as an alert, and nothing moves.
#[tokio::test]
async fn a_callback_is_taken_from_the_vendor_alone_and_once() {
    let hotel = called_back();
    let clock = Arc::new(ManualClock::new("2026-05-14T12:00:00Z".parse().unwrap()));
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(OsEntropy) };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (told, mut bus) = mpsc::unbounded_channel();
    let steady = Shaky { is_there: AtomicBool::new(true), told };
    let secret = || Secret::new("only-the-vendor-knows".to_owned());
    let service = Service::new(wire(&hotel, &store, &env, "cloud-1").unwrap(), env, Arc::new(steady));
    let service = Arc::new(service.with_webhook("house", secret()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, service.clone(), async { stopped.await.unwrap_or_default() }));
    let vendor = &service.wired().locks["house"].vendor;
    let stay = SARAH.parse().unwrap();
    let state =
        async || service.wired().keys.keys(KeyOwner::Stay(stay)).await.unwrap().first().map(|key| key.state);

    assert_eq!(ask(&base, "/events", Some(booked(SARAH, "0N101"))).await.0, 202);
    while state().await != Some(KeyState::Pending) || vendor.effects_made() > 0 || vendor.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let requested = bus.recv().await.unwrap();
    assert!(requested.subject.ends_with("credential.requested.v1"), "{requested:?}");
    // The vendor has done it, and a look would not make sense for another second: only its call can tell.
    clock.advance(TimeDelta::seconds(1));
    let body = vendor.take_webhooks().remove(0);
    let post = async |path: &str| ask(&base, path, Some(body.clone())).await;

    for path in ["/webhooks/house/somebody-else", "/webhooks/house/", "/webhooks/house", "/webhooks/nobody/x"]
    {
        let (status, answer) = post(path).await;
        assert!(matches!(status, 401 | 404), "{path}: {status}");
        assert!(!answer.contains("only-the-vendor"), "{answer}");
    }
    let (status, refused) = post("/webhooks/house/somebody-else").await;
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((status, &refused["code"]), (401, &json!("WEBHOOK_SIGNATURE_INVALID")));
    let alert = bus.recv().await.unwrap();
    assert!(alert.subject.ends_with("vendor_webhook.received.v1"));
    assert_eq!(alert.data["signatureOk"], json!(false));
    assert_eq!(state().await, Some(KeyState::Pending), "no state change");

    assert_eq!(post("/webhooks/house/only-the-vendor-knows").await.0, 200);
    let mut subjects = Vec::new();
    let issued = loop {
        let event = bus.recv().await.unwrap();
        let short = event.subject.strip_prefix("melmastoon.lock.").unwrap().to_owned();
        subjects.push(short);
        if event.subject.ends_with("credential.issued.v1") {
            break event;
        }
    };
    assert_eq!(state().await, Some(KeyState::Active));
    let reference = issued.data["delivery"]["artifact"]["opaqueRef"].as_str().unwrap().parse().unwrap();
    let app = UserId::derived("app", &[]);
    let deliveries = service.wired().keys.reveal(reference, app, "delivery to the guest").await.unwrap();
    let Artifact::MobileToken(token) = &deliveries[0].artifact else { panic!("{deliveries:?}") };
    // EXPOSE: the phone shows its token to the door.
    assert!(vendor.door(hotel.lock("1")).try_open(token.expose(), clock.now()));

    assert_eq!(post("/webhooks/house/only-the-vendor-knows").await.0, 200, "a duplicate is taken");
    let outcome = loop {
        let event = bus.recv().await.unwrap();
        let is_over = event.data.get("outcome") == Some(&json!("duplicate"));
        subjects.push(event.subject.strip_prefix("melmastoon.lock.").unwrap().to_owned());
        if is_over {
            break event.data;
        }
    };
    assert_eq!(outcome["type"], json!("job"));
    let times = |what: &str| subjects.iter().filter(|subject| *subject == what).count();
    assert_eq!(times("credential.issued.v1"), 1, "{subjects:?}");
    assert_eq!((times("vendor_webhook.received.v1"), times("vendor_webhook.processed.v1")), (2, 2));
    assert_eq!((vendor.live_grants(hotel.lock("1")), vendor.effects_made()), (1, 1));
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    base: String,
}

fn start(store: &str) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloud-service"))
        .args(["--hotel", HOTEL, "--store", store])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let base = line(&mut out).strip_prefix("listening on ").unwrap().to_owned();
    Running { child, out, base }
}

fn line(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// As it is started in a data centre: told to stop it stops, and what it knew it knows again.
#[cfg(unix)]
#[tokio::test]
async fn told_to_stop_it_stops_cleanly_and_goes_on_from_its_file() {
    let store = fresh_file("cloud.store");
    let store = store.to_str().unwrap();
    let mut first = start(store);
    assert_eq!(ask(&first.base, "/events", Some(booked(ZAHRA, "0N103"))).await.0, 202);
    while !line(&mut first.out).contains("desk_task.opened.v1") {}
    let asked = Command::new("kill").args(["-TERM", &first.child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(first.child.wait().unwrap().success());
    assert_eq!(line(&mut first.out), "stopped");

    let mut second = start(store);
    let (_, tasks) = ask(&second.base, "/desk/tasks", None).await;
    assert!(tasks.contains("present_card") && tasks.contains(ZAHRA), "{tasks}");
    second.child.kill().unwrap();
    second.child.wait().unwrap();
}
