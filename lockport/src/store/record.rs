//! Typed rows: what a table holds, read and written in one place.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Batch, Content, Partition, Row, Store, StoreError, Table, Write};
use crate::audit::{Chain, Draft, End};
use crate::env::{EntropyError, Env};
use crate::error::LockError;
use crate::secret::Secret;
use crate::telemetry::{Line, Mark};
use crate::validity::Timestamp;

/// How often a commit is tried when the store does not answer: this process may hold the only copy of a vendor's answer.
const COMMIT_TRIES: usize = 3;

/// How often entries of the audit look for a new place when others were quicker.
const PLACE_TRIES: usize = 64;

/// What a table holds.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// The table.
    const TABLE: Table;

    /// The row's name.
    fn id(&self) -> String;

    /// When it wants attention, if ever.
    fn due(&self) -> Option<Timestamp> {
        None
    }

    /// What it can be found by.
    fn terms(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A record and the revision it was read at.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    /// The record.
    pub value: T,
    revision: u64,
}

impl<T: Record> Stored<T> {
    /// A record that no store has yet.
    #[must_use]
    pub const fn fresh(value: T) -> Self {
        Self { value, revision: 0 }
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        // EXPOSE: the body of a row, taken apart by the type that wrote it.
        let value = serde_json::from_slice(row.body.expose()).map_err(|_| StoreError::Corrupt)?;
        Ok(Self { value, revision: row.revision })
    }

    /// The record of this name, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn read(store: &dyn Store, partition: Partition, id: &str) -> Result<Option<Self>, StoreError> {
        store.read(partition, T::TABLE, id).await?.as_ref().map(Self::from_row).transpose()
    }

    /// The records that carry this term.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn find(store: &dyn Store, partition: Partition, term: &str) -> Result<Vec<Self>, StoreError> {
        store.find(partition, T::TABLE, term).await?.iter().map(Self::from_row).collect()
    }

    /// The records that are due.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn due(
        store: &dyn Store,
        partition: Partition,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError> {
        store.due(partition, T::TABLE, until, limit).await?.iter().map(Self::from_row).collect()
    }
}

/// Changes that are being collected.
#[derive(Debug)]
pub struct Transaction {
    batch: Batch,
    chain: Option<Chain>,
    marks: Vec<Mark>,
    lines: Vec<Line>,
}

impl Transaction {
    /// An empty one, with a name of its own.
    ///
    /// # Errors
    /// [`EntropyError`] when no name can be drawn.
    pub fn new(env: &Env) -> Result<Self, EntropyError> {
        let batch = Batch { id: env.ulid()?.0, writes: Vec::new() };
        Ok(Self { batch, chain: None, marks: Vec::new(), lines: Vec::new() })
    }

    /// Puts a record, as it stands now. The record counts as written from here on: when the commit fails, it is read anew.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be written down.
    pub fn put<T: Record>(&mut self, record: &mut Stored<T>) -> Result<(), StoreError> {
        let body = serde_json::to_vec(&record.value).map_err(|_| StoreError::Corrupt)?;
        let content =
            Some(Content { due: record.value.due(), terms: record.value.terms(), body: Secret::new(body) });
        let id = record.value.id();
        match self.batch.writes.iter_mut().find(|write| write.table == T::TABLE && write.id == id) {
            Some(write) => write.content = content,
            None => {
                self.batch.writes.push(Write { table: T::TABLE, id, expected: record.revision, content });
                record.revision = record.revision.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Takes a record away.
    pub fn delete<T: Record>(&mut self, record: &Stored<T>) {
        let id = record.value.id();
        self.batch.writes.push(Write { table: T::TABLE, id, expected: record.revision, content: None });
    }

    /// Adds an entry of the audit: it is there if and only if what else is put is.
    pub fn note(&mut self, env: &Env, draft: Draft) {
        self.chain.get_or_insert_with(|| Chain::new(env.clone())).push(draft);
    }

    /// Has this counted, if and only if what is put is written.
    pub(crate) fn mark(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// Has this said in the log, if and only if what is put is written.
    pub(crate) fn say(&mut self, line: Option<Line>) {
        self.lines.extend(line);
    }

    /// Whether nothing was put.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.writes.is_empty() && self.chain.is_none()
    }

    /// Commits, asking again when the store does not answer. Entries of the audit come behind the last one that is there; when
    /// somebody else was quicker with his, behind those.
    ///
    /// # Errors
    /// [`StoreError`], as an error of a port's call.
    pub async fn commit(mut self, store: &dyn Store, partition: Partition) -> Result<(), LockError> {
        let (marks, lines) = (std::mem::take(&mut self.marks), std::mem::take(&mut self.lines));
        self.write(store, partition).await?;
        marks.into_iter().for_each(Mark::publish);
        lines.into_iter().for_each(Line::say);
        Ok(())
    }

    async fn write(self, store: &dyn Store, partition: Partition) -> Result<(), LockError> {
        let Some(chain) = &self.chain else {
            return Ok(ask(store, partition, &self.batch).await.map_err(|(error, _)| error)?);
        };
        let mut seen = None;
        for _ in 0..PLACE_TRIES {
            let end = end_of(store, partition).await?;
            if seen.replace(end.nth()) == Some(end.nth()) {
                // Nobody added an entry: the conflict is about something else.
                break;
            }
            let (marks, lines) = (Vec::new(), Vec::new());
            let mut linked = Self { batch: self.batch.clone(), chain: None, marks, lines };
            chain.link(partition, end, &mut linked)?;
            match ask(store, partition, &linked.batch).await {
                Err((StoreError::Conflict, Sure::Yes)) => {}
                other => return Ok(other.map_err(|(error, _)| error)?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// Whether it is certain that nothing was written.
enum Sure {
    Yes,
    /// An earlier try got no answer and may have happened: then others may have built on it since.
    No,
}

async fn ask(store: &dyn Store, partition: Partition, batch: &Batch) -> Result<(), (StoreError, Sure)> {
    let mut sure = Sure::Yes;
    for _ in 0..COMMIT_TRIES {
        match store.commit(partition, batch).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Unavailable) => sure = Sure::No,
            Err(other) => return Err((other, sure)),
        }
    }
    Err((StoreError::Unavailable, sure))
}

async fn end_of(store: &dyn Store, partition: Partition) -> Result<End, StoreError> {
    for _ in 1..COMMIT_TRIES {
        match Chain::end(store, partition).await {
            Err(StoreError::Unavailable) => {}
            other => return other,
        }
    }
    Chain::end(store, partition).await
}
