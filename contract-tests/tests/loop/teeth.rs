//! The loop bites: drivers that are wrong in one thing are red, and the same carrier without a bend is green.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lockport::credential::{KeyCredentialKind, Proof};
use lockport::driver::{
    AfterLost, Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, Kind, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::{LockError, RetryAdvice};
use lockport_contract::fault_loop::{InMemory, LoopPlan, LoopReport, MockRig, Rig, play_all};
use lockport_mock::{MockDriver, MockVendor, Personality};

use crate::bent::{Bend, Bent};

/// Plays these scenarios with a bend above the point where calls are lost: where a driver reads what it was answered.
fn play<B: Bend + Copy>(bend: B, scenarios: &[&str]) -> LoopReport {
    let rig = phone().with_driver(&format!("{bend:?}"), move |vendor, choke| {
        Arc::new(Bent { inner: choke.driver(Arc::new(MockDriver::new(vendor))), bend })
    });
    run(rig, scenarios)
}

fn phone() -> MockRig {
    MockRig::of(Personality::PerDoor, KeyCredentialKind::MobileApp)
}

fn run(rig: MockRig, scenarios: &[&str]) -> LoopReport {
    let rigs: [Box<dyn Rig>; 1] = [Box::new(rig)];
    play_all(&rigs, &InMemory, &LoopPlan::singles(0).with_scenarios(scenarios)).unwrap()
}

#[track_caller]
pub(crate) fn caught(report: &LoopReport, by: &str) {
    assert!(report.red() > 0, "nobody noticed:\n{report}");
    let told: Vec<&str> = report.reds.iter().map(|red| red.why.as_str()).collect();
    assert!(told.iter().any(|why| why.contains(by)), "{by:?} was expected among {told:?}");
}

#[derive(Clone, Copy, Debug)]
struct Honest;
impl Bend for Honest {}

#[test]
fn without_a_bend_nothing_is_red() {
    let report = play(Honest, &["issue", "shorten", "revoke-mid-issue"]);
    assert!(report.is_green(), "{report}");
}

/// Takes a call without an answer for one that was never sent.
#[derive(Clone, Copy, Debug)]
struct TakesLostForNotApplied;

fn not_applied<T>(answer: Result<T, LockError>) -> Result<T, LockError> {
    answer.map_err(|error| match error.advice() {
        RetryAdvice::OutcomeUnknown => error.with_advice(RetryAdvice::NotApplied),
        _ => error,
    })
}

#[async_trait]
impl Bend for TakesLostForNotApplied {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        not_applied(inner.grant(order, attempt).await)
    }

    async fn amend(
        &self,
        inner: &dyn VendorDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        not_applied(inner.amend(held, target, attempt).await)
    }

    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        not_applied(inner.withdraw(withdrawal, attempt).await)
    }
}

#[test]
fn a_timeout_reported_as_not_applied_is_caught() {
    caught(&play(TakesLostForNotApplied, &["issue"]), "the vendor holds 2");
    caught(&play(TakesLostForNotApplied, &["shorten-then-lengthen"]), "is shut to ada");
}

/// Never finds anything.
#[derive(Clone, Copy, Debug)]
struct FindsNothing;

#[async_trait]
impl Bend for FindsNothing {
    async fn find(
        &self,
        _inner: &dyn VendorDriver,
        _order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        Ok(Found::Absent)
    }
}

#[test]
fn a_find_that_is_always_empty_is_caught() {
    caught(&play(FindsNothing, &["issue"]), "the vendor holds 2");
}

/// Says that a call without an answer is over at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NeverLate;

fn with_kinds(inner: &dyn VendorDriver, change: impl Fn(&mut Kind)) -> DriverDescriptor {
    let mut descriptor = inner.describe();
    descriptor.kinds.iter_mut().for_each(change);
    descriptor
}

impl Bend for NeverLate {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        with_kinds(inner, |kind| kind.recovery.late_by = Duration::ZERO)
    }
}

#[test]
fn a_late_by_of_zero_is_caught() {
    caught(&play(NeverLate, &["issue"]), "the vendor holds 2");
    caught(&play(NeverLate, &["revoke-mid-issue"]), "is open to ada");
}

/// Says that its vendor knows a call that it had before, which it does not.
#[derive(Clone, Copy, Debug)]
struct ClaimsToHonourKeys;

impl Bend for ClaimsToHonourKeys {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        with_kinds(inner, |kind| kind.recovery.grant = AfterLost::Resend { within: None })
    }
}

#[test]
fn a_second_grant_on_resend_is_caught() {
    caught(&play(ClaimsToHonourKeys, &["issue"]), "the vendor holds 2");
}

/// Says that nobody can tell, though the vendor can be asked.
#[derive(Clone, Copy, Debug)]
struct ShedsWork;

#[async_trait]
impl Bend for ShedsWork {
    async fn find(
        &self,
        _inner: &dyn VendorDriver,
        _order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        Ok(Found::CannotTell)
    }
}

#[test]
fn a_find_that_can_never_tell_is_caught() {
    caught(&play(ShedsWork, &["issue"]), "is not done after");
}

/// Looks for anything at the door, whoever's it is.
#[derive(Debug)]
struct FindsAnything(MockVendor);

#[async_trait]
impl Bend for FindsAnything {
    async fn find(
        &self,
        _inner: &dyn VendorDriver,
        order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        if order.doors.iter().all(|door| self.0.live_grants(*door) == 0) {
            return Ok(Found::Absent);
        }
        Ok(Found::Present(vec![Granted {
            reference: None,
            artifact: None,
            effective: order.window,
            proof: Some(Proof::AtLock),
            dies_unless_used_by: None,
            warnings: Vec::new(),
        }]))
    }
}

#[test]
fn a_find_without_a_marker_is_caught() {
    let rig = phone().with_driver("FindsAnything", |vendor, choke| {
        let inner = choke.driver(Arc::new(MockDriver::new(vendor.clone())));
        Arc::new(Bent { inner, bend: FindsAnything(vendor) })
    });
    caught(&run(rig, &["join"]), "is shut to bob");
}

/// Takes away by what the vendor once named, and knows nothing of it when the answer was lost.
#[derive(Clone, Copy, Debug)]
struct NeedsAReference;

#[async_trait]
impl Bend for NeedsAReference {
    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        if withdrawal.held.reference.is_none() {
            return Ok(Answer::Done(Withdrawn { proof: Proof::AtLock, warnings: Vec::new() }));
        }
        inner.withdraw(withdrawal, attempt).await
    }
}

#[test]
fn a_revoke_that_needs_a_reference_is_caught() {
    caught(&play(NeedsAReference, &["revoke-mid-issue"]), "is open to ada");
}

/// A loop in which nothing was played is no proof.
#[test]
fn nothing_played_is_red() {
    let report = run(phone(), &["no such scenario"]);
    assert!(!report.is_green(), "{report}");
}
