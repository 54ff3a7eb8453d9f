#![doc = include_str!("../README.md")]

pub mod cloud;
#[cfg(unix)]
pub mod desk;
pub mod hotel;
pub mod lent;
pub mod meter;
pub mod mock;
pub mod ratchet;
pub mod report;
pub mod rows;
#[cfg(unix)]
pub mod still;
pub mod store;

use std::error::Error;

/// Why a figure could not be taken.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// How often things are done: more rounds give narrower spreads, never other figures.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// A stand is set up anew so many times, because vendors and stores get slower as they fill.
    pub stands: u32,
    /// So many pairs are measured on each.
    pub pairs: u32,
}
