#![doc = include_str!("../README.md")]

mod auth;
mod callback;
mod card;
mod clear;
mod client;
mod config;
mod descriptor;
mod driver;
mod ekey;
mod error;
mod limits;
mod line;
mod lock;
mod map;
mod passcode;
mod quota;
mod record;
mod refused;
mod register;
mod throttle;
mod wire;

use lockport::credential::VendorCode;

pub use self::auth::{ACCOUNT_PASSWORD, CLIENT_SECRET};
pub use self::callback::CALLBACK_SEGMENT;
pub use self::config::{CardOrder, ConfigError, Passcodes, TtlockConfig, TtlockLock};
pub use self::descriptor::descriptor;
pub use self::driver::{TtlockDriver, TtlockEnv};
pub use self::quota::{MonthlyCalls, rate};

/// Whose lock system this crate drives.
pub const VENDOR: VendorCode = VendorCode::TTLOCK;
