//! One effect per intent, whatever is repeated and whatever is lost.

use chrono::TimeDelta;
use lockport::ErrorCode;
use lockport::credential::IssueInput;

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "IDEM-001",
        requirement: "An issue repeated with its key returns the first credential and leaves one permission at each door.",
        spec: "R39, R77",
        needs: &[],
        judge: |trial| Box::pin(repeated(trial)),
    },
    Case {
        id: "IDEM-002",
        requirement: "A key used again with other input is IDEMPOTENCY_CONFLICT and changes nothing at any door.",
        spec: "R39",
        needs: &[],
        judge: |trial| Box::pin(other_input(trial)),
    },
    Case {
        id: "IDEM-003",
        requirement: "When the reply to an issue is lost, the outcome is said to be unknown, and a repeat with the same key finds the one permission there is.",
        spec: "R39, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(lost(trial, Fault::LoseNextReply)),
    },
    Case {
        id: "IDEM-004",
        requirement: "When an issue is lost on its way, the outcome is said to be unknown, and a repeat with the same key gives the key once.",
        spec: "R39, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(lost(trial, Fault::DropNextBeforeEffect)),
    },
    Case {
        id: "IDEM-005",
        requirement: "When an issue takes effect after its caller has given up, repeats before and after that moment leave one permission.",
        spec: "R39, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(late(trial)),
    },
];

async fn repeated(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let window = trial.hours(2, 26)?;
    let input = trial.issue("guest", &rooms, window)?;
    let first = trial.port().issue_credential(input.clone()).await?;
    let made = trial.ever_made().await?;
    for _ in 0..3 {
        let again = trial.port().issue_credential(input.clone()).await?;
        let (id, same) = (again.credential.id, first.credential.id);
        check!(id == same, "the repeat returned {id}, the first call {same}");
        // The repeat's answer alone must do: the first may never have arrived.
        trial.judge("the guest", &Keyring::of(&again.credential), &[(&rooms, window)]).await?;
        trial.pass(TimeDelta::minutes(1));
    }
    let now = trial.ever_made().await?;
    check!(now == made, "the first call made {made} permissions, with its repeats it is {now}");
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await
}

async fn other_input(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let input = trial.issue("guest", &[one], window)?;
    let first = trial.port().issue_credential(input.clone()).await?;
    let mut keys = Keyring::of(&first.credential);
    let mut other_rooms = input.clone();
    other_rooms.rooms = vec![two];
    let mut longer = input.clone();
    longer.validity = trial.hours(2, 30)?;
    let mut stranger = trial.issue("stranger", &[one], window)?;
    stranger.idempotency_key = input.idempotency_key;
    let others = [("other rooms", other_rooms), ("a longer window", longer), ("another guest", stranger)];
    for (what, other) in others {
        match trial.port().issue_credential(other).await {
            Ok(again) => {
                keys.add(&again.credential);
                return Err(Stop::Failed(format!("the key was taken again with {what}")));
            }
            Err(error) => check!(error.code() == ErrorCode::IdempotencyConflict, "with {what}: {error:?}"),
        }
    }
    trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
    trial.judge("the guest", &keys, &[(&[one], window)]).await
}

async fn lost(trial: &Trial, fault: Fault) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let input = trial.issue("guest", &rooms, trial.hours(2, 26)?)?;
    trial.order(fault)?;
    trial.unanswered(trial.port().issue_credential(input.clone()).await)?;
    trial.outlast_lost_calls()?;
    settled(trial, input).await
}

async fn late(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let input = trial.issue("guest", &rooms, trial.hours(2, 26)?)?;
    trial.order(Fault::LateEffect)?;
    trial.unanswered(trial.port().issue_credential(input.clone()).await)?;
    trial.pass(TimeDelta::seconds(1));
    // Too early to tell, unless the vendor honours our key; what it must not do is give the key a second time.
    if let Err(error) = trial.port().issue_credential(input.clone()).await {
        check!(error.is_retriable(), "a repeat before the effect has landed: {error:?}");
    }
    trial.outlast_lost_calls()?;
    // What counts is when the vendor's calls really end, not when the descriptor says so.
    trial.port().issue_credential(input.clone()).await?;
    trial.pass(TimeDelta::hours(1));
    settled(trial, input).await
}

async fn settled(trial: &Trial, input: IssueInput) -> CaseResult {
    let (rooms, window, id) = (input.rooms.clone(), input.validity, input.resulting_id());
    let again = trial.port().issue_credential(input).await?;
    check!(again.credential.id == id, "the repeat returned {}, not {id}", again.credential.id);
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    let (made, expected) = (trial.ever_made().await?, trial.grants_for(&rooms));
    check!(made == expected, "{made} permissions were made for {expected}");
    trial.judge("the guest", &Keyring::of(&again.credential), &[(&rooms, window)]).await
}
