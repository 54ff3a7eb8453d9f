//! SQLite: the embedded default. One file, WAL, every commit on disk before it is answered, every body sealed.
//!
//! Calls work on the caller's thread: a commit takes as long as the disk takes to write, which is what a ledger waits for
//! anyway. A host whose runtime must not wait that long hands the calls to a thread of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::vault::{Vault, WrappedKey, bound_to};
use super::{Batch, Content, Partition, Row, Store, StoreError, Table, Write};
use crate::env::{Entropy, KeyWrap};
use crate::validity::Timestamp;

/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(5);

/// By which a file is known as a store: "lkpt".
const APPLICATION_ID: i64 = 0x6c6b_7074;

/// One step of the schema each; a file is brought up to date by those it has not had. Never changed once released.
const MIGRATIONS: &[&str] = &[include_str!("sqlite/0001.sql")];

/// Why a file is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be opened, or is no database.
    #[error("the file cannot be opened as a database")]
    File,
    /// The file was written by a newer version.
    #[error("the file is from a newer version")]
    Newer,
    /// The host's key cannot be used, or is not the one that the file's data keys are wrapped with.
    #[error("the file's keys cannot be unwrapped")]
    Keys,
}

/// A store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    vault: Vault,
}

impl SqliteStore {
    /// Opens the file, making it where there is none and bringing an older one up to date. Where the host's wrapping key has
    /// changed since, the data keys are wrapped anew and a new one is taken into use.
    ///
    /// # Errors
    /// [`OpenError`]; the file is then as it was.
    pub async fn open(path: &Path, wrap: &dyn KeyWrap, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        let kept = {
            let mut connection = Connection::open(path).map_err(|_| OpenError::File)?;
            connection.busy_timeout(BUSY).map_err(|_| OpenError::File)?;
            migrate(&mut connection)?;
            data_keys(&connection).map_err(|_| OpenError::File)?
        };
        let (vault, to_keep) = Vault::open(&kept, wrap, entropy).await.map_err(|_| OpenError::Keys)?;
        let connection = connect(path)?;
        for key in to_keep {
            let sql = "INSERT OR REPLACE INTO data_keys (id, wrapping_key, wrapped) VALUES (?1, ?2, ?3)";
            connection
                .execute(sql, params![key.id, key.wrapping_key, key.wrapped])
                .map_err(|_| OpenError::File)?;
        }
        Ok(Self { connection: Mutex::new(connection), vault })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn row(&self, of: Partition, table: Table, stored: StoredRow) -> Result<Row, StoreError> {
        let StoredRow { id, revision, due, terms, body } = stored;
        let body = self.vault.open_body(&bound_to(of, table, &id), &body)?;
        let due =
            due.map(|due| Timestamp::from_timestamp_millis(due).ok_or(StoreError::Corrupt)).transpose()?;
        Ok(Row { id, revision, due, terms: split(&terms), body })
    }

    fn rows(
        &self,
        of: Partition,
        table: Table,
        found: rusqlite::Result<Vec<StoredRow>>,
    ) -> Result<Vec<Row>, StoreError> {
        found.map_err(away)?.into_iter().map(|stored| self.row(of, table, stored)).collect()
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path).map_err(|_| OpenError::File)?;
    connection.busy_timeout(BUSY).map_err(|_| OpenError::File)?;
    // FULL: a commit that was answered survives the loss of power. NORMAL would be ten times faster and lose the last ones.
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
    connection.execute_batch(settings).map_err(|_| OpenError::File)?;
    Ok(connection)
}

/// Brings the file up to date. A file that is not a store, and not empty, is left as it is.
fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|_| OpenError::File)?;
    let number =
        |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|_| OpenError::File);
    let is_empty = number("SELECT count(*) FROM sqlite_master")? == 0;
    match number("PRAGMA application_id")? {
        APPLICATION_ID => {}
        0 if is_empty => {
            let ours = format!("PRAGMA application_id = {APPLICATION_ID}");
            transaction.execute_batch(&ours).map_err(|_| OpenError::File)?;
        }
        _ => return Err(OpenError::File),
    }
    let version = number("PRAGMA user_version")?;
    let done = usize::try_from(version).map_err(|_| OpenError::File)?;
    let missing = MIGRATIONS.get(done..).ok_or(OpenError::Newer)?;
    for step in missing {
        transaction.execute_batch(step).map_err(|_| OpenError::File)?;
    }
    let now = format!("PRAGMA user_version = {}", MIGRATIONS.len());
    transaction.execute_batch(&now).map_err(|_| OpenError::File)?;
    transaction.commit().map_err(|_| OpenError::File)
}

fn data_keys(connection: &Connection) -> rusqlite::Result<Vec<WrappedKey>> {
    let mut statement = connection.prepare("SELECT id, wrapping_key, wrapped FROM data_keys ORDER BY id")?;
    let keys = statement.query_map([], |row| {
        Ok(WrappedKey { id: row.get(0)?, wrapping_key: row.get(1)?, wrapped: row.get(2)? })
    })?;
    keys.collect()
}

struct StoredRow {
    id: String,
    revision: u64,
    due: Option<i64>,
    terms: String,
    body: Vec<u8>,
}

impl StoredRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let revision: i64 = row.get(1)?;
        let revision =
            u64::try_from(revision).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(1, revision))?;
        Ok(Self { id: row.get(0)?, revision, due: row.get(2)?, terms: row.get(3)?, body: row.get(4)? })
    }
}

/// Terms stand in the row too, one a line, so that reading a row is one look.
fn join(terms: &[String]) -> String {
    terms.join("\n")
}

fn split(terms: &str) -> Vec<String> {
    terms.lines().map(str::to_owned).collect()
}

fn away<E>(_: E) -> StoreError {
    StoreError::Unavailable
}

/// The revision that is there and who wrote it.
fn standing(
    transaction: &Transaction<'_>,
    of: &Owner,
    write: &Write,
) -> rusqlite::Result<Option<(u64, Vec<u8>)>> {
    let sql = "SELECT revision, batch FROM rows WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND id = ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_row(params![of.tenant, of.property, write.table as u8, write.id], |row| {
        let revision: i64 = row.get(0)?;
        Ok((u64::try_from(revision).unwrap_or_default(), row.get(1)?))
    });
    found.optional()
}

struct Owner {
    tenant: String,
    property: String,
}

impl From<Partition> for Owner {
    fn from(partition: Partition) -> Self {
        Self { tenant: partition.tenant.to_string(), property: partition.property.to_string() }
    }
}

fn delete(transaction: &Transaction<'_>, of: &Owner, write: &Write) -> rusqlite::Result<()> {
    let at = params![of.tenant, of.property, write.table as u8, write.id];
    transaction
        .prepare_cached("DELETE FROM terms WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND id = ?4")?
        .execute(at)?;
    transaction
        .prepare_cached("DELETE FROM rows WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND id = ?4")?
        .execute(at)?;
    Ok(())
}

fn put(
    transaction: &Transaction<'_>,
    of: &Owner,
    write: &Write,
    content: &Content,
    by: &[u8],
    body: &[u8],
) -> rusqlite::Result<()> {
    delete(transaction, of, write)?;
    // Rounded up: a row is never due before its time.
    let due = content.due.map(|due| {
        due.timestamp_millis().saturating_add(i64::from(due.timestamp_subsec_micros() % 1_000 > 0))
    });
    let revision = i64::try_from(write.expected.saturating_add(1)).unwrap_or(i64::MAX);
    let table = write.table as u8;
    transaction
        .prepare_cached(
            "INSERT INTO rows (tenant, property, tbl, id, revision, batch, due, terms, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            of.tenant,
            of.property,
            table,
            write.id,
            revision,
            by,
            due,
            join(&content.terms),
            body
        ])?;
    let mut statement = transaction.prepare_cached(
        "INSERT OR IGNORE INTO terms (tenant, property, tbl, term, id) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for term in &content.terms {
        statement.execute(params![of.tenant, of.property, table, term, write.id])?;
    }
    Ok(())
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        let of = Owner::from(partition);
        let sql = "SELECT id, revision, due, terms, body FROM rows
                   WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND id = ?4";
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql).map_err(away)?;
        let found = statement.query_row(params![of.tenant, of.property, table as u8, id], StoredRow::read);
        found.optional().map_err(away)?.map(|stored| self.row(partition, table, stored)).transpose()
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        let of = Owner::from(partition);
        let sql = if term.is_empty() {
            "SELECT id, revision, due, terms, body FROM rows
             WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND ?4 = '' ORDER BY id"
        } else {
            "SELECT rows.id, revision, due, rows.terms, body FROM terms
             JOIN rows USING (tenant, property, tbl, id)
             WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND term = ?4 ORDER BY id"
        };
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql).map_err(away)?;
        let found = statement
            .query_map(params![of.tenant, of.property, table as u8, term], StoredRow::read)
            .and_then(Iterator::collect);
        self.rows(partition, table, found)
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let of = Owner::from(partition);
        let sql = "SELECT id, revision, due, terms, body FROM rows
                   WHERE tenant = ?1 AND property = ?2 AND tbl = ?3 AND due <= ?4 ORDER BY due, id LIMIT ?5";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql).map_err(away)?;
        let found = statement
            .query_map(
                params![of.tenant, of.property, table as u8, until.timestamp_millis(), limit],
                StoredRow::read,
            )
            .and_then(Iterator::collect);
        self.rows(partition, table, found)
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        let of = Owner::from(partition);
        let by = batch.id.to_be_bytes();
        let mut connection = self.connection();
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
        let mut repeated = true;
        for write in &batch.writes {
            let there = standing(&transaction, &of, write).map_err(away)?;
            let is_mine = match &there {
                Some((revision, batch)) => *batch == by && *revision == write.expected.saturating_add(1),
                None => write.content.is_none(),
            };
            let is_expected = there.map_or(0, |(revision, _)| revision) == write.expected;
            if !is_mine && !is_expected {
                return Err(StoreError::Conflict);
            }
            repeated &= is_mine;
        }
        if repeated {
            return Ok(());
        }
        for write in &batch.writes {
            match &write.content {
                None => delete(&transaction, &of, write).map_err(away)?,
                Some(content) => {
                    let body =
                        self.vault.seal(&bound_to(partition, write.table, &write.id), &content.body)?;
                    put(&transaction, &of, write, content, &by, &body).map_err(away)?;
                }
            }
        }
        transaction.commit().map_err(away)
    }
}
