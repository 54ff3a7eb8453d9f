//! What is promised of a key while it is being written on its holder's card: the card may be pulled away in the middle of every
//! write, and may not keep what it was given.

use lockport::credential::IssuedCredential;
use lockport::driver::Suspend;
use lockport::id::RoomId;
use lockport::{LockError, Validity};

use crate::bench::{Cut, Fault};
use crate::case::{Case, CaseResult, Need, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "CARD-006",
        requirement: "A card that is pulled away at any write of an issue opens nothing beyond what was asked for, and the repeat with the same key writes the one key.",
        spec: "R62, R78",
        needs: &[Need::Faults, Need::Card],
        judge: |trial| Box::pin(cut_while_given(trial)),
    },
    Case {
        id: "CARD-007",
        requirement: "A card that is pulled away at any write of a narrowing opens nothing beyond the old key, and from the first write on nothing beyond the new one; the repeat makes it so.",
        spec: "R33, R62, R78",
        needs: &[Need::Faults, Need::Card],
        judge: |trial| Box::pin(cut_while_narrowed(trial)),
    },
    Case {
        id: "CARD-008",
        requirement: "A card that is pulled away at any write of a suspension or a revoke opens no more than before, is never told as done while it opens, and the repeat takes the key away.",
        spec: "R38, R62, R78, X9",
        needs: &[Need::Faults, Need::Card],
        judge: |trial| Box::pin(cut_while_taken(trial)),
    },
    Case {
        id: "CARD-009",
        requirement: "A write that a card acknowledges and does not keep is never told as done: what is written is read back.",
        spec: "R62, R65",
        needs: &[Need::Faults, Need::Card],
        judge: |trial| Box::pin(not_kept(trial)),
    },
];

/// After how many writes the next one fails: every place in the short order of a card, some in the long one of a tag.
const PLACES: [u64; 7] = [0, 1, 2, 3, 4, 9, 17];

/// Each place, cut in every way.
fn cuts() -> impl Iterator<Item = (u64, Cut)> {
    PLACES.into_iter().flat_map(|writes| Cut::ALL.map(|cut| (writes, cut)))
}

/// Each place, cut in one way, in turn from this one on.
fn cuts_from(first: usize) -> impl Iterator<Item = (u64, Cut)> {
    PLACES.into_iter().zip(Cut::ALL.into_iter().cycle().skip(first))
}

/// Whether the fault struck; one that never did ends a row of places.
fn struck(trial: &Trial) -> CaseResult<bool> {
    let has_struck = trial.has_struck()?;
    trial.forget()?;
    Ok(has_struck)
}

/// The answer to a call that was cut, and the time after which nothing of it can come any more.
fn cut_short<T>(trial: &Trial, answer: Result<T, LockError>) -> CaseResult {
    trial.unanswered(answer)?;
    trial.outlast_lost_calls()
}

/// A key that is there without any trouble.
async fn given(trial: &Trial, name: &str, room: RoomId, window: Validity) -> CaseResult<IssuedCredential> {
    Ok(trial.port().issue_credential(trial.issue(name, &[room], window)?).await?.credential)
}

async fn gone(trial: &Trial, key: &IssuedCredential, name: &str) -> CaseResult {
    trial.revoke_for_good(trial.revoke(key.id, &format!("{name}-gone"))?).await?;
    trial.judge(&format!("the guest, {name}, gone,"), &Keyring::of(key), &[]).await?;
    trial.vendor_holds_nothing().await
}

async fn cut_while_given(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let mut cut_at = 0;
    for (writes, cut) in cuts() {
        let name = format!("{cut:?}-{writes}");
        let input = trial.issue(&name, &[one], window)?;
        trial.order(Fault::CutWrite(writes, cut))?;
        let answer = trial.port().issue_credential(input.clone()).await;
        let is_cut = struck(trial)?;
        if is_cut {
            cut_at += 1;
            cut_short(trial, answer)?;
            let card = Keyring::of_card(input.resulting_id());
            trial.judge_at_most(&format!("the guest, {name},"), &card, &[(&[one], window)]).await?;
        }
        let made = trial.port().issue_credential(input).await?.credential;
        trial.judge(&format!("the guest, {name}, again,"), &Keyring::of(&made), &[(&[one], window)]).await?;
        trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
        gone(trial, &made, &name).await?;
        if !is_cut {
            break;
        }
    }
    check!(cut_at > 0, "nothing was written");
    Ok(())
}

async fn cut_while_narrowed(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(6, 26)?;
    let verbs = [("later", one, (10, 26)), ("shorter", one, (6, 20)), ("elsewhere", two, (6, 26))];
    for (first, (word, room, (from, until))) in verbs.into_iter().enumerate() {
        let target = trial.hours(from, until)?;
        let mut cut_at = 0;
        for (writes, cut) in cuts_from(first) {
            let name = format!("{word}-{cut:?}-{writes}");
            let key = given(trial, &name, one, window).await?;
            let mut keys = Keyring::of(&key);
            let input = trial.update(key.id, &name)?.with_rooms(vec![room]);
            let input = input.with_valid_from(target.from()).with_valid_until(target.until());
            trial.order(Fault::CutWrite(writes, cut))?;
            let answer = trial.port().update_credential(input.clone()).await;
            let is_cut = struck(trial)?;
            if is_cut {
                cut_at += 1;
                cut_short(trial, answer)?;
                let (old, new): ((&[RoomId], _), (&[RoomId], _)) = ((&[one], window), (&[room], target));
                let is_begun = writes > 0 || cut == Cut::Late;
                let most = if is_begun { vec![new] } else { vec![old, new] };
                trial.judge_at_most(&format!("the guest, {name},"), &keys, &most).await?;
            }
            keys.add(&trial.port().update_credential(input).await?.credential);
            trial.judge(&format!("the guest, {name}, again,"), &keys, &[(&[room], target)]).await?;
            trial.vendor_holds(1, &trial.doors_of(&[room])).await?;
            gone(trial, &key, &name).await?;
            if !is_cut {
                break;
            }
        }
        check!(cut_at > 0, "{word}: nothing was written");
    }
    Ok(())
}

async fn cut_while_taken(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    for suspends in [true, false] {
        if suspends && trial.kind().suspend == Suspend::No {
            continue;
        }
        let mut cut_at = 0;
        for (writes, cut) in cuts() {
            let name = format!("{}-{cut:?}-{writes}", if suspends { "suspended" } else { "revoked" });
            let key = given(trial, &name, one, window).await?;
            let keys = Keyring::of(&key);
            trial.order(Fault::CutWrite(writes, cut))?;
            let answer = take(trial, &key, &name, suspends).await;
            let is_cut = struck(trial)?;
            cut_at += u32::from(is_cut);
            let is_told = answer.is_ok();
            if is_cut {
                cut_short(trial, answer)?;
            }
            let is_begun = is_told || writes > 0 || cut == Cut::Late;
            let most: &[(&[RoomId], Validity)] = if is_begun { &[] } else { &[(&[one], window)] };
            trial.judge_at_most(&format!("the guest, {name},"), &keys, most).await?;
            take(trial, &key, &name, suspends).await?;
            trial.judge(&format!("the guest, {name}, again,"), &keys, &[]).await?;
            gone(trial, &key, &name).await?;
            if !is_cut {
                break;
            }
        }
        check!(cut_at > 0, "nothing was written");
    }
    Ok(())
}

async fn take(trial: &Trial, key: &IssuedCredential, name: &str, suspends: bool) -> Result<(), LockError> {
    let no_input = |_| LockError::invalid_input("no input");
    if suspends {
        let input = trial.suspend(key.id, name).map_err(no_input)?;
        return trial.port().suspend_credential(input).await.map(drop);
    }
    let input = trial.revoke(key.id, name).map_err(no_input)?;
    trial.port().revoke_credential(input).await.map(drop)
}

async fn not_kept(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let shorter = trial.hours(2, 20)?;
    for writes in PLACES {
        let name = format!("not-kept-{writes}");
        let input = trial.issue(&name, &[one], window)?;
        trial.order(Fault::LoseWritten(writes))?;
        let answer = trial.port().issue_credential(input.clone()).await;
        let is_lost = struck(trial)?;
        judge_told(trial, &name, &answer.map(|made| made.credential), (one, window)).await?;
        let key = trial.port().issue_credential(input).await?.credential;
        trial.judge(&format!("the guest, {name}, again,"), &Keyring::of(&key), &[(&[one], window)]).await?;

        let input = trial.update(key.id, &name)?.with_valid_until(shorter.until());
        trial.order(Fault::LoseWritten(writes))?;
        let answer = trial.port().update_credential(input.clone()).await;
        let is_lost = struck(trial)? || is_lost;
        judge_told(trial, &name, &answer.map(|made| made.credential), (one, shorter)).await?;
        trial.port().update_credential(input).await?;
        trial
            .judge(&format!("the guest, {name}, shorter,"), &Keyring::of(&key), &[(&[one], shorter)])
            .await?;
        gone(trial, &key, &name).await?;
        if !is_lost {
            check!(writes > 0, "nothing was written");
            break;
        }
    }
    Ok(())
}

/// What is told as done is so, at every door.
async fn judge_told(
    trial: &Trial,
    name: &str,
    answer: &Result<IssuedCredential, LockError>,
    (room, window): (RoomId, Validity),
) -> CaseResult {
    match answer {
        Ok(key) => trial.judge(&format!("the guest, {name},"), &Keyring::of(key), &[(&[room], window)]).await,
        Err(_) => trial.outlast_lost_calls(),
    }
}
