//! The vendor by itself: what its doors, its refusals and its faults do when a driver talks to it.

use std::time::Duration;

use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{Found, GrantOrder, VendorDriver as _};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Validity};
use lockport_mock::{Fault, Personality};

use crate::stand::Stand;

fn stand() -> Stand {
    Stand::of(Personality::PerDoor)
}

#[tokio::test]
async fn a_door_judges_artifact_window_and_block() {
    let stand = stand();
    let order = stand.pin("482913", "one");
    let reference = stand.grant(&order).await.unwrap().reference;
    let door = stand.vendor.door(stand.door);
    assert!(stand.opens("482913") && !stand.opens("482914") && !stand.opens(""));
    assert!(!door.try_open("482913", order.window.from() - TimeDelta::seconds(1)));
    assert!(!door.try_open("482913", order.window.until()));
    assert!(
        !stand.vendor.door(LockDeviceId::derived("elsewhere", &[])).try_open("482913", order.window.from())
    );

    let blocked = GrantOrder { blocked: true, ..order.clone() };
    stand.amend(&order, reference.clone(), &blocked).await.unwrap();
    assert!(!stand.opens("482913"));
    assert_eq!(stand.vendor.live_grants(stand.door), 1);
    stand.withdraw(&order, reference).await.unwrap();
    assert_eq!((stand.vendor.live_grants(stand.door), stand.vendor.effects_made()), (0, 1));
}

#[tokio::test]
async fn a_door_without_power_opens_to_nobody() {
    for personality in [Personality::PerDoor, Personality::Card] {
        let stand = Stand::of(personality);
        let (order, shown) = if personality == Personality::Card {
            stand.vendor.encoder(stand.encoder).place_card("card 1");
            (stand.order(KeyCredentialKind::RfidCard, None, "one"), "card 1")
        } else {
            (stand.pin("482913", "one"), "482913")
        };
        stand.grant(&order).await.unwrap();
        assert!(stand.opens(shown), "{personality}");
        stand.vendor.set_battery(stand.door, 0);
        assert!(!stand.opens(shown), "{personality}");
        stand.vendor.set_battery(stand.door, 1);
        assert!(stand.opens(shown), "{personality}");
    }
}

#[tokio::test]
async fn a_pin_is_taken_once_a_door_and_a_token_as_often_as_one_likes() {
    let stand = stand();
    stand.grant(&stand.pin("482913", "one")).await.unwrap();
    let error = stand.grant(&stand.pin("482913", "two")).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (ErrorCode::KeyIssueFailed, FailureReason::PinCollision));
    for marker in ["three", "four"] {
        stand.grant(&stand.phone("token", marker)).await.unwrap();
    }
    assert_eq!(stand.vendor.live_grants(stand.door), 3);
}

#[tokio::test]
async fn a_full_door_and_an_unknown_door_refuse() {
    let stand = stand();
    stand.vendor.set_memory_limit(stand.door, 1);
    stand.grant(&stand.pin("482913", "one")).await.unwrap();
    let error = stand.grant(&stand.pin("195527", "two")).await.unwrap_err();
    assert_eq!((error.reason(), error.device()), (FailureReason::CapacityFull, Some(stand.door)));
    let elsewhere =
        GrantOrder { doors: vec![LockDeviceId::derived("x", &[])], ..stand.pin("195527", "three") };
    assert_eq!(stand.grant(&elsewhere).await.unwrap_err().code(), ErrorCode::DeviceNotPaired);
}

#[tokio::test]
async fn whoever_lost_the_answer_withdraws_by_the_order_and_gone_is_gone() {
    let stand = stand();
    let order = stand.pin("482913", "one");
    stand.vendor.push_fault(Fault::LoseReply);
    assert_eq!(stand.grant(&order).await.unwrap_err().advice(), RetryAdvice::OutcomeUnknown);
    assert!(stand.opens("482913"));
    stand.withdraw(&order, None).await.unwrap();
    stand.withdraw(&order, None).await.unwrap();
    assert_eq!(stand.vendor.live_grants(stand.door), 0);
    let error = stand.amend(&order, None, &order).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (ErrorCode::CredentialExpired, FailureReason::NotFound));
}

#[tokio::test]
async fn find_sees_what_is_as_ordered_and_nothing_else() {
    let stand = stand();
    let order = stand.pin("482913", "one");
    assert!(matches!(stand.find(&order).await, Found::Absent));
    stand.grant(&order).await.unwrap();
    assert!(stand.found(&order).await.is_some());
    let window = Validity::new(order.window.from(), order.window.until() + TimeDelta::hours(1)).unwrap();
    for other in [GrantOrder { blocked: true, ..order.clone() }, GrantOrder { window, ..order.clone() }] {
        assert!(matches!(stand.find(&other).await, Found::Otherwise));
    }
    assert!(matches!(stand.find(&GrantOrder { marker: "two".to_owned(), ..order }).await, Found::Absent));
}

#[tokio::test]
async fn each_fault_strikes_one_write_and_says_what_the_caller_can_know() {
    let stand = stand();
    let given = LockError::unsupported("as the test says");
    let faults = [
        (Fault::NotSent, RetryAdvice::NotApplied, FailureReason::Network),
        (Fault::LoseCall, RetryAdvice::OutcomeUnknown, FailureReason::Network),
        (Fault::UnknownCode, RetryAdvice::Never, FailureReason::UnmappedVendorCode),
        (Fault::Refuse(given), RetryAdvice::Never, FailureReason::KindNotSupported),
    ];
    let order = stand.pin("482913", "one");
    for (fault, advice, reason) in faults {
        stand.vendor.push_fault(fault);
        let error = stand.grant(&order).await.unwrap_err();
        assert_eq!((error.advice(), error.reason()), (advice, reason));
        assert_eq!((stand.vendor.live_grants(stand.door), stand.vendor.faults_waiting()), (0, 0));
    }
    stand.vendor.push_fault_after(1, Fault::NotSent);
    stand.grant(&order).await.unwrap();
    assert_eq!(stand.vendor.faults_waiting(), 1);
    assert_eq!(stand.grant(&order).await.unwrap_err().advice(), RetryAdvice::NotApplied);
    assert_eq!(stand.vendor.calls(), 6);
}

#[tokio::test]
async fn a_late_effect_lands_by_the_vendors_clock_and_as_the_vendor_stands_then() {
    let stand = stand();
    stand.vendor.push_fault(Fault::LateEffect(Duration::from_secs(20)));
    stand.grant(&stand.pin("482913", "late")).await.unwrap_err();
    stand.clock.advance(TimeDelta::seconds(19));
    assert!(!stand.opens("482913"));
    stand.clock.advance(TimeDelta::seconds(1));
    assert!(stand.opens("482913"));

    stand.vendor.push_fault(Fault::LateEffect(Duration::from_secs(20)));
    stand.grant(&stand.pin("195527", "too late")).await.unwrap_err();
    stand.grant(&stand.pin("195527", "first")).await.unwrap();
    stand.clock.advance(TimeDelta::seconds(20));
    assert_eq!(stand.vendor.live_grants(stand.door), 2);
}

#[tokio::test]
async fn a_door_nobody_has_is_not_paired() {
    let stand = stand();
    assert_eq!(stand.driver.devices().await.unwrap().len(), 3);
    assert!(stand.driver.health(stand.door).await.unwrap().online);
    let error = stand.driver.health(LockDeviceId::derived("elsewhere", &[])).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeviceNotPaired);
}

#[test]
fn nothing_secret_is_printed() {
    let stand = stand();
    let shown = format!("{:?} {:?} {:?}", stand.vendor, stand.driver, stand.vendor.door(stand.door));
    assert!(!shown.contains("482913") && !shown.is_empty());
}
