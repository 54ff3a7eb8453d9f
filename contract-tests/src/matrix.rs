//! The matrix of vendors in the project's README, written from the drivers' own descriptors.

use std::fmt::Write as _;

use lockport::credential::{KeyCredentialKind, Proof};
use lockport::driver::{AfterLost, Amend, DriverDescriptor, Kind, LatencyClass, Per, Placement, Suspend};

/// Every driver that this build knows, in the order of the page.
#[must_use]
pub fn descriptors() -> Vec<DriverDescriptor> {
    Vec::<Vec<DriverDescriptor>>::from([
        #[cfg(feature = "ttlock")]
        vec![
            lockport_ttlock::descriptor(
                lockport_ttlock::Passcodes::Custom,
                Some(lockport_ttlock::CardOrder::AsRead),
            ),
            lockport_ttlock::descriptor(lockport_ttlock::Passcodes::Random, None),
        ],
        #[cfg(feature = "wiegand")]
        vec![lockport_wiegand::descriptor(true)],
        #[cfg(feature = "mock")]
        lockport_mock::Personality::ALL.map(lockport_mock::descriptor).to_vec(),
    ])
    .concat()
}

/// The table, in Markdown: a row for each kind of each vendor.
#[must_use]
pub fn page(descriptors: &[DriverDescriptor]) -> String {
    let mut page = String::from(
        "| Vendor | Code | Runs | Kind | One grant for | Suspend | Window moves | Lost grant | Revoke proves | Deadline |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for descriptor in descriptors {
        for kind in KeyCredentialKind::ALL.iter().filter_map(|kind| descriptor.kind(*kind)) {
            // Writing to a String cannot fail.
            let _ = writeln!(page, "{}", row(descriptor, kind));
        }
    }
    page
}

fn row(descriptor: &DriverDescriptor, kind: &Kind) -> String {
    let runs = match descriptor.runs_on {
        Placement::Desk => "at the desk",
        _ => "anywhere",
    };
    let per = match kind.per {
        Per::Door => "a door".to_owned(),
        Per::Stay { max_doors } => format!("a stay, up to {max_doors} doors"),
        _ => "?".to_owned(),
    };
    let suspend = match kind.suspend {
        Suspend::Native => "native",
        Suspend::Emulated => "taken and given again",
        _ => "no",
    };
    let moves = if kind.amend_window == Amend::Native { "in place" } else { "replaced" };
    let lost = match kind.recovery.grant {
        AfterLost::Resend { .. } => "sent again",
        AfterLost::Ask => "looked for",
        _ => "a person decides",
    };
    let proves = match kind.best_proof {
        Proof::AtLock => "at the lock",
        Proof::AtVendor => "at the vendor",
        Proof::ExpiresOnly => "only its end",
    };
    let seconds = |class: LatencyClass| class.deadline().as_secs();
    format!(
        "| {} | `{}` | {runs} | `{}` | {per} | {suspend} | {moves} | {lost} | {proves} | {} s |",
        descriptor.display_name,
        descriptor.vendor,
        kind.kind,
        seconds(descriptor.latency.of_issue(&[kind.kind])),
    )
}
