//! A desk without a network: type what happens, lay cards on the encoder, see what is to be done.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lockport_examples::desk;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::printable;
use lockport_examples::host::real_env;

/// Serves a desk from its own file, with no network and nothing that runs by itself.
#[derive(Debug, Parser)]
struct Arguments {
    /// The hotel; one of its vendors writes cards.
    #[arg(long, value_name = "FILE")]
    hotel: PathBuf,
    /// Where the state is kept, sealed.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When standard error is closed as well there is nobody left to tell.
            let _unheard = writeln!(io::stderr(), "desk: {}", printable(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let hotel = Hotel::read(&std::fs::read(&arguments.hotel)?)?;
    let (typed, mut to) = (io::stdin().lock(), io::stdout().lock());
    Ok(desk::run(&hotel, &arguments.store, &real_env(), typed, &mut to).await?)
}
