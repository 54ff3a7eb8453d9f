//! Many keys that go together: all of a stay, of a guest, of a member of staff, or of the property; with an outcome each.

use serde::{Deserialize, Serialize};

use super::KeyService;
use super::by_hand::ByHand;
use super::claim::{Claim, Claimant, KeyOwner};
use super::reconcile::{REMEMBERED, Reach};
use super::record::{KeyRecord, OPEN_KEY};
use super::shift::ShiftRecord;
use super::state::KeyState;
use super::stay::StayRecord;
use crate::credential::{Holder, RevokeReason};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{DecisionId, GuestId, KeyCredentialId, UserId};
use crate::idempotency::IdempotencyKey;
use crate::store::{Record, StoreError, Stored, Table, Transaction};
use crate::telemetry::UseCase;
use crate::validity::Timestamp;

/// How many persons have to approve when the keys of a whole property go (R189).
pub const APPROVALS_FOR_PROPERTY: usize = 2;

/// Whose keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BulkTarget {
    /// Those of one stay or one shift.
    Owner(KeyOwner),
    /// Those of a guest, whatever his reservations.
    Guest(GuestId),
    /// Those of a member of staff, whatever his shifts; shifts that come later are another matter.
    Staff(UserId),
    /// All there are.
    Property,
}

/// An order to take many keys away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkRevoke {
    /// Whose.
    pub target: BulkTarget,
    /// What for.
    pub reason: RevokeReason,
    /// Who orders it.
    pub operator: UserId,
    /// The name that makes it once.
    pub name: IdempotencyKey,
    /// The decision that a person accepted (R183); required for more than one owner's keys.
    pub decision: Option<DecisionId>,
    /// Who approved it (R189): [`APPROVALS_FOR_PROPERTY`] different persons for a whole property.
    pub approvals: Vec<UserId>,
}

impl BulkRevoke {
    /// An order without a decision or approvals.
    #[must_use]
    pub const fn new(
        target: BulkTarget,
        reason: RevokeReason,
        operator: UserId,
        name: IdempotencyKey,
    ) -> Self {
        Self { target, reason, operator, name, decision: None, approvals: Vec::new() }
    }

    /// With the decision it rests on.
    #[must_use]
    pub const fn with_decision(mut self, decision: DecisionId) -> Self {
        self.decision = Some(decision);
        self
    }

    /// With the persons who approved it.
    #[must_use]
    pub fn with_approvals(mut self, approvals: Vec<UserId>) -> Self {
        self.approvals = approvals;
        self
    }

    fn check(&self) -> Result<(), LockError> {
        if !matches!(self.target, BulkTarget::Owner(_)) && self.decision.is_none() {
            return Err(LockError::invalid_input("keys of more than one owner go by a decision only"));
        }
        let mut approvals = self.approvals.clone();
        approvals.sort_unstable();
        approvals.dedup();
        if self.target == BulkTarget::Property && approvals.len() < APPROVALS_FOR_PROPERTY {
            let message = format!("the keys of a property go when {APPROVALS_FOR_PROPERTY} persons approve");
            return Err(LockError::invalid_input(message));
        }
        Ok(())
    }
}

/// How far a bulk revoke is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BulkProgress {
    /// Every key it is about, in the order of their ids.
    pub outcomes: Vec<BulkOutcome>,
}

impl BulkProgress {
    /// Whether the vendor confirmed each of them.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.confirmed_at.is_some())
    }
}

/// What became of one key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BulkOutcome {
    /// The key.
    pub credential: KeyCredentialId,
    /// Whose.
    pub owner: KeyOwner,
    /// How it stands.
    pub state: KeyState,
    /// When the vendor confirmed that it is gone, or will certainly be; `None` while that is open.
    pub confirmed_at: Option<Timestamp>,
}

/// An order, with the keys it found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BulkRecord {
    order: BulkRevoke,
    at: Timestamp,
    keys: Vec<KeyCredentialId>,
    /// Whose keys do not know of it yet.
    left: Vec<KeyOwner>,
}

impl Record for BulkRecord {
    const TABLE: Table = Table::Bulk;

    fn id(&self) -> String {
        self.order.name.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        if self.left.is_empty() { self.at.checked_add_signed(REMEMBERED) } else { Some(self.at) }
    }
}

impl KeyService {
    /// Takes many keys away, and says how far that is. It is written down at once and done by `tick`; asked again under the same
    /// name it is the same order, and says how far it has come. The name is known for thirty days.
    ///
    /// # Errors
    /// `INVALID_INPUT` without the decision or the approvals that the target requires; `IDEMPOTENCY_CONFLICT` when the name
    /// stands for another order. Anything retriable: ask again.
    pub async fn revoke_all(&self, order: BulkRevoke) -> Result<BulkProgress, LockError> {
        self.timed(UseCase::RevokeAll, Box::pin(self.do_revoke_all(order))).await
    }

    async fn do_revoke_all(&self, order: BulkRevoke) -> Result<BulkProgress, LockError> {
        order.check()?;
        let id = order.name.to_string();
        if let Some(known) = Stored::<BulkRecord>::read(&*self.store, self.partition(), &id).await? {
            if known.value.order != order {
                let message = "the name stands for another order";
                let (code, reason) = (ErrorCode::IdempotencyConflict, FailureReason::OtherInput);
                return Err(LockError::new(code, reason, RetryAdvice::Never, message));
            }
            return self.progress(&known.value).await;
        }
        let is_meant = |of: KeyOwner, holder: &Holder| match (&order.target, holder) {
            (BulkTarget::Owner(owner), _) => of == *owner,
            (BulkTarget::Guest(id), Holder::Guest(guest)) => guest.id == *id,
            (BulkTarget::Staff(id), Holder::Staff(staff)) => staff.user_id == *id,
            (BulkTarget::Property, _) => true,
            _ => false,
        };
        let open = Stored::<KeyRecord>::find(&*self.store, self.partition(), OPEN_KEY).await?;
        let meant: Vec<&KeyRecord> =
            open.iter().map(|key| &key.value).filter(|key| is_meant(key.owner, &key.holder)).collect();
        let mut left: Vec<KeyOwner> = meant.iter().map(|key| key.owner).collect();
        // Who has none, because his vendor was away or said no, is not to be given one later either.
        left.extend(self.entitled::<StayRecord>(&is_meant).await?);
        left.extend(self.entitled::<ShiftRecord>(&is_meant).await?);
        left.sort_unstable();
        left.dedup();
        let keys = meant.iter().map(|key| key.id).collect();
        let mut transaction = Transaction::new(&self.env)?;
        self.note_bulk(&mut transaction, &order);
        let record = BulkRecord { order, at: self.env.now(), keys, left };
        transaction.put(&mut Stored::fresh(record.clone()))?;
        transaction.commit(&*self.store, self.partition()).await?;
        self.progress(&record).await
    }

    /// Those of the owners who are meant that may have a key now or later.
    async fn entitled<C: Claimant>(
        &self,
        is_meant: impl Fn(KeyOwner, &Holder) -> bool,
    ) -> Result<Vec<KeyOwner>, LockError> {
        let (now, house) = (self.env.now(), self.house().await?);
        let owners = Stored::<C>::find(&*self.store, self.partition(), "").await?;
        let meant = |owner: Stored<C>| match owner.value.claim(&self.property).at(now, &house.value) {
            Claim::Live(live) => Some(owner.value.owner()).filter(|of| is_meant(*of, &live.holder)),
            _ => None,
        };
        Ok(owners.into_iter().filter_map(meant).collect())
    }

    async fn progress(&self, bulk: &BulkRecord) -> Result<BulkProgress, LockError> {
        let mut outcomes = Vec::new();
        for id in &bulk.keys {
            let found = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
            let Some(key) = found.map(|key| key.value) else { continue };
            outcomes.push(BulkOutcome {
                credential: key.id,
                owner: key.owner,
                state: key.state,
                confirmed_at: key.revoke_confirmed_at,
            });
        }
        Ok(BulkProgress { outcomes })
    }

    /// Carries an order to the next owner whose keys do not know of it, and forgets it long after the last does.
    pub(super) async fn carry_on_bulk(&self, mut bulk: Stored<BulkRecord>) -> Result<(), LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        let Some(owner) = bulk.value.left.pop() else {
            transaction.delete(&bulk);
            return self.commit_if_first(transaction).await;
        };
        transaction.put(&mut bulk)?;
        let BulkRecord { order, at, .. } = &bulk.value;
        let BulkRevoke { operator, decision, .. } = *order;
        let by = ByHand { name: order.name.clone(), operator, at: *at, decision };
        let house = self.house().await?;
        match owner {
            KeyOwner::Stay(reservation) => {
                let mut stay = self.stay(reservation).await?.ok_or(StoreError::Corrupt)?;
                stay.value.cut_short(order.reason, by);
                self.reconcile(&mut stay, &house.value, Reach::AsWanted, &mut transaction).await?;
            }
            KeyOwner::Shift(shift) => {
                let mut shift = self.shift_record(shift).await?.ok_or(StoreError::Corrupt)?;
                shift.value.cut_short_by(by);
                self.reconcile(&mut shift, &house.value, Reach::AsWanted, &mut transaction).await?;
            }
        }
        self.commit_if_first(transaction).await
    }
}
