//! What the engine makes of an answer that got lost, of one that says no, and of what a look shows then.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::adapter::Adapter;
use lockport::credential::{IssueInput, RevokeOutcome, SuspendInput, SuspendReason, WarningCode};
use lockport::driver::{
    Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Pending, VendorDriver,
    WaitsFor, Withdrawal, Withdrawn,
};
use lockport::env::ManualClock;
use lockport::store::ledger::LEASE_SECONDS;
use lockport::{ErrorCode, FailureReason, LockError, LockPort as _, RetryAdvice, Validity};
use lockport_mock::{Fault, MockDriver, Personality};

use crate::bent::{Bend, Bent};
use crate::house::{House, text};

/// Longer than any call of these vendors is on its way.
const LATE: i64 = 45;

fn no() -> LockError {
    LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, RetryAdvice::Never, "no")
}

fn lost() -> LockError {
    let (code, reason) = (ErrorCode::VendorUnreachable, FailureReason::Timeout);
    LockError::new(code, reason, RetryAdvice::OutcomeUnknown, "no answer came")
}

/// A change that may be on its way still is not sent a second time: when it lands, nobody could say which of the two it was. What takes
/// something away is sent again at once.
#[tokio::test]
async fn a_lost_change_that_gives_is_looked_for_before_it_is_sent_again() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", house.driver());
    let issued = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential;
    let ends = issued.validity.until() + TimeDelta::hours(5);
    let longer = house.update(issued.id, "longer").with_valid_until(ends);
    house.bench.vendor.push_fault(Fault::LateEffect(Duration::from_secs(3)));
    let before = house.bench.vendor.calls();
    process.update_credential(longer.clone()).await.unwrap_err();
    house.pass(1);
    let error = process.update_credential(longer.clone()).await.unwrap_err();
    assert_eq!(error.advice(), RetryAdvice::After(Duration::from_secs(4)), "{error:?}");
    house.pass(4);
    assert_eq!(process.update_credential(longer).await.unwrap().credential.validity.until(), ends);
    // The first, and a look each at once and then.
    assert_eq!(house.bench.vendor.calls(), before + 3, "it was sent once");

    house.bench.vendor.push_fault(Fault::LoseCall);
    let suspend = SuspendInput::new(
        house.bench.site.tenant,
        issued.id,
        SuspendReason::Manual,
        "suspend".parse().unwrap(),
    );
    process.suspend_credential(suspend.clone()).await.unwrap_err();
    process.suspend_credential(suspend).await.unwrap();
    assert!(!house.opens(&text(&issued), 0));
}

/// What was begun before a crash, and is refused for good after it, is settled: a sweep leaves it, and nothing waits for it.
#[tokio::test]
async fn what_is_refused_after_a_crash_is_no_longer_open() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", house.driver());
    let issued = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential;
    for (name, sweeps) in [("swept", true), ("passed", false)] {
        let ends = issued.validity.until() + TimeDelta::hours(5);
        house.bench.vendor.push_fault(Fault::LoseCall);
        let longer = house.update(issued.id, name).with_valid_until(ends);
        process.update_credential(longer).await.unwrap_err();
        house.pass(LATE);
        house.bench.vendor.push_fault(Fault::Refuse(no()));
        if sweeps {
            assert_eq!(process.sweep().await.unwrap(), 0);
        } else {
            let other = house.update(issued.id, "other").with_valid_until(ends - TimeDelta::hours(1));
            process.update_credential(other).await.unwrap();
        }
        assert_eq!(house.bench.vendor.faults_waiting(), 0, "{name}");
    }
    assert!(house.opens(&text(&issued), 0));
}

/// Does the first grant by half and says nothing; says no from then on.
#[derive(Debug, Default)]
struct Half(AtomicU32);

#[async_trait]
impl Bend for Half {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            return Err(no());
        }
        inner.grant(order, attempt).await?;
        Err(lost())
    }

    async fn find(&self, _: &dyn VendorDriver, _: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        Ok(Found::Otherwise)
    }
}

/// What the vendor refuses and has done by half is taken back.
#[tokio::test]
async fn a_grant_that_is_refused_and_there_by_half_is_taken_back() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: Half::default() });
    let issue = house.issue("ada", &[0]);
    process.issue_credential(issue.clone()).await.unwrap_err();
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1);
    house.pass(LATE);
    let refused = process.issue_credential(issue).await.unwrap_err();
    assert_eq!((refused.reason(), refused.advice()), (FailureReason::Refused, RetryAdvice::Never));
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0, "ada is in");
}

/// How a withdrawal is answered, time after time.
#[derive(Clone, Copy, Debug)]
enum Taken {
    /// Neither done nor answered.
    Lost,
    /// Refused for good.
    Refused,
    /// Accepted, and never done.
    Forgotten,
    /// Accepted; the look that follows hears that it was refused.
    RefusedLater,
    /// As the vendor does.
    Done,
}

#[derive(Debug)]
struct Takes {
    answers: Mutex<Vec<Taken>>,
    clock: Arc<ManualClock>,
    is_refused: Mutex<bool>,
}

impl Takes {
    fn new(house: &House, mut answers: Vec<Taken>) -> Bent<Self> {
        answers.reverse();
        let (answers, is_refused) = (Mutex::new(answers), Mutex::new(false));
        let bend = Self { answers, clock: house.bench.clock.clone(), is_refused };
        Bent { inner: Arc::new(house.driver()), bend }
    }
}

#[async_trait]
impl Bend for Takes {
    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let answer = self.answers.lock().unwrap().pop().unwrap_or(Taken::Done);
        let now = lockport::env::Clock::now(&*self.clock);
        let pending = Answer::Pending(Pending {
            reference: None,
            ask_after: now + TimeDelta::seconds(2),
            give_up_at: now + TimeDelta::seconds(60),
            waits_for: WaitsFor::Vendor,
        });
        *self.is_refused.lock().unwrap() = matches!(answer, Taken::RefusedLater);
        match answer {
            Taken::Lost => Err(lost()),
            Taken::Refused => Err(no()),
            Taken::Forgotten | Taken::RefusedLater => Ok(pending),
            Taken::Done => inner.withdraw(withdrawal, attempt).await,
        }
    }

    async fn find(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        let is_refused = std::mem::take(&mut *self.is_refused.lock().unwrap());
        if is_refused { Ok(Found::Refused(no())) } else { inner.find(order, attempt).await }
    }
}

/// A revoke of a key at one door, asked for until it ends: with how, and after how many seconds.
async fn revoked(house: &House, answers: Vec<Taken>) -> (Result<RevokeOutcome, LockError>, i64) {
    let process = house.process("one", Takes::new(house, answers));
    let id = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential.id;
    let (began, revoke) = (house.now(), house.revoke(id, "revoke"));
    for _ in 0..300 {
        match process.revoke_credential(revoke.clone()).await {
            Err(error) if error.advice() != RetryAdvice::Never => house.pass(1),
            ended => return (ended, (house.now() - began).num_seconds()),
        }
    }
    panic!("it never ends");
}

/// A taking away is never taken for done because what it takes is there.
#[tokio::test]
async fn what_is_seen_to_be_there_still_was_not_taken_away() {
    let house = House::of(Personality::PerDoor);
    let mut answers = vec![Taken::Refused; 300];
    answers[0] = Taken::Lost;
    let (refused, _) = revoked(&house, answers).await;
    assert_eq!(refused.unwrap_err().reason(), FailureReason::Refused, "and somebody is told");
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1);

    // Accepted: it is looked at again, and asked for again when the vendor says no, or has had its time.
    for (answer, at_least, at_most) in [(Taken::RefusedLater, 2, 4), (Taken::Forgotten, 60, 75)] {
        let house = House::of(Personality::PerDoor);
        let (done, took) = revoked(&house, vec![answer]).await;
        done.unwrap();
        assert!((at_least..=at_most).contains(&took), "{answer:?}: {took} s");
        assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0, "{answer:?}: ada is in");
    }
}

/// Gives an hour less than was ordered.
#[derive(Clone, Copy, Debug)]
struct Narrow;

#[async_trait]
impl Bend for Narrow {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let until = order.window.until() - TimeDelta::hours(1);
        let mut order = order.clone();
        order.window = Validity::new(order.window.from(), until).unwrap();
        inner.grant(&order, attempt).await
    }
}

/// The host is told when a lock opens for less than was asked for, and only then.
#[tokio::test]
async fn a_narrower_window_is_told() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: Narrow });
    let narrower = process.issue_credential(house.issue("ada", &[0])).await.unwrap();
    let codes: Vec<_> = narrower.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [WarningCode::WindowNarrowed]);
    let plain =
        house.process("two", house.driver()).issue_credential(house.issue("bob", &[1])).await.unwrap();
    assert_eq!(plain.warnings, []);
}

/// Draws its codes itself, and will not.
#[derive(Clone, Debug, Default)]
struct Unwilling(Arc<AtomicU32>);

#[async_trait]
impl Bend for Unwilling {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        descriptor.kinds.iter_mut().for_each(|kind| kind.artifact = ArtifactSource::Vendor);
        descriptor
    }

    async fn grant(
        &self,
        _: &dyn VendorDriver,
        _: &GrantOrder,
        _: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::PinRejected);
        Err(LockError::new(code, reason, RetryAdvice::Never, "issued and deleted before"))
    }
}

/// R122: only a PIN of ours is drawn anew; where the vendor draws, the same would be asked for again.
#[tokio::test]
async fn a_code_of_the_vendors_choice_is_not_drawn_anew() {
    let house = House::of(Personality::PerDoor);
    let bend = Unwilling::default();
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: bend.clone() });
    let refused = process.issue_credential(house.issue("ada", &[0])).await.unwrap_err();
    assert_eq!((refused.reason(), bend.0.load(Ordering::SeqCst)), (FailureReason::PinRejected, 1));
}

/// Takes most of a lease for each grant, in the second of which somebody else asks for the same.
#[derive(Debug)]
struct Slow {
    clock: Arc<ManualClock>,
    other: Adapter<MockDriver>,
    input: IssueInput,
    grants: AtomicU32,
    heard: Mutex<Option<LockError>>,
}

#[async_trait]
impl Bend for Arc<Slow> {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.clock.advance(TimeDelta::seconds(LEASE_SECONDS * 7 / 10));
        if self.grants.fetch_add(1, Ordering::SeqCst) == 1 {
            *self.heard.lock().unwrap() = self.other.issue_credential(self.input.clone()).await.err();
        }
        inner.grant(order, attempt).await
    }
}

/// R77: whoever goes on step by step keeps his operation for longer than one lease; nobody else takes it up meanwhile.
#[tokio::test]
async fn who_works_keeps_his_lease() {
    let house = House::of(Personality::PerDoor);
    let input = house.issue("ada", &[0, 1]);
    let slow = Arc::new(Slow {
        clock: house.bench.clock.clone(),
        other: house.process("two", house.driver()),
        input: input.clone(),
        grants: AtomicU32::new(0),
        heard: Mutex::new(None),
    });
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: slow.clone() });
    let issued = process.issue_credential(input).await.unwrap().credential;
    let heard = slow.heard.lock().unwrap().take().expect("the other was told to wait");
    assert_eq!(heard.reason(), FailureReason::InProgress);
    assert!(house.opens(&text(&issued), 0) && house.opens(&text(&issued), 1));
}
