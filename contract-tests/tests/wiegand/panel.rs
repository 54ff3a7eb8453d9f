//! The profiles for a reader before a panel: what the panel hears, and that nobody is told a window that nothing keeps.

use std::sync::Arc;

use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{IssueInput, KeyCredentialKind, Proof, RevokeInput, RevokeReason, WarningCode};
use lockport::env::{Env, SeededEntropy};
use lockport::store::slots::SlotValue;
use lockport::store::{MemoryStore, Partition};
use lockport::{FailureReason, LockPort as _, RetryAdvice, Secret};
use lockport_contract::Presence as _;
use lockport_sim_encoder::{Card, Door, Leaves, Panel, SerialHabit, Tear, Then};
use lockport_wiegand::codec::wiegand::{ByteOrder, Field, Format, SerialForm};
use lockport_wiegand::{ConfigError, EncoderModel, PanelDriver, PanelProfile};

use crate::scene::{Scene, Verb};

const FORMAT: &str = "H10301";
const BLOCK: u8 = 5;
const FACILITY: u64 = 18;

async fn adapter(scene: &Scene, profile: PanelProfile) -> Adapter<PanelDriver> {
    adapter_after(scene, profile, 0).await
}

/// The adapter of a property that has given so many numbers.
async fn adapter_after(scene: &Scene, profile: PanelProfile, given: u32) -> Adapter<PanelDriver> {
    let bench = &scene.bench;
    let (config, lent) = bench.lent().await.unwrap();
    let count = |_| Ok(SlotValue { value: Secret::new(given.to_string()), expires: None });
    lent.slots.change("generic-wiegand/panel", count).await.unwrap();
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
    Adapter::new(PanelDriver::new(config, profile, lent).unwrap(), setup)
}

/// A stay that asks for no area: a panel knows none.
fn input(scene: &Scene) -> IssueInput {
    scene.stay_input().with_scope(lockport::scope::GuestScope::default())
}

fn gone(input: &IssueInput) -> RevokeInput {
    let id = input.resulting_id();
    let revoke = RevokeInput::new(input.tenant_id, id, RevokeReason::Checkout, "gone".parse().unwrap());
    revoke.with_place(input.place.clone())
}

/// Section 3.1: nothing is written, the card's own number counts, and only the panel can end it.
#[tokio::test]
async fn the_card_s_own_number_is_all_a_panel_hears() {
    for (form, order, habit, reversed) in [
        (SerialForm::Bits26, ByteOrder::AsSent, SerialHabit::Bits26, false),
        (SerialForm::Bits34, ByteOrder::Reversed, SerialHabit::Bits34, true),
    ] {
        let scene = Scene::set(EncoderModel::Pn532Serial, KeyCredentialKind::RfidCard, Verb::Issue).await;
        let adapter = adapter(&scene, PanelProfile::Csn { form, order }).await;
        scene.come();
        let input = input(&scene);
        let issued = adapter.issue_credential(input.clone()).await.unwrap();
        let codes: Vec<WarningCode> = issued.warnings.iter().map(|warning| warning.code).collect();
        assert!(codes.contains(&WarningCode::NoTimeBound), "{codes:?}");
        let uid: [u8; 4] = scene.card().uid().try_into().unwrap();
        let [a, b, c, d] = if reversed { [uid[3], uid[2], uid[1], uid[0]] } else { uid };
        let pair = |high, low| u64::from(u16::from_be_bytes([high, low]));
        let number = match habit {
            SerialHabit::Bits26 => (u64::from(a), pair(b, c)),
            SerialHabit::Bits34 => (pair(a, b), pair(c, d)),
        };
        let panel = Panel::of_serial_numbers(habit, reversed);
        let shut = Door::panel(panel.clone());
        let open = Door::panel(panel.admitting(number.0, number.1));
        assert!(open.try_open(&scene.card(), 0).opened && !shut.try_open(&scene.card(), 0).opened);

        let outcome = adapter.revoke_credential(gone(&input)).await.unwrap();
        assert_eq!(outcome.proof, Proof::ExpiresOnly);
        assert!(outcome.warnings.iter().any(|warning| warning.code == WarningCode::NoTimeBound));
        assert!(open.try_open(&scene.card(), 0).opened, "only the panel ends it");
        assert_eq!(scene.card().tally().writes, 0);
    }
}

/// A number that is drawn anew each time names nobody.
#[tokio::test]
async fn a_card_with_a_random_number_is_refused() {
    let scene = Scene::set(EncoderModel::Pn532Serial, KeyCredentialKind::RfidCard, Verb::Issue).await;
    let profile = PanelProfile::Csn { form: SerialForm::Bits26, order: ByteOrder::AsSent };
    let adapter = adapter(&scene, profile).await;
    let _none = scene.bench.encoder.take_all();
    scene.bench.encoder.put(&Card::classic_1k([0x08, 1, 2, 3]));
    let error = adapter.issue_credential(input(&scene)).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::CardUnsupported);
}

/// Section 3.3: each card has a number of the property's own, the panel lets in whom it was told of, and a revoke takes the number
/// from the card.
#[tokio::test]
async fn bits_are_written_for_the_panel_and_taken_away_again() {
    let format = Format::of(FORMAT).unwrap();
    let profile = PanelProfile::WiegandBits { format, facility_code: FACILITY, block: BLOCK };
    let scene = Scene::set(EncoderModel::Pn532Serial, KeyCredentialKind::RfidCard, Verb::Issue).await;
    let adapter = adapter(&scene, profile).await;
    let card = scene.card();
    card.allow_only([BLOCK]);
    let door = |number| {
        let panel = Panel::of_bits(BLOCK, [0xFF; 6], FORMAT);
        Door::panel(panel.admitting(FACILITY, number))
    };
    scene.come();
    let input = input(&scene);
    let encoder = scene.bench.encoder();
    assert!(adapter.read_card(encoder).await.unwrap().unwrap().for_panel.is_none(), "a blank card");
    let issued = adapter.issue_credential(input.clone()).await.unwrap();
    assert!(issued.warnings.iter().any(|warning| warning.code == WarningCode::NoTimeBound));
    let told = adapter.read_card(encoder).await.unwrap().unwrap().for_panel.unwrap();
    let told = format.decode(told.expose().parse().unwrap()).unwrap();
    let (facility, number) = (told.get(Field::FacilityCode), told.get(Field::CardNumber));
    assert_eq!((facility, number), (FACILITY, 1), "what the panel is to be told");
    assert!(door(number).try_open(&card, 0).opened && !door(number + 1).try_open(&card, 0).opened);
    let writes = card.tally().writes;
    adapter.issue_credential(input.clone()).await.unwrap();
    assert_eq!(card.tally().writes, writes, "a repeat writes nothing");

    // Away, it stays; back on the encoder it goes.
    let _taken = scene.bench.encoder.take_all();
    let outcome = adapter.revoke_credential(gone(&input)).await.unwrap();
    assert_eq!(outcome.proof, Proof::ExpiresOnly);
    scene.come();
    let again = RevokeInput::new(
        input.tenant_id,
        input.resulting_id(),
        RevokeReason::Checkout,
        "seen".parse().unwrap(),
    );
    let outcome = adapter.revoke_credential(again.with_place(input.place.clone())).await.unwrap();
    assert_eq!(outcome.proof, Proof::AtLock);
    assert!(!door(1).try_open(&card, 0).opened);
    let tally = card.tally();
    assert_eq!((tally.manufacturer, tally.trailers, tally.foreign), (0, 0, 0));

    // Another driver: the port is one program's alone.
    drop(adapter);
    for block in [0, 3, 7, 64] {
        let (config, lent) = scene.bench.lent().await.unwrap();
        let profile = PanelProfile::WiegandBits { format, facility_code: FACILITY, block };
        assert!(PanelDriver::new(config, profile, lent).is_err(), "block {block}");
    }
}

/// Section 2.1: a value that does not fit its field is never cut down: the count ends where the format does, and a facility code that
/// it cannot bear is no configuration.
#[tokio::test]
async fn what_the_format_has_no_room_for_is_never_written() {
    let format = Format::of(FORMAT).unwrap();
    let of = |facility_code| PanelProfile::WiegandBits { format, facility_code, block: BLOCK };
    let scene = Scene::set(EncoderModel::Pn532Serial, KeyCredentialKind::RfidCard, Verb::Issue).await;
    let adapter = adapter_after(&scene, of(FACILITY), 65_534).await;
    scene.card().allow_only([BLOCK]);
    scene.come();
    let last = input(&scene);
    adapter.issue_credential(last.clone()).await.unwrap();
    adapter.revoke_credential(gone(&last)).await.unwrap();
    let writes = scene.card().tally().writes;
    let error = adapter.issue_credential(scene.former_input()).await.unwrap_err();
    assert_eq!((error.reason(), error.advice()), (FailureReason::CapacityFull, RetryAdvice::Never));
    assert_eq!(scene.card().tally().writes, writes);

    // The port is one program's alone.
    drop(adapter);
    let (config, lent) = scene.bench.lent().await.unwrap();
    let wrong = PanelDriver::new(config, of(256), lent).map(drop);
    assert_eq!(wrong, Err(ConfigError::FacilityCode));
}

/// Section 10: there is one place for the bits, so the former guest's go first; what a card says that was pulled away in the middle is
/// never his, and the same call ends right. That it may be somebody else's number no order of writes prevents: counted here.
#[tokio::test]
async fn bits_that_are_torn_at_any_byte_are_never_the_former_guests() {
    let format = Format::of(FORMAT).unwrap();
    let profile = PanelProfile::WiegandBits { format, facility_code: FACILITY, block: BLOCK };
    let inside = (1..16).flat_map(|byte| {
        [(byte, Leaves::OldTail), (byte, Leaves::Erased), (byte, Leaves::Garbage(byte as u64))]
    });
    let ends = [(0, Leaves::Old), (16, Leaves::New), (0, Leaves::Erased), (0, Leaves::Garbage(7))];
    let leavings: Vec<(usize, Leaves)> = ends.into_iter().chain(inside).collect();
    let (mut cuts, mut strange) = (0, 0);
    for (used, writes) in [(false, 1), (true, 2)] {
        for (skip, (byte, leaves)) in
            (0..writes).flat_map(|skip| leavings.iter().map(move |leaving| (skip, *leaving)))
        {
            let told = format!("used: {used}, write {skip} cut at byte {byte}, {leaves:?}");
            let scene = Scene::set(EncoderModel::Pn532Serial, KeyCredentialKind::RfidCard, Verb::Issue).await;
            let adapter = adapter(&scene, profile).await;
            let card = scene.card();
            card.allow_only([BLOCK]);
            let panel = Panel::of_bits(BLOCK, [0xFF; 6], FORMAT);
            scene.come();
            if used {
                adapter.issue_credential(scene.former_input()).await.unwrap();
            }
            let former = panel.hears(&card.copy());
            assert_eq!(former.is_some(), used, "{told}");
            card.tear(Tear { skip, byte, leaves, then: Then::Gone });
            let answer = adapter.issue_credential(input(&scene)).await;
            assert_eq!(card.tally().torn, 1, "{told}: nothing was torn");
            assert!(answer.is_err_and(|error| error.is_retriable()), "{told}: told as done");
            let says = panel.hears(&card.copy());
            let is_wiped = skip > 0 || byte == 16;
            assert!(!is_wiped || says.is_none() || says != former, "{told}: it says the former guest's");
            scene.come();
            adapter.issue_credential(input(&scene)).await.unwrap();
            let own = panel.hears(&card.copy());
            assert!(own.is_some() && own != former, "{told}, repeated: it says {own:?}");
            cuts += 1;
            strange += u32::from(says.is_some() && says != own && says != former);
            let tally = card.tally();
            assert_eq!((tally.manufacturer, tally.trailers, tally.foreign), (0, 0, 0), "{told}");
        }
    }
    println!("{cuts} cuts, {strange} of which a panel hears as another number");
}
