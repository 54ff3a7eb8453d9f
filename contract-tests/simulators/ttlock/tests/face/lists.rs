//! Lists: paging, search, order, typing.

use lockport_sim_ttlock::Typing;
use serde_json::Value;

use crate::client::{HOUR, NOW, Scene, but, errcode};

fn column<'a>(body: &'a Value, name: &str) -> Vec<&'a str> {
    body["list"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap()).collect()
}

async fn house_of_five(scene: &Scene) {
    for (user, name) in [("a", "Stay C"), ("b", "stay a"), ("c", "other"), ("d", "STAY B"), ("e", "the stay")]
    {
        let guest = scene.register(user).await;
        let sending = but(&scene.sending(&guest, (NOW, NOW + HOUR)), "keyName", name);
        assert_eq!(errcode(&scene.post("/v3/key/send", &sending).await), 0);
    }
}

fn listing(page: &str, size: &str) -> Vec<(&'static str, String)> {
    vec![
        ("lockId", "5001".into()),
        ("pageNo", page.into()),
        ("pageSize", size.into()),
        ("orderBy", "1".into()),
    ]
}

#[tokio::test]
async fn pages_are_cut_and_counted() {
    let scene = Scene::new().await;
    house_of_five(&scene).await;
    for (page, expected) in [
        ("1", vec!["the stay", "STAY B"]),
        ("2", vec!["other", "stay a"]),
        ("3", vec!["Stay C"]),
        ("4", vec![]),
    ] {
        let body = scene.get("/v3/lock/listKey", &scene.with(&listing(page, "2"))).await;
        assert_eq!(column(&body, "keyName"), expected);
        assert_eq!((body["total"].as_i64(), body["pages"].as_i64()), (Some(5), Some(3)));
        assert_eq!(body["pageSize"], 2);
    }
    for (page, size, expected) in [
        ("1", "200", 0),
        ("1", "201", -3),
        ("1", "0", -3),
        ("0", "20", -3),
        ("x", "20", -3),
        ("-1", "20", -3),
    ] {
        let body = scene.get("/v3/lock/listKey", &scene.with(&listing(page, size))).await;
        assert_eq!(errcode(&body), expected, "{page} {size}");
    }
    for (size, expected) in [("1000", 0), ("1001", -3)] {
        let paging = [("pageNo", "1".to_owned()), ("pageSize", size.to_owned())];
        assert_eq!(errcode(&scene.get("/v3/lock/list", &scene.with(&paging)).await), expected);
    }
}

#[tokio::test]
async fn search_is_fuzzy_and_order_is_obeyed() {
    let scene = Scene::new().await;
    house_of_five(&scene).await;
    let all = listing("1", "20");
    for (name, value, expected) in [
        ("searchStr", "stay", 4),
        ("searchStr", "TAY b", 1),
        ("searchStr", "nothing", 0),
        ("keyRight", "1", 0),
        ("keyRight", "0", 5),
    ] {
        let body = scene.call("/v3/lock/listKey", &but(&all, name, value)).await;
        assert_eq!(body["list"].as_array().unwrap().len(), expected, "{value}");
    }
    for (order, first) in [("0", "STAY B"), ("1", "the stay"), ("2", "the stay")] {
        let body = scene.call("/v3/lock/listKey", &but(&all, "orderBy", order)).await;
        assert_eq!(column(&body, "keyName")[0], first);
    }
    assert_eq!(errcode(&scene.call("/v3/lock/listKey", &but(&all, "orderBy", "3")).await), -3);
}

#[tokio::test]
async fn a_listed_ekey_carries_what_was_sent() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let key_id = scene.send(&guest, (NOW, NOW + HOUR)).await;
    scene.call("/v3/key/freeze", &[("keyId", key_id.to_string())]).await;
    let body = scene.call("/v3/lock/listKey", &listing("1", "20")).await;
    let item = &body["list"][0];
    assert_eq!(item["keyId"], key_id);
    assert_eq!(item["username"], guest.as_str());
    assert_eq!(item["keyStatus"], "110405");
    assert_eq!((item["startDate"].as_i64(), item["endDate"].as_i64()), (Some(NOW), Some(NOW + HOUR)));
    assert_eq!(item["senderUsername"], "hotel");
    assert!(body.get("errcode").is_none());
}

#[tokio::test]
async fn locks_are_listed_for_their_top_administrator_only() {
    let mut scene = Scene::new().await;
    let page = [("pageNo", "1".to_owned()), ("pageSize", "20".to_owned())];
    let body = scene.call("/v3/lock/list", &page).await;
    assert_eq!(column(&body, "lockAlias"), ["204", "205"]);
    assert_eq!(body["list"][0]["hasGateway"], 1);
    assert_eq!(body["list"][1]["hasGateway"], 0);
    let detail = scene.get("/v3/lock/detail", &scene.with(&[("lockId", "5001".into())])).await;
    assert_eq!(detail["lockAlias"], "204");
    let foreign = scene.sim.lock_id("901").unwrap().to_string();
    for path in ["/v3/lock/detail", "/v3/gateway/listByLock"] {
        for (lock, expected) in [(foreign.as_str(), 20002), ("77", -1003), ("", -3)] {
            assert_eq!(errcode(&scene.call(path, &[("lockId", lock.into())]).await), expected);
        }
    }
    scene.token = scene.log_in("rival", "rival password").await;
    assert_eq!(column(&scene.call("/v3/lock/list", &page).await, "lockAlias"), ["901"]);
}

#[tokio::test]
async fn a_silent_gateway_is_believed_for_a_while() {
    let scene = Scene::new().await;
    let page = [("pageNo", "1".to_owned()), ("pageSize", "20".to_owned())];
    let lock = [("lockId", "5001".to_owned())];
    assert!(scene.sim.set_gateway_power("floor 2", false));
    assert!(!scene.sim.set_gateway_power("floor 3", false));
    for (minutes, online, links) in [(0, 1, 1), (7, 1, 1), (8, 0, 1), (29, 0, 1), (30, 0, 0)] {
        scene.clock.set_ms(NOW + minutes * 60_000);
        let body = scene.call("/v3/gateway/list", &page).await;
        assert_eq!(body["list"][0]["isOnline"], online, "{minutes}");
        let body = scene.call("/v3/gateway/listByLock", &lock).await;
        assert_eq!(body["list"].as_array().unwrap().len(), links, "{minutes}");
        if links == 1 {
            assert_eq!(body["list"][0]["rssiUpdateDate"], NOW);
        }
    }
}

#[tokio::test]
async fn loose_typing_changes_its_shapes() {
    let scene = Scene::typed(Typing::Loose).await;
    let page = [("pageNo", "1".to_owned()), ("pageSize", "20".to_owned())];
    let (mut numbers, mut texts, mut booleans) = (0, 0, 0);
    for _ in 0..12 {
        let body = scene.call("/v3/gateway/list", &page).await;
        let online = &body["list"][0]["isOnline"];
        numbers += usize::from(*online == 1);
        texts += usize::from(*online == "1");
        booleans += usize::from(*online == true);
    }
    assert_eq!(numbers + texts + booleans, 12);
    assert!(numbers > 0 && texts > 0 && booleans > 0, "{numbers} {texts} {booleans}");
}
