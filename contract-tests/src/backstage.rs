//! What is behind a port that was built over a driver: the driver and the ledger, for cases that let callers die, come twice or look
//! at what is kept.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, Journal, LeaseKey, Reach,
    VendorDriver, Withdrawal, Withdrawn,
};
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::id::LockDeviceId;
use lockport::stack::LockStack;
use lockport::store::{Batch, MemoryStore, Partition, Row, Store, StoreError, Table};
use lockport::{LockError, Secret, SharedLockPort, Timestamp};

use crate::bench::Site;

/// A driver over a ledger of its own, and everything else that a port is made of.
#[derive(Clone, Debug)]
pub struct Backstage {
    driver: Arc<Paced<dyn VendorDriver>>,
    /// What the driver says of itself, or less than that.
    descriptor: DriverDescriptor,
    store: Arc<Paced<dyn Store>>,
    pace: Arc<Pace>,
    site: Site,
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
}

/// The name of the process that a bench plays; its successor has another.
const INSTANCE: &str = "contract";

impl Backstage {
    /// This driver over an empty ledger in memory.
    #[must_use]
    pub fn over(driver: impl VendorDriver, site: &Site, clock: &Arc<ManualClock>, seed: u64) -> Self {
        Self::over_store(driver, site, clock, seed, Arc::new(MemoryStore::new()))
    }

    /// This driver over this ledger.
    #[must_use]
    pub fn over_store(
        driver: impl VendorDriver,
        site: &Site,
        clock: &Arc<ManualClock>,
        seed: u64,
        store: Arc<dyn Store>,
    ) -> Self {
        Self::over_shared(Arc::new(driver), site, clock, seed, store)
    }

    /// A driver that somebody else has too, over this ledger.
    pub(crate) fn over_shared(
        driver: Arc<dyn VendorDriver>,
        site: &Site,
        clock: &Arc<ManualClock>,
        seed: u64,
        store: Arc<dyn Store>,
    ) -> Self {
        let pace = Arc::new(Pace::default());
        Self {
            descriptor: driver.describe(),
            driver: Arc::new(Paced { inner: driver, pace: Arc::clone(&pace) }),
            store: Arc::new(Paced { inner: store, pace: Arc::clone(&pace) }),
            pace,
            site: site.clone(),
            clock: Arc::clone(clock),
            entropy: Arc::new(SeededEntropy::new(seed)),
        }
    }

    /// The port that is judged: the core's adapter, the guard, the deadline, and nothing else.
    #[must_use]
    pub fn port(&self) -> SharedLockPort {
        self.stack_of(INSTANCE).build()
    }

    /// The same driver over another, empty ledger.
    #[cfg(feature = "sqlite")]
    pub(crate) fn with_store(&self, store: Arc<dyn Store>) -> Self {
        let store = Arc::new(Paced { inner: store, pace: Arc::clone(&self.pace) });
        Self { store, ..self.clone() }
    }

    /// The same driver over an empty ledger, in a hotel with more rooms than the vendor's side has.
    pub(crate) fn in_site(&self, site: Site) -> Self {
        let store = Arc::new(Paced {
            inner: Arc::new(MemoryStore::new()) as Arc<dyn Store>,
            pace: Arc::clone(&self.pace),
        });
        Self { site, store, ..self.clone() }
    }

    /// The same driver, which says this of itself, over an empty ledger.
    pub(crate) fn described(&self, descriptor: DriverDescriptor) -> Self {
        Self { descriptor, ..self.in_site(self.site.clone()) }
    }

    /// The port of another process over the same ledger and the same vendor.
    pub(crate) fn port_of(&self, instance: &str) -> SharedLockPort {
        self.stack_of(instance).build()
    }

    pub(crate) fn adapter_of(&self, instance: &str) -> Arc<Adapter<SharedDriver>> {
        let setup = AdapterSetup {
            name: "main".to_owned(),
            partition: self.partition(),
            doors: Arc::new(self.site.door_map()),
            store: self.store.clone(),
            env: self.env(),
            instance: instance.to_owned(),
        };
        Arc::new(Adapter::new(SharedDriver(Arc::clone(&self.driver), self.descriptor.clone()), setup))
    }

    /// The layers of the judged port, with room for more.
    pub(crate) fn stack_of(&self, instance: &str) -> LockStack {
        let doors = Arc::new(self.site.door_map());
        LockStack::new(self.adapter_of(instance), self.partition(), doors, self.env())
    }

    pub(crate) fn partition(&self) -> Partition {
        Partition { tenant: self.site.tenant, property: self.site.property }
    }

    fn env(&self) -> Env {
        Env { clock: self.clock.clone(), sleep: self.clock.clone(), entropy: self.entropy.clone() }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store.inner
    }

    pub(crate) fn driver(&self) -> &dyn VendorDriver {
        &*self.driver.inner
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }
}

/// Where calls to driver and store make a stop, so that others get on or the caller may go away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stops {
    #[default]
    Nowhere,
    /// Before and after what changes something: between two of these, going away early or late is the same.
    AroundEffects,
    Everywhere,
}

/// How calls to driver and store go while somebody watches.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    stops: Mutex<Stops>,
    said: Mutex<Option<Vec<String>>>,
    last_grant: Mutex<Option<GrantOrder>>,
    /// It may be the number of somebody's card.
    last_note: Mutex<Option<Secret>>,
}

impl Pace {
    /// From now on calls stop there.
    pub(crate) fn stop_at(&self, stops: Stops) {
        *self.stops.lock().unwrap_or_else(PoisonError::into_inner) = stops;
    }

    /// From now on whatever the driver is handed is written down as it prints itself: what a panic in a driver could say.
    pub(crate) fn listen(&self) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// What was written down.
    pub(crate) fn heard(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.as_ref().map(|said| said.join("\n")).unwrap_or_default()
    }

    /// The last grant that the driver was told of.
    pub(crate) fn last_grant(&self) -> Option<GrantOrder> {
        self.last_grant.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the driver wrote down over it.
    pub(crate) fn last_note(&self) -> Option<Secret> {
        self.last_note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, what: impl FnOnce() -> String) {
        if let Some(said) = &mut *self.said.lock().unwrap_or_else(PoisonError::into_inner) {
            said.push(what());
        }
    }

    async fn stop(&self, has_effect: bool) {
        let stops = *self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if stops == Stops::Nowhere || (stops == Stops::AroundEffects && !has_effect) {
            return;
        }
        let mut stopped = false;
        poll_fn(|context| {
            if stopped {
                return Poll::Ready(());
            }
            stopped = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[derive(Debug)]
struct Paced<T: ?Sized> {
    pace: Arc<Pace>,
    inner: Arc<T>,
}

/// Keeps a copy of what a driver writes down over a grant.
#[derive(Debug)]
struct Copying<'a> {
    journal: &'a dyn Journal,
    pace: &'a Pace,
}

#[async_trait]
impl Journal for Copying<'_> {
    async fn write(&self, note: &str) -> Result<(), LockError> {
        self.journal.write(note).await?;
        *self.pace.last_note.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Secret::new(note.to_owned()));
        Ok(())
    }
}

/// The one driver of a bench, for every adapter over it.
#[derive(Clone, Debug)]
pub(crate) struct SharedDriver(Arc<Paced<dyn VendorDriver>>, DriverDescriptor);

macro_rules! paced {
    ($this:expr, $has_effect:literal, $call:expr) => {{
        $this.pace.stop($has_effect).await;
        let answer = $call.await;
        $this.pace.stop($has_effect).await;
        answer
    }};
}

#[async_trait]
impl VendorDriver for SharedDriver {
    fn describe(&self) -> DriverDescriptor {
        self.1.clone()
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.0.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        self.0.pace.note(|| format!("grant {order:?}"));
        *self.0.pace.last_grant.lock().unwrap_or_else(PoisonError::into_inner) = Some(order.clone());
        *self.0.pace.last_note.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let journal = Copying { journal: attempt.journal, pace: &self.0.pace };
        let attempt = Attempt { journal: &journal, ..*attempt };
        let answer = paced!(self.0, true, self.0.inner.grant(order, &attempt));
        self.0.pace.note(|| format!("granted {answer:?}"));
        answer
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let found = paced!(self.0, false, self.0.inner.find(order, attempt));
        self.0.pace.note(|| format!("found {found:?}"));
        found
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.0.pace.note(|| format!("amend {held:?} to {target:?}"));
        paced!(self.0, true, self.0.inner.amend(held, target, attempt))
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.0.pace.note(|| format!("withdraw {withdrawal:?}"));
        paced!(self.0, true, self.0.inner.withdraw(withdrawal, attempt))
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.0.inner.devices().await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.0.inner.health(device).await
    }
}

#[async_trait]
impl Store for Paced<dyn Store> {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        paced!(self, false, self.inner.read(partition, table, id))
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        paced!(self, false, self.inner.find(partition, table, term))
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        paced!(self, false, self.inner.due(partition, table, until, limit))
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        paced!(self, true, self.inner.commit(partition, batch))
    }
}
