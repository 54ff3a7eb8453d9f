//! Clocks that are set back: what was to take so long takes as long, and nothing happens twice.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use lockport::adapter::Adapter;
use lockport::credential::Progress;
use lockport::driver::{Answer, Attempt, GrantOrder, Granted, VendorDriver};
use lockport::store::ledger::LEASE_SECONDS;
use lockport::store::slots::{Lease, Slots};
use lockport::{LockError, LockPort as _, RetryAdvice};
use lockport_mock::{Fault, MockDriver, Personality};

use crate::bent::{Bend, Bent};
use crate::house::House;

/// A day: longer than anything here may take.
const BACK: i64 = 24 * 3_600;
/// The longest that a call of these vendors is on its way, and what a host adds.
const LATE: i64 = 45;

fn set_back(house: &House) {
    house.behind.fetch_add(BACK, Ordering::SeqCst);
}

/// Waits as long as the answer says; how many seconds that is.
fn wait(house: &House, error: &LockError) -> i64 {
    let seconds = match error.advice() {
        RetryAdvice::After(wait) => i64::try_from(wait.as_secs()).unwrap(),
        RetryAdvice::NotApplied | RetryAdvice::OutcomeUnknown => 1,
        _ => panic!("{error:?}"),
    };
    house.pass(seconds.max(1));
    seconds
}

/// Calls until it is active; how many seconds that takes.
async fn issue_at_last(house: &House, process: &Adapter<MockDriver>, guest: &str) -> i64 {
    let (begin, input) = (house.now(), house.issue(guest, &[0]));
    for _ in 0..30 {
        match process.issue_credential(input.clone()).await {
            Ok(result) if result.state == Progress::Active => {
                return house.now().signed_duration_since(begin).num_seconds();
            }
            Ok(result) => {
                let then = result.ask_after.unwrap();
                let shown = house.now() - TimeDelta::seconds(house.behind.load(Ordering::SeqCst));
                house.pass(then.signed_duration_since(shown).num_seconds().max(1));
            }
            Err(error) => drop(wait(house, &error)),
        }
    }
    panic!("{guest} never gets in");
}

#[tokio::test]
async fn a_lost_grant_is_found_out_in_time_and_made_once() {
    for personality in [Personality::PerDoor, Personality::RoomWide] {
        for fault in [Fault::LoseCall, Fault::LoseReply] {
            let house = House::of(personality);
            let process = house.process("one", house.driver());
            house.bench.vendor.push_fault(fault.clone());
            process.issue_credential(house.issue("ada", &[0])).await.unwrap_err();
            let input = house.issue("ada", &[0]);
            set_back(&house);
            let mut took = 0;
            loop {
                match process.issue_credential(input.clone()).await {
                    Ok(_) => break,
                    Err(error) => took += wait(&house, &error),
                }
                assert!(took <= LATE, "{personality} {fault:?} takes {took} s");
            }
            assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1, "{personality} {fault:?}");
        }
    }
}

/// What was accepted is asked about, though the time to ask is a day away by now.
#[tokio::test]
async fn what_was_accepted_is_looked_at_in_time() {
    for personality in [Personality::PerStay, Personality::Webhook] {
        let house = House::of(personality);
        let process = house.process("one", house.driver());
        let input = house.issue("ada", &[0]);
        process.issue_credential(input.clone()).await.unwrap();
        set_back(&house);
        let pending = process.issue_credential(input.clone()).await.unwrap();
        assert_eq!(pending.state, Progress::Pending, "{personality}");
        house.pass(6);
        assert_eq!(process.issue_credential(input).await.unwrap().state, Progress::Active, "{personality}");
    }
}

/// A clearing that may still land keeps the room quiet for as long as it may, and no longer.
#[tokio::test]
async fn a_room_is_quiet_no_longer_than_before() {
    let house = House::of(Personality::RoomWide);
    let process = house.process("one", house.driver());
    let id = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential.id;
    house.bench.vendor.push_fault(Fault::LoseCall);
    process.revoke_credential(house.revoke(id, "revoke")).await.unwrap_err();
    process.revoke_credential(house.revoke(id, "revoke")).await.unwrap();
    set_back(&house);
    let took = issue_at_last(&house, &process, "bob").await;
    assert!((1..=LATE).contains(&took), "the next guest waits {took} s");
}

/// A revoke that has to act once more does so as soon as before.
#[tokio::test]
async fn a_revoke_acts_again_in_time() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", house.driver());
    house.bench.vendor.push_fault(Fault::LateEffect(std::time::Duration::from_secs(20)));
    let issue = house.issue("ada", &[0]);
    process.issue_credential(issue.clone()).await.unwrap_err();
    let revoke = house.revoke(issue.resulting_id(), "revoke");
    let shown = || house.now() - TimeDelta::seconds(house.behind.load(Ordering::SeqCst));
    assert!(process.revoke_credential(revoke.clone()).await.unwrap().again_at.is_some());
    set_back(&house);
    let then = process.revoke_credential(revoke.clone()).await.unwrap().again_at.unwrap();
    let wait = then.signed_duration_since(shown()).num_seconds();
    assert!((0..=LATE).contains(&wait), "the second act is {wait} s away");
    house.pass(wait);
    assert_eq!(process.revoke_credential(revoke).await.unwrap().again_at, None);
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0);
}

/// Hangs.
#[derive(Clone, Copy, Debug)]
struct Hangs;

#[async_trait]
impl Bend for Hangs {
    async fn grant(
        &self,
        _inner: &dyn VendorDriver,
        _order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        std::future::pending().await
    }
}

/// What a dead process had is free when its lease could at the latest be over, and not a day later.
#[tokio::test]
async fn a_dead_process_keeps_nothing_longer_than_a_lease() {
    let house = House::of(Personality::PerDoor);
    {
        let dead = house.process("dead", Bent { inner: Arc::new(house.driver()), bend: Hangs });
        let call = pin!(dead.issue_credential(house.issue("ada", &[0])));
        assert!(call.now_or_never().is_none());
    }
    let slots = |owner: &str| {
        let clock = house.bench.clock.clone();
        let env = lockport::env::Env {
            clock: clock.clone(),
            sleep: clock,
            entropy: Arc::new(lockport::env::SeededEntropy::new(1)),
        };
        Slots::new(Arc::clone(&house.store), house.partition(), env, owner.to_owned())
    };
    assert!(matches!(slots("dead").lease("token", 30).await.unwrap(), Lease::Yours));
    let input = house.issue("ada", &[0]);
    set_back(&house);
    let next = house.process("next", house.driver());
    let mut took = 0;
    while let Err(error) = next.issue_credential(input.clone()).await {
        took += wait(&house, &error);
        assert!(took <= LEASE_SECONDS + LATE, "it takes {took} s");
    }
    assert!(took >= LEASE_SECONDS, "a lease that may still be held was taken after {took} s");
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1);
    // The one clock of the slots goes back for real.
    house.bench.clock.set(house.now() - TimeDelta::seconds(BACK));
    assert!(matches!(slots("next").lease("token", 30).await.unwrap(), Lease::Yours));
}
