//! A store that lets somebody else go first before and after each call, and a way to stop a future after so many of its waits.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use lockport::Timestamp;
use lockport::store::{Batch, Partition, Row, Store, StoreError, Table};

#[derive(Debug)]
pub(crate) struct Yielding(pub(crate) Arc<dyn Store>);

async fn let_others_go_first() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[async_trait]
impl Store for Yielding {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        let_others_go_first().await;
        self.0.read(partition, table, id).await
    }
    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        let_others_go_first().await;
        self.0.find(partition, table, term).await
    }
    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let_others_go_first().await;
        self.0.due(partition, table, until, limit).await
    }
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        let_others_go_first().await;
        let done = self.0.commit(partition, batch).await;
        let_others_go_first().await;
        done
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future to its end.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = poll(future.as_mut()) {
            return value;
        }
    }
}

/// Runs a future up to its n-th wait, then does something else to the end, then goes on; whether it came so far.
pub(crate) fn run_with_a_break<F: Future>(
    future: F,
    waits: usize,
    meanwhile: impl FnOnce(),
) -> (F::Output, bool) {
    let mut future = pin!(future);
    for _ in 0..waits {
        if let Poll::Ready(value) = poll(future.as_mut()) {
            return (value, false);
        }
    }
    meanwhile();
    (run(future), true)
}

/// Runs a future up to its n-th wait and drops it there; whether it came so far.
pub(crate) fn run_and_drop<F: Future>(future: F, waits: usize) -> bool {
    let mut future = pin!(future);
    !(0..waits).any(|_| poll(future.as_mut()).is_ready())
}

/// Polls all of them in turn until each has ended.
pub(crate) fn run_in_turn<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    let mut done = Vec::new();
    while open.iter().any(Option::is_some) {
        for slot in &mut open {
            let Some(future) = slot else { continue };
            if let Poll::Ready(value) = poll(future.as_mut()) {
                done.push(value);
                *slot = None;
            }
        }
    }
    done
}
