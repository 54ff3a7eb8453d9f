//! Runs the cases: each on a bench of its own, once for every kind of credential that the adapter offers.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use lockport::Operation;
use lockport::driver::{Kind, Suspend};

use crate::bench::BenchError;
use crate::case::{Case, CaseResult, Need, Stop};
use crate::cases;
use crate::harness::{Exemption, Harness};
use crate::refusals;
use crate::report::{About, Latency, Line, Report, Verdict};
use crate::tally::Tally;
use crate::trial::Trial;

/// How long one case may take in real time. Nothing in a case waits, so only an adapter that hangs gets there.
const CASE_LIMIT: Duration = Duration::from_secs(30);

/// What is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Only cases whose `ID/kind` contains this.
    pub filter: Option<String>,
    /// The seed of everything random.
    pub seed: u64,
}

impl Plan {
    fn takes(&self, case: &Case, kind: &Kind) -> bool {
        let name = format!("{}/{}", case.id, kind.kind);
        self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    }
}

/// Runs the planned cases against a harness. Needs a tokio runtime with its timer on; never fails, for the report says it all.
pub async fn run(harness: &dyn Harness, plan: &Plan) -> Report {
    let mut report =
        Report { seed: plan.seed, troubles: troubles(harness.exemptions()), ..Report::default() };
    let descriptor = match harness.open(plan.seed).await {
        Ok(bench) => bench.port.describe_adapter(),
        Err(error) => {
            report.troubles.push(format!("no bench: {error}"));
            return report;
        }
    };
    let mut needs = Needs::of(harness.exemptions());
    let mut took_us: BTreeMap<Operation, Vec<u64>> = BTreeMap::new();
    for case in cases::all() {
        for kind in descriptor.kinds.iter().filter(|kind| plan.takes(case, kind)) {
            let tally = Arc::new(Tally::default());
            let judged = judge(harness, case, kind, plan.seed, &tally).await;
            let counted = tally.take();
            report.unmapped.extend(counted.unmapped);
            report.differs.extend(counted.differs);
            counted
                .took_us
                .into_iter()
                .for_each(|(operation, took)| took_us.entry(operation).or_default().extend(took));
            let verdict = needs.excuse(case, kind, judged);
            report.lines.push(Line { case: case.id, kind: kind.kind, verdict, faults: counted.faults });
        }
    }
    report.troubles.extend(needs.nobody_needs());
    report.latencies =
        took_us.into_iter().map(|(operation, took)| Latency::of(operation, took, &descriptor)).collect();
    report.about = Some(About {
        vendor: descriptor.vendor,
        name: descriptor.display_name,
        can: descriptor.capabilities,
    });
    report
}

fn troubles(exemptions: &[Exemption]) -> Vec<String> {
    let trouble = |Exemption { case, reason, .. }: &Exemption| {
        if reason.trim().is_empty() {
            return Some(format!("{case} is exempt without a reason"));
        }
        let is_known = cases::all().any(|known| known.id == case);
        (!is_known).then(|| format!("{case} is exempt, and there is no such case"))
    };
    exemptions.iter().filter_map(trouble).collect()
}

/// Each exemption, and whether a case of this run needed it.
struct Needs<'a>(Vec<(&'a Exemption, Option<bool>)>);

impl<'a> Needs<'a> {
    fn of(exemptions: &'a [Exemption]) -> Self {
        Self(exemptions.iter().map(|own| (own, None)).collect())
    }

    /// What an exemption makes of a verdict. The case was run all the same: what does not fail needs no excuse.
    fn excuse(&mut self, case: &Case, kind: &Kind, verdict: Verdict) -> Verdict {
        let is_own =
            |own: &Exemption| own.case == case.id && own.kind.is_none_or(|exempt| exempt == kind.kind);
        let Some((own, needed)) = self.0.iter_mut().find(|(own, _)| is_own(own)) else { return verdict };
        let needs_it = matches!(verdict, Verdict::Failed(_) | Verdict::NotRun(_));
        *needed = Some(needs_it || *needed == Some(true));
        if needs_it { Verdict::Exempt(own.reason.clone()) } else { verdict }
    }

    fn nobody_needs(&self) -> Vec<String> {
        let idle = self.0.iter().filter(|(_, needed)| *needed == Some(false));
        idle.map(|(own, _)| format!("{} is exempt, and needs it no more", own.case)).collect()
    }
}

async fn judge(harness: &dyn Harness, case: &Case, kind: &Kind, seed: u64, tally: &Arc<Tally>) -> Verdict {
    // A driver that panics has failed one case, not the run.
    let guarded = AssertUnwindSafe(play(harness, case, kind, seed, tally)).catch_unwind();
    match tokio::time::timeout(CASE_LIMIT, guarded).await {
        Ok(Ok(Ok(verdict))) => verdict,
        Ok(Ok(Err(Stop::Failed(why)))) => Verdict::Failed(why),
        Ok(Ok(Err(Stop::NotRun(why)))) => Verdict::NotRun(why),
        Ok(Err(_panic)) => Verdict::Failed("the adapter panicked".into()),
        Err(_elapsed) => Verdict::Failed(format!("the adapter hung for {} s", CASE_LIMIT.as_secs())),
    }
}

async fn play(
    harness: &dyn Harness,
    case: &Case,
    kind: &Kind,
    seed: u64,
    tally: &Arc<Tally>,
) -> CaseResult<Verdict> {
    let bench = harness.open(seed).await?;
    let capabilities = bench.port.describe_adapter().all_capabilities();
    let (has_faults, has_areas) = (bench.faults.is_some(), !bench.site.areas.is_empty());
    let (has_locks, has_backstage) = (bench.locks.is_some(), bench.backstage.is_some());
    let trial = Trial::new(bench, kind.clone(), Arc::clone(tally))?;
    for need in case.needs {
        match need {
            Need::Faults if !has_faults => {
                return Err(BenchError::new("no faults can be ordered here").into());
            }
            Need::Locks if !has_locks => {
                return Err(BenchError::new("nobody can get at the locks here").into());
            }
            Need::Backstage if !has_backstage => {
                return Err(BenchError::new("nobody sees behind this port").into());
            }
            Need::Areas if !has_areas => return Err(BenchError::new("the site has no areas").into()),
            Need::Suspend if kind.suspend == Suspend::No => {
                return refusals::suspend_is_refused(&trial).await;
            }
            Need::Areas if !capabilities.scope_areas => return refusals::areas_are_refused(&trial).await,
            Need::Faults | Need::Card if trial.is_only_read() => {
                return refusals::nothing_can_be_lost(&trial).await;
            }
            Need::Card if !trial.is_written() => return refusals::nobody_has_to_come(&trial).await,
            Need::Doors if !trial.spans_doors() => return refusals::one_door_and_no_more(&trial).await,
            Need::Revoke if !trial.takes_back() => return refusals::open_until_its_end(&trial).await,
            Need::Faults
            | Need::Areas
            | Need::Suspend
            | Need::Locks
            | Need::Backstage
            | Need::Card
            | Need::Doors
            | Need::Revoke => {}
        }
    }
    (case.judge)(&trial).await?;
    Ok(Verdict::Passed)
}
