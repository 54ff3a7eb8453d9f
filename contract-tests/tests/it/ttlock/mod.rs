//! The TTLock driver keeps the whole contract, over the wire, against the simulated cloud and its locks.

#[cfg(test)]
mod house;
#[cfg(test)]
mod passcodes;
#[cfg(test)]
mod random;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod told;
#[cfg(test)]
mod world;

use lockport_contract::harness::TtlockHarness;
use lockport_contract::{Need, Plan, Verdict, cases, run};

#[tokio::test]
async fn the_ttlock_driver_passes_every_case() {
    let report = run(&TtlockHarness::default(), &Plan { filter: None, seed: 7 }).await;
    assert!(report.is_green(), "{report}");
    for line in &report.lines {
        // Nothing is written on a card here: that nobody has to come is judged instead.
        let is_of_writing = cases::all().any(|case| case.id == line.case && case.needs.contains(&Need::Card));
        let right = if is_of_writing { Verdict::Refused } else { Verdict::Passed };
        assert_eq!(line.verdict, right, "{line:?}");
    }
    // A phone's key, a passcode and a card.
    assert_eq!(report.lines.len(), 3 * cases::all().count(), "{report}");
}
