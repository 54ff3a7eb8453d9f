//! The store with a point at every call.

use std::sync::Arc;

use async_trait::async_trait;
use lockport::Timestamp;
use lockport::store::{Batch, Partition, Row, Store, StoreError, Table};

use super::points::{Points, hold};
use super::way::{Call, Way};

/// A store whose n-th call fails.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) points: Arc<Points>,
}

impl FaultyStore {
    async fn look(&self, name: String) -> Result<(), StoreError> {
        match self.points.enter(Call::Read, name) {
            None => Ok(()),
            Some(way) if way.drops().is_some() => hold().await,
            Some(_) => Err(StoreError::Unavailable),
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.look(format!("store.read {table:?}")).await?;
        self.inner.read(partition, table, id).await
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        self.look(format!("store.find {table:?}")).await?;
        self.inner.find(partition, table, term).await
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.look(format!("store.due {table:?}")).await?;
        self.inner.due(partition, table, until, limit).await
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        let tables: Vec<String> = batch.writes.iter().map(|write| format!("{:?}", write.table)).collect();
        let name = format!("store.commit {}", tables.join("+"));
        match self.points.enter_commit(batch.id, name) {
            None => self.inner.commit(partition, batch).await,
            Some(Way::DroppedBefore(_) | Way::DroppedLate(_)) => hold().await,
            Some(Way::DroppedAfter(_)) => {
                self.inner.commit(partition, batch).await?;
                hold().await
            }
            Some(Way::LostAfter | Way::AwayAfter) => {
                self.inner.commit(partition, batch).await?;
                Err(StoreError::Unavailable)
            }
            Some(Way::LostBefore | Way::AwayBefore | Way::Late | Way::NotSent | Way::Refused) => {
                Err(StoreError::Unavailable)
            }
        }
    }
}
