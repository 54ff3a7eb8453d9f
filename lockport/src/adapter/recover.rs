//! Recovery: looking at the vendor for what became of a step whose answer was lost, or is still to come.

use std::time::Duration;

use chrono::TimeDelta;

use super::engine::{Effect, Engine, Ran, attempt, is_known_again, plus, step_mut, step_of, until};
use super::journal::StepJournal;
use super::record::{Act, GrantRecord, GrantState, ProgramRecord, Step, StepState};
use crate::credential::Proof;
use crate::driver::{Attempt, Found, Kind, Pending, VendorDriver, Withdrawn};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::store::Stored;
use crate::validity::Timestamp;

/// How long a pending step is left alone between two looks when the vendor names no time.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// How soon after a lost call a second look makes sense; the third comes after as long again, and so on.
const LOOK_SOON: Duration = Duration::from_secs(5);

impl<D: VendorDriver> Engine<'_, D> {
    /// Looks at the vendor for what a lost call left. `refusal` is what the vendor said to a later call, not yet believed.
    pub(super) async fn ask(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        refusal: Option<LockError>,
    ) -> Result<Ran, LockError> {
        let now = self.env.now();
        let step = step_of(op, index)?;
        let withdraws = matches!(step.act, Act::Withdraw(_));
        let settled_at = settled_at(step, kind);
        let (found, refusal) = told(self.look(op, index).await?, refusal, withdraws);
        match found {
            Found::Present(granted) if !withdraws && !granted.is_empty() => {
                step_mut(op, index)?.lost_at = None;
                self.record(op, index, Effect::Granted(granted)).await
            }
            Found::Absent if withdraws => {
                step_mut(op, index)?.lost_at = None;
                self.record(op, index, Effect::Withdrawn(gone_at_vendor())).await
            }
            Found::CannotTell => {
                Err(refusal.unwrap_or_else(not_settled).with_advice(RetryAdvice::OutcomeUnknown))
            }
            // Not there (or still there) while a call may yet land: too early to say.
            _ if settled_at.is_some_and(|settled| settled > now) => {
                let lost = step_of(op, index)?.lost_at.unwrap_or(now);
                // Only that it is not there has to wait so long: that it is there may be seen sooner.
                let soon = LOOK_SOON.max(until(now, lost));
                let wait = settled_at.map_or(Duration::ZERO, |settled| until(settled, now).min(soon));
                if refusal.is_some() {
                    self.save(op).await?;
                }
                Err(refusal.unwrap_or_else(not_settled).with_advice(RetryAdvice::After(wait)))
            }
            found => match (refusal, found) {
                // Also where something is to be taken away: it is there still, and the vendor says no.
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
        self.judge_pending(op, index, kind, pending, (found, None)).await
    }

    /// The vendor has called about a step that it had accepted; what it says is looked at, and its no is believed where nothing
    /// speaks against it.
    pub(super) async fn called_about(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        refused: Option<LockError>,
    ) -> Result<Ran, LockError> {
        let Some(pending) = step_of(op, index)?.waiting.clone() else { return Ok(Ran::Settled) };
        let found = self.look(op, index).await?;
        self.judge_pending(op, index, kind, &pending, (found, refused)).await
    }

    async fn judge_pending(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        kind: &Kind,
        pending: &Pending,
        (found, refused): (Found, Option<LockError>),
    ) -> Result<Ran, LockError> {
        let now = self.env.now();
        let step = step_of(op, index)?;
        let withdraws = matches!(step.act, Act::Withdraw(_));
        let may_land = settled_at(step, kind).filter(|settled| *settled > now);
        let is_over = now >= pending.give_up_at;
        let look_again = |then| Pending { ask_after: then, ..pending.clone() };
        match told(found, refused, withdraws) {
            (Found::Present(granted), _) if !withdraws && !granted.is_empty() => {
                if is_known_again(kind, step_of(op, index)?, now) {
                    step_mut(op, index)?.lost_at = None;
                }
                self.record(op, index, Effect::Granted(granted)).await
            }
            (Found::Absent, _) if withdraws => {
                let proof = kind.best_proof;
                self.record(op, index, Effect::Withdrawn(Withdrawn { proof, warnings: Vec::new() })).await
            }
            // Still there. Perhaps a lost call brought it after the vendor had done its work; a taking away is never given up.
            (_, refused) if withdraws && (is_over || refused.is_some() || brought_late(op, index, now)) => {
                let step = step_mut(op, index)?;
                step.waiting = None;
                step.state = StepState::Again;
                self.save(op).await?;
                Ok(Ran::Settled)
            }
            (found, Some(error)) => match may_land {
                None => self.refused_with(op, index, found, error).await,
                Some(then) => self.wait(op, index, look_again(then)).await,
            },
            (Found::CannotTell, None) if is_over => self.declare(op, index).await,
            (found, None) if is_over => {
                let message = "the vendor accepted it and never did it";
                let code = op.value.body.intent.verb().refusal_code();
                let error = LockError::new(code, FailureReason::Timeout, RetryAdvice::Never, message);
                self.refused_with(op, index, found, error).await
            }
            _ => self.wait(op, index, look_again(now.checked_add_signed(LOOK_AGAIN).unwrap_or(now))).await,
        }
    }

    async fn wait(
        &self,
        op: &mut Stored<ProgramRecord>,
        index: usize,
        pending: Pending,
    ) -> Result<Ran, LockError> {
        let then = pending.ask_after;
        step_mut(op, index)?.waiting = Some(pending);
        self.save(op).await?;
        Ok(Ran::Waiting(then))
    }

    /// What a look shows that the lost calls of a step have done, where a look may spare another call; and whether nothing of them
    /// is on its way any more: what was there is now as the step wants it, and only one call could have done that.
    ///
    /// One call that was lost is looked for where that would be certain; several are, because a vendor whose answers are lost time
    /// and again may do what it is told all the same.
    pub(super) async fn seen(
        &self,
        op: &Stored<ProgramRecord>,
        index: usize,
    ) -> Result<Option<(Effect, bool)>, LockError> {
        let step = step_of(op, index)?;
        let grant = self.required_grant(step.order.grant).await?.value;
        let is_certain = op.value.quiet_until.is_none() && is_only_change(step, &grant);
        // What was never seen there may be on its way still: that it is not there says nothing of its taking away.
        let may_come = matches!(step.act, Act::Withdraw(_)) && grant.state == GrantState::Unknown;
        if grant.is_unmarked || may_come || (!is_certain && step.unanswered < 2) {
            return Ok(None);
        }
        // A look that fails decides nothing.
        let effect = match (step.act, self.look(op, index).await) {
            (Act::Withdraw(_), Ok(Found::Absent)) => Effect::Withdrawn(gone_at_vendor()),
            (Act::Grant | Act::Amend, Ok(Found::Present(granted))) if !granted.is_empty() => {
                Effect::Granted(granted)
            }
            _ => return Ok(None),
        };
        Ok(Some((effect, is_certain)))
    }

    /// How long a lost change that takes nothing away may still be on its way to where a look can see it. It is given so long,
    /// once: sent again at once it would be under way twice, and nobody could say when the first of the two has landed. Where no
    /// call lands late, none is under way.
    pub(super) fn may_be_seen_in(&self, step: &Step, kind: &Kind) -> Option<Duration> {
        let gives = step.act == Act::Amend && !step.order.blocked && step.unanswered == 1;
        let seen_by = plus(step.last_sent.filter(|_| gives)?, LOOK_SOON.min(kind.recovery.late_by));
        Some(until(seen_by, self.env.now())).filter(|wait| !wait.is_zero())
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
        let attempt = Attempt { resend: true, ..attempt(step, &call_key, &journal) };
        self.driver.find(&step.order, &attempt).await
    }
}

/// The vendor was seen to have it no more.
const fn gone_at_vendor() -> Withdrawn {
    Withdrawn { proof: Proof::AtVendor, warnings: Vec::new() }
}

/// Whether the one call of this step that was lost is all that can have changed what was there.
fn is_only_change(step: &Step, grant: &GrantRecord) -> bool {
    let was_known = matches!(grant.state, GrantState::Live | GrantState::Suspended);
    let is_alone = grant.held.maybe.iter().all(|maybe| maybe.serial == step.order.serial);
    step.act != Act::Grant && step.unanswered == 1 && was_known && is_alone
}

/// When the lost calls of a step can no longer land.
fn settled_at(step: &Step, kind: &Kind) -> Option<Timestamp> {
    step.lost_at.map(|lost| plus(lost, kind.recovery.late_by))
}

/// What a look found, and what the vendor said no to. Whose withdrawal was refused has what he had.
fn told(found: Found, refusal: Option<LockError>, withdraws: bool) -> (Found, Option<LockError>) {
    match found {
        Found::Refused(error) if withdraws => (Found::Otherwise, Some(error)),
        Found::Refused(error) => (Found::Absent, Some(error)),
        found => (found, refusal),
    }
}

/// Whether a call that this operation goes through could have landed since the step was last sent.
fn brought_late(op: &Stored<ProgramRecord>, index: usize, now: Timestamp) -> bool {
    let sent = step_of(op, index).ok().and_then(|step| step.last_sent);
    op.value.quiet_until.is_some_and(|quiet| quiet <= now && sent.is_none_or(|sent| sent < quiet))
}

pub(super) fn not_settled() -> LockError {
    let message = "an earlier call got no answer and may still take effect";
    LockError::new(
        ErrorCode::VendorUnreachable,
        FailureReason::OutcomeUnknown,
        RetryAdvice::OutcomeUnknown,
        message,
    )
}
