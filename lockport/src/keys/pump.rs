//! The pump: does what is due, one key at a time, and writes down what came of it.

use chrono::TimeDelta;

use super::record::{DeskTask, DeskTaskKind, KeptDelivery, KeyRecord, Spec, Work, term_of_key};
use super::state::KeyState;
use super::stay::StayRecord;
use super::{KeyService, earlier, is_conflict, schedule, tell};
use crate::credential::{
    Guest, Holder, IssueInput, IssuedCredential, Progress, RevokeInput, RevokeReason, UpdateInput,
    UpdateResult, Warning,
};
use crate::error::{FailureReason, LockError, RetryAdvice};
use crate::event::Published;
use crate::id::{ArtifactRef, ReservationId, TaskId};
use crate::idempotency::IdempotencyKey;
use crate::port::SharedLockPort;
use crate::store::{Record as _, StoreError, Stored, Transaction};
use crate::validity::Timestamp;

/// How many keys are taken up at a time.
const BATCH: usize = 64;

/// How often a tick looks for more before it lets the host do something else.
const ROUNDS: usize = 1_000;

/// How often a revoke that the vendor has accepted is asked about before it counts as failed.
const PATIENCE: u32 = 12;

/// How long a pending credential is left alone when the port names no time.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(10);

impl KeyService {
    /// Does all that is due now, and says when something will be due next; `None` when nothing is waiting.
    ///
    /// # Errors
    /// When the store is away. What a vendor refuses is no error here: it becomes an event and a task.
    pub async fn tick(&self) -> Result<Option<Timestamp>, LockError> {
        self.queue.catch_up().await?;
        for _ in 0..ROUNDS {
            let now = self.env.now();
            let mut due = Stored::<KeyRecord>::due(&*self.store, self.partition(), now, BATCH).await?;
            due.retain(|key| key.value.due().is_some_and(|due| due <= now));
            if due.is_empty() {
                break;
            }
            for key in due {
                match self.attend(key).await {
                    // Another instance, or an event that came meanwhile: the row is read again and worked on as it is then.
                    Err(error) if is_conflict(&error) => {}
                    other => other?,
                }
            }
        }
        let next = Stored::<KeyRecord>::due(&*self.store, self.partition(), Timestamp::MAX_UTC, 1).await?;
        Ok(next.iter().fold(None, |wake, key| earlier(wake, key.value.due())))
    }

    async fn attend(&self, mut key: Stored<KeyRecord>) -> Result<(), LockError> {
        let now = self.env.now();
        match key.value.work {
            Some(work) if key.value.next_try.is_some_and(|then| then <= now) => {
                let binding = self.property.adapter(&key.value.adapter).ok_or(StoreError::Corrupt)?;
                let port = SharedLockPort::clone(&binding.port);
                self.begin_try(&mut key).await?;
                match work {
                    Work::Issue => self.issue(key, port).await,
                    Work::Update => self.update(key, port).await,
                    Work::Revoke(reason) => self.revoke(key, port, reason).await,
                }
            }
            _ if key.value.wipe_at().is_some_and(|then| then <= now) => {
                key.value.delivery.clear();
                self.save(&mut key, self.transaction()?).await
            }
            _ => Ok(()),
        }
    }

    fn transaction(&self) -> Result<Transaction, LockError> {
        Ok(Transaction::new(&self.env)?)
    }

    async fn save(&self, key: &mut Stored<KeyRecord>, mut transaction: Transaction) -> Result<(), LockError> {
        transaction.put(key)?;
        transaction.commit(&*self.store, self.partition()).await
    }

    /// Writes down that the key is being handed over, before it is: no skipping of `pending` (R65).
    async fn begin_try(&self, key: &mut Stored<KeyRecord>) -> Result<(), LockError> {
        key.value.attempts = key.value.attempts.saturating_add(1);
        if key.value.state == KeyState::Requested {
            become_state(&mut key.value, KeyState::Pending)?;
        }
        self.save(key, self.transaction()?).await
    }

    async fn issue(&self, mut key: Stored<KeyRecord>, port: SharedLockPort) -> Result<(), LockError> {
        let now = self.env.now();
        let result = port.issue_credential(self.issue_input(&key.value)).await;
        let mut transaction = self.transaction()?;
        let record = &mut key.value;
        match result {
            Ok(result) if result.state == Progress::Active => {
                become_state(record, KeyState::Active)?;
                record.warnings = result.warnings;
                record.issued_at = Some(result.credential.issued_at);
                let artifact_type = self.keep(record, &result.credential)?;
                // What the booking became while the vendor was at it.
                let moved = record.wanted != record.spec;
                record.work = moved.then_some(Work::Update);
                record.moves = record.moves.saturating_add(u64::from(moved));
                record.next_try = moved.then_some(now);
                record.attempts = 0;
                self.tell(
                    &mut transaction,
                    Published::CredentialIssued,
                    &record.cause,
                    tell::issued(record, artifact_type),
                )?;
                self.close_escorts(record.reservation, Some(&record.adapter), &mut transaction).await?;
            }
            Ok(result) => {
                let again = result.ask_after.or_else(|| now.checked_add_signed(ASK_AGAIN));
                record.next_try = again;
                record.attempts = 1;
            }
            Err(error) => self.issue_failed(record, &error, &mut transaction).await?,
        }
        self.save(&mut key, transaction).await
    }

    fn issue_input(&self, key: &KeyRecord) -> IssueInput {
        let partition = self.partition();
        let holder = Holder::Guest(Guest {
            id: key.booking.guest,
            reservation_id: key.reservation,
            display_name: None,
            contact: crate::credential::Contact::default(),
        });
        let Spec { rooms, scope, validity } = key.spec.clone();
        IssueInput::new(partition.tenant, partition.property, holder, rooms, validity, key.issue_key())
            .with_credential_id(key.id)
            .with_preferred_kinds(key.kinds.clone())
            .with_scope(scope)
    }

    async fn issue_failed(
        &self,
        key: &mut KeyRecord,
        error: &LockError,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let again = match error.advice() {
            RetryAdvice::Never => None,
            _ => schedule::next_try(key.attempts, now, &key.spec.validity, error, &*self.env.entropy)?,
        };
        if again.is_some() {
            key.next_try = again;
            // The guest may stand at the door by now: somebody has to open it until the key is there.
            if key.spec.validity.contains(now) {
                self.open_task(key, DeskTaskKind::EscortGuest, transaction).await?;
            }
            return Ok(());
        }
        become_state(key, KeyState::Failed)?;
        self.tell(transaction, Published::CredentialFailed, &key.cause, tell::failed(key, Some(error), now))?;
        let undecided =
            error.advice() == RetryAdvice::Never && error.reason() == FailureReason::OutcomeUnknown;
        let task = if undecided { DeskTaskKind::DecideOutcome } else { DeskTaskKind::EscortGuest };
        self.open_task(key, task, transaction).await?;
        // What an open call, or an undo that failed, may have left is taken away; where a person decides, it is left to him.
        key.work = (!undecided).then_some(Work::Revoke(RevokeReason::Replaced));
        key.attempts = 0;
        key.next_try = (!undecided).then_some(now);
        Ok(())
    }

    /// Keeps what the holder gets under a reference of its own; returns what it is.
    fn keep(&self, key: &mut KeyRecord, credential: &IssuedCredential) -> Result<&'static str, LockError> {
        key.kind = Some(credential.kind);
        key.delivery = KeptDelivery::of(credential);
        key.artifact = Some(ArtifactRef::from_ulid(self.env.ulid()?));
        Ok(credential.delivery.first().map_or("none", |delivery| delivery.artifact.type_name()))
    }

    async fn update(&self, mut key: Stored<KeyRecord>, port: SharedLockPort) -> Result<(), LockError> {
        let wanted = key.value.wanted.clone();
        let name = IdempotencyKey::for_credential_step(key.value.id, "update", key.value.moves);
        let input = UpdateInput::new(self.partition().tenant, key.value.id, name)
            .with_rooms(wanted.rooms.clone())
            .with_scope(wanted.scope.clone())
            .with_valid_from(wanted.validity.from())
            .with_valid_until(wanted.validity.until());
        let result = port.update_credential(input).await;
        let mut transaction = self.transaction()?;
        match result {
            Ok(UpdateResult { state: Progress::Active, credential, warnings, .. }) => {
                self.updated(&mut key.value, wanted, &credential, &warnings, &mut transaction)?;
            }
            Ok(UpdateResult { ask_after, .. }) => {
                key.value.next_try = ask_after.or_else(|| self.env.now().checked_add_signed(ASK_AGAIN));
                key.value.attempts = 1;
            }
            Err(error) => return self.update_failed(key, &error, transaction).await,
        }
        self.save(&mut key, transaction).await
    }

    fn updated(
        &self,
        key: &mut KeyRecord,
        spec: Spec,
        credential: &IssuedCredential,
        warnings: &[Warning],
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let before = std::mem::replace(&mut key.spec, spec);
        key.work = None;
        key.next_try = None;
        key.attempts = 0;
        let delivery = KeptDelivery::of(credential);
        let same = delivery.len() == key.delivery.len()
            && delivery.iter().zip(&key.delivery).all(|(new, old)| new.is_same(old));
        let artifact_type = if same { None } else { Some(self.keep(key, credential)?) };
        let data = tell::updated(key, &before, artifact_type, warnings, self.env.now());
        self.tell(transaction, Published::CredentialUpdated, &key.cause, data)
    }

    /// What cannot be changed is replaced: the old key goes, the stay gets another.
    async fn update_failed(
        &self,
        mut key: Stored<KeyRecord>,
        error: &LockError,
        mut transaction: Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let again = match error.advice() {
            RetryAdvice::Never => None,
            _ => schedule::next_try(
                key.value.attempts,
                now,
                &key.value.spec.validity,
                error,
                &*self.env.entropy,
            )?,
        };
        if again.is_some() {
            key.value.next_try = again;
            return self.save(&mut key, transaction).await;
        }
        self.give_up(&mut key.value, RevokeReason::Replaced, &mut transaction)?;
        transaction.put(&mut key)?;
        let reservation = key.value.reservation;
        let stay =
            Stored::<StayRecord>::read(&*self.store, self.partition(), &reservation.to_string()).await?;
        let stay = stay.ok_or(StoreError::Corrupt)?;
        let mut keys = self.keys_of(reservation).await?;
        if let Some(own) = keys.iter_mut().find(|other| other.value.id == key.value.id) {
            *own = key;
        }
        self.reconcile(&stay.value, &mut keys, &mut transaction).await?;
        transaction.commit(&*self.store, self.partition()).await
    }

    async fn revoke(
        &self,
        mut key: Stored<KeyRecord>,
        port: SharedLockPort,
        reason: RevokeReason,
    ) -> Result<(), LockError> {
        let name = IdempotencyKey::for_credential_step(key.value.id, "revoke", key.value.moves);
        let input = RevokeInput::new(self.partition().tenant, key.value.id, reason, name);
        let result = port.revoke_credential(input).await;
        let now = self.env.now();
        let mut transaction = self.transaction()?;
        let record = &mut key.value;
        let over = record.spec.validity.is_over(now) && record.wanted.validity.is_over(now);
        match result {
            Ok(outcome) => {
                self.gone(record, reason, true, &mut transaction)?;
                record.revoke_confirmed_at = Some(outcome.effective_by);
                record.work = outcome.again_at.map(|_| Work::Revoke(reason));
                record.next_try = outcome.again_at;
                self.close_tasks(record, DeskTaskKind::VisitDoor, &mut transaction).await?;
            }
            // The end of the window has done what the vendor did not (R68).
            Err(_) if over => {
                self.gone(record, reason, false, &mut transaction)?;
                record.revoke_confirmed_at = Some(now);
                record.work = None;
                self.close_tasks(record, DeskTaskKind::VisitDoor, &mut transaction).await?;
            }
            // Accepted, or another operation has to end first: no failure yet.
            Err(error) if error.reason() == FailureReason::InProgress && record.attempts <= PATIENCE => {
                let pause = match error.advice() {
                    RetryAdvice::After(pause) => TimeDelta::from_std(pause).unwrap_or(ASK_AGAIN),
                    _ => ASK_AGAIN,
                };
                record.next_try = now.checked_add_signed(pause);
            }
            Err(error) => {
                self.gone(record, reason, false, &mut transaction)?;
                self.open_task(record, DeskTaskKind::VisitDoor, &mut transaction).await?;
                if error.advice() == RetryAdvice::Never {
                    // That answer would be repeated for ever under the same name.
                    record.moves = record.moves.saturating_add(1);
                }
                let then = schedule::try_for_ever(record.attempts, now, &error, &*self.env.entropy)?;
                record.next_try = Some(then);
            }
        }
        self.save(&mut key, transaction).await
    }

    /// Given up here, whatever the vendor says (R83, R84); told once.
    fn gone(
        &self,
        key: &mut KeyRecord,
        reason: RevokeReason,
        confirmed: bool,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        match key.state {
            KeyState::Active | KeyState::Suspended => {
                become_state(key, KeyState::Revoked)?;
                key.revoked_at = Some(now);
                let data = tell::revoked(key, reason, confirmed, now);
                self.tell(transaction, Published::CredentialRevoked, &key.cause, data)
            }
            KeyState::Pending | KeyState::Requested => {
                become_state(key, KeyState::Failed)?;
                let data = tell::failed(key, None, now);
                self.tell(transaction, Published::CredentialFailed, &key.cause, data)
            }
            KeyState::Revoked | KeyState::Failed => Ok(()),
        }
    }

    async fn open_task(
        &self,
        key: &KeyRecord,
        kind: DeskTaskKind,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let open = Stored::<DeskTask>::find(&*self.store, self.partition(), &term_of_key(key.id)).await?;
        if open.iter().any(|task| task.value.kind == kind) {
            return Ok(());
        }
        let task = DeskTask {
            id: TaskId::from_ulid(self.env.ulid()?),
            kind,
            credential: key.id,
            reservation: Some(key.reservation),
            opened_at: self.env.now(),
            closed_at: None,
        };
        transaction.put(&mut Stored::fresh(task))?;
        Ok(())
    }

    async fn close_tasks(
        &self,
        key: &KeyRecord,
        kind: DeskTaskKind,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        for mut task in Stored::<DeskTask>::find(&*self.store, self.partition(), &term_of_key(key.id)).await?
        {
            if task.value.kind == kind {
                task.value.closed_at = Some(self.env.now());
                transaction.put(&mut task)?;
            }
        }
        Ok(())
    }

    /// The guest has a key of this adapter again, or needs none of any adapter any more.
    pub(super) async fn close_escorts(
        &self,
        reservation: ReservationId,
        adapter: Option<&str>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        for key in self.keys_of(reservation).await? {
            if adapter.is_none_or(|adapter| adapter == key.value.adapter) {
                self.close_tasks(&key.value, DeskTaskKind::EscortGuest, transaction).await?;
            }
        }
        Ok(())
    }
}

/// Goes along an arrow of the state machine; anything else is a record that cannot be.
fn become_state(key: &mut KeyRecord, next: KeyState) -> Result<(), LockError> {
    if !key.state.may_become(next) {
        return Err(StoreError::Corrupt.into());
    }
    key.state = next;
    Ok(())
}
