//! The encoder protocols against the simulated encoders, on virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

mod desk;
mod pn532;
