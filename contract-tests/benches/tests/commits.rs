//! Commits are counted at every test run: how many writes to a disk a key waits for is the same on every machine.

use lockport_bench::ratchet::Ratchet;
use lockport_bench::report::{Outcome, Report, Row};
use lockport_bench::rows;

#[tokio::test]
async fn an_issue_commits_no_more_often_than_the_ratchet_has_it() {
    let rows =
        vec![Row { name: "commits".into(), outcome: Outcome::Figures(rows::commits::row().await.unwrap()) }];
    let report = Report { cores: 1, machine: "any".into(), rows };
    let verdict = Ratchet::committed().unwrap().judge(&report);
    assert!(verdict.red.is_empty(), "{verdict:?}\n{report}");
    assert!(report.figures().any(|figure| figure.id == "commits/mock/1" && figure.value > 0.0));
}
