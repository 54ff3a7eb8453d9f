//! What each kind of vendor does that the others do not.

use chrono::TimeDelta;
use lockport::credential::{KeyCredentialKind, Proof};
use lockport::driver::{Answer, Found, GrantOrder, Reach, VendorDriver as _, WaitsFor, Withdrawn};
use lockport::env::Clock as _;
use lockport::{RetryAdvice, Secret, Validity};
use lockport_mock::{Fault, Personality, descriptor};

use crate::stand::Stand;

#[test]
fn every_personality_has_a_word_and_is_described_by_its_driver() {
    for personality in Personality::ALL {
        assert_eq!(personality.as_str().parse(), Ok(personality));
        let stand = Stand::of(personality);
        assert_eq!(stand.driver.describe(), descriptor(personality));
        assert_eq!(stand.vendor.personality(), personality);
    }
    let error = "per_floor".parse::<Personality>().unwrap_err();
    assert!(error.to_string().ends_with("per_door per_stay room_wide silent_ack card webhook"));
}

#[tokio::test]
async fn per_stay_answers_before_it_has_done_a_thing_and_knows_its_callers_keys() {
    let stand = Stand::of(Personality::PerStay);
    let doors = stand.doors.to_vec();
    let order =
        GrantOrder { doors, artifact: None, ..stand.order(KeyCredentialKind::MobileApp, None, "one") };
    let pending = stand.wait_for(&order).await;
    assert_eq!(pending.waits_for, WaitsFor::Vendor);
    assert_eq!(pending.ask_after, stand.clock.now() + TimeDelta::seconds(2));
    assert!(matches!(stand.find(&order).await, Found::Otherwise));
    stand.wait_for(&order).await;
    stand.pass(2);
    let token = stand.found(&order).await.unwrap().artifact.unwrap();
    // EXPOSE: tried at the doors.
    let token = token.expose();
    assert!(stand.doors.iter().all(|door| stand.opens_at(*door, token)));
    assert!(stand.grant(&order).await.unwrap().artifact.is_some());
    assert_eq!(stand.vendor.effects_made(), 1);
    // After a day the key is a new one.
    stand.pass(24 * 3600);
    stand.wait_for(&order).await;
    stand.pass(2);
    assert_eq!(stand.vendor.effects_made(), 2);
}

#[tokio::test]
async fn per_stay_takes_what_waits_out_of_its_queue() {
    let stand = Stand::of(Personality::PerStay);
    let order = stand.order(KeyCredentialKind::MobileApp, None, "one");
    stand.wait_for(&order).await;
    stand.withdraw(&order, None).await.unwrap();
    assert!(matches!(stand.find(&order).await, Found::Absent));
    stand.pass(10);
    assert_eq!((stand.vendor.live_grants(stand.door), stand.vendor.effects_made()), (0, 0));
}

#[tokio::test]
async fn per_stay_keeps_the_token_when_the_doors_change() {
    let stand = Stand::of(Personality::PerStay);
    let order = stand.order(KeyCredentialKind::MobileApp, None, "one");
    stand.wait_for(&order).await;
    stand.pass(2);
    let granted = stand.grant(&order).await.unwrap();
    let [_, two, three] = stand.doors;
    let target = GrantOrder { doors: vec![two, three], ..order.clone() };
    assert!(matches!(stand.find(&target).await, Found::Otherwise));
    stand.amend(&order, granted.reference, &target).await.unwrap();
    let token = granted.artifact.unwrap();
    // EXPOSE: tried at the doors.
    let token = token.expose();
    assert!(!stand.opens(token) && stand.opens_at(two, token) && stand.opens_at(three, token));
    stand.vendor.set_memory_limit(stand.door, 0);
    assert!(stand.amend(&target, None, &order).await.is_err());
    assert!(stand.found(&target).await.is_some());
}

#[tokio::test]
async fn room_wide_clears_a_room_unless_it_is_told_that_others_need_it() {
    let stand = Stand::of(Personality::RoomWide);
    let (one, two) = (stand.pin("482913", "one"), stand.pin("195527", "two"));
    let reference = stand.grant(&one).await.unwrap().reference;
    stand.grant(&two).await.unwrap();
    stand.take(&one, reference, vec![stand.door]).await.unwrap();
    assert!(!stand.opens("482913") && stand.opens("195527"));
    assert!(matches!(stand.find(&one).await, Found::Absent));
    assert_eq!(stand.vendor.live_grants(stand.door), 1);
    // Nobody has the digits any more.
    let again = stand.pin("482913", "three");
    stand.grant(&again).await.unwrap();
    stand.withdraw(&again, None).await.unwrap();
    assert!(!stand.opens("482913") && !stand.opens("195527"));
    let reach = Reach { kind: KeyCredentialKind::PinCode, doors: &stand.doors, at: None };
    assert_eq!(stand.driver.lease_keys(&reach).len(), 3);
}

#[tokio::test]
async fn silent_ack_names_nothing_and_shows_nothing() {
    let stand = Stand::of(Personality::SilentAck);
    let order = stand.phone("token", "one");
    assert!(stand.grant(&order).await.unwrap().reference.is_none());
    assert!(matches!(stand.find(&order).await, Found::CannotTell));
    // A second grant would be a second key: nothing at this vendor tells them apart.
    stand.grant(&order).await.unwrap();
    assert_eq!(stand.vendor.live_grants(stand.door), 2);
    let blocked = GrantOrder { blocked: true, ..order.clone() };
    stand.amend(&order, None, &blocked).await.unwrap();
    assert!(!stand.opens("token"));
    stand.withdraw(&order, None).await.unwrap();
    assert_eq!(stand.vendor.live_grants(stand.door), 0);
}

#[tokio::test]
async fn webhook_does_it_later_and_tells() {
    let stand = Stand::of(Personality::Webhook);
    let order = stand.phone("token", "one");
    let pending = stand.wait_for(&order).await;
    assert_eq!(pending.waits_for, WaitsFor::Webhook);
    assert!(!stand.opens("token") && matches!(stand.find(&order).await, Found::Absent));
    assert!(stand.vendor.take_webhooks().is_empty());
    stand.pass(1);
    assert!(stand.opens("token") && stand.found(&order).await.is_some());
    assert_eq!(stand.vendor.take_webhooks(), ["{\"job\":1,\"outcome\":\"done\"}"]);
    assert!(stand.vendor.take_webhooks().is_empty());

    let shorter = Validity::new(order.window.from(), order.window.until() - TimeDelta::minutes(10)).unwrap();
    let target = GrantOrder { window: shorter, ..order.clone() };
    assert!(matches!(stand.amend(&order, None, &target).await.unwrap(), Answer::Pending(_)));
    assert!(matches!(stand.find(&target).await, Found::Otherwise));
    stand.pass(1);
    assert!(stand.found(&target).await.is_some());
    assert!(matches!(stand.take(&order, None, Vec::new()).await.unwrap(), Answer::Pending(_)));
    assert!(stand.opens("token"));
    stand.pass(1);
    assert!(!stand.opens("token"));
    assert_eq!(stand.vendor.take_webhooks().len(), 2);
    // What was accepted can still be refused.
    stand.vendor.set_memory_limit(stand.door, 0);
    stand.wait_for(&stand.phone("token", "two")).await;
    stand.pass(1);
    assert_eq!(stand.vendor.take_webhooks(), ["{\"job\":4,\"outcome\":\"refused 4003\"}"]);
}

fn card_order(stand: &Stand, marker: &str) -> GrantOrder {
    stand.order(KeyCredentialKind::RfidCard, None, marker)
}

#[tokio::test]
async fn a_card_is_written_when_it_lies_there() {
    let stand = Stand::of(Personality::Card);
    let order = card_order(&stand, "one");
    let pending = stand.wait_for(&order).await;
    assert_eq!(pending.waits_for, WaitsFor::CardAt(stand.encoder));
    assert_eq!(pending.give_up_at, order.window.until());
    assert!(stand.notes.0.lock().unwrap().is_none(), "nothing was begun");
    assert!(matches!(stand.find(&order).await, Found::Otherwise));

    stand.vendor.encoder(stand.encoder).place_card("A");
    assert!(matches!(stand.find(&order).await, Found::Otherwise));
    stand.vendor.push_fault(Fault::LoseCall);
    assert_eq!(stand.ask(&order).await.unwrap_err().advice(), RetryAdvice::OutcomeUnknown);
    let noted = stand.notes.0.lock().unwrap().clone();
    assert_eq!(noted.as_deref(), Some("A"));
    let again = stand.attempt("one", noted.as_deref());
    assert!(matches!(stand.driver.find(&order, &again).await.unwrap(), Found::Absent));
    assert_eq!(stand.vendor.encoder(stand.encoder).remove().as_deref(), Some("A"));
    assert!(matches!(stand.driver.find(&order, &again).await.unwrap(), Found::CannotTell));
    // Whoever noted one card does not go on with another.
    stand.vendor.encoder(stand.encoder).place_card("B");
    assert!(matches!(stand.driver.find(&order, &again).await.unwrap(), Found::CannotTell));
    assert!(matches!(stand.driver.grant(&order, &again).await.unwrap(), Answer::Pending(_)));
    stand.vendor.encoder(stand.encoder).place_card("A");
    assert!(matches!(stand.driver.grant(&order, &again).await.unwrap(), Answer::Done(_)));
    assert!(stand.found(&order).await.is_some());
    assert_eq!(stand.vendor.encoder(stand.encoder).remove().as_deref(), Some("A"));
    assert!(stand.opens("A") && !stand.opens("B"));
    assert_eq!((stand.vendor.live_grants(stand.door), stand.vendor.effects_made()), (1, 1));
}

/// The first command takes effect, and nobody hears of it: what does the card open then?
#[tokio::test]
async fn narrowing_wipes_first_and_widening_writes_first() {
    for (minutes, opens_in_between) in [(30, false), (90, true)] {
        let stand = Stand::of(Personality::Card);
        let order = card_order(&stand, "one");
        stand.vendor.encoder(stand.encoder).place_card("A");
        let granted = stand.grant(&order).await.unwrap();
        let until = order.window.from() + TimeDelta::minutes(minutes);
        let window = Validity::new(order.window.from(), until).unwrap();
        let target = GrantOrder { window, serial: 2, ..order.clone() };
        stand.vendor.push_fault(Fault::LoseReply);
        let error = stand.amend(&order, granted.reference.clone(), &target).await.unwrap_err();
        assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown);
        assert_eq!(stand.opens("A"), opens_in_between);
        stand.amend(&order, granted.reference, &target).await.unwrap();
        let door = stand.vendor.door(stand.door);
        assert!(door.try_open("A", until - TimeDelta::seconds(1)) && !door.try_open("A", until));
        assert_eq!(stand.vendor.live_grants(stand.door), 1);
        // A refused second command is no refusal of the whole.
        stand.vendor.push_fault_after(1, Fault::UnknownCode);
        let reference = Some(Secret::new("A".to_owned()));
        let error = stand.amend(&target, reference, &GrantOrder { serial: 3, ..order }).await.unwrap_err();
        assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown);
    }
}

#[tokio::test]
async fn a_card_that_is_away_is_out_of_reach() {
    let stand = Stand::of(Personality::Card);
    let order = card_order(&stand, "one");
    // Never written: nothing to take away.
    let never = stand.take(&order, None, Vec::new()).await.unwrap();
    assert!(matches!(never, Answer::Done(Withdrawn { proof: Proof::AtLock, .. })));
    let encoder = stand.vendor.encoder(stand.encoder);
    encoder.place_card("A");
    let reference = stand.grant(&order).await.unwrap().reference;
    for other in [None, Some("B")] {
        encoder.remove();
        if let Some(other) = other {
            encoder.place_card(other);
        }
        let away = stand.take(&order, reference.clone(), Vec::new()).await.unwrap();
        assert!(
            matches!(away, Answer::Done(Withdrawn { proof: Proof::ExpiresOnly, warnings }) if warnings.len() == 1)
        );
        let changed = stand.amend(&order, reference.clone(), &order).await.unwrap();
        assert!(matches!(changed, Answer::Pending(_)));
        assert!(stand.opens("A"));
    }
    encoder.place_card("A");
    let seen = stand.take(&order, reference, Vec::new()).await.unwrap();
    assert!(matches!(seen, Answer::Done(Withdrawn { proof: Proof::AtLock, .. })));
    assert!(!stand.opens("A"));
    assert_eq!(stand.vendor.live_grants(stand.door), 0);
}

#[tokio::test]
async fn a_door_that_saw_a_newer_card_opens_to_no_older_one() {
    let stand = Stand::of(Personality::Card);
    let encoder = stand.vendor.encoder(stand.encoder);
    let order = card_order(&stand, "one");
    encoder.place_card("old");
    stand.grant(&order).await.unwrap();
    encoder.place_card("new");
    stand.grant(&GrantOrder { serial: 2, marker: "two".to_owned(), ..order.clone() }).await.unwrap();
    assert!(stand.opens("old"), "nobody has told the door");
    assert!(stand.opens("new") && !stand.opens("old"));
    // Another guest's card is neither older nor newer.
    encoder.place_card("other");
    stand.grant(&card_order(&stand, "other")).await.unwrap();
    assert!(stand.opens("other") && stand.opens("new"));
    // A card is one holder's: what was on it goes.
    encoder.place_card("new");
    stand.grant(&card_order(&stand, "next")).await.unwrap();
    assert_eq!(stand.vendor.live_grants(stand.door), 3);
    assert!(stand.driver.describe().kinds.iter().all(|kind| kind.recovery.notes_first));
}
