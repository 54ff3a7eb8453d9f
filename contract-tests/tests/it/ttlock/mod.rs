//! The TTLock driver keeps the whole contract, over the wire, against the simulated cloud and its locks.

#[cfg(test)]
mod house;
#[cfg(test)]
mod passcodes;
#[cfg(test)]
mod told;
#[cfg(test)]
mod world;

use lockport_contract::harness::TtlockHarness;
use lockport_contract::{Plan, Verdict, cases, run};

#[tokio::test]
async fn the_ttlock_driver_passes_every_case() {
    let report = run(&TtlockHarness::default(), &Plan { filter: None, seed: 7 }).await;
    assert!(report.is_green(), "{report}");
    assert!(report.lines.iter().all(|line| line.verdict == Verdict::Passed), "{report}");
    // A phone's key, a passcode and a card.
    assert_eq!(report.lines.len(), 3 * cases::all().count(), "{report}");
}
