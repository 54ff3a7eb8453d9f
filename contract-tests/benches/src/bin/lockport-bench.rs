//! Runs the rows, prints the table, and compares the counts with the ratchet.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use lockport_bench::ratchet::Ratchet;
use lockport_bench::report::{Figure, Outcome, Report, Row};
use lockport_bench::{Effort, Trouble, rows};

/// What lockport costs, each figure beside a peer of the same run.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Arguments {
    /// Only these rows; all when none is named.
    rows: Vec<RowName>,
    /// Also writes the figures here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Counts alone, compared with the ratchet; exits 1 when one has risen.
    #[arg(long)]
    check: bool,
    /// Few rounds: to see that it runs.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RowName {
    /// A key through everything / its bare HTTP requests.
    Issue,
    /// Cards at an encoder that takes its time / libnfc, line and card alone.
    Cards,
    /// Durable commits of an issue.
    Commits,
    /// Allocations of an issue.
    Allocations,
    /// Instructions of an issue.
    Instructions,
    /// Rate and outage, on virtual time.
    Limits,
    /// The loop that fails every call.
    Crash,
    /// Live heap of 200 properties.
    Heap,
    /// The SQLite store / bare rusqlite.
    Store,
    /// A call with and without its deadline.
    Deadline,
}

impl RowName {
    /// Those that come out alike on every machine.
    const COUNTS: [Self; 5] =
        [Self::Commits, Self::Allocations, Self::Instructions, Self::Limits, Self::Heap];

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, effort: Effort) -> Result<Outcome, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let figures: Result<Vec<Figure>, Trouble> = match self {
            Self::Issue => runtime.block_on(rows::issue::row(effort)),
            #[cfg(unix)]
            Self::Cards => runtime.block_on(rows::cards::row(effort)),
            #[cfg(not(unix))]
            Self::Cards => return Ok(Outcome::Skipped("a pseudo-terminal needs a Unix".to_owned())),
            Self::Commits => runtime.block_on(rows::commits::row()),
            Self::Allocations | Self::Heap => rows::programs::counted(&self.name()),
            Self::Instructions => return rows::programs::instructions(),
            Self::Limits => runtime.block_on(rows::limits::row()),
            Self::Crash => rows::crash::row(),
            Self::Store => runtime.block_on(rows::store::row(effort)),
            Self::Deadline => runtime.block_on(rows::deadline::row(effort)),
        };
        Ok(Outcome::Figures(figures?))
    }
}

fn main() -> Result<ExitCode, Trouble> {
    let Arguments { rows, json, check, quick } = Arguments::parse();
    let rows = match (rows.is_empty(), check) {
        (false, _) => rows,
        (true, true) => RowName::COUNTS.to_vec(),
        (true, false) => RowName::value_variants().to_vec(),
    };
    let effort = if quick { Effort { stands: 1, pairs: 10 } } else { Effort { stands: 4, pairs: 50 } };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let machine = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
    let mut report = Report { cores, machine, rows: Vec::new() };
    for row in rows {
        writeln!(io::stderr(), "{} ...", row.name())?;
        let outcome = row.run(effort).map_err(|error| format!("{}: {error}", row.name()))?;
        report.rows.push(Row { name: row.name(), outcome });
    }
    let mut out = io::stdout().lock();
    write!(out, "{report}")?;
    if let Some(path) = json {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    let verdict = Ratchet::committed()?.judge(&report);
    for note in &verdict.notes {
        writeln!(out, "note: {note}")?;
    }
    for red in &verdict.red {
        writeln!(out, "RED: {red}")?;
    }
    Ok(if check && !verdict.red.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
