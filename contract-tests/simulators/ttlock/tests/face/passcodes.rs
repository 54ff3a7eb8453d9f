//! Passcodes somebody chose: the cloud's books, the lock's memory, the door.

use lockport_sim_ttlock::{Feature, Presented, Verdict};

use crate::client::{HOUR, NOW, Scene, errcode, id};

const ADD: &str = "/v3/keyboardPwd/add";
const CHANGE: &str = "/v3/keyboardPwd/change";
const DELETE: &str = "/v3/keyboardPwd/delete";
const MINUTE: i64 = 60_000;
/// A whole minute close to `NOW`.
const START: i64 = NOW - NOW.rem_euclid(MINUTE);

fn window(start: i64, end: i64) -> [String; 2] {
    [start.to_string(), end.to_string()]
}

async fn add(scene: &Scene, digits: &str, way: &str) -> String {
    let [start, end] = window(START, START + HOUR);
    let fields = [("keyboardPwd", digits), ("startDate", &start), ("endDate", &end), ("addType", way)];
    id(&scene.at_204(ADD, &fields).await, "keyboardPwdId")
}

#[tokio::test]
async fn a_code_sent_through_the_gateway_opens_in_its_minutes() {
    let scene = Scene::new().await;
    let [start, end] = window(START + 59_999, START + 10 * MINUTE + 1);
    let fields = [("keyboardPwd", "739150"), ("startDate", &start), ("endDate", &end), ("addType", "2")];
    assert_eq!(scene.code_at_204(ADD, &fields).await, 0);
    let at = |wanted: &[i64]| -> Vec<bool> {
        wanted.iter().map(|at| scene.type_in("739150", *at).opened).collect()
    };
    let edges = [START - 1, START, START + 10 * MINUTE - 1, START + 10 * MINUTE];
    assert_eq!(at(&edges), [false, true, true, false]);
    assert!(!scene.type_in("739151", START).opened);
    assert!(!scene.sim.door("205").try_open(&Presented::passcode("739150"), START).opened);
    // The lock's clock decides, not ours.
    scene.sim.door("204").set_drift_ms(11 * MINUTE);
    assert_eq!(scene.type_in("739150", START), Verdict { opened: false, why: "no longer valid" });
    scene.sim.door("204").set_drift_ms(-MINUTE);
    assert_eq!(scene.type_in("739150", START).why, "not valid yet");
}

#[tokio::test]
async fn the_default_way_makes_a_code_that_is_listed_and_opens_nothing() {
    let scene = Scene::new().await;
    for (way, digits) in [("", "739150"), ("1", "739152")] {
        let [start, end] = window(START, START + HOUR);
        let mut fields = vec![("keyboardPwd", digits), ("startDate", &start), ("endDate", &end)];
        if !way.is_empty() {
            fields.push(("addType", way));
        }
        assert_eq!(scene.code_at_204(ADD, &fields).await, 0);
        assert!(!scene.type_in(digits, START).opened, "{way}");
    }
    let listed = scene.at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1")]).await;
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["list"][0]["status"], 1);
    assert!(scene.sim.lock_passcodes("204").is_empty());
    // Deleted the same way, the cloud forgets and the lock does not.
    let by_gateway = add(&scene, "739154", "2").await;
    assert_eq!(scene.code_at_204(DELETE, &[("keyboardPwdId", &by_gateway)]).await, 0);
    assert!(scene.type_in("739154", START).opened);
    assert_eq!(scene.sim.cloud_passcodes("204").len(), 2);
}

#[tokio::test]
async fn digits_are_refused_by_number() {
    let scene = Scene::new().await;
    add(&scene, "739150", "2").await;
    scene.sim.door("204").add_passcode_by_hand("864209", 0, 0);
    let [start, end] = window(START, START + HOUR);
    for (digits, way, expected) in [
        ("739150", "2", -3007),
        ("739150", "1", -3007),
        ("864209", "2", -3007),
        ("864209", "1", 0),
        ("739", "2", -3006),
        ("7391502468", "2", -3006),
        ("111111", "2", -2032),
        ("345678", "2", -2032),
        ("987654", "2", -2032),
        ("7391a0", "2", -3),
        ("", "2", -3),
        ("7391", "2", 0),
        ("739150246", "2", 0),
        ("739151", "5", -3),
        ("739151", "3", -4043),
        ("739151", "4", -4043),
    ] {
        let fields = [("keyboardPwd", digits), ("startDate", &start), ("endDate", &end), ("addType", way)];
        assert_eq!(scene.code_at_204(ADD, &fields).await, expected, "{digits} {way}");
    }
    for (start, end) in [("", end.as_str()), (&start, ""), (&end, &start), (&start, &start), ("0", "0")] {
        let fields = [("keyboardPwd", "739158"), ("startDate", start), ("endDate", end), ("addType", "2")];
        assert_eq!(scene.code_at_204(ADD, &fields).await, -3, "{start}..{end}");
    }
    scene.sim.door("204").take_feature(Feature::Passcode);
    let fields = [("keyboardPwd", "739159"), ("keyboardPwdType", "2"), ("addType", "2")];
    assert_eq!(scene.code_at_204(ADD, &fields).await, -4043);
}

#[tokio::test]
async fn the_lock_holds_250_custom_codes_expired_ones_included() {
    let scene = Scene::new().await;
    let door = scene.sim.door("204");
    for number in 0..249 {
        assert!(door.add_passcode_by_hand(&format!("8{number:04}"), START - 2 * HOUR, START - HOUR));
    }
    add(&scene, "739150", "2").await;
    let [start, end] = window(START, START + HOUR);
    let fields = [("keyboardPwd", "739152"), ("startDate", &start), ("endDate", &end), ("addType", "2")];
    assert_eq!(scene.code_at_204(ADD, &fields).await, -3009);
    assert_eq!(scene.sim.cloud_passcodes("204").len(), 1, "what the lock refused is not listed");
    assert!(door.delete_passcode_by_hand("80000"));
    assert_eq!(scene.code_at_204(ADD, &fields).await, 0);
    assert!(scene.type_in("739152", START).opened);
}

#[tokio::test]
async fn a_change_needs_both_dates_and_the_right_way() {
    let scene = Scene::new().await;
    let code = add(&scene, "739150", "2").await;
    let late = START + 3 * HOUR;
    let [start, end] = window(START, late + HOUR);
    for fields in [
        vec![("keyboardPwdId", code.as_str()), ("endDate", &end), ("changeType", "2")],
        vec![("keyboardPwdId", &code), ("startDate", &start), ("changeType", "2")],
    ] {
        assert_eq!(scene.code_at_204(CHANGE, &fields).await, 0);
        assert!(!scene.type_in("739150", late).opened, "a lone date does nothing");
        assert_eq!(scene.sim.cloud_passcodes("204")[0].end_ms, START + HOUR);
    }
    let both = [("keyboardPwdId", code.as_str()), ("startDate", &start), ("endDate", &end)];
    assert_eq!(scene.code_at_204(CHANGE, &both).await, 0);
    assert_eq!(scene.sim.cloud_passcodes("204")[0].end_ms, late + HOUR);
    assert!(!scene.type_in("739150", late).opened, "type 1 changes the books alone");
    let mut through = both.to_vec();
    through.push(("changeType", "2"));
    assert_eq!(scene.code_at_204(CHANGE, &through).await, 0);
    assert!(scene.type_in("739150", late).opened);

    add(&scene, "739152", "2").await;
    for (new, expected) in [("739152", -3007), ("11", -3006), ("2222", -2032), ("739154", 0)] {
        let fields = [("keyboardPwdId", code.as_str()), ("newKeyboardPwd", new), ("changeType", "2")];
        assert_eq!(scene.code_at_204(CHANGE, &fields).await, expected, "{new}");
    }
    assert!(!scene.type_in("739150", late).opened);
    assert!(scene.type_in("739154", late).opened);
    assert_eq!(scene.code_at_204(CHANGE, &[("keyboardPwdId", "7")]).await, -2009);
    let permanent = [("keyboardPwd", "864208"), ("keyboardPwdType", "2"), ("addType", "2")];
    let permanent = id(&scene.at_204(ADD, &permanent).await, "keyboardPwdId");
    assert!(scene.type_in("864208", late + 9 * HOUR).opened);
    let limit = [
        ("keyboardPwdId", permanent.as_str()),
        ("startDate", &start),
        ("endDate", &end),
        ("changeType", "2"),
    ];
    assert_eq!(scene.code_at_204(CHANGE, &limit).await, 0);
    assert!(!scene.type_in("864208", late + 9 * HOUR).opened);
    scene.sim.door("204").take_feature(Feature::ModifyPasscode);
    assert_eq!(scene.code_at_204(CHANGE, &through).await, -4043);
    let listed = scene.at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1"), ("searchStr", "864208")]).await;
    assert_eq!(listed["list"][0]["keyboardPwdType"], 3, "it was permanent before it got a window");
    let named = [("keyboardPwdId", code.as_str()), ("keyboardPwdName", "late stay")];
    assert_eq!(scene.code_at_204(CHANGE, &named).await, 0);
    assert!(scene.sim.cloud_passcodes("204").iter().any(|known| known.name == "late stay"));
}

#[tokio::test]
async fn deleting_ends_it_at_the_door_and_in_the_books() {
    let scene = Scene::new().await;
    let code = add(&scene, "739150", "2").await;
    let fields = [("keyboardPwdId", code.as_str()), ("deleteType", "2")];
    assert_eq!(scene.code_at_204(DELETE, &fields).await, 0);
    assert_eq!(scene.type_in("739150", START).why, "the lock does not know it");
    assert_eq!(scene.code_at_204(DELETE, &fields).await, -2009);
    add(&scene, "739150", "2").await;
    let by_code = |digits| [("keyboardPwd", digits), ("deleteType", "2")];
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/deleteByCode", &by_code("739151")).await, -2009);
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/deleteByCode", &by_code("739150")).await, 0);
    assert!(!scene.type_in("739150", START).opened);
    // A code that exists in the books only goes from the books.
    let paper = add(&scene, "739156", "1").await;
    assert_eq!(scene.code_at_204(DELETE, &[("keyboardPwdId", &paper), ("deleteType", "2")]).await, 0);
    assert!(scene.sim.cloud_passcodes("204").is_empty());
}

#[tokio::test]
async fn the_list_tells_what_was_sent_and_searches_names_and_codes() {
    let scene = Scene::new().await;
    let [start, end] = window(START + 1, START + HOUR);
    for (digits, name) in [("739150", "Stay 7"), ("739152", "cleaner")] {
        let fields = [
            ("keyboardPwd", digits),
            ("keyboardPwdName", name),
            ("startDate", &start),
            ("endDate", &end),
            ("addType", "2"),
        ];
        assert_eq!(scene.code_at_204(ADD, &fields).await, 0);
    }
    let list = async |search: &str| {
        scene.at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1"), ("searchStr", search)]).await
    };
    for (search, found) in [("stay", 1), ("739152", 1), ("73915", 0), ("", 2)] {
        assert_eq!(list(search).await["total"], found, "{search}");
    }
    let item = &list("stay").await["list"][0];
    assert_eq!(
        (item["keyboardPwd"].as_str(), item["keyboardPwdName"].as_str()),
        (Some("739150"), Some("Stay 7"))
    );
    assert_eq!((item["startDate"].as_i64(), item["endDate"].as_i64()), (Some(START + 1), Some(START + HOUR)));
    assert_eq!((item["isCustom"].as_i64(), item["keyboardPwdType"].as_i64()), (Some(1), Some(3)));
    assert_eq!(item["senderUsername"], "hotel");
    scene.clock.set_ms(START + HOUR);
    assert_eq!(list("stay").await["list"][0]["status"], 2);
}

#[tokio::test]
async fn an_upload_from_the_lock_makes_the_rest_invalid() {
    let scene = Scene::new().await;
    add(&scene, "739150", "2").await;
    add(&scene, "739152", "1").await;
    let upload = async |text: &str| {
        scene.code_at_204("/v3/keyboardPwd/uploadValidCodeFromLock", &[("keyboardPwdList", text)]).await
    };
    assert_eq!(upload("nonsense").await, 80002);
    assert_eq!(upload("[7]").await, -3);
    assert_eq!(upload(r#"[{"keyboardPwd":"739150"}]"#).await, 0);
    let listed = scene.at_204("/v3/lock/listKeyboardPwd", &[("pageNo", "1"), ("orderBy", "1")]).await;
    assert_eq!(
        (listed["list"][0]["status"].as_i64(), listed["list"][1]["status"].as_i64()),
        (Some(2), Some(1))
    );
}

#[tokio::test]
async fn a_moved_time_zone_moves_every_window_the_lock_keeps() {
    let scene = Scene::new().await;
    let door = scene.sim.door("204");
    door.set_timezone_offset_ms(9 * HOUR / 2);
    add(&scene, "739150", "2").await;
    assert!(scene.type_in("739150", START).opened, "both sides agree on the offset");
    let zone = (11 * HOUR / 2).to_string();
    let change = "/v3/lock/changeTimezoneRawOffset";
    let body = scene.at_204(change, &[("timezoneRawOffset", &zone), ("type", "2")]).await;
    assert!(body["lockData"].as_str().is_some_and(|data| data.len() == 32));
    assert_eq!(scene.type_in("739150", START).why, "no longer valid", "the wall went on by an hour");
    assert!(scene.type_in("739150", START - HOUR).opened);
    assert_eq!(door.drift_ms(), Some(0));
    // On paper only, the lock's clock stays behind what the cloud believes.
    assert_eq!(errcode(&scene.at_204(change, &[("timezoneRawOffset", "0")]).await), 0);
    assert_eq!(door.drift_ms(), Some(11 * HOUR / 2));
}
