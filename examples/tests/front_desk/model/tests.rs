//! The sentences of the page, one after the other.

use serde_json::json;

use super::*;
use crate::days::{Told, instant};

const HOUR: i64 = 3600;
const YES: Opens = Opens::Yes;
const NO: Opens = Opens::No;

/// A small hotel: rooms `1` and `2` on floor `a`, `3` on floor `b`, the gym; all of one vendor but room `2`.
struct House(Model, u64);

impl House {
    fn new(personality: &str) -> Self {
        let url = format!("mock://?personality={personality}");
        let room = |id: &str, floor: &str, vendor: &str| json!({ "roomId": id, "door": id, "floor": floor, "vendor": vendor });
        let hotel = json!({
            "tenantId": "t", "propertyId": "p", "policy": { "noShowSuspendAfterHours": 2 },
            "vendors": { "main": { "vendor": "mock", "url": url }, "annex": { "vendor": "ttlock" } },
            "rooms": [room("1", "a", "main"), room("2", "a", "annex"), room("3", "b", "main")],
            "areas": [{ "area": "gym", "door": "GYM", "vendor": "main" }],
        });
        Self(Model::new(&hotel), 0)
    }

    fn say(&mut self, at: i64, member: &'static str, value: &Value) {
        let want = self.0.line(&Item::Said { at, member, value: value.clone() });
        assert_eq!(want, Want::Taken);
    }

    fn event_of(&mut self, at: i64, time: i64, subject: &str, data: &Value) {
        self.1 += 1;
        let subject = format!("melmastoon.{subject}.v1");
        let envelope = json!({ "id": self.1.to_string(), "subject": subject, "tenantId": "t", "time": instant(time), "data": data });
        self.say(at, "event", &envelope);
    }

    fn stands(&mut self, at: i64, version: u64, room: &str, (from, until): (i64, i64)) {
        self.booked(at, "confirmed", version, room, (from, until));
    }

    fn booked(&mut self, at: i64, what: &str, version: u64, room: &str, (from, until): (i64, i64)) {
        let data = json!({
            "reservationId": "rsv", "propertyId": "p", "guestId": "g", "rooms": [room], "version": version,
            "validFrom": instant(from), "validUntil": instant(until),
        });
        self.event_of(at, at, &format!("reservation.booking.{what}"), &data);
    }

    fn told(&mut self, at: i64, what: &str, version: u64) {
        let data = json!({ "reservationId": "rsv", "propertyId": "p", "version": version });
        self.event_of(at, at, &format!("reservation.booking.{what}"), &data);
    }

    fn desk(&mut self, at: i64, what: &'static str) {
        self.say(at, what, &json!({ "reservationId": "rsv", "operator": "usr" }));
    }

    fn outage(&mut self, at: i64, vendor: &str, until: i64) {
        self.say(at, "outage", &json!({ "vendor": vendor, "until": instant(until) }));
    }

    fn shift(&mut self, at: i64, id: &str, scope: &str, (from, until): (i64, i64)) {
        let data = json!({
            "shiftId": id, "userId": "usr_1", "propertyId": "p", "scope": scope,
            "validFrom": instant(from), "validUntil": instant(until),
        });
        self.event_of(at, at, "staff.shift.started", &data);
    }

    fn shift_ended(&mut self, at: i64, id: &str) {
        self.event_of(
            at,
            at,
            "staff.shift.ended",
            &json!({ "shiftId": id, "userId": "usr_1", "propertyId": "p" }),
        );
    }

    fn asked(&mut self, at: i64, who: &str, door: &str) -> (Opens, bool) {
        let told = Told::Right;
        match self.0.line(&Item::Tried { at, door: door.to_owned(), who: who.to_owned(), told }) {
            Want::Tried { opens, task } => (opens, task),
            want => panic!("{want:?}"),
        }
    }

    fn guest(&mut self, at: i64, door: &str) -> Opens {
        self.asked(at, "rsv", door).0
    }

    fn is_free(&mut self, at: i64, who: &str, door: &str) -> bool {
        matches!(self.asked(at, who, door).0, Opens::Either(_))
    }
}

#[test]
fn a_guest_opens_his_doors_from_the_first_second_to_before_the_last() {
    let mut house = House::new("per_door");
    assert_eq!(house.guest(0, "1"), NO, "nobody else opens anything");
    house.stands(0, 2, "1", (10, 100));
    assert_eq!([9, 10, 99].map(|at| house.guest(at, "1")), [NO, YES, YES]);
    assert_eq!(house.guest(99, "3"), NO, "only his rooms");
    assert_eq!(house.guest(100, "1"), NO);
}

/// A passcode of TTLock is kept in minutes: later in and earlier out, and never the other way round; and nobody has a task for that.
#[test]
fn a_lock_that_keeps_minutes_is_free_in_the_first_and_the_last_of_a_window() {
    let mut house = House::new("per_door");
    house.stands(0, 1, "2", (70, 290));
    let asked = [69, 70, 119, 120, 239, 240, 289, 290].map(|at| house.asked(at, "rsv", "2"));
    let free = Opens::Either(COARSE);
    assert_eq!(asked.map(|(opens, _)| opens), [NO, free, free, YES, YES, free, free, NO]);
    assert_eq!(asked.map(|(_, task)| task), [false, false, false, false, true, false, false, false]);
    house.stands(300, 2, "1", (310, 400));
    assert_eq!([310, 399].map(|at| house.guest(at, "1")), [YES, YES], "another vendor's lock knows seconds");
}

#[test]
fn the_fold_is_in_order_of_version() {
    let mut house = House::new("per_door");
    house.stands(0, 2, "1", (10, 1_000));
    house.stands(20, 2, "3", (10, 1_000));
    assert_eq!(house.guest(50, "3"), NO, "the first of one version stands");
    house.told(50, "cancelled", 1);
    assert_eq!(house.guest(50, "1"), YES, "an older end ends nothing");
    house.booked(60, "dates_changed", 4, "3", (10, 1_000));
    assert!(house.is_free(60, "rsv", "1") && house.is_free(64, "rsv", "3"), "a change has five seconds");
    assert_eq!((house.guest(65, "1"), house.guest(65, "3")), (NO, YES));
    house.booked(70, "dates_changed", 3, "1", (10, 1_000));
    assert_eq!(house.guest(70, "3"), YES, "an older change delivered late is without effect");
    house.told(80, "checked_out", 6);
    assert_eq!(house.guest(85, "3"), NO);
    house.stands(90, 5, "3", (10, 1_000));
    assert_eq!(house.guest(95, "3"), NO, "a confirmation below an end is over");
    house.stands(100, 8, "3", (10, 1_000));
    assert_eq!(house.guest(105, "3"), YES, "one above it is a new stay");
    house.stands(110, 10, "3", (10, 1_000));
    assert_eq!(house.guest(111, "3"), YES, "within a live stay it is a change");
    house.told(120, "early_checkout", 9);
    assert!(house.is_free(121, "rsv", "3"), "now it is a new stay with a new key");
    assert_eq!(house.guest(125, "3"), YES);
}

#[test]
fn a_change_waits_for_its_confirmation() {
    let mut house = House::new("per_door");
    house.booked(0, "dates_changed", 3, "3", (10, 1_000));
    assert_eq!(house.guest(20, "3"), NO, "nobody has confirmed anything");
    house.stands(20, 2, "1", (10, 1_000));
    assert_eq!((house.guest(25, "1"), house.guest(25, "3")), (NO, YES));
}

#[test]
fn fraud_suspends_at_once_and_a_no_show_after_its_delay() {
    let mut house = House::new("per_door");
    house.told(0, "fraud_flagged", 3);
    house.stands(0, 2, "1", (10, 100 * HOUR));
    assert_eq!(house.guest(60, "1"), NO, "flagged before it was confirmed");
    house.stands(70, 5, "1", (10, 100 * HOUR));
    assert_eq!(house.guest(75, "1"), NO, "a confirmation within a live stay lifts no suspension");
    house.desk(100, "unsuspend");
    assert_eq!(house.guest(105, "1"), YES);
    house.told(200, "no_show", 6);
    assert_eq!(house.guest(200 + 2 * HOUR - 1, "1"), YES);
    assert!(house.is_free(200 + 2 * HOUR, "rsv", "1"));
    assert_eq!(house.guest(205 + 2 * HOUR, "1"), NO);
    let at = 3 * HOUR;
    house.desk(at, "unsuspend");
    assert_eq!(house.guest(at + 5, "1"), YES, "it lifts every suspension");
    house.told(at + 10, "no_show", 6);
    house.told(at + 10, "fraud_flagged", 6);
    assert_eq!(house.guest(at + 10 + 3 * HOUR, "1"), YES, "the first of one version stands, and is lifted");
    let at = 7 * HOUR;
    house.told(at, "no_show", 7);
    house.event_of(at, at, "tenant.config_updated", &json!({ "policy": { "noShowSuspendAfterHours": 9 } }));
    assert_eq!(house.guest(at + 2 * HOUR + 5, "1"), NO, "the delay that stood when it was delivered");
    house.told(20 * HOUR, "cancelled", 8);
    house.stands(20 * HOUR, 9, "1", (10, 100 * HOUR));
    assert_eq!(house.guest(20 * HOUR + 5, "1"), YES, "a new stay is not suspended");
    house.told(21 * HOUR, "no_show", 10);
    house.desk(22 * HOUR, "unsuspend");
    assert_eq!(house.guest(31 * HOUR, "1"), YES, "one still waiting for its delay is dropped too");
}

#[test]
fn what_is_lost_is_of_no_use_to_the_finder() {
    let mut house = House::new("per_door");
    house.stands(0, 1, "1", (10, 1_000));
    assert_eq!(house.asked(20, "lost:rsv", "1").0, NO, "nothing is lost");
    house.desk(30, "lost");
    assert!(house.is_free(34, "rsv", "1") && house.is_free(34, "lost:rsv", "1"));
    assert_eq!((house.guest(35, "1"), house.asked(35, "lost:rsv", "1").0), (YES, NO));
    house.outage(40, "main", 100);
    house.desk(50, "lost");
    assert_eq!(house.guest(50, "1"), NO, "his hands are empty, and nobody answers");
    assert!(house.is_free(50, "lost:rsv", "1"), "the door goes on working from what it knows");
    assert!(house.asked(110, "rsv", "1").1);
    assert!(house.is_free(110, "rsv", "1"));
}

#[test]
fn an_outage_holds_up_changes_at_its_own_doors() {
    let mut house = House::new("per_door");
    house.stands(0, 1, "1", (0, 100 * HOUR));
    house.outage(10, "main", HOUR);
    assert_eq!(house.guest(15, "1"), YES, "doors go on working from what they know");
    house.booked(20, "dates_changed", 2, "3", (0, 100 * HOUR));
    assert_eq!(house.asked(79, "rsv", "3"), (NO, false), "nobody can know of it");
    assert_eq!(house.asked(80, "rsv", "3"), (NO, true), "a task within a minute");
    assert!(house.is_free(80, "rsv", "1"));
    assert!(house.is_free(4 * HOUR - 1, "rsv", "3"));
    assert_eq!((house.guest(4 * HOUR, "1"), house.guest(4 * HOUR, "3")), (NO, YES), "within 3 h after it");
    house.booked(4 * HOUR + 10, "dates_changed", 3, "2", (0, 100 * HOUR));
    assert_eq!(house.guest(4 * HOUR + 15, "2"), YES);
    house.outage(4 * HOUR + 20, "main", 5 * HOUR);
    house.booked(4 * HOUR + 30, "dates_changed", 4, "2", (0, 50 * HOUR));
    assert_eq!(house.guest(4 * HOUR + 31, "2"), YES, "it is another vendor's door");
}

#[test]
fn a_call_lost_over_a_silent_vendor_ends_in_a_task() {
    let mut house = House::new("silent_ack");
    house.say(0, "restart", &json!({ "afterCalls": 3 }));
    house.stands(10, 1, "1", (0, 100 * HOUR));
    assert!(house.is_free(50 * HOUR, "rsv", "1"));
    assert!(house.asked(50 * HOUR, "rsv", "1").1, "shut only with a task");
}

#[test]
fn a_card_learns_when_it_is_at_the_desk() {
    let mut house = House::new("card");
    house.stands(0, 1, "1", (10, HOUR));
    assert_eq!(house.asked(70, "rsv", "1"), (NO, true), "nobody has written it");
    house.desk(80, "arrive");
    assert_eq!(house.guest(85, "1"), YES);
    house.booked(100, "dates_changed", 2, "3", (10, 2 * HOUR));
    assert!(house.is_free(200, "rsv", "1"), "the card still says so");
    assert_eq!(house.asked(200, "rsv", "3"), (NO, true), "the card does not say so");
    assert_eq!(house.guest(HOUR, "1"), NO, "the window written on it is over");
    house.desk(HOUR, "arrive");
    assert_eq!((house.guest(HOUR + 5, "1"), house.guest(HOUR + 5, "3")), (NO, YES));
    house.desk(HOUR + 10, "lost");
    assert!(house.is_free(HOUR + 20, "rsv", "3") && house.is_free(HOUR + 20, "lost:rsv", "3"));
    house.desk(HOUR + 30, "arrive");
    assert_eq!(house.guest(HOUR + 40, "3"), YES);
    assert!(house.is_free(HOUR + 40, "lost:rsv", "3"));
    assert_eq!(house.asked(HOUR + 40, "lost:rsv", "1").0, NO);
    assert_eq!(house.asked(2 * HOUR, "lost:rsv", "3").0, NO);
    house.shift(2 * HOUR, "s", "rooms:all", (3 * HOUR, 4 * HOUR));
    assert_eq!(house.asked(3 * HOUR - 1, "usr_1", "1").0, NO);
    assert!(house.is_free(3 * HOUR, "usr_1", "1"), "written by a person");
    assert!(house.asked(3 * HOUR + 60, "usr_1", "1").1, "until then the shift has a task");
}

#[test]
fn staff_open_the_doors_of_their_scope_in_their_shift() {
    for (scope, doors) in [
        ("room:1", "1"),
        ("floor:a", "12"),
        ("floor:c", ""),
        ("rooms:all", "123"),
        ("areas:gym", "GYM"),
        ("areas:all", "GYM"),
        ("rooms:assigned", ""),
        ("back_of_house", ""),
    ] {
        let mut house = House::new("per_door");
        house.shift(0, "s", scope, (10, 200));
        for door in ["1", "2", "3", "GYM"] {
            assert_eq!(house.asked(70, "usr_1", door).0 == YES, doors.contains(door), "{scope} {door}");
        }
        assert!(["1", "2", "3", "GYM"].iter().all(|door| house.asked(200, "usr_1", door).0 == NO));
    }
    let mut house = House::new("per_door");
    house.shift_ended(0, "s");
    house.shift(0, "s", "rooms:all", (0, HOUR));
    assert_eq!(house.asked(10, "usr_1", "1").0, NO, "an end delivered before its start wins");
    house.shift(10, "t", "room:1", (0, HOUR));
    assert_eq!((house.asked(20, "usr_1", "1").0, house.asked(20, "usr_2", "1").0), (YES, NO));
    house.shift_ended(30, "t");
    assert!(house.is_free(34, "usr_1", "1"));
    assert_eq!(house.asked(35, "usr_1", "1").0, NO);
    house.event_of(40, 40, "iam.user.deactivated", &json!({ "userId": "usr_1" }));
    house.shift(50, "u", "room:1", (0, HOUR));
    assert_eq!(house.asked(60, "usr_1", "1").0, NO, "later shifts of a deactivated user open nothing");
}

#[test]
fn after_the_property_was_deactivated_nobody_opens_anything() {
    let mut house = House::new("per_door");
    house.stands(0, 1, "1", (0, HOUR));
    house.shift(0, "s", "rooms:all", (0, HOUR));
    house.event_of(10, 10, "tenant.property.deactivated", &json!({ "propertyId": "p" }));
    house.stands(11, 2, "2", (0, HOUR));
    house.shift(11, "t", "rooms:all", (0, HOUR));
    for who in ["rsv", "usr_1"] {
        assert!(["1", "2"].iter().all(|door| house.asked(16, who, door).0 == NO), "{who}");
    }
}

#[test]
fn a_line_of_others_or_of_before_is_refused() {
    let mut house = House::new("per_door");
    house.stands(100, 1, "1", (0, HOUR));
    let arrive = |at| Item::Said { at, member: "arrive", value: json!({ "reservationId": "rsv" }) };
    assert_eq!(
        (house.0.line(&arrive(99)), house.0.line(&arrive(100))),
        (Want::Refused("INVALID_INPUT"), Want::Taken)
    );
    let data = json!({ "reservationId": "rsv", "propertyId": "other", "version": 2 });
    let subject = "melmastoon.reservation.booking.cancelled.v1";
    let event = json!({ "id": "x", "subject": subject, "tenantId": "t", "time": instant(0), "data": data });
    let foreign = Item::Said { at: 500, member: "event", value: event };
    assert_eq!(house.0.line(&foreign), Want::Refused("TENANT_MISMATCH"));
    assert_eq!(house.guest(110, "1"), YES, "a refused line is without effect and moves no clock");
}
