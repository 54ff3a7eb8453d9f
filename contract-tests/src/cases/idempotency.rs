//! One effect per intent, whatever is repeated and whatever is lost.

use chrono::TimeDelta;
use futures_util::future::join;
use lockport::credential::IssueInput;
use lockport::id::RoomId;
use lockport::{ErrorCode, RetryAdvice};

use crate::backstage::Stops;
use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "IDEM-001",
        requirement: "An issue repeated with its key returns the first credential and leaves one permission at each door.",
        spec: "R39, R77",
        needs: &[],
        judge: |trial| Box::pin(repeated(trial)),
    },
    Case {
        id: "IDEM-002",
        requirement: "A key used again with other input is IDEMPOTENCY_CONFLICT and changes nothing at any door.",
        spec: "R39",
        needs: &[],
        judge: |trial| Box::pin(other_input(trial)),
    },
    Case {
        id: "IDEM-003",
        requirement: "When the reply to an issue is lost, the outcome is said to be unknown, and a repeat with the same key finds the one permission there is.",
        spec: "R39, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(lost(trial, Fault::LoseNextReply)),
    },
    Case {
        id: "IDEM-004",
        requirement: "When an issue is lost on its way, the outcome is said to be unknown, and a repeat with the same key gives the key once.",
        spec: "R39, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(lost(trial, Fault::DropNextBeforeEffect)),
    },
    Case {
        id: "IDEM-005",
        requirement: "When an issue takes effect after its caller has given up, repeats before and after that moment leave one permission.",
        spec: "R39, R78",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(late(trial)),
    },
    Case {
        id: "IDEM-006",
        requirement: "Two tasks that issue under one key at once get the same credential, once; of two that disagree one gets it, and the other a conflict.",
        spec: "R39, R77",
        needs: &[Need::Backstage],
        judge: |trial| Box::pin(at_once(trial)),
    },
    Case {
        id: "IDEM-007",
        requirement: "Two processes over one ledger that issue under one key at once give the key once: whoever comes second gets the same, or is told to come back and then gets it.",
        spec: "R39, R147",
        needs: &[Need::Backstage],
        judge: |trial| Box::pin(two_processes(trial)),
    },
    Case {
        id: "IDEM-008",
        requirement: "What the vendor refuses for good is told so, and fails again under its key without a call.",
        spec: "R39, R74, X10",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(refused_for_good(trial)),
    },
    Case {
        id: "IDEM-009",
        requirement: "Input that is refused before anything is sent uses up no key: put right, it is done under the same one.",
        spec: "R39",
        needs: &[],
        judge: |trial| Box::pin(refused_before(trial)),
    },
    Case {
        id: "IDEM-010",
        requirement: "For thirty days after the end of the window a repeat changes nothing and gets the first outcome.",
        spec: "R39, R77",
        needs: &[],
        judge: |trial| Box::pin(long_afterwards(trial)),
    },
    Case {
        id: "IDEM-011",
        requirement: "What was never sent is told so, leaves nothing, and is done when it is called again under its key.",
        spec: "R39, R74, X10",
        needs: &[Need::Faults],
        judge: |trial| Box::pin(never_sent(trial)),
    },
];

/// How long keys are kept after the end of their window.
const KEPT: TimeDelta = TimeDelta::days(30);

async fn at_once(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    trial.backstage()?.pace().stop_at(Stops::Everywhere);
    let same = trial.issue("guest", &[one], window)?;
    trial.come(same.resulting_id());
    let port = trial.unattended();
    let both = join(port.issue_credential(same.clone()), port.issue_credential(same.clone())).await;
    trial.go();
    trial.backstage()?.pace().stop_at(Stops::Nowhere);
    let (first, second) = (both.0?.credential.id, both.1?.credential.id);
    check!(first == second, "two tasks under one key got {first} and {second}");
    let done = trial.port().issue_credential(same).await?.credential;
    trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
    trial.judge("the guest", &Keyring::of(&done), &[(&[one], window)]).await?;

    trial.backstage()?.pace().stop_at(Stops::Everywhere);
    let this = trial.issue("disputed", &[two], window)?;
    let mut other = this.clone();
    other.validity = trial.hours(2, 30)?;
    trial.come(this.resulting_id());
    let both = join(port.issue_credential(this.clone()), port.issue_credential(other.clone())).await;
    trial.go();
    trial.backstage()?.pace().stop_at(Stops::Nowhere);
    let conflicts = [&both.0, &both.1].into_iter().filter_map(|answer| answer.as_ref().err());
    let conflicts: Vec<_> = conflicts.collect();
    let is_right = matches!(conflicts.as_slice(), [only] if only.code() == ErrorCode::IdempotencyConflict);
    check!(is_right, "one key with two inputs at once: {:?}, {:?}", both.0.is_ok(), conflicts);
    let winner = if both.0.is_ok() { this } else { other };
    let window = winner.validity;
    let done = trial.port().issue_credential(winner).await?.credential;
    trial.vendor_holds(1, &trial.doors_of(&[one, two])).await?;
    trial.judge("the guest of the key in dispute", &Keyring::of(&done), &[(&[two], window)]).await
}

async fn two_processes(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let window = trial.hours(2, 26)?;
    let input = trial.issue("guest", &rooms, window)?;
    let other = trial.through(trial.backstage()?.port_of("other"));
    trial.backstage()?.pace().stop_at(Stops::Everywhere);
    trial.come(input.resulting_id());
    let here = trial.unattended().issue_credential(input.clone());
    let there = other.unattended().issue_credential(input.clone());
    let both = join(here, there).await;
    trial.go();
    trial.backstage()?.pace().stop_at(Stops::Nowhere);
    let mut answered = false;
    for answer in [both.0, both.1] {
        match answer {
            Ok(_) => answered = true,
            Err(error) => {
                check!(error.is_retriable(), "of two processes one was sent away for good: {error:?}")
            }
        }
    }
    check!(answered, "of two processes neither was answered");
    trial.pass(TimeDelta::seconds(lockport::store::ledger::LEASE_SECONDS + 1));
    for process in [trial, &other] {
        let again = process.port().issue_credential(input.clone()).await?.credential;
        check!(again.id == input.resulting_id(), "the repeat returned {}", again.id);
        trial.judge("the guest", &Keyring::of(&again), &[(&rooms, window)]).await?;
    }
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    let (made, expected) = (trial.ever_made().await?, trial.grants_for(&rooms));
    check!(made == expected, "two processes made {made} permissions for {expected}");
    Ok(())
}

async fn refused_for_good(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let refused = trial.issue("refused", &[one], window)?;
    trial.order(Fault::RefuseAfter(0))?;
    let first = trial.port().issue_credential(refused.clone()).await;
    trial.all_struck()?;
    let Err(first) = first else {
        return Err(Stop::Failed("the vendor refused, and the issue succeeded".into()));
    };
    check!(first.advice() == RetryAdvice::Never, "the vendor refused for good: {first:?}");
    let calls = trial.calls().await?;
    for _ in 0..2 {
        let Err(again) = trial.port().issue_credential(refused.clone()).await else {
            return Err(Stop::Failed("what failed for good succeeded under its old key".into()));
        };
        let same =
            (again.code(), again.reason(), again.advice()) == (first.code(), first.reason(), first.advice());
        check!(same, "it failed as {first:?}, and again as {again:?}");
    }
    check!(trial.calls().await? == calls, "the vendor was asked again for what it had refused for good");
    trial.vendor_holds_nothing().await
}

async fn never_sent(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let unsent = trial.issue("unsent", &[one], window)?;
    trial.order(Fault::NeverSend)?;
    let first = trial.port().issue_credential(unsent.clone()).await;
    trial.all_struck()?;
    let Err(first) = first else {
        return Err(Stop::Failed("nothing was sent, and the issue succeeded".into()));
    };
    check!(first.advice() == RetryAdvice::NotApplied, "nothing was sent: {first:?}");
    trial.vendor_holds_nothing().await?;
    let done = trial.port().issue_credential(unsent).await?.credential;
    trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
    trial.judge("the guest", &Keyring::of(&done), &[(&[one], window)]).await
}

async fn refused_before(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let right = trial.issue("guest", &[one], window)?;
    let mut twice = right.clone();
    twice.rooms = vec![one, one];
    let mut nowhere = right.clone();
    nowhere.rooms = vec![RoomId::derived("lockport-contract/nowhere", &[])];
    let mut over = right.clone();
    over.validity = trial.hours(-26, -2)?;
    for wrong in [twice, nowhere, over] {
        let Err(error) = trial.port().issue_credential(wrong).await else {
            return Err(Stop::Failed("wrong input was taken".into()));
        };
        check!(error.code() == ErrorCode::InvalidInput, "INVALID_INPUT is right: {error:?}");
    }
    let issued = trial.port().issue_credential(right).await?.credential;
    let id = issued.id;
    let mut keys = Keyring::of(&issued);
    let update = trial.update(id, "update")?;
    let backwards = update.clone().with_valid_from(trial.hour(30));
    let answer = trial.port().update_credential(backwards).await;
    let is_right = answer.as_ref().is_err_and(|error| error.code() == ErrorCode::InvalidInput);
    check!(is_right, "a window that ends before it begins: {answer:?}");
    keys.add(&trial.port().update_credential(update.with_valid_until(trial.hour(30))).await?.credential);
    trial.judge("the guest", &keys, &[(&[one], trial.hours(2, 30)?)]).await?;
    // Where the key of before cannot be taken back, it stays beside the longer one.
    let each = if trial.takes_back() { 1 } else { 2 };
    trial.vendor_holds(each, &trial.doors_of(&[one])).await
}

async fn long_afterwards(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let issue = trial.issue("guest", &[one], trial.hours(2, 26)?)?;
    let issued = trial.port().issue_credential(issue.clone()).await?.credential;
    let update = trial.update(issued.id, "update")?.with_rooms(vec![two]);
    let updated = trial.port().update_credential(update.clone()).await?.credential;
    let other =
        trial.port().issue_credential(trial.issue("other", &[one], trial.hours(2, 26)?)?).await?.credential;
    let revoke = trial.revoke(other.id, "revoke")?;
    let revoked = trial.port().revoke_credential(revoke.clone()).await?;
    trial.turn_clock_to(trial.hour(26) + KEPT - TimeDelta::minutes(1));
    let calls = trial.calls().await?;
    let again = trial.port().update_credential(update).await?.credential;
    check!((again.id, &again.rooms) == (updated.id, &updated.rooms), "the update became {again:?}");
    let again = trial.port().revoke_credential(revoke).await?;
    check!(
        (again.proof, again.effective_by) == (revoked.proof, revoked.effective_by),
        "the revoke became {again:?}"
    );
    let again = trial.port().issue_credential(issue).await?.credential;
    check!(
        (again.id, again.validity, &again.rooms) == (issued.id, issued.validity, &issued.rooms),
        "the issue became {again:?}"
    );
    check!(trial.calls().await? == calls, "the vendor saw a call for what was done a month ago");
    Ok(())
}

async fn repeated(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let window = trial.hours(2, 26)?;
    let input = trial.issue("guest", &rooms, window)?;
    let first = trial.port().issue_credential(input.clone()).await?;
    let made = trial.ever_made().await?;
    for _ in 0..3 {
        let again = trial.port().issue_credential(input.clone()).await?;
        let (id, same) = (again.credential.id, first.credential.id);
        check!(id == same, "the repeat returned {id}, the first call {same}");
        // The repeat's answer alone must do: the first may never have arrived.
        trial.judge("the guest", &Keyring::of(&again.credential), &[(&rooms, window)]).await?;
        trial.pass(TimeDelta::minutes(1));
    }
    let now = trial.ever_made().await?;
    check!(now == made, "the first call made {made} permissions, with its repeats it is {now}");
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await
}

async fn other_input(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let input = trial.issue("guest", &[one], window)?;
    let first = trial.port().issue_credential(input.clone()).await?;
    let mut keys = Keyring::of(&first.credential);
    let mut other_rooms = input.clone();
    other_rooms.rooms = vec![two];
    let mut longer = input.clone();
    longer.validity = trial.hours(2, 30)?;
    let mut stranger = trial.issue("stranger", &[one], window)?;
    stranger.idempotency_key = input.idempotency_key;
    let others = [("other rooms", other_rooms), ("a longer window", longer), ("another guest", stranger)];
    for (what, other) in others {
        match trial.port().issue_credential(other).await {
            Ok(again) => {
                keys.add(&again.credential);
                return Err(Stop::Failed(format!("the key was taken again with {what}")));
            }
            Err(error) => check!(error.code() == ErrorCode::IdempotencyConflict, "with {what}: {error:?}"),
        }
    }
    trial.vendor_holds(1, &trial.doors_of(&[one])).await?;
    trial.judge("the guest", &keys, &[(&[one], window)]).await
}

async fn lost(trial: &Trial, fault: Fault) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let input = trial.issue("guest", &rooms, trial.hours(2, 26)?)?;
    trial.order(fault)?;
    trial.unanswered(trial.port().issue_credential(input.clone()).await)?;
    trial.outlast_lost_calls()?;
    settled(trial, input).await
}

async fn late(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let input = trial.issue("guest", &rooms, trial.hours(2, 26)?)?;
    trial.order(Fault::LateEffect)?;
    trial.unanswered(trial.port().issue_credential(input.clone()).await)?;
    trial.pass(TimeDelta::seconds(1));
    // Too early to tell, unless the vendor honours our key; what it must not do is give the key a second time.
    if let Err(error) = trial.port().issue_credential(input.clone()).await {
        check!(error.is_retriable(), "a repeat before the effect has landed: {error:?}");
    }
    trial.outlast_lost_calls()?;
    // What counts is when the vendor's calls really end, not when the descriptor says so.
    trial.port().issue_credential(input.clone()).await?;
    trial.pass(TimeDelta::hours(1));
    settled(trial, input).await
}

async fn settled(trial: &Trial, input: IssueInput) -> CaseResult {
    let (rooms, window, id) = (input.rooms.clone(), input.validity, input.resulting_id());
    let again = trial.port().issue_credential(input).await?;
    check!(again.credential.id == id, "the repeat returned {}, not {id}", again.credential.id);
    trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
    let (made, expected) = (trial.ever_made().await?, trial.grants_for(&rooms));
    check!(made == expected, "{made} permissions were made for {expected}");
    trial.judge("the guest", &Keyring::of(&again.credential), &[(&rooms, window)]).await
}
