//! The account of a run: what held, what did not, what was left out, and the verdict.

use crate::summary::Summary;

/// What came of one step that is not a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepResult {
    /// It found nothing.
    Passed,
    /// It found something, or could not be run.
    Failed(String),
    /// It was left out, and why.
    Skipped(String),
}

/// Collects results while the run goes on.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: u64,
    failures: Vec<String>,
    skips: Vec<String>,
    tests: Summary,
}

/// How a run ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What to print; the last line is the count.
    pub(crate) lines: Vec<String>,
    /// Whether the tree may be called sound.
    pub(crate) is_green: bool,
}

impl Report {
    /// Notes one step.
    pub(crate) fn step(&mut self, name: &str, result: StepResult) {
        match result {
            StepResult::Passed => self.passed += 1,
            StepResult::Failed(reason) => self.failures.push(format!("{name}: {reason}")),
            StepResult::Skipped(reason) => self.skips.push(format!("{name}: {reason}")),
        }
    }

    /// Notes one run of a test runner.
    pub(crate) fn tests(&mut self, summary: Summary) {
        self.tests.add(summary);
    }

    /// Sums up. Zero executed tests are a failure of their own, counted as one, so that the exit status and the last
    /// line never disagree.
    pub(crate) fn verdict(self) -> Verdict {
        let Self { passed, mut failures, mut skips, tests } = self;
        let skipped = skips.len() as u64 + tests.skipped;
        skips.extend(tests.skips);
        let mut failed = failures.len() as u64 + tests.failed;
        if tests.failed > 0 && tests.troubles.is_empty() {
            failures.push(format!("tests: {} failed", tests.failed));
        }
        failures.extend(tests.troubles.into_iter().map(|trouble| format!("tests: {trouble}")));
        if tests.executed == 0 {
            failures.push("tests: not one was executed, and a run without tests proves nothing".to_owned());
            failed += u64::from(tests.failed == 0);
        }

        let mut lines = Vec::new();
        for (title, entries) in [("Skipped:", skips), ("Failed:", failures)] {
            if !entries.is_empty() {
                lines.push(title.to_owned());
                lines.extend(entries.into_iter().map(|entry| format!("  - {entry}")));
            }
        }
        lines.push(format!("{} passed, {failed} failed, {skipped} skipped", passed + tests.passed));
        Verdict { lines, is_green: failed == 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(passed: u64, failed: u64, skipped: u64) -> Summary {
        Summary { passed, failed, skipped, executed: passed + failed, ..Summary::default() }
    }

    fn last(verdict: &Verdict) -> &str {
        verdict.lines.last().unwrap()
    }

    #[test]
    fn steps_and_tests_share_the_last_line() {
        let mut report = Report::default();
        report.step("fmt", StepResult::Passed);
        report.step("deny", StepResult::Skipped("cargo-deny is not installed".into()));
        report.tests(ran(5, 0, 1));
        let verdict = report.verdict();
        assert_eq!(last(&verdict), "6 passed, 0 failed, 2 skipped");
        assert!(verdict.is_green);
        assert!(verdict.lines.contains(&"  - deny: cargo-deny is not installed".to_owned()));
    }

    #[test]
    fn a_failed_step_is_red_beside_green_tests() {
        let mut report = Report::default();
        report.step("fmt", StepResult::Failed("exit status: 1".into()));
        report.tests(ran(5, 0, 0));
        let verdict = report.verdict();
        assert_eq!(last(&verdict), "5 passed, 1 failed, 0 skipped");
        assert!(!verdict.is_green);
    }

    #[test]
    fn a_failed_test_is_red_beside_green_steps() {
        let mut report = Report::default();
        report.step("fmt", StepResult::Passed);
        report.tests(ran(4, 1, 0));
        let verdict = report.verdict();
        assert_eq!(last(&verdict), "5 passed, 1 failed, 0 skipped");
        assert!(!verdict.is_green);
    }

    #[test]
    fn nothing_ran_is_red_however_green_the_steps_were() {
        for tests in [None, Some(ran(0, 0, 0)), Some(ran(0, 0, 7))] {
            let skipped = tests.as_ref().map_or(0, |summary| summary.skipped);
            let mut report = Report::default();
            report.step("fmt", StepResult::Passed);
            tests.into_iter().for_each(|summary| report.tests(summary));
            let verdict = report.verdict();
            assert!(!verdict.is_green);
            assert_eq!(last(&verdict), format!("1 passed, 1 failed, {skipped} skipped"));
            assert!(verdict.lines.iter().any(|line| line.contains("not one was executed")));
        }
    }

    #[test]
    fn tests_that_did_not_build_are_counted_once() {
        let mut report = Report::default();
        report.tests(Summary {
            failed: 1,
            troubles: vec!["the tests did not build".into()],
            ..Summary::default()
        });
        let verdict = report.verdict();
        assert_eq!(last(&verdict), "0 passed, 1 failed, 0 skipped");
        assert!(verdict.lines.contains(&"  - tests: the tests did not build".to_owned()));
    }
}
