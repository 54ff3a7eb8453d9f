//! What the core promises beyond one module, judged from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod ledger;
mod rig;
mod store;
