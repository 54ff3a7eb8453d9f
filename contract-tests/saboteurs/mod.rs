//! Small wrong adapters: each breaks one promise, and a case must notice.

mod bent;
mod drivers;
mod misread;
mod natures;
mod ports;

use async_trait::async_trait;
use lockport::SharedLockPort;
use lockport::driver::VendorDriver;
use lockport_contract::harness::MockBench;
use lockport_contract::{Bench, BenchError, Exemption, Harness, port_over};
use lockport_mock::{MockDriver, Personality};

pub(crate) use self::bent::{BendDriver, BendPort, BentDriver, BentPort};

/// A wrong adapter around the mock.
#[derive(Clone, Copy)]
pub(crate) struct Saboteur {
    pub(crate) name: &'static str,
    /// The vendor behind it.
    on: Personality,
    /// The cases that must fail under it.
    pub(crate) caught_by: &'static [&'static str],
    build: fn(&MockBench, u64) -> SharedLockPort,
}

pub(crate) fn all() -> Vec<Saboteur> {
    [drivers::ALL, misread::ALL, ports::ALL, natures::ALL].concat()
}

/// The port over the mock's driver with a bend in it.
pub(crate) fn with_driver<B: BendDriver>(bench: &MockBench, seed: u64, bend: B) -> SharedLockPort {
    let inner = MockDriver::new(bench.vendor.clone());
    port_of(bench, seed, BentDriver { inner, bend })
}

/// The mock's port with a bend in it.
pub(crate) fn with_port<B: BendPort>(bench: &MockBench, seed: u64, bend: B) -> SharedLockPort {
    let inner = port_of(bench, seed, MockDriver::new(bench.vendor.clone()));
    std::sync::Arc::new(BentPort { inner, bend })
}

fn port_of<D: VendorDriver>(bench: &MockBench, seed: u64, driver: D) -> SharedLockPort {
    port_over(driver, &bench.site, &bench.clock, seed)
}

#[async_trait]
impl Harness for Saboteur {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        let bench = MockBench::of(self.on)?;
        let port = (self.build)(&bench, seed);
        Ok(bench.with_port(port))
    }

    fn exemptions(&self) -> &[Exemption] {
        &[]
    }
}
