//! The front desk, judged by what doors do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

mod days;
mod judge;
mod model;
mod program;
mod random_days;
mod refusals;
mod rehearsed;
mod restarts;
mod samples;
mod shrink;
mod stores;
