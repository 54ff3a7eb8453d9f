#![doc = include_str!("../README.md")]

mod cloud;
mod door;
mod driver;
mod errcode;
mod fault;
mod vendor;

pub use self::door::Door;
pub use self::driver::{MockDriver, descriptor};
pub use self::fault::Fault;
pub use self::vendor::MockVendor;
