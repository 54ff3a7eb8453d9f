//! The simulators of lockport as programs, for other people's software to talk to.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lockport_sim_encoder::{EncoderArgs, run_encoder};

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
}

#[allow(clippy::print_stderr, reason = "a program says why it stops")]
fn main() -> ExitCode {
    let Args { simulator: Simulator::Encoder(args) } = Args::parse();
    match run_encoder(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lockport-sim: {error}");
            ExitCode::FAILURE
        }
    }
}
