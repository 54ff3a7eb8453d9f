//! What the loop drives: a driver, the vendor behind it, and the store beneath.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::ManualClock;
use lockport::store::{MemoryStore, Store};

use super::choke::Choke;
use crate::bench::{BenchError, Presence, Site, VendorProbe};

/// One kind of credential of one vendor, to be put on a stand of its own for every run.
#[async_trait]
pub trait Rig: Send + Sync {
    /// How it is called in reports: letters, digits and `-`, `_`, `:`.
    fn name(&self) -> String;

    /// A stand that nobody has used; the same seed gives the same stand.
    ///
    /// # Errors
    /// When it cannot be set up; the run is then red.
    async fn open(&self, seed: u64) -> Result<Stand, BenchError>;
}

/// Makes the driver as a process that begins now makes it: over the same vendor, with nothing in its memory, and with the
/// stand's [`Choke`] around it or around its line.
pub type DriverSource = Box<dyn Fn() -> Result<Arc<dyn VendorDriver>, BenchError> + Send + Sync>;

/// A vendor on a stand.
pub struct Stand {
    /// The hotel.
    pub site: Site,
    /// The only clock. Only the loop moves it.
    pub clock: Arc<ManualClock>,
    /// The vendor's side.
    pub probe: Box<dyn VendorProbe>,
    /// The driver under judgement.
    pub driver: DriverSource,
    /// The kind of credential.
    pub kind: KeyCredentialKind,
    /// The people at the encoder; `None` where no kind needs anybody there.
    pub presence: Option<Box<dyn Presence>>,
    /// What every call of this stand's driver, or of its line, goes through.
    pub choke: Choke,
}

impl fmt::Debug for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stand").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Where the ledger is kept.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// How it is called in reports.
    fn name(&self) -> &'static str;

    /// An empty one.
    ///
    /// # Errors
    /// When there is no room for it.
    async fn fresh(&self) -> Result<Box<dyn Kept>, BenchError>;
}

/// One ledger, which outlives the process.
#[async_trait]
pub trait Kept: Send + Sync {
    /// The store as a process that begins now has it.
    ///
    /// # Errors
    /// When it cannot be opened again.
    async fn open(&self) -> Result<Arc<dyn Store>, BenchError>;

    /// What lies on the disk for everybody to read; empty when nothing does.
    ///
    /// # Errors
    /// When it cannot be read.
    fn on_disk(&self) -> Result<Vec<u8>, BenchError>;
}

/// The ledger in memory: it outlives the adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

#[async_trait]
impl Shelf for InMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn fresh(&self) -> Result<Box<dyn Kept>, BenchError> {
        Ok(Box::new(KeptInMemory(Arc::new(MemoryStore::new()))))
    }
}

struct KeptInMemory(Arc<MemoryStore>);

#[async_trait]
impl Kept for KeptInMemory {
    async fn open(&self) -> Result<Arc<dyn Store>, BenchError> {
        Ok(self.0.clone())
    }

    fn on_disk(&self) -> Result<Vec<u8>, BenchError> {
        Ok(Vec::new())
    }
}
