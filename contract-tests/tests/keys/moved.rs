//! A PIN on its way to a room where somebody else has the same digits.

use chrono::TimeDelta;
use lockport::Validity;

use crate::rig::{Hotel, Told, confirmed, door, opening, stay};
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
