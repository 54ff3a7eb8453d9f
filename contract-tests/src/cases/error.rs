//! What becomes of a vendor's own words.

use std::time::Duration;

use chrono::TimeDelta;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ERROR-001",
        requirement: "A vendor's code that no table knows is the operation's own failure, unmapped and not to be repeated, and no door changes.",
        spec: "R37, R74, X8, X12",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(unknown_code(trial)),
    },
    Case {
        id: "ERROR-002",
        requirement: "Every code of the vendor's pages has a meaning: one of the six codes, and an advice that is true: what is to be repeated works then, once, and what is not fails again.",
        spec: "R37, R74, R126, X8, X10",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(documented_codes(trial)),
    },
];

/// What stands for a vendor's answer (X8).
const SIX: [ErrorCode; 6] = [
    ErrorCode::VendorUnreachable,
    ErrorCode::KeyIssueFailed,
    ErrorCode::KeyRevokeFailed,
    ErrorCode::DeviceNotPaired,
    ErrorCode::CredentialExpired,
    ErrorCode::CardEncoderOffline,
];
/// Longer than any pause that is worth waiting for at a desk. A quota that is used up for the month is waited out by nobody here.
const PATIENCE: Duration = Duration::from_secs(3600);

async fn documented_codes(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(6, 26)?;
    let codes = trial.documented_codes()?;
    check!(!codes.is_empty(), "the vendor's pages know no code at all");
    for code in codes {
        let name = format!("code-{code}");
        let input = trial.issue(&name, &[one], window)?;
        let clear = trial.revoke(input.resulting_id(), &format!("clear-{name}"))?;
        trial.order(Fault::RefuseNextWith(code))?;
        let answer = trial.port().issue_credential(input.clone()).await;
        trial.all_struck()?;
        let issued = match answer {
            // The adapter knew how to help itself.
            Ok(issued) => issued.credential,
            Err(error) => {
                check!(
                    error.reason() != FailureReason::UnmappedVendorCode,
                    "code {code} stands in no table: {error:?}"
                );
                check!(SIX.contains(&error.code()), "code {code} is none of the six: {error:?}");
                match error.advice() {
                    RetryAdvice::Never => {
                        let again = trial.port().issue_credential(input).await;
                        check!(again.is_err(), "code {code} is for good, and the repeat succeeded");
                        trial.clear(clear).await?;
                        continue;
                    }
                    RetryAdvice::After(pause) if pause > PATIENCE => {
                        trial.clear(clear).await?;
                        continue;
                    }
                    RetryAdvice::After(pause) => {
                        trial.pass(TimeDelta::from_std(pause).unwrap_or(TimeDelta::zero()));
                    }
                    RetryAdvice::NotApplied => trial.vendor_holds_nothing().await?,
                    RetryAdvice::OutcomeUnknown => trial.outlast_lost_calls()?,
                    other => return Err(Stop::Failed(format!("code {code} has the advice {other:?}"))),
                }
                trial.port().issue_credential(input).await?.credential
            }
        };
        trial
            .judge_edges(&format!("the guest after code {code}"), &Keyring::of(&issued), &[(&[one], window)])
            .await?;
        trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
        trial.clear(clear).await?;
    }
    Ok(())
}

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
    trial.judge_revoked("the guest, revoked,", &keys, &[(&[one], window)]).await
}
