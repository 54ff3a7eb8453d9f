//! Plays a hotel's day through the whole of lockport against simulated locks, and tries doors on the way.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lockport::env::{Entropy as _, OsEntropy};
use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Human, Json, Output, Summary};
use lockport_examples::front_desk::player::{PlayError, play};
use lockport_examples::front_desk::printable;

/// The day that is played when none is named; within the program, so that it plays in any directory.
const HOTEL: &str = include_str!("../../data/hotel.json");
const DAY: &str = include_str!("../../data/day.jsonl");

/// The rehearsal is the same every time.
const SEED: u64 = 1;

/// Plays a hotel's day against simulated locks and tries doors on the way.
///
/// Exits with 0 when every door did as expected, with 1 when one did not, with 2 when the day cannot be played.
#[derive(Debug, Parser)]
struct Arguments {
    /// The hotel; without it the shipped one.
    #[arg(long, value_name = "FILE", requires = "day")]
    hotel: Option<PathBuf>,
    /// The day; without it the shipped one.
    #[arg(long, value_name = "FILE", requires = "hotel")]
    day: Option<PathBuf>,
    /// Where the desk keeps its state: a file of an earlier rehearsal, or one that is made; without it in memory. It is sealed with
    /// the rehearsal's key, which everybody can read in this program.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// One JSON object a line on standard output.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match rehearse(&Arguments::parse()) {
        Ok(Some(Summary { wrong: 0, .. })) | Ok(None) => ExitCode::SUCCESS,
        Ok(Some(_)) => ExitCode::from(1),
        Err(message) => {
            // When standard error is closed as well there is nobody left to tell.
            let _unheard = writeln!(io::stderr(), "front-desk: {}", printable(&message));
            ExitCode::from(2)
        }
    }
}

/// `None` when nobody listened to the end.
fn rehearse(arguments: &Arguments) -> Result<Option<Summary>, String> {
    let hotel = match &arguments.hotel {
        Some(path) => Hotel::read(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Hotel::read(HOTEL.as_bytes()).map_err(|error| error.to_string())?,
    };
    let day = match &arguments.day {
        Some(path) => day::read(&hotel, &read(path)?),
        None => day::read(&hotel, DAY.as_bytes()),
    };
    let to = io::stdout().lock();
    let mut output: Box<dyn Output> =
        if arguments.json { Box::new(Json::new(to)) } else { Box::new(Human::new(&hotel, to)) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let (store, seed) = match &arguments.store {
        Some(path) => (StoreAt::File(path.clone()), seed_over(path)?),
        None => (StoreAt::default(), SEED),
    };
    match runtime.block_on(play(&hotel, &day, seed, store, &mut *output)) {
        Ok(summary) => Ok(Some(summary)),
        Err(PlayError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// A store that was used before has rows under the ids that the one seed draws; over it every rehearsal has a seed of its own.
fn seed_over(path: &Path) -> Result<u64, String> {
    if fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Ok(SEED);
    }
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed).map_err(|error| error.to_string())?;
    Ok(u64::from_be_bytes(seed))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
