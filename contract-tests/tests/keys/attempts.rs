//! Who tried which door: told on once, with whose key it was, and told apart when it should not be (R83, R108, R220).

use chrono::TimeDelta;
use lockport::audit::{Action, Outcome, Reason};
use lockport::driver::{AttemptOutcome, DenyReason, VendorEventId};
use lockport::env::Clock as _;
use lockport::event::AnomalyKind;
use lockport::keys::{KeyService, Observed, VendorSignal};
use lockport::port::SeenAttempt;
use lockport::{ErrorCode, Secret};
use serde_json::{Value, json};

use crate::rig::{Hotel, LOOK, Told, booking, confirmed, door, shift_ended, shift_started, stay, user};
use crate::yielding::{run, run_in_turn};

fn started() -> (Hotel, KeyService, Told) {
    let hotel = Hotel::simple();
    let service = hotel.watching("a");
    (hotel, service, Told::default())
}

/// What is odd, in the order in which it was told.
fn odd(told: &Told) -> Vec<&str> {
    told.of("audit.anomaly").iter().map(|data| data["anomaly"].as_str().unwrap()).collect()
}

fn try_open(hotel: &Hotel, key: &str, at: &str) -> bool {
    hotel.vendor().door(door(at)).try_open(key, hotel.clock.now())
}

/// R220, R136: what a guest did at the doors is told with his key, and stands in the audit; a stranger's try with nobody's. The
/// vendor's reference is there as a hash that only who has the property's key can make (X2).
#[test]
fn an_attempt_is_told_with_the_key_that_it_was() {
    let (hotel, service, mut told) = started();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    let key = told.hand(&stay("one"))[0].clone();
    assert!(try_open(&hotel, &key, "101") && !try_open(&hotel, &key, "102"));
    hotel.live(&service, LOOK);
    told.drain(&service);
    let attempts = told.of("audit.attempt");
    assert_eq!(attempts.len(), 2, "{attempts:#?}");
    let issued = told.of("credential.issued")[0];
    let (granted, denied) = (attempts[0], attempts[1]);
    assert_eq!((&granted["outcome"], &granted["denyReason"]), (&json!("granted"), &Value::Null));
    assert_eq!(granted["keyCredentialId"], issued["keyCredentialId"]);
    assert_eq!(granted["reservationId"], json!(stay("one")));
    assert_eq!(granted["deviceId"], json!(door("101")));
    assert_eq!((&denied["outcome"], &denied["denyReason"]), (&json!("denied"), &json!("unknown_key")));
    assert_eq!((denied.get("keyCredentialId"), denied.get("reservationId")), (None, None));
    assert!(odd(&told).is_empty());

    let log = service.audit();
    let entries = run(log.entries(..)).unwrap();
    let noted: Vec<_> = entries.iter().filter(|told| told.entry.action == Action::Attempt).collect();
    assert_eq!(
        noted.iter().map(|told| told.entry.outcome).collect::<Vec<_>>(),
        [Outcome::Granted, Outcome::Denied]
    );
    assert_eq!(noted[0].entry.lock_device_id, Some(door("101")));
    assert_eq!(noted[1].entry.reason, Some(Reason::Deny(DenyReason::UnknownKey)));
    // The mock's first grant is its number 1.
    let hash = run(log.vendor_ref_hash("mock", &Secret::new("1".to_owned()))).unwrap();
    assert!(hash.is_some());
    assert_eq!(noted[0].entry.vendor_ref_hash, hash);
    assert_eq!(granted["vendorRefHash"], json!(hash));
    assert_eq!(issued["vendorRefHash"], json!(hash));
    let of_issue =
        entries.iter().find(|told| told.entry.action == Action::Issue && told.entry.outcome == Outcome::Ok);
    assert_eq!(of_issue.unwrap().entry.vendor_ref_hash, hash);
    assert!(run(log.verify(..)).unwrap().faults.is_empty());
}

/// R83: a door that opens to a key after it was revoked is told as an anomaly, and only then.
#[test]
fn a_use_after_the_revoke_is_odd() {
    let (hotel, service, mut told) = started();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    let key = told.hand(&stay("one"))[0].clone();
    // The lock is away: it opens on, and tells later.
    hotel.vendor().set_online(door("101"), false);
    assert!(try_open(&hotel, &key, "101"));
    let before = hotel.clock.now();
    hotel.pass(TimeDelta::minutes(1));
    run(service.deliver(&booking("cancelled", "one", 2))).unwrap();
    hotel.live(&service, LOOK);
    told.drain(&service);
    assert!(told.of("audit.attempt").is_empty());
    hotel.vendor().set_online(door("101"), true);
    hotel.live(&service, LOOK);
    told.drain(&service);
    let attempts = told.of("audit.attempt");
    assert_eq!(attempts.len(), 1, "what a lock could not tell comes later");
    assert_eq!(attempts[0]["attemptedAt"], json!(before));
    assert!(odd(&told).is_empty(), "it was not revoked then");

    let credential = told.of("credential.revoked")[0]["keyCredentialId"].as_str().unwrap().parse().unwrap();
    let seen = SeenAttempt {
        event: VendorEventId::of("late"),
        device: door("101"),
        at: hotel.clock.now(),
        outcome: AttemptOutcome::Granted,
        credential: Some(credential),
        kind: None,
        vendor_ref_hash: None,
    };
    let signal = VendorSignal::Attempt(seen.clone());
    assert_eq!(run(service.observe("main", &signal)).unwrap(), Observed::News);
    // Another process hears it too, and the same once more.
    assert_eq!(run(hotel.service("b").observe("main", &signal)).unwrap(), Observed::Known);
    assert_eq!(run(service.observe("main", &signal)).unwrap(), Observed::Known);
    told.drain(&service);
    assert_eq!((told.count("audit.attempt"), odd(&told)), (2, vec!["used_after_revoke"]));
    assert_eq!(told.of("audit.anomaly")[0]["reservationId"], json!(stay("one")));
    let entries = run(service.audit().entries(..)).unwrap();
    let noted = entries.iter().find(|told| told.entry.action == Action::Anomaly).unwrap();
    assert_eq!(noted.entry.reason, Some(Reason::Anomaly(AnomalyKind::UsedAfterRevoke)));

    let elsewhere = SeenAttempt { device: door("elsewhere"), ..seen };
    let refused = run(service.observe("main", &VendorSignal::Attempt(elsewhere.clone()))).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DeviceNotPaired);
    let refused = run(service.observe("nobody", &VendorSignal::Attempt(elsewhere))).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidInput);
}

/// R108: a key of staff that opens outside its shift is odd; within it is not. What the lock's clock shows is held against what it
/// is known to be off by.
#[test]
fn a_use_outside_the_shift_is_odd() {
    let (hotel, service, mut told) = started();
    run(service.deliver(&shift_started("early", "anna", &json!("floor:1"), 8))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    let key = told.hand(&user("anna"))[0].clone();
    assert!(try_open(&hotel, &key, "101"));
    hotel.vendor().set_lock_clock(door("101"), TimeDelta::hours(-2));
    hotel.live(&service, LOOK);
    told.drain(&service);
    assert_eq!(told.count("audit.attempt"), 1);
    let staff = told.of("audit.attempt")[0];
    assert_eq!(staff["staffUserId"], json!(user("anna")));
    assert_eq!(staff["masterKeyId"], told.of("master_key.issued")[0]["masterKeyId"]);
    assert!(odd(&told).is_empty());

    // The lock is two hours behind and away: nobody can stop what it opens to.
    let credential = staff["keyCredentialId"].as_str().unwrap().parse().unwrap();
    let opened = |event: &str, after: TimeDelta| {
        VendorSignal::Attempt(SeenAttempt {
            event: VendorEventId::of(event),
            device: door("101"),
            at: crate::rig::opening() + after - TimeDelta::hours(2),
            outcome: AttemptOutcome::Granted,
            credential: Some(credential),
            kind: None,
            vendor_ref_hash: None,
        })
    };
    run(service.observe("main", &opened("in", TimeDelta::hours(7)))).unwrap();
    told.drain(&service);
    assert!(odd(&told).is_empty());
    run(service.observe("main", &opened("out", TimeDelta::hours(9)))).unwrap();
    told.drain(&service);
    assert_eq!(odd(&told), ["off_shift"]);
    // Once the shift has ended its key is revoked: worse.
    run(service.deliver(&shift_ended("early", "anna"))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    run(service.observe("main", &opened("gone", TimeDelta::hours(10)))).unwrap();
    told.drain(&service);
    assert_eq!(odd(&told), ["off_shift", "used_after_revoke"]);
}

/// R108: a door that is tried again and again in vain is told once, and each try as well.
#[test]
fn repeated_denials_are_odd() {
    let (hotel, service, mut told) = started();
    for nth in 0..7 {
        assert!(!try_open(&hotel, &format!("00000{nth}"), "102"));
        hotel.pass(TimeDelta::seconds(20));
    }
    assert!(!try_open(&hotel, "000000", "101"));
    hotel.live(&service, LOOK);
    told.drain(&service);
    assert_eq!((told.count("audit.attempt"), odd(&told)), (8, vec!["repeated_denials"]));
    let anomaly = told.of("audit.anomaly")[0];
    assert_eq!((&anomaly["deviceId"], &anomaly["attempts"]), (&json!(door("102")), &json!(5)));
    // Nothing that was typed came so far.
    assert!(!format!("{:?}", told.events).contains("000003"));
}

/// Dedup: two processes watch, the feed is told from its beginning to whoever asks, and each attempt is told on once.
#[test]
fn two_that_watch_tell_once() {
    let hotel = Hotel::simple();
    let (one, other) = (hotel.watching("a"), hotel.watching("b"));
    let mut told = Told::default();
    for nth in 0..30 {
        let _denied = try_open(&hotel, &nth.to_string(), "201");
        hotel.pass(TimeDelta::minutes(2));
        assert!(
            run_in_turn([&one, &other].into_iter().map(|service| service.tick())).iter().all(Result::is_ok)
        );
    }
    hotel.live(&other, LOOK);
    told.drain(&one);
    told.drain(&other);
    assert_eq!(told.count("audit.attempt"), 30);
    assert_eq!(told.count("device.registered"), 5);
}
