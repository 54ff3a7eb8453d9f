//! What the core promises beyond one module, judged from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod audit;
mod breaker;
#[cfg(feature = "sqlite")]
mod crash;
mod events;
mod events_additive;
mod events_queue;
mod events_transitions;
mod keys;
mod ledger;
mod limits;
mod looks;
mod observed;
mod retry;
mod rig;
mod stack;
mod store;
mod telemetry;
mod telemetry_fed;
mod wire;
mod yes;
