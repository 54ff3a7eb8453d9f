//! What a vendor team writes: a bench for each case.

#[cfg(feature = "mock")]
mod mock;
#[cfg(feature = "ttlock")]
pub(crate) mod ttlock;
#[cfg(feature = "wiegand")]
mod wiegand;

use std::sync::Arc;

use async_trait::async_trait;
use lockport::SharedLockPort;
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::ManualClock;

#[cfg(feature = "mock")]
pub use self::mock::{MockBench, MockHarness};
#[cfg(feature = "ttlock")]
pub use self::ttlock::TtlockHarness;
#[cfg(feature = "wiegand")]
pub use self::wiegand::{CardProfile, WiegandBench, WiegandHarness};
use crate::backstage::Backstage;
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

/// The port that is judged for a driver: the core's adapter over an empty store, the guard, and nothing else. A bench that also
/// hands over what is behind it takes a [`Backstage`] and its port.
#[must_use]
pub fn port_over(
    driver: impl VendorDriver,
    site: &Site,
    clock: &Arc<ManualClock>,
    seed: u64,
) -> SharedLockPort {
    Backstage::over(driver, site, clock, seed).port()
}
