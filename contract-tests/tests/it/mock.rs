//! The mock keeps the whole contract.

use lockport_contract::harness::MockHarness;
use lockport_contract::{Plan, Verdict, cases, run};

#[tokio::test]
async fn the_mock_passes_every_case_for_every_kind() {
    for seed in [0, 1, 20_260_302] {
        let report = run(&MockHarness, &Plan { filter: None, seed }).await;
        assert!(report.is_green(), "{report}");
        assert!(report.lines.iter().all(|line| line.verdict == Verdict::Passed), "{report}");
        assert_eq!(report.lines.len(), 2 * cases::all().count(), "{report}");
    }
}
