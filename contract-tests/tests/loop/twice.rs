//! Two failures in one life, where one alone does no harm.

use std::time::Duration;

use chrono::TimeDelta;
use lockport::adapter::Adapter;
use lockport::credential::{IssueInput, IssuedCredential, Progress, RevokeInput, RevokeOutcome, UpdateInput};
use lockport::{ErrorCode, FailureReason, LockError, LockPort as _, RetryAdvice};
use lockport_mock::{Fault, MockDriver, Personality};

use crate::house::{House, text};

/// Longer than any call of these vendors is on its way.
const LATE: i64 = 45;
/// How long one is that comes late.
const COMES_LATE: Duration = Duration::from_secs(20);

/// How a call ended that is to be repeated: it is, a second later.
fn repeats<T: std::fmt::Debug>(house: &House, answer: Result<T, LockError>) {
    let error = answer.unwrap_err();
    assert_ne!(error.advice(), RetryAdvice::Never, "{error:?}");
    house.pass(1);
}

async fn issue_at_last(house: &House, process: &Adapter<MockDriver>, input: &IssueInput) -> IssuedCredential {
    for _ in 0..2 * LATE {
        match process.issue_credential(input.clone()).await {
            Ok(result) if result.state == Progress::Active => return result.credential,
            Ok(_) => house.pass(1),
            refused => repeats(house, refused),
        }
    }
    panic!("nobody gets in");
}

async fn revoke_at_last(house: &House, process: &Adapter<MockDriver>, input: &RevokeInput) -> RevokeOutcome {
    for _ in 0..2 * LATE {
        match process.revoke_credential(input.clone()).await {
            Ok(outcome) => return outcome,
            refused => repeats(house, refused),
        }
    }
    panic!("nobody gets out");
}

async fn update_at_last(house: &House, process: &Adapter<MockDriver>, input: &UpdateInput) {
    for _ in 0..2 * LATE {
        match process.update_credential(input.clone()).await {
            Ok(_) => return,
            refused => repeats(house, refused),
        }
    }
    panic!("it is never changed");
}

/// The vendor clears a room, and the clearing that takes back the first try is under way still when the second begins.
#[tokio::test]
async fn an_undo_that_comes_late_takes_no_later_try_along() {
    let house = House::of(Personality::RoomWide);
    let process = house.process("one", house.driver());
    let taken =
        LockError::new(ErrorCode::KeyIssueFailed, FailureReason::PinRejected, RetryAdvice::Never, "taken");
    house.bench.vendor.push_fault_after(1, Fault::Refuse(taken));
    house.bench.vendor.push_fault(Fault::LateEffect(COMES_LATE));
    let given = issue_at_last(&house, &process, &house.issue("ada", &[0, 1])).await;
    assert_eq!(house.bench.vendor.faults_waiting(), 0);
    house.pass(LATE);
    assert!(house.opens(&text(&given), 0) && house.opens(&text(&given), 1), "ada is out");
}

/// A grant lies in the vendor's queue, and neither taking away ever gets there.
#[tokio::test]
async fn a_grant_that_is_on_its_way_is_not_taken_for_gone() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    let input = house.issue("ada", &[0]);
    process.issue_credential(input.clone()).await.unwrap();
    house.bench.vendor.push_fault(Fault::LoseCall);
    house.bench.vendor.push_fault(Fault::LoseCall);
    let revoke = house.revoke(input.resulting_id(), "revoke");
    let outcome = revoke_at_last(&house, &process, &revoke).await;
    assert_eq!(house.bench.vendor.faults_waiting(), 0);
    let until = outcome.again_at.unwrap_or_else(|| house.now());
    while house.now() <= until {
        assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0, "ada is in");
        house.pass(1);
    }
}

/// The grant comes late, and the host is away for longer than that: when it asks again, the vendor has yet to take it away.
#[tokio::test]
async fn a_revoke_that_acts_again_is_not_done_before_the_vendor_is() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    let input = house.issue("ada", &[0]);
    house.bench.vendor.push_fault(Fault::LateEffect(COMES_LATE));
    process.issue_credential(input.clone()).await.unwrap_err();
    let revoke = house.revoke(input.resulting_id(), "revoke");
    assert!(revoke_at_last(&house, &process, &revoke).await.again_at.is_some());
    house.pass(LATE);
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1, "it never came");
    let outcome = revoke_at_last(&house, &process, &revoke).await;
    assert_eq!((outcome.again_at, house.bench.vendor.live_grants(house.door(0))), (None, 0), "ada is in");
}

/// The vendor has done its taking away before the grant comes: what is seen then is not what it has yet to do, and is taken away at once.
#[tokio::test]
async fn a_grant_that_comes_after_its_taking_away_is_taken_away_as_soon_as_it_can_be_the_last() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    let input = house.issue("ada", &[0]);
    house.bench.vendor.push_fault(Fault::LateEffect(COMES_LATE));
    process.issue_credential(input.clone()).await.unwrap_err();
    let revoke = house.revoke(input.resulting_id(), "revoke");
    repeats(&house, process.revoke_credential(revoke.clone()).await);
    house.pass(40);
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1, "it never came");
    let begin = house.now();
    let outcome = revoke_at_last(&house, &process, &revoke).await;
    assert_eq!((outcome.again_at, house.bench.vendor.live_grants(house.door(0))), (None, 0), "ada is in");
    assert!((house.now() - begin).num_seconds() < 10, "ada was in until {}", house.now());
}

/// A change gets no answer twice, and what the second did is seen: the first may land still, and with it the longer stay, after the
/// guest's stay was made shorter again.
#[tokio::test]
async fn a_change_that_was_sent_twice_does_not_land_on_the_next_one() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", house.driver());
    let issued = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential;
    let ends = issued.validity.until();
    let until =
        |name: &str, hours| house.update(issued.id, name).with_valid_until(ends + TimeDelta::hours(hours));
    let longer = until("longer", 10);
    house.bench.vendor.push_fault(Fault::LateEffect(COMES_LATE));
    repeats(&house, process.update_credential(longer.clone()).await);
    house.pass(5);
    house.bench.vendor.push_fault(Fault::LoseReply);
    repeats(&house, process.update_credential(longer.clone()).await);
    update_at_last(&house, &process, &longer).await;
    update_at_last(&house, &process, &until("shorter", -5)).await;
    assert_eq!(house.bench.vendor.faults_waiting(), 0);
    house.pass(LATE);
    let door = house.bench.vendor.door(house.door(0));
    assert!(!door.try_open(&text(&issued), ends), "ada is in for longer than her stay");
}
