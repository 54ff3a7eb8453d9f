//! What a vendor team writes: a bench for each case.

#[cfg(feature = "mock")]
mod mock;
#[cfg(feature = "ttlock")]
mod ttlock;

use std::sync::Arc;

use async_trait::async_trait;
use lockport::SharedLockPort;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::stack::LockStack;
use lockport::store::{MemoryStore, Partition};

#[cfg(feature = "mock")]
pub use self::mock::{MockBench, MockHarness};
#[cfg(feature = "ttlock")]
pub use self::ttlock::TtlockHarness;
use crate::bench::{Bench, BenchError, Site};

/// An adapter that the suite can judge.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A bench with nothing on it yet; the same seed gives the same bench.
    ///
    /// # Errors
    /// When it cannot be set up; the case then counts as not run.
    async fn open(&self, seed: u64) -> Result<Bench, BenchError>;

    /// What is known not to hold, each with its reason. Empty for an adapter that keeps the whole contract.
    fn exemptions(&self) -> &[Exemption];
}

/// A case that is not judged, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// The case's id.
    pub case: String,
    /// For this kind only; for all when absent.
    pub kind: Option<KeyCredentialKind>,
    /// Why; an empty reason makes the run red.
    pub reason: String,
}

/// The port that is judged for a driver: the core's adapter over an empty store, the guard, and nothing else.
#[must_use]
pub fn port_over<D: VendorDriver>(
    driver: D,
    site: &Site,
    clock: &Arc<ManualClock>,
    seed: u64,
) -> SharedLockPort {
    let partition = Partition { tenant: site.tenant, property: site.property };
    let doors = Arc::new(site.door_map());
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(seed)) };
    let setup = AdapterSetup {
        name: "main".to_owned(),
        partition,
        doors: doors.clone(),
        store: Arc::new(MemoryStore::new()),
        env: env.clone(),
        instance: "contract".to_owned(),
    };
    let adapter: SharedLockPort = Arc::new(Adapter::new(driver, setup));
    LockStack::new(adapter, partition, doors, env).build()
}
