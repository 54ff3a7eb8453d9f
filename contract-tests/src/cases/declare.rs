//! What nobody can find out.

use chrono::TimeDelta;
use lockport::credential::IssueInput;

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[Case {
    id: "DECLARE-001",
    requirement: "An issue without an answer ends as one key or, where the vendor cannot tell, as declared unknown, and stays that; never as two; and a revoke clears it up.",
    spec: "R39, R78",
    needs: &[Need::Faults],
    judge: |trial| Box::pin(one_or_unknown(trial)),
}];

async fn one_or_unknown(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    for fault in Fault::UNANSWERED {
        let guest = format!("guest-{fault:?}");
        let input = trial.issue(&guest, &rooms, trial.hours(6, 26)?)?;
        let before = trial.ever_made().await?;
        trial.order(fault)?;
        trial.unanswered(trial.port().issue_credential(input.clone()).await)?;
        trial.outlast_lost_calls()?;
        insist(trial, &input).await?;
        let made = trial.ever_made().await?.saturating_sub(before);
        let most = trial.grants_for(&rooms);
        check!(made <= most, "after {fault:?} and repeats {made} permissions were made, {most} at most");
        trial.vendor_holds_at_most(1).await?;
        let revoke = trial.revoke(input.resulting_id(), &format!("revoke-{guest}"))?;
        trial.clear(revoke).await?;
    }
    Ok(())
}

/// Repeats, now and later: every time the same end, and what it says.
async fn insist(trial: &Trial, input: &IssueInput) -> CaseResult {
    let mut is_declared = None;
    for _ in 0..3 {
        let declared = match trial.port().issue_credential(input.clone()).await {
            Ok(issued) => {
                let keys = Keyring::of(&issued.credential);
                trial.judge("the guest", &keys, &[(&input.rooms, input.validity)]).await?;
                trial.vendor_holds(1, &trial.doors_of(&input.rooms)).await?;
                false
            }
            Err(error) => {
                check!(trial.is_declared(&error), "after a lost call the end is: {error:?}");
                true
            }
        };
        let first = *is_declared.get_or_insert(declared);
        check!(first == declared, "what was declared unknown is known, or the other way round");
        trial.pass(TimeDelta::minutes(20));
    }
    Ok(())
}
