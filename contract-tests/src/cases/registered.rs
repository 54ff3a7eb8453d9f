//! What stands at a lock already, and is only to be registered.

use lockport::ErrorCode;
use lockport::credential::{Artifact, IssueInput, KeyCredentialKind, Place};
use lockport::id::{LockDeviceId, RoomId};

use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[Case {
    id: "ALREADY-001",
    requirement: "What opens a door already is registered without a second effect, opens as before, and is revoked like any other; what does not stand there is refused, and so is everything where the vendor cannot be told.",
    spec: "R104, R162",
    needs: &[Need::Locks],
    judge: |trial| Box::pin(what_stands_already(trial)),
}];

fn registering(trial: &Trial, guest: &str, room: RoomId, text: &str) -> CaseResult<IssueInput> {
    let input = trial.issue(guest, &[room], trial.hours(2, 26)?)?;
    let place = Place { holder_device: Some(text.to_owned()), ..input.place.clone() };
    Ok(input.with_place(place).with_already(true))
}

fn only_door(trial: &Trial, room: RoomId) -> CaseResult<LockDeviceId> {
    let door = trial.doors_of(&[room]).into_iter().next();
    door.ok_or_else(|| Stop::NotRun("a room has no door".into()))
}

async fn what_stands_already(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let (kind, made) = (trial.kind().kind, trial.ever_made().await?);
    let set = trial.locks()?.set_by_hand(only_door(trial, one)?, kind, window, None)?;
    if !trial.kind().registers {
        let calls = trial.calls().await?;
        let answer = trial.port().issue_credential(registering(trial, "guest", one, "271828")?).await;
        let is_refused = answer.as_ref().is_err_and(|error| error.code() == ErrorCode::Unsupported);
        check!(is_refused, "UNSUPPORTED is right: {answer:?}");
        check!(trial.calls().await? == calls, "the vendor saw a call for what it cannot be told");
        return Ok(());
    }
    let text = set.ok_or_else(|| Stop::NotRun(format!("nobody can set a {kind} at a lock here")))?;
    // EXPOSE: what somebody set at the lock, for the key of who did.
    let (text, artifact) = (text.expose().clone(), as_artifact(kind, text.clone())?);
    let by_hand = Keyring::of_artifact(artifact);
    trial.judge_edges("who set it", &by_hand, &[(&[one], window)]).await?;

    let registered =
        trial.port().issue_credential(registering(trial, "guest", one, &text)?).await?.credential;
    trial.judge_edges("the guest", &Keyring::of(&registered), &[(&[one], window)]).await?;
    trial.judge_edges("who set it", &by_hand, &[(&[one], window)]).await?;
    check!(trial.ever_made().await? == made, "what was to be registered was made");
    let again = trial.port().issue_credential(registering(trial, "guest", one, &text)?).await?.credential;
    check!(again.id == registered.id, "the repeat returned {}", again.id);

    let nothing = trial.port().issue_credential(registering(trial, "nothing", two, "314159")?).await;
    check!(nothing.is_err(), "what does not stand at the lock was registered: {nothing:?}");
    trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
    trial.port().revoke_credential(trial.revoke(registered.id, "revoke")?).await?;
    trial.judge_edges("who set it, when it is revoked,", &by_hand, &[]).await?;
    trial.vendor_holds_nothing().await
}

fn as_artifact(kind: KeyCredentialKind, text: lockport::Secret) -> CaseResult<Artifact> {
    match kind {
        KeyCredentialKind::PinCode => Ok(Artifact::Pin(text)),
        KeyCredentialKind::MobileApp => Ok(Artifact::MobileToken(text)),
        other => Err(Stop::NotRun(format!("nobody holds a {other} against a door here"))),
    }
}
