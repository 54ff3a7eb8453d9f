//! The simulated encoders judged over their own lines, the cards by what they hold, the doors by whether they open.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

mod access;
mod doors;
mod faults;
mod fuzz;
mod hid;
#[cfg(all(target_os = "linux", feature = "fuse"))]
mod hidraw;
mod host;
mod images;
mod pcsc;
mod pn532;
#[cfg(unix)]
mod pty;
mod stronglink;
mod tears;
mod type2;
mod vectors;
