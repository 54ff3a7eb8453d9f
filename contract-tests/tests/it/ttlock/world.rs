//! Cards in the other order of bytes, locks as they are, the clock, who tried a door, and what the vendor calls back.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use lockport::FailureReason;
use lockport::credential::{KeyCredentialKind, WarningCode};
use lockport::driver::VendorDriver as _;
use lockport_sim_ttlock::{Feature, Presented};
use lockport_ttlock::{CardOrder, Hint, Outcome, Passcodes, Shown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::house::{CLIENT, DOOR, GATEWAY, House, Plan, SEGMENT, device, digits};

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
    assert_eq!(house.driver.set_lock_clock(device()).await.unwrap(), 0);
    assert_eq!(house.sim.door(DOOR).drift_ms(), Some(0));
    let health = house.port.health_check(device()).await.unwrap();
    assert_eq!((health.clock_skew_ms, warns(&health)), (Some(0), false));
    // A gateway that has its hands full is still there.
    house.sim.set_gateway_busy_until(GATEWAY, house.now().timestamp_millis() + 60_000);
    let health = house.driver.health(device()).await.unwrap();
    assert_eq!((health.online, health.clock_skew_ms), (true, None));
}

/// R108: what the lock wrote down is what is told.
#[tokio::test]
async fn who_tried_the_door_is_told_with_what_was_shown() {
    let house = House::of(Plan::usual()).await;
    let begin = house.now();
    let issued =
        house.port.issue_credential(house.input(KeyCredentialKind::PinCode, house.minutes(1, 90), "k-1"));
    let code = digits(&issued.await.unwrap().credential);
    for minutes in [0, 10, 80] {
        house.pass(TimeDelta::minutes(minutes));
        let _opened = house.opens(&code, house.now());
    }
    let _stranger = house.opens(&Presented::passcode("739150"), house.now());
    let told = house.driver.attempts_at(device(), begin, house.now() + TimeDelta::minutes(1)).await.unwrap();
    let outcomes: Vec<bool> = told.iter().map(|one| one.outcome == Outcome::Granted).collect();
    assert_eq!(outcomes, [false, true, false, false], "{told:?}");
    let Some(Shown::Artifact(shown)) = &told[1].shown else { panic!("{told:?}") };
    assert_eq!(Presented::passcode(shown.expose()), code);
    let used = house.driver.monthly_calls().await.unwrap().used;
    assert_eq!(used, house.sim.month_request_count(CLIENT));
}

/// Takes the calls of the vendor and answers as it wants.
async fn receiver() -> (String, Arc<Mutex<Vec<(String, Vec<u8>)>>>) {
    let inbox = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hooks/ttlock/{SEGMENT}", listener.local_addr().unwrap());
    let taken = Arc::clone(&inbox);
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            let mut text = Vec::new();
            let body = loop {
                let mut piece = [0_u8; 4096];
                let read = line.read(&mut piece).await.unwrap();
                text.extend_from_slice(&piece[..read]);
                let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if text.len() - end - 4 >= length.trim().parse::<usize>().unwrap() {
                    break text[end + 4..].to_vec();
                }
            };
            let path = String::from_utf8_lossy(&text).split(' ').nth(1).unwrap().to_owned();
            taken.lock().unwrap().push((path, body));
            line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nsuccess")
                .await
                .unwrap();
        }
    });
    (url, inbox)
}

/// The vendor's own callback, as the simulator sends it: read, looked at, confirmed; the console's test button is about nothing.
#[tokio::test]
async fn a_call_of_the_vendors_leads_to_what_the_cloud_has() {
    let house = House::of(Plan::usual()).await;
    let (url, inbox) = receiver().await;
    house.sim.set_callback_url(CLIENT, &url);
    // The vendor tells only applications that somebody of the account has logged in with.
    house.port.list_devices(house.site.property).await.unwrap();
    let _stranger = house.opens(&Presented::passcode("739150"), house.now());
    assert!(house.sim.press_callback_test_button(CLIENT));
    house.sim.callbacks().await;
    let calls = std::mem::take(&mut *inbox.lock().unwrap());
    let mut confirmed = Vec::new();
    for (path, body) in &calls {
        let segment = path.rsplit('/').next().unwrap();
        let hint = house.driver.hint(segment, body).await.unwrap();
        assert!(!format!("{hint:?}").contains("739150"), "what was typed is in no hint");
        confirmed.push((hint.clone(), house.driver.confirm(&hint).await.unwrap().len()));
    }
    assert_eq!(confirmed.len(), 2);
    assert!(
        confirmed.iter().any(|(hint, seen)| matches!(hint, Hint::Tried { .. }) && *seen == 1),
        "{confirmed:?}"
    );
    assert!(confirmed.iter().any(|(hint, seen)| *hint == Hint::Foreign && *seen == 0), "{confirmed:?}");
}
