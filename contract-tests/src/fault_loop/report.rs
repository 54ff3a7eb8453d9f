//! What a loop found out.

use std::collections::BTreeMap;
use std::fmt;

/// How many red runs are told in full.
const TOLD: usize = 8;

/// One scenario on one rig.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The rig, and the store when it is not the one in memory.
    pub rig: String,
    /// The scenario.
    pub scenario: &'static str,
    /// How many calls a run without failures makes: the points at which one can fail.
    pub points: usize,
    /// How many runs were played.
    pub runs: usize,
    /// In how many of them something was declared unknown, for a person to decide.
    pub declared: usize,
    /// How many of them were red.
    pub red: usize,
}

/// A run in which a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedRun {
    /// What plays it again: `rig/scenario/point/way`, and the second failure's after it.
    pub name: String,
    /// The calls that failed.
    pub calls: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// What was wrong.
    pub why: String,
    /// What happened, from the beginning.
    pub trace: Vec<String>,
}

/// What a loop found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoopReport {
    /// Rig by rig, scenario by scenario.
    pub rows: Vec<Row>,
    /// The red runs.
    pub reds: Vec<RedRun>,
}

impl LoopReport {
    /// How many points there are.
    #[must_use]
    pub fn points(&self) -> usize {
        self.rows.iter().map(|row| row.points).sum()
    }

    /// How many runs were played.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.rows.iter().map(|row| row.runs).sum()
    }

    /// How many of them were red.
    #[must_use]
    pub fn red(&self) -> usize {
        self.rows.iter().map(|row| row.red).sum()
    }

    /// Whether every run kept every promise, and there was something to keep in every one of them.
    #[must_use]
    pub fn is_green(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.points > 0 && row.runs > 0 && row.red == 0)
    }

    /// Adds what another loop found out.
    pub fn add(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.reds.extend(other.reds);
    }

    fn sums(&self) -> BTreeMap<&str, [usize; 4]> {
        let mut sums: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
        for row in &self.rows {
            let sum = sums.entry(&row.rig).or_default();
            for (sum, one) in sum.iter_mut().zip([row.points, row.runs, row.declared, row.red]) {
                *sum = sum.saturating_add(one);
            }
        }
        sums
    }
}

fn line(rig: &str, scenario: &str, [points, runs, declared, red]: [impl fmt::Display; 4]) -> String {
    format!("{rig:<34} {scenario:<24} {points:>7} {runs:>9} {declared:>9} {red:>6}")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rig, scenario, points, runs, declared, red } = self;
        f.write_str(&line(rig, scenario, [points, runs, declared, red]))
    }
}

impl fmt::Display for RedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "RED  {} (seed {})", self.name, self.seed)?;
        for call in &self.calls {
            writeln!(f, "     fails: {call}")?;
        }
        writeln!(f, "     {}", self.why)?;
        for line in &self.trace {
            writeln!(f, "     | {line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LoopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for red in self.reds.iter().take(TOLD) {
            writeln!(f, "{red}")?;
        }
        if self.reds.len() > TOLD {
            writeln!(f, "and {} more red runs:", self.reds.len().saturating_sub(TOLD))?;
            for red in self.reds.iter().skip(TOLD) {
                writeln!(f, "RED  {}: {}", red.name, red.why)?;
            }
        }
        writeln!(f, "{}", line("rig", "scenario", ["points", "runs", "declared", "red"]))?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let mut all = [0_usize; 4];
        for (rig, sums) in self.sums() {
            writeln!(f, "{}", line(rig, "all", sums))?;
            all.iter_mut().zip(sums).for_each(|(all, one)| *all = all.saturating_add(one));
        }
        write!(f, "{}", line("all", "all", all))?;
        if !self.is_green() && self.red() == 0 {
            write!(f, "\nRED  a row without a single point or run proves nothing")?;
        }
        Ok(())
    }
}
