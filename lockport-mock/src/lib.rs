#![doc = include_str!("../README.md")]

mod chance;
mod cloud;
mod desk;
mod door;
mod driver;
mod encoder;
mod errcode;
mod fault;
mod feed;
mod lock;
mod personality;
mod record;
pub mod url;
mod vendor;
mod wire;

pub use self::door::Door;
pub use self::driver::{MockDriver, descriptor};
pub use self::encoder::Encoder;
pub use self::errcode::DOCUMENTED_CODES;
pub use self::fault::Fault;
pub use self::personality::{Personality, UnknownPersonality};
pub use self::url::{MockUrl, MockUrlError};
pub use self::vendor::MockVendor;
