//! The simulator judged over the wire and at the door.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

mod alone;
mod callbacks;
mod cards;
mod client;
mod describe;
mod edge;
mod ekeys;
mod errors;
mod faults;
mod lists;
mod passcodes;
mod random;
mod reach;
mod records;
mod remote;
mod tokens;
