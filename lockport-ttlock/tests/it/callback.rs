//! What the vendor calls back: who is believed, what is made of it, and that nothing is believed that the cloud does not have.

use crate::fake::{self, Host, NOW_MS, Reply, Vendor, good, page, record};
use lockport::{ErrorCode, Timestamp};
use lockport_ttlock::{Hint, Outcome, TtlockConfig, TtlockDriver, TtlockLock};
use serde_json::json;

const TRIED: &str = "lockId=7&notifyType=1&lockMac=C0%3AFF%3AEE%3A00%3A12%3A34&admin=locks%40hotel.example&records=\
                     %5B%7B%22recordType%22%3A4%2C%22lockDate%22%3A1777539600007%2C%22keyboardPwd%22%3A%22048263%22%7D\
                     %2C%7B%22lockDate%22%3A%221777539600009%22%7D%5D";

fn driver(config: TtlockConfig) -> (std::sync::Arc<Vendor>, TtlockDriver) {
    let vendor = Vendor::new(|_, path, _| match path {
        "/v3/lockRecord/list" => Reply::Json(page(&[record(7, 4, 1, fake::DIGITS)])),
        path => Reply::Json(good(path)),
    });
    let driver = Host::new().instance_with(config, "one", &vendor);
    (vendor, driver)
}

fn with_lock(change: impl Fn(&mut TtlockLock)) -> TtlockConfig {
    let mut config = fake::config();
    config.locks.values_mut().for_each(change);
    config
}

async fn hint(config: TtlockConfig, body: &str) -> Result<Hint, ErrorCode> {
    let (vendor, driver) = driver(config);
    let hint = driver.hint(fake::SEGMENT, body.as_bytes()).await;
    assert!(vendor.seen().is_empty(), "a hint asks nobody");
    hint.map_err(|error| error.code())
}

#[tokio::test]
async fn only_who_knows_the_secret_part_of_the_address_is_heard() {
    let (vendor, driver) = driver(fake::config());
    let near = format!("{}x", fake::SEGMENT);
    for wrong in ["", "e555", &near, &fake::SEGMENT.to_uppercase(), "/"] {
        let error = driver.hint(wrong, TRIED.as_bytes()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::WebhookSignatureInvalid, "{wrong}");
        assert!(!format!("{error} {error:?}").contains("e555"), "the secret is not told");
    }
    assert!(vendor.seen().is_empty());
    assert!(matches!(driver.hint(fake::SEGMENT, TRIED.as_bytes()).await, Ok(Hint::Tried { .. })));
}

#[tokio::test]
async fn a_call_is_about_this_property_or_about_nothing() {
    let device = fake::DOOR.parse().unwrap();
    let at = |ms| Timestamp::from_timestamp_millis(ms).unwrap();
    let tried = Hint::Tried { device, from: at(NOW_MS + 7), until: at(NOW_MS + 10) };
    assert_eq!(hint(fake::config(), TRIED).await, Ok(tried.clone()));
    let with_mac = |mac: &str| with_lock(|lock| lock.mac = Some(mac.to_owned()));
    assert_eq!(hint(with_mac("c0:ff:ee:00:12:34"), TRIED).await, Ok(tried));
    assert_eq!(hint(with_mac("00:00:00:00:00:01"), TRIED).await, Err(ErrorCode::WebhookSignatureInvalid));

    let gateway = |is_online| Ok(Hint::Gateway { gateway: 5, is_online });
    for (body, want) in [
        // The console's test button; another property's lock; another account's; nothing at all.
        (&TRIED.replace("lockId=7", "lockId=222")[..], Ok(Hint::Foreign)),
        (&TRIED.replace("lockId=7&", ""), Ok(Hint::Foreign)),
        (&TRIED.replace("admin=locks", "admin=others"), Ok(Hint::Foreign)),
        ("", Ok(Hint::Foreign)),
        ("lockId=7&notifyType=1&records=%5B%5D", Ok(Hint::Foreign)),
        ("lockId=7&notifyType=99", Ok(Hint::Foreign)),
        ("notifyType=2&gatewayId=5&isOnline=0", gateway(false)),
        ("notifyType=2&gatewayId=5&isOnline=true", gateway(true)),
        ("notifyType=3&lockId=7&isOnline=1", Ok(Hint::Lock { device, is_online: true })),
        ("notifyType=4&lockId=7&objectType=2&errcode=-3007", Ok(Hint::Refused { device, code: -3007 })),
        ("lockId=7&notifyType=1&records=nonsense", Err(ErrorCode::InvalidInput)),
        (&"a".repeat(256 * 1024 + 1), Err(ErrorCode::InvalidInput)),
    ] {
        assert_eq!(hint(fake::config(), body).await, want, "{}", &body[..body.len().min(99)]);
    }
    let config = with_lock(|lock| lock.gateway_id = Some(6));
    assert_eq!(hint(config, "notifyType=2&gatewayId=5&isOnline=0").await, Ok(Hint::Foreign));
}

/// R46: what is told and not there was never so.
#[tokio::test]
async fn what_a_call_says_is_looked_at_and_an_invented_record_comes_to_nothing() {
    let (vendor, teller) = driver(fake::config());
    let hint = teller.hint(fake::SEGMENT, TRIED.as_bytes()).await.unwrap();
    let seen = teller.confirm(&hint).await.unwrap();
    assert_eq!(seen.iter().map(|one| (one.record, one.outcome)).collect::<Vec<_>>(), [(7, Outcome::Granted)]);
    let (_, form) = vendor.seen().pop().unwrap();
    let want = "lockId=7&startDate=1777539600007&endDate=1777539600010&pageSize=100&pageNo=1";
    assert!(form.ends_with(want), "{form}");

    let nothing = Vendor::new(|_, path, _| match path {
        "/v3/lockRecord/list" => Reply::Json(page(&[])),
        path => Reply::Json(good(path)),
    });
    let denied = Host::new().instance("one", &nothing).confirm(&hint).await.unwrap();
    assert!(denied.is_empty());
    let online = Hint::Gateway { gateway: 5, is_online: true };
    assert!(teller.confirm(&online).await.unwrap().is_empty());
    assert_eq!(json!(vendor.paths().len()), 2, "a gateway's coming is not asked for");
}
