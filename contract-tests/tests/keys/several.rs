//! A stay with more doors than one key may have has several keys, and each is for itself.

use chrono::TimeDelta;
use lockport::keys::{AllRevoked, DeskTaskKind, Encoded, KeyService, KeyState};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};
use lockport_mock::Fault;

use crate::rig::{Hotel, Told, booking, confirmed, name, room, stay, tasks, user};
use crate::yielding::run;

/// In the order in which they are divided.
fn rooms() -> [&'static str; 4] {
    let mut rooms = ["101", "102", "201", "202"];
    rooms.sort_by_key(|name| room(name));
    rooms
}

/// A hotel whose cards have two doors at most, and that has another way for the same rooms where one is named.
fn hotel(other: Option<&str>) -> Hotel {
    let rooms = rooms();
    let cards: (&str, &str, &[&str]) = ("main", "mock://?personality=card&doors=2", &rooms);
    match other {
        Some(url) => Hotel::of(&[cards, ("other", url, &rooms)]),
        None => Hotel::of(&[cards]),
    }
}

fn opened(hotel: &Hotel, card: &str) -> [bool; 4] {
    rooms().map(|door| hotel.opens(&[card.to_owned()], door))
}

/// The guest lays a card on the encoder and takes it again.
fn lay(hotel: &Hotel, service: &KeyService, card: &str) -> Encoded {
    let encoder = hotel.vendor().encoder(Hotel::encoder("main"));
    encoder.place_card(card);
    let encoded = run(service.encode_now(stay("one").into(), Hotel::encoder("main"))).unwrap();
    encoder.remove();
    encoded
}

/// R30: a card has so many doors at most, and a stay of more has several cards. None is written over another, whichever lies there.
#[test]
fn a_stay_of_more_doors_than_a_card_has_gets_several() {
    let (hotel, rooms) = (hotel(None), rooms());
    let service = hotel.service("a");
    let opened = |card: &str| opened(&hotel, card);
    let lay = |card: &str| {
        let encoded = lay(&hotel, &service, card);
        assert!(encoded.failed.is_empty(), "{encoded:?}");
        (encoded.done.len(), encoded.waiting.len())
    };
    run(service.deliver(&confirmed("one", 1, &rooms[..3], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(tasks(&service), [DeskTaskKind::PresentCard; 2]);
    assert_eq!(lay("c1"), (1, 1));
    assert_eq!(tasks(&service), [DeskTaskKind::PresentCard]);
    let is_first = opened("c1")[0];
    let (two_rooms, one_room) = if is_first { ("c1", "c2") } else { ("c2", "c1") };
    assert_eq!(lay("c1"), (0, 1), "it is the other one's card");
    assert_eq!(lay("c2"), (1, 0));
    assert!(tasks(&service).is_empty());
    assert_eq!(opened(two_rooms), [true, true, false, false]);
    assert_eq!(opened(one_room), [false, false, true, false]);

    // The first room goes and another comes: one card is written again, and the other one stays as it is.
    run(service.deliver(&confirmed("one", 2, &rooms[1..], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(tasks(&service), [DeskTaskKind::Reencode]);
    assert_eq!([lay(one_room), lay(two_rooms)], [(0, 1), (1, 0)]);
    assert_eq!(opened(two_rooms), [false, true, false, true]);
    assert_eq!(opened(one_room), [false, false, true, false]);

    // Both are lost, and two others come in their place.
    run(service.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    let done = [lay("c3"), lay("c3"), lay("c4")].map(|(done, _)| done);
    assert_eq!(done, [1, 0, 1]);
    let both = || [0, 1, 2, 3].map(|room| [opened("c3")[room], opened("c4")[room]]);
    let is_by_one = |[three, four]: [bool; 2]| three ^ four;
    assert_eq!(both().map(is_by_one), [false, true, true, true], "{:?}", both());
    for card in ["c1", "c2"] {
        lay(card);
        assert_eq!(opened(card), [false; 4], "{card} was lost");
    }

    // What is left has room on one card: the other one's time is over.
    run(service.deliver(&confirmed("one", 3, &rooms[1..2], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    lay("c3");
    lay("c4");
    assert_eq!(both().map(is_by_one), [false, true, false, false], "{:?}", both());
    assert_eq!(hotel.held(), 1);
    run(service.deliver(&booking("cancelled", "one", 4))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    lay("c3");
    lay("c4");
    assert_eq!(run(service.all_revoked(stay("one"))).unwrap(), AllRevoked::Confirmed);
    assert_eq!(both(), [[false; 2]; 4]);
}

/// Three rooms on two cards, the first of which is written: which rooms it opens.
fn half_way(other: Option<&str>) -> (Hotel, KeyService, [bool; 4]) {
    let hotel = hotel(other);
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &rooms()[..3], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(lay(&hotel, &service, "c1").done.len(), 1);
    let opens = opened(&hotel, "c1");
    (hotel, service, opens)
}

/// The same, and the second is refused for good.
fn half_refused(other: Option<&str>) -> (Hotel, KeyService, [bool; 4]) {
    let (hotel, service, opens) = half_way(other);
    let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::Refused);
    let no = LockError::new(code, reason, RetryAdvice::Never, "no");
    hotel.vendor().push_fault(Fault::Refuse(no));
    assert_eq!(lay(&hotel, &service, "c2").failed.len(), 1);
    hotel.live(&service, TimeDelta::minutes(1));
    (hotel, service, opens)
}

fn of(service: &KeyService, state: KeyState) -> usize {
    run(service.keys(stay("one").into())).unwrap().iter().filter(|key| key.state == state).count()
}

/// R56, R121: what is refused is asked for elsewhere, and what was given stays given.
#[test]
fn what_one_key_was_refused_another_adapter_gives_and_the_others_stay() {
    let (hotel, service, opens) = half_refused(Some("mock://?seed=9"));
    let mut told = Told::default();
    told.drain(&service);
    let code = told.hand(&stay("one")).to_vec();
    for (nth, door) in rooms().into_iter().enumerate() {
        assert_eq!(hotel.opens(&code, door), nth < 3 && !opens[nth], "{door} by the code");
    }
    assert_eq!(opened(&hotel, "c1"), opens);
    assert!(tasks(&service).is_empty(), "{:?}", tasks(&service));
    assert_eq!((of(&service, KeyState::Active), of(&service, KeyState::Failed)), (2, 1));
}

/// R127: whose other key works has a person for the one that does not, whatever becomes of the first.
#[test]
fn the_task_of_one_key_is_not_done_by_another() {
    let (hotel, service, opens) = half_refused(None);
    assert_eq!(tasks(&service), [DeskTaskKind::EscortGuest]);
    run(service.deliver(&booking("fraud_flagged", "one", 2))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    lay(&hotel, &service, "c1");
    assert_eq!(opened(&hotel, "c1"), [false; 4]);
    run(service.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    lay(&hotel, &service, "c1");
    assert_eq!(opened(&hotel, "c1"), opens);
    assert_eq!(tasks(&service), [DeskTaskKind::EscortGuest]);
}

/// What is new does not wait for a key that was refused, and that is not asked for again.
#[test]
fn what_is_new_goes_to_a_key_that_may_come() {
    let (hotel, service, opens) = half_refused(None);
    run(service.deliver(&confirmed("one", 2, &rooms(), 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    let written = [lay(&hotel, &service, "c1").done.len(), lay(&hotel, &service, "c3").done.len()];
    assert_eq!(written.iter().sum::<usize>(), 1);
    let by_either = |nth: usize| opened(&hotel, "c1")[nth] || opened(&hotel, "c3")[nth];
    assert_eq!([0, 1, 2, 3].map(by_either), [opens[0], opens[1], opens[2], true]);
    assert_eq!((tasks(&service), of(&service, KeyState::Failed)), (vec![DeskTaskKind::EscortGuest], 1));
}

/// R71: a key for rooms that its guest has no longer goes at once, and waits for no other key of his.
#[test]
fn a_key_that_is_not_wanted_any_more_waits_for_no_other() {
    let (hotel, service, opens) = half_way(None);
    let rest: Vec<&str> = (0..3).filter(|nth| !opens[*nth]).map(|nth| rooms()[nth]).collect();
    run(service.deliver(&confirmed("one", 2, &rest, 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!((tasks(&service), of(&service, KeyState::Revoked)), (vec![DeskTaskKind::PresentCard], 1));
    // What stood on it is gone when it is seen; then it may bear the other key.
    lay(&hotel, &service, "c1");
    lay(&hotel, &service, "c2");
    let (one, two) = (opened(&hotel, "c1"), opened(&hotel, "c2"));
    assert!((0..3).all(|nth| (one[nth] || two[nth]) != opens[nth]), "{one:?} and {two:?} for {opens:?}");
    assert!(tasks(&service).is_empty());
}

/// Nobody is asked for a card that nobody needs any more.
#[test]
fn the_task_of_a_key_that_is_not_wanted_any_more_is_over() {
    let (hotel, service, opens) = half_way(None);
    assert_eq!(tasks(&service), [DeskTaskKind::PresentCard]);
    let rest: Vec<&str> = (0..3).filter(|nth| opens[*nth]).map(|nth| rooms()[nth]).collect();
    run(service.deliver(&confirmed("one", 2, &rest, 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert!(tasks(&service).is_empty(), "{:?}", tasks(&service));
    assert_eq!(opened(&hotel, "c1"), opens);
}

/// With more cards than six nobody finds the right one: for what is beyond a person is asked.
#[test]
fn there_is_a_most_of_cards() {
    let rooms = ["101", "102", "103", "104", "105", "106", "107", "108"];
    let hotel = Hotel::of(&[("main", "mock://?personality=card&doors=1", &rooms)]);
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &rooms, 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    let cards = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    cards.iter().for_each(|card| drop(lay(&hotel, &service, card)));
    hotel.live(&service, TimeDelta::minutes(1));
    let opened = |card: &&str| rooms.iter().filter(|door| hotel.opens(&[(*card).to_owned()], door)).count();
    let mut opened: Vec<usize> = cards.iter().map(opened).collect();
    opened.sort_unstable();
    assert_eq!(opened, [0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(tasks(&service), [DeskTaskKind::EscortGuest]);
}
