//! Where the time of a call goes: stopwatches around a store and around a transport.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lockport::Timestamp;
use lockport::env::{HttpRequest, HttpResponse, HttpTransport, TransportError};
use lockport::store::{Batch, Partition, Row, Store, StoreError, Table};

use crate::lent::Stopwatch;

/// Adds up what the waits took. Clones are the same meter.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<f64>>);

impl Meter {
    /// Microseconds since the last look.
    #[must_use]
    pub fn take(&self) -> f64 {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn over<T>(&self, future: impl Future<Output = T>) -> T {
        let watch = Stopwatch::start();
        let done = future.await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += watch.micros();
        done
    }
}

/// One meter for each place.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    /// Commits.
    pub commits: Meter,
    /// Reads and searches of the store.
    pub reads: Meter,
    /// Requests.
    pub wire: Meter,
}

/// A store with meters.
#[derive(Debug)]
pub struct Metered<T: ?Sized> {
    /// Where the times go.
    pub meters: Meters,
    /// What is measured.
    pub inner: Arc<T>,
}

#[async_trait]
impl Store for Metered<dyn Store> {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.meters.reads.over(self.inner.read(partition, table, id)).await
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        self.meters.reads.over(self.inner.find(partition, table, term)).await
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.meters.reads.over(self.inner.due(partition, table, until, limit)).await
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        self.meters.commits.over(self.inner.commit(partition, batch)).await
    }
}

#[async_trait]
impl HttpTransport for Metered<dyn HttpTransport> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.meters.wire.over(self.inner.send(request)).await
    }
}
