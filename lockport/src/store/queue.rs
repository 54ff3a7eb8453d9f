//! The queue: events on their way to the bus, in the order in which they happened, each until the host has taken it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{Partition, Record, Store, Stored, Table, Transaction};
use crate::env::Env;
use crate::error::LockError;
use crate::event::Envelope;
use crate::validity::Timestamp;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outgoing {
    id: String,
    at: Timestamp,
    event: Envelope,
}

impl Record for Outgoing {
    const TABLE: Table = Table::Outbox;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn due(&self) -> Option<Timestamp> {
        Some(self.at)
    }
}

/// An event that the host has not taken yet.
#[derive(Debug)]
pub struct Undelivered {
    row: Stored<Outgoing>,
}

impl Undelivered {
    /// The event.
    #[must_use]
    pub const fn event(&self) -> &Envelope {
        &self.row.value.event
    }
}

/// The queue of one property.
#[derive(Debug)]
pub struct Queue {
    store: Arc<dyn Store>,
    partition: Partition,
    env: Env,
    /// The number of the next event; 0 until it is known what waits already.
    counter: AtomicU64,
}

impl Queue {
    /// The queue of this partition.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, partition: Partition, env: Env) -> Self {
        Self { store, partition, env, counter: AtomicU64::new(0) }
    }

    /// Looks, once, at what waits already: what is added from now on comes after it, also within one instant of the clock.
    ///
    /// # Errors
    /// What the store says.
    pub async fn catch_up(&self) -> Result<(), LockError> {
        if self.counter.load(Ordering::Acquire) > 0 {
            return Ok(());
        }
        let waiting = Stored::<Outgoing>::find(&*self.store, self.partition, "").await?;
        let nth = |row: &Stored<Outgoing>| row.value.id.split('-').nth(1)?.parse::<u64>().ok();
        let next = waiting.iter().filter_map(nth).max().unwrap_or(0).saturating_add(1);
        self.counter.fetch_max(next, Ordering::AcqRel);
        Ok(())
    }

    /// Adds an event to a transaction, so that it leaves if and only if what it tells of was written.
    ///
    /// # Errors
    /// What the store says.
    pub fn push(&self, transaction: &mut Transaction, event: Envelope) -> Result<(), LockError> {
        let at = self.env.now();
        let nth = self.counter.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:017}-{nth:010}-{}", at.timestamp_micros(), event.id);
        transaction.put(&mut Stored::fresh(Outgoing { id, at, event }))?;
        Ok(())
    }

    /// The events that wait, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn waiting(&self, limit: usize) -> Result<Vec<Undelivered>, LockError> {
        let rows = Stored::due(&*self.store, self.partition, Timestamp::MAX_UTC, limit).await?;
        Ok(rows.into_iter().map(|row| Undelivered { row }).collect())
    }

    /// The host has it: the event is not offered again.
    ///
    /// # Errors
    /// What the store says; the event may then be offered once more.
    pub async fn delivered(&self, event: Undelivered) -> Result<(), LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        transaction.delete(&event.row);
        transaction.commit(&*self.store, self.partition).await
    }
}
