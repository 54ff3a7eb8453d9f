//! A desk without its cloud: what it gives out ends after two days, and becomes whole when the cloud is back (R42, R94, R125, X4).

use chrono::{DateTime, TimeDelta};
use lockport::Timestamp;
use lockport::keys::{DeskTaskKind, KeyService, PROVISIONAL_FOR};
use serde_json::{Value, json};

use crate::rig::{Hotel, Told, booking, confirmed, opening, stay, tasks};
use crate::yielding::run;

const A_MINUTE: TimeDelta = TimeDelta::minutes(1);

fn offline_desk(url: &str) -> (Hotel, KeyService) {
    let hotel = Hotel::of(&[("main", url, &["101", "102"])]);
    let service = hotel.service("a");
    run(service.set_offline(true)).unwrap();
    (hotel, service)
}

fn until(event: &Value) -> Timestamp {
    event["validUntil"].as_str().unwrap().parse::<DateTime<_>>().unwrap()
}

/// Lives on to so many hours after the opening.
fn live_to(hotel: &Hotel, service: &KeyService, hours: i64) {
    let now = lockport::env::Clock::now(&*hotel.clock);
    hotel.live(service, opening() + TimeDelta::hours(hours) - now);
}

/// One key, that opens for two days, and for the whole stay once the cloud is back; which is found by whoever ticks then.
#[test]
fn a_key_of_a_long_stay_is_extended_when_the_cloud_is_back() {
    let (hotel, service) = offline_desk("mock://");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
    live_to(&hotel, &service, 1);
    told.drain(&service);
    let issued = told.of("credential.issued")[0].clone();
    assert_eq!((&issued["provisional"], until(&issued)), (&json!(true), opening() + TimeDelta::hours(48)));
    assert!(run(service.keys(stay("one").into())).unwrap()[0].is_provisional);
    let key = told.hand(&stay("one")).to_vec();
    live_to(&hotel, &service, 47);
    assert!(hotel.opens(&key, "101"));

    // Told by a process that dies over it.
    run(service.set_offline(false)).unwrap();
    drop(service);
    let service = hotel.service("b");
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    assert_eq!(told.of("credential.updated")[0]["provisional"], json!(false));
    live_to(&hotel, &service, 119);
    assert!(hotel.opens(&key, "101") && hotel.held() == 1);
    assert!(!run(service.keys(stay("one").into())).unwrap()[0].is_provisional);
    live_to(&hotel, &service, 121);
    assert!(!hotel.opens(&key, "101"));
}

/// What counts is whether the cloud is there when a key is given out, and not when it was asked for.
#[test]
fn a_key_that_was_asked_for_before_is_as_it_is_when_given_out() {
    for is_offline in [true, false] {
        let hotel = Hotel::of(&[("main", "mock://", &["101", "102"])]);
        let service = hotel.service("a");
        run(service.set_offline(!is_offline)).unwrap();
        run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
        run(service.set_offline(is_offline)).unwrap();
        live_to(&hotel, &service, 1);
        let mut told = Told::default();
        told.drain(&service);
        let issued = told.of("credential.issued")[0];
        let ends = opening() + TimeDelta::hours(if is_offline { 48 } else { 120 });
        assert_eq!((&issued["provisional"], until(issued)), (&json!(is_offline), ends));
        assert_eq!(told.count("credential.updated"), 0);
        hotel.pass(TimeDelta::hours(48));
        assert_eq!(hotel.opens(told.hand(&stay("one")), "101"), !is_offline);
    }
}

/// While the cloud stays away, nothing that was given out opens for longer than two days; the guest gets another, each with its own
/// two days, and none opens after the stay.
#[test]
fn while_the_cloud_stays_away_each_key_ends_and_another_follows() {
    let (hotel, service) = offline_desk("mock://");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
    for (hour, keys) in [(1, 1), (49, 2), (97, 3), (119, 3)] {
        live_to(&hotel, &service, hour);
        told.drain(&service);
        let hand = told.hand(&stay("one"));
        assert_eq!(hand.len(), keys, "hour {hour}");
        let (last, earlier) = hand.split_last().unwrap();
        assert!(hotel.opens(std::slice::from_ref(last), "101"), "hour {hour}");
        assert!(earlier.iter().all(|key| key == last || !hotel.opens(std::slice::from_ref(key), "101")));
    }
    live_to(&hotel, &service, 121);
    assert!(!hotel.opens(told.hand(&stay("one")), "101"));
    let ends: Vec<_> = told.of("credential.issued").into_iter().map(until).collect();
    let hours = |hours| opening() + TimeDelta::hours(hours);
    assert!(ends[1] >= hours(96) && ends[1] < hours(97) && ends[2] == hours(120), "{ends:?}");
}

/// What ends sooner by itself is provisional too, and needs nothing of the vendor to be whole.
#[test]
fn a_short_stay_is_only_confirmed() {
    let (hotel, service) = offline_desk("mock://");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, A_MINUTE);
    let calls = hotel.vendor().calls();
    run(service.set_offline(false)).unwrap();
    run(service.set_offline(false)).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    assert_eq!(hotel.vendor().calls(), calls);
    assert_eq!(told.of("credential.issued")[0]["provisional"], json!(true));
    let updated = told.of("credential.updated");
    assert_eq!((updated.len(), &updated[0]["provisional"]), (1, &json!(false)));
    // What changes nothing is no news.
    run(service.deliver(&confirmed("one", 2, &["101"], 24))).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    assert_eq!(told.count("credential.updated"), 1);
}

/// What the cloud knows keeps its window; but what is added to it without the cloud is no more than two days.
#[test]
fn a_key_of_before_keeps_its_window_and_an_extension_is_provisional() {
    let hotel = Hotel::of(&[("main", "mock://", &["101", "102"])]);
    let service = hotel.service("a");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 60))).unwrap();
    hotel.live(&service, A_MINUTE);
    run(service.set_offline(true)).unwrap();
    told.drain(&service);
    let key = told.hand(&stay("one")).to_vec();
    live_to(&hotel, &service, 59);
    assert!(hotel.opens(&key, "101"));
    run(service.deliver(&confirmed("one", 2, &["101"], 300))).unwrap();
    hotel.live(&service, A_MINUTE);
    live_to(&hotel, &service, 106);
    assert!(hotel.opens(&key, "101"));
    live_to(&hotel, &service, 108);
    assert!(!hotel.opens(&key, "101"));
}

/// A change without the cloud pushes on no end of what was given out without it, and takes nothing from what the cloud knows.
#[test]
fn a_change_without_the_cloud_moves_no_end() {
    for is_known in [true, false] {
        let hotel = Hotel::of(&[("main", "mock://", &["101", "102"])]);
        let service = hotel.service("a");
        let mut told = Told::default();
        run(service.set_offline(!is_known)).unwrap();
        run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
        hotel.live(&service, A_MINUTE);
        run(service.set_offline(true)).unwrap();
        told.drain(&service);
        let key = told.hand(&stay("one")).to_vec();
        live_to(&hotel, &service, 24);
        run(service.deliver(&confirmed("one", 2, &["101", "102"], 120))).unwrap();
        live_to(&hotel, &service, 47);
        assert!(hotel.opens(&key, "101") && hotel.opens(&key, "102"), "known: {is_known}");
        assert_eq!(run(service.keys(stay("one").into())).unwrap()[0].is_provisional, !is_known);
        for hour in [49, 119] {
            live_to(&hotel, &service, hour);
            assert_eq!(hotel.opens(&key, "101"), is_known, "hour {hour}");
        }
    }
}

/// A card is extended at the desk, where a task asks for it.
#[test]
fn a_card_is_extended_at_the_desk() {
    let (hotel, service) = offline_desk("mock://?personality=card");
    let at = Hotel::encoder("main");
    let encoder = hotel.vendor().encoder(at);
    let card = ["c1".to_owned()];
    run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
    encoder.place_card("c1");
    run(service.encode_now(stay("one").into(), at)).unwrap();
    encoder.remove();
    live_to(&hotel, &service, 40);
    assert!(hotel.opens(&card, "101") && tasks(&service).is_empty());
    run(service.set_offline(false)).unwrap();
    hotel.live(&service, A_MINUTE);
    assert_eq!(tasks(&service), [DeskTaskKind::Reencode]);
    encoder.place_card("c1");
    run(service.encode_now(stay("one").into(), at)).unwrap();
    encoder.remove();
    live_to(&hotel, &service, 119);
    assert!(hotel.opens(&card, "101") && tasks(&service).is_empty());
}

/// Without the cloud a card that ends is followed by another task in time; the guest of the third night gets in.
#[test]
fn a_card_that_ends_without_the_cloud_is_asked_for_again() {
    let (hotel, service) = offline_desk("mock://?personality=card");
    let at = Hotel::encoder("main");
    let encoder = hotel.vendor().encoder(at);
    let card = ["c1".to_owned()];
    run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
    encoder.place_card("c1");
    run(service.encode_now(stay("one").into(), at)).unwrap();
    encoder.remove();
    hotel.live(&service, PROVISIONAL_FOR + A_MINUTE);
    assert!(!hotel.opens(&card, "101"));
    assert_eq!(tasks(&service), [DeskTaskKind::PresentCard]);
    encoder.place_card("c1");
    run(service.encode_now(stay("one").into(), at)).unwrap();
    encoder.remove();
    assert!(hotel.opens(&card, "101") && tasks(&service).is_empty());
}

/// R125: what was given out without the cloud for a booking that is cancelled goes, and is told as provisional.
#[test]
fn a_provisional_key_of_a_cancelled_booking_goes() {
    let (hotel, service) = offline_desk("mock://");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
    hotel.live(&service, A_MINUTE);
    run(service.set_offline(false)).unwrap();
    run(service.deliver(&booking("cancelled", "one", 2))).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    assert!(!hotel.opens(told.hand(&stay("one")), "101") && hotel.held() == 0);
    assert_eq!(told.of("credential.revoked")[0]["metadata"]["wasProvisional"], json!(true));
}

/// What a vendor refuses without the cloud, it is not asked for without end.
#[test]
fn a_refusal_stays_one() {
    let (hotel, service) = offline_desk("mock://?fail=issue&pct=100&error=KEY_ISSUE_FAILED");
    run(service.deliver(&confirmed("one", 1, &["101"], 120))).unwrap();
    hotel.live(&service, TimeDelta::hours(20));
    let calls = hotel.vendor().calls();
    assert!(calls > 0 && tasks(&service).contains(&DeskTaskKind::EscortGuest));
    run(service.set_offline(false)).unwrap();
    hotel.live(&service, TimeDelta::hours(1));
    assert!(hotel.vendor().calls() - calls < 20, "{calls} then {}", hotel.vendor().calls());
}
