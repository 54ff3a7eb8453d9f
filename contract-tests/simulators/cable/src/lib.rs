#![doc = include_str!("../README.md")]

mod bus;
mod time;

pub use bus::{Between, SimBus};
pub use time::LineTime;
