//! The end of an operation: what came of its steps, for the credential, its grants and the host.

use std::ops::ControlFlow;

use super::Adapter;
use super::answer::{Run, delivery};
use super::engine::quiet_until;
use super::record::{
    CredentialState, GrantRecord, GrantState, Intent, Outcome, ProgramRecord, Snapshot, Step, StepState,
};
use crate::credential::{Proof, SuspendMethod, Verdict};
use crate::driver::{Suspend, VendorDriver};
use crate::error::{FailureReason, LockError};
use crate::id::KeyCredentialId;
use crate::store::ledger::REMEMBERED;
use crate::store::{StoreError, Stored, Transaction};
use crate::validity::Timestamp;

impl<D: VendorDriver> Adapter<D> {
    /// Every step is done: the outcome. It goes on when a revoke has to act once more, because a lost call may still land.
    pub(super) async fn done(
        &self,
        mut op: Stored<ProgramRecord>,
    ) -> Result<ControlFlow<Run, Stored<ProgramRecord>>, LockError> {
        let id = op.value.body.intent.credential();
        let own = self.own(id).await?;
        let outcome = match &op.value.body.intent {
            Intent::Issue(_) | Intent::Update(_) | Intent::Unsuspend(_) => {
                let mut content = op.value.body.target.clone().ok_or(StoreError::Corrupt)?;
                if matches!(op.value.body.intent, Intent::Issue(_)) {
                    content.issued_at = self.env.now();
                }
                let vendor_ref_hash = self.hash_of_all(&own).await?;
                Outcome::Given(Box::new(Snapshot { delivery: delivery(&own), content, vendor_ref_hash }))
            }
            // What did not happen to a credential that is there leaves it as it was.
            Intent::Settle(input)
                if input.verdict == Verdict::DidNotHappen && self.was_never_issued(id).await? =>
            {
                Outcome::NotThere
            }
            Intent::Settle(_) => {
                let content = op.value.body.target.clone().ok_or(StoreError::Corrupt)?;
                let vendor_ref_hash = self.hash_of_all(&own).await?;
                Outcome::Given(Box::new(Snapshot { delivery: delivery(&own), content, vendor_ref_hash }))
            }
            Intent::Suspend(_) => {
                let kind =
                    op.value.body.target.as_ref().and_then(|content| self.descriptor.kind(content.kind));
                let native = kind.is_some_and(|kind| kind.suspend == Suspend::Native);
                let how = if native { SuspendMethod::Native } else { SuspendMethod::Emulated };
                let touched = own.iter().filter(|grant| grant.state != GrantState::Withdrawn);
                let proof = touched
                    .map(|grant| grant.proof.unwrap_or(Proof::AtVendor))
                    .min()
                    .unwrap_or(Proof::AtLock);
                Outcome::Suspended { how, proof }
            }
            Intent::Revoke(_) => {
                let outcome = self.revoked(&own);
                // A call that this revoke went through may have landed after something was withdrawn.
                let too_early = |step: &Step, quiet| {
                    step.state == StepState::Done && step.last_sent.is_some_and(|at| at < quiet)
                };
                if let Some(quiet) = op.value.quiet_until
                    && op.value.body.round == 0
                    && op.value.body.steps.iter().any(|step| too_early(step, quiet))
                {
                    self.act_once_more(&mut op, outcome, quiet).await?;
                    return Ok(ControlFlow::Continue(op));
                }
                outcome
            }
        };
        self.settle(op, outcome).await.map(ControlFlow::Break)
    }

    async fn was_never_issued(&self, id: KeyCredentialId) -> Result<bool, LockError> {
        let record = self.credential(id).await?.ok_or(StoreError::Corrupt)?;
        Ok(record.value.state == CredentialState::Failed)
    }

    /// The weakest proof of all grants, and when the last of them certainly opens nothing.
    fn revoked(&self, own: &[GrantRecord]) -> Outcome {
        let now = self.env.now();
        let proof =
            own.iter().map(|grant| grant.proof.unwrap_or(Proof::AtVendor)).min().unwrap_or(Proof::AtLock);
        let still_open = own.iter().filter(|grant| grant.state == GrantState::Expiring);
        let effective_by =
            still_open.map(|grant| grant.effective.until()).max().map_or(now, |until| until.max(now));
        Outcome::Revoked { proof, effective_by }
    }

    fn own_quiet(&self, op: &ProgramRecord) -> Option<Timestamp> {
        let late_by = op.body.steps.iter().filter_map(|step| self.descriptor.kind(step.order.kind));
        let late_by = late_by.map(|kind| kind.recovery.late_by).max()?;
        quiet_until(op, late_by, self.env.now())
    }

    /// Withdraws everything again when the lost call can no longer land; the host has its answer until then.
    async fn act_once_more(
        &self,
        op: &mut Stored<ProgramRecord>,
        outcome: Outcome,
        quiet: Timestamp,
    ) -> Result<(), LockError> {
        let program = &mut op.value.body;
        let first: Vec<Step> = program.current().cloned().collect();
        program.round = program.round.saturating_add(1);
        let again = first
            .into_iter()
            .map(|step| Step { not_before: Some(quiet), ..Step::new(step.act, step.order, program.round) });
        program.steps.extend(again.collect::<Vec<_>>());
        program.outcome = Some(outcome.clone());
        let mut transaction = Transaction::new(&self.env)?;
        self.conclude(op, &outcome, &mut transaction).await?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await
    }

    /// Ends the operation with this outcome.
    pub(super) async fn settle(
        &self,
        mut op: Stored<ProgramRecord>,
        outcome: Outcome,
    ) -> Result<Run, LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        let ends = self.conclude(&mut op, &outcome, &mut transaction).await?;
        op.value.body.outcome = Some(outcome);
        op.value.quiet_until = op.value.quiet_until.max(self.own_quiet(&op.value));
        let from_now = self.env.now().checked_add_signed(REMEMBERED);
        let keep_until = ends.max(from_now).unwrap_or(Timestamp::MAX_UTC);
        self.ledger.settle(&mut op, keep_until, &mut transaction).await?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
        Ok(Run { program: op.value.body, waits_until: None })
    }

    /// Writes down what an outcome means for the credential and its grants; until when the credential is remembered.
    async fn conclude(
        &self,
        op: &mut Stored<ProgramRecord>,
        outcome: &Outcome,
        transaction: &mut Transaction,
    ) -> Result<Option<Timestamp>, LockError> {
        let intent = &op.value.body.intent;
        let mut credential = self.credential(intent.credential()).await?.ok_or(StoreError::Corrupt)?;
        let record = &mut credential.value;
        match outcome {
            Outcome::Given(snapshot) => {
                record.content = Some(snapshot.content.clone());
                record.declared = None;
                let settled = matches!(intent, Intent::Settle(_)) && record.state != CredentialState::Failed;
                if !matches!(intent, Intent::Update(_)) && !settled {
                    record.state = CredentialState::Active;
                }
                if matches!(intent, Intent::Unsuspend(_)) {
                    // What was kept here has its successors now.
                    for mut grant in self.grants_of(intent.credential()).await? {
                        if grant.value.state == GrantState::Withheld {
                            grant.value.state = GrantState::Withdrawn;
                            transaction.put(&mut grant)?;
                        }
                    }
                }
            }
            Outcome::Revoked { proof, effective_by } => {
                record.state = CredentialState::Revoked;
                record.revoked = Some((*proof, *effective_by));
            }
            Outcome::Suspended { .. } => record.state = CredentialState::Suspended,
            Outcome::Failed(_) if matches!(intent, Intent::Issue(_)) => {
                record.state = CredentialState::Failed
            }
            Outcome::Failed(error)
                if matches!(intent, Intent::Update(_)) && error.reason() == FailureReason::OutcomeUnknown =>
            {
                record.declared = op.value.body.target.clone().map(Box::new);
            }
            Outcome::Failed(_) | Outcome::NotThere => {}
        }
        transaction.put(&mut credential)?;
        Ok(credential.value.keep_until())
    }
}
