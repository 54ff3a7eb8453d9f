//! Every way in which a line can be no step of a day.

use chrono::DateTime;
use lockport::error::ErrorCode;
use lockport_examples::front_desk::day::{self, Booked, Change, Line, News, Refusal, Restart, Step, Who};
use lockport_examples::front_desk::hotel::Hotel;
use serde_json::{Value, json};

use crate::samples::HOTEL;

const TENANT: &str = "tnt_01YZGK9CWK5ZAZN2838DAW9XES";
const PROPERTY: &str = "ppt_0154TYT7PGYJ6S3XNWF8FMPJN8";
const ROOM: &str = "rmu_011BMPD44NXNY8H8QM8Y8AABMV";
const STAY: &str = "rsv_0194Y69D8D6S2QHXAPSAB0PYNT";
const AT: &str = "2026-05-04T08:00:00Z";

fn hotel() -> Hotel {
    Hotel::read(HOTEL.as_bytes()).unwrap()
}

fn read(file: &[u8]) -> Vec<Line> {
    day::read(&hotel(), file)
}

fn step(line: &Value) -> Step {
    let lines = read(line.to_string().as_bytes());
    assert_eq!((lines.len(), lines[0].number), (1, 1));
    lines[0].content.clone().unwrap_or_else(|refusal| panic!("{line}: {refusal:?}")).step
}

fn refusal(line: &[u8]) -> Refusal {
    let lines = read(line);
    assert_eq!((lines.len(), lines[0].number), (1, 1));
    let refusal = match &lines[0].content {
        Err(refusal) => refusal.clone(),
        Ok(moment) => panic!("{} was read as {moment:?}", String::from_utf8_lossy(line)),
    };
    assert!(!refusal.message.is_empty() && refusal.message.chars().count() < 300);
    assert!(!refusal.message.contains(char::is_control), "{}", refusal.message);
    refusal
}

fn event(subject: &str, data: &Value) -> Value {
    json!({ "at": AT, "event": {
        "specVersion": "1.0", "id": "evt_01T1VC0FRTS34CTETZA8JEC0Z3", "subject": subject, "type": subject,
        "source": "/services/reservation-service", "time": AT, "tenantId": TENANT, "data": data,
    }})
}

fn confirmed() -> Value {
    event(
        "melmastoon.reservation.booking.confirmed.v1",
        &json!({
            "reservationId": STAY, "propertyId": PROPERTY, "guestId": "gst_01F6VNGA1PQSDAEWD68EGYZG1F",
            "rooms": [ROOM], "areas": ["gym"], "preferredKinds": ["pin_code"], "version": 3,
            "validFrom": "2026-05-06T13:00:00Z", "validUntil": "2026-05-07T10:00:00Z", "note": { "unknown": [] },
        }),
    )
}

fn ended(how: &str) -> Value {
    let data = json!({ "reservationId": STAY, "propertyId": PROPERTY, "version": 4 });
    event(&format!("melmastoon.reservation.booking.{how}.v1"), &data)
}

fn changed(mut line: Value, pointer: &str, to: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    line.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.into(), to);
    line
}

fn without(mut line: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    assert!(line.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).is_some(), "{pointer}");
    line
}

fn assert_refused(line: &Value, code: ErrorCode, word: &str) {
    let refusal = refusal(line.to_string().as_bytes());
    assert_eq!(refusal.code, code, "{line}: {refusal:?}");
    assert!(refusal.message.contains(word), "{word:?} is not in {:?}", refusal.message);
}

fn tries(door: &Value, who: &Value) -> Value {
    json!({ "at": AT, "try": { "door": door, "as": who } })
}

#[test]
fn good_lines_are_read() {
    let Step::Event(heard) = step(&confirmed()) else { panic!() };
    let Some(News::Stay { change: Change::Confirmed(Booked { rooms, areas, .. }), .. }) = heard.news else {
        panic!()
    };
    assert_eq!((rooms.len(), areas.len()), (1, 1));
    for optional in ["/event/data/areas", "/event/data/preferredKinds", "/event/data/note"] {
        step(&without(confirmed(), optional));
    }
    let moved = event("melmastoon.reservation.booking.dates_changed.v1", &confirmed()["event"]["data"]);
    let Step::Event(heard) = step(&moved) else { panic!() };
    assert!(matches!(heard.news, Some(News::Stay { change: Change::DatesChanged(_), .. })));
    for how in ["cancelled", "checked_out", "early_checkout"] {
        step(&ended(how));
    }
    let nowhere = changed(confirmed(), "/event/data/rooms", json!([]));
    step(&changed(nowhere, "/event/data/areas", json!([])));
    step(&changed(confirmed(), "/comment", json!("a member nobody asked for")));
    step(&json!({ "at": AT, "arrive": { "reservationId": STAY } }));
    let restart = |what: Value| match step(&json!({ "at": AT, "restart": what })) {
        Step::Restart(restart) => restart,
        other => panic!("{other:?}"),
    };
    assert_eq!(restart(json!({})), Restart::Now);
    assert_eq!(restart(json!({ "afterCalls": 3, "note": 1 })), Restart::AfterCalls(3.try_into().unwrap()));
}

/// Nothing is known of a subject that the desk does not listen to, so nothing in it can be wrong.
#[test]
fn an_event_nobody_listens_to_is_taken() {
    let Step::Event(heard) = step(&event("melmastoon.billing.invoice.paid.v1", &json!([1]))) else {
        panic!()
    };
    assert!(heard.news.is_none());
}

#[test]
fn whoever_it_is_may_try_a_door() {
    let who = |text: &str| match step(&tries(&json!("101"), &json!(text))) {
        Step::Try(attempt) => attempt.who,
        other => panic!("{other:?}"),
    };
    assert!(matches!(who(STAY), Who::Guest(_)));
    assert!(matches!(who("usr_01F6VNGA1PQSDAEWD68EGYZG1F"), Who::Staff(_)));
    assert!(matches!(who(&format!("lost:{STAY}")), Who::Finder(_)));
    for stranger in
        ["", "rsv_1", "lost:usr_01F6VNGA1PQSDAEWD68EGYZG1F", "lost:lost:", "gst_01F6VNGA1PQSDAEWD68EGYZG1F"]
    {
        assert_eq!(who(stranger), Who::Stranger(stranger.into()));
    }
}

#[test]
fn what_is_no_json_object_is_refused() {
    let deep = [b"{\"at\":".as_slice(), &vec![b'['; 200_000]].concat();
    let closed =
        format!("{{\"at\":\"{AT}\",\"try\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes();
    let long = format!("{{\"at\":\"{}\",\"arrive\":{{}}}}", "9".repeat(1 << 20)).into_bytes();
    let sequence = format!("[\"{AT}\",null,{{\"door\":\"101\",\"as\":\"x\"}}]").into_bytes();
    let bad = [
        b"hello".as_slice(),
        b"{",
        b"null",
        b"7",
        b"\"at\"",
        b"[]",
        b"\xff\xfe{}",
        b"{\"at\":\"\xc3\x28\"}",
        b"{} {}",
        b"{\"at\":1e999}",
        b"\0",
        &deep,
        &closed,
        &long,
        &sequence,
    ];
    for line in bad {
        assert_eq!(refusal(line).code, ErrorCode::InvalidInput);
    }
}

#[test]
fn a_line_says_exactly_one_thing() {
    assert_refused(&json!({ "at": AT }), ErrorCode::InvalidInput, "none of event, try, arrive");
    assert_refused(&json!({ "at": AT, "dance": {} }), ErrorCode::InvalidInput, "none of");
    let both = changed(tries(&json!("101"), &json!(STAY)), "/arrive", json!({ "reservationId": STAY }));
    assert_refused(&both, ErrorCode::InvalidInput, "both");
    assert_refused(&changed(both, "/arrive", Value::Null), ErrorCode::InvalidInput, "both");
    let twice = format!("{{\"at\":\"{AT}\",\"arrive\":{{\"reservationId\":\"{STAY}\"}},\"at\":\"{AT}\"}}");
    assert!(refusal(twice.as_bytes()).message.contains("duplicate"));
}

#[test]
fn an_instant_is_in_utc_and_on_a_whole_second() {
    let good = tries(&json!("101"), &json!(STAY));
    for at in ["2026-05-04T08:00:00+00:00", "2026-05-04T08:00:00.000Z"] {
        step(&changed(good.clone(), "/at", json!(at)));
    }
    for at in [
        json!("2026-05-04T08:00:00.5Z"),
        json!("2026-05-04T12:30:00+04:30"),
        json!("2026-05-04T08:00:00"),
        json!("2026-05-04"),
        json!("2026-02-30T08:00:00Z"),
        json!("2026-05-04T08:59:60Z"),
        json!(""),
        json!(1_777_000_000),
        Value::Null,
        json!({}),
    ] {
        assert_refused(&changed(good.clone(), "/at", at), ErrorCode::InvalidInput, "'at'");
    }
    assert_refused(&without(good, "/at"), ErrorCode::InvalidInput, "'at'");
}

#[test]
fn a_try_names_a_door_and_somebody() {
    let good = tries(&json!("101"), &json!(STAY));
    let unreadable = [
        without(good.clone(), "/try/door"),
        without(good.clone(), "/try/as"),
        changed(good.clone(), "/try/as", json!(7)),
        changed(good.clone(), "/try/expect", json!("true")),
        changed(good.clone(), "/try/expect", Value::Null),
        changed(good.clone(), "/try", json!(["101", STAY])),
        changed(good.clone(), "/try", Value::Null),
        tries(&json!(101), &json!(STAY)),
    ];
    for line in unreadable {
        assert_refused(&line, ErrorCode::InvalidInput, "'try'");
    }
    for door in ["999", "gym", "", "101 "] {
        assert_refused(&tries(&json!(door), &json!(STAY)), ErrorCode::InvalidInput, "no door");
    }
}

#[test]
fn an_arrival_names_a_reservation() {
    for data in [
        json!({}),
        json!({ "reservationId": "rsv_1" }),
        json!({ "reservationId": 1 }),
        json!([STAY]),
        Value::Null,
    ] {
        assert_refused(&json!({ "at": AT, "arrive": data }), ErrorCode::InvalidInput, "'arrive'");
    }
}

#[test]
fn a_restart_counts_calls_from_one() {
    for calls in [json!(0), json!(-1), json!(1.5), json!("1"), Value::Null, json!([1]), json!(1e30)] {
        let restart = json!({ "at": AT, "restart": { "afterCalls": calls } });
        assert_refused(&restart, ErrorCode::InvalidInput, "'restart' cannot be read");
    }
    for data in [json!([]), json!(1), json!("now"), Value::Null] {
        assert_refused(&json!({ "at": AT, "restart": data }), ErrorCode::InvalidInput, "no JSON object");
    }
}

#[test]
fn an_event_of_others_is_refused() {
    let tenant = changed(confirmed(), "/event/tenantId", json!("tnt_01F6VNGA1PQSDAEWD68EGYZG1F"));
    assert_refused(&tenant, ErrorCode::TenantMismatch, "tenant");
    let other = json!("ppt_01E2D327669FW61RP8BXYT4MBD");
    // Another hotel's rooms are not ours either; that it is another hotel's event is what counts.
    let property = changed(confirmed(), "/event/data/propertyId", other.clone());
    let rooms = changed(property, "/event/data/rooms", json!(["rmu_01F6VNGA1PQSDAEWD68EGYZG1F"]));
    assert_refused(&rooms, ErrorCode::TenantMismatch, "property");
    assert_refused(
        &changed(ended("cancelled"), "/event/data/propertyId", other),
        ErrorCode::TenantMismatch,
        "property",
    );
    let unheard = event("melmastoon.billing.invoice.paid.v1", &json!({}));
    let foreign = changed(unheard, "/event/tenantId", json!("tnt_01F6VNGA1PQSDAEWD68EGYZG1F"));
    assert_refused(&foreign, ErrorCode::TenantMismatch, "tenant");
}

#[test]
fn an_envelope_lacks_nothing() {
    for member in ["specVersion", "id", "subject", "type", "source", "time", "tenantId", "data"] {
        let pointer = format!("/event/{member}");
        assert_refused(&without(confirmed(), &pointer), ErrorCode::InvalidInput, "'event' cannot be read");
        assert_refused(&changed(confirmed(), &pointer, json!(7)), ErrorCode::InvalidInput, "'");
    }
    assert_refused(
        &changed(confirmed(), "/event/specVersion", json!("2.0")),
        ErrorCode::InvalidInput,
        "version",
    );
    assert_refused(
        &changed(confirmed(), "/event", json!([])),
        ErrorCode::InvalidInput,
        "'event' is no JSON object",
    );
}

#[test]
fn the_data_of_an_event_lacks_nothing() {
    for member in ["reservationId", "propertyId", "guestId", "rooms", "validFrom", "validUntil", "version"] {
        let pointer = format!("/event/data/{member}");
        assert_refused(&without(confirmed(), &pointer), ErrorCode::InvalidInput, member);
        assert_refused(&changed(confirmed(), &pointer, json!({})), ErrorCode::InvalidInput, "cannot be read");
        assert_refused(
            &changed(confirmed(), &pointer, Value::Null),
            ErrorCode::InvalidInput,
            "cannot be read",
        );
    }
    for member in ["reservationId", "propertyId", "version"] {
        let pointer = format!("/event/data/{member}");
        assert_refused(&without(ended("checked_out"), &pointer), ErrorCode::InvalidInput, member);
    }
    for (member, value) in [
        ("version", json!(-1)),
        ("version", json!(1.5)),
        ("version", json!("3")),
        ("reservationId", json!("gst_01F6VNGA1PQSDAEWD68EGYZG1F")),
        ("areas", json!(["g y m"])),
        ("areas", Value::Null),
        ("preferredKinds", Value::Null),
        ("areas", json!("gym")),
        ("preferredKinds", json!(["hologram"])),
        ("rooms", json!([ROOM, "101"])),
        ("validFrom", json!("yesterday")),
    ] {
        assert_refused(
            &changed(confirmed(), &format!("/event/data/{member}"), value),
            ErrorCode::InvalidInput,
            "cannot be read",
        );
    }
}

#[test]
fn unknown_places_and_windows_that_are_none_are_refused() {
    let data = |member: &str, value: Value| changed(confirmed(), &format!("/event/data/{member}"), value);
    let unknown = json!([ROOM, "rmu_01F6VNGA1PQSDAEWD68EGYZG1F"]);
    assert_refused(
        &data("rooms", unknown),
        ErrorCode::InvalidInput,
        "no room rmu_01F6VNGA1PQSDAEWD68EGYZG1F",
    );
    assert_refused(&data("areas", json!(["gym", "pool"])), ErrorCode::InvalidInput, "no area 'pool'");
    assert_refused(&data("validUntil", json!("2026-05-06T13:00:00Z")), ErrorCode::InvalidInput, "window");
    assert_refused(&data("validUntil", json!("2026-05-06T12:00:00Z")), ErrorCode::InvalidInput, "window");
    assert_refused(
        &data("validFrom", json!("2026-05-06T13:00:00.5Z")),
        ErrorCode::InvalidInput,
        "whole second",
    );
}

/// Shifts, deactivations and the policy: good as they are, refused without any of their members or with another one in its place.
#[test]
fn what_the_house_hears_is_read_whole() {
    let user = "usr_01F6VNGA1PQSDAEWD68EGYZG1F";
    let shift = json!({
        "shiftId": "shf_01F6VNGA1PQSDAEWD68EGYZG1F", "userId": user, "propertyId": PROPERTY, "scope": "rooms:all",
        "validFrom": "2026-05-06T13:00:00Z", "validUntil": "2026-05-07T10:00:00Z",
    });
    let ended =
        json!({ "shiftId": "shf_01F6VNGA1PQSDAEWD68EGYZG1F", "userId": user, "propertyId": PROPERTY });
    let policy = json!({ "noShowSuspendAfterHours": 3, "preferredKinds": ["pin_code"] });
    for (subject, data) in [
        ("staff.shift.started", &shift),
        ("staff.shift.ended", &ended),
        ("iam.user.deactivated", &json!({ "userId": user })),
        ("tenant.property.deactivated", &json!({ "propertyId": PROPERTY })),
        ("tenant.config_updated", &json!({ "policy": policy })),
    ] {
        let good = event(&format!("melmastoon.{subject}.v1"), data);
        assert!(matches!(step(&good), Step::Event(heard) if heard.news.is_some()), "{subject}");
        for member in data.as_object().unwrap().keys() {
            let pointer = format!("/event/data/{member}");
            assert_refused(&without(good.clone(), &pointer), ErrorCode::InvalidInput, member);
            assert_refused(
                &changed(good.clone(), &pointer, json!(7)),
                ErrorCode::InvalidInput,
                "cannot be read",
            );
        }
    }
    let shift = event("melmastoon.staff.shift.started.v1", &shift);
    for scope in [
        "room:101",
        "areas:",
        "floor:",
        "everywhere",
        "",
        "rooms:some",
        "room:rmu_01F6VNGA1PQSDAEWD68EGYZG1F",
        "areas:pool",
    ] {
        assert_refused(
            &changed(shift.clone(), "/event/data/scope", json!(scope)),
            ErrorCode::InvalidInput,
            "",
        );
    }
    for until in ["2026-05-06T13:00:00Z", "2026-05-05T10:00:00Z"] {
        assert_refused(
            &changed(shift.clone(), "/event/data/validUntil", json!(until)),
            ErrorCode::InvalidInput,
            "window",
        );
    }
}

#[test]
fn who_does_something_by_hand_is_named() {
    for deed in ["lost", "unsuspend"] {
        let good = json!({ "at": AT, deed: { "reservationId": STAY, "operator": "usr_01F6VNGA1PQSDAEWD68EGYZG1F" } });
        assert!(matches!(step(&good), Step::ByHand { .. }));
        for member in ["reservationId", "operator"] {
            let pointer = format!("/{deed}/{member}");
            assert_refused(&without(good.clone(), &pointer), ErrorCode::InvalidInput, member);
            assert_refused(&changed(good.clone(), &pointer, json!("gst_1")), ErrorCode::InvalidInput, deed);
        }
    }
}

#[test]
fn an_outage_is_of_a_vendor_of_the_house_and_ends() {
    let good = json!({ "at": AT, "outage": { "vendor": "v0", "until": "2026-05-04T08:00:01Z" } });
    assert!(matches!(step(&good), Step::Outage { .. }));
    for (member, value) in [
        ("vendor", json!("v9")),
        ("vendor", json!(7)),
        ("until", json!("later")),
        ("until", json!(AT)),
        ("until", json!("2026-05-04T07:59:59Z")),
    ] {
        assert_refused(
            &changed(good.clone(), &format!("/outage/{member}"), value),
            ErrorCode::InvalidInput,
            "",
        );
    }
    for member in ["vendor", "until"] {
        assert_refused(&without(good.clone(), &format!("/outage/{member}")), ErrorCode::InvalidInput, member);
    }
}

/// A refused line moves no clock: what comes after it is held against the last line that was taken.
#[test]
fn a_day_never_goes_back_and_a_refused_line_does_not_move_it() {
    let arrive = |at: &str| json!({ "at": at, "arrive": { "reservationId": STAY } }).to_string();
    let unknown = |at: &str| json!({ "at": at, "try": { "door": "999", "as": "x" } }).to_string();
    let file = [
        arrive("2026-05-04T08:00:00Z"),
        unknown("2026-05-04T12:00:00Z"),
        arrive("2026-05-04T08:00:00Z"),
        arrive("2026-05-04T07:59:59Z"),
        arrive("2026-05-04T09:00:00Z"),
        arrive("2026-05-04T08:59:59Z"),
    ];
    let lines = read(file.join("\n").as_bytes());
    let taken: Vec<bool> = lines.iter().map(|line| line.content.is_ok()).collect();
    assert_eq!(taken, [true, false, true, false, true, false]);
    assert!(lines[3].content.clone().unwrap_err().message.contains("back in time"));
    assert!(lines[0].content.clone().unwrap().at == DateTime::parse_from_rfc3339(AT).unwrap());
}

#[test]
fn blank_lines_count_and_line_ends_of_other_systems_do_no_harm() {
    let arrive = json!({ "at": AT, "arrive": { "reservationId": STAY } });
    let file = format!("\u{feff}{arrive}\r\n\r\n \t\r\n{arrive}\r\n\n{arrive}");
    let lines = read(file.as_bytes());
    assert!(lines.iter().all(|line| line.content.is_ok()), "{lines:?}");
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 4, 6]);
    assert!(read(b"").is_empty() && read(b"\n\r\n").is_empty());
}
