//! The encoder driver keeps the whole contract on each of its encoders, against simulated cards and the doors that read them.

use lockport_contract::harness::WiegandHarness;
use lockport_contract::{Harness as _, Plan, Verdict, cases, run};
use lockport_wiegand::EncoderModel;

#[tokio::test]
async fn the_encoder_driver_passes_every_case_on_every_encoder() {
    for model in EncoderModel::ALL {
        let harness = WiegandHarness::of(model);
        let report = run(&harness, &Plan { filter: None, seed: 7 }).await;
        assert!(report.is_green(), "{model}: {report}");
        let is_exempt = |verdict: &Verdict| matches!(verdict, Verdict::Exempt(_));
        let excused = report.lines.iter().filter(|line| is_exempt(&line.verdict)).count();
        assert!(excused <= harness.exemptions().len() * 2, "{model}: {report}");
        assert!(report.lines.len() >= cases::all().count(), "{model}: {report}");
    }
}
