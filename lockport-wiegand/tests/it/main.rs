//! The encoder protocols against the simulated encoders, on virtual time; the links against devices of this machine, in real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected has to fail"
)]

mod desk;
mod drawn;
#[cfg(all(target_os = "linux", feature = "usb-hid"))]
mod hidraw;
mod pairing;
mod parsers;
mod pcsc;
mod pn532;
#[cfg(all(unix, feature = "serial"))]
mod pty;
mod rrhfoem04;
mod stronglink;
