//! Passcodes the vendor chooses.

use serde_json::Value;

use crate::client::{HOUR, NOW, Scene, errcode, id};

const GET: &str = "/v3/keyboardPwd/get";
const DELETE: &str = "/v3/keyboardPwd/delete";
/// A whole hour close to `NOW`.
const SHARP: i64 = NOW - NOW.rem_euclid(HOUR);
const DAY: i64 = 24 * HOUR;

async fn get(scene: &Scene, kind: &str, start: i64, end: i64) -> Value {
    let (start, end) = (start.to_string(), end.to_string());
    scene.at_204(GET, &[("keyboardPwdType", kind), ("startDate", &start), ("endDate", &end)]).await
}

fn digits(body: &Value) -> String {
    body["keyboardPwd"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[tokio::test]
async fn it_needs_no_gateway_and_has_the_grain_of_hours() {
    let scene = Scene::new().await;
    scene.sim.set_gateway_power("floor 2", false);
    let (start, end) = (SHARP + 20 * 60_000, SHARP + 3 * HOUR + 59 * 60_000);
    let code = digits(&get(&scene, "3", start, end).await);
    assert!((6..=9).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()));
    let opened =
        [SHARP - 1, SHARP, SHARP + 3 * HOUR - 1, SHARP + 3 * HOUR].map(|at| scene.type_in(&code, at).opened);
    assert_eq!(opened, [false, true, true, false]);
    let listed = scene.at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1")]).await;
    let item = &listed["list"][0];
    assert_eq!((item["startDate"].as_i64(), item["endDate"].as_i64()), (Some(SHARP), Some(SHARP + 3 * HOUR)));
    assert_eq!(item["isCustom"], 0);
    let elsewhere = [
        ("lockId", scene.sim.lock_id("205").unwrap().to_string()),
        ("keyboardPwdType", "3".into()),
        ("startDate", start.to_string()),
        ("endDate", end.to_string()),
    ];
    let other = scene.call(GET, &elsewhere).await;
    assert_ne!(digits(&other), code, "one code per door");
}

#[tokio::test]
async fn unused_it_dies_after_24_hours_and_a_one_time_code_after_6() {
    for (kind, life, again) in [("3", DAY, true), ("2", DAY, true), ("1", 6 * HOUR, false)] {
        let scene = Scene::new().await;
        let unused = digits(&get(&scene, kind, SHARP, SHARP + 30 * DAY).await);
        assert_eq!(scene.type_in(&unused, SHARP + life).why, "no longer valid", "type {kind}");
        let used = digits(&get(&scene, kind, SHARP, SHARP + 30 * DAY).await);
        assert!(scene.type_in(&used, SHARP + life - 1).opened, "type {kind}");
        assert_eq!(scene.type_in(&used, SHARP + 29 * DAY).opened, again, "type {kind}");
    }
}

#[tokio::test]
async fn it_cannot_be_touched_before_its_first_use_nor_made_again_after() {
    let scene = Scene::new().await;
    let body = get(&scene, "3", SHARP, SHARP + DAY).await;
    let (code, code_id) = (digits(&body), id(&body, "keyboardPwdId"));
    let delete = [("keyboardPwdId", code_id.as_str()), ("deleteType", "2")];
    let (start, end) = (SHARP.to_string(), (SHARP + HOUR + 60_000).to_string());
    let change =
        [("keyboardPwdId", code_id.as_str()), ("startDate", &start), ("endDate", &end), ("changeType", "2")];
    assert_eq!(scene.code_at_204(DELETE, &delete).await, -3008);
    let on_paper = [("keyboardPwdId", code_id.as_str()), ("deleteType", "1")];
    assert_eq!(scene.code_at_204(DELETE, &on_paper).await, -3008);
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/change", &change).await, -3008);
    assert!(scene.type_in(&code, SHARP).opened);
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/change", &change).await, 0);
    let opened = [SHARP + HOUR + 59_999, SHARP + HOUR + 60_000].map(|at| scene.type_in(&code, at).opened);
    assert_eq!(opened, [true, false], "changed, it has the grain of minutes");
    assert_eq!(scene.code_at_204(DELETE, &delete).await, 0);
    assert!(!scene.type_in(&code, SHARP).opened);
    let again = get(&scene, "3", SHARP, SHARP + HOUR).await;
    assert_eq!(errcode(&again), 0, "another period");
    let (code, code_id) = (digits(&again), id(&again, "keyboardPwdId"));
    assert!(scene.type_in(&code, SHARP).opened);
    assert_eq!(scene.code_at_204(DELETE, &[("keyboardPwdId", &code_id), ("deleteType", "2")]).await, 0);
    assert_eq!(errcode(&get(&scene, "3", SHARP + 5, SHARP + HOUR).await), -1026);
}

#[tokio::test]
async fn weekly_codes_hold_on_their_days() {
    /// 2026-04-27, a Monday, 00:00 UTC.
    const MONDAY: i64 = 1_777_248_000_000;
    let scene = Scene::new().await;
    let days = [0_i64, 1, 2, 3, 4, 5, 6];
    for (kind, holds) in [
        ("5", [false, false, false, false, false, true, true]),
        ("6", [true; 7]),
        ("7", [true, true, true, true, true, false, false]),
        ("8", [true, false, false, false, false, false, false]),
        ("14", [false, false, false, false, false, false, true]),
    ] {
        let code = digits(&get(&scene, kind, MONDAY + 9 * HOUR, MONDAY + 17 * HOUR).await);
        let at = |hour: i64| {
            days.map(|day| scene.type_in(&code, MONDAY + 7 * DAY + day * DAY + hour * HOUR).opened)
        };
        assert_eq!(at(9), holds, "type {kind}");
        assert_eq!(at(17), [false; 7], "type {kind}");
        assert!(!scene.type_in(&code, MONDAY - 7 * DAY + 10 * HOUR).opened, "before the first day");
    }
}

#[tokio::test]
async fn a_delete_all_code_clears_the_lock_and_not_the_books() {
    let scene = Scene::new().await;
    let door = scene.sim.door("204");
    assert!(door.add_passcode_by_hand("739150", 0, 0));
    let period = digits(&get(&scene, "3", SHARP, SHARP + DAY).await);
    let eraser = digits(&get(&scene, "4", SHARP, 0).await);
    assert_eq!(scene.type_in(&eraser, SHARP).why, "every passcode of the lock was erased");
    for code in ["739150", &period, &eraser] {
        assert!(!scene.type_in(code, SHARP + 1).opened);
    }
    assert_eq!(scene.sim.cloud_passcodes("204").len(), 2);
}

#[tokio::test]
async fn it_is_refused_by_number() {
    let scene = Scene::new().await;
    for (kind, start, end, expected) in [
        ("0", SHARP, SHARP + HOUR, -3),
        ("15", SHARP, SHARP + HOUR, -3),
        ("3", SHARP, SHARP + HOUR - 1, -3),
        ("3", SHARP, SHARP + 366 * DAY, 0),
        ("3", SHARP, SHARP + 366 * DAY + HOUR, -3),
        ("3", -5, SHARP, -3),
    ] {
        assert_eq!(errcode(&get(&scene, kind, start, end).await), expected, "{kind} {start} {end}");
    }
    let short = [("keyboardPwdType", "3"), ("startDate", "1")];
    assert_eq!(scene.code_at_204(GET, &short).await, -3);
    for _ in 0..20 {
        assert_eq!(errcode(&get(&scene, "2", SHARP, 0).await), 0);
    }
    assert_eq!(errcode(&get(&scene, "2", SHARP, 0).await), 1, "the twenty-first of one start");
    assert_eq!(errcode(&get(&scene, "2", SHARP + HOUR, 0).await), 0);
    scene.sim.door("204").forget_passcode_data();
    assert_eq!(errcode(&get(&scene, "3", SHARP, SHARP + HOUR).await), -1007);
}
