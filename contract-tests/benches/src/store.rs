//! Ledgers in files, and what can be seen of one from outside.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lockport::Timestamp;
use lockport::env::OsEntropy;
use lockport::store::{Batch, Partition, Row, SqliteStore, Store, StoreError, Table};

use crate::Trouble;
use crate::lent::Turned;

/// A directory beside the program, so on a disk and not in memory; gone with this value.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self, Trouble> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("the program stands nowhere")?;
        let path = beside.join(format!("lockport-bench-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be tidied away now goes with the build's own files.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens a SQLite store.
///
/// # Errors
/// When it cannot be opened.
pub async fn sqlite(path: &Path) -> Result<Arc<SqliteStore>, Trouble> {
    Ok(Arc::new(SqliteStore::open(path, &Turned, Arc::new(OsEntropy)).await?))
}

/// How many commits stand in the write-ahead log of a database that has not been checkpointed yet. Counted in the file itself:
/// <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.
///
/// # Errors
/// When there is no log.
pub fn commits_in_log(database: &Path) -> Result<usize, Trouble> {
    const HEAD: usize = 32;
    const FRAME_HEAD: usize = 24;
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    let log = std::fs::read(name)?;
    let number = |at: usize| {
        let bytes = log.get(at..at.saturating_add(4))?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let page = usize::try_from(number(8).ok_or("the log has no head")?)?;
    let salt = log.get(16..24);
    let frames = (HEAD..log.len()).step_by(page.saturating_add(FRAME_HEAD));
    // The frame that ends a commit says how large the database is from then on.
    let is_commit = |at: &usize| {
        let own = log.get(at.saturating_add(8)..at.saturating_add(16));
        own == salt && number(at.saturating_add(4)).is_some_and(|size| size > 0)
    };
    Ok(frames.filter(is_commit).count())
}

/// Keeps a copy of every batch.
#[derive(Debug)]
pub struct BatchTap {
    inner: Arc<dyn Store>,
    batches: Mutex<Vec<Batch>>,
}

impl BatchTap {
    /// Around this store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, batches: Mutex::default() }
    }

    /// What was committed since the last look.
    #[must_use]
    pub fn batches(&self) -> Vec<Batch> {
        std::mem::take(&mut self.batches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Store for BatchTap {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.inner.read(partition, table, id).await
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        self.inner.find(partition, table, term).await
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.due(partition, table, until, limit).await
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch.clone());
        self.inner.commit(partition, batch).await
    }
}
