//! What the tests stand on: a clock that stands still, seeded chance, and two partitions.

use std::sync::Arc;

use lockport::Timestamp;
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::id::{PropertyId, TenantId};
use lockport::store::Partition;

pub(crate) fn now() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

pub(crate) fn env() -> (Env, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(now()));
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    (env, clock)
}

pub(crate) fn partition(name: &str) -> Partition {
    Partition {
        tenant: TenantId::derived("test", &[name.as_bytes()]),
        property: PropertyId::derived("test", &[name.as_bytes()]),
    }
}

/// Runs a future that never waits for anything outside.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("the future waited for something")
}
