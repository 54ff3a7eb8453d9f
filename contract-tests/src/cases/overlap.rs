//! Guests who share a room.

use chrono::TimeDelta;

use crate::case::{Case, CaseResult};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[Case {
    id: "OVERLAP-001",
    requirement: "Two guests whose stays in a room overlap open each within his own window, and revoking one leaves the other.",
    spec: "R30, R38",
    needs: &[],
    judge: |trial| Box::pin(two_guests(trial)),
}];

async fn two_guests(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let more = trial.rooms_of_a_key()?;
    let (early, late) = (trial.hours(1, 20)?, trial.hours(10, 30)?);
    let first = trial.port().issue_credential(trial.issue("first", &[one], early)?).await?;
    let second = trial.port().issue_credential(trial.issue("second", &more, late)?).await?;
    let (first_keys, second_keys) = (Keyring::of(&first.credential), Keyring::of(&second.credential));
    trial.judge("the first guest", &first_keys, &[(&[one], early)]).await?;
    trial.judge("the second guest", &second_keys, &[(&more, late)]).await?;
    trial.pass(TimeDelta::hours(13));
    trial.port().revoke_credential(trial.revoke(first.credential.id, "revoke-first")?).await?;
    trial.judge_revoked("the first guest, gone,", &first_keys, &[(&[one], early)]).await?;
    trial.judge("the second guest, left alone,", &second_keys, &[(&more, late)]).await?;
    trial.port().revoke_credential(trial.revoke(second.credential.id, "revoke-second")?).await?;
    trial.judge_revoked("the second guest, gone too,", &second_keys, &[(&more, late)]).await?;
    if trial.takes_back() { trial.vendor_holds_nothing().await } else { Ok(()) }
}
