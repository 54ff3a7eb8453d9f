#![doc = include_str!("../README.md")]

pub mod codec;
pub mod encoder;
pub mod link;

use lockport::credential::VendorCode;

/// Whose lock system this crate drives.
pub const VENDOR: VendorCode = VendorCode::GENERIC_WIEGAND;
