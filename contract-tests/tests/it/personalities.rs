//! Every personality of the mock keeps the contract; what its nature does not allow to ask is exempt by name.

use std::collections::BTreeSet;

use lockport_contract::harness::MockHarness;
use lockport_contract::{Harness as _, Need, Plan, Verdict, cases, run};
use lockport_mock::{Personality, descriptor};

/// What is not judged, and for which personality.
const EXEMPT: &[(Personality, &str)] = &[
    (Personality::SilentAck, "IDEM-003"),
    (Personality::SilentAck, "IDEM-004"),
    (Personality::SilentAck, "IDEM-005"),
    (Personality::Card, "DEVICE-003"),
    (Personality::Card, "PLAN-002"),
];

#[tokio::test]
async fn every_personality_passes_every_case_for_every_kind() {
    for personality in Personality::ALL {
        let harness = MockHarness::of(personality);
        for seed in [0, 20_260_302] {
            let report = run(&harness, &Plan { filter: None, seed }).await;
            assert!(report.is_green(), "{personality}: {report}");
            let kinds = descriptor(personality).kinds.len();
            assert_eq!(report.lines.len(), kinds * cases::all().count(), "{personality}: {report}");
            for line in &report.lines {
                let is_exempt = EXEMPT.contains(&(personality, line.case));
                // Where nothing is written on cards, that is judged instead.
                let is_written = personality == Personality::Card;
                let is_of_writing =
                    cases::all().any(|case| case.id == line.case && case.needs.contains(&Need::Card));
                let right = if is_of_writing && !is_written { Verdict::Refused } else { Verdict::Passed };
                assert_eq!(line.verdict == right, !is_exempt, "{personality}: {line:?}");
            }
        }
    }
}

/// An exemption that nobody needs any more must go.
#[test]
fn nothing_else_is_exempt() {
    for personality in Personality::ALL {
        let harness = MockHarness::of(personality);
        let is: BTreeSet<&str> =
            harness.exemptions().iter().map(|exemption| exemption.case.as_str()).collect();
        let of_it = EXEMPT.iter().filter(|(of, _)| *of == personality);
        let expected: BTreeSet<&str> = of_it.map(|(_, case)| *case).collect();
        assert_eq!(is, expected, "{personality}");
    }
}
