use chrono::TimeDelta;
use serde_json::json;

use crate::rig::{
    Hotel, ROOMS, Told, confirmed, name, property_deactivated, room, shift, shift_ended, shift_started, stay,
    user, user_deactivated,
};
use crate::yielding::run;

fn opened(hotel: &Hotel, told: &Told, who: &str) -> Vec<&'static str> {
    let doors = ROOMS.into_iter().chain(["gym"]);
    doors.filter(|door| hotel.opens(told.hand(&user(who)), door)).collect()
}

/// R105: the scopes open what they say and nothing else, within the shift and no longer.
#[test]
fn every_scope_opens_what_it_says() {
    let cases = [
        (json!(format!("room:{}", room("102"))), vec!["102"]),
        (json!("floor:2"), vec!["201", "202"]),
        (json!("rooms:assigned"), vec!["202"]),
        (json!("rooms:all"), vec!["101", "102", "201", "202"]),
        (json!("areas:gym"), vec!["gym"]),
        (json!("areas:all"), vec!["gym"]),
        (json!("back_of_house"), vec![]),
        (json!(["floor:1", "areas:all"]), vec!["101", "102", "gym"]),
    ];
    for (scope, doors) in cases {
        let hotel = Hotel::simple();
        let (service, mut told) = (hotel.service("a"), Told::default());
        run(service.deliver(&shift_started("early", "anna", &scope, 8))).unwrap();
        hotel.live(&service, TimeDelta::minutes(1));
        told.drain(&service);
        assert_eq!(opened(&hotel, &told, "anna"), doors, "{scope}");
        assert_eq!(told.count("master_key.issued"), usize::from(!doors.is_empty()), "{scope}");
        hotel.live(&service, TimeDelta::hours(8));
        told.drain(&service);
        assert!(opened(&hotel, &told, "anna").is_empty(), "{scope}");
        assert_eq!(hotel.held(), 0, "{scope}");
        assert_eq!(told.count("master_key.expired"), usize::from(!doors.is_empty()), "{scope}");
    }
}

/// X16: a shift's key goes with the shift; an end that comes before its start wins.
#[test]
fn a_shift_that_ended_opens_nothing() {
    for ends_first in [false, true] {
        let hotel = Hotel::simple();
        let (service, mut told) = (hotel.service("a"), Told::default());
        let start = shift_started("early", "anna", &json!("rooms:all"), 8);
        let end = shift_ended("early", "anna");
        let (one, other) = if ends_first { (end, start) } else { (start, end) };
        for event in [one, other] {
            run(service.deliver(&event)).unwrap();
            hotel.live(&service, TimeDelta::minutes(1));
            told.drain(&service);
        }
        assert!(opened(&hotel, &told, "anna").is_empty());
        assert_eq!(hotel.held(), 0);
    }
}

/// R103, R218: a member of staff loses his key too. What he lost is gone, he has another for the rest of his shift, and it is told.
#[test]
fn a_lost_key_of_a_shift_is_replaced() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    run(service.deliver(&shift_started("early", "anna", &json!("floor:1"), 8))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    let found = told.hands.remove(&user("anna").to_string()).unwrap();
    for _ in 0..2 {
        run(service.report_lost(shift("early"), &[], user("desk"), &name("loss"))).unwrap();
        hotel.live(&service, TimeDelta::minutes(1));
    }
    told.drain(&service);
    assert!(!hotel.opens(&found, "101"), "whoever found it");
    assert_eq!(opened(&hotel, &told, "anna"), ["101", "102"]);
    let expired: Vec<_> = told.of("master_key.expired").iter().map(|data| data["trigger"].clone()).collect();
    assert_eq!(expired, ["key.lost"]);
    let revoked = told.of("credential.revoked");
    assert_eq!(revoked.len(), 1);
    assert_eq!((&revoked[0]["reason"], &revoked[0]["operatorId"]), (&json!("lost"), &json!(user("desk"))));
    hotel.live(&service, TimeDelta::hours(8));
    assert_eq!(hotel.held(), 0);
}

/// R224: a deactivated member opens nothing, in this shift and in later ones; others do.
#[test]
fn a_deactivated_member_opens_nothing() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    run(service.deliver(&shift_started("early", "anna", &json!("rooms:all"), 8))).unwrap();
    run(service.deliver(&shift_started("other", "bert", &json!("floor:1"), 8))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    run(service.deliver(&user_deactivated("anna"))).unwrap();
    run(service.deliver(&shift_started("late", "anna", &json!("rooms:all"), 16))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    assert!(opened(&hotel, &told, "anna").is_empty());
    assert_eq!(opened(&hotel, &told, "bert"), ["101", "102"]);
}

/// R224: after the property was deactivated nobody opens anything, also not with what is asked for later.
#[test]
fn a_deactivated_property_opens_to_nobody() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    run(service.deliver(&shift_started("early", "anna", &json!("rooms:all"), 8))).unwrap();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    assert!(hotel.opens(told.hand(&stay("one")), "101"));
    run(service.deliver(&property_deactivated())).unwrap();
    run(service.deliver(&confirmed("two", 1, &["102"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(10));
    told.drain(&service);
    assert_eq!(hotel.held(), 0);
    assert_eq!(told.count("credential.issued"), 2);
}
