//! IC cards: the cloud's books, the lock's memory, the door.

use lockport_sim_ttlock::{Feature, LockCard};

use crate::client::{HOUR, NOW, Scene, id};

const ADD: &str = "/v3/identityCard/add";
const REVERSED: &str = "/v3/identityCard/addForReversedCardNumber";
const MOVE: &str = "/v3/identityCard/changePeriod";
const DELETE: &str = "/v3/identityCard/delete";
const START: i64 = NOW - NOW.rem_euclid(60_000);
/// VENDOR: section 6, the number as a reader gives it and as the lock reads and the cloud lists it.
const AT_READER: &str = "3661413478";
const AT_LOCK: u64 = 1_723_612_378;

async fn add(scene: &Scene, path: &str, number: &str, more: &[(&str, &str)]) -> String {
    let (start, end) = (START.to_string(), (START + HOUR).to_string());
    let mut fields = vec![("cardNumber", number), ("startDate", &start), ("endDate", &end), ("addType", "2")];
    fields.extend_from_slice(more);
    id(&scene.at_204(path, &fields).await, "cardId")
}

#[tokio::test]
async fn a_reversed_number_opens_as_the_lock_reads_it() {
    let scene = Scene::new().await;
    add(&scene, REVERSED, AT_READER, &[("cardName", "Stay 7")]).await;
    let opened = [START - 1, START, START + HOUR - 1, START + HOUR].map(|at| scene.hold(AT_LOCK, at).opened);
    assert_eq!(opened, [false, true, true, false]);
    assert!(!scene.hold(3_661_413_478, START).opened);
    let listed = scene.at_204("/v3/identityCard/list", &[("pageNo", "1"), ("searchStr", "stay")]).await;
    let item = &listed["list"][0];
    assert_eq!((item["cardNumber"].as_str(), item["cardType"].as_i64()), (Some("1723612378"), Some(1)));
    scene.sim.door("204").set_drift_ms(HOUR);
    assert_eq!(scene.hold(AT_LOCK, START).why, "no longer valid");
    scene.sim.door("204").set_drift_ms(0);
    scene.sim.door("204").set_battery(0);
    assert_eq!(scene.hold(AT_LOCK, START).why, "the battery is dead");
}

#[tokio::test]
async fn the_plain_call_keeps_the_number_and_cuts_what_does_not_fit() {
    let scene = Scene::new().await;
    add(&scene, ADD, AT_READER, &[]).await;
    assert!(scene.hold(3_661_413_478, START).opened);
    add(&scene, ADD, "4294967303", &[]).await;
    assert!(!scene.hold(4_294_967_303, START).opened, "ten digits travel in four bytes");
    assert!(scene.hold(7, START).opened);
    let (start, end) = (START.to_string(), (START + HOUR).to_string());
    for (path, number, expected) in
        [(ADD, "12ab", -3), (ADD, "", -3), (REVERSED, "4294967296", -3), (REVERSED, "99999999999", -3)]
    {
        let fields = [("cardNumber", number), ("startDate", &start), ("endDate", &end), ("addType", "2")];
        assert_eq!(scene.code_at_204(path, &fields).await, expected, "{number}");
    }
}

#[tokio::test]
async fn the_default_way_makes_a_card_that_is_listed_and_opens_nothing() {
    let scene = Scene::new().await;
    let fields = [("cardNumber", "77")];
    let card = id(&scene.at_204(ADD, &fields).await, "cardId");
    assert!(!scene.hold(77, START).opened);
    assert_eq!(scene.sim.cloud_cards("204").len(), 1);
    let (start, end) = (START.to_string(), (START + HOUR).to_string());
    let change = [("cardId", card.as_str()), ("startDate", &start), ("endDate", &end), ("changeType", "2")];
    assert_eq!(scene.code_at_204(MOVE, &change).await, -1021, "the lock does not hold it");
    assert!(scene.sim.door("204").add_card_by_hand(77, 0, 0));
    assert!(scene.hold(77, START).opened);
    assert_eq!(scene.code_at_204(DELETE, &[("cardId", &card)]).await, 0);
    assert!(scene.hold(77, START).opened, "forgotten in the books alone");
}

#[tokio::test]
async fn a_period_moves_and_a_card_goes() {
    let scene = Scene::new().await;
    let card = add(&scene, ADD, "77", &[]).await;
    let (start, end) = (START + HOUR, START + 2 * HOUR);
    let change = |start: i64, end: i64| {
        vec![
            ("cardId".to_owned(), card.clone()),
            ("startDate".to_owned(), start.to_string()),
            ("endDate".to_owned(), end.to_string()),
            ("changeType".to_owned(), "2".to_owned()),
        ]
    };
    for (start, end, expected) in [(0, 0, -3), (end, start, -3), (start, end, 0)] {
        let fields = change(start, end);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(scene.code_at_204(MOVE, &fields).await, expected);
    }
    assert_eq!([START, start].map(|at| scene.hold(77, at).opened), [false, true]);
    let delete = [("cardId", card.as_str()), ("deleteType", "2")];
    assert_eq!(scene.code_at_204(DELETE, &delete).await, 0);
    assert_eq!(scene.hold(77, start).why, "the lock does not know it");
    assert_eq!(scene.code_at_204(DELETE, &delete).await, -1021);
}

#[tokio::test]
async fn a_lost_card_is_black_listed_also_when_nobody_knew_it() {
    let scene = Scene::new().await;
    add(&scene, ADD, "77", &[]).await;
    for number in ["77", "78"] {
        let fields = [("cardNumber", number), ("deleteType", "2")];
        assert_eq!(scene.code_at_204("/v3/identityCard/deleteByCardNumber", &fields).await, 0);
        assert_eq!(scene.hold(number.parse().unwrap(), START).why, "on the black list");
    }
    assert!(scene.sim.cloud_cards("204").is_empty());
    add(&scene, ADD, "77", &[]).await;
    assert!(scene.hold(77, START).opened);
}

#[tokio::test]
async fn staff_cards_hold_in_their_hours_of_the_week() {
    /// 2026-05-04, a Monday, 00:00 UTC.
    const MONDAY: i64 = 1_777_852_800_000;
    const EVERY_MONDAY: &str = r#"[{"weekDay":1,"startTime":480,"endTime":1080}]"#;
    let scene = Scene::new().await;
    scene.sim.door("204").set_timezone_offset_ms(2 * HOUR);
    let fields = [("cardNumber", "77"), ("cardType", "4"), ("cyclicConfig", EVERY_MONDAY), ("addType", "2")];
    let card = id(&scene.at_204(ADD, &fields).await, "cardId");
    let opened = [5, 6, 15, 16, 30].map(|hour| scene.hold(77, MONDAY + hour * HOUR).opened);
    assert_eq!(opened, [false, true, true, false, false], "hours of the lock's own wall");
    let listed = scene.at_204("/v3/identityCard/list", &[("pageNo", "1")]).await;
    assert_eq!(listed["list"][0]["cyclicConfig"][0]["endTime"], 1080);
    for (kind, config, expected) in [
        ("4", "", -3),
        ("1", EVERY_MONDAY, -3),
        ("4", "{", 80002),
        ("4", r#"[{"weekDay":9,"startTime":1,"endTime":2}]"#, -3),
        ("2", "", -3),
    ] {
        let fields = [("cardNumber", "78"), ("cardType", kind), ("cyclicConfig", config), ("addType", "2")];
        assert_eq!(scene.code_at_204(ADD, &fields).await, expected, "{kind} {config}");
    }
    let (start, end) = (MONDAY.to_string(), (MONDAY + 400 * HOUR).to_string());
    let tuesday = r#"[{"weekDay":2,"startTime":480,"endTime":1080}]"#;
    let change = [
        ("cardId", card.as_str()),
        ("startDate", &start),
        ("endDate", &end),
        ("cyclicConfig", tuesday),
        ("changeType", "2"),
    ];
    assert_eq!(scene.code_at_204(MOVE, &change).await, 0);
    assert_eq!([6, 30].map(|hour| scene.hold(77, MONDAY + hour * HOUR).opened), [false, true]);
    scene.sim.door("204").take_feature(Feature::CyclicCard);
    assert_eq!(scene.code_at_204(ADD, &fields).await, -4043);
    scene.sim.door("204").take_feature(Feature::Card);
    assert_eq!(scene.code_at_204(ADD, &[("cardNumber", "79")]).await, -4043);
    assert!(!scene.hold(77, MONDAY + 30 * HOUR).opened);
}

/// VENDOR: section 13, a fixed offset and no summer time. A card for Mondays from 8 to 16 of a hotel in Berlin, written in May: in
/// November it opens from 7 to 15 by the hotel's clock.
#[tokio::test]
async fn weekly_hours_do_not_follow_summer_time() {
    /// 2026-05-04 and 2026-11-02, two Mondays, 00:00 UTC.
    const SUMMER: i64 = 1_777_852_800_000;
    const WINTER: i64 = SUMMER + 26 * 7 * 24 * HOUR;
    let scene = Scene::new().await;
    scene.sim.door("204").set_timezone_offset_ms(2 * HOUR);
    let mondays = r#"[{"weekDay":1,"startTime":480,"endTime":960}]"#;
    let fields = [("cardNumber", "77"), ("cardType", "4"), ("cyclicConfig", mondays), ("addType", "2")];
    assert_eq!(scene.code_at_204(ADD, &fields).await, 0);
    let opened = |monday: i64, summer: i64| {
        [7, 8, 15, 16].map(|hour| scene.hold(77, monday + (hour - summer) * HOUR).opened)
    };
    assert_eq!(opened(SUMMER, 2), [false, true, true, false]);
    assert_eq!(opened(WINTER, 1), [true, true, false, false], "an hour too early, and not in the last");
}

#[tokio::test]
async fn the_memory_holds_a_thousand_cards_and_a_second_add_takes_no_room() {
    let scene = Scene::new().await;
    for number in 0..1000 {
        assert!(scene.sim.door("204").add_card_by_hand(number, 0, 0));
    }
    assert_eq!(scene.code_at_204(ADD, &[("cardNumber", "1000"), ("addType", "2")]).await, -4056);
    let first = add(&scene, ADD, "999", &[]).await;
    let second = add(&scene, ADD, "999", &[]).await;
    assert_ne!(first, second);
    assert_eq!(scene.sim.cloud_cards("204").len(), 1);
    assert!(scene.sim.lock_cards("204").contains(&LockCard {
        number: 999,
        start_wall_ms: START,
        end_wall_ms: START + HOUR,
    }));
}
