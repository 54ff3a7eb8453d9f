//! The engine: carries a stored program out, one step at a time, and finds out what became of a step whose answer was lost.
//!
//! Every step is written down as sent before it is sent, and its answer before the next one. So whatever dies, dies between
//! two writes, and the next run knows which one. What it does then is the descriptor's rule for that verb: send again, look
//! (`recover`), or say that nobody can tell.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::lock::Mutex;

use super::plan::marker;
use super::record::{Act, GrantRecord, GrantState, Intent, ProgramRecord, Step, StepState};
use super::recover::not_settled;
use crate::credential::{Proof, Warning, WarningCode};
use crate::driver::{
    AfterLost, Answer, ArtifactSource, Attempt, GrantOrder, Granted, Held, Job, Journal, Kind, Pending,
    VendorDriver, Verb, WaitsFor, WhyWithdraw, Withdrawal, Withdrawn,
};
use crate::env::Env;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{GrantId, LockDeviceId};
use crate::secret::Secret;
use crate::store::ledger::Ledger;
use crate::store::{StoreError, Stored, Transaction};
use crate::validity::Timestamp;

/// When to come back to a step that waits for somebody who asks for it.
const COME_BACK: Duration = Duration::from_secs(10);

/// How a run of a step ended.
#[derive(Debug)]
pub(super) enum Ran {
    /// The step is settled, one way or the other; go on.
    Settled,
    /// The vendor, or a person, has still to do something; ask then.
    Waiting(Timestamp),
}

/// How a program's first step stands when the program is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// It is not its turn yet.
    Waits,
    /// It is about to be sent.
    Sent,
    /// It is sent when its driver has noted something; the program is written down with that.
    Noted,
}

/// What a call to the driver came to.
pub(super) enum Effect {
    Granted(Vec<Granted>),
    Withdrawn(Withdrawn),
    Pending(Pending),
}

/// Why an operation is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Somebody wants just this: if it needs a card, the card that lies there is meant.
    ForIt,
    /// It is in somebody's way, or was left lying: a card that lies there is somebody else's.
    InPassing,
}

pub(super) struct Engine<'a, D> {
    pub(super) driver: &'a D,
    pub(super) ledger: &'a Ledger,
    pub(super) env: &'a Env,
    pub(super) asked: Asked,
}

impl<D: VendorDriver> Engine<'_, D> {
    /// Carries out one step, from wherever it stands.
    pub(super) async fn execute(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
    ) -> Result<Ran, LockError> {
        let now = self.env.now();
        let step = step_of(op, index)?;
        let waits_for_card = |pending: &Pending| matches!(pending.waits_for, WaitsFor::CardAt(_));
        let in_time = |pending: &Pending| waits_for_card(pending) && now < pending.give_up_at;
        let is_next = step.state == StepState::Planned || step.waiting.as_ref().is_some_and(in_time);
        if is_next
            && takes_any_card(kind, step)
            && let Some(card) = self.card_of_siblings(op, index).await?
        {
            step_mut(op, index)?.order.artifact = Some(card);
        }
        let step = step_of(op, index)?;
        if self.asked == Asked::InPassing && is_next && takes_any_card(kind, step) {
            return Ok(Ran::Waiting(plus(now, COME_BACK)));
        }
        if step.state == StepState::Planned {
            if let Some(then) = step.not_before.filter(|then| *then > now) {
                return Ok(Ran::Waiting(then));
            }
            if !is_begun_by_note(kind, step) {
                self.mark_sent(op, index).await?;
            }
            // A second withdrawal looks for what a lost call may have brought.
            let resend = step_of(op, index)?.not_before.is_some();
            return Box::pin(self.call(op, index, kind, resend, None)).await;
        }
        if step.state == StepState::Again {
            self.mark_sent(op, index).await?;
            return Box::pin(self.call(op, index, kind, true, None)).await;
        }
        if let Some(pending) = step.waiting.clone() {
            if waits_for_card(&pending) && !in_time(&pending) && step.lost_at.is_none() {
                let (code, reason) = (op.value.body.intent.verb().refusal_code(), FailureReason::NoCard);
                let error =
                    LockError::new(code, reason, RetryAdvice::Never, "nobody came with a card in time");
                return self.refused(op, index, error).await;
            }
            if !in_time(&pending) {
                return self.look_at_pending(op, index, kind, &pending).await;
            }
            // A person has come, perhaps with the card. Nothing was begun, so this is the first call again.
            let resend = step.lost_at.is_some();
            step_mut(op, index)?.waiting = None;
            self.mark_sent(op, index).await?;
            return Box::pin(self.call(op, index, kind, resend, None)).await;
        }
        // Sent by an earlier run that never came to record an answer: the latest call of it counts as lost.
        let step = step_mut(op, index)?;
        step.lost_at = step.lost_at.max(step.last_sent);
        let step = step_of(op, index)?;
        if is_begun_by_note(kind, step) && step.note.is_none() {
            return self.unsend(op, index).await;
        }
        match rule(kind, step.act) {
            AfterLost::Resend { within } if remembered(step, within, now) => {
                if let Some((effect, is_certain)) = self.seen(op, index).await? {
                    if is_certain || is_known_again(kind, step_of(op, index)?, now) {
                        step_mut(op, index)?.lost_at = None;
                    }
                    return self.record(op, index, effect).await;
                }
                if let Some(wait) = self.may_be_seen_in(step_of(op, index)?) {
                    return Err(not_settled().with_advice(RetryAdvice::After(wait)));
                }
                self.mark_sent(op, index).await?;
                Box::pin(self.call(op, index, kind, true, None)).await
            }
            AfterLost::Resend { .. } | AfterLost::Ask => self.ask(op, index, kind, None).await,
            AfterLost::Declare => self.declare(op, index).await,
        }
    }

    /// The card on which another grant of the same round stands: a credential has one.
    async fn card_of_siblings(
        &self,
        op: &Stored<ProgramRecord>,
        index: usize,
    ) -> Result<Option<Secret>, LockError> {
        let round = step_of(op, index)?.round;
        let given = |step: &&Step| {
            step.round == round && step.act == Act::Grant && step.state == StepState::Done && !step.undo
        };
        match op.value.body.steps.iter().find(given) {
            Some(step) => Ok(self.required_grant(step.order.grant).await?.value.opens_with().cloned()),
            None => Ok(None),
        }
    }

    /// Adds to the transaction that the first step of a program is about to be sent, unless it has to wait or the driver's note
    /// will say so.
    pub(super) async fn begin(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        transaction: &mut Transaction,
    ) -> Result<First, LockError> {
        let step = step_of(op, index)?;
        let is_left_alone = self.asked == Asked::InPassing && takes_any_card(kind, step);
        let waits = is_left_alone || step.not_before.is_some();
        if waits || step.state != StepState::Planned {
            return Ok(First::Waits);
        }
        if is_begun_by_note(kind, step) {
            return Ok(First::Noted);
        }
        put_sent(self.env, self.ledger, op, index, transaction).await?;
        Ok(First::Sent)
    }

    /// Writes down that the step is about to be sent.
    async fn mark_sent(&self, op: &mut Stored<ProgramRecord>, index: usize) -> Result<(), LockError> {
        let mut transaction = Transaction::new(self.env)?;
        put_sent(self.env, self.ledger, op, index, &mut transaction).await?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await
    }

    /// A driver that was to note something came back and has not: whatever it says is written down as that of a step that was
    /// sent; and so is what was to be written with the note.
    async fn catch_up(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        with: Option<Transaction>,
        is_applied: bool,
    ) -> Result<(), LockError> {
        let is_planned = step_of(op, index)?.state == StepState::Planned;
        if !is_planned || (with.is_none() && !is_applied) {
            return Ok(());
        }
        let mut transaction = match with {
            Some(transaction) => transaction,
            None => Transaction::new(self.env)?,
        };
        if is_applied {
            put_sent(self.env, self.ledger, op, index, &mut transaction).await?;
        }
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await
    }

    /// Calls the driver and records what it says. What is still to be written goes `with` the driver's note, which comes before
    /// any effect.
    pub(super) async fn call(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        resend: bool,
        with: Option<Transaction>,
    ) -> Result<Ran, LockError> {
        let now_sent = step_of(op, index)?.clone();
        let call_key = format!("{}:{index}", op.value.key);
        let journal = StepJournal::new(self.env, self.ledger, op, index).with(with);
        let attempt = Attempt { resend, ..attempt(&now_sent, &call_key, &journal) };
        // A process that slept since it wrote this down sends nothing: another may have found out meanwhile that it is not there.
        if !op.value.is_leased(self.env.now()) {
            let message = "the operation was left alone for longer than its lease";
            let (code, reason) = (ErrorCode::StateConflict, FailureReason::InProgress);
            let advice = RetryAdvice::After(Duration::ZERO);
            return Err(LockError::new(code, reason, advice, message));
        }
        let answer = match self.effect(&now_sent, &attempt).await {
            // Nothing was begun, and only the store knows what of the note is written.
            Err(error) if journal.has_failed.into_inner() => return Err(error),
            answer => answer,
        };
        *op = journal.op.into_inner();
        let is_unknown = answer.as_ref().is_err_and(|error| error.advice() == RetryAdvice::OutcomeUnknown);
        self.catch_up(op, index, journal.with.into_inner(), answer.is_ok() || is_unknown).await?;
        if !is_unknown {
            let step = step_mut(op, index)?;
            step.unanswered = step.unanswered.saturating_sub(1);
        }
        match answer {
            Ok(effect) => {
                let is_granted = matches!(effect, Effect::Granted(_));
                if is_granted && is_known_again(kind, step_of(op, index)?, self.env.now()) {
                    step_mut(op, index)?.lost_at = None;
                }
                self.record(op, index, effect).await
            }
            Err(error) => self.not_done(op, index, kind, error).await,
        }
    }

    async fn effect(&self, step: &Step, attempt: &Attempt<'_>) -> Result<Effect, LockError> {
        let one = |answer: Answer<Granted>| match answer {
            Answer::Done(granted) => Effect::Granted(vec![granted]),
            Answer::Pending(pending) => Effect::Pending(pending),
        };
        match step.act {
            Act::Grant => self.driver.grant(&step.order, attempt).await.map(one),
            Act::Amend => {
                let held = self.required_grant(step.order.grant).await?.value.held;
                self.driver.amend(&held, &step.order, attempt).await.map(one)
            }
            Act::Withdraw(why) => {
                let held = self.required_grant(step.order.grant).await?.value.held;
                let shared = self.shared(&held).await?;
                let withdrawal = Withdrawal { held, why, shared, at: step.order.at };
                match self.driver.withdraw(&withdrawal, attempt).await? {
                    Answer::Done(withdrawn) => Ok(Effect::Withdrawn(withdrawn)),
                    Answer::Pending(pending) => Ok(Effect::Pending(pending)),
                }
            }
        }
    }

    /// The call failed. What that means depends on whether an earlier call of the step may have had its effect.
    async fn not_done(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        error: LockError,
    ) -> Result<Ran, LockError> {
        let earlier_lost = step_of(op, index)?.lost_at.is_some();
        match error.advice() {
            // "No" after a lost call may be the vendor's answer to our own first call: look before believing.
            RetryAdvice::Never if earlier_lost => self.ask(op, index, kind, Some(error)).await,
            RetryAdvice::Never => self.refused(op, index, error).await,
            RetryAdvice::NotApplied | RetryAdvice::After(_) => {
                if !earlier_lost {
                    self.unsend(op, index).await?;
                }
                Err(error)
            }
            RetryAdvice::OutcomeUnknown => {
                let step = step_mut(op, index)?;
                step.lost_at = step.last_sent;
                if rule(kind, step.act) == AfterLost::Declare {
                    return self.declare(op, index).await;
                }
                self.save(op).await?;
                Err(error)
            }
        }
    }

    /// Certainly nothing is there: the step is as if it had never been sent, and so is what it would have made.
    pub(super) async fn unsend(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
    ) -> Result<Ran, LockError> {
        let mut transaction = Transaction::new(self.env)?;
        let step = step_mut(op, index)?;
        step.state = StepState::Planned;
        step.lost_at = None;
        step.unanswered = 0;
        step.note = None;
        let (act, grant, serial) = (step.act, step.order.grant, step.order.serial);
        self.forget(act, grant, serial, &mut transaction).await?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
        Ok(Ran::Settled)
    }

    async fn forget(
        &self,
        act: Act,
        grant: GrantId,
        serial: u64,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        match act {
            Act::Grant => {
                if let Some(grant) = self.grant_record(grant).await? {
                    transaction.delete(&grant);
                }
            }
            Act::Amend => {
                let mut grant = self.required_grant(grant).await?;
                grant.value.held.maybe.retain(|maybe| maybe.serial != serial);
                transaction.put(&mut grant)?;
            }
            Act::Withdraw(_) => {}
        }
        Ok(())
    }

    /// The vendor said no and nothing is there.
    pub(super) async fn refused(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        error: LockError,
    ) -> Result<Ran, LockError> {
        let mut transaction = Transaction::new(self.env)?;
        let step = step_mut(op, index)?;
        step.state = StepState::Refused;
        step.lost_at = None;
        let (act, grant, serial) = (step.act, step.order.grant, step.order.serial);
        self.forget(act, grant, serial, &mut transaction).await?;
        op.value.body.failure.get_or_insert(error);
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
        Ok(Ran::Settled)
    }

    /// Nobody can tell, and nobody ever will: a person decides.
    pub(super) async fn declare(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
    ) -> Result<Ran, LockError> {
        step_mut(op, index)?.state = StepState::Unknown;
        self.save(op).await?;
        Ok(Ran::Settled)
    }

    /// Writes the vendor's answer down. This process holds the only copy.
    pub(super) async fn record(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        effect: Effect,
    ) -> Result<Ran, LockError> {
        let mut transaction = Transaction::new(self.env)?;
        let body = &mut op.value.body;
        let step = body.steps.get_mut(index).ok_or(StoreError::Corrupt)?;
        let order = step.order.clone();
        let act = step.act;
        let mut extra = Vec::new();
        match effect {
            Effect::Pending(pending) => {
                let then = pending.ask_after;
                let known = step.waiting.take().and_then(|before| before.reference);
                let reference = pending.reference.clone().or(known);
                let job = reference.clone().filter(|_| act == Act::Grant);
                step.waiting = Some(Pending { reference, ..pending });
                if job.is_some() {
                    let mut grant = self.required_grant(order.grant).await?;
                    grant.value.held.job = job;
                    transaction.put(&mut grant)?;
                }
                transaction.put(op)?;
                transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
                return Ok(Ran::Waiting(then));
            }
            Effect::Granted(mut all) => {
                let mut grant = self.required_grant(order.grant).await?;
                extra = all.split_off(1.min(all.len()));
                let Some(granted) = all.pop() else { return Err(StoreError::Corrupt.into()) };
                body.warnings.extend(warnings_of(&order, &granted));
                if !order.window.covers(&granted.effective) {
                    let message = "the vendor gave a wider window than was ordered; it is taken back";
                    let code = body.intent.verb().refusal_code();
                    let wider =
                        LockError::new(code, FailureReason::WiderThanOrdered, RetryAdvice::Never, message);
                    body.failure.get_or_insert(wider);
                }
                adopt(&mut grant.value, &order, granted);
                transaction.put(&mut grant)?;
            }
            Effect::Withdrawn(Withdrawn { proof, warnings }) => {
                let mut grant = self.required_grant(order.grant).await?;
                grant.value.proof = Some(proof);
                grant.value.state = match (proof, act) {
                    (Proof::ExpiresOnly, _) => GrantState::Expiring,
                    (_, Act::Withdraw(WhyWithdraw::Suspend)) => GrantState::Withheld,
                    _ => GrantState::Withdrawn,
                };
                transaction.put(&mut grant)?;
                body.warnings.extend(warnings);
            }
        }
        step.state = StepState::Done;
        step.waiting = None;
        // What was found besides the one that was adopted opens the door too: it goes.
        let round = step.round;
        for granted in extra {
            // Under a marker that nothing bears: what is swept by marker must not take the adopted one along.
            let grant = GrantId::from_ulid(self.env.ulid()?);
            let order = GrantOrder { grant, marker: marker(grant), ..order.clone() };
            let mut double = GrantRecord { is_unmarked: true, ..sent_grant(order.clone()) };
            adopt(&mut double, &order, granted);
            transaction.put(&mut Stored::fresh(double))?;
            body.steps.push(Step { undo: true, ..Step::new(Act::Withdraw(WhyWithdraw::Undo), order, round) });
        }
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
        Ok(Ran::Settled)
    }

    pub(super) async fn save(&self, op: &mut Stored<ProgramRecord>) -> Result<(), LockError> {
        let mut transaction = Transaction::new(self.env)?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await
    }

    async fn grant_record(&self, id: GrantId) -> Result<Option<Stored<GrantRecord>>, LockError> {
        Ok(Stored::read(self.ledger.store(), self.ledger.partition(), &id.to_string()).await?)
    }

    pub(super) async fn required_grant(&self, id: GrantId) -> Result<Stored<GrantRecord>, LockError> {
        self.grant_record(id).await?.ok_or_else(|| StoreError::Corrupt.into())
    }

    /// The doors of a grant that other live grants of ours still need.
    async fn shared(&self, held: &Held) -> Result<Vec<LockDeviceId>, LockError> {
        let mut shared = Vec::new();
        for door in &held.order.doors {
            let term = super::record::term_of_door(*door);
            let there =
                Stored::<GrantRecord>::find(self.ledger.store(), self.ledger.partition(), &term).await?;
            if there.iter().any(|other| other.value.held.order.grant != held.order.grant) {
                shared.push(*door);
            }
        }
        Ok(shared)
    }
}

/// Adds that the step is about to be sent: the intent, and what may be there from now on.
async fn put_sent(
    env: &Env,
    ledger: &Ledger,
    op: &mut Stored<ProgramRecord>,
    index: usize,
    transaction: &mut Transaction,
) -> Result<(), LockError> {
    let now = env.now();
    op.value.renew(now);
    let step = step_mut(op, index)?;
    step.state = StepState::Sent;
    step.first_sent.get_or_insert(now);
    step.last_sent = Some(now);
    step.unanswered = step.unanswered.saturating_add(1);
    let (act, order) = (step.act, step.order.clone());
    let id = order.grant.to_string();
    let known = || Stored::<GrantRecord>::read(ledger.store(), ledger.partition(), &id);
    match act {
        Act::Grant => {
            if known().await?.is_none() {
                let mut grant = sent_grant(order);
                grant.held.note.clone_from(&step.note);
                transaction.put(&mut Stored::fresh(grant))?;
            }
        }
        Act::Amend => {
            let mut grant = known().await?.ok_or(StoreError::Corrupt)?;
            let maybe = &mut grant.value.held.maybe;
            if !maybe.iter().any(|known| known.serial == order.serial) {
                maybe.push(order);
                transaction.put(&mut grant)?;
            }
        }
        Act::Withdraw(_) => {}
    }
    Ok(())
}

/// Whether the step counts as sent only when its driver has noted something: until then nothing was begun.
fn is_begun_by_note(kind: &Kind, step: &Step) -> bool {
    kind.recovery.notes_first && step.act == Act::Grant
}

/// When the last lost call of a program can no longer land.
pub(super) fn quiet_until(op: &ProgramRecord, late_by: Duration, now: Timestamp) -> Option<Timestamp> {
    let lost = op.body.steps.iter().filter_map(|step| step.lost_at).max()?;
    Some(plus(lost, late_by)).filter(|until| *until > now)
}

/// What a driver is told of a step beside its order.
pub(super) fn attempt<'a>(step: &'a Step, call_key: &'a str, journal: &'a dyn Journal) -> Attempt<'a> {
    let verb = match step.act {
        Act::Grant => Verb::Grant,
        Act::Amend => Verb::Amend,
        Act::Withdraw(_) => Verb::Withdraw,
    };
    let reference = step.waiting.as_ref().and_then(|pending| pending.reference.as_ref());
    let job = reference.map(|reference| Job { verb, reference });
    Attempt { noted: step.note.as_deref(), job, ..Attempt::first(call_key, journal) }
}

pub(super) fn step_of(op: &Stored<ProgramRecord>, index: usize) -> Result<&Step, StoreError> {
    op.value.body.steps.get(index).ok_or(StoreError::Corrupt)
}

pub(super) fn step_mut(op: &mut Stored<ProgramRecord>, index: usize) -> Result<&mut Step, StoreError> {
    op.value.body.steps.get_mut(index).ok_or(StoreError::Corrupt)
}

/// Whether the step writes on whatever card lies there: none is known to be the holder's yet.
fn takes_any_card(kind: &Kind, step: &Step) -> bool {
    kind.artifact == ArtifactSource::Card && step.act == Act::Grant && step.order.artifact.is_none()
}

const fn rule(kind: &Kind, act: Act) -> AfterLost {
    match act {
        Act::Grant => kind.recovery.grant,
        Act::Amend => kind.recovery.amend,
        Act::Withdraw(_) => kind.recovery.withdraw,
    }
}

/// Whether the vendor, by the key of the call, takes every try of this grant for the same: once it is there, a lost try that lands
/// brings no second.
pub(super) fn is_known_again(kind: &Kind, step: &Step, now: Timestamp) -> bool {
    let AfterLost::Resend { within: Some(within) } = kind.recovery.grant else { return false };
    step.act == Act::Grant && remembered(step, Some(within), plus(now, kind.recovery.late_by))
}

fn remembered(step: &Step, within: Option<Duration>, now: Timestamp) -> bool {
    let first = step.first_sent.unwrap_or(now);
    within.is_none_or(|within| now <= plus(first, within))
}

pub(super) fn plus(at: Timestamp, by: Duration) -> Timestamp {
    TimeDelta::from_std(by).ok().and_then(|by| at.checked_add_signed(by)).unwrap_or(Timestamp::MAX_UTC)
}

pub(super) fn until(then: Timestamp, now: Timestamp) -> Duration {
    then.signed_duration_since(now).to_std().unwrap_or_default()
}

fn sent_grant(order: GrantOrder) -> GrantRecord {
    let effective = order.window;
    let held = Held::by(order);
    let (state, is_unmarked) = (GrantState::Unknown, false);
    GrantRecord { held, state, artifact: None, effective, proof: None, is_unmarked }
}

/// What the vendor has is what it says it has, under the order it was given for.
fn adopt(record: &mut GrantRecord, order: &GrantOrder, granted: Granted) {
    record.held.order = order.clone();
    record.held.maybe.clear();
    record.held.reference = granted.reference.or_else(|| record.held.reference.take());
    record.artifact = granted.artifact.or_else(|| record.artifact.take());
    record.effective = granted.effective;
    record.proof = granted.proof;
    record.state = if order.blocked { GrantState::Suspended } else { GrantState::Live };
}

fn warnings_of(order: &GrantOrder, granted: &Granted) -> Vec<Warning> {
    let mut warnings = granted.warnings.clone();
    if granted.effective != order.window {
        let detail = format!("in force: {:?}", granted.effective);
        warnings.push(Warning { code: WarningCode::WindowNarrowed, detail });
    }
    if let Some(by) = granted.dies_unless_used_by {
        warnings.push(Warning { code: WarningCode::DiesUnlessUsed, detail: by.to_rfc3339() });
    }
    warnings
}

/// Whether an operation may be stopped where it is: everything but a revoke, which is always carried through.
pub(super) const fn can_be_turned(intent: &Intent) -> bool {
    !matches!(intent, Intent::Revoke(_))
}

/// Where a driver writes down what a later try must know: into its own step, durably.
#[derive(Debug)]
pub(super) struct StepJournal<'a> {
    env: &'a Env,
    ledger: &'a Ledger,
    op: Mutex<Stored<ProgramRecord>>,
    index: usize,
    /// What is written with the first note.
    with: Mutex<Option<Transaction>>,
    /// Whether the note that was to begin the step could not be written.
    has_failed: AtomicBool,
}

impl<'a> StepJournal<'a> {
    pub(super) fn new(env: &'a Env, ledger: &'a Ledger, op: &Stored<ProgramRecord>, index: usize) -> Self {
        Self {
            env,
            ledger,
            op: Mutex::new(op.clone()),
            index,
            with: Mutex::new(None),
            has_failed: AtomicBool::new(false),
        }
    }

    fn with(self, with: Option<Transaction>) -> Self {
        Self { with: Mutex::new(with), ..self }
    }

    async fn put_note(&self, op: &mut Stored<ProgramRecord>, note: &str) -> Result<(), LockError> {
        let step = step_mut(op, self.index)?;
        step.note = Some(note.to_owned());
        let is_first = step.state == StepState::Planned;
        let grant = step.order.grant.to_string();
        let mut transaction = match self.with.lock().await.take() {
            Some(transaction) => transaction,
            None => Transaction::new(self.env)?,
        };
        if is_first {
            put_sent(self.env, self.ledger, op, self.index, &mut transaction).await?;
        } else {
            // With the grant too: who takes it away later has no step to read.
            let found =
                Stored::<GrantRecord>::read(self.ledger.store(), self.ledger.partition(), &grant).await?;
            if let Some(mut grant) = found {
                grant.value.held.note = Some(note.to_owned());
                transaction.put(&mut grant)?;
            }
        }
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await
    }
}

#[async_trait]
impl Journal for StepJournal<'_> {
    async fn write(&self, note: &str) -> Result<(), LockError> {
        let mut op = self.op.lock().await;
        let is_first = step_of(&op, self.index)?.state == StepState::Planned;
        let written = self.put_note(&mut op, note).await;
        self.has_failed.store(is_first && written.is_err(), Ordering::Relaxed);
        written
    }
}
