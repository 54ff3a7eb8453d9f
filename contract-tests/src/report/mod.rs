//! What a run found out, and the forms in which it is told.

mod budget;
mod html;
mod junit;
mod text;

use std::collections::BTreeSet;
use std::str::FromStr;

use lockport::Operation;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, VendorCode};
use lockport::driver::DriverDescriptor;
use serde::Serialize;

/// How one case ended for one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
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

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Refused => "refused",
            Self::Exempt(_) => "exempt",
            Self::NotRun(_) => "not run",
        }
    }

    /// Why, where there is something to say.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Failed(why) | Self::Exempt(why) | Self::NotRun(why) => Some(why),
            Self::Passed | Self::Refused => None,
        }
    }

    /// Whether a run with this in it is red.
    #[must_use]
    pub const fn is_red(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotRun(_))
    }
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The case's id.
    pub case: &'static str,
    /// For this kind of credential.
    pub kind: KeyCredentialKind,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The faults that were played in it, by their words.
    pub faults: BTreeSet<&'static str>,
}

/// Whose adapter was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct About {
    /// The lock system.
    pub vendor: VendorCode,
    /// What people call it.
    pub name: &'static str,
    /// What it says that it can.
    pub can: LockCapabilities,
}

/// How long the calls of one operation took on this bench, in real time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// The operation.
    pub operation: Operation,
    /// How many calls there were.
    pub calls: usize,
    /// Half of them took at most this long, in microseconds.
    pub p50_us: u64,
    /// All but one in twenty took at most this long, in microseconds.
    pub p95_us: u64,
    /// What `p95_us` may be, in milliseconds.
    pub budget_ms: u64,
    /// Where that figure is from.
    pub budget_from: &'static str,
}

impl Latency {
    pub(crate) fn of(operation: Operation, mut took_us: Vec<u64>, descriptor: &DriverDescriptor) -> Self {
        took_us.sort_unstable();
        let calls = took_us.len();
        let at = |percent: usize| {
            let index = calls.saturating_mul(percent).div_ceil(100).saturating_sub(1);
            took_us.get(index).copied().unwrap_or_default()
        };
        let (budget_ms, budget_from) = budget::of(operation, descriptor);
        Self { operation, calls, p50_us: at(50), p95_us: at(95), budget_ms, budget_from }
    }

    /// Whether the calls kept to the budget.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        self.p95_us <= self.budget_ms.saturating_mul(1000)
    }
}

/// What a run found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whose adapter was judged, where a bench could be opened at all.
    pub about: Option<About>,
    /// The seed that plays the same run again.
    pub seed: u64,
    /// Case by case, kind by kind.
    pub lines: Vec<Line>,
    /// How long calls took.
    pub latencies: Vec<Latency>,
    /// Errors for codes of the vendor that no table knows, where no case had asked for one.
    pub unmapped: BTreeSet<String>,
    /// What the descriptor says and the adapter does otherwise.
    pub differs: BTreeSet<String>,
    /// What is wrong with the run itself.
    pub troubles: Vec<String>,
}

impl Report {
    /// Whether the adapter may be relied on as far as the run went: something passed, nothing failed, nothing was left out without
    /// a reason, no code of the vendor was new to its table, and no exemption stands for nothing.
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.reds().is_empty() && !self.lines.iter().any(|line| matches!(line.verdict, Verdict::Failed(_)))
    }

    /// Why the run is red, beside the cases that failed.
    fn reds(&self) -> Vec<String> {
        let mut reds = self.troubles.clone();
        reds.extend(self.unmapped.iter().map(|error| format!("a code that no table knows: {error}")));
        let not_run = self.count(|verdict| matches!(verdict, Verdict::NotRun(_)));
        if not_run > 0 {
            reds.push(format!("not run without an exemption: {not_run}"));
        }
        if self.passed() == 0 {
            reds.push("nothing passed".to_owned());
        }
        reds
    }

    fn passed(&self) -> usize {
        self.count(|verdict| *verdict == Verdict::Passed)
    }

    fn failed(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Failed(_)))
    }

    fn count(&self, of: impl Fn(&Verdict) -> bool) -> usize {
        self.lines.iter().filter(|line| of(&line.verdict)).count()
    }

    /// The counts in one line.
    fn counts(&self) -> String {
        let (passed, failed) = (self.passed(), self.failed());
        let skipped = self.lines.len().saturating_sub(passed).saturating_sub(failed);
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }

    /// The report in this form.
    #[must_use]
    pub fn to_form(&self, form: Form) -> String {
        match form {
            Form::Text => self.to_string(),
            Form::Json => self.to_json(),
            Form::Junit => junit::suite(self),
            Form::Html => html::page(self),
        }
    }

    fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("green".to_owned(), self.is_green().into());
        }
        format!("{value:#}")
    }
}

/// A form in which a report is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// For people at a terminal.
    #[default]
    Text,
    /// For programs; has a field more than [`Report`], `green`.
    Json,
    /// For build servers.
    Junit,
    /// One page to file.
    Html,
}

/// Text that names no [`Form`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownForm;

impl std::fmt::Display for UnknownForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a report is text, json, junit or html")
    }
}

impl std::error::Error for UnknownForm {}

impl FromStr for Form {
    type Err = UnknownForm;
    fn from_str(text: &str) -> Result<Self, UnknownForm> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "junit" => Ok(Self::Junit),
            "html" => Ok(Self::Html),
            _ => Err(UnknownForm),
        }
    }
}
