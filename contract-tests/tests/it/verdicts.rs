//! What a run says when it cannot simply pass.

use async_trait::async_trait;
use lockport::capability::LockCapabilities;
use lockport::credential::{IssueInput, IssueResult, Proof, Warning, WarningCode};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, GrantOrder, Granted, Kind, Suspend, VendorDriver as _, Withdrawal,
    Withdrawn,
};
use lockport::{AdapterDescriptor, LockError, LockPort};
use lockport_contract::harness::MockBench;
use lockport_contract::{Bench, BenchError, Exemption, Harness, Plan, Report, Verdict, run};
use lockport_mock::{MockDriver, Personality};

use crate::saboteurs::{BendDriver, BendPort, LostRow, Straight, with_driver, with_port};

/// A harness from a function, with exemptions.
struct Made {
    open: fn(u64) -> Result<Bench, BenchError>,
    exemptions: Vec<Exemption>,
}

#[async_trait]
impl Harness for Made {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        (self.open)(seed)
    }

    fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }
}

async fn report_of(open: fn(u64) -> Result<Bench, BenchError>, filter: &str) -> Report {
    let made = Made { open, exemptions: Vec::new() };
    run(&made, &Plan { filter: Some(filter.to_owned()), seed: 0 }).await
}

fn honest(seed: u64) -> Result<Bench, BenchError> {
    Ok(with_driver(&MockBench::new()?, seed, Straight))
}

fn without_faults(seed: u64) -> Result<Bench, BenchError> {
    Ok(Bench { faults: None, ..honest(seed)? })
}

#[tokio::test]
async fn what_was_not_run_is_red() {
    let report = report_of(without_faults, "IDEM").await;
    assert!(
        !report.is_green() && report.lines.iter().any(|line| line.verdict == Verdict::Passed),
        "{report}"
    );
    assert!(report.to_string().contains("red: not run without an exemption: 10"), "{report}");
    assert!(report.to_string().ends_with("12 passed, 0 failed, 10 skipped"), "{report}");
}

#[tokio::test]
async fn a_run_of_nothing_is_red() {
    let report = report_of(honest, "NO-SUCH-CASE").await;
    assert!(!report.is_green() && report.lines.is_empty(), "{report}");
    assert!(report.to_string().ends_with("red: nothing passed\n0 passed, 0 failed, 0 skipped"), "{report}");
    let report = report_of(|_| Err(BenchError::new("no vendor today")), "").await;
    assert!(!report.is_green() && report.to_string().contains("no vendor today"), "{report}");
}

fn exempt(case: &str, reason: &str) -> Exemption {
    Exemption { case: case.to_owned(), kind: None, reason: reason.to_owned() }
}

#[tokio::test]
async fn an_exemption_counts_with_a_reason_and_a_case_only() {
    let plan = Plan { filter: Some("IDEM".to_owned()), seed: 0 };
    let all = ["IDEM-003", "IDEM-004", "IDEM-005", "IDEM-008", "IDEM-011"];
    let reasoned = all.map(|case| exempt(case, "the sandbox cannot lose calls")).to_vec();
    let report = run(&Made { open: without_faults, exemptions: reasoned }, &plan).await;
    assert!(report.is_green(), "{report}");
    assert!(report.to_string().ends_with("12 passed, 0 failed, 10 skipped"), "{report}");
    for wrong in [exempt("IDEM-001", " "), exempt("IDEM-999", "it has never existed")] {
        let report = run(&Made { open: honest, exemptions: vec![wrong] }, &plan).await;
        assert!(!report.is_green(), "{report}");
    }
}

#[tokio::test]
async fn an_exemption_that_nobody_needs_is_red() {
    let plan = Plan { filter: Some("IDEM".to_owned()), seed: 0 };
    let idle = exempt("IDEM-001", "it was hard once");
    let report = run(&Made { open: honest, exemptions: vec![idle.clone()] }, &plan).await;
    assert!(report.to_string().contains("red: IDEM-001 is exempt, and needs it no more"), "{report}");
    assert!(!report.is_green(), "{report}");
    // A run that leaves the case out says nothing about it.
    let plan = Plan { filter: Some("GUARD".to_owned()), seed: 0 };
    let report = run(&Made { open: honest, exemptions: vec![idle] }, &plan).await;
    assert!(report.is_green(), "{report}");
}

/// A vendor says something new in the middle of a case that is about something else.
#[tokio::test]
async fn a_code_that_no_table_knows_makes_the_run_red() {
    let report = report_of(|seed| Ok(with_driver(&MockBench::new()?, seed, LostRow)), "ISSUE-003").await;
    assert!(report.lines.iter().all(|line| line.verdict == Verdict::Passed), "{report}");
    assert!(!report.is_green() && report.unmapped.len() == 1, "{report}");
    assert!(report.to_string().contains("red: a code that no table knows"), "{report}");
    // Where a case asks for one, it is what the case is about.
    let report = report_of(honest, "ERROR-001").await;
    assert!(report.is_green() && report.unmapped.is_empty(), "{report}");
}

/// Cannot suspend, and says so.
#[derive(Debug)]
struct CannotSuspend;

#[async_trait]
impl BendDriver for CannotSuspend {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        for kind in &mut descriptor.kinds {
            kind.suspend = Suspend::No;
        }
        descriptor
    }
}

/// Can suspend, and says that it cannot.
#[derive(Debug)]
struct DeniesSuspension;

impl BendPort for DeniesSuspension {
    fn describe(&self, inner: &dyn LockPort) -> AdapterDescriptor {
        let mut descriptor = inner.describe_adapter();
        for kind in &mut descriptor.kinds {
            kind.suspend = Suspend::No;
        }
        descriptor
    }
}

#[tokio::test]
async fn a_missing_capability_must_be_refused_and_not_only_be_missing() {
    let open: fn(u64) -> _ = |seed| Ok(with_driver(&MockBench::new()?, seed, CannotSuspend));
    let report = report_of(open, "SUSPEND").await;
    assert!(report.lines.iter().all(|line| line.verdict == Verdict::Refused), "{report}");
    assert!(!report.is_green(), "a run in which nothing passed proves nothing: {report}");
    let open: fn(u64) -> _ = |seed| Ok(with_port(&MockBench::new()?, seed, DeniesSuspension));
    let report = report_of(open, "SUSPEND").await;
    assert!(report.lines.iter().all(|line| matches!(line.verdict, Verdict::Failed(_))), "{report}");
}

/// Knows no areas; whether it refuses them is another matter.
#[derive(Debug)]
struct KnowsNoAreas {
    refuses: bool,
}

#[async_trait]
impl BendPort for KnowsNoAreas {
    fn describe(&self, inner: &dyn LockPort) -> AdapterDescriptor {
        let descriptor = inner.describe_adapter();
        let capabilities = LockCapabilities { scope_areas: false, ..descriptor.capabilities };
        AdapterDescriptor { capabilities, ..descriptor }
    }

    async fn issue(&self, inner: &dyn LockPort, input: IssueInput) -> Result<IssueResult, LockError> {
        if self.refuses && !input.scope.areas.is_empty() {
            return Err(LockError::unsupported("no areas here"));
        }
        inner.issue_credential(input).await
    }
}

#[tokio::test]
async fn missing_areas_must_be_refused_as_well() {
    let open: fn(u64) -> _ = |seed| Ok(with_port(&MockBench::new()?, seed, KnowsNoAreas { refuses: true }));
    let report = report_of(open, "ISSUE-004").await;
    assert!(report.lines.iter().all(|line| line.verdict == Verdict::Refused), "{report}");
    let open: fn(u64) -> _ = |seed| Ok(with_port(&MockBench::new()?, seed, KnowsNoAreas { refuses: false }));
    let report = report_of(open, "ISSUE-004").await;
    assert!(report.lines.iter().all(|line| matches!(line.verdict, Verdict::Failed(_))), "{report}");
}

/// Writes cards, and says that it only reads them.
#[derive(Debug)]
struct SaysOnlyRead;

impl BendDriver for SaysOnlyRead {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        descriptor.kinds.iter_mut().for_each(|kind| kind.best_proof = Proof::ExpiresOnly);
        descriptor
    }
}

#[tokio::test]
async fn who_says_that_a_card_is_only_read_must_have_nothing_to_lose() {
    let open: fn(u64) -> _ = |seed| Ok(with_driver(&MockBench::of(Personality::Card)?, seed, SaysOnlyRead));
    for case in ["CARD-006", "IDEM-003"] {
        let report = report_of(open, case).await;
        assert!(report.lines.iter().all(|line| matches!(line.verdict, Verdict::Failed(_))), "{report}");
    }
}

/// Says that nothing can be taken back; whether that is true is another matter.
#[derive(Debug)]
struct OpenToTheEnd {
    takes: bool,
}

fn without_a_way_back(kinds: &mut [Kind]) {
    for kind in kinds {
        (kind.can_undo, kind.best_proof) = (false, Proof::ExpiresOnly);
    }
}

#[async_trait]
impl BendDriver for OpenToTheEnd {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        without_a_way_back(&mut descriptor.kinds);
        descriptor
    }

    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        if self.takes {
            inner.withdraw(withdrawal, attempt).await?;
        }
        let warnings = vec![Warning { code: WarningCode::ExpiresOnly, detail: "so it is".to_owned() }];
        Ok(Answer::Done(Withdrawn { proof: Proof::ExpiresOnly, warnings }))
    }
}

/// Takes keys back and gives them for several doors, and says that it can do neither.
#[derive(Debug)]
struct DeniesBoth;

impl BendPort for DeniesBoth {
    fn describe(&self, inner: &dyn LockPort) -> AdapterDescriptor {
        let mut descriptor = inner.describe_adapter();
        without_a_way_back(&mut descriptor.kinds);
        descriptor
    }
}

/// R71: what cannot be taken back, or be for two doors, is declared, and what is declared is true.
#[tokio::test]
async fn a_key_that_nothing_takes_back_is_judged_as_one() {
    let open: fn(u64) -> _ = |seed| Ok(with_driver(&MockBench::new()?, seed, OpenToTheEnd { takes: false }));
    for case in ["REVOKE-002", "ISSUE-003"] {
        let report = report_of(open, case).await;
        assert!(report.lines.iter().all(|line| line.verdict == Verdict::Refused), "{report}");
    }
    let takes: fn(u64) -> _ = |seed| Ok(with_driver(&MockBench::new()?, seed, OpenToTheEnd { takes: true }));
    let denies: fn(u64) -> _ = |seed| Ok(with_port(&MockBench::new()?, seed, DeniesBoth));
    for (open, case, why) in [
        (takes, "REVOKE-002", "revokeProof: it says that only the end stops a key, and a revoke did"),
        (denies, "REVOKE-002", "revokeProof: it says that only the end stops a key, and proves AtLock"),
        (denies, "ISSUE-003", "canUndo: it says that a key is for one door, and gives one for two"),
    ] {
        let report = report_of(open, case).await;
        let wrong = Verdict::Failed(why.to_owned());
        assert!(report.lines.iter().all(|line| line.verdict == wrong), "{report}");
    }
}

#[derive(Debug)]
struct Panics;

#[async_trait]
impl BendDriver for Panics {
    async fn grant(
        &self,
        _: &MockDriver,
        _: &GrantOrder,
        _: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_panic_fails_its_case_and_not_the_run() {
    let open: fn(u64) -> _ = |seed| Ok(with_driver(&MockBench::new()?, seed, Panics));
    let report = report_of(open, "1/").await;
    let panicked = Verdict::Failed("the adapter panicked".to_owned());
    assert!(report.lines.iter().any(|line| line.verdict == panicked), "{report}");
    assert!(report.lines.iter().any(|line| line.verdict == Verdict::Passed), "{report}");
}
