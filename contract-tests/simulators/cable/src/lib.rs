#![doc = include_str!("../README.md")]

mod bus;
mod reader;
mod time;

pub use bus::{Between, SimBus};
pub use time::LineTime;
