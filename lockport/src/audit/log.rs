//! Reading the audit, and proving that nobody touched it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use serde::Deserialize;

use super::chain::{Head, Kept, PAGE};
use super::entry::{Action, AuditEntry, Draft, Outcome, People};
use super::hash::{Digest, VendorRefHash};
use super::merkle::{self, Inclusion, Sealed};
use crate::env::Env;
use crate::error::LockError;
use crate::id::{PropertyId, TenantId};
use crate::secret::Secret;
use crate::store::{Partition, Row, Store, StoreError, Stored, Table, Transaction};
use crate::telemetry::catalog::LogTenant;
use crate::telemetry::{Ended, Happening, Line, LogFields};
use crate::validity::Timestamp;

/// The audit of one property.
#[derive(Debug)]
pub struct AuditLog {
    store: Arc<dyn Store>,
    partition: Partition,
    env: Env,
}

/// A place in the chain and the hash that stands there: kept outside, it proves that what came before is still what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The entry.
    pub nth: u64,
    /// Its hash.
    pub hash: Digest,
}

/// An entry, with its people as long as they stand beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// The entry.
    pub entry: AuditEntry,
    /// Its hash.
    pub hash: Digest,
    /// Its people; empty where there were none and after a pseudonymisation.
    pub people: People,
}

/// What is wrong with one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// It is not there.
    Missing(u64),
    /// It is not what its hash says, or cannot be read.
    Changed(u64),
    /// Another one stands in its place: sound by itself, but what comes after it does not follow from it.
    Replaced(u64),
    /// One of another place or property stands there.
    Misplaced(u64),
    /// Nobody wrote it: the chain ends before it.
    Inserted(u64),
    /// Its people are not those it was written with, or were taken out by nobody.
    People(u64),
    /// The row that says where the chain ends is not there.
    EndMissing,
}

impl Fault {
    /// Which entry.
    #[must_use]
    pub const fn nth(self) -> Option<u64> {
        match self {
            Self::Missing(nth)
            | Self::Changed(nth)
            | Self::Replaced(nth)
            | Self::Misplaced(nth)
            | Self::Inserted(nth)
            | Self::People(nth) => Some(nth),
            Self::EndMissing => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(nth) => write!(f, "entry {nth} is missing"),
            Self::Changed(nth) => write!(f, "entry {nth} was changed"),
            Self::Replaced(nth) => write!(f, "entry {nth} was replaced"),
            Self::Misplaced(nth) => write!(f, "another entry stands in place {nth}"),
            Self::Inserted(nth) => write!(f, "entry {nth} was inserted"),
            Self::People(nth) => write!(f, "the people of entry {nth} were changed"),
            Self::EndMissing => f.write_str("the end of the chain is missing"),
        }
    }
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// How many places were looked at.
    pub checked: u64,
    /// What is wrong, in the order of the chain.
    pub faults: Vec<Fault>,
}

/// What of an entry is verified beside its bytes: its place. A newer entry has it too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    nth: u64,
    tenant_id: TenantId,
    property_id: PropertyId,
}

/// A place, as the store has it.
enum Found {
    Entry(Box<Kept>),
    Unreadable,
}

impl AuditLog {
    /// The audit of this partition.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, partition: Partition, env: Env) -> Self {
        Self { store, partition, env }
    }

    /// Adds an entry that belongs to no other change.
    ///
    /// # Errors
    /// What the store says.
    pub async fn append(&self, draft: Draft) -> Result<(), LockError> {
        let mut transaction = Transaction::new(&self.env)?;
        transaction.note(&self.env, draft);
        transaction.commit(&*self.store, self.partition).await
    }

    /// Where the chain ends; `None` while it is empty.
    ///
    /// # Errors
    /// What the store says.
    pub async fn end(&self) -> Result<Option<Anchor>, LockError> {
        let head = Head::read(&*self.store, self.partition).await?.value;
        Ok(head.hash.map(|hash| Anchor { nth: head.nth, hash }))
    }

    /// The keyed hash under which a vendor's reference may stand in an entry (X2); `None` while the chain is empty.
    ///
    /// # Errors
    /// What the store says.
    pub async fn vendor_ref_hash(
        &self,
        vendor: &str,
        reference: &Secret,
    ) -> Result<Option<VendorRefHash>, LockError> {
        let head = Head::read(&*self.store, self.partition).await?.value;
        Ok(head.hash.map(|_| VendorRefHash::of(&head.key(), vendor, reference)))
    }

    /// The entries of these places, as far as they are there, for an export (R138).
    ///
    /// # Errors
    /// What the store says; also when an entry cannot be read: [`verify`](Self::verify) says which.
    pub async fn entries(&self, places: impl RangeBounds<u64>) -> Result<Vec<Told>, LockError> {
        let head = Head::read(&*self.store, self.partition).await?.value;
        let (from, to) = bounds(&places);
        let mut told = Vec::new();
        for page in pages(from, to.min(head.nth)) {
            for (nth, found) in self.page(page).await? {
                if nth < from || nth > to {
                    continue;
                }
                let Found::Entry(kept) = found else { return Err(StoreError::Corrupt.into()) };
                let entry = serde_json::from_str(&kept.entry).map_err(|_| StoreError::Corrupt)?;
                told.push(Told { entry, hash: kept.hash, people: kept.people.unwrap_or_default() });
            }
        }
        Ok(told)
    }

    /// Whether the chain still has this entry at this place.
    ///
    /// # Errors
    /// What the store says.
    pub async fn holds(&self, anchor: Anchor) -> Result<bool, LockError> {
        Ok(self.kept(anchor.nth).await?.is_some_and(|kept| kept.hash == anchor.hash))
    }

    /// Looks at these places, and at what lies behind the end when they reach so far: any entry that was changed, taken out, put
    /// in, replaced or moved is found and named. Who rewrites everything from one entry to the end, and the end, is found by an
    /// [`Anchor`] from before only: see [`holds`](Self::holds).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], as an error of a port's call. What is wrong with the chain is no error, it is the answer.
    pub async fn verify(&self, places: impl RangeBounds<u64>) -> Result<Verdict, LockError> {
        let verdict = self.look_through(places).await?;
        if !verdict.faults.is_empty() {
            let Partition { tenant, property } = self.partition;
            let line = Line::new(Happening::AuditMismatch, || {
                let mut fields = LogFields::new(LogTenant::Of(tenant));
                (fields.property_id, fields.outcome) = (Some(property), Some(Ended::Error));
                fields
            });
            line.into_iter().for_each(Line::say);
        }
        Ok(verdict)
    }

    async fn look_through(&self, places: impl RangeBounds<u64>) -> Result<Verdict, LockError> {
        let head = match Stored::<Head>::read(&*self.store, self.partition, Head::ID).await {
            Ok(head) => head.map(|head| head.value),
            Err(StoreError::Corrupt) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(head) = head else {
            let is_empty = self.page(0).await?.is_empty();
            let faults = if is_empty { Vec::new() } else { vec![Fault::EndMissing] };
            return Ok(Verdict { checked: 0, faults });
        };
        let (from, to) = bounds(&places);
        let (last, reaches_end) = (to.min(head.nth), to >= head.nth);
        let mut look = Look {
            partition: self.partition,
            key: head.key(),
            pseudonymised: self.pseudonymised(&head).await?,
            before: match from.checked_sub(1) {
                Some(0) | None => Some(Digest::ZERO),
                Some(before) => self.kept(before).await?.map(|kept| kept.hash),
            },
            faults: Vec::new(),
            broken: Vec::new(),
        };
        for page in pages(from, last) {
            let mut found = self.page(page).await?;
            let begin = from.max(page.saturating_mul(PAGE));
            let end = last.min(page.saturating_mul(PAGE).saturating_add(PAGE - 1));
            for nth in begin..=end {
                look.at(nth, found.remove(&nth));
            }
            let behind = found
                .into_keys()
                .filter(|nth| (reaches_end && *nth > head.nth) || *nth == 0 || *nth / PAGE != page);
            look.faults.extend(behind.map(Fault::Inserted));
        }
        if reaches_end {
            look.follows(head.nth.saturating_add(1), head.hash.unwrap_or(Digest::ZERO));
            if head.nth.saturating_add(1) % PAGE == 0 || head.nth == 0 {
                let next = self.page(head.nth.saturating_add(1) / PAGE).await?;
                look.faults.extend(next.into_keys().map(Fault::Inserted));
            }
        }
        let checked = last.saturating_add(1).saturating_sub(from);
        Ok(Verdict { checked, faults: look.judged(from) })
    }

    /// The Merkle root over these places, as far as the chain reaches, to be anchored outside (R9, R185); `None` where there is
    /// no entry among them.
    ///
    /// # Errors
    /// What the store says; also when one of the entries is missing or cannot be read.
    pub async fn seal(&self, places: impl RangeBounds<u64>) -> Result<Option<Sealed>, LockError> {
        let (from, to) = bounds(&places);
        let leaves = self.leaves(from, to).await?;
        let to = from.saturating_add(u64::try_from(leaves.len()).unwrap_or(u64::MAX)).saturating_sub(1);
        Ok(merkle::root(&leaves).map(|root| Sealed::new(from, to, root)))
    }

    /// The proof that an entry is under a root that [`seal`](Self::seal) made; `None` where it is none of its places.
    ///
    /// # Errors
    /// What the store says; also when one of the entries is missing or cannot be read.
    pub async fn prove(&self, nth: u64, under: &Sealed) -> Result<Option<Inclusion>, LockError> {
        let Some(index) = nth.checked_sub(under.from).and_then(|index| usize::try_from(index).ok()) else {
            return Ok(None);
        };
        Ok(merkle::prove(&self.leaves(under.from, under.to).await?, index))
    }

    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Digest>, LockError> {
        let last = to.min(Head::read(&*self.store, self.partition).await?.value.nth);
        let mut leaves = Vec::new();
        for page in pages(from, last) {
            let mut found = self.page(page).await?;
            let begin = from.max(page.saturating_mul(PAGE));
            for nth in begin..=last.min(page.saturating_mul(PAGE).saturating_add(PAGE - 1)) {
                let Some(Found::Entry(kept)) = found.remove(&nth) else {
                    return Err(StoreError::Corrupt.into());
                };
                leaves.push(kept.hash);
            }
        }
        Ok(leaves)
    }

    /// Takes the people out of every entry up to an instant, and says in an entry of its own that this was done (R138). The
    /// hashes stay what they are, pseudonyms stay linked; whose they are is nowhere any more. How many entries had people.
    ///
    /// # Errors
    /// What the store says; called again, it goes on where it stopped.
    pub async fn pseudonymise(&self, until: Timestamp) -> Result<u64, LockError> {
        let head = Head::read(&*self.store, self.partition).await?.value;
        let through = self.last_until(until, head.nth).await?;
        if through > self.pseudonymised(&head).await? {
            let draft = Draft { through: Some(through), ..Draft::new(Action::Pseudonymise, Outcome::Ok) };
            self.append(draft).await?;
        }
        let mut cleared = 0_u64;
        for page in pages(1, through) {
            let rows =
                Stored::<Kept>::find(&*self.store, self.partition, &Kept::term_of(page * PAGE)).await?;
            let mut transaction = Transaction::new(&self.env)?;
            for mut row in rows {
                if row.value.nth <= through && row.value.people.take().is_some() {
                    transaction.put(&mut row)?;
                    cleared = cleared.saturating_add(1);
                }
            }
            if !transaction.is_empty() {
                transaction.commit(&*self.store, self.partition).await?;
            }
        }
        Ok(cleared)
    }

    /// The last entry written at or before an instant; 0 where there is none. Instants rise along the chain.
    async fn last_until(&self, until: Timestamp, end: u64) -> Result<u64, LockError> {
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = high - (high - low) / 2;
            let kept = self.kept(middle).await?.ok_or(StoreError::Corrupt)?;
            let entry: AuditEntry = serde_json::from_str(&kept.entry).map_err(|_| StoreError::Corrupt)?;
            if entry.at <= until {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    /// How far people were taken out, as the chain itself says.
    async fn pseudonymised(&self, head: &Head) -> Result<u64, LockError> {
        let Some(nth) = head.pseudonymised else { return Ok(0) };
        let kept = self.kept(nth).await?.filter(|kept| kept.hash == kept.expected_hash());
        let entry = kept.and_then(|kept| serde_json::from_str::<AuditEntry>(&kept.entry).ok());
        let entry = entry.filter(|entry| entry.nth == nth && entry.action == Action::Pseudonymise);
        Ok(entry.and_then(|entry| entry.through).unwrap_or(0))
    }

    async fn kept(&self, nth: u64) -> Result<Option<Kept>, LockError> {
        match Stored::<Kept>::read(&*self.store, self.partition, &Kept::id_of(nth)).await {
            Ok(kept) => Ok(kept.map(|kept| kept.value)),
            Err(StoreError::Corrupt) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What stands on a page, by place.
    async fn page(&self, page: u64) -> Result<BTreeMap<u64, Found>, LockError> {
        let begin = page.saturating_mul(PAGE);
        match self.store.find(self.partition, Table::Audit, &Kept::term_of(begin)).await {
            Ok(rows) => Ok(rows.iter().map(found).collect()),
            // One that cannot be opened hides the others: each is asked for by itself.
            Err(StoreError::Corrupt) => {
                let mut page = BTreeMap::new();
                for nth in begin..begin.saturating_add(PAGE) {
                    match self.store.read(self.partition, Table::Audit, &Kept::id_of(nth)).await {
                        Ok(row) => page.extend(row.as_ref().map(found)),
                        Err(StoreError::Corrupt) => {
                            page.insert(nth, Found::Unreadable);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(page)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn found(row: &Row) -> (u64, Found) {
    // EXPOSE: the body of a row of ours, taken apart here.
    let kept = serde_json::from_slice::<Kept>(row.body.expose());
    let nth = row.id.parse().unwrap_or(u64::MAX);
    (nth, kept.map_or(Found::Unreadable, |kept| Found::Entry(Box::new(kept))))
}

/// The first and the last place of a range; places count from 1.
fn bounds(places: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match places.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 1,
    };
    let to = match places.end_bound() {
        Bound::Included(to) => *to,
        Bound::Excluded(behind) => behind.saturating_sub(1),
        Bound::Unbounded => u64::MAX,
    };
    (from.max(1), to)
}

fn pages(from: u64, to: u64) -> impl Iterator<Item = u64> {
    let last = if from > to { None } else { Some(to / PAGE) };
    last.into_iter().flat_map(move |last| from / PAGE..=last)
}

/// A walk along the chain.
struct Look {
    partition: Partition,
    key: Secret<Vec<u8>>,
    pseudonymised: u64,
    /// The hash of the entry before; `None` where it is not known.
    before: Option<Digest>,
    faults: Vec<Fault>,
    /// Places whose entry does not follow from the one before.
    broken: Vec<u64>,
}

impl Look {
    fn at(&mut self, nth: u64, found: Option<Found>) {
        let kept = match found {
            None => {
                self.before = None;
                return self.faults.push(Fault::Missing(nth));
            }
            Some(Found::Unreadable) => {
                self.before = None;
                return self.faults.push(Fault::Changed(nth));
            }
            Some(Found::Entry(kept)) => kept,
        };
        let standing = serde_json::from_str::<Standing>(&kept.entry);
        let is_sound = kept.hash == kept.expected_hash();
        let own = (self.partition.tenant, self.partition.property);
        let stands = |here: Standing| {
            (here.nth, kept.nth, here.tenant_id, here.property_id) == (nth, nth, own.0, own.1)
        };
        match standing.map(stands) {
            Ok(true) if is_sound => self.follows(nth, kept.previous),
            Ok(false) if is_sound => self.faults.push(Fault::Misplaced(nth)),
            _ => self.faults.push(Fault::Changed(nth)),
        }
        if is_sound && !self.has_its_people(nth, &kept) {
            self.faults.push(Fault::People(nth));
        }
        self.before = Some(kept.hash);
    }

    fn follows(&mut self, nth: u64, previous: Digest) {
        if self.before.is_some_and(|before| before != previous) {
            self.broken.push(nth);
        }
    }

    fn has_its_people(&self, nth: u64, kept: &Kept) -> bool {
        let Ok(entry) = serde_json::from_str::<AuditEntry>(&kept.entry) else { return true };
        let written = entry.people;
        match &kept.people {
            Some(people) => people.pseudonyms(&self.key) == written,
            None => nth <= self.pseudonymised || written.is_empty(),
        }
    }

    /// A link that broke is the fault of the entry before it, unless the next one broke too: then of the one between them.
    fn judged(mut self, from: u64) -> Vec<Fault> {
        let mut broken = self.broken.into_iter().peekable();
        while let Some(nth) = broken.next() {
            let culprit =
                if broken.next_if_eq(&nth.saturating_add(1)).is_some() { nth } else { nth.saturating_sub(1) };
            let is_named = self.faults.iter().any(|fault| fault.nth() == Some(culprit));
            if !is_named {
                self.faults.push(Fault::Replaced(culprit.max(from)));
            }
        }
        self.faults.sort_by_key(|fault| fault.nth());
        self.faults.dedup();
        self.faults
    }
}
