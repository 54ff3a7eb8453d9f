//! The queue: events on their way to the bus, in the order in which they happened, each until the host has taken it.
//!
//! Several processes may drain one queue. Whoever is given an event has it for a while; when he does not say that it was
//! delivered, it is given again: to him at once, to others when the while is over. So each event leaves at least once. Events of
//! one correlation leave in their order, because nobody is given one as long as somebody else has an earlier one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Partition, Record, Store, StoreError, Stored, Table, Transaction};
use crate::env::Env;
use crate::error::LockError;
use crate::event::{Envelope, Objection};
use crate::validity::Timestamp;

/// How long an event is with whoever was given it.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How often a lease is tried for when others were quicker.
const LEASE_TRIES: usize = 8;

/// How many events of others are passed over, at most, to find some that are free.
const LOOK_PAST: usize = 1_024;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outgoing {
    id: String,
    at: Timestamp,
    event: Envelope,
    /// Who has it, and until when nobody else is given it.
    #[serde(default)]
    given: Option<Given>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Given {
    to: String,
    until: Timestamp,
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

/// An event that the host was given and has not delivered yet.
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

/// What of the waiting events is free.
#[derive(Debug, Default)]
struct Share {
    free: Vec<Stored<Outgoing>>,
    /// The correlations of which somebody else has an event.
    with_others: BTreeSet<String>,
}

/// The queue of one property.
#[derive(Debug)]
pub struct Queue {
    store: Arc<dyn Store>,
    partition: Partition,
    env: Env,
    /// Who drains.
    instance: String,
    /// The number of the next event; 0 until it is known what waits already.
    counter: AtomicU64,
    foreign: AtomicU64,
    redacted: AtomicU64,
}

impl Queue {
    /// The queue of this partition, as this process sees it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, partition: Partition, env: Env, instance: &str) -> Self {
        let (counter, foreign, redacted) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { store, partition, env, instance: instance.to_owned(), counter, foreign, redacted }
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
    /// `TENANT_MISMATCH` for an event of another tenant (R227).
    pub fn push(&self, transaction: &mut Transaction, event: Envelope) -> Result<(), LockError> {
        if event.tenant_id != self.partition.tenant {
            return Err(LockError::tenant_mismatch());
        }
        let at = self.env.now();
        let nth = self.counter.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:017}-{nth:010}-{}", at.timestamp_micros(), event.id);
        transaction.put(&mut Stored::fresh(Outgoing { id, at, event, given: None }))?;
        Ok(())
    }

    /// Gives this process the events that it may deliver now, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn lease(&self, limit: usize) -> Result<Vec<Undelivered>, LockError> {
        for _ in 0..LEASE_TRIES {
            match self.try_lease(limit).await {
                Err(error) if error.is_store_conflict() => {}
                other => return other,
            }
        }
        // Others are at it, event by event: they will be delivered.
        Ok(Vec::new())
    }

    async fn try_lease(&self, limit: usize) -> Result<Vec<Undelivered>, LockError> {
        let now = self.env.now();
        let mut share = self.share(limit, limit).await?;
        if share.free.len() < limit && !share.with_others.is_empty() {
            share = self.share(limit, limit.saturating_add(LOOK_PAST)).await?;
        }
        let mut transaction = Transaction::new(&self.env)?;
        for row in &mut share.free {
            let until = now.checked_add_signed(LEASE).unwrap_or(now);
            let has_it = row.value.given.as_ref().is_some_and(|before| {
                before.to == self.instance && before.until.signed_duration_since(now) > LEASE / 2
            });
            if !has_it {
                row.value.given = Some(Given { to: self.instance.clone(), until });
                transaction.put(row)?;
            }
        }
        if !transaction.is_empty() {
            transaction.commit(&*self.store, self.partition).await?;
        }
        Ok(share.free.into_iter().map(|row| Undelivered { row }).collect())
    }

    /// Of the first `look_at` events those that this process may have, at most `limit`.
    async fn share(&self, limit: usize, look_at: usize) -> Result<Share, LockError> {
        let now = self.env.now();
        let rows = Stored::<Outgoing>::due(&*self.store, self.partition, Timestamp::MAX_UTC, look_at).await?;
        let mut share = Share::default();
        for row in rows {
            let Outgoing { event, given, .. } = &row.value;
            let is_given = given.as_ref().is_some_and(|given| given.to != self.instance && given.until > now);
            let is_behind =
                event.correlation_id.as_ref().is_some_and(|matter| share.with_others.contains(matter));
            if is_given || is_behind {
                share.with_others.insert(event.correlation_id.clone().unwrap_or_default());
            } else if share.free.len() < limit {
                share.free.push(row);
            }
        }
        Ok(share)
    }

    /// How many events wait, those that somebody was given included.
    ///
    /// # Errors
    /// What the store says.
    pub async fn waiting(&self) -> Result<usize, LockError> {
        Ok(self.store.find(self.partition, Table::Outbox, "").await?.len())
    }

    /// The host has it: the event is not given out again.
    ///
    /// # Errors
    /// What the store says; the event may then be given out once more.
    pub async fn delivered(&self, event: Undelivered) -> Result<(), LockError> {
        let id = event.row.value.id.clone();
        let mut there = Some(event.row);
        for _ in 0..LEASE_TRIES {
            let Some(row) = there else { return Ok(()) };
            let mut transaction = Transaction::new(&self.env)?;
            transaction.delete(&row);
            match transaction.commit(&*self.store, self.partition).await {
                // His time was over and somebody else has it too: the bus has it all the same.
                Err(error) if error.is_store_conflict() => {}
                other => return other,
            }
            there = Stored::read(&*self.store, self.partition, &id).await?;
        }
        Err(StoreError::Conflict.into())
    }

    /// It must not leave: it is taken out together with what else is to be written, and counted.
    ///
    /// # Errors
    /// What the store says; the event is then still there.
    pub(crate) async fn drop_event(
        &self,
        event: Undelivered,
        why: Objection,
        mut transaction: Transaction,
    ) -> Result<(), LockError> {
        transaction.delete(&event.row);
        transaction.commit(&*self.store, self.partition).await?;
        self.counter_of(why).fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How many events this process did not let out for this reason.
    #[must_use]
    pub fn dropped(&self, why: Objection) -> u64 {
        self.counter_of(why).load(Ordering::Relaxed)
    }

    const fn counter_of(&self, why: Objection) -> &AtomicU64 {
        match why {
            Objection::Foreign => &self.foreign,
            Objection::Member | Objection::Artifact => &self.redacted,
        }
    }
}
