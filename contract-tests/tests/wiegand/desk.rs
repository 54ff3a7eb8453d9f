//! A day at the desk: cables, wrong cards, other people's cards, and a technician's mistakes.

use std::time::Duration;

use chrono::TimeDelta;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{
    Contact, Guest, Holder, IssueInput, KeyCredentialKind, Place as CardPlace, Progress, RevokeInput,
    RevokeReason, Staff, UpdateInput, WarningCode,
};
use lockport::driver::{CardDesk as _, CardSays, VendorDriver as _};
use lockport::env::{Clock as _, Env, SeededEntropy};
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, ReservationId, UserId};
use lockport::store::{MemoryStore, Partition};
use lockport::{ErrorCode, FailureReason, LockError, LockPort as _, RetryAdvice, Validity};
use lockport_contract::Presence as _;
use lockport_contract::harness::WiegandBench;
use lockport_sim_encoder::{Card, Door, Fault, On, Place, SectorKeys, Step, What};
use lockport_wiegand::{EncoderModel, UsbIdentity, WiegandConfig, WiegandDriver, WiegandEncoder};
use std::sync::Arc;

use crate::scene::{Scene, Verb};

const CARD: KeyCredentialKind = KeyCredentialKind::RfidCard;

fn is(error: &LockError) -> (ErrorCode, FailureReason, RetryAdvice) {
    (error.code(), error.reason(), error.advice())
}

async fn scene(verb: Verb) -> Scene {
    Scene::set(EncoderModel::Pn532Serial, CARD, verb).await
}

/// The adapter over this driver, for what is not in the port.
pub(crate) async fn adapter(
    bench: &WiegandBench,
    change: impl FnOnce(&mut WiegandConfig) + Send,
) -> Adapter<WiegandDriver> {
    let env = Env {
        clock: bench.clock.clone(),
        sleep: bench.clock.clone(),
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    let setup = AdapterSetup {
        name: "main".to_owned(),
        partition: Partition { tenant: bench.site.tenant, property: bench.site.property },
        doors: Arc::new(bench.site.door_map()),
        store: Arc::new(MemoryStore::new()),
        env,
        instance: "desk".to_owned(),
    };
    Adapter::new(bench.driver_with(change).await.unwrap(), setup)
}

/// R62, R120: a cable that comes out between two jobs is no trouble once it is back, and an error that says so while it is not.
#[tokio::test]
async fn an_encoder_that_was_unplugged_is_found_again() {
    for (verb, again) in [(Verb::Issue, true), (Verb::Longer, true), (Verb::Revoke, true)] {
        let scene = scene(verb).await;
        scene.bench.encoder.unplug();
        let error = scene.call().await.unwrap_err();
        let right = (ErrorCode::CardEncoderOffline, FailureReason::DeviceOffline, RetryAdvice::NotApplied);
        assert_eq!(is(&error), right, "{verb:?}");
        scene.come();
        assert_eq!(scene.call().await.unwrap(), again, "{verb:?}");
        scene.opens_just_the_new("back");
    }
}

/// Section 12: the device is known by its USB serial number and its firmware. Another one writes no card.
#[tokio::test]
async fn only_the_encoder_that_was_paired_writes_cards() {
    let bench = WiegandBench::of(EncoderModel::Pn532Serial, 0).unwrap();
    let encoder = bench.encoder();
    let usb =
        |product_id, serial: &str| UsbIdentity { vendor_id: 7, product_id, serial: Some(serial.into()) };

    let other_firmware = bench
        .driver_with(|config| config.encoders.values_mut().for_each(|own| own.firmware = "1.5".into()))
        .await
        .unwrap();
    let error = other_firmware.read_card(encoder).await.unwrap_err();
    assert_eq!((error.code(), error.advice()), (ErrorCode::DeviceNotPaired, RetryAdvice::Never));

    // Cheap bridges all have this serial number: the port tells, and what is plugged in there has to be alike.
    let shared = |config: &mut WiegandConfig| {
        config.encoders.values_mut().for_each(|own| own.usb = Some(usb(1, "0001")));
    };
    let driver = bench.driver_with(shared).await.unwrap();
    bench.change_usb(usb(1, "0001"));
    let health = driver.encoder_health(encoder).await.unwrap();
    assert!(health.online);
    assert_eq!(
        health.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(),
        [WarningCode::SharedIdentity]
    );
    // Plugged in again its port is called otherwise: it is the only one of its make, unless the property has two.
    bench.encoder.unplug();
    bench.encoder.plug();
    bench.change_port("another port");
    assert!(driver.encoder_health(encoder).await.unwrap().online);
    let two = |config: &mut WiegandConfig| {
        shared(config);
        let other = config.encoders.values().next().cloned().unwrap();
        let other = WiegandEncoder { desk_slot: 1, port: "the other desk's".into(), ..other };
        config.encoders.insert(LockDeviceId::derived("encoder", &[b"other"]), other);
    };
    bench.encoder.unplug();
    bench.encoder.plug();
    bench.change_port("the desk's port");
    let of_two = bench.driver_with(two).await.unwrap();
    assert!(of_two.encoder_health(encoder).await.unwrap().online);
    bench.encoder.unplug();
    bench.encoder.plug();
    bench.change_port("another port");
    let error = of_two.encoder_health(encoder).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CardEncoderOffline, "it may be the other desk's");
    bench.change_port("the desk's port");
    bench.encoder.unplug();
    bench.encoder.plug();
    bench.change_usb(usb(2, "0001"));
    let error = driver.encoder_health(encoder).await.unwrap_err();
    assert_eq!((error.code(), error.advice()), (ErrorCode::DeviceNotPaired, RetryAdvice::Never));

    // A number of its own names it, wherever it is plugged in; a device with another number is not it.
    bench.change_usb(usb(2, "A-17"));
    let driver = bench.driver().await.unwrap();
    assert!(driver.encoder_health(encoder).await.unwrap().warnings.is_empty());
    bench.encoder.unplug();
    bench.encoder.plug();
    bench.change_usb(usb(2, "A-18"));
    let error = driver.encoder_health(encoder).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CardEncoderOffline);
    assert_eq!(driver.devices().await.unwrap_err().code(), ErrorCode::CardEncoderOffline);
    let nobodys = bench.site.rooms[0].doors[0];
    assert_eq!(driver.encoder_health(nobodys).await.unwrap_err().code(), ErrorCode::DeviceNotPaired);
}

/// Section 11: each wrong card has its own word, and nothing is written on any.
#[tokio::test]
async fn a_wrong_card_is_told_by_its_word_and_left_alone() {
    let two = Card::classic_1k([9, 9, 9, 9]);
    let foreign = Card::foreign(&[4, 1, 2, 3, 4, 5, 6], [0x03, 0x44], 0x20);
    let tag = Card::ultralight([4, 1, 2, 3, 4, 5, 6]);
    let others = Card::classic_1k([8, 8, 8, 8]);
    for trailer in [11, 15] {
        others.set_block(trailer, [0xA5, 1, 2, 3, 4, 5, 0x78, 0x77, 0x88, 0x69, 0xA5, 1, 2, 3, 4, 5]);
    }
    let cases: [(&str, &[&Card], RetryAdvice); 4] = [
        ("multiple_cards", &[&two, &others], RetryAdvice::NotApplied),
        ("card_unsupported", &[&foreign], RetryAdvice::NotApplied),
        ("card_unsupported", &[&tag], RetryAdvice::NotApplied),
        ("sector_config", &[&others], RetryAdvice::NotApplied),
    ];
    for (word, cards, advice) in cases {
        let scene = scene(Verb::Issue).await;
        let _none = scene.bench.encoder.take_all();
        cards.iter().for_each(|card| scene.bench.encoder.put(card));
        let error = scene.call().await.unwrap_err();
        assert_eq!((error.code(), error.reason().as_str()), (ErrorCode::KeyIssueFailed, word));
        assert_eq!(error.advice(), advice, "{word}");
        for card in cards {
            assert_eq!(card.tally().writes, 0, "{word}");
        }
        if advice != RetryAdvice::Never {
            scene.repeat().await;
            scene.opens_just_the_new(word);
        }
    }
}

/// Section 13: a job that takes too long stops where it is; the card opens no more than before or after, and the repeat ends it.
#[tokio::test]
async fn a_slow_encoder_and_a_stuck_one_end_in_time() {
    let delay = What::Delay(Duration::from_millis(300));
    let slow = Fault { on: On::Any, skip: 0, times: 200, what: delay };
    let stuck = Fault::after(Step::Write, 1, What::Stick);
    // The one waits half a second for an answer, the other a tenth for its acknowledgement.
    let slow = (EncoderModel::Rrhfoem04, slow, ErrorCode::KeyIssueFailed);
    let stuck = (EncoderModel::Pn532Serial, stuck, ErrorCode::CardEncoderOffline);
    for (model, fault, code) in [slow, stuck] {
        for verb in [Verb::Issue, Verb::Shorter, Verb::OtherRoom, Verb::Longer] {
            let scene = Scene::set(model, CARD, verb).await;
            scene.come();
            scene.bench.encoder.fault(fault.clone());
            let begin = scene.bench.clock.now();
            let error = scene.call().await.unwrap_err();
            let took = scene.bench.clock.now() - begin;
            assert_eq!((error.code(), error.advice()), (code, RetryAdvice::OutcomeUnknown), "{verb:?}");
            assert!(took < TimeDelta::seconds(10), "{verb:?} took {took}");
            scene.opens_at_most_either("stopped");
            scene.bench.encoder.clear_faults();
            scene.bench.encoder.unplug();
            scene.repeat().await;
            scene.opens_just_the_new("repeated");
        }
    }
}

/// Whose card is this, until when, which rooms: read at the desk, and nothing is changed.
#[tokio::test]
async fn a_card_on_the_desk_says_whose_it_is() {
    let scene = scene(Verb::Issue).await;
    let adapter = adapter(&scene.bench, |_| {}).await;
    let encoder = scene.bench.encoder();
    let _none = scene.bench.encoder.take_all();
    assert!(adapter.read_card(encoder).await.unwrap().is_none());

    let input = scene.stay_input();
    scene.come();
    let issued = adapter.issue_credential(input.clone()).await.unwrap().credential;
    let writes = scene.card().tally().writes;
    let lies = adapter.read_card(encoder).await.unwrap().unwrap();
    let CardSays::Key { doors, window, staff } = lies.says else { panic!("it says {:?}", lies.says) };
    assert_eq!((window, staff), (input.validity, false));
    assert_eq!(doors.len(), 3, "two rooms and the gym: {doors:?}");
    let mut rooms = input.rooms.clone();
    rooms.sort();
    assert_eq!(lies.rooms, rooms);
    let owner = lies.owner.unwrap();
    assert_eq!((owner.credential, owner.holder), (issued.id, input.holder.clone()));

    let key = "away".parse().unwrap();
    let revoke = RevokeInput::new(input.tenant_id, issued.id, RevokeReason::Checkout, key);
    let outcome = adapter.revoke_credential(revoke.with_place(input.place.clone())).await.unwrap();
    assert!(outcome.warnings.is_empty());
    let lies = adapter.read_card(encoder).await.unwrap().unwrap();
    assert_eq!((lies.says, lies.owner), (CardSays::Nothing, None));
    assert_eq!(scene.card().tally().writes, writes + 1, "reading wrote nothing");

    let _taken = scene.bench.encoder.take_all();
    scene.bench.encoder.put(&Card::foreign(&[1, 2, 3, 4], [0, 2], 0x18));
    assert_eq!(adapter.read_card(encoder).await.unwrap().unwrap().says, CardSays::Foreign);
    scene.bench.encoder.put(&scene.card());
    let error = adapter.read_card(encoder).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::MultipleCards);
    assert!(adapter.encoder_health(encoder).await.unwrap().online);
}

/// Section 9.3: a card's own keys are written once, with access bits that let a door only read; the doors of the property open with
/// them, and the encoder writes with them from then on.
#[tokio::test]
async fn a_card_gets_keys_of_its_own() {
    let scene = scene(Verb::Issue).await;
    let adapter = adapter(&scene.bench, |config| config.personalise = true).await;
    scene.come();
    let card = scene.card();
    card.allow_only([8, 9, 10, 11, 12, 13, 14, 15]);
    let input = scene.stay_input();
    let issued = adapter.issue_credential(input.clone()).await.unwrap().credential;
    let tally = card.tally();
    assert_eq!((tally.trailers, tally.manufacturer, tally.foreign), (2, 0, 0));
    for trailer in [11, 15] {
        let block = card.block(trailer).unwrap();
        assert_eq!(block[6..9], [0x78, 0x77, 0x88]);
        assert_ne!(block[..6], [0xFF; 6]);
    }
    let otherwise = [0xFF; 6];
    let property = scene.bench.property().with_sector_keys(SectorKeys::Personal { otherwise });
    let door = Door::signed_record(
        &property,
        Place::Room(scene.bench.number_of(scene.bench.site.rooms[0].doors[0])),
    );
    let at = input.validity.from().timestamp_millis();
    assert!(door.try_open(&card, at).opened);

    let key = "gone".parse().unwrap();
    let revoke = RevokeInput::new(input.tenant_id, issued.id, RevokeReason::Checkout, key);
    adapter.revoke_credential(revoke.with_place(input.place.clone())).await.unwrap();
    assert!(!door.try_open(&card, at).opened);
    assert_eq!(card.tally().trailers, 2, "the keys are written once");
}

/// A revoke that finds another guest's key on the card leaves it there.
#[tokio::test]
async fn a_card_that_was_given_to_the_next_guest_is_his() {
    let scene = scene(Verb::IssueOnUsed).await;
    scene.come();
    assert!(scene.call().await.unwrap());
    scene.revoke_former().await;
    scene.opens_just_the_new("the former guest's key was revoked again");
}

/// R83, section 9.1: whose key went while his card was away opens until the next guest has been at the door, or who shared it with a key
/// that was changed since, and no longer. Whoever works there has a key too, and is nobody's companion.
#[tokio::test]
async fn a_card_that_was_away_is_ended_by_the_next_guests() {
    for (staff_came_first, was_shared) in [(false, false), (false, true), (true, false), (true, true)] {
        let bench = WiegandBench::of(EncoderModel::Pn532Serial, 0).unwrap();
        let adapter = adapter(&bench, |_| {}).await;
        let (site, from) = (bench.site.clone(), bench.clock.now());
        let (room, door) = (site.rooms[0].id, site.rooms[0].doors[0]);
        let place = CardPlace { at: Some(bench.encoder()), holder_device: None };
        let id = |name: &str| KeyCredentialId::derived("override", &[name.as_bytes()]);
        let issue = async |name: &str, hours, holder: Holder| {
            bench.come(id(name), CARD);
            let window = Validity::new(from, from + TimeDelta::hours(hours)).unwrap();
            let key = name.parse().unwrap();
            let input = IssueInput::new(site.tenant, site.property, holder, vec![room], window, key)
                .with_credential_id(id(name))
                .with_preferred_kinds(vec![CARD])
                .with_place(place.clone());
            adapter.issue_credential(input).await.unwrap();
            bench.go();
        };
        let guest = |name: &str| {
            Holder::Guest(Guest {
                id: GuestId::derived("override", &[name.as_bytes()]),
                reservation_id: ReservationId::derived("override", &[name.as_bytes()]),
                display_name: None,
                contact: Contact::default(),
            })
        };
        if staff_came_first {
            let user_id = UserId::derived("override", &[b"cleaner"]);
            issue("cleaner", 40, Holder::Staff(Staff { user_id })).await;
        }
        issue("former", 30, guest("former")).await;
        let opens = async |name: &str, hour| {
            bench.try_card(door, id(name), from + TimeDelta::hours(hour)).await.unwrap()
        };
        assert!(opens("former", 1).await);
        if was_shared {
            issue("next", 36, guest("next")).await;
            assert!(opens("next", 1).await && opens("former", 1).await, "they share it");
        }
        let gone =
            RevokeInput::new(site.tenant, id("former"), RevokeReason::Checkout, "gone".parse().unwrap());
        adapter.revoke_credential(gone).await.unwrap();
        assert!(opens("former", 2).await, "his card was away");
        if was_shared {
            assert!(opens("next", 3).await && opens("former", 3).await, "his key has not changed");
            bench.come(id("next"), CARD);
            let input = UpdateInput::new(site.tenant, id("next"), "longer".parse().unwrap());
            let input = input.with_valid_until(from + TimeDelta::hours(38)).with_place(place.clone());
            adapter.update_credential(input).await.unwrap();
            bench.go();
        } else {
            issue("next", 36, guest("next")).await;
        }
        assert!(opens("next", 4).await);
        let which = format!("staff first: {staff_came_first}, shared: {was_shared}");
        assert!(!opens("former", 5).await, "the next guest has been there; {which}");
        assert!(!staff_came_first || opens("cleaner", 6).await);
    }
}

/// Section 9.1: a key that was asked for a while ago and waited, for its card or for its encoder, and is written after another guest's
/// who comes later, shuts that one out no more than if it were asked for now.
#[tokio::test]
async fn a_key_that_waited_shuts_nobody_out() {
    for waits_for_encoder in [false, true] {
        let bench = WiegandBench::of(EncoderModel::Pn532Serial, 0).unwrap();
        let adapter = adapter(&bench, |_| {}).await;
        let (site, from) = (bench.site.clone(), bench.clock.now());
        let id = |name: &str| KeyCredentialId::derived("waited", &[name.as_bytes()]);
        let at = |hour| from + TimeDelta::hours(hour);
        let issue = async |name: &str, hours: (i64, i64)| {
            let guest = Guest {
                id: GuestId::derived("waited", &[name.as_bytes()]),
                reservation_id: ReservationId::derived("waited", &[name.as_bytes()]),
                display_name: None,
                contact: Contact::default(),
            };
            let window = Validity::new(at(hours.0), at(hours.1)).unwrap();
            let (rooms, key) = (vec![site.rooms[0].id], name.parse().unwrap());
            let input = IssueInput::new(site.tenant, site.property, Holder::Guest(guest), rooms, window, key)
                .with_credential_id(id(name))
                .with_preferred_kinds(vec![CARD])
                .with_place(CardPlace { at: Some(bench.encoder()), holder_device: None });
            adapter.issue_credential(input).await.map(|issued| issued.state)
        };
        let opens = async |name: &str, hour| {
            bench.try_card(site.rooms[0].doors[0], id(name), at(hour)).await.unwrap()
        };
        if waits_for_encoder {
            bench.encoder.unplug();
            issue("first", (0, 20)).await.unwrap_err();
            bench.encoder.plug();
        } else {
            assert_eq!(issue("first", (0, 20)).await.unwrap(), Progress::Pending);
        }
        bench.come(id("next"), CARD);
        assert_eq!(issue("next", (20, 40)).await.unwrap(), Progress::Active);
        bench.come(id("first"), CARD);
        assert_eq!(issue("first", (0, 20)).await.unwrap(), Progress::Active);
        bench.go();
        assert!(opens("first", 1).await);
        assert!(opens("next", 21).await, "waited for the encoder: {waits_for_encoder}");
        assert!(!opens("first", 22).await);
    }
}

/// R83: of two who wait for their cards at one door neither is there yet: the first whose card is written ends that of a former guest, and
/// the other one comes beside him.
#[tokio::test]
async fn who_waits_for_his_card_is_nobodys_companion() {
    let bench = WiegandBench::of(EncoderModel::Pn532Serial, 0).unwrap();
    let adapter = adapter(&bench, |_| {}).await;
    let (site, from) = (bench.site.clone(), bench.clock.now());
    let id = |name: &str| KeyCredentialId::derived("waits", &[name.as_bytes()]);
    let at = |hour| from + TimeDelta::hours(hour);
    let issue = async |name: &str| {
        let guest = Guest {
            id: GuestId::derived("waits", &[name.as_bytes()]),
            reservation_id: ReservationId::derived("waits", &[name.as_bytes()]),
            display_name: None,
            contact: Contact::default(),
        };
        let window = Validity::new(at(0), at(30)).unwrap();
        let (rooms, key) = (vec![site.rooms[0].id], name.parse().unwrap());
        let input = IssueInput::new(site.tenant, site.property, Holder::Guest(guest), rooms, window, key)
            .with_credential_id(id(name))
            .with_preferred_kinds(vec![CARD])
            .with_place(CardPlace { at: Some(bench.encoder()), holder_device: None });
        adapter.issue_credential(input).await.unwrap().state
    };
    let opens =
        async |name: &str, hour| bench.try_card(site.rooms[0].doors[0], id(name), at(hour)).await.unwrap();
    bench.come(id("former"), CARD);
    assert_eq!(issue("former").await, Progress::Active);
    bench.go();
    let gone = RevokeInput::new(site.tenant, id("former"), RevokeReason::Checkout, "gone".parse().unwrap());
    adapter.revoke_credential(gone).await.unwrap();
    assert!(opens("former", 1).await, "his card was away");
    for name in ["one", "two"] {
        assert_eq!(issue(name).await, Progress::Pending);
    }
    for name in ["one", "two"] {
        bench.come(id(name), CARD);
        assert_eq!(issue(name).await, Progress::Active);
    }
    bench.go();
    for hour in 2..4 {
        assert!(opens("one", hour).await && opens("two", hour).await, "side by side");
    }
    assert!(!opens("former", 4).await);
}

/// R30, R62: a guest has two keys, and the cable comes out at any byte of the first one's card. The other key takes that card only where
/// nothing of the first was begun on it, and then the first waits for another.
#[tokio::test]
async fn a_card_that_was_begun_is_not_taken_for_another_key_of_its_holder() {
    let (mut begun, mut untouched) = (0, 0);
    for bytes in (0..).step_by(5) {
        let bench = WiegandBench::of(EncoderModel::Pn532Serial, 0).unwrap();
        let adapter = adapter(&bench, |_| {}).await;
        let (site, from) = (bench.site.clone(), bench.clock.now());
        let id = |name: &str| KeyCredentialId::derived("beside", &[name.as_bytes()]);
        let guest = Guest {
            id: GuestId::derived("beside", &[]),
            reservation_id: ReservationId::derived("beside", &[]),
            display_name: None,
            contact: Contact::default(),
        };
        let issue = async |name: &str, room: usize, beside: Vec<KeyCredentialId>| {
            let window = Validity::new(from, from + TimeDelta::hours(30)).unwrap();
            let (rooms, key) = (vec![site.rooms[room].id], name.parse().unwrap());
            let holder = Holder::Guest(guest.clone());
            let input = IssueInput::new(site.tenant, site.property, holder, rooms, window, key)
                .with_credential_id(id(name))
                .with_beside(beside)
                .with_preferred_kinds(vec![CARD])
                .with_place(CardPlace { at: Some(bench.encoder()), holder_device: None });
            adapter.issue_credential(input).await.map(|issued| issued.state)
        };
        let opens = async |room: usize| {
            bench.try_card(site.rooms[room].doors[0], id("first"), from + TimeDelta::hours(1)).await.unwrap()
        };
        bench.come(id("first"), CARD);
        bench.encoder.unplug_after_bytes(bytes);
        let Err(first) = issue("first", 0, Vec::new()).await else { break };
        bench.encoder.plug();
        bench.come(id("first"), CARD);
        let other = issue("other", 1, vec![id("first")]).await.unwrap();
        let again = issue("first", 0, Vec::new()).await.unwrap();
        bench.go();
        let (waits, done) = (Progress::Pending, Progress::Active);
        match (other, again) {
            (Progress::Pending, Progress::Active) => begun += 1,
            (Progress::Active, Progress::Pending) => untouched += 1,
            _ => panic!("after {bytes} bytes, {first:?}: {other:?}, {again:?}"),
        }
        assert_eq!(opens(0).await, (other, again) == (waits, done), "after {bytes} bytes");
        assert_eq!(opens(1).await, (other, again) == (done, waits), "after {bytes} bytes");
    }
    assert!(begun > 20 && untouched > 5, "{begun} begun, {untouched} not");
}
