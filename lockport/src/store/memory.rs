//! The store that forgets: for tests, rehearsals and hosts without a disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Batch, Content, Partition, Row, Store, StoreError, Table};
use crate::validity::Timestamp;

type RowKey = (Partition, Table, String);

#[derive(Debug)]
struct Kept {
    revision: u64,
    by: u128,
    content: Content,
}

/// Rows in memory. They outlive an adapter, not the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<BTreeMap<RowKey, Kept>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<RowKey, Kept>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that are `wanted`, in the order of their ids. No other row is copied: bodies are large, and wiped when dropped.
    fn select(&self, partition: Partition, table: Table, wanted: impl Fn(&Content) -> bool) -> Vec<Row> {
        let rows = self.rows();
        let from = (partition, table, String::new());
        let of_table = rows.range(from..).take_while(|((p, t, _), _)| (*p, *t) == (partition, table));
        of_table.filter(|(_, kept)| wanted(&kept.content)).map(|((_, _, id), kept)| row(id, kept)).collect()
    }
}

fn row(id: &str, kept: &Kept) -> Row {
    let Content { due, terms, body } = kept.content.clone();
    Row { id: id.to_owned(), revision: kept.revision, due, terms, body }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        Ok(self.rows().get(&(partition, table, id.to_owned())).map(|kept| row(id, kept)))
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        let bears = |content: &Content| term.is_empty() || content.terms.iter().any(|own| own == term);
        Ok(self.select(partition, table, bears))
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.select(partition, table, |content| content.due.is_some_and(|due| due <= until));
        rows.sort_by(|a, b| (a.due, &a.id).cmp(&(b.due, &b.id)));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let mut repeated = true;
        for write in &batch.writes {
            let kept = rows.get(&(partition, write.table, write.id.clone()));
            let is_mine = match kept {
                Some(kept) => kept.by == batch.id && kept.revision == write.expected.saturating_add(1),
                None => write.content.is_none(),
            };
            let is_expected = kept.map_or(0, |kept| kept.revision) == write.expected;
            if !is_mine && !is_expected {
                return Err(StoreError::Conflict);
            }
            repeated &= is_mine;
        }
        if repeated {
            return Ok(());
        }
        for write in &batch.writes {
            let key = (partition, write.table, write.id.clone());
            match write.content.clone() {
                Some(content) => {
                    let revision = write.expected.saturating_add(1);
                    rows.insert(key, Kept { revision, by: batch.id, content });
                }
                None => {
                    rows.remove(&key);
                }
            }
        }
        Ok(())
    }
}
