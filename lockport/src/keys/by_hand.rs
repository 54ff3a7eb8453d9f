//! What a person at the desk does: reports a loss, suspends a guest, lifts suspensions. Each once, under the name that it is told by.

use serde::{Deserialize, Serialize};

use super::KeyService;
use super::claim::{Claimant, KeyOwner};
use super::reconcile::Reach;
use crate::audit::{Action, Draft, Outcome, Reason};
use crate::credential::{KeyCredentialKind, SuspendReason};
use crate::error::LockError;
use crate::id::{DecisionId, ReservationId, UserId};
use crate::idempotency::IdempotencyKey;
use crate::store::{Stored, Transaction};
use crate::telemetry::UseCase;
use crate::validity::Timestamp;

/// What a person did, under the name that makes it once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ByHand {
    pub(super) name: IdempotencyKey,
    pub(super) operator: UserId,
    pub(super) at: Timestamp,
    /// The decision it rests on (R183).
    #[serde(default)]
    pub(super) decision: Option<DecisionId>,
}

/// Everything handed out so far is lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Loss {
    #[serde(flatten)]
    pub(super) by: ByHand,
    /// The newest version that was heard of then.
    #[serde(default)]
    pub(super) version: u64,
    /// What is rather to come in its place (R103); empty where the same as before is.
    #[serde(default)]
    pub(super) kinds: Vec<KeyCredentialKind>,
}

/// Notes a loss; whether it is news.
pub(super) fn lose(losses: &mut Vec<Loss>, loss: Loss) -> bool {
    let is_news = losses.iter().all(|known| known.by.name != loss.by.name);
    if is_news {
        losses.push(loss);
    }
    is_news
}

/// Which kinds are wished for in what began at this version: those that were chosen at the last loss since at which any were, before
/// those that were booked.
pub(super) fn wished(
    losses: &[Loss],
    begun: u64,
    mut booked: Vec<KeyCredentialKind>,
) -> Vec<KeyCredentialKind> {
    let chosen = losses.iter().rev().find(|loss| loss.version >= begun && !loss.kinds.is_empty());
    let Some(mut kinds) = chosen.map(|loss| loss.kinds.clone()) else { return booked };
    booked.retain(|kind| !kinds.contains(kind));
    kinds.append(&mut booked);
    kinds
}

impl KeyService {
    /// Everything that was handed out so far for a stay or a shift is lost (R103): it is taken away, and where the stay or the shift
    /// goes on its holder gets another key, rather of one of these `kinds` where any are named, from here on. Told again under the same
    /// name it is the same loss; one that nobody knows has lost nothing.
    ///
    /// # Errors
    /// Anything retriable: report it again.
    pub async fn report_lost(
        &self,
        owner: impl Into<KeyOwner>,
        kinds: &[KeyCredentialKind],
        operator: UserId,
        name: &IdempotencyKey,
    ) -> Result<(), LockError> {
        let lost = Box::pin(self.do_report_lost(owner.into(), kinds, operator, name));
        self.timed(UseCase::ReportLost, lost).await
    }

    async fn do_report_lost(
        &self,
        owner: KeyOwner,
        kinds: &[KeyCredentialKind],
        operator: UserId,
        name: &IdempotencyKey,
    ) -> Result<(), LockError> {
        let by = self.by_hand(operator, name);
        let draft = Draft::new(Action::ReportLoss, Outcome::Ok);
        match owner {
            KeyOwner::Stay(reservation) => {
                let lose = async || {
                    let found = self.stay(reservation).await?;
                    self.did(found, |stay| stay.lose(kinds.to_vec(), by.clone()), &by, draft.clone()).await
                };
                self.take_in(lose).await
            }
            KeyOwner::Shift(shift) => {
                let lose = async || {
                    let found = self.shift_record(shift).await?;
                    self.did(found, |shift| shift.lose(kinds.to_vec(), by.clone()), &by, draft.clone()).await
                };
                self.take_in(lose).await
            }
        }
    }

    /// Suspends what a reservation is now, for this reason, until somebody [lifts](Self::lift_suspensions) it (R28): a bill that is
    /// due, or whatever the desk has seen. What the bus tells, a no-show or a fraud review, comes by [`deliver`](Self::deliver). Told again
    /// under the same name it is the same suspension; a reservation that nobody knows has nothing to suspend.
    ///
    /// # Errors
    /// Anything retriable: say it again.
    pub async fn suspend_stay(
        &self,
        reservation: ReservationId,
        reason: SuspendReason,
        operator: UserId,
        name: &IdempotencyKey,
    ) -> Result<(), LockError> {
        let suspended = Box::pin(self.do_suspend_stay(reservation, reason, operator, name));
        self.timed(UseCase::SuspendStay, suspended).await
    }

    async fn do_suspend_stay(
        &self,
        reservation: ReservationId,
        reason: SuspendReason,
        operator: UserId,
        name: &IdempotencyKey,
    ) -> Result<(), LockError> {
        let by = self.by_hand(operator, name);
        let draft =
            Draft { reason: Some(Reason::Suspend(reason)), ..Draft::new(Action::SuspendStay, Outcome::Ok) };
        let suspend = async || {
            let found = self.stay(reservation).await?;
            self.did(found, |stay| stay.suspend(reason, by.clone()), &by, draft.clone()).await
        };
        self.take_in(suspend).await
    }

    /// Lifts every suspension of a reservation heard of so far, also a no-show that still waits for its delay. Told again under
    /// the same name it lifts nothing more.
    ///
    /// # Errors
    /// Anything retriable: say it again.
    pub async fn lift_suspensions(
        &self,
        reservation: ReservationId,
        operator: UserId,
        name: &IdempotencyKey,
    ) -> Result<(), LockError> {
        let lifted = Box::pin(self.do_lift_suspensions(reservation, operator, name));
        self.timed(UseCase::LiftSuspensions, lifted).await
    }

    async fn do_lift_suspensions(
        &self,
        reservation: ReservationId,
        operator: UserId,
        name: &IdempotencyKey,
    ) -> Result<(), LockError> {
        let by = self.by_hand(operator, name);
        let draft = Draft::new(Action::LiftSuspensions, Outcome::Ok);
        let lift = async || {
            let found = self.stay(reservation).await?;
            self.did(found, |stay| stay.lift(by.clone()), &by, draft.clone()).await
        };
        self.take_in(lift).await
    }

    fn by_hand(&self, operator: UserId, name: &IdempotencyKey) -> ByHand {
        ByHand { name: name.clone(), operator, at: self.env.now(), decision: None }
    }

    /// Does it to whoever was found, unless it was done.
    async fn did<C: Claimant>(
        &self,
        found: Option<Stored<C>>,
        act: impl FnOnce(&mut C) -> bool,
        by: &ByHand,
        mut draft: Draft,
    ) -> Result<(), LockError> {
        let Some(mut claimant) = found else { return Ok(()) };
        if !act(&mut claimant.value) {
            return Ok(());
        }
        match claimant.value.owner() {
            KeyOwner::Stay(reservation) => draft.reservation_id = Some(reservation),
            KeyOwner::Shift(shift) => draft.shift_id = Some(shift),
        }
        draft.people = claimant.value.people();
        draft.people.operator_id = Some(by.operator);
        let house = self.house().await?;
        let mut transaction = Transaction::new(&self.env)?;
        transaction.note(&self.env, draft);
        self.reconcile(&mut claimant, &house.value, Reach::AsWanted, &mut transaction).await?;
        transaction.commit(&*self.store, self.partition()).await
    }
}
