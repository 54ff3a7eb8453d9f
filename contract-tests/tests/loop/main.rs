//! The n-th failure loop, over everything that this build knows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic, and its counts are the evidence"
)]

mod answers;
mod bent;
#[cfg(feature = "wiegand")]
mod cards;
mod clock;
mod codes;
mod encoder;
mod house;
mod many_doors;
mod pending;
mod restored;
mod settled;
mod singles;
mod teeth;
mod torn;
mod twice;
mod walks;
mod writers;
