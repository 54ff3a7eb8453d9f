//! What is accepted and not done yet.

use lockport::credential::{IssueInput, IssueResult, Progress};

use crate::case::{Case, CaseResult, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[Case {
    id: "PENDING-001",
    requirement: "An issue is pending for as long as its key opens nothing, says when to ask again, and becomes active under the same key, once.",
    spec: "R33, R39, R77",
    needs: &[],
    judge: |trial| Box::pin(told_as_pending(trial)),
}];

/// What the answer says is what the doors do: active and open, or pending and shut.
async fn said_as_it_is(trial: &Trial, input: &IssueInput, answer: &IssueResult) -> CaseResult {
    check!(answer.credential.id == input.resulting_id(), "the answer is about {}", answer.credential.id);
    let keys = Keyring::of(&answer.credential);
    if answer.state == Progress::Active {
        return trial.judge("the guest", &keys, &[(&input.rooms, input.validity)]).await;
    }
    let named = answer.ask_after.is_some_and(|then| then > trial.now());
    check!(named, "a pending answer names no time to ask again: {:?}", answer.ask_after);
    trial.judge("the guest who waits", &keys, &[]).await?;
    trial.vendor_holds_nothing().await
}

async fn told_as_pending(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let input = trial.issue("guest", &rooms, trial.hours(2, 26)?)?;
    for _ in 0..2 {
        // The second is too early, or nobody has come: it changes nothing.
        let answer = trial.unattended().issue_credential(input.clone()).await?;
        said_as_it_is(trial, &input, &answer).await?;
    }
    let done = trial.port().issue_credential(input.clone()).await?;
    check!(done.state == Progress::Active, "asked again as often as it said, the issue is {:?}", done.state);
    said_as_it_is(trial, &input, &done).await?;
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    let (made, expected) = (trial.ever_made().await?, trial.grants_for(&rooms));
    check!(made == expected, "{made} permissions were made for {expected}");
    let again = trial.unattended().issue_credential(input.clone()).await?;
    check!(again.state == Progress::Active, "what was active is {:?}", again.state);
    said_as_it_is(trial, &input, &again).await
}
