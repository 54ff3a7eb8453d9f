//! State that survives: one small table trait that a database implements, and three roles over it, written once.
//!
//! A store knows rows: a partition (tenant and property), a table, an id, a revision, a due time, index terms and a body it
//! cannot read. Its one write is [`Store::commit`]: all or nothing, refused when a revision has moved on, and repeatable, so
//! that "did my commit happen?" is answered by doing it again. Everything else is a rule above it:
//!
//! - [`Ledger`](ledger::Ledger): operations, grants and credentials of an adapter; claims, leases and locks;
//! - [`Queue`](queue::Queue): what is due, and the outbox;
//! - [`Slots`](slots::Slots): small values that several instances share, with a lease: tokens above all.

pub mod ledger;
mod memory;
pub mod queue;
mod record;
pub mod slots;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod vault;

use std::fmt;

use async_trait::async_trait;

pub use self::memory::MemoryStore;
pub use self::record::{Record, Stored, Transaction};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{OpenError, SqliteStore};
use crate::id::{PropertyId, TenantId};
use crate::secret::Secret;
use crate::validity::Timestamp;

/// Whose rows: no call ever sees rows of two partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The tenant.
    pub tenant: TenantId,
    /// The property.
    pub property: PropertyId,
}

/// The tables. Numbers are frozen: they stand in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Table {
    /// An adapter's intents, under their idempotency keys.
    Operation = 1,
    /// One effect at a vendor each.
    Grant = 2,
    /// An adapter's credentials.
    Credential = 3,
    /// What must not run at once.
    Lock = 4,
    /// Small shared values.
    Slot = 5,
    /// A reservation as its events have it so far.
    Stay = 6,
    /// The hotel's credentials.
    Key = 7,
    /// What a person has to do.
    Task = 8,
    /// Events on their way to the bus.
    Outbox = 9,
    /// The entries of the audit.
    Audit = 10,
    /// A shift as its events have it so far.
    Shift = 11,
    /// A member of staff: whether he may have keys at all.
    Staff = 12,
    /// What the platform said of the property as a whole.
    House = 13,
    /// A vendor that does not answer.
    Outage = 14,
    /// Many keys that go together.
    Bulk = 15,
    /// Where the audit's chain ends.
    Chain = 16,
    /// What is known of a lock.
    Device = 17,
    /// An attempt to open a door that was told.
    Attempt = 18,
    /// An adapter whose devices are looked at.
    Look = 19,
    /// A call of a vendor's webhook.
    Webhook = 20,
    /// The circuit before a vendor, as it was last told.
    Circuit = 21,
    /// The session at an encoder that is open.
    EncoderSession = 22,
}

/// A row as the store has it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name within the table.
    pub id: String,
    /// How often it was written: 1 after the first time.
    pub revision: u64,
    /// When it wants attention, if ever.
    pub due: Option<Timestamp>,
    /// What it can be found by.
    pub terms: Vec<String>,
    /// What only its owner can read.
    pub body: Secret<Vec<u8>>,
}

/// One change of a [`Batch`].
#[derive(Clone, Debug)]
pub struct Write {
    /// Where.
    pub table: Table,
    /// Which row.
    pub id: String,
    /// The revision the row must have; 0 means that it must not be there.
    pub expected: u64,
    /// What it is to be; `None` takes it away.
    pub content: Option<Content>,
}

/// What a row is to be.
#[derive(Clone, Debug)]
pub struct Content {
    /// When it wants attention, if ever.
    pub due: Option<Timestamp>,
    /// What it can be found by.
    pub terms: Vec<String>,
    /// What only its owner can read.
    pub body: Secret<Vec<u8>>,
}

/// Changes that happen together or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The batch's own name: rows remember who wrote them, so that the same batch may be committed again.
    pub id: u128,
    /// The changes; at most one a row.
    pub writes: Vec<Write>,
}

/// Why the store did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A row has moved on: read again and think again. Nothing was written.
    #[error("a row was changed by somebody else")]
    Conflict,
    /// The store did not answer; whether a commit happened is found out by committing the same batch again.
    #[error("the store is not available")]
    Unavailable,
    /// A row's body is not what was once written.
    #[error("a stored row cannot be read")]
    Corrupt,
}

/// What a database implements. One value may serve many partitions and many tasks at once.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The row, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError>;

    /// The rows that carry this term, in the order of their ids; an empty term means all.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError>;

    /// The rows that are due at or before `until`, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a row is not at its expected revision; [`StoreError::Unavailable`], when it may have
    /// happened: committing the same batch again succeeds and changes nothing more.
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError>;
}
