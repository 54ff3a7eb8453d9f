//! What the vendor calls back: who is believed, what is made of it, and that nothing is believed that the cloud does not have.

use crate::fake::{self, Host, NOW_MS, Reply, Vendor, good, page, record};
use lockport::driver::{AttemptOutcome, CallHead, CallNews, VendorCall, Webhook as _};
use lockport::telemetry::WebhookKind;
use lockport::{ErrorCode, LockError};
use lockport_ttlock::{TtlockConfig, TtlockDriver, TtlockLock};
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

fn call(body: &str) -> VendorCall<'_> {
    VendorCall { segment: fake::SEGMENT, ..VendorCall::with_body(body.as_bytes()) }
}

/// What a call is taken to be about, before anybody is asked.
async fn kind(config: TtlockConfig, body: &str) -> Result<WebhookKind, ErrorCode> {
    let (vendor, driver) = driver(config);
    let head = driver.check(&call(body)).await;
    assert!(vendor.seen().is_empty(), "a check asks nobody");
    let refused = |error: LockError| error.code();
    head.map_err(refused).map(|CallHead { kind, event, reply }| {
        assert_eq!((event, reply), (None, "success"));
        kind
    })
}

#[tokio::test]
async fn only_who_knows_the_secret_part_of_the_address_is_heard() {
    let (vendor, driver) = driver(fake::config());
    let near = format!("{}x", fake::SEGMENT);
    for wrong in ["", "e555", &near, &fake::SEGMENT.to_uppercase(), "/"] {
        let error = driver.check(&VendorCall { segment: wrong, ..call(TRIED) }).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::WebhookSignatureInvalid, "{wrong}");
        assert!(!format!("{error} {error:?}").contains("e555"), "the secret is not told");
    }
    assert!(vendor.seen().is_empty());
    assert!(driver.check(&call(TRIED)).await.is_ok());
}

#[tokio::test]
async fn a_call_is_about_this_property_or_about_nothing() {
    let (access, device, other) = (WebhookKind::Access, WebhookKind::Device, WebhookKind::Other);
    assert_eq!(kind(fake::config(), TRIED).await, Ok(access));
    let with_mac = |mac: &str| with_lock(|lock| lock.mac = Some(mac.to_owned()));
    assert_eq!(kind(with_mac("c0:ff:ee:00:12:34"), TRIED).await, Ok(access));
    assert_eq!(kind(with_mac("00:00:00:00:00:01"), TRIED).await, Err(ErrorCode::WebhookSignatureInvalid));

    for (body, want) in [
        // The console's test button; another property's lock; another account's; nothing at all.
        (&TRIED.replace("lockId=7", "lockId=222")[..], Ok(other)),
        (&TRIED.replace("lockId=7&", ""), Ok(other)),
        (&TRIED.replace("admin=locks", "admin=others"), Ok(other)),
        ("", Ok(other)),
        ("lockId=7&notifyType=1&records=%5B%5D", Ok(other)),
        ("lockId=7&notifyType=99", Ok(other)),
        ("notifyType=2&gatewayId=5&isOnline=0", Ok(device)),
        ("notifyType=3&lockId=7&isOnline=1", Ok(device)),
        ("notifyType=4&lockId=7&objectType=2&errcode=-3007", Ok(other)),
        ("lockId=7&notifyType=1&records=nonsense", Err(ErrorCode::InvalidInput)),
        (&"a".repeat(256 * 1024 + 1), Err(ErrorCode::InvalidInput)),
    ] {
        assert_eq!(kind(fake::config(), body).await, want, "{}", &body[..body.len().min(99)]);
    }
    let config = with_lock(|lock| lock.gateway_id = Some(6));
    assert_eq!(kind(config, "notifyType=2&gatewayId=5&isOnline=0").await, Ok(other));
}

/// R46: what is told and not there was never so.
#[tokio::test]
async fn what_a_call_says_is_looked_at_and_an_invented_record_comes_to_nothing() {
    let (vendor, teller) = driver(fake::config());
    let CallNews::Attempts(seen) = teller.news(&call(TRIED)).await.unwrap() else { panic!("no attempts") };
    assert_eq!(seen.iter().map(|one| one.outcome).collect::<Vec<_>>(), [AttemptOutcome::Granted]);
    let (_, form) = vendor.seen().pop().unwrap();
    let want = "lockId=7&startDate=1777539600007&endDate=1777539600010&pageSize=100&pageNo=1";
    assert!(form.ends_with(want), "{form}");
    assert_eq!(NOW_MS, 1_777_539_600_000);

    let nothing = Vendor::new(|_, path, _| match path {
        "/v3/lockRecord/list" => Reply::Json(page(&[])),
        path => Reply::Json(good(path)),
    });
    let invented = Host::new().instance("one", &nothing).news(&call(TRIED)).await.unwrap();
    assert!(matches!(invented, CallNews::Attempts(seen) if seen.is_empty()));
    let gateway = call("notifyType=2&gatewayId=5&isOnline=1");
    let CallNews::Devices(of) = teller.news(&gateway).await.unwrap() else { panic!("no devices") };
    assert_eq!(of, [fake::DOOR.parse().unwrap()]);
    assert_eq!(json!(vendor.paths().len()), 2, "whether the gateway is there is not asked here");
}
