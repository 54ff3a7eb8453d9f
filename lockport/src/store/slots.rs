//! Slots: small values that several instances share, and a lease so that only one makes a new one: tokens above all.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Partition, Record, Store, Stored, Table, Transaction};
use crate::env::Env;
use crate::error::LockError;
use crate::secret::{Secret, stored};
use crate::validity::Timestamp;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Slot {
    name: String,
    #[serde(with = "stored")]
    value: Option<Secret>,
    expires: Option<Timestamp>,
    lease: Option<(String, Timestamp)>,
}

impl Record for Slot {
    const TABLE: Table = Table::Slot;

    fn id(&self) -> String {
        self.name.clone()
    }
}

/// A value and when it is over.
#[derive(Clone, Debug)]
pub struct SlotValue {
    /// The value.
    pub value: Secret,
    /// When it is over, as far as is known.
    pub expires: Option<Timestamp>,
}

/// What became of asking for a lease.
#[derive(Debug)]
pub enum Lease {
    /// Make the new value, then [`Slots::put`] it.
    Yours,
    /// Another instance is making it, until then unless it dies.
    Held {
        /// When its lease ends.
        until: Timestamp,
    },
}

/// The slots of one property.
#[derive(Clone, Debug)]
pub struct Slots {
    store: Arc<dyn Store>,
    partition: Partition,
    env: Env,
    owner: String,
}

impl Slots {
    /// The slots of this partition, for the instance named `owner`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, partition: Partition, env: Env, owner: String) -> Self {
        Self { store, partition, env, owner }
    }

    async fn slot(&self, name: &str) -> Result<Stored<Slot>, LockError> {
        let found = Stored::<Slot>::read(&*self.store, self.partition, name).await?;
        Ok(found.unwrap_or_else(|| Stored::fresh(Slot { name: name.to_owned(), ..Slot::default() })))
    }

    /// The value, whether it is over or not.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get(&self, name: &str) -> Result<Option<SlotValue>, LockError> {
        let slot = self.slot(name).await?.value;
        Ok(slot.value.map(|value| SlotValue { value, expires: slot.expires }))
    }

    /// Asks to be the one who makes a new value.
    ///
    /// # Errors
    /// What the store says.
    pub async fn lease(&self, name: &str, seconds: i64) -> Result<Lease, LockError> {
        let mut slot = self.slot(name).await?;
        let now = self.env.now();
        let until = now.checked_add_signed(chrono::TimeDelta::seconds(seconds)).unwrap_or(now);
        // A lease that is longer than one can be was begun before the clock was set back: nobody can say how much is left of it.
        let lives = |end: Timestamp| end > now && end <= until;
        match &slot.value.lease {
            Some((owner, end)) if *owner != self.owner && lives(*end) => Ok(Lease::Held { until: *end }),
            _ => {
                slot.value.lease = Some((self.owner.clone(), until));
                self.write(slot).await?;
                Ok(Lease::Yours)
            }
        }
    }

    /// Puts a new value and lets the lease go.
    ///
    /// # Errors
    /// What the store says.
    pub async fn put(&self, name: &str, value: SlotValue) -> Result<(), LockError> {
        let mut slot = self.slot(name).await?;
        slot.value.value = Some(value.value);
        slot.value.expires = value.expires;
        slot.value.lease = None;
        self.write(slot).await
    }

    /// Puts what `next` makes of the value that is there, unless somebody else puts one in between: a count that several instances
    /// share.
    ///
    /// # Errors
    /// What `next` says; reason `in_progress` when somebody else was quicker; what the store says.
    pub async fn change(
        &self,
        name: &str,
        next: impl FnOnce(Option<Secret>) -> Result<SlotValue, LockError>,
    ) -> Result<(), LockError> {
        let mut slot = self.slot(name).await?;
        let changed = next(slot.value.value.take())?;
        slot.value.value = Some(changed.value);
        slot.value.expires = changed.expires;
        self.write(slot).await
    }

    async fn write(&self, mut slot: Stored<Slot>) -> Result<(), LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut slot)?;
        transaction.commit(&*self.store, self.partition).await
    }
}
