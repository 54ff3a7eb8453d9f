//! How entries get their place: at the commit of what they tell of, behind the end of the chain as it is then.

use serde::{Deserialize, Serialize};

use super::entry::{Action, Draft, People, Place};
use super::hash::{Digest, canonical};
use crate::env::Env;
use crate::error::LockError;
use crate::secret::{Secret, stored};
use crate::store::{Partition, Record, Store, StoreError, Stored, Table, Transaction};
use crate::validity::Timestamp;

/// How many entries are found by one term.
pub(super) const PAGE: u64 = 256;

/// An entry as it is stored: the very bytes that were hashed, and the people beside them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) nth: u64,
    pub(super) previous: Digest,
    pub(super) entry: String,
    pub(super) hash: Digest,
    pub(super) people: Option<People>,
}

impl Kept {
    /// What the hash of such an entry has to be.
    pub(super) fn expected_hash(&self) -> Digest {
        Digest::of("lockport/audit/v1", &[self.previous.as_bytes(), self.entry.as_bytes()])
    }

    pub(super) fn id_of(nth: u64) -> String {
        format!("{nth:020}")
    }

    /// The term by which the entries are found that stand on one page with this one.
    pub(super) fn term_of(nth: u64) -> String {
        format!("page:{}", nth / PAGE)
    }
}

impl Record for Kept {
    const TABLE: Table = Table::Audit;

    fn id(&self) -> String {
        Self::id_of(self.nth)
    }

    fn terms(&self) -> Vec<String> {
        vec![Self::term_of(self.nth)]
    }
}

/// The end of the chain: one row, so that two processes cannot both add the next entry.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Head {
    /// How many entries there are.
    pub(super) nth: u64,
    pub(super) hash: Option<Digest>,
    pub(super) at: Option<Timestamp>,
    /// The entry that tells of the last pseudonymisation.
    pub(super) pseudonymised: Option<u64>,
    #[serde(with = "stored")]
    key: Option<Secret>,
}

impl Head {
    pub(super) const ID: &'static str = "head";

    /// The key of what is hashed and could be guessed.
    pub(super) fn key(&self) -> Secret<Vec<u8>> {
        // EXPOSE: into another custody.
        Secret::new(self.key.as_ref().map(|key| key.expose().clone().into_bytes()).unwrap_or_default())
    }

    pub(super) async fn read(store: &dyn Store, of: Partition) -> Result<Stored<Self>, StoreError> {
        Ok(Stored::read(store, of, Self::ID).await?.unwrap_or_else(|| Stored::fresh(Self::default())))
    }

    /// An instant after that of the last entry.
    fn next_at(&self, env: &Env) -> Timestamp {
        let now = env.now();
        let after = self.at.and_then(|at| at.checked_add_signed(chrono::TimeDelta::microseconds(1)));
        after.map_or(now, |after| after.max(now))
    }
}

impl Record for Head {
    const TABLE: Table = Table::Chain;

    fn id(&self) -> String {
        Self::ID.to_owned()
    }
}

/// The key under which vendors' references are hashed (X2); there is one from the first entry on.
pub(crate) async fn reference_key(
    store: &dyn Store,
    of: Partition,
) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
    let head = Head::read(store, of).await?.value;
    Ok(head.key.is_some().then(|| head.key()))
}

/// The entries that a transaction is to bring.
#[derive(Debug)]
pub(crate) struct Chain {
    env: Env,
    drafts: Vec<Draft>,
}

impl Chain {
    pub(crate) const fn new(env: Env) -> Self {
        Self { env, drafts: Vec::new() }
    }

    pub(crate) fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Where the chain ends now.
    pub(crate) async fn end(store: &dyn Store, of: Partition) -> Result<End, StoreError> {
        Head::read(store, of).await.map(End)
    }

    /// Puts the entries behind that end, and moves it.
    pub(crate) fn link(
        &self,
        of: Partition,
        End(mut head): End,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        if head.value.key.is_none() {
            let mut bytes = [0_u8; 32];
            self.env.entropy.fill(&mut bytes)?;
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            head.value.key = Some(Secret::new(text));
        }
        let key = head.value.key();
        for draft in &self.drafts {
            let end = &mut head.value;
            let nth = end.nth.saturating_add(1);
            let at = end.next_at(&self.env);
            let entry = draft.at(&Place { nth, at, tenant: of.tenant, property: of.property, key: &key });
            let value = serde_json::to_value(&entry).map_err(|_| StoreError::Corrupt)?;
            let previous = end.hash.unwrap_or(Digest::ZERO);
            let people = (!draft.people.is_empty()).then(|| draft.people.clone());
            let mut kept = Kept { nth, previous, entry: canonical(&value), hash: Digest::ZERO, people };
            kept.hash = kept.expected_hash();
            (end.nth, end.hash, end.at) = (nth, Some(kept.hash), Some(at));
            if draft.action == Action::Pseudonymise {
                end.pseudonymised = Some(nth);
            }
            transaction.put(&mut Stored::fresh(kept))?;
        }
        Ok(transaction.put(&mut head)?)
    }
}

/// The end of a chain as somebody saw it.
pub(crate) struct End(Stored<Head>);

impl End {
    /// How many entries there were.
    pub(crate) const fn nth(&self) -> u64 {
        self.0.value.nth
    }
}
