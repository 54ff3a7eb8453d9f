use chrono::TimeDelta;
use lockport::ErrorCode;
use lockport::keys::{AllRevoked, DeskTaskKind};

use crate::rig::{Hotel, booking, confirmed, door, name, stay, tasks, user};
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
