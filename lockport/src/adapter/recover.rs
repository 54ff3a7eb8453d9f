//! Recovery: looking at the vendor for what became of a step whose answer was lost, or is still to come.

use std::time::Duration;

use chrono::TimeDelta;

use super::engine::{Effect, Engine, Ran, StepJournal, plus, step_mut, step_of, until};
use super::record::{Act, ProgramRecord, StepState};
use crate::credential::Proof;
use crate::driver::{Attempt, Found, Kind, Pending, VendorDriver, Withdrawn};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::store::Stored;
use crate::validity::Timestamp;

/// How long a pending step is left alone between two looks when the vendor names no time.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);

impl<D: VendorDriver> Engine<'_, D> {
    /// Looks at the vendor for what a lost call left. `refusal` is what the vendor said to a later call, not yet believed.
    pub(super) async fn ask(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        refusal: Option<LockError>,
    ) -> Result<Ran, LockError> {
        let found = self.look(op, index).await?;
        let step = step_of(op, index)?;
        let withdraws = matches!(step.act, Act::Withdraw(_));
        let settled_at = step.lost_at.map(|lost| plus(lost, kind.recovery.late_by));
        match found {
            Found::Present(granted) if !withdraws && !granted.is_empty() => {
                step_mut(op, index)?.lost_at = None;
                self.record(op, index, Effect::Granted(granted)).await
            }
            Found::Absent if withdraws => {
                step_mut(op, index)?.lost_at = None;
                self.record(
                    op,
                    index,
                    Effect::Withdrawn(Withdrawn { proof: Proof::AtVendor, warnings: Vec::new() }),
                )
                .await
            }
            Found::CannotTell => {
                Err(refusal.unwrap_or_else(not_settled).with_advice(RetryAdvice::OutcomeUnknown))
            }
            // Not there (or still there) while a call may yet land: too early to say.
            _ if settled_at.is_some_and(|settled| settled > self.env.now()) => {
                let wait = settled_at.map_or(Duration::ZERO, |settled| until(settled, self.env.now()));
                Err(refusal.unwrap_or_else(not_settled).with_advice(RetryAdvice::After(wait)))
            }
            found => match (refusal, found) {
                (Some(error), found) => self.refused_with(op, index, found, error).await,
                (None, Found::Absent) if !withdraws => self.unsend(op, index).await,
                (None, _) => {
                    step_mut(op, index)?.state = StepState::Again;
                    self.save(op).await?;
                    Ok(Ran::Settled)
                }
            },
        }
    }

    /// A step that was accepted: is it so by now?
    pub(super) async fn look_at_pending(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        pending: &Pending,
    ) -> Result<Ran, LockError> {
        let now = self.env.now();
        if now < pending.ask_after {
            return Ok(Ran::Waiting(pending.ask_after));
        }
        let found = self.look(op, index).await?;
        let withdraws = matches!(step_of(op, index)?.act, Act::Withdraw(_));
        match found {
            Found::Present(granted) if !withdraws && !granted.is_empty() => {
                self.record(op, index, Effect::Granted(granted)).await
            }
            Found::Absent if withdraws => {
                let proof = kind.best_proof;
                self.record(op, index, Effect::Withdrawn(Withdrawn { proof, warnings: Vec::new() })).await
            }
            Found::CannotTell if now >= pending.give_up_at => self.declare(op, index).await,
            // Still there. Perhaps a lost call brought it after the vendor had done its work; a taking away is never given up.
            _ if withdraws && (now >= pending.give_up_at || brought_late(op, index, now)) => {
                let step = step_mut(op, index)?;
                step.waiting = None;
                step.state = StepState::Again;
                self.save(op).await?;
                Ok(Ran::Settled)
            }
            found if now >= pending.give_up_at => {
                let message = "the vendor accepted it and never did it";
                let code = op.value.body.intent.verb().refusal_code();
                let error = LockError::new(code, FailureReason::Timeout, RetryAdvice::Never, message);
                self.refused_with(op, index, found, error).await
            }
            _ => {
                let ask_after = now.checked_add_signed(LOOK_AGAIN).unwrap_or(now);
                step_mut(op, index)?.waiting = Some(Pending { ask_after, ..pending.clone() });
                self.save(op).await?;
                Ok(Ran::Waiting(ask_after))
            }
        }
    }

    /// Refused; and what was found there counts. What is done by half counts as given, so that it is taken back.
    async fn refused_with(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        found: Found,
        error: LockError,
    ) -> Result<Ran, LockError> {
        let step = step_mut(op, index)?;
        if step.act != Act::Grant || !matches!(found, Found::Otherwise) {
            return self.refused(op, index, error).await;
        }
        step.state = StepState::Done;
        op.value.body.failure.get_or_insert(error);
        self.save(op).await?;
        Ok(Ran::Settled)
    }

    async fn look(&self, op: &Stored<ProgramRecord>, index: usize) -> Result<Found, LockError> {
        let step = step_of(op, index)?;
        let call_key = format!("{}:{index}", op.value.key);
        let journal = StepJournal::new(self.env, self.ledger, op, index);
        let attempt =
            Attempt { call_key: &call_key, resend: true, noted: step.note.as_deref(), journal: &journal };
        self.driver.find(&step.order, &attempt).await
    }
}

/// Whether a call that this operation goes through could have landed since the step was last sent.
fn brought_late(op: &Stored<ProgramRecord>, index: usize, now: Timestamp) -> bool {
    let sent = step_of(op, index).ok().and_then(|step| step.last_sent);
    op.value.quiet_until.is_some_and(|quiet| quiet <= now && sent.is_none_or(|sent| sent < quiet))
}

fn not_settled() -> LockError {
    let message = "an earlier call got no answer and may still take effect";
    LockError::new(
        ErrorCode::VendorUnreachable,
        FailureReason::OutcomeUnknown,
        RetryAdvice::OutcomeUnknown,
        message,
    )
}
