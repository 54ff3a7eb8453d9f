//! What is promised of a key while its holder is away with it. A key that is not on a card is as near as ever, and the same is
//! promised of it.

use chrono::TimeDelta;
use lockport::credential::{Progress, Proof};

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "CARD-001",
        requirement: "A narrowing that took effect and got no answer leaves a key that opens nothing beyond what it was narrowed to, though nobody calls again.",
        spec: "R33, R71",
        needs: &[Need::Revoke, Need::Faults],
        judge: |trial| Box::pin(narrowed_and_unanswered(trial)),
    },
    Case {
        id: "CARD-002",
        requirement: "A change whose holder is away is told as done only when the doors keep it; until then they keep what was before.",
        spec: "R33, R71",
        needs: &[Need::Revoke],
        judge: |trial| Box::pin(changed_while_away(trial)),
    },
    Case {
        id: "CARD-003",
        requirement: "A revoke whose holder is away says that only the end of the window stops the key, exactly if it still opens; and takes it away when the holder is seen.",
        spec: "R38, X11",
        needs: &[Need::Revoke],
        judge: |trial| Box::pin(revoked_while_away(trial)),
    },
    Case {
        id: "CARD-004",
        requirement: "A suspension whose holder is away says whether the key still opens; suspended again when the holder is seen it opens nothing, and unsuspended as before.",
        spec: "R38, X9, X11",
        needs: &[Need::Suspend],
        judge: |trial| Box::pin(suspended_while_away(trial)),
    },
    Case {
        id: "CARD-005",
        requirement: "A suspended key comes back to its own holder only, whoever stands at the encoder.",
        spec: "R38, X9",
        needs: &[Need::Suspend],
        judge: |trial| Box::pin(given_back_to_its_holder(trial)),
    },
    Case {
        id: "CARD-010",
        requirement: "A key that is to be beside others of its holder comes on none of their cards, whichever of them is issued first and whatever lies there.",
        spec: "R30",
        needs: &[],
        judge: |trial| Box::pin(beside_another(trial)),
    },
];

async fn narrowed_and_unanswered(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    for (name, (from, until)) in [("later", (10, 26)), ("shorter", (6, 20)), ("both", (10, 20))] {
        let window = trial.hours(6, 26)?;
        let issued = trial.port().issue_credential(trial.issue(name, &[one], window)?).await?;
        let keys = Keyring::of(&issued.credential);
        let narrowed = trial.hours(from, until)?;
        let input = trial.update(issued.credential.id, &format!("narrow-{name}"))?;
        let input = input.with_valid_from(narrowed.from()).with_valid_until(narrowed.until());
        trial.order(Fault::LoseNextReply)?;
        trial.unanswered(trial.port().update_credential(input).await)?;
        trial.outlast_lost_calls()?;
        trial.judge_at_most(&format!("the guest, {name},"), &keys, &[(&[one], narrowed)]).await?;
        let revoke = trial.revoke(issued.credential.id, &format!("revoke-{name}"))?;
        trial.revoke_for_good(revoke).await?;
        trial.vendor_holds_nothing().await?;
    }
    Ok(())
}

async fn changed_while_away(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?;
    let (id, mut keys) = (issued.credential.id, Keyring::of(&issued.credential));
    let (mut rooms, mut held) = (one, window);
    for (name, room, until) in [("shorter", one, 20), ("moved", two, 20), ("longer", two, 30)] {
        let target = trial.hours(2, until)?;
        let input = trial.update(id, name)?.with_rooms(vec![room]).with_valid_until(target.until());
        let away = trial.unattended().update_credential(input.clone()).await?;
        keys.add(&away.credential);
        let is_told = away.state == Progress::Active;
        let (now_rooms, now_held) = if is_told { (room, target) } else { (rooms, held) };
        let whose = format!("the guest, {name} while away,");
        trial.judge(&whose, &keys, &[(&[now_rooms], now_held)]).await?;
        let seen = trial.port().update_credential(input).await?;
        keys.add(&seen.credential);
        check!(seen.state == Progress::Active, "{name}: with the holder there it is {:?}", seen.state);
        trial.judge(&format!("the guest, {name},"), &keys, &[(&[room], target)]).await?;
        (rooms, held) = (room, target);
    }
    trial.vendor_holds(1, &trial.doors_of(&[two])).await
}

async fn revoked_while_away(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let window = trial.hours(0, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    let (id, keys) = (issued.credential.id, Keyring::of(&issued.credential));
    trial.pass(TimeDelta::hours(2));
    let away = trial.revoke_from_afar(trial.revoke(id, "revoke-away")?).await?;
    if away.proof == Proof::ExpiresOnly {
        check!(away.effective_by == window.until(), "it certainly ends at {:?}", window.until());
        check!(!away.warnings.is_empty(), "nobody is warned of a key that still opens");
        trial.judge("the guest, revoked while away,", &keys, &[(&rooms, window)]).await?;
    } else {
        trial.judge("the guest, revoked while away,", &keys, &[]).await?;
    }
    let seen = trial.port().revoke_credential(trial.revoke(id, "revoke-seen")?).await?;
    check!(seen.proof != Proof::ExpiresOnly, "the holder is there, and the proof is {:?}", seen.proof);
    trial.judge("the guest, seen,", &keys, &[]).await?;
    trial.vendor_holds_nothing().await
}

async fn suspended_while_away(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let window = trial.hours(0, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    let (id, keys) = (issued.credential.id, Keyring::of(&issued.credential));
    trial.pass(TimeDelta::hours(2));
    for round in 0..2 {
        let suspend = trial.suspend(id, &format!("suspend-away-{round}"))?;
        let away = trial.suspend_from_afar(suspend).await?;
        if away.proof == Proof::ExpiresOnly {
            trial.judge("the guest, suspended while away,", &keys, &[(&rooms, window)]).await?;
        } else {
            trial.judge("the guest, suspended while away,", &keys, &[]).await?;
        }
        if round == 0 {
            trial.port().suspend_credential(trial.suspend(id, "suspend-seen")?).await?;
            trial.judge("the suspended guest, seen,", &keys, &[]).await?;
        }
        let back = trial.unsuspend(id, &format!("unsuspend-{round}"))?;
        trial.port().unsuspend_credential(back).await?;
        trial.judge("the guest, let back in,", &keys, &[(&rooms, window)]).await?;
        trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    }
    Ok(())
}

async fn given_back_to_its_holder(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?;
    let other = trial.port().issue_credential(trial.issue("other", &[two], window)?).await?;
    let (id, keys) = (issued.credential.id, Keyring::of(&issued.credential));
    let other_keys = Keyring::of(&other.credential);
    trial.port().suspend_credential(trial.suspend(id, "suspend")?).await?;
    trial.judge("the suspended guest", &keys, &[]).await?;
    let back = trial.unsuspend(id, "unsuspend")?;
    trial.come(other.credential.id);
    let _by_the_other = trial.unattended().unsuspend_credential(back.clone()).await?;
    trial.go();
    trial.judge("the other guest", &other_keys, &[(&[two], window)]).await?;
    trial.port().unsuspend_credential(back).await?;
    trial.judge("the guest, let back in,", &keys, &[(&[one], window)]).await?;
    trial.judge("the other guest, still,", &other_keys, &[(&[two], window)]).await?;
    trial.vendor_holds(1, &trial.doors_of(&[one, two])).await
}

async fn beside_another(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    for (name, is_told_first) in [("second", false), ("first", true)] {
        let mut first = trial.issue(&format!("{name}-told-a"), &[one], window)?;
        let mut second = trial.issue(&format!("{name}-told-b"), &[two], window)?;
        if is_told_first {
            first.beside = vec![second.resulting_id()];
        } else {
            second.beside = vec![first.resulting_id()];
        }
        let first = trial.port().issue_credential(first).await?.credential;
        let keys = Keyring::of(&first);
        trial.come(first.id);
        let away = trial.unattended().issue_credential(second.clone()).await;
        trial.go();
        // Where nothing stands on cards it is there by now.
        drop(away);
        trial.judge(&format!("the guest, {name} told,"), &keys, &[(&[one], window)]).await?;
        let second = trial.port().issue_credential(second).await?.credential;
        let other_keys = Keyring::of(&second);
        trial.judge(&format!("the guest, {name} told, still,"), &keys, &[(&[one], window)]).await?;
        trial.judge(&format!("his other key, {name} told,"), &other_keys, &[(&[two], window)]).await?;
        for key in [first.id, second.id] {
            trial.port().revoke_credential(trial.revoke(key, &format!("revoke-{key}"))?).await?;
        }
    }
    Ok(())
}
