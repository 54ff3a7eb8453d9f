//! What is to be played, and the playing of all of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::points::Point;
use super::report::{LoopReport, RedRun, Row};
use super::rig::{Rig, Shelf};
use super::run::{Played, play};
use super::scenario::{self, Scenario};
use super::way::{Call, Strike, Then, Way};
use crate::bench::BenchError;

/// How many red runs of one scenario are kept in full.
const KEPT_IN_FULL: usize = 5;

/// In how many ways every point fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ways {
    /// In every way there is.
    #[default]
    All,
    /// In one of each sort of ways that differ little.
    OneOfEachSort,
    /// In one.
    One,
}

/// How much of everything is played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoopPlan {
    /// The seed of everything random.
    pub seed: u64,
    /// After every single failure also every second one.
    pub pairs: bool,
    /// How many ways are taken at every point.
    pub ways: Ways,
    /// Only these scenarios; all when empty.
    pub scenarios: Vec<String>,
    /// Only this one run.
    pub only: Option<Only>,
}

impl LoopPlan {
    /// Every single failure of every scenario, with this seed.
    #[must_use]
    pub fn singles(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The same, and after every single failure a second one.
    #[must_use]
    pub fn with_pairs(mut self) -> Self {
        self.pairs = true;
        self
    }

    /// Not every way at every point: of ways that differ little, such as a drop that the process outlives and one that it does
    /// not, each point takes one, in turn.
    #[must_use]
    pub const fn with_some_ways(mut self) -> Self {
        self.ways = Ways::OneOfEachSort;
        self
    }

    /// One way at every point, in turn.
    #[must_use]
    pub const fn with_one_way(mut self) -> Self {
        self.ways = Ways::One;
        self
    }

    /// Only these scenarios.
    #[must_use]
    pub fn with_scenarios(mut self, names: &[&str]) -> Self {
        self.scenarios = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Only this one run.
    #[must_use]
    pub fn with_only(mut self, only: Option<Only>) -> Self {
        self.only = only;
        self
    }

    fn takes(&self, rig: &str, scenario: &Scenario<'_>) -> bool {
        let named = self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario.name);
        let only = self.only.as_ref();
        named && only.is_none_or(|only| only.rig == rig && only.scenario == scenario.name)
    }
}

/// One run, by name: `rig/scenario/point/way`, with a second `/point/way` where two calls fail; or all of `rig/scenario`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    rig: String,
    scenario: String,
    strikes: Vec<Strike>,
}

/// Text that names no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchRun;

impl fmt::Display for NoSuchRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run is named rig/scenario/point/way")
    }
}

impl std::error::Error for NoSuchRun {}

impl FromStr for Only {
    type Err = NoSuchRun;
    fn from_str(text: &str) -> Result<Self, NoSuchRun> {
        let mut parts = text.split('/');
        let (Some(rig), Some(scenario)) = (parts.next(), parts.next()) else { return Err(NoSuchRun) };
        let mut strikes = Vec::new();
        while let Some(point) = parts.next() {
            let point = point.parse().map_err(|_| NoSuchRun)?;
            let way = parts.next().and_then(|way| way.parse().ok()).ok_or(NoSuchRun)?;
            strikes.push(Strike { point, way });
        }
        Ok(Self { rig: rig.to_owned(), scenario: scenario.to_owned(), strikes })
    }
}

/// Plays the plan over every rig, on as many threads as there are cores, each with a runtime of its own.
///
/// # Errors
/// When no thread or no runtime is to be had.
pub fn play_all(rigs: &[Box<dyn Rig>], shelf: &dyn Shelf, plan: &LoopPlan) -> Result<LoopReport, BenchError> {
    play_and_tell(rigs, shelf, plan, &|_| ())
}

/// The same, for whoever wants to see it go on: each scenario on each rig is told as soon as it is played.
///
/// # Errors
/// When no thread or no runtime is to be had.
pub fn play_and_tell(
    rigs: &[Box<dyn Rig>],
    shelf: &dyn Shelf,
    plan: &LoopPlan,
    tell: &(dyn Fn(&LoopReport) + Sync),
) -> Result<LoopReport, BenchError> {
    let work: Vec<(&dyn Rig, &Scenario<'static>)> = rigs
        .iter()
        .flat_map(|rig| scenario::ALL.iter().map(move |scenario| (&**rig, scenario)))
        .filter(|(rig, scenario)| plan.takes(&title(*rig, shelf), scenario))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(work.len().max(1));
    let worker = || -> Result<(), BenchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| BenchError::new(error.to_string()))?;
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some((rig, scenario)) = work.get(number).copied() else { return Ok(()) };
            let report = runtime.block_on(play_scenario(rig, shelf, scenario, plan));
            tell(&report);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, report));
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| BenchError::new("a thread of the loop panicked"))?
        })
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    let mut report = LoopReport::default();
    done.into_iter().for_each(|(_, one)| report.add(one));
    Ok(report)
}

fn title(rig: &dyn Rig, shelf: &dyn Shelf) -> String {
    match shelf.name() {
        "memory" => rig.name(),
        shelf => format!("{}:{shelf}", rig.name()),
    }
}

struct Tally<'a> {
    rig: &'a dyn Rig,
    shelf: &'a dyn Shelf,
    scenario: &'a Scenario<'static>,
    seed: u64,
    report: LoopReport,
    row: Row,
}

impl Tally<'_> {
    /// Plays one run and keeps what is red.
    async fn play(&mut self, strikes: &[Strike]) -> Vec<Point> {
        let Played { points, red, declared, waiting, trace } =
            play(self.rig, self.shelf, self.scenario, strikes, self.seed).await;
        let missed = (waiting > 0).then(|| format!("{waiting} failures on order never struck"));
        let red = red.or(missed);
        self.row.runs = self.row.runs.saturating_add(1);
        self.row.declared = self.row.declared.saturating_add(usize::from(declared));
        if let Some(why) = red {
            self.row.red = self.row.red.saturating_add(1);
            let called = |strike: &Strike| points.get(strike.point.saturating_sub(1)).map(|p| p.name.clone());
            let strikes_told: String = strikes.iter().map(|strike| format!("/{strike}")).collect();
            let in_full = self.report.reds.len() < KEPT_IN_FULL;
            self.report.reds.push(RedRun {
                name: format!("{}/{}{strikes_told}", self.row.rig, self.scenario.name),
                calls: strikes.iter().filter_map(called).collect(),
                seed: self.seed,
                why,
                trace: if in_full { trace } else { Vec::new() },
            });
        }
        points
    }

    fn trouble(&mut self, why: String) {
        self.row.red = self.row.red.saturating_add(1);
        let name = format!("{}/{}", self.row.rig, self.scenario.name);
        self.report.reds.push(RedRun { name, calls: Vec::new(), seed: self.seed, why, trace: Vec::new() });
    }
}

/// Every failure of one scenario, one after the other.
async fn play_scenario(
    rig: &dyn Rig,
    shelf: &dyn Shelf,
    scenario: &Scenario<'static>,
    plan: &LoopPlan,
) -> LoopReport {
    let row =
        Row { rig: title(rig, shelf), scenario: scenario.name, points: 0, runs: 0, declared: 0, red: 0 };
    let report = LoopReport::default();
    let mut tally = Tally { rig, shelf, scenario, seed: plan.seed, report, row };
    match suits(rig, scenario, plan.seed).await {
        Ok(Some(late)) => play_points(&mut tally, plan, late).await,
        Ok(None) => return LoopReport::default(),
        Err(error) => tally.trouble(format!("no stand: {error}")),
    }
    let Tally { mut report, row, .. } = tally;
    report.rows.push(row);
    report
}

/// Whether the scenario means anything for the kind; and whether its calls land late.
async fn suits(rig: &dyn Rig, scenario: &Scenario<'_>, seed: u64) -> Result<Option<bool>, BenchError> {
    let stand = rig.open(seed).await?;
    let descriptor = (stand.driver)()?.describe();
    let kind = descriptor.kind(stand.kind).ok_or_else(|| BenchError::new("the driver has no such kind"))?;
    let alike = descriptor.kinds.iter().filter(|other| other.per == kind.per).count();
    Ok(scenario.suits(kind, alike).then_some(!stand.choke.latest.is_zero()))
}

async fn play_points(tally: &mut Tally<'_>, plan: &LoopPlan, late: bool) {
    if let Some(only) = plan.only.as_ref().filter(|only| !only.strikes.is_empty()) {
        tally.row.points = tally.play(&only.strikes).await.len();
        return;
    }
    let clean = tally.play(&[]).await;
    tally.row.points = clean.len();
    for (number, point) in (1..).zip(&clean) {
        for way in ways(plan, point, number, late) {
            let first = Strike { point: number, way };
            let passed = tally.play(&[first]).await;
            let same = passed.get(number.saturating_sub(1)) == Some(point);
            if !same {
                tally.trouble(format!("call {number} is not the same from run to run"));
            }
            if plan.pairs {
                play_seconds(tally, first, &passed, late).await;
            }
        }
    }
}

/// The ways in which this point is to fail.
fn ways(plan: &LoopPlan, point: &Point, number: usize, late: bool) -> Vec<Way> {
    let all: Vec<Way> = Way::ALL.into_iter().filter(|way| way.fits(point.call, late)).collect();
    match plan.ways {
        Ways::All => return all,
        Ways::OneOfEachSort => {}
        Ways::One => return in_turn(&all, &all, number).into_iter().collect(),
    }
    // In groups of ways that differ little.
    let groups: &[&[Way]] = match point.call {
        Call::Read | Call::Look => &[&Way::ALL],
        Call::Commit => &[
            &[Way::LostBefore, Way::LostAfter, Way::AwayBefore, Way::AwayAfter],
            &dropped(Way::DroppedBefore),
            &dropped(Way::DroppedAfter),
        ],
        Call::Effect | Call::Grant => &[
            &[Way::LostBefore, Way::NotSent],
            &[Way::LostAfter],
            &[Way::Late],
            &dropped(Way::DroppedBefore),
            &dropped(Way::DroppedAfter),
            &dropped(Way::DroppedLate),
        ],
    };
    groups.iter().filter_map(|group| in_turn(group, &all, number)).collect()
}

fn dropped(way: fn(Then) -> Way) -> [Way; 3] {
    [Then::LivesOn, Then::Reborn, Then::Swept].map(way)
}

fn in_turn(group: &[Way], fitting: &[Way], number: usize) -> Option<Way> {
    let group: Vec<Way> = group.iter().copied().filter(|way| fitting.contains(way)).collect();
    group.get(number.checked_rem(group.len())?).copied()
}

/// After a first failure a second one at every later call, in a way that moves on from call to call.
async fn play_seconds(tally: &mut Tally<'_>, first: Strike, passed: &[Point], late: bool) {
    for (number, point) in (1..).zip(passed).skip(first.point) {
        let fitting: Vec<Way> = Way::ALL.into_iter().filter(|way| way.fits(point.call, late)).collect();
        if let Some(way) = in_turn(&Way::ALL, &fitting, first.point.saturating_add(number)) {
            tally.play(&[first, Strike { point: number, way }]).await;
        }
    }
}
