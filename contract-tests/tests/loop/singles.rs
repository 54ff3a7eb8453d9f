//! Every single failure.

use lockport_contract::fault_loop::{InMemory, LoopPlan, LoopReport, Rig, Shelf, mock_rigs, play_all};

/// Every point, in some of the ways that differ little, and where the build is slow in one of them; or the one run that is named.
pub(crate) fn play(rigs: &[Box<dyn Rig>], shelf: &dyn Shelf, scenarios: &[&str]) -> LoopReport {
    let only = std::env::var("FAULT_LOOP_ONLY").ok().map(|only| only.parse().unwrap());
    let is_all = only.is_none();
    let singles = LoopPlan::singles(0);
    let plan = if cfg!(debug_assertions) { singles.with_one_way() } else { singles.with_some_ways() };
    let plan = plan.with_scenarios(scenarios).with_only(only);
    let report = play_all(rigs, shelf, &plan).unwrap();
    println!("{report}");
    // One run is played over one of the rigs, and nothing over the others.
    assert!(report.is_green() || (!is_all && report.red() == 0), "{report}");
    report
}

#[test]
fn over_the_mock_in_all_its_personalities() {
    let report = play(&mock_rigs(), &InMemory, &[]);
    for row in &report.rows {
        // Only who honours no key and cannot be read back leaves something to a person.
        let may_declare = row.rig.contains("silent_ack");
        assert!(may_declare || row.declared == 0, "{} {} declares: {report}", row.rig, row.scenario);
        let must = may_declare && row.scenario == "issue" && row.runs > 1;
        assert!(!must || row.declared > 0, "{} {} never declares: {report}", row.rig, row.scenario);
    }
}

/// The file is opened anew by every process that comes after another.
#[cfg(feature = "sqlite")]
#[test]
fn with_the_ledger_in_a_file() {
    use lockport_contract::fault_loop::{InFile, MockRig};
    use lockport_mock::Personality;

    let kind = lockport::credential::KeyCredentialKind::PinCode;
    let rigs: [Box<dyn Rig>; 1] = [Box::new(MockRig::of(Personality::PerDoor, kind))];
    play(&rigs, &InFile, &["issue", "shorten-then-lengthen", "revoke-mid-update"]);
}

/// Through the driver's own wire, to a cloud on a loopback port.
#[cfg(feature = "ttlock")]
#[test]
fn over_ttlock() {
    use lockport_contract::fault_loop::ttlock_rigs;

    play(&ttlock_rigs(), &InMemory, &["issue", "shorten-then-lengthen", "unsuspend", "revoke-mid-issue"]);
}

/// Passcodes of the vendor's choice, which have one door each and cannot be taken back: what of the scenarios such a key can have.
#[cfg(feature = "ttlock")]
#[test]
fn over_ttlock_without_gateways() {
    use lockport_contract::fault_loop::{TtlockPoints, TtlockRig};

    let (kind, passcodes) =
        (lockport::credential::KeyCredentialKind::PinCode, lockport_ttlock::Passcodes::Random);
    let rigs = [TtlockPoints::Driver, TtlockPoints::Line]
        .map(|at| Box::new(TtlockRig { at, kind, passcodes }) as Box<dyn Rig>);
    let scenarios = ["issue", "join", "lengthen", "shorten", "move", "move-and-shorten"];
    play(&rigs, &InMemory, &scenarios);
}
