//! Every case bites: for each there is a wrong adapter under which it fails.

use std::collections::BTreeSet;

use lockport_contract::harness::{MockBench, MockHarness};
use lockport_contract::{Bench, BenchError, Exemption, Harness, Plan, Verdict, cases, run};
use lockport_mock::Personality;

use crate::saboteurs::{self, Saboteur, Straight, bent, with_driver};

async fn fails(saboteur: &Saboteur, case: &str) -> bool {
    let report = run(saboteur, &Plan { filter: Some(format!("{case}/")), seed: 0 }).await;
    report.lines.iter().any(|line| matches!(line.verdict, Verdict::Failed(_)))
}

#[tokio::test]
async fn every_saboteur_is_caught_where_it_should_be() {
    let mut missed = Vec::new();
    for saboteur in saboteurs::all() {
        for case in saboteur.caught_by {
            if !fails(&saboteur, case).await {
                missed.push(format!("{case} does not notice an adapter that {}", saboteur.name));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_case_has_a_saboteur_that_it_catches() {
    let known: BTreeSet<&str> = cases::all().map(|case| case.id).collect();
    let caught: BTreeSet<&str> =
        saboteurs::all().iter().flat_map(|saboteur| saboteur.caught_by).copied().collect();
    assert_eq!(known, caught, "left: the cases, right: those that catch a saboteur");
}

struct Unbent {
    personality: Personality,
    honest: MockHarness,
}

#[async_trait::async_trait]
impl Harness for Unbent {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        Ok(bent(with_driver(&MockBench::of(self.personality)?, seed, Straight), Straight))
    }

    fn exemptions(&self) -> &[Exemption] {
        self.honest.exemptions()
    }
}

/// What is caught is the bend, not what carries it.
#[tokio::test]
async fn without_a_bend_everything_passes() {
    for personality in Personality::ALL {
        let unbent = Unbent { personality, honest: MockHarness::of(personality) };
        let report = run(&unbent, &Plan::default()).await;
        assert!(report.is_green(), "{personality}: {report}");
    }
}
