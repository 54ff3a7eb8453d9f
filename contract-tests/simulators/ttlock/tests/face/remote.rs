//! Orders and questions that travel to the lock: clock, battery, bolt, freezing.

use lockport_sim_ttlock::{Feature, Presented};

use crate::client::{GUEST_PASSWORD, HOUR, NOW, Scene, but, errcode};

/// R148: the skew is read, and one command takes it away.
#[tokio::test]
async fn a_clock_is_read_and_set() {
    let scene = Scene::new().await;
    let door = scene.sim.door("204");
    door.set_timezone_offset_ms(9 * HOUR / 2);
    door.set_drift_ms(-318_000);
    assert!(door.add_passcode_by_hand("739150", NOW - 600_000, NOW - 60_000));
    assert!(scene.type_in("739150", NOW).opened, "late by the lock's clock");
    assert_eq!(scene.at_204("/v3/lock/queryDate", &[]).await["date"], NOW - 318_000);
    scene.sim.set_gateway_power("floor 2", false);
    assert_eq!(scene.code_at_204("/v3/lock/updateDate", &[]).await, 1);
    assert_eq!(door.drift_ms(), Some(-318_000));
    scene.sim.set_gateway_power("floor 2", true);
    assert_eq!(scene.at_204("/v3/lock/updateDate", &[]).await["date"], NOW);
    assert_eq!(door.drift_ms(), Some(0));
    assert!(!scene.type_in("739150", NOW).opened);
    assert_eq!(scene.at_204("/v3/lock/queryDate", &[]).await["date"], NOW);
}

#[tokio::test]
async fn a_clouds_clock_may_be_wrong_too() {
    let scene = Scene::new().await;
    scene.sim.set_cloud_skew_ms(301_000);
    assert_eq!(scene.code_at_204("/v3/lock/detail", &[]).await, 80000);
    let shifted = but(&scene.with(&[("lockId", "5001".into())]), "date", &(NOW + 301_000).to_string());
    assert_eq!(errcode(&scene.post("/v3/lock/detail", &shifted).await), 0);
}

#[tokio::test]
async fn a_frozen_lock_takes_no_credential_and_no_order_but_to_thaw() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.send(&guest, (0, 0)).await;
    scene.sim.door("204").add_passcode_by_hand("739150", 0, 0);
    scene.sim.door("204").add_card_by_hand(77, 0, 0);
    assert_eq!(scene.code_at_204("/v3/lock/freeze", &[]).await, 0);
    assert_eq!(scene.at_204("/v3/lock/queryStatus", &[]).await["status"], 1);
    assert!(scene.sim.door("204").is_frozen());
    for verdict in [scene.knock(&guest, NOW), scene.type_in("739150", NOW), scene.hold(77, NOW)] {
        assert_eq!(verdict.why, "the lock is frozen");
    }
    let code = [("keyboardPwd", "739152"), ("keyboardPwdType", "2"), ("addType", "2")];
    for (path, fields) in [
        ("/v3/keyboardPwd/add", code.as_slice()),
        ("/v3/identityCard/add", &[("cardNumber", "78"), ("addType", "2")]),
        ("/v3/lock/unlock", &[]),
        ("/v3/lock/lock", &[]),
    ] {
        assert_eq!(scene.code_at_204(path, fields).await, -2025, "{path}");
    }
    assert_eq!(scene.code_at_204("/v3/lock/unfreeze", &[]).await, 0);
    assert_eq!(scene.at_204("/v3/lock/queryStatus", &[]).await["status"], 0);
    assert!(scene.type_in("739150", NOW).opened);
    scene.sim.door("204").take_feature(Feature::Freeze);
    assert_eq!(scene.code_at_204("/v3/lock/freeze", &[]).await, -4043);
}

#[tokio::test]
async fn the_bolt_opens_from_afar_and_locks_itself() {
    let scene = Scene::new().await;
    let state = async || scene.at_204("/v3/lock/queryOpenState", &[]).await["state"].as_i64();
    assert_eq!(state().await, Some(0));
    assert_eq!(scene.code_at_204("/v3/lock/unlock", &[]).await, 0);
    assert_eq!(state().await, Some(1));
    scene.clock.advance_ms(5_000);
    assert_eq!(state().await, Some(0), "auto lock");
    scene.sim.door("204").add_card_by_hand(77, 0, 0);
    assert!(scene.hold(77, NOW + 5_000).opened);
    assert_eq!(state().await, Some(1));
    assert_eq!(scene.code_at_204("/v3/lock/lock", &[]).await, 0);
    assert_eq!(state().await, Some(0));
    for (feature, path) in
        [(Feature::GatewayUnlock, "/v3/lock/unlock"), (Feature::RemoteLock, "/v3/lock/lock")]
    {
        scene.sim.door("204").take_feature(feature);
        assert_eq!(scene.code_at_204(path, &[]).await, -4043);
    }
}

#[tokio::test]
async fn a_guest_opens_from_afar_only_with_the_right_to() {
    let mut scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let key_id = scene.send(&guest, (NOW, NOW + HOUR)).await.to_string();
    let hotel = scene.token.clone();
    let link = async |scene: &Scene| scene.call("/v3/key/getUnlockLink", &[("keyId", key_id.clone())]).await;
    assert_eq!(errcode(&link(&scene).await), -3046);
    scene.token = scene.log_in(&guest, GUEST_PASSWORD).await;
    assert_eq!(scene.code_at_204("/v3/lock/unlock", &[]).await, -3046);
    scene.token.clone_from(&hotel);
    let remote = [("keyId", key_id.clone()), ("remoteEnable", "1".into()), ("keyName", "suite".into())];
    assert_eq!(errcode(&scene.call("/v3/key/update", &remote).await), 0);
    assert_eq!(scene.sim.live_ekeys("204")[0].key_name, "suite");
    let page = link(&scene).await["link"].as_str().unwrap().to_owned();
    scene.token = scene.log_in(&guest, GUEST_PASSWORD).await;
    assert_eq!(scene.code_at_204("/v3/lock/unlock", &[]).await, 0);
    let press = |at| scene.sim.door("204").try_open(&Presented::Link(page.clone()), at).opened;
    assert_eq!([NOW, NOW + HOUR].map(press), [true, false]);
    scene.sim.set_gateway_power("floor 2", false);
    assert!(!press(NOW));
    scene.sim.set_gateway_power("floor 2", true);
    scene.clock.set_ms(NOW + HOUR);
    assert_eq!(scene.code_at_204("/v3/lock/unlock", &[]).await, 20002);
    scene.token = hotel;
    assert_eq!(errcode(&scene.call("/v3/key/delete", &[("keyId", key_id.clone())]).await), 0);
    assert!(!press(NOW));
}

#[tokio::test]
async fn everyone_reads_their_own_key_and_an_authorised_guest_administers() {
    let mut scene = Scene::new().await;
    let guest = scene.register("anna").await;
    let page = [("pageNo", "1".to_owned())];
    let own = scene.at_204("/v3/key/get", &[]).await;
    assert_eq!((own["userType"].as_str(), own["keyStatus"].as_str()), (Some("110301"), Some("110401")));
    assert_eq!(own["keyId"].as_i64(), scene.sim.own_key_id("204"));
    assert_eq!(scene.call("/v3/key/list", &page).await["total"], 2);
    let key_id = scene.send(&guest, (NOW, NOW + HOUR)).await.to_string();
    let hotel = scene.token.clone();
    scene.token = scene.log_in(&guest, GUEST_PASSWORD).await;
    let own = scene.at_204("/v3/key/get", &[]).await;
    assert_eq!((own["userType"].as_str(), own["endDate"].as_i64()), (Some("110302"), Some(NOW + HOUR)));
    assert!(own.get("noKeyPwd").is_none());
    assert_eq!(scene.call("/v3/key/list", &page).await["list"][0]["lockAlias"], "204");
    assert_eq!(scene.call("/v3/lock/list", &page).await["total"], 0);
    assert_eq!(scene.code_at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1")]).await, 20002);
    let guest_token = std::mem::replace(&mut scene.token, hotel);
    let elsewhere = [("lockId", scene.sim.lock_id("205").unwrap().to_string()), ("keyId", key_id.clone())];
    assert_eq!(errcode(&scene.call("/v3/key/authorize", &elsewhere).await), -1008);
    assert_eq!(scene.code_at_204("/v3/key/authorize", &[("keyId", &key_id)]).await, 0);
    scene.token = guest_token;
    assert_eq!(scene.code_at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1")]).await, 0);
    assert!(scene.at_204("/v3/key/get", &[]).await.get("noKeyPwd").is_some());
    let foreign = [("lockId", scene.sim.lock_id("205").unwrap().to_string())];
    assert_eq!(errcode(&scene.call("/v3/key/get", &foreign).await), -1008);
}

#[tokio::test]
async fn gateways_are_told_one_by_one() {
    let scene = Scene::new().await;
    let listed = scene.call("/v3/gateway/list", &[("pageNo", "1".into())]).await;
    let gateway = [("gatewayId", listed["list"][0]["gatewayId"].to_string())];
    assert_eq!(scene.call("/v3/gateway/detail", &gateway).await, listed["list"][0]);
    let locks = scene.call("/v3/gateway/listLock", &gateway).await;
    assert_eq!(
        (locks["list"].as_array().unwrap().len(), locks["list"][0]["lockId"].as_i64()),
        (1, Some(5_001))
    );
    for path in ["/v3/gateway/detail", "/v3/gateway/listLock"] {
        assert_eq!(errcode(&scene.call(path, &[("gatewayId", "7".into())]).await), -4037);
    }
}

/// What the desk needs to talk to the lock over Bluetooth (VENDOR: section 11.10).
#[tokio::test]
async fn an_administrator_is_told_the_secrets_of_the_lock() {
    let scene = Scene::new().await;
    let detail = scene.at_204("/v3/lock/detail", &[]).await;
    let key: Vec<&str> = detail["aesKeyStr"].as_str().unwrap().split(',').collect();
    assert!(key.len() == 16 && key.iter().all(|byte| u8::from_str_radix(byte, 16).is_ok()), "{key:?}");
    assert_eq!(detail["lockVersion"]["protocolType"], 5);
    assert_ne!(detail["adminPwd"], detail["lockKey"]);
}

/// Clients in daily use send these by GET although their page says POST.
#[tokio::test]
async fn a_few_writes_are_taken_by_get_too() {
    let scene = Scene::new().await;
    let lock = scene.with(&[("lockId", "5001".into())]);
    for path in ["/v3/lock/unlock", "/v3/lock/lock"] {
        assert_eq!(errcode(&scene.get(path, &lock).await), 0, "{path}");
    }
    let name = scene.get("/v3/user/register", &scene.registration("anna", &"0".repeat(32))).await;
    assert!(name["username"].as_str().unwrap().ends_with("_anna"));
}
