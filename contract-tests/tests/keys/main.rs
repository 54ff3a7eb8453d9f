//! `KeyService` over the mock: what becomes of a hotel's wishes at the vendor and at the doors, whatever comes between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod asked;
mod attempts;
mod bulk;
mod desk;
mod fallback;
mod instances;
mod interleavings;
mod kept;
mod moved;
mod offline;
mod refused;
mod rig;
mod sessions;
mod several;
mod staff;
mod suspended;
mod watched;
mod yielding;
