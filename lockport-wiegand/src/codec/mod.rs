//! Bytes and their meaning, without a wire: what a panel, an encoder and a card say. Everything here is pure, panics at no
//! input and allocates only where it says so.
//!
//! Section numbers in this module are those of the project's page on Wiegand and RFID encoders.

pub mod access;
pub mod bridge;
pub mod key;
pub mod ndef;
pub mod pcsc;
pub mod pn532;
pub mod record;
pub mod rrhfoem04;
pub mod stronglink;
pub mod wiegand;

#[cfg(test)]
mod hex;
