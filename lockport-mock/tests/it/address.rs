//! What an address makes of a vendor.

use std::sync::Arc;
use std::time::Duration;

use lockport::driver::{Suspend, VendorDriver as _};
use lockport::env::ManualClock;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Timestamp};
use lockport_mock::{Fault, MockUrlError};

use crate::stand::Stand;

async fn hundred_issues(url: &str) -> (Stand, Vec<Result<(), LockError>>) {
    let stand = Stand::at(url).unwrap();
    let mut answers = Vec::new();
    for name in 0..100 {
        answers.push(stand.grant(&stand.phone("token", &format!("guest{name}"))).await.map(drop));
    }
    (stand, answers)
}

fn failed(answers: &[Result<(), LockError>]) -> Vec<usize> {
    answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(index, _)| index).collect()
}

#[tokio::test]
async fn so_many_in_a_hundred_fail_and_the_same_ones_with_the_same_seed() {
    let url = "mock://?fail=issue&pct=20&error=VENDOR_UNREACHABLE";
    let (stand, answers) = hundred_issues(url).await;
    let share = failed(&answers).len();
    assert!((10..=30).contains(&share), "{share} of a hundred failed");
    assert_eq!(stand.vendor.live_grants(stand.door), 100 - share);
    let error = answers.iter().find_map(|answer| answer.as_ref().err()).unwrap();
    assert_eq!((error.code(), error.advice()), (ErrorCode::VendorUnreachable, RetryAdvice::NotApplied));
    assert_eq!(failed(&hundred_issues(url).await.1), failed(&answers));
    assert_ne!(failed(&hundred_issues(&format!("{url}&seed=1")).await.1), failed(&answers));
}

#[tokio::test]
async fn the_one_with_the_number_fails_and_only_of_its_operation() {
    let stand =
        Stand::at("mock://?fail=revoke,suspend&nth=2&error=KEY_REVOKE_FAILED&reason=throttled").unwrap();
    let orders = ["one", "two", "three"].map(|name| stand.phone(name, name));
    for order in &orders {
        stand.grant(order).await.unwrap();
    }
    stand.withdraw(&orders[0], None).await.unwrap();
    let error = stand.withdraw(&orders[1], None).await.unwrap_err();
    let is = (error.code(), error.reason(), error.advice());
    assert_eq!(is, (ErrorCode::KeyRevokeFailed, FailureReason::Throttled, RetryAdvice::Never));
    stand.withdraw(&orders[2], None).await.unwrap();
    assert!(!stand.opens("one") && stand.opens("two") && !stand.opens("three"));
}

#[tokio::test]
async fn a_failure_can_come_after_the_effect_or_long_before_it() {
    let after = Stand::at("mock://?fail=issue&when=after").unwrap();
    let error = after.grant(&after.phone("token", "one")).await.unwrap_err();
    assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown);
    assert!(after.opens("token"));

    let late = Stand::at("mock://?fail=issue&nth=1&when=late:20").unwrap();
    let error = late.grant(&late.phone("token", "one")).await.unwrap_err();
    assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown);
    late.pass(19);
    assert!(!late.opens("token"));
    late.pass(1);
    assert!(late.opens("token"));
}

#[tokio::test]
async fn what_was_ordered_strikes_before_the_rule() {
    let stand = Stand::at("mock://?fail=issue&nth=1").unwrap();
    stand.vendor.push_fault(Fault::LoseReply);
    let error = stand.grant(&stand.phone("token", "one")).await.unwrap_err();
    assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown);
    let error = stand.grant(&stand.phone("token", "two")).await.unwrap_err();
    assert_eq!(error.advice(), RetryAdvice::NotApplied);
    stand.grant(&stand.phone("token", "three")).await.unwrap();
}

#[tokio::test]
async fn looks_fail_when_the_address_says_so() {
    let stand = Stand::at("mock://?fail=devices,health").unwrap();
    assert_eq!(stand.driver.devices().await.unwrap_err().code(), ErrorCode::VendorUnreachable);
    assert_eq!(stand.driver.health(stand.door).await.unwrap_err().code(), ErrorCode::VendorUnreachable);
    stand.grant(&stand.phone("token", "one")).await.unwrap();
}

#[test]
fn an_ability_can_be_taken_away() {
    let stand = Stand::at("mock://?capability=-suspend,-pin,-remote_revoke,-scope_areas").unwrap();
    let descriptor = stand.driver.describe();
    let capabilities = descriptor.all_capabilities();
    assert!(capabilities.mobile_key && !capabilities.pin && !capabilities.suspend);
    assert!(capabilities.remote_issue && !capabilities.remote_revoke && !capabilities.scope_areas);
    assert!(descriptor.kinds.iter().all(|kind| kind.suspend == Suspend::No));
    let stand = Stand::at("mock://?capability=-mobile_key,-card_encoding,-remote_issue").unwrap();
    let capabilities = stand.driver.describe().all_capabilities();
    assert!(capabilities.pin && !capabilities.mobile_key && !capabilities.remote_issue);
}

/// Half the time passes before the effect and half after it.
#[tokio::test]
async fn calls_take_their_time_once_there_is_something_to_sleep_on() {
    let stand = Stand::at("mock://?latency=gateway").unwrap();
    stand.grant(&stand.phone("early", "one")).await.unwrap();

    let sleep = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    stand.vendor.sleep_on(sleep.clone());
    let order = stand.phone("token", "two");
    let mut call = std::pin::pin!(stand.grant(&order));
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    for (seconds, opens) in [(0, false), (2, false), (3, true), (5, true)] {
        sleep.set(Timestamp::UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(call.as_mut().poll(context).is_pending(), "done after {seconds} s");
        assert_eq!(stand.opens("token"), opens, "after {seconds} s");
    }
    sleep.set(Timestamp::UNIX_EPOCH + Duration::from_secs(6));
    call.await.unwrap();
}

#[test]
fn an_address_that_is_not_understood_makes_no_vendor() {
    let error = Stand::at("mock://?colour=red").map(drop).unwrap_err();
    assert_eq!(error, MockUrlError::UnknownKey("colour".to_owned()));
    assert_eq!(error.to_string(), "\"colour\" is no setting of a mock");
}
