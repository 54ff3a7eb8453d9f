//! What the tests stand on: a clock that stands still, seeded chance, two partitions, and a store that others use too.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lockport::Timestamp;
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::id::{PropertyId, TenantId};
use lockport::store::{Batch, Partition, Row, Store, StoreError, Table};

pub(crate) fn now() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

pub(crate) fn env() -> (Env, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(now()));
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    (env, clock)
}

pub(crate) fn partition(name: &str) -> Partition {
    Partition {
        tenant: TenantId::derived("test", &[name.as_bytes()]),
        property: PropertyId::derived("test", &[name.as_bytes()]),
    }
}

/// Runs a future that never waits for anything outside.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("the future waited for something")
}

type Event = Mutex<Box<dyn FnMut() -> Result<(), StoreError> + Send>>;

/// A store in which something happens before each commit, and between it and its answer: somebody else is quicker, the answer is lost.
pub(crate) struct Between {
    inner: Arc<dyn Store>,
    before: Event,
    after: Event,
}

impl Between {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        let nothing = || -> Event { Mutex::new(Box::new(|| Ok(()))) };
        Self { inner, before: nothing(), after: nothing() }
    }

    pub(crate) fn before(
        self,
        times: u32,
        event: impl FnMut() -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        Self { before: Self::so_often(times, event), ..self }
    }

    pub(crate) fn after(
        self,
        times: u32,
        event: impl FnMut() -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        Self { after: Self::so_often(times, event), ..self }
    }

    fn so_often(times: u32, mut event: impl FnMut() -> Result<(), StoreError> + Send + 'static) -> Event {
        let mut left = times;
        Mutex::new(Box::new(move || {
            let is_over = left == 0;
            left = left.saturating_sub(1);
            if is_over { Ok(()) } else { event() }
        }))
    }
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Between").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Between {
    async fn read(&self, of: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.inner.read(of, table, id).await
    }
    async fn find(&self, of: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        self.inner.find(of, table, term).await
    }
    async fn due(
        &self,
        of: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.due(of, table, until, limit).await
    }
    async fn commit(&self, of: Partition, batch: &Batch) -> Result<(), StoreError> {
        (self.before.lock().unwrap())()?;
        self.inner.commit(of, batch).await?;
        (self.after.lock().unwrap())()
    }
}
