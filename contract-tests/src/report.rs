//! What a run found out.

use std::fmt;

use lockport::credential::{KeyCredentialKind, VendorCode};

/// How one case ended for one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The requirement is kept.
    Passed,
    /// It is not.
    Failed(String),
    /// The adapter says that it cannot, and refuses as it says: before any call, changing nothing.
    Refused,
    /// Known not to hold, for this reason.
    Exempt(String),
    /// Not judged: nothing is known. Never as good as a pass.
    NotRun(String),
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The case's id.
    pub case: &'static str,
    /// For this kind of credential.
    pub kind: KeyCredentialKind,
    /// How it ended.
    pub verdict: Verdict,
}

/// What a run found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whose adapter was judged, where a bench could be opened at all.
    pub vendor: Option<VendorCode>,
    /// The seed that plays the same run again.
    pub seed: u64,
    /// Case by case, kind by kind.
    pub lines: Vec<Line>,
    /// What is wrong with the run itself.
    pub troubles: Vec<String>,
}

impl Report {
    /// Whether the adapter may be relied on as far as the run went: something passed, nothing failed, nothing was left out without
    /// a reason.
    #[must_use]
    pub fn is_green(&self) -> bool {
        let is_bad = |line: &Line| matches!(line.verdict, Verdict::Failed(_) | Verdict::NotRun(_));
        self.troubles.is_empty() && self.passed() > 0 && !self.lines.iter().any(is_bad)
    }

    fn passed(&self) -> usize {
        self.count(|verdict| *verdict == Verdict::Passed)
    }

    fn count(&self, of: impl Fn(&Verdict) -> bool) -> usize {
        self.lines.iter().filter(|line| of(&line.verdict)).count()
    }
}

/// One line a case and kind, then what is wrong, then the counts.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = self.vendor.as_ref().map_or("no adapter", VendorCode::as_str);
        writeln!(f, "{vendor}, seed {}", self.seed)?;
        for Line { case, kind, verdict } in &self.lines {
            write!(f, "{case:<12} {:<12} ", kind.as_str())?;
            match verdict {
                Verdict::Passed => writeln!(f, "passed")?,
                Verdict::Failed(why) => writeln!(f, "FAILED: {why}")?,
                Verdict::Refused => writeln!(f, "refused, as the descriptor says")?,
                Verdict::Exempt(why) => writeln!(f, "exempt: {why}")?,
                Verdict::NotRun(why) => writeln!(f, "NOT RUN: {why}")?,
            }
        }
        for trouble in &self.troubles {
            writeln!(f, "red: {trouble}")?;
        }
        let not_run = self.count(|verdict| matches!(verdict, Verdict::NotRun(_)));
        if not_run > 0 {
            writeln!(f, "red: not run without an exemption: {not_run}")?;
        }
        if self.passed() == 0 {
            writeln!(f, "red: nothing passed")?;
        }
        let failed = self.count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let skipped = self.count(|verdict| !matches!(verdict, Verdict::Passed | Verdict::Failed(_)));
        write!(f, "{} passed, {failed} failed, {skipped} skipped", self.passed())
    }
}
