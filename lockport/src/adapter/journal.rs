//! What is written before a step is sent: that it is, and what its driver notes for a later try.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::lock::Mutex;

use super::engine::{step_mut, step_of};
use super::record::{Act, GrantRecord, ProgramRecord, StepState};
use super::settled::sent_grant;
use crate::driver::Journal;
use crate::env::Env;
use crate::error::LockError;
use crate::store::ledger::Ledger;
use crate::store::{StoreError, Stored, Transaction};

/// Adds that the step is about to be sent: the intent, and what may be there from now on.
pub(super) async fn put_sent(
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

    pub(super) fn with(self, with: Option<Transaction>) -> Self {
        Self { with: Mutex::new(with), ..self }
    }

    /// What of the operation is written down when the driver is back.
    pub(super) fn into_written(self) -> Written {
        let Self { op, with, has_failed, .. } = self;
        Written { op: op.into_inner(), left: with.into_inner(), has_failed: has_failed.into_inner() }
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

/// What a driver has left when it is back.
pub(super) struct Written {
    /// The operation, with the driver's notes.
    pub(super) op: Stored<ProgramRecord>,
    /// What was to be written with the first note, when there was none.
    pub(super) left: Option<Transaction>,
    /// Whether the note that was to begin the step could not be written.
    pub(super) has_failed: bool,
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
