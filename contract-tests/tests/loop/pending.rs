//! What is accepted and not done yet, what is lost and may still land, and when somebody looks.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lockport::adapter::Adapter;
use lockport::credential::Progress;
use lockport::driver::{
    Answer, Attempt, Found, GrantOrder, VendorCall, VendorDriver, Verb, Withdrawal, Withdrawn,
};
use lockport::port::{SeenCall, VendorCalls as _};
use lockport::{FailureReason, LockError, LockPort as _, RetryAdvice};
use lockport_mock::{Fault, MockDriver, Personality};

use crate::bent::{Bend, Bent};
use crate::house::{House, text};

async fn take_in(process: &Adapter<MockDriver>, call: &str) -> SeenCall {
    process.take_in(&VendorCall::with_body(call.as_bytes())).await.unwrap()
}

#[tokio::test]
async fn a_call_of_the_vendors_settles_what_waits_for_it() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    let issue = house.issue("ada", &[0]);
    let pending = process.issue_credential(issue.clone()).await.unwrap();
    assert!(pending.ask_after.is_some_and(|then| then > house.now()));
    house.pass(4);
    let [call] = house.bench.vendor.take_webhooks().try_into().unwrap();
    assert!(matches!(take_in(&process, &call).await, SeenCall::Ended(_)));
    // It is a second before a look would have made sense, and it is done.
    let done = process.issue_credential(issue).await.unwrap();
    assert_eq!(done.state, Progress::Active);
    assert!(house.opens(&text(&done.credential), 0));
    // The same again, one for nobody, and one that is none.
    for other in [call.as_str(), "{\"job\":99,\"outcome\":\"done\"}", "hello"] {
        assert_eq!(take_in(&process, other).await, SeenCall::Nothing, "{other}");
    }
}

/// A revoke waits for its vendor too.
#[tokio::test]
async fn a_call_of_the_vendors_settles_a_revoke() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    let issue = house.issue("ada", &[0]);
    let id = process.issue_credential(issue.clone()).await.unwrap().credential.id;
    house.pass(5);
    process.issue_credential(issue).await.unwrap();
    let revoke = house.revoke(id, "revoke");
    let error = process.revoke_credential(revoke.clone()).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::InProgress);
    let _of_the_issue = house.bench.vendor.take_webhooks();
    house.pass(4);
    let [call] = house.bench.vendor.take_webhooks().try_into().unwrap();
    assert!(matches!(take_in(&process, &call).await, SeenCall::Ended(_)));
    process.revoke_credential(revoke).await.unwrap();
}

/// What was accepted and then refused is refused when that is known, and not when it is given up; R77.
#[tokio::test]
async fn a_job_that_the_vendor_refuses_is_refused_at_the_first_look_or_call() {
    for personality in [Personality::PerStay, Personality::Webhook] {
        let house = House::of(personality);
        let process = house.process("one", house.driver());
        house.bench.vendor.set_memory_limit(house.door(0), 1);
        let (ada, bob) = (house.issue("ada", &[0]), house.issue("bob", &[0]));
        process.issue_credential(ada.clone()).await.unwrap();
        let second = process.issue_credential(bob.clone()).await.unwrap();
        assert_eq!(second.state, Progress::Pending, "{personality}");
        house.pass(4);
        for call in house.bench.vendor.take_webhooks() {
            assert!(matches!(take_in(&process, &call).await, SeenCall::Ended(_)));
        }
        assert_eq!(process.issue_credential(ada).await.unwrap().state, Progress::Active);
        let error = process.issue_credential(bob).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.advice()),
            (FailureReason::CapacityFull, RetryAdvice::Never),
            "{personality}"
        );
        assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1);
    }
}

/// Notes with which handles a driver is asked.
#[derive(Clone, Debug, Default)]
struct Handles(Arc<Mutex<Vec<&'static str>>>);

#[async_trait]
impl Bend for Handles {
    async fn find(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        let is_its_job = attempt.job.is_some_and(|job| job.verb == Verb::Grant);
        self.0.lock().unwrap().push(if is_its_job { "find by job" } else { "find" });
        inner.find(order, attempt).await
    }

    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let is_by_job = withdrawal.held.job.is_some() && withdrawal.held.reference.is_none();
        self.0.lock().unwrap().push(if is_by_job { "withdraw by job" } else { "withdraw" });
        inner.withdraw(withdrawal, attempt).await
    }
}

/// Whoever accepted a grant knows it by its own name for it, in a look and in a withdrawal, whichever process asks.
#[tokio::test]
async fn the_vendors_name_for_a_job_comes_back_to_its_driver() {
    let house = House::of(Personality::PerStay);
    let handles = Handles::default();
    let bent = || Bent { inner: Arc::new(house.driver()), bend: handles.clone() };
    let issue = house.issue("ada", &[0]);
    let pending = house.process("one", bent()).issue_credential(issue.clone()).await.unwrap();
    let next = house.process("next", bent());
    let revoke = house.revoke(pending.credential.id, "revoke");
    next.revoke_credential(revoke).await.unwrap();
    house.pass(60);
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0);

    let other = house.issue("bob", &[1]);
    house.process("one", bent()).issue_credential(other.clone()).await.unwrap();
    house.pass(2);
    assert_eq!(next.issue_credential(other).await.unwrap().state, Progress::Active);
    assert_eq!(*handles.0.lock().unwrap(), ["withdraw by job", "find by job"]);
}

/// Only that something is not there has to wait until nothing can land any more: that it is there ends the matter.
#[tokio::test]
async fn a_lost_grant_is_looked_for_soon_and_then_ever_more_seldom() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    house.bench.vendor.push_fault(Fault::LoseReply);
    let issue = house.issue("ada", &[0]);
    process.issue_credential(issue.clone()).await.unwrap_err();
    let error = process.issue_credential(issue.clone()).await.unwrap_err();
    let RetryAdvice::After(wait) = error.advice() else { panic!("{error:?}") };
    assert_eq!(wait.as_secs(), 5);
    house.pass(5);
    assert_eq!(process.issue_credential(issue).await.unwrap().state, Progress::Active);

    // One that is never there is looked for a few times, and sent again when nothing can land any more.
    house.bench.vendor.push_fault(Fault::LoseCall);
    let issue = house.issue("bob", &[1]);
    process.issue_credential(issue.clone()).await.unwrap_err();
    let mut waits = Vec::new();
    while let Err(error) = process.issue_credential(issue.clone()).await {
        let RetryAdvice::After(wait) = error.advice() else { panic!("{error:?}") };
        waits.push(wait.as_secs());
        house.bench.clock.advance(chrono::TimeDelta::from_std(wait).unwrap());
    }
    assert_eq!(waits, [5, 5, 10, 15]);
}

/// The old room's key goes when the new room's is there, and not when it is ordered: a room that is refused leaves the old one.
#[tokio::test]
async fn a_move_that_is_refused_leaves_the_old_room() {
    let house = House::of(Personality::Webhook);
    let process = house.process("one", house.driver());
    let issue = house.issue("ada", &[0]);
    let id = process.issue_credential(issue.clone()).await.unwrap().credential.id;
    house.pass(5);
    let key = text(&process.issue_credential(issue).await.unwrap().credential);
    let _of_the_issue = house.bench.vendor.take_webhooks();
    house.bench.vendor.set_memory_limit(house.door(1), 0);
    let update = house.update(id, "move").with_rooms(vec![house.room(1)]);
    process.update_credential(update.clone()).await.unwrap();
    house.pass(4);
    let [call] = house.bench.vendor.take_webhooks().try_into().unwrap();
    assert!(matches!(take_in(&process, &call).await, SeenCall::Ended(_)));
    let error = process.update_credential(update).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::CapacityFull);
    assert!(house.opens(&key, 0) && !house.opens(&key, 1));
}

/// A clearing that got no answer and is seen to have happened cannot happen to the next guest.
#[tokio::test]
async fn a_lost_clearing_that_has_landed_does_not_keep_the_next_guest_waiting() {
    for (fault, waits) in [(Fault::LoseReply, false), (Fault::LoseCall, true)] {
        let house = House::of(Personality::RoomWide);
        let process = house.process("one", house.driver());
        let id = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential.id;
        house.bench.vendor.push_fault(fault.clone());
        process.revoke_credential(house.revoke(id, "revoke")).await.unwrap_err();
        let bob = process.issue_credential(house.issue("bob", &[0])).await;
        assert_eq!(bob.is_err(), waits, "{fault:?}: {bob:?}");
    }
}
