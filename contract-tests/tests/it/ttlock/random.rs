//! Passcodes of the vendor's choice, in a house that nothing reaches, keep the whole contract: what cannot be is declared, and judged
//! as declared.

use lockport::credential::KeyCredentialKind;
use lockport_contract::harness::TtlockHarness;
use lockport_contract::{Line, Need, Plan, Verdict, cases, run};
use lockport_ttlock::Passcodes;

/// What the descriptor of such a passcode denies.
const DENIED: [Need; 4] = [Need::Suspend, Need::Doors, Need::Revoke, Need::Card];

#[tokio::test]
async fn passcodes_of_the_vendors_choice_pass_every_case_that_they_can_be_asked() {
    let report = run(&TtlockHarness::of(Passcodes::Random), &Plan { filter: None, seed: 7 }).await;
    assert!(report.is_green(), "{report}");
    for line in &report.lines {
        let is_passcode = line.kind == KeyCredentialKind::PinCode;
        let needs = |need: &Need| cases::all().any(|case| case.id == line.case && case.needs.contains(need));
        let is_denied = if is_passcode { DENIED.iter().any(needs) } else { needs(&Need::Card) };
        match &line.verdict {
            Verdict::Exempt(_) => assert_eq!(line.case, "DEVICE-003", "{line:?}"),
            verdict => assert_eq!(*verdict == Verdict::Refused, is_denied, "{line:?}"),
        }
    }
    assert_eq!(report.lines.len(), 2 * cases::all().count(), "{report}");
    let is_passed = |line: &&Line| line.kind == KeyCredentialKind::PinCode && line.verdict == Verdict::Passed;
    let passed = report.lines.iter().filter(is_passed).count();
    assert!(passed > 30, "{passed} cases ask for nothing that such a passcode cannot: {report}");
}
