//! Cards in the other order of bytes, locks as they are, and the clock.

use chrono::TimeDelta;
use lockport::FailureReason;
use lockport::credential::{KeyCredentialKind, WarningCode};
use lockport::driver::{ClockSync as _, VendorDriver as _};
use lockport_sim_ttlock::{Feature, Presented};
use lockport_ttlock::{CardOrder, Passcodes};

use super::house::{DOOR, GATEWAY, House, Plan, device, digits};

const CARD: KeyCredentialKind = KeyCredentialKind::RfidCard;
/// As a desk's reader reads it, and as the lock's own does: the same four bytes from either end.
const READ: (&str, u64) = ("3661413478", 1_723_612_378);

#[tokio::test]
async fn a_card_that_the_desk_reads_the_other_way_round_opens() {
    let plan = Plan { config: |config| config.cards = Some(CardOrder::Reversed), ..Plan::usual() };
    let house = House::of(plan).await;
    let window = house.minutes(60, 600);
    let input = House::with_card(house.input(CARD, window, "k-1"), READ.0);
    let issued = house.port.issue_credential(input).await.unwrap().credential;
    let card = Presented::Card { number: READ.1 };
    let inside = window.from() + TimeDelta::hours(1);
    assert!(house.opens(&card, inside));
    // The same card for another stay would silently lose the first.
    let again = House::with_card(house.input(CARD, house.minutes(300, 900), "k-2"), READ.0);
    let error = house.port.issue_credential(again).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::Refused, "{error:?}");
    assert!(house.opens(&card, inside) && !house.opens(&card, window.until()));
    house.port.revoke_credential(house.revoke(&issued, "k-3")).await.unwrap();
    assert!(!house.opens(&card, inside));
    let nobody = house.port.issue_credential(house.input(CARD, window, "k-4")).await.unwrap_err();
    assert_eq!(nobody.reason(), FailureReason::KindNotSupported, "no card was read: {nobody:?}");
}

/// A lock with 1000 cards takes no more (-4056): those whose time is over make room, as with passcodes.
#[tokio::test]
async fn a_card_that_is_over_makes_room() {
    let house = House::of(Plan::usual()).await;
    let card = |number: u64, minutes, key: &str| {
        House::with_card(house.input(CARD, house.minutes(1, minutes), key), &number.to_string())
    };
    house.port.issue_credential(card(1, 60, "k-1")).await.unwrap();
    house.port.issue_credential(card(2, 60 * 24 * 9, "k-2")).await.unwrap();
    let door = house.sim.door(DOOR);
    assert!((0..998).all(|nth| door.add_card_by_hand(10_000 + nth, 0, 0)));
    let full = house.port.issue_credential(card(3, 600, "k-3")).await.unwrap_err();
    assert_eq!(full.reason(), FailureReason::CapacityFull, "{full:?}");
    house.pass(TimeDelta::hours(26));
    house.port.issue_credential(card(3, 600, "k-4")).await.unwrap();
    let soon = house.now() + TimeDelta::minutes(5);
    let opens = |number| house.opens(&Presented::Card { number }, soon);
    assert!(opens(3) && opens(2) && opens(10_000) && !opens(1));
}

/// R34: what a door is said to take is what it takes.
#[tokio::test]
async fn a_door_is_said_to_take_what_it_has_and_what_can_be_brought_to_it() {
    let takes = async |house: &House| {
        let listed = house.port.list_devices(house.site.property).await.unwrap();
        let can = listed[0].capabilities;
        (can.mobile_key, can.pin, can.card_encoding, listed[0].online)
    };
    let usual = House::of(Plan::usual()).await;
    assert_eq!(takes(&usual).await, (true, true, true, true));
    usual.sim.door(DOOR).take_feature(Feature::Passcode);
    assert_eq!(takes(&usual).await, (true, false, true, true));
    usual.sim.door(DOOR).take_feature(Feature::Card);
    assert_eq!(takes(&usual).await, (true, false, false, true));

    let alone = Plan { locks: |sim| sim.lock(DOOR, None), ..Plan::usual() };
    assert_eq!(takes(&House::of(alone).await).await, (true, false, false, false));
    let random =
        Plan { locks: |sim| sim.lock(DOOR, None), config: |config| config.passcodes = Passcodes::Random };
    assert_eq!(takes(&House::of(random).await).await, (true, true, false, false));

    let wifi = House::of(Plan { locks: |sim| sim.wifi_lock(DOOR, None), ..Plan::usual() }).await;
    assert_eq!(takes(&wifi).await, (true, true, true, true));
    let issued =
        wifi.port.issue_credential(wifi.input(KeyCredentialKind::PinCode, wifi.minutes(1, 90), "k-1"));
    assert!(wifi.opens(&digits(&issued.await.unwrap().credential), wifi.now() + TimeDelta::minutes(30)));
    assert!(wifi.port.health_check(device()).await.unwrap().online);
}

/// R123, R148
#[tokio::test]
async fn a_clock_that_is_off_is_told_and_set() {
    let house = House::of(Plan::usual()).await;
    house.sim.door(DOOR).set_drift_ms(-318_000);
    let warns = |health: &lockport::device::DeviceHealth| {
        health.warnings.iter().any(|warning| warning.code == WarningCode::ClockSkew)
    };
    let health = house.port.health_check(device()).await.unwrap();
    assert_eq!((health.clock_skew_ms, warns(&health)), (Some(-318_000), true));
    house.driver.set_clock(device(), house.now()).await.unwrap();
    assert_eq!(house.sim.door(DOOR).drift_ms(), Some(0));
    let health = house.port.health_check(device()).await.unwrap();
    assert_eq!((health.clock_skew_ms, warns(&health)), (Some(0), false));
    // A gateway that has its hands full is still there.
    house.sim.set_gateway_busy_until(GATEWAY, house.now().timestamp_millis() + 60_000);
    let health = house.driver.health(device()).await.unwrap();
    assert_eq!((health.online, health.clock_skew_ms), (true, None));
}
