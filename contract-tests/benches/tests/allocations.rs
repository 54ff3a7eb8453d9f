//! Allocations are counted at every test run: a call through all layers has a fixed budget, on every machine the same.

#[path = "../src/bin/counted/allocations.rs"]
mod counted;

use lockport_bench::ratchet::Ratchet;
use lockport_bench::report::{Outcome, Report, Row};

#[test]
fn an_issue_allocates_no_more_than_the_ratchet_has_it() {
    let figures = counted::row().unwrap();
    assert_eq!(figures, counted::row().unwrap(), "the same at every run");
    let rows = vec![Row { name: "allocations".into(), outcome: Outcome::Figures(figures) }];
    let report = Report { cores: 1, machine: "any".into(), rows };
    let verdict = Ratchet::committed().unwrap().judge(&report);
    assert!(verdict.red.is_empty(), "{verdict:?}\n{report}");
}
