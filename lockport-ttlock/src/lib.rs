#![doc = include_str!("../README.md")]

mod auth;
mod client;
mod config;
mod driver;
mod error;
mod limits;
mod line;
mod map;
mod wire;

use lockport::credential::VendorCode;

pub use self::auth::{ACCOUNT_PASSWORD, CLIENT_SECRET};
pub use self::config::{ConfigError, TtlockConfig, TtlockLock};
pub use self::driver::{TtlockDriver, TtlockEnv, descriptor};

/// Whose lock system this crate drives.
pub const VENDOR: VendorCode = VendorCode::TTLOCK;
