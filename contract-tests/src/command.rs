//! The suite as a program of a vendor's own crate.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Parser};

use crate::harness::Harness;
use crate::ledger::{Excused, parse_ledger};
use crate::report::Form;
use crate::runner::{Plan, run};

/// What a run can be told on the command line.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// Only cases whose `ID/kind` contains this.
    #[arg(long)]
    pub filter: Option<String>,
    /// The seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How the report is told: text, json, junit or html.
    #[arg(long, default_value = "text")]
    pub format: Form,
}

/// Judges the adapter of this crate at the doors.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    run: RunArguments,
}

/// Runs the suite over a harness with the exemptions of a ledger's text, and prints the report.
///
/// # Errors
/// When the ledger cannot be read, the runtime cannot be made, or nobody takes the report.
pub fn run_and_print(
    harness: &dyn Harness,
    ledger: Option<&str>,
    arguments: &RunArguments,
) -> Result<ExitCode, Box<dyn Error>> {
    let excused = Excused::new(harness, ledger.map(parse_ledger).transpose()?.unwrap_or_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let plan = Plan { filter: arguments.filter.clone(), seed: arguments.seed };
    let report = runtime.block_on(run(&excused, &plan));
    writeln!(io::stdout().lock(), "{}", report.to_form(arguments.format))?;
    Ok(if report.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole program of a test target: see [`contract_main!`](crate::contract_main).
///
/// # Errors
/// As [`run_and_print`].
pub fn contract_program(harness: &dyn Harness, ledger: Option<&str>) -> Result<ExitCode, Box<dyn Error>> {
    run_and_print(harness, ledger, &Arguments::parse().run)
}

/// Writes the `main` of a test target that runs the suite over a harness: `--filter`, `--seed` and `--format` as for the
/// program `lockport-contract`, exit code 0 when the run is green. The ledger is a file beside the crate's `Cargo.toml`.
///
/// ```
/// # mod hidden {
/// lockport_contract::contract_main!(lockport_contract::harness::MockHarness::default());
/// # }
/// ```
/// ```text
/// lockport_contract::contract_main!(Acme, ledger = "contract.toml");
/// ```
#[macro_export]
macro_rules! contract_main {
    ($harness:expr) => {
        fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
            $crate::contract_program(&$harness, None)
        }
    };
    ($harness:expr, ledger = $path:literal) => {
        fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
            let ledger = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path));
            $crate::contract_program(&$harness, Some(ledger))
        }
    };
}
