//! A report says the same in every form, and a ledger is read to the letter.

use lockport_contract::harness::MockHarness;
use lockport_contract::{Excused, Form, Plan, Verdict, parse_ledger, run};
use lockport_mock::Personality;

fn plan(filter: &str) -> Plan {
    Plan { filter: Some(filter.to_owned()), seed: 7 }
}

const LEDGER: &str = "\
    [[exempt]]\n\
    case = \"ISSUE-001\"\n\
    kind = \"pin_code\"\n\
    reason = \"it <is> known\"\n";

#[tokio::test]
async fn every_form_tells_what_failed_what_was_exempt_and_whether_it_is_green() {
    let harness = MockHarness::of(Personality::PerDoor);
    let excused = Excused::new(&harness, parse_ledger(LEDGER).unwrap());
    let mut report = run(&excused, &plan("ISSUE-00")).await;
    // The case passes, so the exemption is red; and one is made to fail.
    report.lines[0].verdict = Verdict::Failed("a door & a <half>".to_owned());
    report.lines[1].verdict = Verdict::Exempt("it <is> known".to_owned());
    assert!(!report.is_green());

    let json: serde_json::Value = serde_json::from_str(&report.to_form(Form::Json)).unwrap();
    assert_eq!(json["green"], false);
    assert_eq!(json["seed"], 7);
    assert_eq!(json["lines"][0]["verdict"], "failed");
    assert_eq!(json["lines"][0]["why"], "a door & a <half>");
    assert_eq!(json["lines"][4]["faults"][0], "refused");
    assert_eq!(json["troubles"][0], "ISSUE-001 is exempt, and needs it no more");
    assert!(json["latencies"][0]["p95_us"].is_u64(), "{json}");

    let junit = report.to_form(Form::Junit);
    assert!(junit.contains("<testcase name=\"ISSUE-001\" classname=\"mock.mobile_app\">"), "{junit}");
    assert!(junit.contains("<failure message=\"a door &amp; a &lt;half&gt;\""), "{junit}");
    assert!(junit.contains("<skipped message=\"it &lt;is&gt; known\""), "{junit}");
    assert!(junit.contains("tests=\"9\"") && junit.contains("failures=\"2\""), "{junit}");
    assert!(junit.contains("RUN-000"), "a run that is red by itself: {junit}");

    let html = report.to_form(Form::Html);
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("a door &amp; a &lt;half&gt;"), "{html}");
    for part in
        ["What it can", "How long calls took", "What went wrong on purpose", "Every case", "class=\"red\""]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains("http"), "the page fetches nothing: {html}");
}

#[tokio::test]
async fn a_green_run_is_green_in_every_form() {
    let report = run(&MockHarness::of(Personality::RoomWide), &plan("CAPA")).await;
    assert!(report.is_green(), "{report}");
    assert!(report.to_form(Form::Json).contains("\"green\": true"));
    assert!(report.to_form(Form::Junit).contains("failures=\"0\""));
    assert!(report.to_form(Form::Html).contains("class=\"green\""));
}

#[test]
fn a_ledger_has_known_words_only() {
    let ledger = parse_ledger(LEDGER).unwrap();
    assert_eq!((ledger.len(), ledger[0].case.as_str(), ledger[0].kind.is_some()), (1, "ISSUE-001", true));
    assert_eq!(parse_ledger("").unwrap(), []);
    for wrong in [
        "exempt = 3",
        "[[exempt]]\ncase = \"ISSUE-001\"",
        "[[exempt]]\ncase = \"ISSUE-001\"\nreason = \"so\"\nkind = \"brass_key\"",
        "[[exempt]]\ncase = \"ISSUE-001\"\nreason = \"so\"\nresaon = \"so\"",
        "[[excused]]\ncase = \"ISSUE-001\"\nreason = \"so\"",
    ] {
        let error = parse_ledger(wrong).unwrap_err().to_string();
        assert!(error.starts_with("the ledger of exemptions cannot be read"), "{error}");
    }
}
