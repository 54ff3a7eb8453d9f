//! What is written when a step is settled: what the vendor gave or took, that it said no, or that nothing was begun.

use super::engine::{Effect, Engine, Ran, step_mut};
use super::plan::marker;
use super::record::{Act, GrantRecord, GrantState, ProgramRecord, Step, StepState};
use crate::credential::{Proof, Warning, WarningCode};
use crate::driver::{GrantOrder, Granted, Held, Pending, VendorDriver, WhyWithdraw, Withdrawn};
use crate::error::{FailureReason, LockError, RetryAdvice};
use crate::id::GrantId;
use crate::store::{StoreError, Stored, Transaction};

impl<D: VendorDriver> Engine<'_, D> {
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
}

pub(super) fn sent_grant(order: GrantOrder) -> GrantRecord {
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
