use chrono::TimeDelta;
use lockport::ErrorCode;
use lockport::keys::{AllRevoked, DeskTaskKind};

use crate::rig::{Hotel, booking, confirmed, door, name, room, stay, tasks, user};
use crate::yielding::run;

fn card_hotel() -> Hotel {
    Hotel::of(&[("main", "mock://?personality=card", &["101", "102"])])
}

fn opens(hotel: &Hotel, card: &str, at: &str) -> bool {
    hotel.opens(&[card.to_owned()], at)
}

/// A card is written when its holder stands at the desk; until then a task says so. What changes while it is out changes when it
/// is seen, and what is taken away is taken away then.
#[test]
fn a_card_is_written_at_the_desk() {
    let hotel = card_hotel();
    let service = hotel.service("a");
    let at = Hotel::encoder("main");
    let encoder = hotel.vendor().encoder(at);
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(tasks(&service), [DeskTaskKind::PresentCard]);
    assert_eq!(hotel.vendor().calls(), 0, "nobody is there");
    let nothing_there = run(service.encode_now(stay("one").into(), at)).unwrap();
    assert_eq!((nothing_there.done.len(), nothing_there.waiting.len()), (0, 1));

    encoder.place_card("c1");
    let written = run(service.encode_now(stay("one").into(), at)).unwrap();
    assert_eq!((written.done.len(), written.waiting.len(), written.failed.len()), (1, 0, 0));
    assert!(opens(&hotel, "c1", "101"));
    assert!(tasks(&service).is_empty());
    encoder.remove();

    run(service.deliver(&confirmed("one", 2, &["102"], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(tasks(&service), [DeskTaskKind::Reencode]);
    assert!(opens(&hotel, "c1", "101") && !opens(&hotel, "c1", "102"));
    encoder.place_card("c2");
    let wrong_card = run(service.encode_now(stay("one").into(), at)).unwrap();
    assert_eq!((wrong_card.done.len(), wrong_card.waiting.len()), (0, 1));
    encoder.place_card("c1");
    assert_eq!(run(service.encode_now(stay("one").into(), at)).unwrap().done.len(), 1);
    assert!(!opens(&hotel, "c1", "101") && opens(&hotel, "c1", "102"));
    encoder.remove();

    run(service.deliver(&booking("cancelled", "one", 3))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert!(opens(&hotel, "c1", "102"), "the card is out");
    assert!(matches!(run(service.all_revoked(stay("one"))).unwrap(), AllRevoked::By(_)));
    encoder.place_card("c1");
    assert_eq!(run(service.encode_now(stay("one").into(), at)).unwrap().done.len(), 1);
    assert!(!opens(&hotel, "c1", "102"));
    assert_eq!(run(service.all_revoked(stay("one"))).unwrap(), AllRevoked::Confirmed);
}

/// A lost card: somebody has to see to the door until its window is over; its holder gets another one, and the old one, should it
/// ever lie here again, is wiped.
#[test]
fn a_lost_card_is_watched() {
    let hotel = card_hotel();
    let service = hotel.service("a");
    let at = Hotel::encoder("main");
    let encoder = hotel.vendor().encoder(at);
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    encoder.place_card("c1");
    run(service.encode_now(stay("one").into(), at)).unwrap();
    encoder.remove();
    run(service.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
    run(service.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(tasks(&service), [DeskTaskKind::PresentCard, DeskTaskKind::VisitDoor]);
    encoder.place_card("c2");
    assert_eq!(run(service.encode_now(stay("one").into(), at)).unwrap().done.len(), 1);
    assert!(opens(&hotel, "c2", "101"));
    assert_eq!(tasks(&service), [DeskTaskKind::VisitDoor]);
    hotel.live(&service, TimeDelta::hours(49));
    assert!(tasks(&service).is_empty(), "the end of the window has done it");
    assert!(!opens(&hotel, "c1", "101") && !opens(&hotel, "c2", "101"));
}

#[test]
fn an_encoder_that_is_not_there_is_named() {
    let hotel = card_hotel();
    let service = hotel.service("a");
    let error = run(service.encode_now(stay("one").into(), door("elsewhere"))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeviceNotPaired);
}

/// R30: a card has so many doors at most, and a stay of more has several cards. None is written over another, whichever lies there.
#[test]
fn a_stay_of_more_doors_than_a_card_has_gets_several() {
    let mut rooms = ["101", "102", "201", "202"];
    rooms.sort_by_key(|name| room(name));
    let hotel = Hotel::of(&[("main", "mock://?personality=card&doors=2", &rooms)]);
    let service = hotel.service("a");
    let at = Hotel::encoder("main");
    let encoder = hotel.vendor().encoder(at);
    let opened = |card: &str| rooms.map(|door| opens(&hotel, card, door));
    let lay = |card: &str| {
        encoder.place_card(card);
        let encoded = run(service.encode_now(stay("one").into(), at)).unwrap();
        assert!(encoded.failed.is_empty(), "{encoded:?}");
        encoder.remove();
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
