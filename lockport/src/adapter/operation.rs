//! One operation from its claim to its outcome: planned once, carried out by the engine, settled with what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use chrono::TimeDelta;

use super::Adapter;
use super::answer::Run;
use super::engine::{Asked, Engine, First, Ran, can_be_turned, until};
use super::plan::{self, Next};
use super::planning::Planned;
use super::record::{
    CredentialRecord, GrantRecord, GrantState, Intent, Outcome, Program, ProgramRecord, Step,
    lock_of_credential, term_of_credential, term_of_door,
};
use crate::credential::Holder;
use crate::driver::{Kind, LeaseKey, LeaseSpan, Reach, VendorDriver};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{KeyCredentialId, LockDeviceId};
use crate::idempotency::IdempotencyKey;
use crate::store::ledger::{Begun, Claim};
use crate::store::{StoreError, Stored, Transaction};
use crate::validity::Timestamp;

/// How many operations in a row may stand in the way of one before it is told to come back.
const MAX_IN_THE_WAY: usize = 16;
/// How many turns one run of an operation may take: many times what the largest needs. Then it rests.
const MAX_TURNS: usize = 20_000;
const REST: TimeDelta = TimeDelta::seconds(10);

impl<D: VendorDriver> Adapter<D> {
    /// Claims and carries out; or repeats what came of it.
    pub(super) async fn perform(&self, intent: Intent) -> Result<Run, LockError> {
        let key = intent.key().clone();
        let busy = self.busy.of(&key);
        let _mine = busy.lock().await;
        let (locks, tools) = self.locks(&intent).await?;
        let claim = Claim {
            key,
            fingerprint: intent.fingerprint()?,
            locks,
            tools,
            through_quiet: matches!(intent, Intent::Revoke(_)),
            body: Program::new(intent),
        };
        for _ in 0..MAX_IN_THE_WAY {
            match self.ledger.begin(&claim).await? {
                Begun::Yours(operation) => {
                    let run = Box::pin(self.run(operation, Asked::ForIt));
                    return match claim.body.intent {
                        Intent::Issue(_) if self.descriptor.doors_differ => self.beside_a_look(run).await,
                        _ => run.await,
                    };
                }
                Begun::Settled(operation) => {
                    return Ok(Run { program: operation.value.body, waits_until: None });
                }
                Begun::OtherInput => {
                    let message = "the key was used before with other input";
                    let (code, reason) = (ErrorCode::IdempotencyConflict, FailureReason::OtherInput);
                    return Err(LockError::new(code, reason, RetryAdvice::Never, message));
                }
                Begun::Leased { until } | Begun::Quiet { until } => return Err(self.come_back(until)),
                Begun::Blocked { by } => Box::pin(self.clear_the_way(&by, &claim.body.intent)).await?,
                Begun::InUse { by } => self.wait_for_tools(&by).await?,
            }
        }
        Err(self.come_back(self.env.now()))
    }

    /// Names what must not run at once with this intent: the credential itself, and what the driver says. What must not even be
    /// used at once comes second.
    async fn locks(&self, intent: &Intent) -> Result<(Vec<String>, Vec<String>), LockError> {
        let mut locks = vec![lock_of_credential(intent.credential())];
        let mut tools = Vec::new();
        let mut add = |kind, doors: &[LockDeviceId], at| {
            for LeaseKey { name, span } in self.driver.lease_keys(&Reach { kind, doors, at }) {
                let names = match span {
                    LeaseSpan::UntilSettled => &mut locks,
                    LeaseSpan::WhileWorkedOn => &mut tools,
                };
                names.push(format!("vendor:{name}"));
            }
        };
        let at = intent.at();
        if let Intent::Issue(input) = intent {
            let doors = self.doors.resolve(&input.rooms, &input.scope)?;
            input.preferred_kinds.iter().for_each(|kind| add(*kind, &doors, at));
        } else {
            // The doors of what is held, not of what the property has today: a room may be gone from it, its keys are not.
            for grant in self.own(intent.credential()).await?.iter().filter(|grant| grant.state.occupies()) {
                let order = &grant.held.order;
                add(order.kind, &order.doors, at.or(order.at));
            }
            let record = self.credential(intent.credential()).await?.map(|record| record.value);
            let gives = matches!(intent, Intent::Update(_) | Intent::Unsuspend(_) | Intent::Settle(_));
            let (content, declared) =
                record.filter(|_| gives).map_or((None, None), |record| (record.content, record.declared));
            for content in content.into_iter().chain(declared.map(|content| *content)) {
                let (mut rooms, mut scope) = (&content.rooms, &content.scope);
                if let Intent::Update(input) = intent {
                    rooms = input.rooms.as_ref().unwrap_or(rooms);
                    scope = input.scope.as_ref().unwrap_or(scope);
                }
                add(content.kind, &self.doors.resolve(rooms, scope)?, at);
            }
        }
        for names in [&mut locks, &mut tools] {
            names.sort();
            names.dedup();
        }
        Ok((locks, tools))
    }

    /// Another operation holds a lock: it is carried through first; unless this is a revoke of the same credential, which makes
    /// it stop where it is.
    async fn clear_the_way(&self, by: &IdempotencyKey, intent: &Intent) -> Result<(), LockError> {
        let busy = self.busy.of(by);
        let _mine = busy.lock().await;
        let mut operation = match self.ledger.resume::<Program>(by).await? {
            Some(Begun::Yours(operation)) => operation,
            Some(Begun::Leased { until }) => return Err(self.come_back(until)),
            Some(Begun::InUse { by }) => return self.wait_for_tools(&by).await,
            _ => return Ok(()),
        };
        let program = &mut operation.value.body;
        let same = program.intent.credential() == intent.credential();
        if matches!(intent, Intent::Revoke(_)) && same && can_be_turned(&program.intent) && !program.turned {
            program.turned = true;
            self.engine(Asked::InPassing).save(&mut operation).await?;
        }
        let asked = if same { Asked::ForIt } else { Asked::InPassing };
        match Box::pin(self.run(operation, asked)).await {
            Ok(Run { waits_until: Some(then), .. }) => Err(self.come_back(then)),
            Ok(_) => Ok(()),
            // Refused for good is settled, and no longer in the way.
            Err(error) if is_over(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Another operation has a tool: whoever works on it in this process is let finish; what a process that died has is free when
    /// its lease is over.
    async fn wait_for_tools(&self, by: &IdempotencyKey) -> Result<(), LockError> {
        let busy = self.busy.of(by);
        let _nobodys = busy.lock().await;
        match self.ledger.lay_down::<Program>(by).await? {
            Some(until) => Err(self.come_back(until)),
            None => Ok(()),
        }
    }

    /// Carries on whatever is open, as far as it will go; how many operations are open still. For a host that comes back after
    /// a crash and does not remember what it was about.
    ///
    /// # Errors
    /// What the store says; what a vendor says only leaves its operation open.
    pub async fn sweep(&self) -> Result<usize, LockError> {
        let mut open: usize = 0;
        for key in self.ledger.open::<Program>().await?.into_iter().map(|operation| operation.key) {
            let busy = self.busy.of(&key);
            let _mine = busy.lock().await;
            let run = match self.ledger.resume::<Program>(&key).await? {
                Some(Begun::Yours(operation)) => Box::pin(self.run(operation, Asked::InPassing)).await,
                Some(Begun::Leased { .. } | Begun::InUse { .. }) => {
                    open = open.saturating_add(1);
                    continue;
                }
                _ => continue,
            };
            let settled = match run {
                Ok(run) => run.waits_until.is_none(),
                Err(error) => is_over(&error),
            };
            open = open.saturating_add(usize::from(!settled));
        }
        Ok(open)
    }

    pub(super) fn come_back(&self, then: Timestamp) -> LockError {
        let wait = until(then, self.env.now());
        let message = "another operation on the same credential or lock is under way";
        LockError::new(ErrorCode::StateConflict, FailureReason::InProgress, RetryAdvice::After(wait), message)
    }

    pub(super) const fn engine(&self, asked: Asked) -> Engine<'_, D> {
        Engine { driver: &self.driver, ledger: &self.ledger, env: &self.env, asked }
    }

    pub(super) async fn credential(
        &self,
        id: KeyCredentialId,
    ) -> Result<Option<Stored<CredentialRecord>>, LockError> {
        Ok(Stored::read(self.ledger.store(), self.ledger.partition(), &id.to_string()).await?)
    }

    pub(super) async fn grants_of(&self, id: KeyCredentialId) -> Result<Vec<Stored<GrantRecord>>, LockError> {
        Ok(Stored::find(self.ledger.store(), self.ledger.partition(), &term_of_credential(id)).await?)
    }

    /// The grants by which somebody may open these doors. One that is begun by a note, and has none yet, waits for its card.
    pub(super) async fn occupants(&self, doors: &[LockDeviceId]) -> Result<Vec<GrantRecord>, LockError> {
        let mut all: Vec<GrantRecord> = Vec::new();
        for door in doors {
            let there = Stored::<GrantRecord>::find(
                self.ledger.store(),
                self.ledger.partition(),
                &term_of_door(*door),
            )
            .await?;
            for grant in there {
                let kind = self.descriptor.kind(grant.value.held.order.kind);
                let is_begun = grant.value.state != GrantState::Unknown
                    || grant.value.held.note.is_some()
                    || !kind.is_some_and(|kind| kind.recovery.notes_first);
                if is_begun && all.iter().all(|known| known.id() != grant.value.id()) {
                    all.push(grant.value);
                }
            }
        }
        Ok(all)
    }

    /// What was planned a while ago and not begun, because no card lay there or the vendor was away, stands to the keys that came
    /// meanwhile as if it were planned now.
    async fn stand_anew(&self, program: &mut Program) -> Result<(), LockError> {
        let is_open = |step: &Step| step.gives() && step.is_not_begun();
        let Some(target) =
            program.target.as_ref().filter(|target| !matches!(target.holder, Holder::Staff(_)))
        else {
            return Ok(());
        };
        let doors: BTreeSet<LockDeviceId> = program
            .steps
            .iter()
            .filter(|step| is_open(step))
            .flat_map(|step| &step.order.doors)
            .copied()
            .collect();
        let others = self.occupants(&Vec::from_iter(doors)).await?;
        let open = program.steps.iter_mut().filter(|step| is_open(step));
        plan::relate(open, &target.holder, &others);
        Ok(())
    }

    /// Works on an operation from wherever it stands, as far as it will go.
    pub(super) async fn run(&self, op: Stored<ProgramRecord>, asked: Asked) -> Result<Run, LockError> {
        let key = op.value.key.clone();
        let ran = self.carry_out(op, asked).await;
        if !matches!(ran, Ok(Run { waits_until: None, .. })) {
            // Whoever cannot say that he has stopped has it until his lease is over.
            let _laid_down = self.ledger.lay_down::<Program>(&key).await;
        }
        ran
    }

    async fn carry_out(&self, mut op: Stored<ProgramRecord>, asked: Asked) -> Result<Run, LockError> {
        if follow_the_clock(&mut op.value, self.env.now()) {
            self.engine(asked).save(&mut op).await?;
        }
        self.stand_anew(&mut op.value.body).await?;
        let id = op.value.body.intent.credential();
        let mut begun = None;
        let mut with_note = None;
        if !op.value.body.planned {
            match self.plan(&op.value.body).await {
                Ok(Planned { program, mut credential, mut grants }) => {
                    op.value.body = program;
                    let mut transaction = Transaction::new(&self.env)?;
                    // One commit says what is planned and that its first step is about to be sent, if need be when its driver
                    // notes something; not where grants are put too, for a step looks at them as they stand in the store.
                    if grants.is_empty()
                        && let Next::Execute(index) = plan::next(&mut op.value.body, &BTreeSet::new())
                    {
                        let kind = self.kind_of(op.value.body.steps.get(index))?;
                        let first = self.engine(asked).begin(&mut op, index, &kind, &mut transaction).await?;
                        begun = (first != First::Waits).then_some((index, kind, first));
                    }
                    for grant in &mut grants {
                        transaction.put(grant)?;
                    }
                    transaction.put(&mut credential)?;
                    if matches!(begun, Some((_, _, First::Noted))) {
                        with_note = Some(transaction);
                    } else {
                        transaction.put(&mut op)?;
                        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
                    }
                }
                Err(error) => {
                    self.ledger.abandon(op).await?;
                    return Err(error.at_credential(id));
                }
            }
        }
        let mut waiting: BTreeMap<usize, Timestamp> = BTreeMap::new();
        if let Some((index, kind, _)) = begun
            && let Ran::Waiting(then) =
                self.engine(asked).call(&mut op, index, &kind, false, with_note).await?
        {
            waiting.insert(index, then);
        }
        for _ in 0..MAX_TURNS {
            match plan::next(&mut op.value.body, &waiting.keys().copied().collect()) {
                Next::Execute(index) => {
                    let kind = self.kind_of(op.value.body.steps.get(index))?;
                    if let Ran::Waiting(then) =
                        Box::pin(self.engine(asked).execute(&mut op, index, &kind)).await?
                    {
                        waiting.insert(index, then);
                    }
                }
                Next::Wait => {
                    let waits_until = waiting.values().min().copied();
                    return Ok(Run { program: op.value.body, waits_until });
                }
                Next::Undo(steps) => {
                    op.value.body.steps.extend(steps);
                    self.engine(asked).save(&mut op).await?;
                }
                Next::Refused(error) => {
                    if !self.try_otherwise(&mut op, &error).await? {
                        return self.settle(op, Outcome::Failed(error)).await;
                    }
                }
                Next::Stopped => {
                    let message = "the credential was revoked meanwhile";
                    let (code, reason) = (ErrorCode::Cancelled, FailureReason::Superseded);
                    let error = LockError::new(code, reason, RetryAdvice::Never, message);
                    return self.settle(op, Outcome::Failed(error)).await;
                }
                Next::Declared => {
                    let message = "the vendor's answer is lost and cannot be asked for; a person has to look";
                    let code = op.value.body.intent.verb().refusal_code();
                    let error =
                        LockError::new(code, FailureReason::OutcomeUnknown, RetryAdvice::Never, message);
                    return self.settle(op, Outcome::Failed(error)).await;
                }
                Next::Done => match self.done(op).await? {
                    ControlFlow::Break(run) => return Ok(run),
                    ControlFlow::Continue(further) => op = further,
                },
            }
        }
        // A vendor that keeps saying the same keeps nobody busy for ever.
        Err(self.come_back(self.env.now().checked_add_signed(REST).unwrap_or(Timestamp::MAX_UTC)))
    }

    pub(super) fn kind_of(&self, step: Option<&Step>) -> Result<Kind, LockError> {
        let kind = step.and_then(|step| self.descriptor.kind(step.order.kind));
        kind.cloned().ok_or_else(|| StoreError::Corrupt.into())
    }

    pub(super) async fn own(&self, id: KeyCredentialId) -> Result<Vec<GrantRecord>, LockError> {
        Ok(self.grants_of(id).await?.into_iter().map(|grant| grant.value).collect())
    }
}

/// Whether an operation that ended so is settled. One whose rows cannot be read is not, though nobody need try again.
fn is_over(error: &LockError) -> bool {
    error.advice() == RetryAdvice::Never && error.reason() != FailureReason::StoreCorrupt
}

/// The clock was set back since something of the operation was written down: what was to be so much later is as much later from
/// now on, and not by as much as the clock was set back besides.
fn follow_the_clock(op: &mut ProgramRecord, now: Timestamp) -> bool {
    let sent = op.body.steps.iter().flat_map(|step| [step.last_sent, step.lost_at]).flatten().max();
    let ahead = sent.map(|sent| sent.signed_duration_since(now)).filter(|ahead| *ahead > TimeDelta::zero());
    let Some(ahead) = ahead else { return false };
    let back = |at: &mut Timestamp| *at = at.checked_sub_signed(ahead).unwrap_or(*at);
    op.quiet_until.iter_mut().for_each(back);
    for step in &mut op.body.steps {
        let Step { first_sent, last_sent, lost_at, not_before, waiting, .. } = step;
        [first_sent, last_sent, lost_at, not_before].into_iter().flatten().for_each(back);
        // Not `give_up_at`: it may be the end of a window.
        waiting.iter_mut().map(|pending| &mut pending.ask_after).for_each(back);
    }
    true
}
