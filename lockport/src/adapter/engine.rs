//! The engine: carries a stored program out, one step at a time, and finds out what became of a step whose answer was lost.
//!
//! Every step is written down as sent before it is sent, and its answer before the next one. So whatever dies, dies between
//! two writes, and the next run knows which one. What it does then is the descriptor's rule for that verb: send again, look
//! (`recover`), or say that nobody can tell.

use std::time::Duration;

use chrono::TimeDelta;

use super::journal::{StepJournal, Written, put_sent};
use super::record::{
    Act, CredentialRecord, CredentialState, GrantRecord, GrantState, Intent, ProgramRecord, Step, StepState,
    term_of_beside, term_of_credential, waits_for_card,
};
use super::recover::not_settled;
use crate::driver::{
    AfterLost, Answer, ArtifactSource, Attempt, GrantOrder, Granted, Held, Job, Journal, Kind, LeaseSpan,
    Pending, Reach, VendorDriver, Verb, Withdrawal, Withdrawn,
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
            let not_before = step.not_before.max(self.not_swept_before(op, step));
            if let Some(then) = not_before.filter(|then| *then > now) {
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
                if let Some(wait) = self.may_be_seen_in(step_of(op, index)?, kind) {
                    return Err(not_settled().with_advice(RetryAdvice::After(wait)));
                }
                self.mark_sent(op, index).await?;
                Box::pin(self.call(op, index, kind, true, None)).await
            }
            AfterLost::Resend { .. } | AfterLost::Ask => self.ask(op, index, kind, None).await,
            AfterLost::Declare => self.declare(op, index).await,
        }
    }

    /// Until when a lost withdrawal of the same operation could take along what this step gives: where the vendor has it that one
    /// operation waits until another is settled, a step waits for the steps before it too.
    fn not_swept_before(&self, op: &Stored<ProgramRecord>, step: &Step) -> Option<Timestamp> {
        let names = |step: &Step| {
            let GrantOrder { kind, doors, at, .. } = &step.order;
            let keys = self.driver.lease_keys(&Reach { kind: *kind, doors, at: *at });
            keys.into_iter().filter(|key| key.span == LeaseSpan::UntilSettled).map(|key| key.name)
        };
        let is_in_reach = |other: &&Step| names(other).any(|name| names(step).any(|own| own == name));
        let lands_by = |other: &Step| {
            let late_by = self.driver.describe().kind(other.order.kind)?.recovery.late_by;
            Some(plus(other.lost_at?, late_by))
        };
        let gives = step.gives();
        let is_lost = |other: &&Step| matches!(other.act, Act::Withdraw(_)) && other.lost_at.is_some();
        let lost = op.value.body.steps.iter().filter(|other| gives && is_lost(other));
        lost.filter(is_in_reach).filter_map(lands_by).max()
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
        let beside = self.held_beside(&op.value, &now_sent, kind).await?;
        let attempt = Attempt { resend, beside: &beside, ..attempt(&now_sent, &call_key, &journal) };
        // A process that slept since it wrote this down sends nothing: another may have found out meanwhile that it is not there.
        if !op.value.is_leased(self.env.now()) {
            let message = "the operation was left alone for longer than its lease";
            let (code, reason) = (ErrorCode::StateConflict, FailureReason::InProgress);
            let advice = RetryAdvice::After(Duration::ZERO);
            return Err(LockError::new(code, reason, advice, message));
        }
        let answer = self.effect(&now_sent, &attempt).await;
        let Written { op: written, left, has_failed } = journal.into_written();
        // Nothing was begun, and only the store knows what of the note is written.
        if has_failed && let Err(error) = answer {
            return Err(error);
        }
        *op = written;
        let is_unknown = answer.as_ref().is_err_and(|error| error.advice() == RetryAdvice::OutcomeUnknown);
        self.catch_up(op, index, left, answer.is_ok() || is_unknown).await?;
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
        if error.advice() != RetryAdvice::OutcomeUnknown {
            // It is answered: only what was lost before it can still land, and no later than it could.
            let step = step_mut(op, index)?;
            step.last_sent = step.lost_at;
        }
        match error.advice() {
            // "No" after a lost call may be the vendor's answer to our own first call: look before believing.
            RetryAdvice::Never if earlier_lost => self.ask(op, index, kind, Some(error)).await,
            RetryAdvice::Never => self.refused(op, index, error).await,
            RetryAdvice::NotApplied | RetryAdvice::After(_) => {
                if earlier_lost {
                    self.save(op).await?;
                } else {
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

    pub(super) async fn save(&self, op: &mut Stored<ProgramRecord>) -> Result<(), LockError> {
        let mut transaction = Transaction::new(self.env)?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await
    }

    pub(super) async fn grant_record(&self, id: GrantId) -> Result<Option<Stored<GrantRecord>>, LockError> {
        Ok(Stored::read(self.ledger.store(), self.ledger.partition(), &id.to_string()).await?)
    }

    pub(super) async fn required_grant(&self, id: GrantId) -> Result<Stored<GrantRecord>, LockError> {
        self.grant_record(id).await?.ok_or_else(|| StoreError::Corrupt.into())
    }

    /// What may stand of the keys that this one is to be beside, whichever of them was told so, where a card is taken for it. A card
    /// that is named is taken by whoever named it.
    async fn held_beside(
        &self,
        program: &ProgramRecord,
        step: &Step,
        kind: &Kind,
    ) -> Result<Vec<Held>, LockError> {
        let takes_any =
            step.act == Act::Grant && kind.artifact == ArtifactSource::Card && step.order.artifact.is_none();
        let mut held = Vec::new();
        let Some(content) = program.body.target.as_ref().filter(|_| takes_any) else { return Ok(held) };
        let (store, partition) = (self.ledger.store(), self.ledger.partition());
        let term = term_of_beside(step.order.credential);
        let others = Stored::<CredentialRecord>::find(store, partition, &term).await?;
        for credential in content.beside.iter().copied().chain(others.iter().map(|other| other.value.id)) {
            let known = Stored::<CredentialRecord>::read(store, partition, &credential.to_string()).await?;
            let is_revoked = known.is_some_and(|known| known.value.state == CredentialState::Revoked);
            let term = term_of_credential(credential);
            let there = Stored::<GrantRecord>::find(store, partition, &term).await?;
            let may_stand = |grant: &GrantRecord| {
                let mut orders = std::iter::once(&grant.held.order).chain(&grant.held.maybe);
                let is_gone = match grant.state {
                    GrantState::Withdrawn => true,
                    // Wiped, and kept for its holder until the key ends.
                    GrantState::Withheld => is_revoked,
                    _ => false,
                };
                !is_gone && orders.any(|order| !order.window.is_over(self.env.now()))
            };
            held.extend(there.into_iter().map(|grant| grant.value).filter(may_stand).map(|grant| grant.held));
        }
        Ok(held)
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

/// Whether an operation may be stopped where it is: everything but a revoke, which is always carried through.
pub(super) const fn can_be_turned(intent: &Intent) -> bool {
    !matches!(intent, Intent::Revoke(_))
}
