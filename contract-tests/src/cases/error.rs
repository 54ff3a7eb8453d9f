//! What becomes of a vendor's own words.

use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[Case {
    id: "ERROR-001",
    requirement: "A vendor's code that no table knows is the operation's own failure, unmapped and not to be repeated, and no door changes.",
    spec: "R37, R74, X8, X12",
    needs: &[Need::Faults],
    judge: |trial| Box::pin(unknown_code(trial)),
}];

fn check_unmapped<T>(trial: &Trial, answer: Result<T, LockError>, code: ErrorCode) -> CaseResult {
    trial.all_struck()?;
    let Err(error) = answer else {
        return Err(Stop::Failed("the vendor said no with an unknown code, and the call succeeded".into()));
    };
    let right = (code, FailureReason::UnmappedVendorCode, RetryAdvice::Never);
    let is = (error.code(), error.reason(), error.advice());
    check!(is == right, "{right:?} is right, and the port answered {error:?}");
    Ok(())
}

async fn unknown_code(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    trial.order(Fault::RefuseNextWithUnknownCode)?;
    let refused = trial.port().issue_credential(trial.issue("refused", &[one], window)?).await;
    check_unmapped(trial, refused, ErrorCode::KeyIssueFailed)?;
    trial.vendor_holds_nothing().await?;

    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?;
    let (id, keys) = (issued.credential.id, Keyring::of(&issued.credential));
    trial.order(Fault::RefuseNextWithUnknownCode)?;
    let moved = trial.update(id, "move")?.with_rooms(vec![two]);
    check_unmapped(trial, trial.port().update_credential(moved).await, ErrorCode::KeyIssueFailed)?;
    trial.judge("the guest, not moved,", &keys, &[(&[one], window)]).await?;

    trial.order(Fault::RefuseNextWithUnknownCode)?;
    let revoked = trial.port().revoke_credential(trial.revoke(id, "revoke")?).await;
    check_unmapped(trial, revoked, ErrorCode::KeyRevokeFailed)?;
    trial.judge("the guest, not revoked,", &keys, &[(&[one], window)]).await?;
    // A refused revoke is no revoke: the next one takes the key away.
    trial.port().revoke_credential(trial.revoke(id, "revoke-again")?).await?;
    trial.judge("the guest, revoked,", &keys, &[]).await
}
