//! What a revoke promises.

use chrono::TimeDelta;
use lockport::credential::Proof;
use lockport::id::KeyCredentialId;
use lockport::{ErrorCode, FailureReason};

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "REVOKE-001",
        requirement: "After a revoke the key opens no door, and the vendor holds nothing of it.",
        spec: "R38, R71",
        needs: &[],
        judge: |trial| Box::pin(opens_nothing(trial)),
    },
    Case {
        id: "REVOKE-002",
        requirement: "Revoking what is revoked succeeds with the proof of the first time, and changes nothing.",
        spec: "R38, X11",
        needs: &[Need::Revoke],
        judge: |trial| Box::pin(twice(trial)),
    },
    Case {
        id: "REVOKE-003",
        requirement: "Revoking a credential that nobody knows succeeds, and a later issue of it is refused and opens nothing.",
        spec: "R76",
        needs: &[],
        judge: |trial| Box::pin(before_its_issue(trial)),
    },
    Case {
        id: "REVOKE-004",
        requirement: "When a revoke gets no answer, the outcome is said to be unknown, and a repeat with the same key takes the key away.",
        spec: "R39, R78",
        needs: &[Need::Revoke, Need::Faults],
        judge: |trial| Box::pin(unanswered(trial)),
    },
    Case {
        id: "REVOKE-005",
        requirement: "A revoke of a key whose issue got no answer, called again when its answer says so, holds: also when the issue takes effect after it.",
        spec: "R76, R78",
        needs: &[Need::Revoke, Need::Faults],
        judge: |trial| Box::pin(of_an_unanswered_issue(trial)),
    },
];

async fn opens_nothing(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let window = trial.hours(0, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    let keys = Keyring::of(&issued.credential);
    trial.pass(TimeDelta::hours(3));
    trial.judge("the guest", &keys, &[(&rooms, window)]).await?;
    let outcome = trial.port().revoke_credential(trial.revoke(issued.credential.id, "revoke")?).await?;
    check!(outcome.credential_id == issued.credential.id, "the answer is about {}", outcome.credential_id);
    // Where only the end of the window stops a key, that is what the answer must say, and no more can be judged.
    if outcome.proof == Proof::ExpiresOnly {
        check!(outcome.effective_by == window.until(), "it certainly ends at {:?}", window.until());
        return Ok(());
    }
    trial.judge("the guest without a key", &keys, &[]).await?;
    trial.vendor_holds_nothing().await
}

async fn twice(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?;
    let neighbour = trial.port().issue_credential(trial.issue("neighbour", &[one, two], window)?).await?;
    let id = issued.credential.id;
    let first = trial.port().revoke_credential(trial.revoke(id, "revoke")?).await?;
    trial.pass(TimeDelta::minutes(10));
    for name in ["revoke-again", "revoke", "revoke-once-more"] {
        let again = trial.port().revoke_credential(trial.revoke(id, name)?).await?;
        check!(again.proof == first.proof, "the proof was {:?} and is {:?}", first.proof, again.proof);
    }
    trial.judge("the guest", &Keyring::of(&issued.credential), &[]).await?;
    trial.judge("the neighbour", &Keyring::of(&neighbour.credential), &[(&[one, two], window)]).await
}

async fn before_its_issue(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let id = KeyCredentialId::derived("lockport-contract/credential", &[b"late"]);
    trial.port().revoke_credential(trial.revoke(id, "revoke")?).await?;
    let late = trial.issue("guest", &[one], trial.hours(2, 26)?)?.with_credential_id(id);
    let Err(error) = trial.port().issue_credential(late).await else {
        return Err(Stop::Failed("a credential was issued after its revoke".into()));
    };
    let right = (ErrorCode::StateConflict, FailureReason::Revoked);
    check!((error.code(), error.reason()) == right, "STATE_CONFLICT, revoked is right: {error:?}");
    check!(!error.is_retriable(), "it stays revoked: {error:?}");
    let made = trial.ever_made().await?;
    check!(made == 0, "the vendor made {made} permissions");
    trial.vendor_holds_nothing().await
}

async fn unanswered(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let window = trial.hours(2, 26)?;
    for fault in Fault::UNANSWERED {
        let guest = format!("guest-{fault:?}");
        let issued = trial.port().issue_credential(trial.issue(&guest, &rooms, window)?).await?;
        let keys = Keyring::of(&issued.credential);
        let input = trial.revoke(issued.credential.id, &format!("revoke-{guest}"))?;
        trial.order(fault)?;
        trial.unanswered(trial.port().revoke_credential(input.clone()).await)?;
        trial.outlast_lost_calls()?;
        trial.port().revoke_credential(input).await?;
        trial.judge(&format!("the guest, revoked after {fault:?},"), &keys, &[]).await?;
        trial.vendor_holds_nothing().await?;
    }
    Ok(())
}

async fn of_an_unanswered_issue(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    for fault in Fault::UNANSWERED {
        let guest = format!("guest-{fault:?}");
        let input = trial.issue(&guest, &[one], trial.hours(4, 26)?)?;
        let revoke = trial.revoke(input.resulting_id(), &format!("revoke-{guest}"))?;
        trial.order(fault)?;
        trial.unanswered(trial.port().issue_credential(input.clone()).await)?;
        trial.pass(TimeDelta::seconds(1));
        trial.revoke_for_good(revoke).await?;
        // Nobody knows the artifact, so nothing can be tried at the door: what the vendor holds must say it.
        trial.pass(TimeDelta::hours(1));
        trial.vendor_holds_nothing().await?;
        let again = trial.port().issue_credential(input).await;
        check!(again.is_err(), "after {fault:?} and its revoke the issue was answered with a key");
        trial.vendor_holds_nothing().await?;
    }
    Ok(())
}
