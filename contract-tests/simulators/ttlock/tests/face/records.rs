//! Lock records: who tried what, by the lock's clock, as far as it reached the cloud.

use serde_json::Value;

use crate::client::{HOUR, NOW, Scene, errcode};

const LIST: &str = "/v3/lockRecord/list";
const UPLOAD: &str = "/v3/lockRecord/upload";

async fn list(scene: &Scene, more: &[(&str, &str)]) -> Vec<Value> {
    let mut fields = vec![("pageNo", "1")];
    fields.extend_from_slice(more);
    let body = scene.at_204(LIST, &fields).await;
    body["list"].as_array().unwrap_or_else(|| panic!("{body}")).clone()
}

fn types(records: &[Value]) -> Vec<(i64, i64, i64)> {
    let of = |record: &Value, name: &str| record[name].as_i64().unwrap();
    records
        .iter()
        .map(|record| (of(record, "recordType"), of(record, "recordTypeFromLock"), of(record, "success")))
        .collect()
}

#[tokio::test]
async fn every_try_is_recorded_as_the_lock_judged_it() {
    let scene = Scene::new().await;
    let guest = scene.register("anna").await;
    scene.send(&guest, (0, 0)).await;
    let door = scene.sim.door("204");
    door.add_passcode_by_hand("739150", NOW, NOW + HOUR);
    door.add_card_by_hand(77, NOW, NOW + HOUR);
    assert_eq!(
        scene
            .code_at_204("/v3/identityCard/deleteByCardNumber", &[("cardNumber", "78"), ("deleteType", "2")])
            .await,
        0
    );
    for (digits, at) in [("739150", NOW), ("739150", NOW + 2 * HOUR), ("739151", NOW)] {
        let _verdict = scene.type_in(digits, at);
    }
    for (number, at) in [(77, NOW), (77, NOW + 2 * HOUR), (78, NOW), (79, NOW)] {
        let _verdict = scene.hold(number, at);
    }
    assert!(scene.knock(&guest, NOW).opened);
    assert_eq!(scene.code_at_204("/v3/lock/unlock", &[]).await, 0);
    let records = list(&scene, &[("orderBy", "1")]).await;
    let mut oldest_first = types(&records);
    oldest_first.reverse();
    assert_eq!(
        oldest_first,
        [
            (4, 4, 1),
            (4, 11, 0),
            (4, 7, 0),
            (7, 17, 1),
            (7, 25, 0),
            (51, 51, 0),
            (7, 91, 0),
            (1, 1, 1),
            (12, 28, 1),
        ]
    );
    assert_eq!(records[8]["keyboardPwd"], "739150", "the code stands there in clear");
    assert_eq!(
        (records[1]["username"].as_str(), records[0]["username"].as_str()),
        (Some(guest.as_str()), Some("hotel"))
    );
    for (name, value, expected) in [
        ("recordType", "7", 3),
        ("recordType", "-4", 0),
        ("startDate", &(NOW + HOUR).to_string(), 2),
        ("endDate", &NOW.to_string(), 7),
        ("searchStr", "hotel", 1),
    ] {
        assert_eq!(list(&scene, &[(name, value)]).await.len(), expected, "{name} {value}");
    }
}

#[tokio::test]
async fn a_record_bears_the_locks_time_and_the_time_it_arrived() {
    let scene = Scene::new().await;
    let door = scene.sim.door("204");
    door.set_timezone_offset_ms(9 * HOUR / 2);
    door.set_drift_ms(-90_000);
    scene.sim.set_gateway_power("floor 2", false);
    let _verdict = scene.type_in("739151", NOW);
    scene.clock.set_ms(NOW + HOUR);
    assert!(list(&scene, &[]).await.is_empty(), "nobody heard it");
    scene.sim.set_gateway_power("floor 2", true);
    let records = list(&scene, &[]).await;
    assert_eq!(records[0]["lockDate"], NOW - 90_000);
    assert_eq!(records[0]["serverDate"], NOW + HOUR);
    scene.clock.set_ms(NOW + HOUR + 184 * 24 * HOUR);
    let later = scene.log_in("hotel", "hotel password").await;
    let scene = Scene { token: later, ..scene };
    assert!(list(&scene, &[]).await.is_empty(), "kept for six months");
}

#[tokio::test]
async fn an_offline_log_is_carried_by_hand_and_only_a_genuine_one() {
    let scene = Scene::new().await;
    scene.sim.set_gateway_power("floor 2", false);
    let door = scene.sim.door("204");
    door.add_card_by_hand(77, 0, 0);
    assert!(scene.hold(77, NOW).opened);
    for (text, expected) in [("nonsense", 80002), ("{}", 80002), (r#"[{"recordType":17,"lockDate":5}]"#, 0)] {
        assert_eq!(scene.code_at_204(UPLOAD, &[("records", text)]).await, expected, "{text}");
        assert!(list(&scene, &[]).await.is_empty(), "{text}");
    }
    let log = door.read_log_by_hand();
    for _ in 0..2 {
        assert_eq!(scene.code_at_204(UPLOAD, &[("records", &log)]).await, 0);
        assert_eq!(types(&list(&scene, &[]).await), [(7, 17, 1)]);
    }
    let foreign = [("lockId", scene.sim.lock_id("901").unwrap().to_string()), ("records", log)];
    assert_eq!(errcode(&scene.call(UPLOAD, &foreign).await), 20002);
}

#[tokio::test]
async fn the_lock_forgets_all_but_its_last_500_lines() {
    let scene = Scene::new().await;
    scene.sim.set_gateway_power("floor 2", false);
    for second in 0..501 {
        let _verdict = scene.type_in("739151", NOW + second * 1_000);
    }
    scene.sim.set_gateway_power("floor 2", true);
    let body = scene.at_204(LIST, &[("pageNo", "3"), ("pageSize", "200")]).await;
    assert_eq!(body["total"], 500);
    assert_eq!(body["list"][99]["lockDate"], NOW + 1_000);
}
