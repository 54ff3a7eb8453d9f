use chrono::TimeDelta;
use lockport::keys::DeskTaskKind;
use serde_json::json;

use crate::rig::{Hotel, Told, booking, confirmed, stay, tasks};
use crate::yielding::run;

const BOTH: &[&str] = &["101"];

/// R56, R121: what one adapter refuses, or cannot be asked, another one of the property does that has the room.
#[test]
fn another_adapter_opens_the_room() {
    for why in ["KEY_ISSUE_FAILED", "VENDOR_UNREACHABLE"] {
        let first = format!("mock://?fail=issue&pct=100&error={why}");
        let hotel = Hotel::of(&[("main", &first, BOTH), ("spare", "mock://?seed=9", BOTH)]);
        let service = hotel.service("a");
        run(service.deliver(&confirmed("one", 1, BOTH, 24))).unwrap();
        hotel.live(&service, TimeDelta::hours(5));
        let mut told = Told::default();
        told.drain(&service);
        assert!(hotel.opens(told.hand(&stay("one")), "101"), "{why}");
        assert!(tasks(&service).is_empty(), "{why}: {:?}", tasks(&service));
        assert_eq!(told.count("credential.failed"), 1, "{why}");
        let reasons = &told.of("credential.issued")[0]["decisions"];
        let skipped = json!({ "code": "ADAPTER_SKIPPED", "detail": format!("main: MELMASTOON.LOCK.{why}") });
        let chosen = json!({ "code": "KIND_CHOSEN", "detail": "pin_code" });
        assert_eq!(reasons, &json!([skipped, chosen]), "why it is what it is");
        let kept = run(service.keys(stay("one").into())).unwrap().pop().unwrap().decisions;
        assert_eq!(&json!(kept), reasons);
        run(service.deliver(&booking("checked_out", "one", 2))).unwrap();
        hotel.live(&service, TimeDelta::minutes(10));
        assert_eq!(hotel.held(), 0);
    }
}

/// R127: where none is left, a person opens.
#[test]
fn where_no_adapter_is_left_a_person_opens() {
    let no = "mock://?fail=issue&pct=100&error=KEY_ISSUE_FAILED";
    let hotel = Hotel::of(&[("main", no, BOTH), ("spare", no, BOTH)]);
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, BOTH, 24))).unwrap();
    hotel.live(&service, TimeDelta::hours(5));
    assert_eq!(tasks(&service), [DeskTaskKind::EscortGuest]);
    let mut told = Told::default();
    told.drain(&service);
    assert_eq!(told.count("credential.failed"), 2, "each was asked once");
}
