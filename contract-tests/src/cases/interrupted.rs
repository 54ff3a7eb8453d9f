//! Callers who go away: in the middle of a call, at every point at which they can; for good, or to come back.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use chrono::TimeDelta;
use lockport::credential::{
    IssueInput, IssuedCredential, RevokeInput, SettleInput, SuspendInput, UnsuspendInput, UpdateInput,
    Verdict,
};
use lockport::driver::AfterLost;
use lockport::id::{KeyCredentialId, RoomId, UserId};
use lockport::port::Settle as _;
use lockport::{ErrorCode, LockError, LockPort, Validity};

use crate::backstage::Stops;
use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial, key};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "CANCEL-001",
        requirement: "An issue whose caller goes away at any point gives the key once when it is called again with its key; where the vendor cannot tell, it is declared unknown, and a revoke clears it up.",
        spec: "R39, R78",
        needs: &[Need::Backstage],
        judge: |trial| Box::pin(dropped(trial, Verb::Issue, Afterwards::CallerReturns)),
    },
    Case {
        id: "CANCEL-002",
        requirement: "An update whose caller goes away at any point makes the doors as it asked when it is called again with its key.",
        spec: "R33, R39, R78",
        needs: &[Need::Revoke, Need::Backstage],
        judge: |trial| Box::pin(dropped(trial, Verb::Update, Afterwards::CallerReturns)),
    },
    Case {
        id: "CANCEL-003",
        requirement: "A revoke whose caller goes away at any point takes the key away when it is called again with its key.",
        spec: "R39, R78",
        needs: &[Need::Revoke, Need::Backstage],
        judge: |trial| Box::pin(dropped(trial, Verb::Revoke, Afterwards::CallerReturns)),
    },
    Case {
        id: "CANCEL-004",
        requirement: "A suspend or an unsuspend whose caller goes away at any point makes it so when it is called again with its key.",
        spec: "R39, R78, X9",
        needs: &[Need::Suspend, Need::Backstage],
        judge: |trial| Box::pin(dropped_suspension(trial)),
    },
    Case {
        id: "RECOVER-001",
        requirement: "When a process dies in the middle of an issue, its successor's sweep leaves one key or none, and the repeat under the issue's key gives the one.",
        spec: "R78",
        needs: &[Need::Backstage],
        judge: |trial| Box::pin(dropped(trial, Verb::Issue, Afterwards::SuccessorSweeps)),
    },
    Case {
        id: "RECOVER-002",
        requirement: "When a process dies in the middle of an update, its successor's sweep leaves the old key or the new one, and the repeat gives the new.",
        spec: "R33, R78",
        needs: &[Need::Revoke, Need::Backstage],
        judge: |trial| Box::pin(dropped(trial, Verb::Update, Afterwards::SuccessorSweeps)),
    },
    Case {
        id: "RECOVER-003",
        requirement: "When a process dies in the middle of a revoke, its successor's sweep and the repeat take the key away.",
        spec: "R78",
        needs: &[Need::Revoke, Need::Backstage],
        judge: |trial| Box::pin(dropped(trial, Verb::Revoke, Afterwards::SuccessorSweeps)),
    },
    Case {
        id: "RECOVER-004",
        requirement: "A person's word closes what was declared unknown, as having happened or not, and the doors are as he said; where nothing is unknown his word is refused.",
        spec: "R39, R78",
        needs: &[Need::Backstage, Need::Faults],
        judge: |trial| Box::pin(settled(trial)),
    },
];

/// Longer than a dead process keeps an operation to itself.
const LEASE: TimeDelta = TimeDelta::seconds(lockport::store::ledger::LEASE_SECONDS + 1);
/// How often a successor looks through what was left open.
const SWEEPS: usize = 16;
/// More points at which a caller can go away than any call has.
const POINTS: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Issue,
    Update,
    Suspend,
    Unsuspend,
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    CallerReturns,
    SuccessorSweeps,
}

#[derive(Clone, Debug)]
enum Call {
    Issue(Box<IssueInput>),
    Update(Box<UpdateInput>),
    Suspend(SuspendInput),
    Unsuspend(UnsuspendInput),
    Revoke(RevokeInput),
}

impl Call {
    /// What the guest has in hand afterwards.
    async fn on(&self, port: &dyn LockPort) -> Result<Option<IssuedCredential>, LockError> {
        Ok(match self.clone() {
            Self::Issue(input) => Some(port.issue_credential(*input).await?.credential),
            Self::Update(input) => Some(port.update_credential(*input).await?.credential),
            Self::Unsuspend(input) => Some(port.unsuspend_credential(input).await?.credential),
            Self::Suspend(input) => port.suspend_credential(input).await.map(|_| None)?,
            Self::Revoke(input) => port.revoke_credential(input).await.map(|_| None)?,
        })
    }
}

/// One guest and one call.
struct Scene {
    id: KeyCredentialId,
    keys: Keyring,
    call: Call,
    before: Option<([RoomId; 1], Validity)>,
    after: Option<([RoomId; 1], Validity)>,
}

async fn scene(trial: &Trial, verb: Verb, name: &str) -> CaseResult<Scene> {
    let [one, two] = trial.rooms()?;
    let (window, longer) = (trial.hours(2, 26)?, trial.hours(4, 30)?);
    let input = trial.issue(name, &[one], window)?;
    let id = input.resulting_id();
    if verb == Verb::Issue {
        let (call, after) = (Call::Issue(Box::new(input)), Some(([one], window)));
        return Ok(Scene { id, keys: Keyring::default(), call, before: None, after });
    }
    let keys = Keyring::of(&trial.port().issue_credential(input).await?.credential);
    let suspend = trial.suspend(id, &format!("suspend-{name}"))?;
    let there = Some(([one], window));
    let (call, before, after) = match verb {
        Verb::Issue | Verb::Update => {
            let update = trial.update(id, &format!("update-{name}"))?.with_rooms(vec![two]);
            let update = update.with_valid_from(longer.from()).with_valid_until(longer.until());
            (Call::Update(Box::new(update)), there, Some(([two], longer)))
        }
        Verb::Suspend => (Call::Suspend(suspend), there, None),
        Verb::Unsuspend => {
            trial.port().suspend_credential(suspend).await?;
            (Call::Unsuspend(trial.unsuspend(id, &format!("unsuspend-{name}"))?), None, there)
        }
        Verb::Revoke => (Call::Revoke(trial.revoke(id, &format!("gone-{name}"))?), there, None),
    };
    Ok(Scene { id, keys, call, before, after })
}

/// Waits for an answer so long and no longer; then goes away.
async fn for_so_many_polls<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // Gone at once: nobody will wake him.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Goes away after each number of polls; whether there was one at all.
async fn dropped(trial: &Trial, verb: Verb, afterwards: Afterwards) -> CaseResult {
    for polls in 1..POINTS {
        let Scene { id, mut keys, call, before, after } =
            scene(trial, verb, &format!("{verb:?}-{polls}")).await?;
        let made = trial.ever_made().await?;
        trial.backstage()?.pace().stop_at(Stops::AroundEffects);
        trial.come(id);
        let answer = for_so_many_polls(polls, call.on(trial.unattended())).await;
        trial.go();
        trial.backstage()?.pace().stop_at(Stops::Nowhere);
        if answer.is_some() {
            check!(polls > 1, "nobody could go away in the middle of this call");
            return trial.revoke_for_good(trial.revoke(id, &format!("revoke-{verb:?}-{polls}"))?).await;
        }
        trial.outlast_lost_calls()?;
        let again = match afterwards {
            Afterwards::CallerReturns => trial.clone(),
            Afterwards::SuccessorSweeps => {
                trial.pass(LEASE);
                let successor = format!("successor-{polls}");
                sweep(trial, &successor, id).await?;
                trial.vendor_holds_at_most(1).await?;
                let between: Vec<_> = before.iter().chain(&after).collect();
                let may: Vec<(&[RoomId], Validity)> =
                    between.iter().map(|(rooms, window)| (rooms.as_slice(), *window)).collect();
                trial.judge_edges_at_most(&format!("the guest whose {verb:?} died"), &keys, &may).await?;
                trial.through(trial.backstage()?.port_of(&successor))
            }
        };
        match call.on(again.port()).await {
            Ok(credential) => {
                credential.iter().for_each(|credential| keys.add(credential));
                let opens: Vec<(&[RoomId], Validity)> =
                    after.iter().map(|(rooms, window)| (rooms.as_slice(), *window)).collect();
                let whose = format!("the guest, whose {verb:?} was called again after {polls} polls,");
                trial.judge_edges(&whose, &keys, &opens).await?;
            }
            Err(error) => {
                let is_issue = verb == Verb::Issue && trial.is_declared(&error);
                check!(is_issue, "{verb:?}, called again after {polls} polls: {error:?}");
            }
        }
        trial.vendor_holds_at_most(1).await?;
        if verb == Verb::Issue {
            let made = trial.ever_made().await?.saturating_sub(made);
            let most = after.map_or(0, |(rooms, _)| trial.grants_for(&rooms));
            check!(
                made <= most,
                "after {polls} polls and a repeat {made} permissions were made, {most} at most"
            );
        }
        let revoke = trial.revoke(id, &format!("revoke-{verb:?}-{polls}"))?;
        again.clear(revoke).await?;
    }
    Err(Stop::Failed(format!("a call goes on after {POINTS} polls")))
}

async fn dropped_suspension(trial: &Trial) -> CaseResult {
    dropped(trial, Verb::Suspend, Afterwards::CallerReturns).await?;
    dropped(trial, Verb::Unsuspend, Afterwards::CallerReturns).await
}

/// The successor carries on what was left open, as far as it will go. The holder stands at the desk.
async fn sweep(trial: &Trial, successor: &str, holder: KeyCredentialId) -> CaseResult {
    let adapter = trial.backstage()?.adapter_of(successor);
    for _ in 0..SWEEPS {
        trial.come(holder);
        let open = adapter.sweep().await?;
        trial.go();
        if open == 0 {
            return Ok(());
        }
        trial.pass(TimeDelta::seconds(30));
    }
    // What waits for a card is left to whoever comes with it.
    if trial.is_on_card() {
        return Ok(());
    }
    Err(Stop::Failed(format!("after {SWEEPS} sweeps something is open still")))
}

async fn settled(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<1>()?;
    let window = trial.hours(6, 26)?;
    let declares = trial.kind().recovery.grant == AfterLost::Declare;
    let operator = UserId::derived("lockport-contract/operator", &[]);
    for (fault, verdict) in
        [(Fault::LoseNextReply, Verdict::Happened), (Fault::DropNextBeforeEffect, Verdict::DidNotHappen)]
    {
        let name = format!("{fault:?}");
        let input = trial.issue(&name, &rooms, window)?;
        let id = input.resulting_id();
        trial.order(fault)?;
        let answer = trial.port().issue_credential(input.clone()).await;
        trial.unanswered(answer)?;
        trial.outlast_lost_calls()?;
        let answer = trial.port().issue_credential(input).await;
        let word = SettleInput::new(trial.tenant(), id, verdict, operator, key(&format!("settle-{name}"))?);
        let adapter = trial.backstage()?.adapter_of("contract");
        let told = adapter.settle(word).await;
        if declares {
            check!(answer.is_err(), "nobody can know what became of it, and the port does");
            match (verdict, told?) {
                (Verdict::Happened, Some(credential)) => {
                    trial
                        .judge("the guest, settled,", &Keyring::of(&credential), &[(&rooms, window)])
                        .await?;
                    trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
                }
                (Verdict::DidNotHappen, None) => trial.vendor_holds_nothing().await?,
                (verdict, credential) => {
                    return Err(Stop::Failed(format!(
                        "settled as {verdict:?}, the credential is {credential:?}"
                    )));
                }
            }
        } else {
            let issued = answer?.credential;
            let Err(error) = told else {
                return Err(Stop::Failed("a person's word was taken on what everybody knows".into()));
            };
            check!(error.code() == ErrorCode::StateConflict, "STATE_CONFLICT is right: {error:?}");
            trial.vendor_holds(1, &trial.doors_of(&rooms)).await?;
            trial.judge("the guest", &Keyring::of(&issued), &[(&rooms, window)]).await?;
        }
        trial.clear(trial.revoke(id, &format!("revoke-{name}"))?).await?;
    }
    Ok(())
}
