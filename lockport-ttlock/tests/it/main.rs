//! The driver against a vendor that does as a test tells it: the wire byte for byte, what is repaired on it, and what a lost
//! call makes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

mod bodies;
mod callback;
mod fake;
mod faults;
mod garbage;
mod leases;
mod records;
mod repair;
mod wire;
