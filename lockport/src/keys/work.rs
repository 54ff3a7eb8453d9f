//! One piece of work about one key: what is asked of the port, and what is made of its answer.

use chrono::TimeDelta;

use super::claim::KeyOwner;
use super::outage::is_away;
use super::record::{GivenUp, KeptDelivery, KeyRecord, Spec, Trying, Wants, Work};
use super::state::KeyState;
use super::task::{DeskTask, DeskTaskKind};
use super::{KeyService, schedule};
use crate::credential::{
    IssueInput, IssuedCredential, Place, Progress, RevokeReason, UnsuspendInput, UpdateInput, UpdateResult,
    Warning,
};
use crate::error::{FailureReason, LockError, RetryAdvice};
use crate::id::{ArtifactRef, UserId};
use crate::port::SharedLockPort;
use crate::store::{StoreError, Stored, Transaction};
use crate::validity::Timestamp;

/// How long a pending credential is left alone when the port names no time.
pub(super) const ASK_AGAIN: TimeDelta = TimeDelta::seconds(10);

impl KeyRecord {
    /// Writes down that work is about to be handed over, before it is: no skipping of `pending` (R65).
    pub(super) fn begin(&mut self, work: Work) -> Result<(), LockError> {
        if self.attempts == 0 {
            self.due_since = self.next_try.filter(|_| !self.needs_desk(work));
        }
        self.attempts = self.attempts.saturating_add(1);
        match work {
            Work::Issue if self.state == KeyState::Requested => self.become_state(KeyState::Pending)?,
            Work::Issue | Work::Revoke(_) => {}
            Work::Update => self.change_begun = true,
            Work::Suspend(reason) => self.trying = Some(Trying::Suspend(reason)),
            Work::Unsuspend => {
                let is_begun = self.trying.replace(Trying::Unsuspend) == Some(Trying::Unsuspend);
                self.lifting = self.lifting.filter(|_| is_begun).or(Some(self.moves));
            }
        }
        Ok(())
    }

    /// Goes along an arrow of the state machine; anything else is a record that cannot be.
    pub(super) fn become_state(&mut self, next: KeyState) -> Result<(), LockError> {
        if !self.state.may_become(next) {
            return Err(StoreError::Corrupt.into());
        }
        self.state = next;
        Ok(())
    }

    /// A port repeats for ever, under the same name, what it said for good.
    pub(super) fn asks_anew_after(&mut self, error: &LockError) {
        if error.advice() == RetryAdvice::Never {
            self.moves = self.moves.saturating_add(1);
            self.lifting = None;
        }
    }

    /// Something was done: whatever is next, is next now.
    pub(super) fn go_on(&mut self, now: Timestamp) {
        self.attempts = 0;
        self.was_woken = false;
        self.next_try = self.work().map(|_| now);
        self.expect_task(now);
    }
}

/// What the port said no with, where it did; it is written down by then, and what follows on it is begun.
pub(super) type Answered = Result<Option<LockError>, LockError>;

/// What a port said no with. What is under way somewhere is no answer yet.
pub(super) fn refusal<T>(result: &Result<T, LockError>) -> Option<LockError> {
    result.as_ref().err().filter(|error| !is_under_way(error)).cloned()
}

impl KeyService {
    pub(super) async fn carry_out(
        &self,
        key: Stored<KeyRecord>,
        work: Work,
        port: SharedLockPort,
    ) -> Answered {
        match work {
            Work::Issue => Box::pin(self.issue(key, port)).await,
            Work::Update => Box::pin(self.update(key, port)).await,
            Work::Suspend(reason) => Box::pin(self.suspend(key, port, reason)).await,
            Work::Unsuspend => Box::pin(self.unsuspend(key, port)).await,
            Work::Revoke(reason) => Box::pin(self.revoke(key, port, reason)).await,
        }
    }

    /// Where a key's card is written.
    pub(super) fn place(&self, key: &KeyRecord) -> Place {
        let binding = self.property.adapter(&key.adapter);
        let at = binding.and_then(|binding| binding.encoder).filter(|_| key.on_card);
        Place { at, holder_device: None }
    }

    async fn issue(&self, mut key: Stored<KeyRecord>, port: SharedLockPort) -> Answered {
        let partition = self.partition();
        let record = &mut key.value;
        let Spec { rooms, scope, validity } = record.spec.clone();
        let holder = record.holder.clone();
        let input = IssueInput::new(
            partition.tenant,
            partition.property,
            holder,
            rooms,
            validity,
            record.issue_key(),
        )
        .with_credential_id(record.id)
        .with_beside(record.beside.clone())
        .with_preferred_kinds(record.kinds.clone())
        .with_scope(scope)
        .with_place(self.place(record));
        let result = port.issue_credential(input).await;
        let refusal = refusal(&result);
        let mut transaction = self.transaction()?;
        match result {
            Ok(result) if result.state == Progress::Active => {
                record.warnings = result.warnings;
                record.decisions.extend(result.decisions);
                self.issued(record, &result.credential, &mut transaction).await?;
            }
            Ok(result) => self.pending(record, result.ask_after),
            Err(error) if is_under_way(&error) => self.come_back_later(record, &error),
            Err(error) => self.issue_failed(record, &error, &mut transaction).await?,
        }
        self.save(&mut key, transaction).await.map(|()| refusal)
    }

    /// The vendor confirmed it.
    pub(super) async fn issued(
        &self,
        key: &mut KeyRecord,
        credential: &IssuedCredential,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        key.become_state(KeyState::Active)?;
        key.issued_at = Some(credential.issued_at);
        let artifact_type = self.keep(key, credential)?;
        // Perhaps to what the booking became while the vendor was at it.
        key.go_on(self.env.now());
        self.tell_issued(transaction, key, artifact_type)?;
        if let KeyOwner::Shift(shift) = key.owner {
            let found = self.shift_record(shift).await?;
            let scopes = found.as_ref().map_or(&[][..], |shift| shift.value.scopes());
            self.tell_master_issued(transaction, key, scopes)?;
        }
        self.is_served(key, transaction).await
    }

    /// The holder has what he is to have of this key: nobody has to see to him for its sake, nor for the sake of another one that
    /// was to open the same.
    async fn is_served(&self, key: &KeyRecord, transaction: &mut Transaction) -> Result<(), LockError> {
        if key.work().is_some_and(Work::serves_holder) {
            return Ok(());
        }
        let others = self.keys_of(key.owner).await?;
        let others = others.iter().map(|other| &other.value).filter(|other| other.id != key.id);
        // What is lost opens still, and not to him.
        let serves = |other: &&KeyRecord| other.state == KeyState::Active && other.wants == Wants::Open;
        let (active, rest): (Vec<_>, Vec<_>) = others.partition(serves);
        let opens = |wanted: &Spec| {
            let there = || active.iter().map(|other| &other.spec).chain([&key.spec]);
            let there = || there().filter(|spec| spec.validity.covers(&wanted.validity));
            wanted.rooms.iter().all(|room| there().any(|spec| spec.rooms.contains(room)))
                && wanted.scope.areas.iter().all(|area| there().any(|spec| spec.scope.areas.contains(area)))
        };
        let covered: Vec<_> =
            rest.iter().filter(|other| opens(&other.wanted)).map(|other| other.id).collect();
        let waits = |other: &&&KeyRecord| {
            other.given_up.is_some() || (other.is_open() && other.work().is_some_and(Work::serves_holder))
        };
        let waiting: Vec<_> = rest.iter().filter(waits).map(|other| other.id).collect();
        let needless = |task: &DeskTask| {
            // Beside this one there may be others at that adapter, each with a task of its own.
            let for_this = task.adapter == key.adapter && !waiting.contains(&task.credential);
            (for_this || covered.contains(&task.credential)) && task.kind.serves_holder()
        };
        self.close_tasks(key.owner, needless, transaction).await
    }

    fn pending(&self, key: &mut KeyRecord, ask_after: Option<Timestamp>) {
        let now = self.env.now();
        let again = ask_after.or_else(|| now.checked_add_signed(ASK_AGAIN));
        key.next_try = again.map(|then| then.max(now));
        key.attempts = 1;
    }

    /// Another operation has to end first: no failure.
    pub(super) fn come_back_later(&self, key: &mut KeyRecord, error: &LockError) {
        let pause = match error.advice() {
            RetryAdvice::After(pause) => TimeDelta::from_std(pause).unwrap_or(ASK_AGAIN),
            _ => ASK_AGAIN,
        };
        let pause = pause.max(TimeDelta::seconds(1));
        key.next_try = self.env.now().checked_add_signed(pause);
        key.attempts = key.attempts.saturating_sub(1).max(1);
    }

    async fn issue_failed(
        &self,
        key: &mut KeyRecord,
        error: &LockError,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let is_final = error.advice() == RetryAdvice::Never;
        self.note_outage(&key.adapter, error).await?;
        if !is_final {
            if key.needs_desk(Work::Issue) && error.reason().lies_in_the_card() {
                // Whoever lays on one wrong card after another is at it still.
                key.attempts = key.attempts.saturating_sub(1).max(1);
            }
            let again = schedule::next_try(key.attempts, now, &key.spec.validity, error, &*self.env.entropy)?;
            if again.is_some() {
                key.next_try = again;
                self.mark_retry(transaction, key, Work::Issue, error);
                return self.ask_for_help(key, Work::Issue, transaction).await;
            }
        }
        if is_final && error.reason() == FailureReason::OutcomeUnknown {
            key.given_up = Some(GivenUp::Undecided);
            key.next_try = None;
            key.task_at = None;
            return self.open_task(key, DeskTaskKind::DecideOutcome, transaction).await;
        }
        if !is_final {
            self.tell_vendor_error(transaction, key, error)?;
        }
        // Refused for good, but not for what it is: whoever mends the vendor's account knows nothing of this key.
        let why = if is_final && !is_away(error) { GivenUp::Refused } else { GivenUp::TriesRanOut };
        if why == GivenUp::TriesRanOut {
            self.look_soon(&key.adapter, None).await?;
        }
        self.let_go(key, why, Some(error), transaction)?;
        // There is nothing to be written any more.
        let of = key.id;
        let card = |task: &DeskTask| task.credential == of && task.kind == DeskTaskKind::PresentCard;
        self.close_tasks(key.owner, card, transaction).await?;
        if key.spec.validity.is_over(now) {
            return Ok(());
        }
        self.open_task(key, DeskTaskKind::EscortGuest, transaction).await?;
        // Another adapter may have the rooms.
        self.wake_owner(key.owner, transaction).await
    }

    /// It did not come about. What an open call, or an undo that failed, may have left is taken away.
    pub(super) fn let_go(
        &self,
        key: &mut KeyRecord,
        why: GivenUp,
        error: Option<&LockError>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        key.become_state(KeyState::Failed)?;
        self.mark_compensation(transaction, key);
        self.tell_failed(transaction, key, error)?;
        key.given_up = Some(why);
        key.failed_with = error.map(LockError::code);
        key.wanted = key.spec.clone();
        key.wants = Wants::Gone(RevokeReason::Replaced);
        key.leaving_since = Some(now);
        key.moves = key.moves.saturating_add(1);
        key.attempts = 0;
        key.next_try = Some(now);
        key.task_at = None;
        Ok(())
    }

    /// Somebody who may open now and cannot has a person to see to him.
    async fn ask_for_help(
        &self,
        key: &KeyRecord,
        work: Work,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let is_needed = key.wants == Wants::Open && key.wanted.validity.contains(self.env.now());
        if is_needed { self.open_task(key, work.task(key.on_card), transaction).await } else { Ok(()) }
    }

    /// Keeps what the holder gets under a reference of its own; returns what it is.
    fn keep(&self, key: &mut KeyRecord, credential: &IssuedCredential) -> Result<&'static str, LockError> {
        key.kind = Some(credential.kind);
        key.vendor_ref_hash = credential.vendor_ref_hash;
        key.delivery = KeptDelivery::of(credential);
        key.artifact = Some(ArtifactRef::from_ulid(self.env.ulid()?));
        Ok(credential.delivery.first().map_or("none", |delivery| delivery.artifact.type_name()))
    }

    /// As [`keep`](Self::keep), where the holder has something in hand already; `None` when it is the same.
    fn keep_what_is_new(
        &self,
        key: &mut KeyRecord,
        credential: &IssuedCredential,
    ) -> Result<Option<&'static str>, LockError> {
        key.vendor_ref_hash = credential.vendor_ref_hash.or(key.vendor_ref_hash);
        let delivery = KeptDelivery::of(credential);
        let same = delivery.len() == key.delivery.len()
            && delivery.iter().zip(&key.delivery).all(|(new, old)| new.is_same(old));
        if same { Ok(None) } else { self.keep(key, credential).map(Some) }
    }

    async fn update(&self, mut key: Stored<KeyRecord>, port: SharedLockPort) -> Answered {
        let record = &mut key.value;
        let wanted = record.wanted.clone();
        let input = UpdateInput::new(self.partition().tenant, record.id, record.write_key("update"))
            .with_rooms(wanted.rooms.clone())
            .with_scope(wanted.scope.clone())
            .with_valid_from(wanted.validity.from())
            .with_valid_until(wanted.validity.until())
            .with_place(self.place(record));
        let result = port.update_credential(input).await;
        let refusal = refusal(&result);
        let mut transaction = self.transaction()?;
        match result {
            Ok(UpdateResult { state: Progress::Active, credential, warnings, .. }) => {
                self.updated(record, wanted, &credential, &warnings, &mut transaction).await?;
            }
            Ok(UpdateResult { ask_after, .. }) => self.pending(record, ask_after),
            Err(error) => self.change_failed(record, Work::Update, &error, &mut transaction).await?,
        }
        self.save(&mut key, transaction).await.map(|()| refusal)
    }

    async fn updated(
        &self,
        key: &mut KeyRecord,
        spec: Spec,
        credential: &IssuedCredential,
        warnings: &[Warning],
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let before = std::mem::replace(&mut key.spec, spec);
        key.change_begun = false;
        let artifact_type =
            if key.state == KeyState::Suspended { None } else { self.keep_what_is_new(key, credential)? };
        key.go_on(now);
        self.tell_updated(transaction, key, &before, artifact_type, warnings)?;
        self.close_visit(key, transaction).await?;
        self.is_served(key, transaction).await
    }

    /// The key opens no more than it is to: nobody has to watch its doors.
    pub(super) async fn close_visit(
        &self,
        key: &KeyRecord,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let of = key.id;
        let visit = |task: &DeskTask| task.credential == of && task.kind == DeskTaskKind::VisitDoor;
        self.close_tasks(key.owner, visit, transaction).await
    }

    /// A change that failed is tried again for as long as the vendor is merely away; what it will not change is replaced.
    async fn change_failed(
        &self,
        key: &mut KeyRecord,
        work: Work,
        error: &LockError,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        if is_under_way(error) {
            self.come_back_later(key, error);
            return Ok(());
        }
        let now = self.env.now();
        self.note_outage(&key.adapter, error).await?;
        if error.advice() != RetryAdvice::Never || is_away(error) {
            key.asks_anew_after(error);
            self.mark_retry(transaction, key, work, error);
            key.next_try = Some(schedule::as_long_as_it_takes(
                key.attempts,
                now,
                &key.wanted.validity,
                error,
                &*self.env.entropy,
            )?);
            let narrows = !key.wanted.covers(&key.spec);
            if narrows && key.attempts > 1 && key.state == KeyState::Active && !key.on_card {
                self.open_task(key, DeskTaskKind::VisitDoor, transaction).await?;
            }
            return self.ask_for_help(key, work, transaction).await;
        }
        self.give_up(key, RevokeReason::Replaced, transaction)?;
        self.wake_owner(key.owner, transaction).await
    }

    async fn unsuspend(&self, mut key: Stored<KeyRecord>, port: SharedLockPort) -> Answered {
        let record = &mut key.value;
        let input = UnsuspendInput::new(self.partition().tenant, record.id, record.lift_key())
            .with_place(self.place(record));
        let result = port.unsuspend_credential(input).await;
        let refusal = refusal(&result);
        let mut transaction = self.transaction()?;
        match result {
            Ok(UpdateResult { state: Progress::Active, credential, .. }) => {
                let now = self.env.now();
                record.trying = None;
                record.proof = None;
                record.become_state(KeyState::Active)?;
                let artifact_type = self.keep_what_is_new(record, &credential)?;
                record.go_on(now);
                let by = self.lifted_by(record.owner).await?;
                self.tell_unsuspended(&mut transaction, record, by, artifact_type)?;
                self.is_served(record, &mut transaction).await?;
            }
            Ok(UpdateResult { ask_after, .. }) => self.pending(record, ask_after),
            Err(error) => self.change_failed(record, Work::Unsuspend, &error, &mut transaction).await?,
        }
        self.save(&mut key, transaction).await.map(|()| refusal)
    }

    async fn lifted_by(&self, owner: KeyOwner) -> Result<Option<UserId>, LockError> {
        match owner {
            KeyOwner::Stay(reservation) => {
                Ok(self.stay(reservation).await?.and_then(|stay| stay.value.lifted_by()))
            }
            KeyOwner::Shift(_) => Ok(None),
        }
    }
}

/// Another operation has to end first, the vendor is at it still, or it is too early to say what became of a lost call: whatever
/// failed, it was not this try.
pub(super) fn is_under_way(error: &LockError) -> bool {
    let is_too_early =
        error.reason() == FailureReason::OutcomeUnknown && matches!(error.advice(), RetryAdvice::After(_));
    error.reason() == FailureReason::InProgress || is_too_early
}
