//! How a kind is chosen where the locks of a hotel differ.

use lockport::credential::{DecisionCode, IssueInput, IssueResult, KeyCredentialKind};
use lockport::driver::{DriverDescriptor, Kind};
use lockport::id::{LockDeviceId, RoomId};
use lockport::{ErrorCode, LockError};

use super::device::SILENCE;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "PLAN-001",
        requirement: "A kind that the lock of one of the doors cannot take is passed over with the reason and without a call for it, and the next one opens them all; where none is left the issue is refused and nothing is sent.",
        spec: "R30, R34, R120",
        needs: &[Need::Locks, Need::Backstage],
        judge: |trial| Box::pin(what_a_lock_cannot(trial)),
    },
    Case {
        id: "PLAN-002",
        requirement: "Where a lock is out of reach, a kind that has to reach it comes after one that does not; it is tried all the same where there is no other.",
        spec: "R46, R121",
        needs: &[Need::Locks, Need::Backstage],
        judge: |trial| Box::pin(out_of_reach(trial)),
    },
];

/// The same driver, whose locks differ, with the trial's own kind changed.
fn differing(trial: &Trial, change: impl Fn(&mut Kind)) -> CaseResult<Trial> {
    let backstage = trial.backstage()?;
    let mut descriptor = DriverDescriptor { doors_differ: true, ..backstage.driver().describe() };
    let own = trial.kind().kind;
    descriptor.kinds.iter_mut().filter(|kind| kind.kind == own).for_each(change);
    Ok(trial.through(backstage.described(descriptor).port()))
}

/// Another kind of the same vendor that anybody can be given without a card.
fn another_kind(trial: &Trial, suits: impl Fn(&Kind) -> bool) -> Option<KeyCredentialKind> {
    let kinds = trial.port().describe_adapter().kinds;
    let other = kinds.iter().find(|kind| {
        kind.kind != trial.kind().kind && kind.kind != KeyCredentialKind::RfidCard && suits(kind)
    });
    other.map(|kind| kind.kind)
}

fn only_door(trial: &Trial, room: RoomId) -> CaseResult<LockDeviceId> {
    let door = trial.doors_of(&[room]).into_iter().next();
    door.ok_or_else(|| Stop::NotRun("a room has no door".into()))
}

fn is_said(result: &IssueResult, code: DecisionCode, of: KeyCredentialKind) -> bool {
    result.decisions.iter().any(|decision| {
        decision.code == code && decision.detail.strip_prefix(of.as_str()).is_some_and(|why| why.len() > 3)
    })
}

/// Issues, and how many calls it took.
async fn counted(trial: &Trial, input: IssueInput) -> CaseResult<(IssueResult, u64)> {
    let before = trial.calls().await?;
    let issued = trial.port().issue_credential(input).await?;
    Ok((issued, trial.calls().await?.saturating_sub(before)))
}

async fn what_a_lock_cannot(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let own = trial.kind().kind;
    let door = only_door(trial, two)?;
    let is_lacking = trial.locks()?.set_able(door, own, false)?;
    let trial = &differing(trial, |_| ())?;
    for lock in trial.port().list_devices(trial.site().property).await? {
        let (can, should) = (lock.capabilities.supports(own), !(is_lacking && lock.device_id == door));
        check!(can == should, "a {own} at {}: {should} is right, {can} is said", lock.device_id);
    }
    if !is_lacking {
        // No lock of this vendor is without: what is preferred is given.
        let issued = trial.port().issue_credential(trial.issue("guest", &[two], window)?).await?.credential;
        return trial.judge_edges("the guest", &Keyring::of(&issued), &[(&[two], window)]).await;
    }
    if let Some(next) = another_kind(trial, |_| true) {
        let input = |guest: &str, rooms: &[RoomId], kinds: &[KeyCredentialKind]| {
            Ok::<_, Stop>(trial.issue(guest, rooms, window)?.with_preferred_kinds(kinds.to_vec()))
        };
        // With the list of locks at hand; the first shows what such a key takes.
        let (_, takes) = counted(trial, input("first", &[one], &[next])?).await?;
        let (passed_over, took) = counted(trial, input("guest", &[two], &[own, next])?).await?;
        check!(passed_over.credential.kind == next, "a {} was issued", passed_over.credential.kind);
        check!(is_said(&passed_over, DecisionCode::KindSkipped, own), "no reason in {passed_over:?}");
        check!(took <= takes, "{took} calls for what takes {takes}: the lock was asked what it cannot");
        trial.judge_edges("the guest", &Keyring::of(&passed_over.credential), &[(&[two], window)]).await?;
        let both = trial.port().issue_credential(input("both", &[one, two], &[own, next])?).await?;
        check!(both.credential.kind == next, "a {} was issued for both doors", both.credential.kind);
        trial
            .judge_edges("the guest of both", &Keyring::of(&both.credential), &[(&[one, two], window)])
            .await?;
    }
    let made = trial.ever_made().await?;
    let input = trial.issue("nobody", &[one, two], window)?;
    trial.come(input.resulting_id());
    let Err(error) = trial.unattended().issue_credential(input).await else {
        return Err(Stop::Failed(format!("a {own} was issued for a lock that cannot take it")));
    };
    trial.go();
    check!(error.code() == ErrorCode::Unsupported, "UNSUPPORTED is right: {error:?}");
    check!(trial.ever_made().await? == made, "something was made for a lock that cannot take it");
    let issued = trial.port().issue_credential(trial.issue("other", &[one], window)?).await?.credential;
    trial.judge_edges("the guest next door", &Keyring::of(&issued), &[(&[one], window)]).await
}

async fn out_of_reach(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let own = trial.kind().kind;
    let door = only_door(trial, one)?;
    trial.locks()?.set_online(door, false)?;
    trial.pass(SILENCE);
    let with_line = &differing(trial, |kind| kind.needs_lock_online = true)?;
    let next = another_kind(trial, |kind| !kind.needs_lock_online);
    let kinds: Vec<_> = [own].into_iter().chain(next).collect();
    let input = with_line.issue("guest", &[one], window)?.with_preferred_kinds(kinds);
    let mut issued = with_line.port().issue_credential(input.clone()).await;
    if trial.kind().needs_lock_online && next.is_none() {
        let may_be_repeated = issued.as_ref().is_err_and(LockError::is_retriable);
        check!(may_be_repeated, "a lock out of reach is to be tried again later: {issued:?}");
        trial.locks()?.set_online(door, true)?;
        with_line.outlast_lost_calls()?;
        issued = with_line.port().issue_credential(input).await;
    }
    let issued = issued?;
    check!(issued.credential.kind == next.unwrap_or(own), "a {} was issued", issued.credential.kind);
    check!(is_said(&issued, DecisionCode::KindPutBack, own), "no reason in {issued:?}");
    with_line.judge_edges("the guest", &Keyring::of(&issued.credential), &[(&[one], window)]).await
}
