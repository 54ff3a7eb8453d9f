//! The encoder's drivers keep the whole contract on each encoder and with each profile of card, against simulated cards and the doors
//! that read them.

use lockport_contract::harness::{CardProfile, WiegandHarness};
use lockport_contract::{Harness as _, Plan, Verdict, cases, run};
use lockport_wiegand::EncoderModel;

async fn keeps_the_contract(profile: CardProfile) {
    for model in EncoderModel::ALL {
        let harness = WiegandHarness::of(model, profile);
        let report = run(&harness, &Plan { filter: None, seed: 7 }).await;
        let what = format!("{model}, {}", profile.as_str());
        assert!(report.is_green(), "{what}: {report}");
        let is_exempt = |verdict: &Verdict| matches!(verdict, Verdict::Exempt(_));
        let excused = report.lines.iter().filter(|line| is_exempt(&line.verdict)).count();
        assert!(excused <= harness.exemptions().len() * 2, "{what}: {report}");
        assert!(report.lines.len() >= cases::all().count(), "{what}: {report}");
    }
}

#[tokio::test]
async fn records_pass_every_case_on_every_encoder() {
    keeps_the_contract(CardProfile::SignedRecord).await;
}

#[tokio::test]
async fn bits_for_a_panel_pass_every_case_on_every_encoder() {
    keeps_the_contract(CardProfile::WiegandBits).await;
}

#[tokio::test]
async fn numbers_of_cards_pass_every_case_on_every_encoder() {
    keeps_the_contract(CardProfile::Csn).await;
}
