//! The cases, one file an operation.

mod capability;
mod card;
mod declare;
mod device;
mod error;
mod guard;
mod idempotency;
mod interrupted;
mod issue;
mod leak;
mod overlap;
mod pending;
mod planning;
mod registered;
mod revoke;
mod shared;
mod suspend;
mod time;
mod update;
mod written;

use std::fmt::Write as _;

use lockport::Secret;
use lockport::credential::{Artifact, IssuedCredential};
use lockport::driver::ArtifactSource;

use crate::case::Case;
use crate::trial::Trial;

/// Every case, in the order of the files.
pub fn all() -> impl Iterator<Item = &'static Case> {
    let files = [
        issue::CASES,
        idempotency::CASES,
        guard::CASES,
        revoke::CASES,
        update::CASES,
        suspend::CASES,
        error::CASES,
        overlap::CASES,
        shared::CASES,
        pending::CASES,
        declare::CASES,
        card::CASES,
        written::CASES,
        capability::CASES,
        device::CASES,
        planning::CASES,
        registered::CASES,
        time::CASES,
        interrupted::CASES,
        leak::CASES,
    ];
    files.into_iter().flatten()
}

/// The list of cases as a page: the text of `CASES.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# The cases\n\n\
         Written by `lockport-contract cases`; a test fails when this page is stale. The door is the judge in every case: a\n\
         port's own answer is never proof.\n\n\
         | Case | What every adapter keeps | From | Needs |\n| --- | --- | --- | --- |\n",
    );
    for Case { id, requirement, spec, needs, .. } in all() {
        let needs: Vec<&str> = needs.iter().map(|need| need.as_str()).collect();
        // Writing to a string cannot fail.
        let _written = writeln!(page, "| {id} | {requirement} | {spec} | {} |", needs.join(", "));
    }
    page
}

/// The digits of a credential, where they are not the vendor's choice.
fn pin_of_ours<'a>(trial: &Trial, issued: &'a IssuedCredential) -> Option<&'a Secret> {
    if !matches!(trial.kind().artifact, ArtifactSource::HostPin { .. }) {
        return None;
    }
    issued.delivery.iter().find_map(|own| match &own.artifact {
        Artifact::Pin(text) => Some(text),
        _ => None,
    })
}
