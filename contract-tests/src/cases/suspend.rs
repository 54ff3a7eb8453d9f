//! What a suspension promises.

use chrono::TimeDelta;

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "SUSPEND-001",
        requirement: "A suspended key opens no door, and nobody else notices.",
        spec: "R38, R71, X9",
        needs: &[Need::Suspend],
        judge: |trial| Box::pin(shut(trial)),
    },
    Case {
        id: "SUSPEND-002",
        requirement: "After the suspension what the guest already holds opens as it did before.",
        spec: "R38, X9",
        needs: &[Need::Suspend],
        judge: |trial| Box::pin(back(trial)),
    },
    Case {
        id: "SUSPEND-003",
        requirement: "When a suspend or an unsuspend gets no answer, the outcome is said to be unknown, and a repeat with the same key makes it so.",
        spec: "R39, R78, X9",
        needs: &[Need::Suspend, Need::Faults],
        judge: |trial| Box::pin(unanswered(trial)),
    },
];

async fn shut(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(0, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one, two], window)?).await?;
    let neighbour = trial.port().issue_credential(trial.issue("neighbour", &[one], window)?).await?;
    let keys = Keyring::of(&issued.credential);
    trial.pass(TimeDelta::hours(2));
    trial.judge("the guest", &keys, &[(&[one, two], window)]).await?;
    let outcome = trial.port().suspend_credential(trial.suspend(issued.credential.id, "suspend")?).await?;
    check!(outcome.credential_id == issued.credential.id, "the answer is about {}", outcome.credential_id);
    trial.judge("the suspended guest", &keys, &[]).await?;
    trial.judge("the neighbour", &Keyring::of(&neighbour.credential), &[(&[one], window)]).await
}

async fn back(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    let (id, keys) = (issued.credential.id, Keyring::of(&issued.credential));
    for round in 0..2 {
        trial.port().suspend_credential(trial.suspend(id, &format!("suspend-{round}"))?).await?;
        trial.judge("the suspended guest", &keys, &[]).await?;
        trial.pass(TimeDelta::minutes(10));
        trial.port().unsuspend_credential(trial.unsuspend(id, &format!("unsuspend-{round}"))?).await?;
        // Only with what was handed over at the issue: nobody sends the guest a second PIN.
        trial.judge("the guest, let back in,", &keys, &[(&rooms, window)]).await?;
        trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    }
    Ok(())
}

async fn unanswered(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    let (id, keys) = (issued.credential.id, Keyring::of(&issued.credential));
    for fault in Fault::UNANSWERED {
        let suspend = trial.suspend(id, &format!("suspend-{fault:?}"))?;
        trial.order(fault)?;
        trial.unanswered(trial.port().suspend_credential(suspend.clone()).await)?;
        trial.outlast_lost_calls()?;
        trial.port().suspend_credential(suspend).await?;
        trial.judge(&format!("the guest, suspended after {fault:?},"), &keys, &[]).await?;

        let unsuspend = trial.unsuspend(id, &format!("unsuspend-{fault:?}"))?;
        trial.order(fault)?;
        trial.unanswered(trial.port().unsuspend_credential(unsuspend.clone()).await)?;
        trial.outlast_lost_calls()?;
        trial.port().unsuspend_credential(unsuspend).await?;
        trial.judge(&format!("the guest, let back in after {fault:?},"), &keys, &[(&rooms, window)]).await?;
        trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    }
    Ok(())
}
