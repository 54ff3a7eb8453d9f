//! Cards over a simulated encoder: what is left on them whatever happens, judged at doors that have seen no card before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected has to fail"
)]

mod desk;
mod keys;
mod panel;
mod queue;
mod scene;
mod sessions;
mod tears;
