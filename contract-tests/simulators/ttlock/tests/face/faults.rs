//! Faults on order.

use std::time::Duration;

use lockport_sim_ttlock::{Answered, Fault, Hold, OnCall, SimClock, TtlockSim, What};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{CLIENT, HOUR, NOW, SECRET, Scene, but, errcode};

const SEND: &str = "/v3/key/send";

#[tokio::test]
async fn a_refusal_and_an_edge_error_apply_nothing() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let sending = scene.sending(&guest, (NOW, NOW + HOUR));
    scene.sim.faults().push(Fault { on: OnCall::path(SEND), times: 2, what: What::Refuse(30006) });
    scene.sim.faults().push(Fault::once(SEND, What::HttpStatus(502)));
    assert_eq!(scene.sim.faults().pending(), 3);
    for _ in 0..2 {
        assert_eq!(errcode(&scene.post(SEND, &sending).await), 30006);
    }
    assert_eq!(scene.try_post(SEND, &sending).await.unwrap().status, 502);
    assert!(scene.sim.live_ekeys("204").is_empty());
    assert_eq!(errcode(&scene.post(SEND, &sending).await), 0);
    assert_eq!(scene.sim.faults().pending(), 0);
}

#[tokio::test]
async fn a_fault_waits_for_its_path() {
    let scene = Scene::new().await;
    scene.sim.faults().push(Fault::once(SEND, What::DropBefore));
    assert_eq!(errcode(&scene.call("/v3/lock/list", &[("pageNo", "1".into())]).await), 0);
    scene.sim.faults().push(Fault { on: OnCall::Any, times: 1, what: What::DropBefore });
    assert!(scene.try_post("/v3/lock/list", &[]).await.is_none());
    assert_eq!(scene.sim.faults().pending(), 1);
    scene.sim.faults().clear();
    assert_eq!(scene.sim.faults().pending(), 0);
}

#[tokio::test]
async fn drop_before_applies_nothing_and_drop_after_everything() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let sending = scene.sending(&guest, (NOW, NOW + HOUR));
    for (what, opens) in [(What::DropBefore, false), (What::DropAfter, true)] {
        scene.sim.faults().push(Fault::once(SEND, what));
        assert!(scene.try_post(SEND, &sending).await.is_none());
        assert_eq!(scene.knock(&guest, NOW).opened, opens, "{what:?}");
    }
    assert_eq!(scene.sim.requests(SEND), 2);
    assert_eq!(scene.sim.seen().last().unwrap().answered, Answered::Dropped);
}

#[tokio::test]
async fn a_late_effect_lands_when_the_clock_gets_there() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.sim.faults().push(Fault::once(SEND, What::LateEffect { ms: 60_000 }));
    assert!(scene.try_post(SEND, &scene.sending(&guest, (NOW, NOW + HOUR))).await.is_none());
    scene.clock.set_ms(NOW + 59_999);
    assert!(!scene.knock(&guest, NOW).opened);
    let repeated = scene.send(&guest, (NOW, NOW + 2 * HOUR)).await;
    scene.clock.set_ms(NOW + 60_000);
    let live = scene.sim.live_ekeys("204");
    assert_eq!(live.len(), 1);
    assert_ne!(live[0].key_id, repeated, "the late send replaces the repeated one");
    assert!(!scene.knock(&guest, NOW + HOUR).opened);
}

#[tokio::test]
async fn a_late_effect_of_a_refused_request_never_lands() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.sim.faults().push(Fault::once(SEND, What::LateEffect { ms: 10 }));
    let stale = but(&scene.sending(&guest, (0, 0)), "date", "5");
    assert!(scene.try_post(SEND, &stale).await.is_none());
    scene.clock.advance_ms(10);
    assert!(scene.sim.live_ekeys("204").is_empty());
}

#[tokio::test]
async fn a_held_answer_comes_after_its_effect() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.sim.faults().push(Fault::once(SEND, What::Delay(Hold::UntilReleased)));
    let sending = scene.sending(&guest, (0, 0));
    let watcher = async {
        scene.sim.faults().wait_held(1).await;
        let opened = scene.knock(&guest, NOW).opened;
        scene.sim.faults().release();
        opened
    };
    let (body, opened) = tokio::join!(scene.post(SEND, &sending), watcher);
    assert!(opened);
    assert_eq!(errcode(&body), 0);
    scene.sim.faults().push(Fault::once(SEND, What::Delay(Hold::RealMs(1))));
    assert_eq!(errcode(&scene.post(SEND, &sending).await), 0);
}

#[tokio::test]
async fn a_malformed_body_hides_an_effect() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.sim.faults().push(Fault::once(SEND, What::MalformedBody));
    let answer = scene.try_post(SEND, &scene.sending(&guest, (0, 0))).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&answer.body).is_err());
    assert!(scene.knock(&guest, NOW).opened);
}

#[tokio::test]
async fn tokens_can_die_at_any_time() {
    let mut scene = Scene::new().await;
    let page = [("pageNo", "1".to_owned())];
    scene.sim.faults().push(Fault::once("/v3/lock/list", What::ExpireTokens));
    assert_eq!(errcode(&scene.call("/v3/lock/list", &page).await), 10004);
    scene.token = scene.log_in("hotel", "hotel password").await;
    assert_eq!(errcode(&scene.call("/v3/lock/list", &page).await), 0);
}

#[tokio::test]
async fn an_outage_drops_everything_but_the_doors() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.send(&guest, (0, 0)).await;
    scene.sim.faults().outage(NOW + 1000);
    let listing = scene.with(&[("pageNo", "1".into())]);
    assert!(scene.try_post("/v3/lock/list", &listing).await.is_none());
    assert!(scene.knock(&guest, NOW).opened);
    scene.clock.set_ms(NOW + 1000);
    assert_eq!(errcode(&scene.post("/v3/lock/list", &listing).await), 0);
}

#[tokio::test]
async fn dropping_the_handle_ends_open_connections() {
    let sim = TtlockSim::builder(SimClock::new(NOW)).application(CLIENT, SECRET).start().await.unwrap();
    let mut kept = TcpStream::connect(sim.base_url().strip_prefix("http://").unwrap()).await.unwrap();
    kept.write_all(b"GET /nowhere HTTP/1.1\r\nHost: sim\r\n\r\n").await.unwrap();
    let mut first = [0_u8; 12];
    kept.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 404");
    drop(sim);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(5), kept.read_to_end(&mut rest)).await;
    assert!(end.is_ok());
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let (one, two) = (Scene::new().await, Scene::new().await);
    assert_eq!(one.token, two.token);
    assert_eq!(one.sim.lock_id("205"), two.sim.lock_id("205"));
    assert_eq!(one.register("anna").await, two.register("anna").await);
}
