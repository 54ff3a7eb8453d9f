use chrono::TimeDelta;
use lockport::keys::{KeyOwner, KeyState};

use crate::rig::{Hotel, Told, booking, confirmed, name, stay, user};
use crate::yielding::{run, run_and_drop, run_with_a_break};

/// Where the tick that issues two doors waits, at most.
const MOST_WAITS: usize = 400;

fn is_over(hotel: &Hotel, service: &lockport::keys::KeyService, told: &mut Told, what: &str) {
    hotel.live(service, TimeDelta::minutes(10));
    told.drain(service);
    assert_eq!(hotel.held(), 0, "{what}: something is left at the vendor");
    for door in ["101", "201"] {
        assert!(!hotel.opens(told.hand(&stay("one")), door), "{what}: {door} opens");
    }
    for key in run(service.keys(stay("one").into())).unwrap() {
        assert!(matches!(key.state, KeyState::Revoked | KeyState::Failed), "{what}: {key:?}");
    }
    let issued = told.count("credential.issued");
    assert_eq!(told.count("credential.revoked"), issued, "{what}: each issue that was told is taken back");
    assert_eq!(told.count("credential.requested"), 1);
}

/// R76: a cancellation that comes between any two steps of an issue leaves nothing, at any of them; delivered by the same process or
/// by another.
#[test]
fn a_cancellation_at_every_point_of_an_issue_leaves_nothing() {
    for other_process in [false, true] {
        let mut points = 0;
        for waits in 0..MOST_WAITS {
            let hotel = Hotel::simple();
            let (service, other) = (hotel.service("a"), hotel.service("b"));
            run(service.deliver(&confirmed("one", 1, &["101", "201"], 24))).unwrap();
            let by = if other_process { &other } else { &service };
            let cancel = || run(by.deliver(&booking("cancelled", "one", 2))).unwrap();
            let (ticked, came_so_far) = run_with_a_break(service.tick(), waits, cancel);
            ticked.unwrap();
            if !came_so_far {
                break;
            }
            points += 1;
            is_over(&hotel, &service, &mut Told::default(), &format!("after {waits} waits"));
        }
        assert!((20..MOST_WAITS).contains(&points), "{points} points");
    }
}

/// R78: the process that was at it dies at any point, another comes; exactly one key, and it opens.
#[test]
fn a_death_at_every_point_of_an_issue_leaves_one_key() {
    for same_name in [true, false] {
        let mut points = 0;
        for waits in 0..MOST_WAITS {
            let hotel = Hotel::simple();
            let service = hotel.service("a");
            run(service.deliver(&confirmed("one", 1, &["101", "201"], 24))).unwrap();
            if !run_and_drop(service.tick(), waits) {
                break;
            }
            points += 1;
            drop(service);
            let heir = hotel.service(if same_name { "a" } else { "b" });
            let mut told = Told::default();
            hotel.live(&heir, if same_name { TimeDelta::seconds(90) } else { TimeDelta::minutes(10) });
            told.drain(&heir);
            let what = format!("after {waits} waits, same name {same_name}");
            assert_eq!(told.count("credential.issued"), 1, "{what}");
            assert_eq!(hotel.vendor().effects_made(), 2, "{what}: one grant a door");
            assert!(hotel.opens(told.hand(&stay("one")), "101"), "{what}");
            assert!(hotel.opens(told.hand(&stay("one")), "201"), "{what}");
        }
        assert!((20..MOST_WAITS).contains(&points), "{points} points");
    }
}

/// R103: a loss that is reported at any point of an issue leaves the guest with one key and the finder with none.
#[test]
fn a_loss_at_every_point_leaves_one_key() {
    for waits in 0..MOST_WAITS {
        let hotel = Hotel::simple();
        let (service, other) = (hotel.service("a"), hotel.service("b"));
        run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
        let lose = || run(other.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
        let (ticked, came_so_far) = run_with_a_break(service.tick(), waits, lose);
        ticked.unwrap();
        if !came_so_far {
            assert!(waits > 20);
            break;
        }
        hotel.live(&service, TimeDelta::minutes(10));
        let mut told = Told::default();
        told.drain(&service);
        assert_eq!(hotel.held(), 1, "after {waits} waits");
        assert!(hotel.opens(told.hand(&stay("one")), "101"), "after {waits} waits");
        let keys = run(service.keys(KeyOwner::Stay(stay("one")))).unwrap();
        assert_eq!(keys.iter().filter(|key| key.state == KeyState::Active).count(), 1, "after {waits} waits");
    }
}
