//! The report at a terminal: one line a case and kind, then what is wrong, then the counts.

use std::fmt;

use lockport::credential::VendorCode;

use super::{Latency, Line, Report, Verdict};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = self.about.as_ref().map_or("no adapter", |about| VendorCode::as_str(&about.vendor));
        writeln!(f, "{vendor}, seed {}", self.seed)?;
        for Line { case, kind, verdict, .. } in &self.lines {
            write!(f, "{case:<12} {:<12} ", kind.as_str())?;
            match verdict {
                Verdict::Passed => writeln!(f, "passed")?,
                Verdict::Failed(why) => writeln!(f, "FAILED: {why}")?,
                Verdict::Refused => writeln!(f, "refused, as the descriptor says")?,
                Verdict::Exempt(why) => writeln!(f, "exempt: {why}")?,
                Verdict::NotRun(why) => writeln!(f, "NOT RUN: {why}")?,
            }
        }
        for Latency { operation, calls, p50_us, p95_us, budget_ms, budget_from } in &self.latencies {
            let operation = operation.as_str();
            writeln!(
                f,
                "{operation:<21} {calls} calls, half of them within {p50_us} us, 95 % within {p95_us} us; \
                 {budget_ms} ms is the budget ({budget_from})"
            )?;
        }
        for what in &self.differs {
            writeln!(f, "says one thing and does another: {what}")?;
        }
        for red in self.reds() {
            writeln!(f, "red: {red}")?;
        }
        f.write_str(&self.counts())
    }
}
