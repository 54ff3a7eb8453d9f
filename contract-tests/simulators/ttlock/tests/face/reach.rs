//! The way to the lock: gateways that are slow, busy, silent or gone; radios of its own; the last stretch.

use lockport_sim_ttlock::{Answered, Fault, What, WifiState};

use crate::client::{HOUR, NOW, Scene, errcode, id};

const ADD: &str = "/v3/keyboardPwd/add";
const BATTERY: &str = "/v3/lock/queryElectricQuantity";
const MINUTE: i64 = 60_000;

fn code(digits: &str) -> [(&str, &str); 3] {
    [("keyboardPwd", digits), ("keyboardPwdType", "2"), ("addType", "2")]
}

#[tokio::test]
async fn a_slow_gateway_serves_one_command_at_a_time() {
    let scene = Scene::new().await;
    assert!(scene.sim.set_gateway_latency_ms("floor 2", 4_000));
    let clock = scene.clock.clone();
    let watcher = async {
        while scene.sim.requests(ADD) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(scene.sim.seen().last().unwrap().answered, Answered::Waiting);
        assert_eq!(scene.code_at_204(BATTERY, &[]).await, -3003, "one command at a time");
        clock.advance_ms(3_999);
        assert!(!scene.type_in("739150", NOW).opened, "not there yet");
        clock.advance_ms(1);
    };
    let fields = code("739150");
    let (answer, ()) = tokio::join!(scene.at_204(ADD, &fields), watcher);
    assert_eq!(errcode(&answer), 0);
    assert!(scene.type_in("739150", NOW).opened);
    let first = scene.sim.seen().into_iter().find(|seen| seen.path == ADD).unwrap();
    assert_eq!((first.at_ms, first.answered), (NOW, Answered::Errcode(0)));
}

#[tokio::test]
async fn a_plug_pulled_on_the_way_stops_the_command() {
    let scene = Scene::new().await;
    scene.sim.set_gateway_latency_ms("floor 2", 4_000);
    let watcher = async {
        while scene.sim.requests(ADD) == 0 {
            tokio::task::yield_now().await;
        }
        scene.sim.set_gateway_power("floor 2", false);
        scene.clock.advance_ms(4_000);
    };
    let fields = code("739150");
    let (answer, ()) = tokio::join!(scene.at_204(ADD, &fields), watcher);
    assert_eq!(errcode(&answer), 1);
    assert!(scene.sim.lock_passcodes("204").is_empty());
}

#[tokio::test]
async fn an_answer_on_its_way_is_lost_and_the_effect_is_not() {
    let scene = Scene::new().await;
    scene.sim.set_gateway_latency_ms("floor 2", 4_000);
    scene.sim.faults().push(Fault::once(ADD, What::DropAfter));
    let mut pairs = scene.with(&[("lockId", "5001".into())]);
    pairs.extend(code("739150").map(|(name, value)| (name, value.to_owned())));
    assert!(scene.try_post(ADD, &pairs).await.is_none());
    assert!(!scene.type_in("739150", NOW).opened);
    scene.clock.advance_ms(4_000);
    assert!(scene.type_in("739150", NOW).opened);
    assert_eq!(scene.sim.seen().last().unwrap().answered, Answered::Dropped);
}

#[tokio::test]
async fn a_silent_gateway_is_believed_then_missed_then_forgotten() {
    let scene = Scene::new().await;
    scene.sim.set_gateway_power("floor 2", false);
    for (minutes, expected) in [(0, 1), (7, 1), (8, -3002), (29, -3002), (30, -2012)] {
        scene.clock.set_ms(NOW + minutes * MINUTE);
        assert_eq!(scene.code_at_204(ADD, &code("739150")).await, expected, "{minutes}");
    }
    scene.sim.set_gateway_power("floor 2", true);
    assert!(scene.sim.set_gateway_busy_until("floor 2", NOW + HOUR));
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, -3003);
    scene.clock.set_ms(NOW + HOUR);
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, 0);
    let other = [("lockId", scene.sim.lock_id("205").unwrap().to_string())];
    assert_eq!(errcode(&scene.call(BATTERY, &other).await), -2012);
}

#[tokio::test]
async fn a_gateway_serves_the_locks_of_its_own_account_only() {
    let scene = Scene::of(|hotel| {
        hotel.lock("204", Some(5_001)).account("rival", "x").gateway("next door", &["204"])
    })
    .await;
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, -2012);
    assert_eq!(scene.at_204("/v3/lock/detail", &[]).await["hasGateway"], 0);
}

#[tokio::test]
async fn a_lock_without_power_or_out_of_reach_does_not_answer() {
    let scene = Scene::new().await;
    let door = scene.sim.door("204");
    door.set_battery(42);
    assert_eq!(scene.at_204(BATTERY, &[]).await["electricQuantity"], 42);
    door.set_battery(0);
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, 1);
    assert_eq!(scene.at_204("/v3/lock/detail", &[]).await["electricQuantity"], 42, "as last heard");
    scene.clock.advance_ms(30 * MINUTE);
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, -2012);
    assert_eq!(scene.at_204("/v3/lock/detail", &[]).await["hasGateway"], 0);
    door.set_battery(90);
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, 0);
    door.set_in_reach(false);
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, 1);
}

#[tokio::test]
async fn between_gateway_and_lock_success_and_failure_both_lie() {
    let scene = Scene::new().await;
    scene.sim.faults().push(Fault::once(ADD, What::LockAnswerLost));
    assert_eq!(scene.code_at_204(ADD, &code("739150")).await, 1);
    assert!(scene.type_in("739150", NOW).opened);
    assert!(scene.sim.cloud_passcodes("204").is_empty(), "the cloud took it for a failure");
    assert_eq!(scene.code_at_204(ADD, &code("739150")).await, -3007);

    scene.sim.faults().push(Fault::once(ADD, What::HollowSuccess));
    assert_eq!(scene.code_at_204(ADD, &code("739152")).await, 0);
    assert!(!scene.type_in("739152", NOW).opened);
    assert_eq!(scene.sim.cloud_passcodes("204").len(), 1);
    scene.sim.faults().push(Fault::once(BATTERY, What::HollowSuccess));
    assert_eq!(scene.code_at_204(BATTERY, &[]).await, 1);
}

#[tokio::test]
async fn radios_of_their_own_have_their_own_refusals() {
    let scene = Scene::of(|hotel| hotel.wifi_lock("204", Some(5_001)).nb_lock("205", Some(5_002))).await;
    let door = scene.sim.door("204");
    for (wifi, query, detail, online) in [
        (WifiState::Online, 0, 0, Some(1)),
        (WifiState::NeverSetUp, -3034, -3034, None),
        (WifiState::PowerSaving, -3035, 0, Some(1)),
        (WifiState::Offline, -3036, 0, Some(0)),
        (WifiState::Busy, -3037, 0, Some(1)),
    ] {
        door.set_wifi(wifi);
        assert_eq!(scene.code_at_204(BATTERY, &[]).await, query, "{wifi:?}");
        let body = scene.at_204("/v3/wifiLock/detail", &[]).await;
        assert_eq!(errcode(&body), detail, "{wifi:?}");
        let shown =
            body.get("isOnline").map(|online| i64::from(online == 1 || online == true || online == "1"));
        assert_eq!(shown, online, "{wifi:?}");
    }
    let nb = |digits: &str, way: &str| {
        [
            ("lockId", "5002".to_owned()),
            ("keyboardPwd", digits.to_owned()),
            ("keyboardPwdType", "2".to_owned()),
            ("addType", way.to_owned()),
        ]
    };
    assert_eq!(errcode(&scene.call(ADD, &nb("739150", "2")).await), -2012);
    assert_eq!(errcode(&scene.call(ADD, &nb("739150", "4")).await), -4043);
    scene.sim.door("205").set_nb_registered(false);
    assert_eq!(errcode(&scene.call(ADD, &nb("739150", "3")).await), -4067);
    assert_eq!(errcode(&scene.call("/v3/wifiLock/detail", &[("lockId", "5002".into())]).await), -4043);
}

#[tokio::test]
async fn what_waits_for_a_sleeping_lock_comes_when_it_wakes() {
    let scene = Scene::of(|hotel| hotel.wifi_lock("204", Some(5_001))).await;
    let door = scene.sim.door("204");
    door.set_wifi(WifiState::PowerSaving);
    let status = async || {
        scene.at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1")]).await["list"][0]["status"].clone()
    };
    let later = |digits| [("keyboardPwd", digits), ("keyboardPwdType", "2"), ("addType", "4")];
    let code_id = id(&scene.at_204(ADD, &later("739150")).await, "keyboardPwdId");
    assert_eq!(status().await, 4);
    assert!(!scene.type_in("739150", NOW).opened);
    door.wake();
    assert_eq!(status().await, 1);
    assert!(scene.type_in("739150", NOW).opened);

    let change = [("keyboardPwdId", code_id.as_str()), ("newKeyboardPwd", "739152"), ("changeType", "4")];
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/change", &change).await, 0);
    assert_eq!(status().await, 6);
    assert!(door.add_passcode_by_hand("739152", 0, 0));
    door.wake();
    assert_eq!(status().await, 7, "the lock had that code already");
    assert!(scene.type_in("739150", NOW).opened);

    let delete = [("keyboardPwdId", code_id.as_str()), ("deleteType", "4")];
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/delete", &delete).await, 0);
    assert_eq!(status().await, 8);
    assert!(scene.type_in("739150", NOW).opened, "until it wakes");
    door.wake();
    assert!(scene.sim.cloud_passcodes("204").is_empty());
    assert!(!scene.type_in("739150", NOW).opened);
}
