//! The ledger: every intent of an adapter under its idempotency key, who works on it, and what must not run at once.
//!
//! An *operation* is claimed before anything is sent, together with the locks it needs; it is worked on by one instance at a
//! time; and it ends settled, with an outcome that is repeated for ever after. The locks of an operation whose call was lost
//! outlive it until that call can no longer land; its *tools* are its own only while somebody works on it.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Partition, Record, Store, StoreError, Stored, Table, Transaction};
use crate::env::Env;
use crate::error::LockError;
use crate::idempotency::IdempotencyKey;
use crate::validity::Timestamp;

/// How often a claim is tried again when another instance was quicker.
const CLAIM_TRIES: usize = 16;

/// How long a key is remembered after the window of its credential is over (R79).
pub const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// How long one instance has an operation to itself unless it says otherwise, in seconds: longer than any call may take.
pub const LEASE_SECONDS: i64 = 120;

/// An intent, as it is asked for.
#[derive(Clone, Debug)]
pub struct Claim<B> {
    /// The caller's name for it.
    pub key: IdempotencyKey,
    /// A hash of what was asked: the same key with another hash is refused.
    pub fingerprint: String,
    /// What must not run at the same time, by name.
    pub locks: Vec<String>,
    /// What must not be used at the same time, by name: held only while somebody works on the operation.
    pub tools: Vec<String>,
    /// Do not wait until lost calls can no longer land: the operation itself reckons with them.
    pub through_quiet: bool,
    /// The rest, which only the adapter reads.
    pub body: B,
}

/// An intent, as it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation<B> {
    adapter: String,
    /// The caller's name for it.
    pub key: IdempotencyKey,
    fingerprint: String,
    locks: Vec<String>,
    tools: Vec<String>,
    owner: String,
    lease_until: Timestamp,
    settled: bool,
    /// Until when a call that got no answer, its own or one it went through, can still take effect.
    pub quiet_until: Option<Timestamp>,
    /// When nobody may ask for its outcome any more.
    #[serde(default)]
    keep_until: Option<Timestamp>,
    /// The rest, which only the adapter reads.
    pub body: B,
}

impl<B> Operation<B> {
    /// The lease begins anew: written with what is about to be done, it fences whoever else thinks that it is his.
    pub(crate) fn renew(&mut self, now: Timestamp) {
        self.lease_until = lease_end(now);
    }

    /// Whether whoever renewed the lease last still has it.
    pub(crate) fn is_leased(&self, now: Timestamp) -> bool {
        now < self.lease_until
    }
}

/// The row of an operation: two adapters may be asked under one key.
fn operation_id(adapter: &str, key: &IdempotencyKey) -> String {
    format!("{adapter}/{key}")
}

/// The term by which an adapter's open operations are found.
fn open_term(adapter: &str) -> String {
    format!("open:{adapter}")
}

impl<B: Serialize + DeserializeOwned + Send + Sync> Record for Operation<B> {
    const TABLE: Table = Table::Operation;

    fn id(&self) -> String {
        operation_id(&self.adapter, &self.key)
    }

    fn due(&self) -> Option<Timestamp> {
        self.keep_until
    }

    fn terms(&self) -> Vec<String> {
        if self.settled { Vec::new() } else { vec![open_term(&self.adapter)] }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lock {
    name: String,
    holder: IdempotencyKey,
    open: bool,
    quiet_until: Option<Timestamp>,
    /// When it was let go.
    free_since: Option<Timestamp>,
}

impl Lock {
    const fn taken(name: String, holder: IdempotencyKey) -> Self {
        Self { name, holder, open: true, quiet_until: None, free_since: None }
    }

    /// The clock was set back since it was let go: what was to be quiet for so long is so for as long from now on.
    fn follow_the_clock(&mut self, now: Timestamp) -> bool {
        let ahead = self.free_since.map(|then| then.signed_duration_since(now));
        let Some(ahead) = ahead.filter(|ahead| *ahead > TimeDelta::zero()) else { return false };
        self.free_since = Some(now);
        self.quiet_until = self.quiet_until.and_then(|until| until.checked_sub_signed(ahead));
        true
    }
}

impl Record for Lock {
    const TABLE: Table = Table::Lock;

    fn id(&self) -> String {
        self.name.clone()
    }
}

/// What became of a claim.
#[derive(Debug)]
pub enum Begun<B> {
    /// It is this instance's to carry out, from where it stands.
    Yours(Stored<Operation<B>>),
    /// It was carried out before.
    Settled(Stored<Operation<B>>),
    /// The key was used with other input.
    OtherInput,
    /// Another instance works on it until then, unless it dies.
    Leased {
        /// When its lease ends.
        until: Timestamp,
    },
    /// Another operation holds a lock, and is not settled: settle that one first.
    Blocked {
        /// Its key.
        by: IdempotencyKey,
    },
    /// Another operation, which is being worked on or was left lying, has a tool that this one needs.
    InUse {
        /// Its key.
        by: IdempotencyKey,
    },
    /// A lost call of a settled operation can still land on something this one needs.
    Quiet {
        /// When it no longer can.
        until: Timestamp,
    },
}

/// The ledger of one adapter instance.
#[derive(Clone, Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    partition: Partition,
    adapter: String,
    env: Env,
    /// This process's name: what it left unfinished it takes up at once, what others left when their lease is over.
    owner: String,
}

impl Ledger {
    /// The ledger of this adapter of this property, for the instance named `owner`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        partition: Partition,
        adapter: String,
        env: Env,
        owner: String,
    ) -> Self {
        Self { store, partition, adapter, env, owner }
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whose rows.
    #[must_use]
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    async fn read<B>(&self, key: &IdempotencyKey) -> Result<Option<Stored<Operation<B>>>, StoreError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        Stored::read(self.store(), self.partition, &operation_id(&self.adapter, key)).await
    }

    /// Claims an intent: new, resumed or already carried out.
    ///
    /// # Errors
    /// What the store says.
    pub async fn begin<B>(&self, claim: &Claim<B>) -> Result<Begun<B>, LockError>
    where
        B: Clone + Serialize + DeserializeOwned + Send + Sync,
    {
        for _ in 0..CLAIM_TRIES {
            let found = self.read::<B>(&claim.key).await?;
            let tried = match found {
                Some(operation) if operation.value.fingerprint != claim.fingerprint => {
                    return Ok(Begun::OtherInput);
                }
                Some(operation) => self.take_over(operation).await,
                None => self.begin_new(claim).await,
            };
            match tried {
                Err(error) if error.is_store_conflict() => {}
                other => return other,
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Takes up an operation that is open, under its key; `None` when there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn resume<B>(&self, key: &IdempotencyKey) -> Result<Option<Begun<B>>, LockError>
    where
        B: Clone + Serialize + DeserializeOwned + Send + Sync,
    {
        match self.read::<B>(key).await? {
            Some(operation) => Ok(Some(self.take_over(operation).await?)),
            None => Ok(None),
        }
    }

    /// The operations that are not settled, whoever works on them.
    ///
    /// # Errors
    /// What the store says.
    pub async fn open<B>(&self) -> Result<Vec<Operation<B>>, LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        let open =
            Stored::<Operation<B>>::find(self.store(), self.partition, &open_term(&self.adapter)).await?;
        Ok(open.into_iter().map(|operation| operation.value).collect())
    }

    async fn take_over<B>(&self, mut operation: Stored<Operation<B>>) -> Result<Begun<B>, LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        if operation.value.settled {
            return Ok(Begun::Settled(operation));
        }
        let now = self.env.now();
        if let Some(until) = self.others_until(&mut operation).await? {
            return Ok(Begun::Leased { until });
        }
        let mut transaction = Transaction::new(&self.env)?;
        let (tools, key) = (&operation.value.tools, &operation.value.key);
        if let Some(by) = self.take_tools(tools, key, &mut transaction).await? {
            return Ok(Begun::InUse { by });
        }
        operation.value.owner.clone_from(&self.owner);
        operation.value.lease_until = lease_end(now);
        transaction.put(&mut operation)?;
        transaction.commit(self.store(), self.partition).await?;
        Ok(Begun::Yours(operation))
    }

    /// Until when another instance has the operation. A lease that is longer than one can be was begun before the clock was set
    /// back: it is cut to a whole one, of which somebody who lives is told at his next write.
    async fn others_until<B>(
        &self,
        operation: &mut Stored<Operation<B>>,
    ) -> Result<Option<Timestamp>, LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        let now = self.env.now();
        if operation.value.owner == self.owner || operation.value.lease_until <= now {
            return Ok(None);
        }
        if operation.value.lease_until > lease_end(now) {
            operation.value.lease_until = lease_end(now);
            let mut transaction = Transaction::new(&self.env)?;
            transaction.put(operation)?;
            transaction.commit(self.store(), self.partition).await?;
        }
        Ok(Some(operation.value.lease_until))
    }

    async fn begin_new<B>(&self, claim: &Claim<B>) -> Result<Begun<B>, LockError>
    where
        B: Clone + Serialize + DeserializeOwned + Send + Sync,
    {
        let now = self.env.now();
        let mut transaction = Transaction::new(&self.env)?;
        let mut inherited = None;
        let own = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| format!("{}/{name}", self.adapter)).collect()
        };
        let (locks, tools) = (own(&claim.locks), own(&claim.tools));
        for name in &locks {
            let fresh = Lock::taken(name.clone(), claim.key.clone());
            let mut lock = match Stored::<Lock>::read(self.store(), self.partition, name).await? {
                None => Stored::fresh(fresh),
                // Claimed by another instance since the operation was not there: it is now.
                Some(lock) if lock.value.open && lock.value.holder == claim.key => {
                    return Err(StoreError::Conflict.into());
                }
                Some(lock) if lock.value.open => return Ok(Begun::Blocked { by: lock.value.holder }),
                Some(mut lock) => {
                    if lock.value.follow_the_clock(now) {
                        let mut alone = Transaction::new(&self.env)?;
                        alone.put(&mut lock)?;
                        alone.commit(self.store(), self.partition).await?;
                    }
                    match lock.value.quiet_until.filter(|until| *until > now) {
                        Some(until) if !claim.through_quiet => return Ok(Begun::Quiet { until }),
                        quiet => inherited = inherited.max(quiet),
                    }
                    lock.value = fresh;
                    lock
                }
            };
            transaction.put(&mut lock)?;
        }
        if let Some(by) = self.take_tools(&tools, &claim.key, &mut transaction).await? {
            return Ok(Begun::InUse { by });
        }
        let mut operation = Stored::fresh(Operation {
            adapter: self.adapter.clone(),
            key: claim.key.clone(),
            fingerprint: claim.fingerprint.clone(),
            locks,
            tools,
            owner: self.owner.clone(),
            lease_until: lease_end(now),
            settled: false,
            quiet_until: inherited,
            keep_until: None,
            body: claim.body.clone(),
        });
        transaction.put(&mut operation)?;
        transaction.commit(self.store(), self.partition).await?;
        Ok(Begun::Yours(operation))
    }

    /// Adds to the transaction that the operation has its tools; who has one of them, if another has.
    async fn take_tools(
        &self,
        tools: &[String],
        holder: &IdempotencyKey,
        transaction: &mut Transaction,
    ) -> Result<Option<IdempotencyKey>, LockError> {
        for name in tools {
            let taken = Lock::taken(name.clone(), holder.clone());
            let mut tool = match Stored::<Lock>::read(self.store(), self.partition, name).await? {
                None => Stored::fresh(taken),
                Some(tool) if tool.value.open && tool.value.holder != *holder => {
                    return Ok(Some(tool.value.holder));
                }
                Some(mut tool) => {
                    tool.value = taken;
                    tool
                }
            };
            transaction.put(&mut tool)?;
        }
        Ok(None)
    }

    async fn put_tools_back<B>(
        &self,
        operation: &Operation<B>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        for name in &operation.tools {
            let tool = Stored::<Lock>::read(self.store(), self.partition, name).await?;
            if let Some(mut tool) = tool.filter(|tool| tool.value.holder == operation.key) {
                tool.value.open = false;
                transaction.put(&mut tool)?;
            }
        }
        Ok(())
    }

    /// Nobody works on the operation any more, for now: its lease ends, and its tools are free. Where another instance works on
    /// it nothing changes: until when that one has it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn lay_down<B>(&self, key: &IdempotencyKey) -> Result<Option<Timestamp>, LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        let Some(mut operation) = self.read::<B>(key).await?.filter(|operation| !operation.value.settled)
        else {
            return Ok(None);
        };
        let now = self.env.now();
        if let Some(until) = self.others_until(&mut operation).await? {
            return Ok(Some(until));
        }
        let mut transaction = Transaction::new(&self.env)?;
        self.put_tools_back(&operation.value, &mut transaction).await?;
        // Whoever had it, and thought that he still has, is told so at his next write.
        operation.value.lease_until = now;
        transaction.put(&mut operation)?;
        transaction.commit(self.store(), self.partition).await?;
        Ok(None)
    }

    /// Takes back a claim of which nothing was sent: as if it had never been made.
    ///
    /// # Errors
    /// What the store says.
    pub async fn abandon<B>(&self, operation: Stored<Operation<B>>) -> Result<(), LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        let mut transaction = Transaction::new(&self.env)?;
        self.let_go(&operation, &mut transaction).await?;
        transaction.delete(&operation);
        transaction.commit(self.store(), self.partition).await
    }

    async fn let_go<B>(
        &self,
        operation: &Stored<Operation<B>>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        for name in &operation.value.locks {
            if let Some(mut lock) = Stored::<Lock>::read(self.store(), self.partition, name).await? {
                lock.value.open = false;
                lock.value.quiet_until = operation.value.quiet_until;
                lock.value.free_since = Some(self.env.now());
                transaction.put(&mut lock)?;
            }
        }
        self.put_tools_back(&operation.value, transaction).await
    }

    /// Adds to the transaction that the operation is carried out: it keeps its outcome until then and lets its locks go, at once
    /// or when its lost calls can no longer land.
    ///
    /// # Errors
    /// What the store says.
    pub async fn settle<B>(
        &self,
        operation: &mut Stored<Operation<B>>,
        keep_until: Timestamp,
        transaction: &mut Transaction,
    ) -> Result<(), LockError>
    where
        B: Serialize + DeserializeOwned + Send + Sync,
    {
        operation.value.settled = true;
        operation.value.keep_until = Some(keep_until);
        self.let_go(operation, transaction).await?;
        transaction.put(operation)?;
        Ok(())
    }

    /// Adds to the transaction that nobody remembers this name of a lock; whether nobody holds it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn forget_lock(&self, name: &str, transaction: &mut Transaction) -> Result<bool, LockError> {
        let name = format!("{}/{name}", self.adapter);
        let lock = Stored::<Lock>::read(self.store(), self.partition, &name).await?;
        let is_free = lock.as_ref().is_none_or(|lock| !lock.value.open);
        if let Some(lock) = lock.filter(|_| is_free) {
            transaction.delete(&lock);
        }
        Ok(is_free)
    }
}

fn lease_end(now: Timestamp) -> Timestamp {
    now.checked_add_signed(TimeDelta::seconds(LEASE_SECONDS)).unwrap_or(now)
}
