//! What is repaired on the wire and what is not: tokens, the clock, lists that do not add up.

use std::time::Duration;

use crate::fake::{self, FIRST, Host, Reply, TOKEN, Vendor, good, page, refused, token};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use lockport::driver::{Found, VendorDriver};
use lockport::env::{Clock, TransportError};
use lockport::{ErrorCode, FailureReason, RetryAdvice};
use serde_json::json;

const NEWER: &str = "e5555555555555555555555555555555";
const TOKENS: &str = "/oauth2/token";
const LOCKS: &str = "/v3/lock/list";
const DELETE: &str = "/v3/key/delete";

fn count(vendor: &Vendor, path: &str) -> usize {
    vendor.paths().iter().filter(|own| *own == path).count()
}

/// Logs in with the first token, refreshes to the newer one, and takes only what `accepts` says at `/v3/lock/list`.
fn tokens(accepts: fn(&str) -> bool, refresh: fn() -> Reply) -> std::sync::Arc<Vendor> {
    Vendor::new(move |_, path, form| match path {
        TOKENS if form.contains("grant_type=refresh_token") => refresh(),
        LOCKS if !accepts(form) => Reply::Json(refused(10004)),
        _ => Reply::Json(good(path)),
    })
}

fn newer() -> Reply {
    Reply::Json(token(NEWER))
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_calls_and_all_instances() {
    let host = Host::new();
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let (one, two) = (host.instance("one", &vendor), host.instance("two", &vendor));
    one.devices().await.unwrap();
    one.devices().await.unwrap();
    two.devices().await.unwrap();
    assert_eq!((count(&vendor, TOKENS), count(&vendor, LOCKS)), (1, 3));
}

#[tokio::test]
async fn calls_at_once_share_one_login() {
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let driver = fake::driver(&vendor);
    let (a, b, c) = tokio::join!(driver.devices(), driver.devices(), driver.devices());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(count(&vendor, TOKENS), 1);
}

#[tokio::test]
async fn a_token_is_refreshed_when_a_tenth_of_its_life_is_left() {
    let host = Host::new();
    let vendor = tokens(|_| true, newer);
    let driver = host.instance("one", &vendor);
    driver.devices().await.unwrap();
    host.clock.advance(TimeDelta::days(81) - TimeDelta::seconds(1));
    driver.devices().await.unwrap();
    assert_eq!(count(&vendor, TOKENS), 1);
    host.clock.advance(TimeDelta::seconds(1));
    driver.devices().await.unwrap();
    assert_eq!(count(&vendor, TOKENS), 2);
    assert!(vendor.seen().last().unwrap().1.contains(NEWER));
}

#[tokio::test]
async fn a_refresh_ahead_of_time_may_fail_and_one_after_the_end_may_not() {
    let host = Host::new();
    let vendor = tokens(|_| true, || Reply::Fails(TransportError::Lost));
    let driver = host.instance("one", &vendor);
    driver.devices().await.unwrap();
    host.clock.advance(TimeDelta::days(89));
    driver.devices().await.unwrap();
    assert!(vendor.seen().last().unwrap().1.contains(TOKEN));
    host.clock.advance(TimeDelta::days(1));
    let error = driver.devices().await.unwrap_err();
    assert_eq!((error.code(), error.advice()), (ErrorCode::VendorUnreachable, RetryAdvice::NotApplied));
}

#[tokio::test]
async fn a_rejected_token_is_refreshed_once_and_the_call_sent_once_more() {
    let vendor = tokens(|form| form.contains(NEWER), newer);
    fake::driver(&vendor).devices().await.unwrap();
    assert_eq!(vendor.paths(), [TOKENS, LOCKS, TOKENS, LOCKS, "/v3/gateway/list"]);

    let vendor = tokens(|_| false, newer);
    let error = fake::driver(&vendor).devices().await.unwrap_err();
    assert_eq!((error.reason(), error.advice()), (FailureReason::AuthRejected, RetryAdvice::NotApplied));
    assert_eq!(vendor.paths(), [TOKENS, LOCKS, TOKENS, LOCKS]);
}

#[tokio::test]
async fn a_rejected_refresh_token_leads_to_one_login() {
    let vendor = Vendor::new(|before, path, form| match path {
        TOKENS if form.contains("grant_type=refresh_token") => Reply::Json(refused(10011)),
        TOKENS if before > 0 => Reply::Json(token(NEWER)),
        LOCKS if !form.contains(NEWER) => Reply::Json(refused(10003)),
        _ => Reply::Json(good(path)),
    });
    fake::driver(&vendor).devices().await.unwrap();
    assert_eq!(vendor.paths(), [TOKENS, LOCKS, TOKENS, TOKENS, LOCKS, "/v3/gateway/list"]);
}

#[tokio::test]
async fn a_wrong_account_secret_or_application_is_tried_once_a_call_and_never_again() {
    for code in [10000, 10001, 10007] {
        let vendor = Vendor::new(move |_, _, _| Reply::Json(refused(code)));
        let error = fake::driver(&vendor).devices().await.unwrap_err();
        let got = (error.code(), error.reason(), error.advice());
        assert_eq!(
            got,
            (ErrorCode::VendorUnreachable, FailureReason::AuthRejected, RetryAdvice::Never),
            "{code}"
        );
        assert_eq!(vendor.paths(), [TOKENS]);
    }
}

#[tokio::test]
async fn what_another_instance_refreshed_is_used() {
    let host = Host::new();
    let vendor = tokens(|_| true, newer);
    let (one, two) = (host.instance("one", &vendor), host.instance("two", &vendor));
    one.devices().await.unwrap();
    two.devices().await.unwrap();
    host.clock.advance(TimeDelta::days(82));
    two.devices().await.unwrap();
    assert_eq!(count(&vendor, TOKENS), 2);
    one.devices().await.unwrap();
    assert_eq!(count(&vendor, TOKENS), 2);
    assert!(vendor.seen().last().unwrap().1.contains(NEWER));
}

#[tokio::test]
async fn while_another_instance_asks_for_a_token_nobody_else_does() {
    let host = Host::new();
    let hangs = Vendor::new(|_, _, _| Reply::Hangs);
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let (one, two) = (host.instance("one", &hangs), host.instance("two", &vendor));
    assert!(one.devices().now_or_never().is_none());

    host.clock.advance(TimeDelta::seconds(5));
    let error = two.devices().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::VendorUnreachable);
    assert_eq!(
        (error.reason(), error.advice()),
        (FailureReason::InProgress, RetryAdvice::After(Duration::from_secs(15)),)
    );
    assert!(vendor.seen().is_empty());

    host.clock.advance(TimeDelta::seconds(15));
    two.devices().await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_getting_old_will_do_while_another_instance_refreshes_it() {
    let host = Host::new();
    let hangs = Vendor::new(|_, _, _| Reply::Hangs);
    let vendor = tokens(|_| true, newer);
    host.instance("one", &vendor).devices().await.unwrap();
    host.clock.advance(TimeDelta::days(82));
    assert!(host.instance("two", &hangs).devices().now_or_never().is_none());
    host.instance("three", &vendor).devices().await.unwrap();
    assert_eq!(count(&vendor, TOKENS), 1);
}

#[tokio::test]
async fn a_clock_that_is_off_is_measured_and_the_call_sent_once_more() {
    let host = Host::new();
    let theirs = host.clock.now() + TimeDelta::minutes(12);
    let right = format!("date={}", theirs.timestamp_millis());
    let vendor = Vendor::new(move |_, path, form| match path {
        TOKENS => Reply::Json(good(path)),
        _ if !form.contains(&right) => Reply::Dated(refused(80000), theirs),
        _ => Reply::Json(good(path)),
    });
    let driver = host.instance("one", &vendor);
    driver.devices().await.unwrap();
    driver.devices().await.unwrap();
    let paths = vendor.paths();
    assert_eq!(paths, [TOKENS, LOCKS, LOCKS, "/v3/gateway/list", LOCKS, "/v3/gateway/list"]);
}

#[tokio::test]
async fn a_clock_that_cannot_be_measured_or_set_right_is_an_error() {
    for (date, calls) in [(None, 1), (Some(fake::NOW.parse().unwrap()), 2)] {
        let vendor = Vendor::new(move |_, path, _| match (path, date) {
            (DELETE, Some(date)) => Reply::Dated(refused(80000), date),
            (DELETE, None) => Reply::Json(refused(80000)),
            _ => Reply::Json(good(path)),
        });
        let withdrawal = fake::withdrawal(fake::held(fake::order(), Some("1")));
        let error = fake::driver(&vendor).withdraw(&withdrawal, &FIRST).await.unwrap_err();
        assert_eq!((error.reason(), error.advice()), (FailureReason::Clock, RetryAdvice::NotApplied));
        assert_eq!(count(&vendor, DELETE), calls);
    }
}

#[tokio::test]
async fn a_list_that_does_not_add_up_is_no_list() {
    for (what, answer) in [
        ("one short", json!({"list": [], "pageNo": 1, "pages": 1, "total": 1})),
        ("one too many", json!({"list": [fake::key(1, 110_401)], "pageNo": 1, "pages": 1, "total": 0})),
        ("another page", json!({"list": [], "pageNo": 2, "pages": 2, "total": 0})),
        ("pages without end", json!({"list": [], "pageNo": 1, "pages": 51, "total": 0})),
        ("no count", json!({"list": [], "pageNo": 1, "pages": 1})),
        ("no list", json!({"pageNo": 1, "pages": 1, "total": 0})),
        ("an acknowledgement", json!({"errcode": 0})),
        (
            "an item without a window",
            json!({"list": [{"keyId": 1, "lockId": 7}], "pageNo": 1, "pages": 1, "total": 1}),
        ),
    ] {
        let vendor = Vendor::new(move |_, path, form| match path {
            TOKENS => Reply::Json(good(path)),
            _ => {
                let number: i64 = form.rsplit_once("pageNo=").unwrap().1.parse().unwrap();
                let mut answer = answer.clone();
                if number > 1 {
                    answer["pageNo"] = json!(number);
                }
                Reply::Json(answer)
            }
        });
        let driver = fake::driver(&vendor);
        assert!(matches!(driver.find(&fake::order(), &FIRST).await, Ok(Found::CannotTell)), "{what}");
        assert!(vendor.paths().len() <= 51, "{what}: asked without end");
    }
    let vendor = Vendor::new(|_, path, _| match path {
        LOCKS => Reply::Json(json!({"list": [], "pageNo": 1, "pages": 1, "total": 3})),
        _ => Reply::Json(good(path)),
    });
    let error = fake::driver(&vendor).devices().await.unwrap_err();
    assert_eq!((error.reason(), error.advice()), (FailureReason::MalformedAnswer, RetryAdvice::NotApplied));
}

#[tokio::test]
async fn a_look_that_failed_is_an_error_and_not_an_absence() {
    for reply in
        [Reply::Fails(TransportError::TimedOut), Reply::Raw(502, String::new()), Reply::Json(refused(90000))]
    {
        let vendor = Vendor::new(move |_, path, _| match path {
            "/v3/lock/listKey" => reply.clone(),
            _ => Reply::Json(good(path)),
        });
        let error = fake::driver(&vendor).find(&fake::order(), &FIRST).await.unwrap_err();
        assert_eq!((error.code(), error.advice()), (ErrorCode::VendorUnreachable, RetryAdvice::NotApplied));
    }
}

#[tokio::test]
async fn a_door_that_is_not_configured_is_refused_before_anything_is_sent() {
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let driver = fake::driver(&vendor);
    let elsewhere = "lck_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
    let order = lockport::driver::GrantOrder { doors: vec![elsewhere], ..fake::order() };
    let error = driver.grant(&order, &FIRST).await.unwrap_err();
    assert_eq!((error.code(), error.device()), (ErrorCode::DeviceNotPaired, Some(elsewhere)));
    assert_eq!(driver.health(elsewhere).await.unwrap_err().code(), ErrorCode::DeviceNotPaired);
    assert!(vendor.seen().is_empty());

    // Its key can be taken away all the same, by the number.
    let gone = fake::withdrawal(fake::held(order, Some("3")));
    driver.withdraw(&gone, &FIRST).await.unwrap();
    assert_eq!(vendor.paths(), [TOKENS, DELETE]);
}

#[tokio::test]
async fn locks_the_configuration_does_not_name_are_not_shown() {
    let vendor = Vendor::new(|_, path, _| match path {
        LOCKS => Reply::Json(page(&[json!({"lockId": 8, "hasGateway": 1}), json!({"lockId": 9})])),
        _ => Reply::Json(good(path)),
    });
    assert_eq!(fake::driver(&vendor).devices().await.unwrap(), []);
}

/// No note, no effect: whatever dies before the note has sent no key, and the core need not wait for one.
#[tokio::test]
async fn a_key_is_not_sent_before_it_is_noted() {
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let attempt = lockport::driver::Attempt { journal: &fake::Broken, ..FIRST };
    assert!(fake::driver(&vendor).grant(&fake::order(), &attempt).await.is_err());
    let paths = vendor.paths();
    assert!(!paths.is_empty() && !paths.iter().any(|path| path.ends_with("/key/send")), "{paths:?}");
}

/// A change that was lost may have sent the key anew, under another number: sent again, it goes to the key that there is.
#[tokio::test]
async fn a_change_that_is_sent_again_finds_a_key_that_was_sent_anew() {
    let vendor = Vendor::new(|_, path, form| match path {
        "/v3/key/changePeriod" if form.contains("keyId=234522&") => Reply::Json(refused(-1008)),
        "/v3/lock/listKey" => Reply::Json(page(&[fake::key(234_601, 110_401)])),
        _ => Reply::Json(good(path)),
    });
    let driver = fake::driver(&vendor);
    let later = fake::until(fake::order(), "2026-05-04T10:00:00Z");
    let held = fake::held(fake::order(), Some("234522"));
    let error = driver.amend(&held, &later, &FIRST).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CredentialExpired, "nothing was lost: {error:?}");
    driver.amend(&held, &later, &fake::AGAIN).await.unwrap();
    let (path, form) = vendor.seen().pop().unwrap();
    assert!(path == "/v3/key/changePeriod" && form.contains("keyId=234601&"), "{path} {form}");
}
