//! The simulators of lockport as programs, for other people's software to talk to.

mod ttlock;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lockport_sim_encoder::{EncoderArgs, run_encoder};

use crate::ttlock::{TtlockArgs, run_ttlock};

/// Simulated lock systems.
#[derive(Debug, Parser)]
#[command(name = "lockport-sim")]
struct Args {
    #[command(subcommand)]
    simulator: Simulator,
}

#[derive(Debug, Subcommand)]
enum Simulator {
    /// A card encoder on a pseudo-terminal, with cards on it.
    Encoder(EncoderArgs),
    /// A TTLock cloud with its locks, on a loopback port.
    Ttlock(TtlockArgs),
}

fn run(simulator: Simulator) -> Result<(), Box<dyn Error>> {
    match simulator {
        Simulator::Encoder(args) => Ok(run_encoder(&args)?),
        Simulator::Ttlock(args) => run_ttlock(args),
    }
}

#[allow(clippy::print_stderr, reason = "a program says why it stops")]
fn main() -> ExitCode {
    match run(Args::parse().simulator) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lockport-sim: {error}");
            ExitCode::FAILURE
        }
    }
}
