#![doc = include_str!("../README.md")]

mod backstage;
mod bench;
mod canary;
mod case;
pub mod cases;
mod command;
pub mod fault_loop;
pub mod harness;
mod ledger;
pub mod matrix;
mod refusals;
mod report;
mod runner;
mod tally;
mod trial;
mod vectors;

pub use self::backstage::Backstage;
pub use self::bench::{
    Bench, BenchError, Cut, Fault, FaultInjector, LockControl, Presence, Site, SiteArea, SiteRoom,
    VendorProbe, WireTap,
};
pub use self::case::{Case, Need};
pub use self::command::{RunArguments, contract_program, run_and_print};
pub use self::harness::{Exemption, Harness, port_over};
pub use self::ledger::{Excused, LedgerError, parse_ledger};
pub use self::report::{About, Form, Latency, Line, Report, UnknownForm, Verdict};
pub use self::runner::{Plan, run};
pub use self::vectors::{VectorsError, VectorsReport, play_vectors};
