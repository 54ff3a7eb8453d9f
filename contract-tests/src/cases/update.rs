//! What an update promises.

use chrono::TimeDelta;
use lockport::credential::{IssuedCredential, UpdateInput};
use lockport::id::RoomId;
use lockport::{FailureReason, Validity};

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Opens, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "UPDATE-001",
        requirement: "After an update of the window the doors keep the new one, to the second, whichever bound was moved in whichever direction.",
        spec: "R33, R71, X18",
        needs: &[Need::Revoke],
        judge: |trial| Box::pin(window_moved(trial)),
    },
    Case {
        id: "UPDATE-002",
        requirement: "After an update of the rooms the new ones open, those that were left do not, and those that stayed still do.",
        spec: "R33, R71",
        needs: &[Need::Revoke],
        judge: |trial| Box::pin(rooms_changed(trial)),
    },
    Case {
        id: "UPDATE-003",
        requirement: "When an update gets no answer, the outcome is said to be unknown, and a repeat with the same key makes the doors as it asked.",
        spec: "R39, R78",
        needs: &[Need::Revoke, Need::Faults],
        judge: |trial| Box::pin(unanswered(trial)),
    },
    Case {
        id: "UPDATE-004",
        requirement: "A shortening that got no answer and takes effect late never wins over the lengthening after it.",
        spec: "R33, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(late_shortening(trial)),
    },
    Case {
        id: "UPDATE-005",
        requirement: "Whichever call of an update the vendor refuses, the guest has the old key or the new one, or an error says that he has neither; never a wider one, and the next update works.",
        spec: "R33, R71, R74",
        needs: &[Need::Revoke, Need::Faults],
        judge: |trial| Box::pin(each_call_refused(trial)),
    },
    Case {
        id: "UPDATE-006",
        requirement: "When the digits of a PIN are somebody else's at a door that it is moved to, it becomes another at every door; beside a door that stays its holder's the change is refused and nothing is otherwise; what somebody else has stays his.",
        spec: "R71, R122",
        needs: &[Need::Revoke, Need::Locks],
        judge: |trial| Box::pin(taken_at_a_new_door(trial)),
    },
];

/// More calls than any update makes.
const CALLS: u64 = 24;

async fn each_call_refused(trial: &Trial) -> CaseResult {
    let [one, two, three] = trial.rooms()?;
    let (old, new) = (trial.hours(4, 26)?, trial.hours(6, 30)?);
    let (before, after): (Opens<'_>, Opens<'_>) = (&[(&[one, two], old)], &[(&[two, three], new)]);
    for passing in 0..CALLS {
        let name = format!("guest-{passing}");
        let issued = trial.port().issue_credential(trial.issue(&name, &[one, two], old)?).await?.credential;
        let mut keys = Keyring::of(&issued);
        let input = trial.update(issued.id, &format!("update-{passing}"))?.with_rooms(vec![two, three]);
        let input = input.with_valid_from(new.from()).with_valid_until(new.until());
        trial.order(Fault::RefuseAfter(passing))?;
        let answer = trial.port().update_credential(input).await;
        if !trial.has_struck()? {
            // The update has fewer calls than that, and went through; each of them was refused once.
            check!(passing > 0, "an update went by the vendor");
            let updated = answer?.credential;
            keys.add(&updated);
            return trial.judge("the guest, refused nothing,", &keys, after).await;
        }
        let whose = format!("the guest whose call {passing} was refused");
        match answer {
            Ok(updated) => {
                keys.add(&updated.credential);
                trial.judge(&whose, &keys, after).await?;
            }
            Err(error) => {
                check!(!error.to_string().is_empty(), "the error says nothing");
                // He has what he had, or what he was to get; or less, and the error says that it did not go well.
                let is_old = trial.judge(&whose, &keys, before).await.is_ok();
                if !is_old {
                    trial.judge_at_most(&whose, &keys, &[(&[one, two], old), (&[two, three], new)]).await?;
                }
                trial.vendor_holds_at_most(1).await?;
            }
        }
        let mend = trial.update(issued.id, &format!("mend-{passing}"))?.with_rooms(vec![two, three]);
        let mend = mend.with_valid_from(new.from()).with_valid_until(new.until());
        keys.add(&trial.port().update_credential(mend).await?.credential);
        trial.judge(&format!("{whose}, mended,"), &keys, after).await?;
        trial.port().revoke_credential(trial.revoke(issued.id, &format!("revoke-{passing}"))?).await?;
        trial.vendor_holds_nothing().await?;
    }
    Err(Stop::Failed(format!("an update makes more than {CALLS} calls")))
}

/// Everything the guest was ever handed stays on the ring: an old artifact must not open more than the new one.
async fn update(trial: &Trial, keys: &mut Keyring, input: UpdateInput) -> CaseResult {
    let id = input.credential_id;
    let updated = trial.port().update_credential(input).await?;
    keys.add(&updated.credential);
    check!(updated.credential.id == id, "the answer is about {}", updated.credential.id);
    Ok(())
}

async fn window_moved(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<2>()?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, trial.hours(6, 26)?)?).await?;
    let id = issued.credential.id;
    let mut keys = Keyring::of(&issued.credential);
    let moves: [(UpdateInput, Validity); 5] = [
        (trial.update(id, "longer")?.with_valid_until(trial.hour(32)), trial.hours(6, 32)?),
        (trial.update(id, "shorter")?.with_valid_until(trial.hour(20)), trial.hours(6, 20)?),
        (trial.update(id, "earlier")?.with_valid_from(trial.hour(3)), trial.hours(3, 20)?),
        (trial.update(id, "later")?.with_valid_from(trial.hour(8)), trial.hours(8, 20)?),
        (
            trial.update(id, "both")?.with_valid_from(trial.hour(30)).with_valid_until(trial.hour(40)),
            trial.hours(30, 40)?,
        ),
    ];
    for (input, window) in moves {
        let name = input.idempotency_key.to_string();
        update(trial, &mut keys, input).await?;
        trial.judge(&format!("the guest, moved: {name},"), &keys, &[(&rooms, window)]).await?;
    }
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await
}

async fn rooms_changed(trial: &Trial) -> CaseResult {
    let [one, two, three, suite] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one, two], window)?).await?;
    let id = issued.credential.id;
    let mut keys = Keyring::of(&issued.credential);
    let moves: [(&str, &[_]); 4] = [
        ("swap", &[two, three]),
        ("more", &[two, three, suite]),
        ("fewer", &[three]),
        ("all-new", &[one, suite]),
    ];
    for (name, rooms) in moves {
        update(trial, &mut keys, trial.update(id, name)?.with_rooms(rooms.to_vec())).await?;
        trial.judge(&format!("the guest, moved: {name},"), &keys, &[(rooms, window)]).await?;
        trial.vendor_holds(1, &trial.doors_of(rooms)).await?;
    }
    let combined = trial.update(id, "combined")?.with_rooms(vec![two]).with_valid_until(trial.hour(30));
    update(trial, &mut keys, combined).await?;
    trial.judge("the guest, moved and prolonged,", &keys, &[(&[two], trial.hours(2, 30)?)]).await
}

async fn taken_at_a_new_door(trial: &Trial) -> CaseResult {
    let [one, two, three, suite] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?.credential;
    let (id, mut keys) = (issued.id, Keyring::of(&issued));
    let moved = trial.update(id, "moved")?.with_rooms(vec![two, three]);
    if super::pin_of_ours(trial, &issued).is_none() {
        // Nobody else can have come by what this kind opens with.
        keys.add(&trial.port().update_credential(moved).await?.credential);
        return trial.judge("the guest, moved,", &keys, &[(&[two, three], window)]).await;
    }
    set_at(trial, three, &issued)?;
    let updated = trial.port().update_credential(moved.clone()).await?.credential;
    let others = Keyring::of(&updated);
    trial.judge("the guest, moved,", &others, &[(&[two, three], window)]).await?;
    trial.judge("somebody else", &keys, &[(&[three], window)]).await?;
    let again = trial.port().update_credential(moved).await?.credential;
    trial.judge("the guest, told once more,", &Keyring::of(&again), &[(&[two, three], window)]).await?;

    // Beside a room that stays his, the digits that he knows are worth more than the change.
    set_at(trial, suite, &updated)?;
    let beside = trial.update(id, "beside")?.with_rooms(vec![three, suite]);
    let refused = trial.port().update_credential(beside).await;
    let is_refused = refused.as_ref().is_err_and(|error| error.reason() == FailureReason::PinCollision);
    check!(is_refused, "pin_collision is right: {refused:?}");
    trial.judge("the guest, refused,", &others, &[(&[two, three, suite], window)]).await?;
    trial.port().revoke_credential(trial.revoke(id, "revoke")?).await?;
    trial.judge("who has the guest's digits", &others, &[(&[suite], window)]).await?;
    trial.judge("somebody else", &keys, &[(&[three], window)]).await
}

/// Somebody else comes by the digits of a PIN and sets them at the locks of a room.
fn set_at(trial: &Trial, room: RoomId, issued: &IssuedCredential) -> CaseResult {
    for door in trial.doors_of(&[room]) {
        let text = super::pin_of_ours(trial, issued);
        let set = trial.locks()?.set_by_hand(door, trial.kind().kind, trial.hours(2, 26)?, text)?;
        check!(set.is_some(), "nobody can set a {} at a lock here", trial.kind().kind);
    }
    Ok(())
}

async fn unanswered(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    for fault in Fault::UNANSWERED {
        for (what, rooms, until) in [("longer", one, 30), ("shorter", one, 20), ("moved", two, 26)] {
            let guest = format!("{what}-{fault:?}");
            let issued =
                trial.port().issue_credential(trial.issue(&guest, &[one], trial.hours(6, 26)?)?).await?;
            let mut keys = Keyring::of(&issued.credential);
            let input = trial
                .update(issued.credential.id, &guest)?
                .with_rooms(vec![rooms])
                .with_valid_until(trial.hour(until));
            trial.order(fault)?;
            trial.unanswered(trial.port().update_credential(input.clone()).await)?;
            trial.outlast_lost_calls()?;
            update(trial, &mut keys, input).await?;
            let opens: Opens<'_> = &[(&[rooms], trial.hours(6, until)?)];
            trial.judge(&format!("the guest, {what} after {fault:?},"), &keys, opens).await?;
            // The next guest's room is free of this one's.
            trial
                .port()
                .revoke_credential(trial.revoke(issued.credential.id, &format!("revoke-{guest}"))?)
                .await?;
            trial.vendor_holds_nothing().await?;
        }
    }
    Ok(())
}

async fn late_shortening(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], trial.hours(6, 26)?)?).await?;
    let mut keys = Keyring::of(&issued.credential);
    let shorter = trial.update(issued.credential.id, "shorter")?.with_valid_until(trial.hour(20));
    let longer = trial.update(issued.credential.id, "longer")?.with_valid_until(trial.hour(30));
    trial.order(Fault::LateEffect)?;
    trial.unanswered(trial.port().update_credential(shorter).await)?;
    trial.pass(TimeDelta::seconds(1));
    // It may have to wait until the shortening can no longer land; then it must come back.
    if let Err(error) = trial.port().update_credential(longer.clone()).await {
        check!(error.is_retriable(), "a lengthening before a shortening has landed: {error:?}");
    }
    trial.outlast_lost_calls()?;
    update(trial, &mut keys, longer).await?;
    trial.pass(TimeDelta::hours(1));
    trial.judge("the guest", &keys, &[(&[one], trial.hours(6, 30)?)]).await
}
