//! What takes a key away at its vendor, for a while or for good, and what is made of the answer.

use chrono::TimeDelta;

use super::claim::{Claimant as _, KeyOwner};
use super::outage::is_away;
use super::record::{KeyRecord, Wants, Work};
use super::state::KeyState;
use super::task::{DeskTask, DeskTaskKind};
use super::work::{ASK_AGAIN, Answered, is_under_way, refusal};
use super::{KeyService, schedule};
use crate::credential::{
    RevokeInput, RevokeOutcome, RevokeReason, SuspendInput, SuspendOutcome, SuspendReason,
};
use crate::error::{ErrorCode, LockError, RetryAdvice};
use crate::port::SharedLockPort;
use crate::store::{Stored, Transaction};
use crate::validity::Timestamp;

/// How often a call that is under way somewhere is asked about before it counts as failed.
const PATIENCE: u32 = 12;

/// How long a key that is replaced stays while its successor is on its way, at most, and how often that is looked at.
const STAYS_FOR_SUCCESSOR: TimeDelta = TimeDelta::hours(1);
const LOOK_FOR_SUCCESSOR: TimeDelta = TimeDelta::seconds(15);

impl KeyService {
    pub(super) async fn suspend(
        &self,
        mut key: Stored<KeyRecord>,
        port: SharedLockPort,
        reason: SuspendReason,
    ) -> Answered {
        let record = &mut key.value;
        let input =
            SuspendInput::new(self.partition().tenant, record.id, reason, record.write_key("suspend"))
                .with_place(self.place(record));
        let result = port.suspend_credential(input).await;
        let refusal = refusal(&result);
        let mut transaction = self.transaction()?;
        match result {
            Ok(outcome) => self.suspended(record, reason, &outcome, &mut transaction).await?,
            Err(error) if is_under_way(&error) => self.come_back_later(record, &error),
            // Its window is over: there is nothing left to suspend.
            Err(error) if error.code() == ErrorCode::CredentialExpired => {
                self.wake_owner(record.owner, &mut transaction).await?;
                record.next_try = self.env.now().checked_add_signed(ASK_AGAIN);
            }
            Err(error) if error.advice() == RetryAdvice::Never && !is_away(&error) => {
                // What cannot be suspended is taken away; when it may open again, its holder gets another.
                self.give_up(record, RevokeReason::Replaced, &mut transaction)?;
                self.wake_owner(record.owner, &mut transaction).await?;
            }
            Err(error) => {
                record.asks_anew_after(&error);
                self.mark_retry(&mut transaction, record, Work::Suspend(reason), &error);
                self.note_outage(&record.adapter, &error).await?;
                let now = self.env.now();
                record.next_try =
                    Some(schedule::try_for_ever(record.attempts, now, &error, &*self.env.entropy)?);
                self.open_task(record, DeskTaskKind::VisitDoor, &mut transaction).await?;
            }
        }
        self.save(&mut key, transaction).await.map(|()| refusal)
    }

    async fn suspended(
        &self,
        key: &mut KeyRecord,
        reason: SuspendReason,
        outcome: &SuspendOutcome,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        key.trying = None;
        key.proof = Some(outcome.proof);
        if key.state == KeyState::Active {
            key.become_state(KeyState::Suspended)?;
            key.suspended_at = Some(self.env.now());
            let operator = match key.owner {
                KeyOwner::Stay(reservation) => {
                    self.stay(reservation).await?.and_then(|stay| stay.value.suspended_by(reason))
                }
                KeyOwner::Shift(_) => None,
            };
            self.tell_suspended(transaction, key, reason, &outcome.warnings, operator)?;
        }
        key.go_on(now);
        self.close_visit(key, transaction).await
    }

    /// A key that is replaced and gives its holder nothing too much stays until its successor is there.
    pub(super) async fn waits_for_successor(
        &self,
        key: &KeyRecord,
        work: Work,
    ) -> Result<Option<Timestamp>, LockError> {
        let is_replaced = work == Work::Revoke(RevokeReason::Replaced) && key.state == KeyState::Active;
        if !is_replaced || !key.wanted.covers(&key.spec) {
            return Ok(None);
        }
        let now = self.env.now();
        let keys = self.keys_of(key.owner).await?;
        let is_on_its_way = |other: &Stored<KeyRecord>| {
            other.value.is_open()
                && matches!(other.value.state, KeyState::Requested | KeyState::Pending)
                && other.value.wants == Wants::Open
                && other.value.wanted.meets(&key.spec)
        };
        let since = key.leaving_since.unwrap_or(now);
        let has_waited = now.signed_duration_since(since) > STAYS_FOR_SUCCESSOR;
        let successor = keys.iter().any(is_on_its_way);
        Ok(if successor && !has_waited { now.checked_add_signed(LOOK_FOR_SUCCESSOR) } else { None })
    }

    pub(super) async fn revoke(
        &self,
        mut key: Stored<KeyRecord>,
        port: SharedLockPort,
        reason: RevokeReason,
    ) -> Answered {
        let record = &mut key.value;
        let input = RevokeInput::new(self.partition().tenant, record.id, reason, record.write_key("revoke"))
            .with_place(self.place(record));
        let result = port.revoke_credential(input).await;
        let refusal = refusal(&result);
        let now = self.env.now();
        let mut transaction = self.transaction()?;
        let over = record.spec.validity.is_over(now) && record.wanted.validity.is_over(now);
        match result {
            Ok(outcome) => self.revoked(record, reason, &outcome, &mut transaction).await?,
            // The end of the window has done what the vendor did not (R68).
            Err(_) if over => {
                self.gone(record, reason, None, &mut transaction).await?;
                record.revoke_confirmed_at = Some(now);
                record.next_try = None;
                self.close_tasks_of_gone(record, &mut transaction).await?;
            }
            // Accepted, or another operation has to end first: no failure yet.
            Err(error) if is_under_way(&error) && record.attempts <= PATIENCE => {
                let attempts = record.attempts;
                self.come_back_later(record, &error);
                record.attempts = attempts;
            }
            Err(error) => {
                self.mark_retry(&mut transaction, record, Work::Revoke(reason), &error);
                self.note_outage(&record.adapter, &error).await?;
                let is_news = !matches!(record.state, KeyState::Revoked | KeyState::Failed);
                self.gone(record, reason, None, &mut transaction).await?;
                if is_news || record.attempts == 1 {
                    self.tell_revoke_failed(&mut transaction, record, reason, Some(error.reason()))?;
                }
                self.open_task(record, DeskTaskKind::VisitDoor, &mut transaction).await?;
                record.asks_anew_after(&error);
                record.next_try =
                    Some(schedule::try_for_ever(record.attempts, now, &error, &*self.env.entropy)?);
            }
        }
        self.save(&mut key, transaction).await.map(|()| refusal)
    }

    async fn revoked(
        &self,
        key: &mut KeyRecord,
        reason: RevokeReason,
        outcome: &RevokeOutcome,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let is_news = matches!(key.state, KeyState::Active | KeyState::Suspended);
        self.mark_revoked(transaction, key);
        self.gone(key, reason, Some(outcome), transaction).await?;
        key.revoke_confirmed_at = Some(outcome.effective_by);
        key.proof = Some(outcome.proof);
        key.next_try = outcome.again_at;
        let less =
            outcome.proof < self.property.revoke_policy().required(reason) && !key.spec.validity.is_over(now);
        if less && is_news {
            self.tell_revoke_failed(transaction, key, reason, None)?;
        }
        if less && key.state == KeyState::Revoked {
            // The end of the window closes the task.
            let until = key.spec.validity.until();
            key.next_try = Some(outcome.again_at.map_or(until, |then| then.min(until)));
            return self.open_task(key, DeskTaskKind::VisitDoor, transaction).await;
        }
        self.close_tasks_of_gone(key, transaction).await
    }

    async fn close_tasks_of_gone(
        &self,
        key: &KeyRecord,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let of = key.id;
        let needless = |task: &DeskTask| {
            let done = matches!(task.kind, DeskTaskKind::VisitDoor | DeskTaskKind::DecideOutcome);
            task.credential == of && done
        };
        self.close_tasks(key.owner, needless, transaction).await
    }

    /// Given up here, whatever the vendor says (R83, R84); told once.
    async fn gone(
        &self,
        key: &mut KeyRecord,
        reason: RevokeReason,
        outcome: Option<&RevokeOutcome>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        match key.state {
            KeyState::Active | KeyState::Suspended => {
                key.become_state(KeyState::Revoked)?;
                key.revoked_at = Some(now);
                let (order, trigger) = match key.owner {
                    KeyOwner::Stay(reservation) => {
                        let stay = self.stay(reservation).await?;
                        (stay.and_then(|stay| stay.value.ordered(reason).cloned()), None)
                    }
                    KeyOwner::Shift(shift) => {
                        let found = self.shift_record(shift).await?;
                        let told = found.as_ref().map_or("shift.ended", |shift| shift.value.trigger(reason));
                        let is_closed = self.house().await?.value.is_deactivated();
                        let by_property =
                            is_closed && reason == RevokeReason::Security && told == "window.over";
                        let trigger = if by_property { "property.deactivated" } else { told };
                        (found.and_then(|shift| shift.value.ordered(reason).cloned()), Some(trigger))
                    }
                };
                self.tell_revoked(transaction, key, reason, outcome, order.as_ref())?;
                if let Some(trigger) = trigger {
                    self.tell_master_expired(transaction, key, trigger)?;
                }
                Ok(())
            }
            KeyState::Pending | KeyState::Requested => {
                key.become_state(KeyState::Failed)?;
                self.tell_failed(transaction, key, None)
            }
            KeyState::Revoked | KeyState::Failed => Ok(()),
        }
    }
}
