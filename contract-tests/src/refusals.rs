//! What is judged in the place of a case whose need the descriptor denies: that the adapter says so again when it is asked, and that
//! it is true.

use chrono::TimeDelta;
use lockport::credential::{Progress, Proof, WarningCode};
use lockport::scope::GuestScope;
use lockport::{ErrorCode, RetryAdvice};

use crate::bench::{Cut, Fault};
use crate::case::{CaseResult, Stop, check};
use crate::report::Verdict;
use crate::trial::{Keyring, Trial};

/// An adapter that says it cannot suspend must say so again when asked, and leave the key alone.
pub(crate) async fn suspend_is_refused(trial: &Trial) -> CaseResult<Verdict> {
    let rooms = trial.rooms::<1>()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    let calls = trial.calls().await?;
    let Err(error) = trial.port().suspend_credential(trial.suspend(issued.credential.id, "suspend")?).await
    else {
        return Err(Stop::Failed("the descriptor says that it cannot suspend, and it suspended".into()));
    };
    check!(error.code() == ErrorCode::Unsupported, "UNSUPPORTED is right: {error:?}");
    check!(trial.calls().await? == calls, "the vendor saw a call for what cannot be");
    trial.judge("the guest", &Keyring::of(&issued.credential), &[(&rooms, window)]).await?;
    Ok(Verdict::Refused)
}

/// A kind that is written on nothing that its holder brings is given while he is away.
pub(crate) async fn nobody_has_to_come(trial: &Trial) -> CaseResult<Verdict> {
    let rooms = trial.rooms::<1>()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.issue_from_afar(trial.issue("guest", &rooms, window)?).await?;
    check!(issued.state == Progress::Active, "it waits for its holder: {:?}", issued.state);
    trial.judge("the guest, far away,", &Keyring::of(&issued.credential), &[(&rooms, window)]).await?;
    Ok(Verdict::Refused)
}

/// Where an encoder only reads the card, no call has an effect that could be lost, torn or refused: one without an answer is said to
/// have done nothing, and its repeat gives the key.
pub(crate) async fn nothing_can_be_lost(trial: &Trial) -> CaseResult<Verdict> {
    let rooms = trial.rooms::<1>()?;
    let window = trial.hours(2, 26)?;
    for fault in [Fault::NeverSend, Fault::DropNextBeforeEffect, Fault::LoseNextReply] {
        let input = trial.issue(&format!("guest-{fault:?}"), &rooms, window)?;
        trial.order(fault)?;
        let answer = trial.port().issue_credential(input.clone()).await;
        trial.all_struck()?;
        let Err(error) = answer else {
            return Err(Stop::Failed(format!("{fault:?}, and the issue succeeded")));
        };
        check!(error.advice() == RetryAdvice::NotApplied, "{fault:?} left nothing: {error:?}");
        trial.vendor_holds_nothing().await?;
        let issued = trial.port().issue_credential(input).await?.credential;
        trial.judge("the guest, asked again,", &Keyring::of(&issued), &[(&rooms, window)]).await?;
        trial.revoke_for_good(trial.revoke(issued.id, &format!("gone-{fault:?}"))?).await?;
        trial.vendor_holds_nothing().await?;
    }
    trial.order(Fault::CutWrite(0, Cut::Early))?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?.credential;
    check!(!trial.has_struck()?, "the descriptor says that the card is only read, and it was written");
    trial.forget()?;
    trial.judge("the guest", &Keyring::of(&issued), &[(&rooms, window)]).await?;
    Ok(Verdict::Refused)
}

pub(crate) async fn areas_are_refused(trial: &Trial) -> CaseResult<Verdict> {
    let rooms = trial.rooms::<1>()?;
    let areas = trial.site().areas.iter().map(|area| area.name.clone()).collect();
    let scope = GuestScope { areas, ..GuestScope::default() };
    let input = trial.issue("guest", &rooms, trial.hours(2, 26)?)?.with_scope(scope);
    let calls = trial.calls().await?;
    let Err(error) = trial.port().issue_credential(input).await else {
        return Err(Stop::Failed("the descriptor says that it knows no areas, and it issued one".into()));
    };
    check!(error.code() == ErrorCode::Unsupported, "UNSUPPORTED is right: {error:?}");
    check!(trial.calls().await? == calls, "the vendor saw a call for what cannot be");
    Ok(Verdict::Refused)
}

/// A kind of which one key is for one door is refused for two, at an issue and at an update, and the first door keeps its key.
pub(crate) async fn one_door_and_no_more(trial: &Trial) -> CaseResult<Verdict> {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?.credential;
    let calls = trial.calls().await?;
    let both = trial.port().issue_credential(trial.issue("both", &[one, two], window)?).await.err();
    let more = trial.update(issued.id, "more")?.with_rooms(vec![one, two]);
    let more = trial.port().update_credential(more).await.err();
    for error in [both, more] {
        let Some(error) = error else {
            return Err(trial.differs("canUndo", "it says that a key is for one door, and gives one for two"));
        };
        check!(error.code() == ErrorCode::Unsupported, "UNSUPPORTED is right: {error:?}");
    }
    check!(trial.calls().await? == calls, "the vendor saw a call for what cannot be");
    trial.judge("the guest", &Keyring::of(&issued), &[(&[one], window)]).await?;
    Ok(Verdict::Refused)
}

/// A kind that cannot be taken back says so of each revoke, names the end of the window, and opens until then.
pub(crate) async fn open_until_its_end(trial: &Trial) -> CaseResult<Verdict> {
    let rooms = trial.rooms::<1>()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?.credential;
    for name in ["revoke", "revoke-again"] {
        let outcome = trial.port().revoke_credential(trial.revoke(issued.id, name)?).await?;
        if outcome.proof != Proof::ExpiresOnly {
            let how = format!("it says that only the end stops a key, and proves {:?}", outcome.proof);
            return Err(trial.differs("revokeProof", &how));
        }
        check!(outcome.effective_by == window.until(), "it certainly ends at {:?}", window.until());
        let is_warned = outcome.warnings.iter().any(|warning| warning.code == WarningCode::ExpiresOnly);
        check!(is_warned, "nobody is warned of a key that still opens");
        trial.pass(TimeDelta::minutes(10));
    }
    let keys = Keyring::of(&issued);
    if trial.judge("the guest, revoked,", &keys, &[(&rooms, window)]).await.is_err() {
        return Err(trial.differs("revokeProof", "it says that only the end stops a key, and a revoke did"));
    }
    Ok(Verdict::Refused)
}
