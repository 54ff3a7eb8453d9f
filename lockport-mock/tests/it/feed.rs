//! What the vendor tells of its doors: the attempts that its locks wrote down, and their clocks.

use chrono::TimeDelta;
use lockport::driver::{
    AccessFeed as _, AttemptOutcome, ClockSync as _, Cursor, DenyReason, DoorAttempt, Shown,
    VendorDriver as _,
};
use lockport::env::Clock as _;
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason};
use lockport_mock::Personality;

use crate::stand::Stand;

/// Every page behind this cursor, and where it ends.
async fn read(stand: &Stand, mut after: Option<Cursor>) -> (Vec<DoorAttempt>, Option<Cursor>) {
    let mut told = Vec::new();
    loop {
        let page = stand.driver.attempts(after.as_ref()).await.unwrap();
        told.extend(page.told);
        after = page.next;
        if !page.more {
            return (told, after);
        }
    }
}

fn marker(attempt: &DoorAttempt) -> Option<&str> {
    match &attempt.shown {
        Some(Shown::Marker(marker)) => Some(marker),
        _ => None,
    }
}

/// R108: every attempt is told once behind a cursor, the oldest first, with what the lock said and whose key it was.
#[tokio::test]
async fn a_lock_tells_who_tried_and_what_it_said() {
    let stand = Stand::of(Personality::PerDoor);
    let order = stand.pin("482913", "one");
    let reference = stand.grant(&order).await.unwrap().reference;
    let (door, from) = (stand.vendor.door(stand.door), order.window.from());
    let tries = [
        ("482913", from, AttemptOutcome::Granted, Some("one")),
        (
            "482913",
            from - TimeDelta::seconds(1),
            AttemptOutcome::Denied(DenyReason::NotYetValid),
            Some("one"),
        ),
        ("482913", order.window.until(), AttemptOutcome::Denied(DenyReason::Expired), Some("one")),
        ("111111", from, AttemptOutcome::Denied(DenyReason::UnknownKey), None),
    ];
    for (text, at, outcome, _) in tries {
        assert_eq!(door.try_open(text, at), outcome == AttemptOutcome::Granted);
    }
    let (told, end) = read(&stand, None).await;
    assert_eq!(told.len(), tries.len());
    for (told, (_, at, outcome, whose)) in told.iter().zip(tries) {
        assert_eq!((told.device, told.at, told.outcome), (stand.door, at, outcome));
        assert_eq!(marker(told), whose);
    }
    assert!(!format!("{told:?}").contains("482913"));
    assert!(read(&stand, end.clone()).await.0.is_empty());

    let blocked = lockport::driver::GrantOrder { blocked: true, ..order.clone() };
    stand.amend(&order, reference, &blocked).await.unwrap();
    assert!(!door.try_open("482913", from));
    let (more, _) = read(&stand, end).await;
    assert_eq!(
        more.iter().map(|told| told.outcome).collect::<Vec<_>>(),
        [AttemptOutcome::Denied(DenyReason::Blocked)]
    );
    // Whoever lost his cursor is told the same under the same names.
    let (again, _) = read(&stand, None).await;
    let names = |told: &[DoorAttempt]| told.iter().map(|told| told.event.clone()).collect::<Vec<_>>();
    assert_eq!(names(&again), [names(&told), names(&more)].concat());
}

/// R119: a lock that is away tells nothing and loses nothing; one without power writes nothing down.
#[tokio::test]
async fn what_a_lock_could_not_tell_comes_later() {
    let stand = Stand::of(Personality::PerDoor);
    stand.vendor.set_online(stand.doors[0], false);
    for device in stand.doors {
        let _denied = stand.vendor.door(device).try_open("1", stand.clock.now());
    }
    let devices = |told: &[DoorAttempt]| told.iter().map(|told| told.device).collect::<Vec<_>>();
    let (told, end) = read(&stand, None).await;
    assert_eq!(devices(&told), stand.doors[1..]);
    stand.vendor.set_online(stand.doors[0], true);
    stand.vendor.set_battery(stand.doors[1], 0);
    let _dead = stand.vendor.door(stand.doors[1]).try_open("1", stand.clock.now());
    assert_eq!(devices(&read(&stand, end).await.0), stand.doors[..1]);
}

/// A feed has pages.
#[tokio::test]
async fn a_long_feed_is_told_in_pages() {
    let stand = Stand::of(Personality::PerStay);
    for _ in 0..250 {
        let _denied = stand.vendor.door(stand.door).try_open("1", stand.clock.now());
    }
    let calls = stand.vendor.calls();
    assert_eq!(read(&stand, None).await.0.len(), 250);
    assert_eq!(stand.vendor.calls() - calls, 3);
}

/// R148: a clock that was set is right, at the door and in what is told of it.
#[tokio::test]
async fn a_clock_that_was_set_is_right() {
    let stand = Stand::of(Personality::PerDoor);
    let order = stand.pin("482913", "one");
    stand.grant(&order).await.unwrap();
    stand.vendor.set_lock_clock(stand.door, TimeDelta::hours(-2));
    assert!(!stand.opens("482913"));
    stand.driver.set_clock(stand.door, stand.clock.now()).await.unwrap();
    assert!(stand.opens("482913"));
    assert_eq!(stand.driver.health(stand.door).await.unwrap().clock_skew_ms, Some(0));
    stand.vendor.set_online(stand.door, false);
    let away = stand.driver.set_clock(stand.door, stand.clock.now()).await.unwrap_err();
    assert_eq!(away.reason(), FailureReason::DeviceOffline);
    let elsewhere = LockDeviceId::derived("elsewhere", &[]);
    let unknown = stand.driver.set_clock(elsewhere, stand.clock.now()).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::DeviceNotPaired);
}
