//! `KeyService`: what the hotel means. The host hands in the bus's events and calls [`tick`](KeyService::tick); order, retries,
//! evidence, events and tasks are done here, and everything that is still to be done is a row with a due time.

mod ask;
mod bulk;
mod by_hand;
mod claim;
mod consumed;
mod desk;
mod device;
mod divide;
mod encoder;
mod house;
mod lines;
mod look;
mod note;
mod observe;
mod offline;
mod outage;
mod outbox;
mod pump;
mod reconcile;
mod record;
mod schedule;
mod shift;
mod state;
mod stay;
mod take;
mod task;
mod tell;
mod tell_observed;
mod watch;
mod webhook;
mod work;

use std::sync::Arc;

use futures_util::lock::Mutex;

pub use self::ask::{AllRevoked, Arrival, KeyView};
pub use self::bulk::{APPROVALS_FOR_PROPERTY, BulkOutcome, BulkProgress, BulkRevoke, BulkTarget};
use self::claim::Claimant;
pub use self::claim::KeyOwner;
use self::consumed::{Consumed, News};
pub use self::desk::Encoded;
pub use self::device::DENIALS;
pub use self::encoder::{EncoderClose, EncoderTransport};
use self::house::{HouseRecord, PolicyData};
use self::look::{Beside, Watching};
pub use self::look::{CHECKED_AT_ONCE, WATCH_AT_LEAST};
pub use self::observe::{Observed, VendorSignal};
pub use self::offline::PROVISIONAL_FOR;
use self::reconcile::Reach;
use self::record::KeyRecord;
pub use self::schedule::{LONGEST, PAUSE_WHEN_NEEDED, PAUSES, SOON};
use self::shift::{Rota, ShiftRecord, StaffRecord, term_of_user};
pub use self::state::KeyState;
use self::stay::{StayEvent, StayRecord};
pub use self::task::{DeskTask, DeskTaskKind};
pub use self::webhook::{Called, WebhookCall, WebhookNews, WebhookOutcome};
use crate::credential::SuspendReason;
use crate::env::Env;
use crate::error::LockError;
use crate::event::{Cause, Envelope};
use crate::id::{ReservationId, ShiftId, UserId};
use crate::property::Property;
use crate::store::queue::Queue;
use crate::store::{Partition, Record as _, Store, StoreError, Stored, Transaction};
use crate::telemetry::{Meter, NoMetrics, UseCase};
use crate::transport::Circuit;
use crate::validity::Timestamp;

/// How often a delivery is tried again when another instance was quicker with the same reservation.
const DELIVERY_TRIES: usize = 16;

/// The keys of one property, as its reservations and shifts want them.
///
/// - [`deliver`](Self::deliver) takes an event of the bus in: durably, at once, without calling anybody. So do
///   [`report_lost`](Self::report_lost), [`suspend_stay`](Self::suspend_stay) and
///   [`lift_suspensions`](Self::lift_suspensions) with what a person at the desk does.
/// - [`tick`](Self::tick) does what is due, and says when to come again.
/// - [`encode_now`](Self::encode_now) does what needs a card at the desk.
/// - [`observe`](Self::observe) takes in what a vendor tells of its doors; [`watching`](Self::watching) has it asked.
/// - [`open_tasks`](Self::open_tasks) says what waits for a person; [`settle_task`](Self::settle_task) takes his word.
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
    instance: String,
    /// One tick at a time.
    ticking: Mutex<()>,
    meter: Meter,
    /// The circuit of each adapter that has one.
    circuits: Vec<(String, Circuit)>,
    watching: Option<Watching>,
    beside: Beside,
}

impl KeyService {
    /// The keys of this property, in this store. `instance` is the name of this process among all that share the store: what it
    /// had taken up when it died is taken up again at once, by another when its time is over.
    #[must_use]
    pub fn new(property: Arc<Property>, store: Arc<dyn Store>, env: Env, instance: &str) -> Self {
        let queue = Queue::new(Arc::clone(&store), property.partition(), env.clone(), instance);
        let instance = instance.to_owned();
        let meter = Meter::new(Arc::new(NoMetrics), property.partition());
        Self {
            property,
            store,
            queue,
            env,
            instance,
            ticking: Mutex::new(()),
            meter,
            circuits: Vec::new(),
            watching: None,
            beside: Beside::default(),
        }
    }

    fn partition(&self) -> Partition {
        self.property.partition()
    }

    /// Takes one event of the bus in. It may come twice, late or out of order. What follows from it is done by `tick`, which
    /// is due at once.
    ///
    /// # Errors
    /// `TENANT_MISMATCH` or `INVALID_INPUT`: the event is refused and without effect. Anything retriable: deliver it again.
    pub async fn deliver(&self, event: &Envelope) -> Result<(), LockError> {
        let result = self.timed(UseCase::Deliver, Box::pin(self.do_deliver(event))).await;
        self.count_inbox(event, &result);
        result
    }

    async fn do_deliver(&self, event: &Envelope) -> Result<(), LockError> {
        let consumed = consumed::decode(event, self.partition())?;
        let cause = |business: String| Cause {
            event: Some(event.id),
            trace_id: event.trace_id.clone(),
            correlation_id: event.correlation_id.clone().or(Some(business)),
        };
        match consumed {
            Consumed::Stay { reservation, version, news } => {
                if let News::Confirmed(booking) | News::DatesChanged(booking) = &news {
                    self.property.shares(&booking.rooms, &booking.areas, &Default::default())?;
                }
                let cause = cause(reservation.to_string());
                self.take_in(|| self.hear(reservation, version, &news, &cause)).await
            }
            Consumed::ShiftStarted { shift, user, rota } => {
                let (rooms, areas) = self.property.reach(&rota.scopes, &rota.assigned);
                self.property.shares(&rooms, &areas, &Default::default())?;
                let cause = cause(shift.to_string());
                self.take_in(|| self.shift(shift, user, Some(&rota), &cause)).await
            }
            Consumed::ShiftEnded { shift, user } => {
                let cause = cause(shift.to_string());
                self.take_in(|| self.shift(shift, user, None, &cause)).await
            }
            Consumed::UserDeactivated(user) => {
                let cause = cause(user.to_string());
                self.take_in(|| self.deactivate_user(user, &cause)).await
            }
            Consumed::PropertyDeactivated => self.take_in(|| self.deactivate_property()).await,
            Consumed::ConfigUpdated(policy) => {
                self.take_in(|| self.change_policy(policy.clone(), event.time)).await
            }
            Consumed::Foreign => Ok(()),
        }
    }

    /// Does it, and again when another instance was quicker with the same record.
    async fn take_in<F>(&self, act: impl Fn() -> F) -> Result<(), LockError>
    where
        F: Future<Output = Result<(), LockError>>,
    {
        self.queue.catch_up().await?;
        let mut last = StoreError::Conflict.into();
        for _ in 0..DELIVERY_TRIES {
            match act().await {
                Err(error) if error.is_store_conflict() => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    async fn stay(&self, reservation: ReservationId) -> Result<Option<Stored<StayRecord>>, LockError> {
        Ok(Stored::read(&*self.store, self.partition(), &reservation.to_string()).await?)
    }

    async fn shift_record(&self, shift: ShiftId) -> Result<Option<Stored<ShiftRecord>>, LockError> {
        Ok(Stored::read(&*self.store, self.partition(), &shift.to_string()).await?)
    }

    async fn house(&self) -> Result<Stored<HouseRecord>, LockError> {
        let found = Stored::read(&*self.store, self.partition(), HouseRecord::ID).await?;
        Ok(found.unwrap_or_else(|| Stored::fresh(HouseRecord::default())))
    }

    async fn keys_of(&self, owner: KeyOwner) -> Result<Vec<Stored<KeyRecord>>, LockError> {
        Ok(Stored::find(&*self.store, self.partition(), &owner.to_string()).await?)
    }

    async fn hear(
        &self,
        reservation: ReservationId,
        version: u64,
        news: &News,
        cause: &Cause,
    ) -> Result<(), LockError> {
        let house = self.house().await?;
        let now = self.env.now();
        let event = match news {
            News::Confirmed(booking) => StayEvent::Confirmed(booking.clone()),
            News::DatesChanged(booking) => StayEvent::DatesChanged(booking.clone()),
            News::Ended(reason) => StayEvent::Ended(*reason),
            News::NoShow(said) => {
                let delay = house.value.policy(self.property.policy()).no_show_suspend_after;
                let from = said.checked_add_signed(delay).unwrap_or(Timestamp::MAX_UTC);
                StayEvent::Suspended { reason: SuspendReason::NoShow, from }
            }
            News::Fraud => StayEvent::Suspended { reason: SuspendReason::FraudReview, from: now },
        };
        let found = self.stay(reservation).await?;
        let mut stay = found.unwrap_or_else(|| Stored::fresh(StayRecord::new(reservation)));
        if !stay.value.deliver(version, event, cause.clone()) {
            return Ok(());
        }
        self.reconcile_and_commit(&mut stay, &house.value, Reach::AsWanted).await
    }

    async fn shift(
        &self,
        shift: ShiftId,
        user: UserId,
        starts: Option<&Rota>,
        cause: &Cause,
    ) -> Result<(), LockError> {
        let mut record =
            self.shift_record(shift).await?.unwrap_or_else(|| Stored::fresh(ShiftRecord::new(shift, user)));
        let is_news = match starts {
            Some(rota) => record.value.start(user, rota.clone(), cause.clone()),
            None => record.value.end(cause.clone()),
        };
        if !is_news {
            return Ok(());
        }
        let mut staff = self.staff(record.value.user).await?;
        if let Some(cause) = &staff.value.deactivated {
            record.value.cut_short(cause.clone());
        }
        let house = self.house().await?;
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut staff)?;
        self.reconcile(&mut record, &house.value, Reach::AsWanted, &mut transaction).await?;
        transaction.commit(&*self.store, self.partition()).await
    }

    async fn staff(&self, user: UserId) -> Result<Stored<StaffRecord>, LockError> {
        let found = Stored::read(&*self.store, self.partition(), &user.to_string()).await?;
        Ok(found.unwrap_or_else(|| Stored::fresh(StaffRecord::new(user))))
    }

    async fn deactivate_user(&self, user: UserId, cause: &Cause) -> Result<(), LockError> {
        let mut staff = self.staff(user).await?;
        if staff.value.deactivated.is_none() {
            // First of all: a shift that is heard of from here on knows of it.
            staff.value.deactivated = Some(cause.clone());
            let mut transaction = Transaction::new(&self.env)?;
            transaction.put(&mut staff)?;
            transaction.commit(&*self.store, self.partition()).await?;
        }
        let house = self.house().await?;
        let shifts = Stored::<ShiftRecord>::find(&*self.store, self.partition(), &term_of_user(user)).await?;
        for mut shift in shifts {
            if shift.value.cut_short(cause.clone()) {
                self.reconcile_and_commit(&mut shift, &house.value, Reach::AsWanted).await?;
            }
        }
        Ok(())
    }

    /// The keys follow in the pump, however many they are.
    async fn deactivate_property(&self) -> Result<(), LockError> {
        let mut house = self.house().await?;
        if house.value.is_deactivated() {
            return Ok(());
        }
        let now = self.env.now();
        house.value.deactivated_at = Some(now);
        house.value.clearing = Some(now);
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut house)?;
        transaction.commit(&*self.store, self.partition()).await
    }

    /// The newest stands: an older one that comes again, or late, says what was so before.
    async fn change_policy(&self, policy: PolicyData, told_at: Timestamp) -> Result<(), LockError> {
        let mut house = self.house().await?;
        if house.value.policy_told_at.is_some_and(|known| told_at < known) {
            return Ok(());
        }
        (house.value.policy, house.value.policy_told_at) = (Some(policy), Some(told_at));
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut house)?;
        transaction.commit(&*self.store, self.partition()).await
    }

    async fn reconcile_and_commit<C: Claimant>(
        &self,
        claimant: &mut Stored<C>,
        house: &HouseRecord,
        reach: Reach<'_>,
    ) -> Result<(), LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        self.reconcile(claimant, house, reach, &mut transaction).await?;
        transaction.commit(&*self.store, self.partition()).await
    }

    /// Somebody else may have been quicker; then it is done.
    async fn commit_if_first(&self, transaction: Transaction) -> Result<(), LockError> {
        match transaction.commit(&*self.store, self.partition()).await {
            Err(error) if error.is_store_conflict() => Ok(()),
            other => other,
        }
    }

    /// Looks at an owner's keys anew. Who was quicker has done so, or left him due.
    async fn reconcile_owner(&self, owner: KeyOwner, reach: Reach<'_>) -> Result<(), LockError> {
        let house = self.house().await?;
        let done = match owner {
            KeyOwner::Stay(reservation) => {
                let mut stay = self.stay(reservation).await?.ok_or(StoreError::Corrupt)?;
                self.reconcile_and_commit(&mut stay, &house.value, reach).await
            }
            KeyOwner::Shift(shift) => {
                let mut shift = self.shift_record(shift).await?.ok_or(StoreError::Corrupt)?;
                self.reconcile_and_commit(&mut shift, &house.value, reach).await
            }
        };
        match done {
            Err(error) if error.is_store_conflict() => Ok(()),
            other => other,
        }
    }

    /// Whether an owner's keys are to be looked at anew by now.
    async fn is_woken(&self, owner: KeyOwner) -> Result<bool, LockError> {
        let due = match owner {
            KeyOwner::Stay(reservation) => self.stay(reservation).await?.and_then(|stay| stay.value.due()),
            KeyOwner::Shift(shift) => self.shift_record(shift).await?.and_then(|shift| shift.value.due()),
        };
        Ok(due.is_some_and(|due| due <= self.env.now()))
    }

    /// Has an owner's keys looked at anew, as part of what is being written.
    async fn wake_owner(&self, owner: KeyOwner, transaction: &mut Transaction) -> Result<(), LockError> {
        let now = self.env.now();
        match owner {
            KeyOwner::Stay(reservation) => {
                let mut stay = self.stay(reservation).await?.ok_or(StoreError::Corrupt)?;
                stay.value.set_wake(Some(now));
                transaction.put(&mut stay)?;
            }
            KeyOwner::Shift(shift) => {
                let mut shift = self.shift_record(shift).await?.ok_or(StoreError::Corrupt)?;
                shift.value.set_wake(Some(now));
                transaction.put(&mut shift)?;
            }
        }
        Ok(())
    }
}

/// The earlier of two wakes.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
