//! `KeyService`: what the hotel means. The host hands in the bus's events and calls [`tick`](KeyService::tick); order, retries,
//! evidence, events and tasks are done here, and everything that is still to be done is a row with a due time.

mod consumed;
mod pump;
mod reconcile;
mod record;
mod schedule;
mod state;
mod stay;
mod tell;

use std::sync::Arc;

use serde_json::Value;

use self::consumed::Consumed;
use self::record::{AuditRecord, KeyRecord, OPEN, term_of_artifact, term_of_stay};
pub use self::record::{DeskTask, DeskTaskKind};
pub use self::schedule::{LONGEST, PAUSE_WHEN_NEEDED, PAUSES, SOON};
pub use self::state::KeyState;
use self::stay::{Delivered, StayRecord};
use crate::credential::Delivery;
use crate::env::Env;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::event::{Cause, Envelope, Published};
use crate::id::{ArtifactRef, EventId, KeyCredentialId, ReservationId, UserId};
use crate::property::Property;
use crate::store::queue::{Queue, Undelivered};
use crate::store::{Partition, Store, StoreError, Stored, Transaction};
use crate::validity::Timestamp;

/// How often a delivery is tried again when another instance was quicker with the same reservation.
const DELIVERY_TRIES: usize = 16;

/// The longest purpose of a reveal, in bytes.
pub const MAX_PURPOSE: usize = 200;

/// The keys of one property, as its reservations want them.
///
/// - [`deliver`](Self::deliver) takes an event of the bus in: durably, at once, without calling anybody.
/// - [`tick`](Self::tick) does what is due, and says when to come again.
/// - [`drain`](Self::drain) and [`delivered`](Self::delivered) hand events to the bus, each at least once.
/// - [`reveal`](Self::reveal) exchanges an artifact's reference for the artifact, and writes down who did so.
///
/// Several instances may serve one property over one store.
#[derive(Debug)]
pub struct KeyService {
    property: Arc<Property>,
    store: Arc<dyn Store>,
    queue: Queue,
    env: Env,
}

impl KeyService {
    /// The keys of this property, in this store.
    #[must_use]
    pub fn new(property: Arc<Property>, store: Arc<dyn Store>, env: Env) -> Self {
        let queue = Queue::new(Arc::clone(&store), property.partition(), env.clone());
        Self { property, store, queue, env }
    }

    fn partition(&self) -> Partition {
        self.property.partition()
    }

    /// Takes one event of the bus in. It may come twice, late or out of order. What follows from it is done by `tick`, which
    /// is due at once.
    ///
    /// # Errors
    /// `TENANT_MISMATCH`, `INVALID_INPUT` or `UNSUPPORTED`: the event is refused and without effect. Anything retriable:
    /// deliver it again.
    pub async fn deliver(&self, event: &Envelope) -> Result<(), LockError> {
        let Consumed::Stay { reservation, version, event: stay_event } =
            consumed::decode(event, self.partition())?
        else {
            return Ok(());
        };
        if let Some(booking) = stay_event.booking() {
            self.property.shares(&booking.rooms, &booking.areas)?;
        }
        let cause = Cause {
            event: Some(event.id),
            trace_id: event.trace_id.clone(),
            correlation_id: event.correlation_id.clone().or_else(|| Some(reservation.to_string())),
        };
        let delivered = Delivered { event: stay_event, cause };
        self.queue.catch_up().await?;
        let mut last = StoreError::Conflict.into();
        for _ in 0..DELIVERY_TRIES {
            match self.take_in(reservation, version, &delivered).await {
                Err(error) if is_conflict(&error) => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    async fn take_in(
        &self,
        reservation: ReservationId,
        version: u64,
        delivered: &Delivered,
    ) -> Result<(), LockError> {
        let found =
            Stored::<StayRecord>::read(&*self.store, self.partition(), &reservation.to_string()).await?;
        let mut stay = found.unwrap_or_else(|| Stored::fresh(StayRecord::new(reservation)));
        if !stay.value.deliver(version, delivered.clone()) {
            return Ok(());
        }
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut stay)?;
        let mut keys = self.keys_of(reservation).await?;
        self.reconcile(&stay.value, &mut keys, &mut transaction).await?;
        transaction.commit(&*self.store, self.partition()).await
    }

    async fn keys_of(&self, reservation: ReservationId) -> Result<Vec<Stored<KeyRecord>>, LockError> {
        Ok(Stored::find(&*self.store, self.partition(), &term_of_stay(reservation)).await?)
    }

    /// The events that the bus has not had yet, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn drain(&self, limit: usize) -> Result<Vec<Undelivered>, LockError> {
        self.queue.waiting(limit).await
    }

    /// The bus has it.
    ///
    /// # Errors
    /// When the store is away: the event is then offered once more.
    pub async fn delivered(&self, event: Undelivered) -> Result<(), LockError> {
        self.queue.delivered(event).await
    }

    /// Exchanges an artifact's reference for the artifact, once. Who did so, when and what for is written down first (X17).
    ///
    /// # Errors
    /// `INVALID_INPUT` when no purpose is named; `CREDENTIAL_NOT_FOUND` for a reference that nobody gave out, that was exchanged
    /// before, or whose text is wiped. [`new_reference`](Self::new_reference) gives out another.
    pub async fn reveal(
        &self,
        artifact: ArtifactRef,
        actor: UserId,
        purpose: &str,
    ) -> Result<Vec<Delivery>, LockError> {
        check_purpose(purpose)?;
        let found =
            Stored::<KeyRecord>::find(&*self.store, self.partition(), &term_of_artifact(artifact)).await?;
        let key = found.into_iter().next().filter(|key| !key.value.delivery.is_empty());
        let Some((mut key, kind)) = key.and_then(|key| key.value.kind.map(|kind| (key, kind))) else {
            let message = "the reference stands for nothing";
            let (code, reason) = (ErrorCode::CredentialNotFound, FailureReason::NotFound);
            return Err(LockError::new(code, reason, RetryAdvice::Never, message));
        };
        key.value.artifact = None;
        self.audited(&mut key, actor, purpose).await?;
        Ok(key.value.delivery.iter().filter_map(|kept| kept.hand_out(kind)).collect())
    }

    /// Another reference to a credential's artifact: the first one was exchanged, and what came of it did not reach the guest.
    ///
    /// # Errors
    /// `INVALID_INPUT` when no purpose is named; `CREDENTIAL_NOT_FOUND` when there is no such credential, or nothing to hand out.
    pub async fn new_reference(
        &self,
        id: KeyCredentialId,
        actor: UserId,
        purpose: &str,
    ) -> Result<ArtifactRef, LockError> {
        check_purpose(purpose)?;
        let found = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
        let mut key = found
            .filter(|key| !key.value.delivery.is_empty())
            .ok_or_else(|| LockError::credential_not_found(id))?;
        let artifact = ArtifactRef::from_ulid(self.env.ulid()?);
        key.value.artifact = Some(artifact);
        self.audited(&mut key, actor, purpose).await?;
        Ok(artifact)
    }

    async fn audited(
        &self,
        key: &mut Stored<KeyRecord>,
        actor: UserId,
        purpose: &str,
    ) -> Result<(), LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut Stored::fresh(AuditRecord {
            id: self.env.ulid()?.to_string(),
            at: self.env.now(),
            actor,
            purpose: purpose.to_owned(),
            credential: key.value.id,
        }))?;
        transaction.put(key)?;
        transaction.commit(&*self.store, self.partition()).await
    }

    /// What a person has to do now.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn open_tasks(&self) -> Result<Vec<DeskTask>, LockError> {
        let tasks = Stored::<DeskTask>::find(&*self.store, self.partition(), OPEN).await?;
        Ok(tasks.into_iter().map(|task| task.value).collect())
    }

    /// Adds an event to what is being written.
    fn tell(
        &self,
        transaction: &mut Transaction,
        what: Published,
        cause: &Cause,
        mut data: Value,
    ) -> Result<(), LockError> {
        if let Some(data) = data.as_object_mut() {
            data.insert("propertyId".to_owned(), serde_json::json!(self.partition().property));
        }
        let id = EventId::from_ulid(self.env.ulid()?);
        self.queue.push(transaction, what.envelope(id, self.env.now(), self.partition().tenant, cause, data))
    }
}

fn check_purpose(purpose: &str) -> Result<(), LockError> {
    if purpose.is_empty() || purpose.len() > MAX_PURPOSE {
        return Err(LockError::invalid_input(format!("a purpose has 1 to {MAX_PURPOSE} bytes")));
    }
    Ok(())
}

pub(crate) fn is_conflict(error: &LockError) -> bool {
    *error == LockError::from(StoreError::Conflict)
}

/// The earlier of two wakes.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
