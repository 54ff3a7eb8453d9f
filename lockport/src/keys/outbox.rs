//! What leaves: events for the bus, and artifacts for whoever delivers them.

use std::sync::Arc;

use super::KeyService;
use super::record::{IN_CUSTODY, KeptDelivery, KeyRecord, Wants, term_of_artifact};
use super::state::KeyState;
use crate::audit::{Action, AuditLog, InvalidPurpose, Purpose};
use crate::credential::Delivery;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::event::{Objection, Redactor};
use crate::id::{ArtifactRef, KeyCredentialId, UserId};
use crate::store::queue::Undelivered;
use crate::store::{Stored, Transaction};
use crate::telemetry::UseCase;

impl KeyService {
    /// The events that the bus has not had yet, at most `limit`, the oldest first: those of one correlation in the order in which
    /// they happened, and nobody else is given them for [`LEASE`](crate::store::queue::LEASE). What this instance was given before
    /// and has not called [`delivered`](Self::delivered) is given again. What must not leave is taken out (R194, R227): it is
    /// counted, and stands in the audit.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn drain(&self, limit: usize) -> Result<Vec<Undelivered>, LockError> {
        self.timed(UseCase::Drain, Box::pin(self.do_drain(limit))).await
    }

    async fn do_drain(&self, limit: usize) -> Result<Vec<Undelivered>, LockError> {
        loop {
            let given = self.queue.lease(limit).await?;
            if given.is_empty() {
                return Ok(given);
            }
            let to_publish = self.redacted(given).await?;
            if !to_publish.is_empty() {
                return Ok(to_publish);
            }
        }
    }

    /// What of these events may leave; the others are taken out.
    async fn redacted(&self, given: Vec<Undelivered>) -> Result<Vec<Undelivered>, LockError> {
        let kept = Stored::<KeyRecord>::find(&*self.store, self.partition(), IN_CUSTODY).await?;
        let custody = kept.iter().flat_map(|key| &key.value.delivery).filter_map(KeptDelivery::text);
        let redactor = Redactor::new(self.partition(), custody.collect());
        let mut to_publish = Vec::with_capacity(given.len());
        for event in given {
            let Some(why) = redactor.objection(event.event()) else {
                to_publish.push(event);
                continue;
            };
            let mut transaction = Transaction::new(&self.env)?;
            self.note_dropped(&mut transaction, event.event(), why);
            if why != Objection::Foreign {
                self.say_leak(&mut transaction, event.event());
            }
            self.queue.drop_event(event, why, transaction).await?;
            self.count_dropped(why);
        }
        Ok(to_publish)
    }

    /// How many events this process did not publish for this reason: `outbox.publish_dropped_total` (R194).
    #[must_use]
    pub fn dropped(&self, why: Objection) -> u64 {
        self.queue.dropped(why)
    }

    /// The audit of the property (R136, R179).
    #[must_use]
    pub fn audit(&self) -> AuditLog {
        AuditLog::new(Arc::clone(&self.store), self.partition(), self.env.clone())
    }

    /// The bus has it.
    ///
    /// # Errors
    /// When the store is away: the event is then offered once more.
    pub async fn delivered(&self, event: Undelivered) -> Result<(), LockError> {
        self.count_published(&event);
        self.queue.delivered(event).await
    }

    /// Exchanges an artifact's reference for the artifact, once. Who did so, when and what for is written down first (X17).
    ///
    /// # Errors
    /// `INVALID_INPUT` when the purpose is no [`Purpose`]; `CREDENTIAL_NOT_FOUND` for a reference that nobody gave out, that was exchanged
    /// before, or whose text is wiped: [`new_reference`](Self::new_reference) gives out another. `STATE_CONFLICT` for a key that is to be
    /// gone, whatever its vendor has done about that yet.
    pub async fn reveal(
        &self,
        artifact: ArtifactRef,
        actor: UserId,
        purpose: &str,
    ) -> Result<Vec<Delivery>, LockError> {
        self.timed(UseCase::Reveal, Box::pin(self.do_reveal(artifact, actor, purpose))).await
    }

    async fn do_reveal(
        &self,
        artifact: ArtifactRef,
        actor: UserId,
        purpose: &str,
    ) -> Result<Vec<Delivery>, LockError> {
        let purpose = self::purpose(purpose)?;
        let found =
            Stored::<KeyRecord>::find(&*self.store, self.partition(), &term_of_artifact(artifact)).await?;
        let key = found.into_iter().next().filter(|key| !key.value.delivery.is_empty());
        let Some((mut key, kind)) = key.and_then(|key| key.value.kind.map(|kind| (key, kind))) else {
            let message = "the reference stands for nothing";
            let (code, reason) = (ErrorCode::CredentialNotFound, FailureReason::NotFound);
            return Err(LockError::new(code, reason, RetryAdvice::Never, message));
        };
        key.value.check_handing_out()?;
        key.value.artifact = None;
        let mut transaction = Transaction::new(&self.env)?;
        self.note_handing_out(&mut transaction, &key.value, (Action::Reveal, actor, purpose))?;
        self.save(&mut key, transaction).await?;
        Ok(key.value.delivery.iter().filter_map(|kept| kept.hand_out(kind)).collect())
    }

    /// Another reference to a credential's artifact: the first one was exchanged, and what came of it did not reach the guest.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the purpose is no [`Purpose`]; `CREDENTIAL_NOT_FOUND` when there is no such credential, or nothing to hand out;
    /// `STATE_CONFLICT` as [`reveal`](Self::reveal) says.
    pub async fn new_reference(
        &self,
        id: KeyCredentialId,
        actor: UserId,
        purpose: &str,
    ) -> Result<ArtifactRef, LockError> {
        self.timed(UseCase::NewReference, Box::pin(self.do_new_reference(id, actor, purpose))).await
    }

    async fn do_new_reference(
        &self,
        id: KeyCredentialId,
        actor: UserId,
        purpose: &str,
    ) -> Result<ArtifactRef, LockError> {
        let purpose = self::purpose(purpose)?;
        let found = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
        let mut key = found
            .filter(|key| !key.value.delivery.is_empty())
            .ok_or_else(|| LockError::credential_not_found(id))?;
        key.value.check_handing_out()?;
        let artifact = ArtifactRef::from_ulid(self.env.ulid()?);
        key.value.artifact = Some(artifact);
        let mut transaction = Transaction::new(&self.env)?;
        self.note_handing_out(&mut transaction, &key.value, (Action::NewReference, actor, purpose))?;
        self.save(&mut key, transaction).await?;
        Ok(artifact)
    }
}

impl KeyRecord {
    /// Nobody is handed what was taken away, or is about to be. What is suspended is his once that is lifted.
    fn check_handing_out(&self) -> Result<(), LockError> {
        let is_his = matches!(self.state, KeyState::Active | KeyState::Suspended);
        if is_his && !matches!(self.wants, Wants::Gone(_)) {
            return Ok(());
        }
        let message = "the key is taken away";
        Err(LockError::new(ErrorCode::StateConflict, FailureReason::WrongState, RetryAdvice::Never, message))
    }
}

fn purpose(text: &str) -> Result<Purpose, LockError> {
    text.parse().map_err(|error: InvalidPurpose| LockError::invalid_input(error.to_string()))
}
