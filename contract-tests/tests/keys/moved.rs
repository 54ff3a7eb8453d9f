//! A PIN on its way to a room where somebody else has the same digits.

use chrono::TimeDelta;
use lockport::Validity;
use serde_json::json;

use crate::rig::{Hotel, Told, booking, confirmed, door, name, opening, stay, user};
use crate::yielding::run;

const A_MINUTE: TimeDelta = TimeDelta::minutes(1);

/// R71, R122: the guest hears of other digits, which open all that he has; be it that the port drew them, or that a room stays his and the
/// whole key is followed by another. What somebody else has stays his.
#[test]
fn digits_that_are_somebody_elses_at_the_next_room_become_others() {
    for (rooms, is_another_key) in [(["102", "201"], false), (["101", "102"], true)] {
        let hotel = Hotel::simple();
        let service = hotel.service("a");
        let mut told = Told::default();
        run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
        hotel.live(&service, A_MINUTE);
        told.drain(&service);
        let old = told.hand(&stay("one")).to_vec();
        let night = Validity::new(opening(), opening() + TimeDelta::hours(24)).unwrap();
        hotel.vendor().set_by_hand(door("102"), &old[0], night);
        run(service.deliver(&confirmed("one", 2, &rooms, 24))).unwrap();
        hotel.live(&service, A_MINUTE);
        told.drain(&service);
        let new = &told.hand(&stay("one"))[old.len()..];
        for name in rooms {
            assert!(hotel.opens(new, name), "{rooms:?}: the guest is shut out of {name}");
        }
        assert!(!hotel.opens(&old, "101"), "{rooms:?}: the old digits open the old room");
        assert!(hotel.opens(&old, "102"), "{rooms:?}: somebody else is shut out");
        assert_eq!(told.count("credential.issued"), 1 + usize::from(is_another_key), "{rooms:?}");
    }
}

/// A change that is overtaken while its vendor is at it is taken back when it has come about; also where a suspension comes and goes in
/// between.
#[test]
fn a_change_that_was_overtaken_is_taken_back() {
    let vendors = ["per_door", "per_stay", "room_wide", "silent_ack", "webhook"];
    for (personality, is_blocked) in vendors.into_iter().flat_map(|vendor| [(vendor, false), (vendor, true)])
    {
        let url = format!("mock://?personality={personality}");
        let hotel = Hotel::of(&[("main", &url, &["101", "102", "201", "gym"])]);
        let (service, mut told) = (hotel.service("a"), Told::default());
        let booked = |version, rooms: &[&str], from: i64, hours: i64| {
            let mut event = confirmed("one", version, rooms, hours);
            event.data["validFrom"] = json!(opening() + TimeDelta::hours(from));
            event
        };
        run(service.deliver(&booked(1, &["101", "102", "201"], 0, 480))).unwrap();
        hotel.live(&service, TimeDelta::hours(12));
        run(service.deliver(&booked(2, &["201"], 48, 50))).unwrap();
        hotel.live(&service, TimeDelta::seconds(2));
        if is_blocked {
            run(service.deliver(&booking("fraud_flagged", "one", 4))).unwrap();
            hotel.live(&service, TimeDelta::seconds(1));
            run(service.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
        }
        run(service.deliver(&booked(if is_blocked { 5 } else { 3 }, &["101", "102", "201"], 0, 480)))
            .unwrap();
        hotel.live(&service, TimeDelta::minutes(1));
        told.drain(&service);
        for room in ["101", "102", "201"] {
            let opens = hotel.opens(told.hand(&stay("one")), room);
            assert!(opens, "{personality}, blocked in between: {is_blocked}: {room}");
        }
    }
}
