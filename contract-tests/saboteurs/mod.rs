//! Small wrong adapters: each breaks one promise, and a case must notice.

mod bent;
mod cards;
mod clocks;
mod drivers;
mod leaks;
mod liars;
mod misread;
mod natures;
mod ports;

use async_trait::async_trait;
use lockport_contract::harness::MockBench;
use lockport_contract::{Backstage, Bench, BenchError, Exemption, Harness};
use lockport_mock::{MockDriver, Personality};

pub(crate) use self::bent::{BendDriver, BendPort, BentDriver, BentPort};
pub(crate) use self::misread::LostRow;

/// A wrong adapter around the mock.
#[derive(Clone, Copy)]
pub(crate) struct Saboteur {
    pub(crate) name: &'static str,
    /// The vendor behind it.
    on: Personality,
    /// The cases that must fail under it.
    pub(crate) caught_by: &'static [&'static str],
    build: fn(&MockBench, u64) -> Bench,
}

pub(crate) fn all() -> Vec<Saboteur> {
    [drivers::ALL, misread::ALL, ports::ALL, natures::ALL, cards::ALL, liars::ALL, clocks::ALL, leaks::ALL]
        .concat()
}

/// The bench over the mock's driver with a bend in it.
pub(crate) fn with_driver<B: BendDriver>(bench: &MockBench, seed: u64, bend: B) -> Bench {
    let inner = MockDriver::new(bench.vendor.clone());
    let backstage = Backstage::over(BentDriver { inner, bend }, &bench.site, &bench.clock, seed);
    bench.clone().with_backstage(backstage)
}

/// The bench over the mock's port with a bend in it.
pub(crate) fn with_port<B: BendPort>(bench: &MockBench, seed: u64, bend: B) -> Bench {
    bent(with_driver(bench, seed, Straight), bend)
}

/// The same bench with a bend in its port.
pub(crate) fn bent<B: BendPort>(bench: Bench, bend: B) -> Bench {
    Bench { port: std::sync::Arc::new(BentPort { inner: bench.port, bend }), ..bench }
}

/// Not bent at all.
#[derive(Debug)]
pub(crate) struct Straight;
impl BendDriver for Straight {}
impl BendPort for Straight {}

#[async_trait]
impl Harness for Saboteur {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        Ok((self.build)(&MockBench::of(self.on)?, seed))
    }

    fn exemptions(&self) -> &[Exemption] {
        &[]
    }
}
