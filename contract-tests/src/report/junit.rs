//! The report for build servers: a suite for the adapter, a test case for each case and kind.

use quick_junit::{NonSuccessKind, Report as Tests, TestCase, TestCaseStatus, TestSuite};

use super::{Report, Verdict};

pub(super) fn suite(report: &Report) -> String {
    let name = report.about.as_ref().map_or("no adapter", |about| about.vendor.as_str());
    let mut suite = TestSuite::new(name.to_owned());
    for line in &report.lines {
        let status = match &line.verdict {
            Verdict::Passed => TestCaseStatus::success(),
            Verdict::Failed(why) => failure(why),
            Verdict::NotRun(why) => failure(&format!("not run: {why}")),
            Verdict::Refused => skipped("refused, as the descriptor says"),
            Verdict::Exempt(why) => skipped(why),
        };
        let mut case = TestCase::new(line.case, status);
        case.set_classname(format!("{name}.{}", line.kind));
        suite.add_test_case(case);
    }
    // A run can be red though every case of it is fine; a build server has to see that.
    for (number, red) in report.reds().into_iter().enumerate() {
        let mut case = TestCase::new(format!("RUN-{number:03}"), failure(&red));
        case.set_classname(name.to_owned());
        suite.add_test_case(case);
    }
    let mut tests = Tests::new("lockport-contract");
    tests.add_test_suite(suite);
    // Writing to memory fails for nobody; a report that cannot be told must not look like one without failures.
    tests.to_string().unwrap_or_else(|error| format!("<error>{error}</error>"))
}

fn failure(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(why.to_owned());
    status
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why.to_owned());
    status
}
