//! Passcodes at the door, beyond what every vendor has to keep.

use chrono::TimeDelta;
use lockport::credential::{
    Artifact, KeyCredentialKind, Proof, RevokeInput, RevokeReason, SuspendInput, SuspendReason,
    UnsuspendInput, WarningCode,
};
use lockport::{ErrorCode, FailureReason, RetryAdvice};
use lockport_sim_ttlock::{Fault, Presented, What};
use lockport_ttlock::Passcodes;

use super::house::{DOOR, House, Plan, digits};

const PIN: KeyCredentialKind = KeyCredentialKind::PinCode;

fn without_gateways() -> Plan {
    Plan { locks: |sim| sim.lock(DOOR, None), config: |config| config.passcodes = Passcodes::Random }
}

/// The lock took the passcode, and its answer never came: the cloud lists nothing. A revoke takes it out of the lock all the same.
#[tokio::test]
async fn a_passcode_that_the_cloud_does_not_list_is_taken_out_of_the_lock() {
    let house = House::of(Plan::usual()).await;
    let input = house.input(PIN, house.minutes(60, 600), "k-1");
    house.sim.faults().push(Fault::once("/v3/keyboardPwd/add", What::LockAnswerLost));
    let id = input.resulting_id();
    house.port.issue_credential(input).await.unwrap_err();
    assert_eq!((house.sim.lock_passcodes(DOOR).len(), house.sim.cloud_passcodes(DOOR).len()), (1, 0));
    let revoke = RevokeInput::new(house.site.tenant, id, RevokeReason::Security, "k-2".parse().unwrap());
    house.port.revoke_credential(revoke).await.unwrap();
    assert!(house.sim.lock_passcodes(DOOR).is_empty(), "a code that nobody knows of opens the door");
}

/// A gateway that says yes to what no lock heard: nobody can see that from the cloud, and it opens nothing.
#[tokio::test]
async fn a_gateway_that_is_away_refuses_and_leaves_nothing_behind() {
    let house = House::of(Plan::usual()).await;
    house.sim.set_gateway_power("corridor", false);
    house.pass(TimeDelta::minutes(20));
    let input = house.input(PIN, house.minutes(60, 600), "k-1");
    let error = house.port.issue_credential(input.clone()).await.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (ErrorCode::KeyIssueFailed, FailureReason::DeviceOffline),
        "{error:?}"
    );
    assert!(house.sim.lock_passcodes(DOOR).is_empty() && house.sim.cloud_passcodes(DOOR).is_empty());
    // The same call succeeds when the gateway is back.
    house.sim.set_gateway_power("corridor", true);
    house.pass(TimeDelta::minutes(1));
    let issued = house.port.issue_credential(input).await.unwrap().credential;
    assert!(house.opens(&digits(&issued), house.now() + TimeDelta::minutes(100)));
}

/// A lock that nothing reaches: the passcode is the vendor's, opens from its first use on, and nothing takes it away.
#[tokio::test]
async fn a_lock_without_a_gateway_gets_a_passcode_of_the_vendors_choice() {
    let house = House::of(without_gateways()).await;
    let window = house.minutes(60, 60 * 49);
    let answer = house.port.issue_credential(house.input(PIN, window, "k-1")).await.unwrap();
    let dies = answer.warnings.iter().find(|warning| warning.code == WarningCode::DiesUnlessUsed);
    assert_eq!(dies.unwrap().detail, (window.from() + TimeDelta::hours(24)).to_rfc3339());
    let code = digits(&answer.credential);
    let second = TimeDelta::seconds(1);
    for (at, opens) in [
        (window.from() - second, false),
        (window.from(), true),
        (window.from() + TimeDelta::hours(30), true),
        (window.until() - second, true),
        (window.until(), false),
    ] {
        assert_eq!(house.opens(&code, at), opens, "{at}");
    }
    // Suspending is refused before any call; revoking tells that only the end stops it.
    let calls = house.sim.seen().len();
    let suspend = SuspendInput::new(
        house.site.tenant,
        answer.credential.id,
        SuspendReason::NoShow,
        "k-2".parse().unwrap(),
    );
    assert_eq!(house.port.suspend_credential(suspend).await.unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(house.sim.seen().len(), calls);
    let revoked = house.port.revoke_credential(house.revoke(&answer.credential, "k-3")).await.unwrap();
    assert_eq!((revoked.proof, revoked.effective_by), (Proof::ExpiresOnly, window.until()));
    assert!(revoked.warnings.iter().any(|warning| warning.code == WarningCode::ExpiresOnly));
    assert!(house.opens(&code, window.until() - second), "and so it is");
}

#[tokio::test]
async fn unused_for_a_day_it_is_dead_as_was_said() {
    let house = House::of(without_gateways()).await;
    let window = house.minutes(60, 60 * 49);
    let issued = house.port.issue_credential(house.input(PIN, window, "k-1")).await.unwrap().credential;
    assert!(!house.opens(&digits(&issued), window.from() + TimeDelta::hours(24)));
    // Whoever comes for a key a day after its start gets one that begins now, not a dead one: also where the answer is lost.
    house.pass(TimeDelta::hours(26));
    for (key, is_lost, codes) in [("k-2", false, 2), ("k-3", true, 3)] {
        let input = house.input(PIN, window, key);
        if is_lost {
            house.sim.faults().push(Fault::once("/v3/keyboardPwd/get", What::DropAfter));
            house.port.issue_credential(input.clone()).await.unwrap_err();
            house.pass(TimeDelta::seconds(61));
        }
        let late = house.port.issue_credential(input).await.unwrap();
        let code = digits(&late.credential);
        assert!(house.opens(&code, house.now()) && house.opens(&code, window.until() - TimeDelta::hours(2)));
        assert!(!house.opens(&code, window.until()));
        assert_eq!(house.sim.cloud_passcodes(DOOR).len(), codes, "one each, and none that nobody knows of");
    }
}

/// The vendor rounds to whole hours of the lock's own wall, and downwards: asked for 14:00 in London it opens from 13:30 where the
/// lock's wall is half an hour off.
#[tokio::test]
async fn at_a_lock_whose_wall_is_half_an_hour_off_it_opens_later_and_never_earlier() {
    let house = House::of(without_gateways()).await;
    house.sim.door(DOOR).set_timezone_offset_ms(330 * 60_000);
    let window = house.minutes(60, 600);
    let issued = house.port.issue_credential(house.input(PIN, window, "k-1")).await.unwrap().credential;
    let (code, half) = (digits(&issued), TimeDelta::minutes(30));
    let second = TimeDelta::seconds(1);
    for (at, opens) in [
        (window.from() - second, false),
        (window.from() + half - second, false),
        (window.from() + half, true),
        (window.until() - half - second, true),
        (window.until() - half, false),
    ] {
        assert_eq!(house.opens(&code, at), opens, "{at}");
    }
}

/// The answer is lost, the same call comes again: one passcode, the one that the guest is given.
#[tokio::test]
async fn a_lost_answer_about_it_is_found_again_in_the_list() {
    let house = House::of(without_gateways()).await;
    let window = house.minutes(60, 600);
    let input = house.input(PIN, window, "k-1");
    house.sim.faults().push(Fault::once("/v3/keyboardPwd/get", What::DropAfter));
    house.port.issue_credential(input.clone()).await.unwrap_err();
    house.pass(TimeDelta::seconds(61));
    let issued = house.port.issue_credential(input).await.unwrap().credential;
    assert!(house.opens(&digits(&issued), window.from() + TimeDelta::hours(1)));
    assert_eq!(house.sim.cloud_passcodes(DOOR).len(), 1);
}

/// R122: while the guest was suspended his digits became somebody else's. Then he gets other ones, and what somebody else set stays.
#[tokio::test]
async fn a_passcode_that_cannot_come_back_comes_back_as_another() {
    let house = House::of(Plan::usual()).await;
    let window = house.minutes(1, 600);
    let issued = house.port.issue_credential(house.input(PIN, window, "k-1")).await.unwrap().credential;
    let before = digits(&issued);
    let suspend = |key: &str| {
        SuspendInput::new(house.site.tenant, issued.id, SuspendReason::Manual, key.parse().unwrap())
    };
    let unsuspend = |key: &str| UnsuspendInput::new(house.site.tenant, issued.id, key.parse().unwrap());
    house.port.suspend_credential(suspend("k-2")).await.unwrap();
    let Artifact::Pin(text) = &issued.delivery[0].artifact else { panic!("no passcode") };
    let until = window.until().timestamp_millis();
    // EXPOSE: somebody else types the same digits at the lock, for an hour later on.
    assert!(house.sim.door(DOOR).add_passcode_by_hand(text.expose(), until - 3_600_000, until));
    let back = house.port.unsuspend_credential(unsuspend("k-3")).await.unwrap();
    let other = digits(&back.credential);
    let inside = window.from() + TimeDelta::minutes(10);
    assert_ne!(other, before);
    assert!(house.opens(&other, inside) && !house.opens(&before, inside));
    assert!(house.opens(&before, window.until() - TimeDelta::minutes(10)), "somebody else's is untouched");
    // The same again says the same; suspended and lifted once more, the new digits stay.
    let again = house.port.unsuspend_credential(unsuspend("k-3")).await.unwrap();
    assert_eq!(digits(&again.credential), other);
    house.port.suspend_credential(suspend("k-4")).await.unwrap();
    assert!(!house.opens(&other, inside));
    let back = house.port.unsuspend_credential(unsuspend("k-5")).await.unwrap();
    assert_eq!(digits(&back.credential), other);
    let key = "k-6".parse().unwrap();
    let revoke = RevokeInput::new(house.site.tenant, issued.id, RevokeReason::Lost, key);
    house.port.revoke_credential(revoke).await.unwrap();
    assert!(!house.opens(&other, inside) && house.sim.cloud_passcodes(DOOR).is_empty());
}

/// A lock with 250 passcodes takes no more (-3009): those whose time is over make room, once; what is still good stays.
#[tokio::test]
async fn what_is_over_makes_room_in_a_lock_that_is_full() {
    let house = House::of(Plan::usual()).await;
    let keep = house.minutes(1, 60 * 24 * 9);
    let kept = house.port.issue_credential(house.input(PIN, keep, "kept")).await.unwrap().credential;
    for nth in 0..4 {
        let input = house.input(PIN, house.minutes(1, 60 + nth), &format!("short-{nth}"));
        house.port.issue_credential(input).await.unwrap();
    }
    let door = house.sim.door(DOOR);
    assert!((0..245).all(|nth| door.add_passcode_by_hand(&format!("71{nth:05}"), 0, 0)));
    let enter =
        async |key: &str| house.port.issue_credential(house.input(PIN, house.minutes(1, 600), key)).await;
    // Over for an hour is not over for long: some lock's clock may be late.
    house.pass(TimeDelta::hours(3));
    let full = enter("k-1").await.unwrap_err();
    assert_eq!(full.reason(), FailureReason::CapacityFull, "{full:?}");
    assert_eq!(house.sim.lock_passcodes(DOOR).len(), 250);
    house.pass(TimeDelta::hours(24));
    let issued = enter("k-2").await.unwrap().credential;
    assert!(house.opens(&digits(&issued), house.now() + TimeDelta::minutes(5)));
    assert_eq!(house.sim.lock_passcodes(DOOR).len(), 250 - 3 + 1, "three at once");
    // Two places are left, and then the one that is over.
    for key in ["k-3", "k-4", "k-5"] {
        enter(key).await.unwrap();
    }
    let full = enter("k-6").await.unwrap_err();
    assert_eq!(full.reason(), FailureReason::CapacityFull, "{full:?}");
    assert!(house.opens(&digits(&kept), house.now() + TimeDelta::minutes(5)), "what is good stays");
}

/// What a phone set at the lock over Bluetooth is registered when the lock itself says that it has it, and not when the cloud does: a
/// list believes anybody. R104, R162.
#[tokio::test]
async fn what_is_registered_the_lock_has_to_have() {
    let house = House::of(Plan::usual()).await;
    let window = house.minutes(1, 600);
    let (from, until) = (window.from().timestamp_millis(), window.until().timestamp_millis());
    let registering =
        |text: &str, key: &str| House::with_card(house.input(PIN, window, key), text).with_already(true);
    let typed = |text| house.opens(&Presented::passcode(text), window.from() + TimeDelta::minutes(10));
    let listed = || house.sim.cloud_passcodes(DOOR).len();

    let nothing = house.port.issue_credential(registering("314159", "k-1")).await.unwrap_err();
    assert_eq!(
        (nothing.code(), nothing.reason(), nothing.advice()),
        (ErrorCode::KeyIssueFailed, FailureReason::Refused, RetryAdvice::Never)
    );
    assert!(!typed("314159") && listed() == 0, "the cloud lists what no lock has");

    let door = house.sim.door(DOOR);
    assert!(door.add_passcode_by_hand("271828", from, until));
    // Nothing reaches the lock: nobody can say whether it is there, and nothing stays listed.
    house.sim.set_gateway_power("corridor", false);
    house.pass(TimeDelta::minutes(20));
    let away = house.port.issue_credential(registering("271828", "k-2")).await.unwrap_err();
    assert!(away.is_retriable() && listed() == 0, "{away:?}");
    house.sim.set_gateway_power("corridor", true);
    // The lock confirms, and the answer gets lost; a repeat finds it.
    house.sim.faults().push(Fault::once("/v3/keyboardPwd/change", What::DropAfter));
    let lost = house.port.issue_credential(registering("271828", "k-2")).await.unwrap_err();
    assert_eq!(lost.advice(), RetryAdvice::OutcomeUnknown);
    house.pass(TimeDelta::seconds(121));
    let registered = house.port.issue_credential(registering("271828", "k-2")).await.unwrap().credential;
    assert!(typed("271828") && listed() == 1 && house.sim.lock_passcodes(DOOR).len() == 1);
    // The same digits for somebody else are refused.
    let taken = house.port.issue_credential(registering("271828", "k-3")).await.unwrap_err();
    assert_eq!(taken.reason(), FailureReason::Refused, "{taken:?}");
    house.port.revoke_credential(house.revoke(&registered, "k-4")).await.unwrap();
    assert!(!typed("271828") && listed() == 0 && house.sim.lock_passcodes(DOOR).is_empty());

    // The cloud has listed it, and its answer got lost before the lock was asked; a revoke leaves nothing of it.
    assert!(door.add_passcode_by_hand("161803", from, until));
    house.sim.faults().push(Fault::once("/v3/keyboardPwd/add", What::DropAfter));
    let input = registering("161803", "k-5");
    let id = input.resulting_id();
    house.port.issue_credential(input).await.unwrap_err();
    assert_eq!(listed(), 1);
    let revoke = RevokeInput::new(house.site.tenant, id, RevokeReason::Security, "k-6".parse().unwrap());
    house.port.revoke_credential(revoke).await.unwrap();
    assert!(!typed("161803") && listed() == 0, "a code that nobody answers for opens the door");
}
