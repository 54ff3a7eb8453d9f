//! Guests who share a door, at vendors that keep a door's keys together.

use chrono::TimeDelta;
use lockport::credential::{Holder, Staff};
use lockport::id::UserId;

use crate::case::{Case, CaseResult, Need};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[Case {
    id: "SHARED-001",
    requirement: "Whoever leaves a shared room, for good or for another room, opens it no more and takes nobody else's key along.",
    spec: "R30, R38, R71",
    needs: &[Need::Revoke, Need::Doors],
    judge: |trial| Box::pin(leaving_a_shared_room(trial)),
}];

async fn leaving_a_shared_room(trial: &Trial) -> CaseResult {
    let [one, two, three] = trial.rooms()?;
    let window = trial.hours(0, 30)?;
    // Whoever works there was there before them all, and is nobody's companion.
    let mut cleaner = trial.issue("cleaner", &[one], window)?;
    cleaner.holder = Holder::Staff(Staff { user_id: UserId::derived("shared", &[b"cleaner"]) });
    let cleaner = trial.port().issue_credential(cleaner).await?.credential;
    let cleaners = Keyring::of(&cleaner);
    let first = trial.port().issue_credential(trial.issue("first", &[one, two], window)?).await?.credential;
    let joiner = trial.port().issue_credential(trial.issue("joiner", &[one], window)?).await?.credential;
    let mover = trial.port().issue_credential(trial.issue("mover", &[two], window)?).await?.credential;
    let keys = (Keyring::of(&first), Keyring::of(&joiner), Keyring::of(&mover));
    trial.pass(TimeDelta::hours(2));
    trial.judge("the joiner", &keys.1, &[(&[one], window)]).await?;
    trial.judge("the first guest, joined by another,", &keys.0, &[(&[one, two], window)]).await?;

    // One moves out of a shared room.
    let moved = trial.update(mover.id, "move")?.with_rooms(vec![three]);
    let mut mover_keys = keys.2;
    mover_keys.add(&trial.port().update_credential(moved).await?.credential);
    trial.judge("the mover", &mover_keys, &[(&[three], window)]).await?;
    trial.judge("the first guest, others having moved,", &keys.0, &[(&[one, two], window)]).await?;

    // The first leaves, the joiner stays.
    trial.port().revoke_credential(trial.revoke(first.id, "revoke-first")?).await?;
    trial.judge("the first guest, gone,", &keys.0, &[]).await?;
    trial.judge("the joiner, left alone,", &keys.1, &[(&[one], window)]).await?;

    // A new guest joins the joiner, who then leaves in turn.
    let next = trial.port().issue_credential(trial.issue("next", &[one, two], window)?).await?.credential;
    trial.port().revoke_credential(trial.revoke(joiner.id, "revoke-joiner")?).await?;
    trial.judge("the joiner, gone too,", &keys.1, &[]).await?;
    trial.judge("the next guest", &Keyring::of(&next), &[(&[one, two], window)]).await?;
    trial.judge("the mover, far away,", &mover_keys, &[(&[three], window)]).await?;

    trial.judge("the cleaner, all the while,", &cleaners, &[(&[one], window)]).await?;
    for (id, name) in [(next.id, "revoke-next"), (mover.id, "revoke-mover"), (cleaner.id, "revoke-cleaner")] {
        trial.port().revoke_credential(trial.revoke(id, name)?).await?;
    }
    trial.vendor_holds_nothing().await
}
