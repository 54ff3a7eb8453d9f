//! eKeys on the wire and at the door.

use lockport_sim_ttlock::{EKeyStatus, Presented, md5_hex};

use crate::client::{HOUR, NOW, Scene, but, errcode, without};

#[tokio::test]
async fn an_ekey_opens_within_its_window_to_the_millisecond() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let (start, end) = (NOW + HOUR, NOW + 2 * HOUR);
    let key_id = scene.send(&guest, (start, end)).await;
    assert!(key_id > i64::from(u32::MAX));
    let opened = [start - 1, start, end - 1, end].map(|at| scene.knock(&guest, at).opened);
    assert_eq!(opened, [false, true, true, false]);

    let door = scene.sim.door("204");
    door.set_drift_ms(-400_000);
    let opened = [start, start + 399_999, start + 400_000, end + 399_999, end + 400_000]
        .map(|at| scene.knock(&guest, at).opened);
    assert_eq!(opened, [false, false, true, true, false]);
}

#[tokio::test]
async fn the_door_refuses_for_its_own_reasons() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.send(&guest, (0, 0)).await;
    let door = scene.sim.door("204");
    let phone = |username: &str, password: &str| Presented::EKey {
        username: username.into(),
        password: password.into(),
    };
    assert!(scene.knock(&guest, NOW).opened);
    assert!(door.try_open(&phone("hotel", "hotel password"), NOW).opened);
    for (who, password) in
        [(guest.as_str(), "wrong"), ("anna", "guest password"), ("rival", "rival password")]
    {
        assert!(!door.try_open(&phone(who, password), NOW).opened, "{who}");
    }
    assert!(!format!("{:?}", phone(&guest, "guest password")).contains("guest password"));
    assert!(!scene.sim.door("205").try_open(&phone(&guest, "guest password"), NOW).opened);
    assert!(!scene.sim.door("no such").try_open(&phone(&guest, "guest password"), NOW).opened);
    door.set_battery(0);
    assert_eq!(scene.knock(&guest, NOW).why, "the battery is dead");
    door.set_battery(50);
    door.set_frozen(true);
    assert_eq!(scene.knock(&guest, NOW).why, "the lock is frozen");
    door.set_frozen(false);
    assert!(scene.knock(&guest, NOW).opened);
}

#[tokio::test]
async fn a_second_send_replaces_the_first() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let first = scene.send(&guest, (NOW, NOW + HOUR)).await;
    let second = scene.send(&guest, (NOW + HOUR, NOW + 2 * HOUR)).await;
    assert_ne!(first, second);
    let live = scene.sim.live_ekeys("204");
    assert_eq!(live.iter().map(|key| key.key_id).collect::<Vec<_>>(), [second]);
    assert!(!scene.knock(&guest, NOW).opened);
    let gone = scene.call("/v3/key/freeze", &[("keyId", first.to_string())]).await;
    assert_eq!(errcode(&gone), -1008);
}

#[tokio::test]
async fn freezing_stops_the_door_and_deleting_ends_it() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let key = [("keyId", scene.send(&guest, (NOW, NOW + HOUR)).await.to_string())];
    for (path, status, opens) in
        [("/v3/key/freeze", EKeyStatus::Frozen, false), ("/v3/key/unfreeze", EKeyStatus::Normal, true)]
    {
        assert_eq!(scene.call(path, &key).await["errcode"], 0);
        assert_eq!(scene.sim.live_ekeys("204")[0].status, status);
        assert_eq!(scene.knock(&guest, NOW).opened, opens);
    }
    assert_eq!(scene.call("/v3/key/delete", &key).await["errcode"], 0);
    assert_eq!(scene.knock(&guest, NOW).why, "the account holds no eKey for this lock");
    for path in ["/v3/key/delete", "/v3/key/freeze", "/v3/key/unfreeze"] {
        assert_eq!(errcode(&scene.call(path, &key).await), -1008);
    }
}

#[tokio::test]
async fn a_period_can_be_moved_but_not_turned_around() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let key_id = scene.send(&guest, (NOW, NOW + HOUR)).await;
    let period = |start: i64, end: i64| {
        [("keyId", key_id.to_string()), ("startDate", start.to_string()), ("endDate", end.to_string())]
    };
    for (start, end) in [(NOW, NOW), (NOW + 1, NOW), (NOW, 0), (-1, NOW)] {
        assert_eq!(errcode(&scene.call("/v3/key/changePeriod", &period(start, end)).await), -3);
    }
    let half = without(&scene.with(&period(NOW, NOW + 1)), "startDate");
    assert_eq!(errcode(&scene.post("/v3/key/changePeriod", &half).await), -3);
    assert!(scene.knock(&guest, NOW).opened);
    assert_eq!(errcode(&scene.call("/v3/key/changePeriod", &period(NOW + HOUR, NOW + 3 * HOUR)).await), 0);
    assert!(!scene.knock(&guest, NOW).opened);
    assert!(scene.knock(&guest, NOW + 2 * HOUR).opened);
}

#[tokio::test]
async fn a_one_time_ekey_opens_once() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.send(&guest, (NOW, 1)).await;
    let opened = [NOW - 1, NOW + 5 * HOUR, NOW + 5 * HOUR].map(|at| scene.knock(&guest, at).opened);
    assert_eq!(opened, [false, true, false]);
    assert!(scene.sim.live_ekeys("204").is_empty());
}

#[tokio::test]
async fn sending_is_refused_by_number() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let good = scene.sending(&guest, (NOW, NOW + HOUR));
    let rival_lock = scene.sim.lock_id("901").unwrap().to_string();
    for (pairs, expected) in [
        (but(&good, "lockId", "77"), -1003),
        (but(&good, "lockId", &rival_lock), 20002),
        (but(&good, "lockId", "5001x"), -3),
        (but(&good, "receiverUsername", "hotel"), -2019),
        (but(&good, "receiverUsername", "anna"), -4064),
        (but(&good, "startDate", &(NOW + HOUR).to_string()), -3),
        (but(&good, "endDate", "0"), -3),
        (but(&good, "endDate", "1e13"), -3),
        (but(&good, "remoteEnable", "3"), -3),
        (but(&good, "keyRight", "2"), -3),
        (but(&good, "weekDays", "[1]"), -4043),
        (but(&good, "keyName", ""), -3),
        (without(&good, "keyName"), -3),
        (without(&good, "startDate"), -3),
        ([good.clone(), vec![("keyName", "again".into())]].concat(), -3),
    ] {
        assert_eq!(errcode(&scene.post("/v3/key/send", &pairs).await), expected, "{pairs:?}");
    }
    assert!(scene.sim.live_ekeys("204").is_empty());
    let extra = but(&good, "clientNonce", "an unknown field is ignored");
    assert_eq!(errcode(&scene.post("/v3/key/send", &extra).await), 0);
}

#[tokio::test]
async fn an_authorised_administrator_hands_out_no_more_than_they_have() {
    let mut scene = Scene::new().await;
    let (deputy, guest) = (scene.register("deputy").await, scene.register("anna").await);
    let appointed = but(&scene.sending(&deputy, (NOW, NOW + 2 * HOUR)), "keyRight", "1");
    assert_eq!(errcode(&scene.post("/v3/key/send", &appointed).await), 0);
    scene.token = scene.log_in(&deputy, "guest password").await;
    for (receiver, end, expected) in [
        (guest.as_str(), NOW + 2 * HOUR, 0),
        (&guest, NOW + 2 * HOUR + 1, -3039),
        ("hotel", NOW + HOUR, -2020),
        (&deputy, NOW + HOUR, -2019),
    ] {
        let body = scene.post("/v3/key/send", &scene.sending(receiver, (NOW, end))).await;
        assert_eq!(errcode(&body), expected, "{receiver} {end}");
    }
    scene.clock.advance_ms(2 * HOUR);
    let body = scene.post("/v3/key/send", &scene.sending(&guest, (NOW, NOW + HOUR))).await;
    assert_eq!(errcode(&body), 20002);
    scene.token = scene.log_in(&guest, "guest password").await;
    let body = scene.post("/v3/key/send", &scene.sending(&deputy, (NOW, NOW + HOUR))).await;
    assert_eq!(errcode(&body), 20002);
}

#[tokio::test]
async fn a_created_user_has_a_password_anyone_can_guess() {
    let scene = Scene::new().await;
    let sending = scene.sending("anna@example.org", (0, 0));
    assert_eq!(errcode(&scene.post("/v3/key/send", &sending).await), -4064);
    assert_eq!(errcode(&scene.post("/v3/key/send", &but(&sending, "createUser", "1")).await), 0);
    let phone = Presented::EKey { username: "anna@example.org".into(), password: "le.org".into() };
    assert!(scene.sim.door("204").try_open(&phone, NOW).opened);
    let opaque = but(&scene.sending("nobody", (0, 0)), "createUser", "1");
    assert_eq!(errcode(&scene.post("/v3/key/send", &opaque).await), -3);
}

#[tokio::test]
async fn foreign_keys_and_the_own_key_are_out_of_reach() {
    let mut scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let key = [("keyId", scene.send(&guest, (0, 0)).await.to_string())];
    let own = [("keyId", scene.sim.own_key_id("204").unwrap().to_string())];
    let hotel = scene.token.clone();
    scene.token = scene.log_in("rival", "rival password").await;
    for path in ["/v3/key/delete", "/v3/key/freeze", "/v3/key/unfreeze"] {
        assert_eq!(errcode(&scene.call(path, &key).await), 20002);
        assert_eq!(errcode(&scene.call(path, &own).await), -2018);
    }
    assert!(scene.knock(&guest, NOW).opened);
    scene.token = hotel;
    assert_eq!(errcode(&scene.call("/v3/key/delete", &own).await), 0);
    assert!(!scene.knock(&guest, NOW).opened);
    let lock = [("lockId", "5001".to_owned())];
    assert_eq!(errcode(&scene.call("/v3/lock/detail", &lock).await), -1003);
}

#[tokio::test]
async fn the_log_holds_names_and_no_values() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.send(&guest, (0, 0)).await;
    let seen = format!("{:?}", scene.sim.seen());
    for secret in [&scene.token, &md5_hex("hotel password"), crate::client::SECRET, &guest] {
        assert!(!seen.contains(secret));
    }
    assert!(seen.contains("receiverUsername"));
    assert_eq!(scene.sim.requests("/v3/key/send"), 1);
}
