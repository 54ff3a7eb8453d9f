//! What a suspension promises.

use chrono::TimeDelta;
use lockport::credential::SuspendMethod;
use lockport::driver::Suspend;

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
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
    Case {
        id: "SUSPEND-004",
        requirement: "When its digits have become somebody else's at one of the doors, a PIN comes back as another, at every door that it is for; what somebody else has stays his.",
        spec: "R122, X9",
        needs: &[Need::Suspend, Need::Locks],
        judge: |trial| Box::pin(taken_meanwhile(trial)),
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
    let is_frozen = trial.kind().suspend == Suspend::Native;
    check!((outcome.how == SuspendMethod::Native) == is_frozen, "it was done another way: {:?}", outcome.how);
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

async fn taken_meanwhile(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one, two], window)?).await?.credential;
    let (id, keys) = (issued.id, Keyring::of(&issued));
    trial.port().suspend_credential(trial.suspend(id, "suspend")?).await?;
    let is_gone = trial.kind().suspend == Suspend::Emulated;
    let Some(text) = super::pin_of_ours(trial, &issued).filter(|_| is_gone) else {
        // Nobody else can have come by what this kind opens with.
        trial.port().unsuspend_credential(trial.unsuspend(id, "unsuspend")?).await?;
        return trial.judge("the guest, let back in,", &keys, &[(&[one, two], window)]).await;
    };
    let door = trial.doors_of(&[two]).into_iter().next();
    let door = door.ok_or_else(|| Stop::NotRun("a room has no door".into()))?;
    let set = trial.locks()?.set_by_hand(door, trial.kind().kind, window, Some(text))?;
    check!(set.is_some(), "nobody can set a {} at a lock here", trial.kind().kind);
    trial.judge("somebody else", &keys, &[(&[two], window)]).await?;

    let unsuspend = trial.unsuspend(id, "unsuspend")?;
    let back = trial.port().unsuspend_credential(unsuspend.clone()).await?.credential;
    let others = Keyring::of(&back);
    trial.judge("the guest, let back in,", &others, &[(&[one, two], window)]).await?;
    trial.judge("somebody else", &keys, &[(&[two], window)]).await?;
    let again = trial.port().unsuspend_credential(unsuspend).await?.credential;
    trial.judge("the guest, told once more,", &Keyring::of(&again), &[(&[one, two], window)]).await?;
    trial.port().revoke_credential(trial.revoke(id, "revoke")?).await?;
    trial.judge("the guest, when it is revoked,", &others, &[]).await?;
    trial.judge("somebody else", &keys, &[(&[two], window)]).await
}
