//! The vendor in memory, in all its personalities.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport_mock::{MockDriver, MockVendor, Personality, descriptor};

use crate::bench::BenchError;
use crate::fault_loop::choke::Choke;
use crate::fault_loop::rig::{DriverSource, Rig, Stand};
use crate::harness::{MockBench, port_over};

/// How late a call to the mock's cloud can arrive at most.
const LATEST: Duration = Duration::from_secs(29);

/// What drives the mock's vendor: its own driver, or one that is bent for a test.
type Make = dyn Fn(MockVendor, &Choke) -> Arc<dyn VendorDriver> + Send + Sync;

/// The mock, for one kind.
#[derive(Clone)]
pub struct MockRig {
    name: String,
    personality: Personality,
    kind: KeyCredentialKind,
    make: Arc<Make>,
}

impl fmt::Debug for MockRig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockRig").field("name", &self.name).finish_non_exhaustive()
    }
}

impl MockRig {
    /// The mock's own driver over the vendor of this personality, for this kind.
    #[must_use]
    pub fn of(personality: Personality, kind: KeyCredentialKind) -> Self {
        Self {
            name: format!("mock:{personality}:{kind}"),
            personality,
            kind,
            make: Arc::new(|vendor, choke| choke.driver(Arc::new(MockDriver::new(vendor)))),
        }
    }

    /// The same with another driver, which puts the choke where it belongs: for drivers that are wrong on purpose.
    #[must_use]
    pub fn with_driver(
        mut self,
        name: &str,
        make: impl Fn(MockVendor, &Choke) -> Arc<dyn VendorDriver> + Send + Sync + 'static,
    ) -> Self {
        self.name = name.to_owned();
        self.make = Arc::new(make);
        self
    }
}

/// The mock in every personality, for every kind that it has.
#[must_use]
pub fn mock_rigs() -> Vec<Box<dyn Rig>> {
    let kinds_of = |personality| descriptor(personality).kinds.into_iter().map(move |own| (personality, own));
    let all = Personality::ALL.into_iter().flat_map(kinds_of);
    all.map(|(personality, own)| Box::new(MockRig::of(personality, own.kind)) as Box<dyn Rig>).collect()
}

#[async_trait]
impl Rig for MockRig {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn open(&self, seed: u64) -> Result<Stand, BenchError> {
        let stand_in = MockBench::of(self.personality)?;
        let MockBench { site, clock, vendor } = stand_in.clone();
        // The bench has a port, which nobody calls: the loop builds its own.
        let idle = port_over(MockDriver::new(vendor.clone()), &site, &clock, seed);
        let bench = stand_in.with_port(idle);
        // What is written over a cable is written now or never.
        let latest = if self.personality == Personality::Card { Duration::ZERO } else { LATEST };
        let choke = Choke::new(&clock, latest);
        let (make, through) = (Arc::clone(&self.make), choke.clone());
        let driver: DriverSource = Box::new(move || Ok(make(vendor.clone(), &through)));
        Ok(Stand {
            site,
            clock,
            probe: bench.probe,
            presence: bench.presence,
            driver,
            kind: self.kind,
            choke,
        })
    }
}
