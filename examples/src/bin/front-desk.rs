//! Plays a hotel's day through the whole of lockport against simulated locks, and tries doors on the way.

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Human, Json, Output, Progress, Summary};
use lockport_examples::front_desk::player::{PlayError, play};
use lockport_examples::front_desk::printable;
use lockport_examples::front_desk::record::{CallName, Death, Moment, Record, SEED};

/// The day that is played when none is named; within the program, so that it plays in any directory.
const HOTEL: &str = include_str!("../../data/hotel.json");
const DAY: &str = include_str!("../../data/day.jsonl");

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
    /// Where the desk keeps its state; without it in memory. A day that was broken off over this file goes on where it was. The file
    /// is sealed with the rehearsal's key, which everybody can read in this program.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// One JSON object a line on standard output.
    #[arg(long)]
    json: bool,
    /// For tests of the coming back: dies over its n-th vendor call of this name, before that leaves.
    #[arg(long, value_name = "CALL:N", requires = "store", hide = true)]
    die_before_call: Option<CallName>,
    /// Likewise, with the answer in hand.
    #[arg(long, value_name = "CALL:N", requires = "store", conflicts_with = "die_before_call", hide = true)]
    die_after_answer: Option<CallName>,
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
    let hotel_file = match &arguments.hotel {
        Some(path) => read(path)?,
        None => HOTEL.as_bytes().to_vec(),
    };
    let hotel = Hotel::read(&hotel_file).map_err(|error| match &arguments.hotel {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_string(),
    })?;
    let day_file = match &arguments.day {
        Some(path) => read(path)?,
        None => DAY.as_bytes().to_vec(),
    };
    let day = day::read(&hotel, &day_file);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let record = match &arguments.store {
        Some(path) => {
            let record = runtime.block_on(Record::open(path, &hotel_file, &day_file));
            Some(record.map_err(|error| error.to_string())?)
        }
        None => None,
    };
    let over = |moment| move |over| Death { moment, over };
    let before = arguments.die_before_call.clone().map(over(Moment::Before));
    let death = before.or(arguments.die_after_answer.clone().map(over(Moment::Answered)));
    if let (Some(record), Some(death)) = (&record, death) {
        record.dies(death);
    }
    let seed = record.as_ref().map_or(SEED, Record::seed);
    let to = Heard { to: io::stdout().lock(), record: record.clone() };
    let mut output: Box<dyn Output> = if arguments.json {
        Box::new(Json::new(to))
    } else if io::stderr().is_terminal() {
        Box::new(Progress::new(Human::new(&hotel, to), day.len()))
    } else {
        Box::new(Human::new(&hotel, to))
    };
    let store = record.map_or_else(StoreAt::default, StoreAt::Recorded);
    match runtime.block_on(play(&hotel, &day, seed, store, &mut *output)) {
        Ok(summary) => Ok(Some(summary)),
        Err(PlayError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// What was told before, by a process that is gone, is not told again.
struct Heard<W> {
    to: W,
    record: Option<Record>,
}

impl<W: Write> Write for Heard<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.record.as_ref().is_some_and(Record::is_replaying) {
            Ok(text.len())
        } else {
            self.to.write(text)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
