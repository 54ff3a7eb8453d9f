#![doc = include_str!("../README.md")]

mod bench;
mod case;
pub mod cases;
pub mod fault_loop;
pub mod harness;
pub mod matrix;
mod report;
mod runner;
mod trial;

pub use self::bench::{
    Bench, BenchError, Fault, FaultInjector, Presence, Site, SiteArea, SiteRoom, VendorProbe,
};
pub use self::case::{Case, Need};
pub use self::harness::{Exemption, Harness, port_over};
pub use self::report::{Line, Report, Verdict};
pub use self::runner::{Plan, run};
