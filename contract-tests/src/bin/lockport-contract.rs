//! Runs the contract against an adapter that this build knows.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lockport_contract::fault_loop::{InMemory, LoopPlan, LoopReport, Only, Rig, play_and_tell};
use lockport_contract::{Harness, RunArguments, cases, matrix, play_vectors, run_and_print};

/// Judges lock adapters at the doors.
#[derive(Debug, Parser)]
#[command(name = "lockport-contract")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the cases; exits 0 when the run is green.
    Run {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        run: RunArguments,
        /// A file with exemptions and their reasons.
        #[arg(long)]
        ledger: Option<PathBuf>,
    },
    /// Fails every call through the store and to the vendor, one after the other; exits 0 when every promise was kept.
    Loop {
        #[command(flatten)]
        target: LoopTarget,
        /// Everything: every way at every point, a second failure after every first, and the ledger in a file.
        #[arg(long)]
        full: bool,
        /// Only this run: `rig/scenario/point/way`, as a red run is named; or all of `rig/scenario`.
        #[arg(long)]
        only: Option<Only>,
        /// The seed of everything random.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Plays a file of golden vectors against the codecs of this build; exits 0 when nothing differs and something was played.
    Vectors {
        /// The file.
        file: PathBuf,
    },
    /// Prints the list of cases: the text of CASES.md.
    Cases,
    /// Prints the matrix of vendors: the table in the project's README.
    Matrix,
}

#[derive(Clone, Copy, Debug, Args)]
struct Target {
    /// Whose adapter.
    #[arg(long)]
    adapter: AdapterName,
    /// What the vendor in memory is like; nothing to the others.
    #[cfg(feature = "mock")]
    #[arg(long, default_value_t)]
    personality: lockport_mock::Personality,
    /// Which encoder is on the desk; nothing to the others.
    #[cfg(feature = "wiegand")]
    #[arg(long, value_enum, default_value_t)]
    profile: EncoderProfile,
    /// What stands on its cards; nothing to the others.
    #[cfg(feature = "wiegand")]
    #[arg(long, value_enum, default_value_t)]
    card: Cards,
    /// Which sort of passcode the locks take; nothing to the others. The vendor's choice goes with a house without gateways.
    #[cfg(feature = "ttlock")]
    #[arg(long, value_enum, default_value_t)]
    passcodes: PasscodeSort,
}

#[derive(Clone, Copy, Debug, Args)]
struct LoopTarget {
    /// Whose adapter, in every personality that it has.
    #[arg(long)]
    adapter: AdapterName,
    /// Which encoder is on the desk; nothing to the others.
    #[cfg(feature = "wiegand")]
    #[arg(long, value_enum, default_value_t)]
    profile: EncoderProfile,
    /// What stands on its cards; nothing to the others.
    #[cfg(feature = "wiegand")]
    #[arg(long, value_enum, default_value_t)]
    card: Cards,
}

/// What the cards of a hotel can be, in the words of the page on encoders.
#[cfg(feature = "wiegand")]
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Cards {
    /// Doors that verify a record on the card.
    #[default]
    SignedRecord,
    /// Readers before a panel, and bits on the card.
    WiegandBits,
    /// Readers before a panel, and the card's own number.
    Csn,
}

#[cfg(feature = "wiegand")]
impl Cards {
    const fn profile(self) -> lockport_contract::harness::CardProfile {
        use lockport_contract::harness::CardProfile;
        match self {
            Self::SignedRecord => CardProfile::SignedRecord,
            Self::WiegandBits => CardProfile::WiegandBits,
            Self::Csn => CardProfile::Csn,
        }
    }
}

/// The sorts of passcodes of TTLock's locks.
#[cfg(feature = "ttlock")]
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PasscodeSort {
    /// Of ours.
    #[default]
    Custom,
    /// Of the vendor's choice.
    Random,
    /// None.
    Off,
}

#[cfg(feature = "ttlock")]
impl PasscodeSort {
    const fn of_driver(self) -> lockport_ttlock::Passcodes {
        match self {
            Self::Custom => lockport_ttlock::Passcodes::Custom,
            Self::Random => lockport_ttlock::Passcodes::Random,
            Self::Off => lockport_ttlock::Passcodes::Off,
        }
    }
}

/// The encoders that are simulated.
#[cfg(feature = "wiegand")]
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum EncoderProfile {
    /// A PN532 on a serial line.
    #[default]
    Pn532Serial,
    /// A StrongLink SL025.
    Stronglink,
    /// A RapidRadio RRHFOEM04.
    Rrhfoem04,
    /// A PN532 behind a bridge to HID.
    Pn532Hid,
    /// A contactless reader behind a PC/SC service.
    Pcsc,
}

#[cfg(feature = "wiegand")]
impl EncoderProfile {
    const fn model(self) -> lockport_wiegand::EncoderModel {
        match self {
            Self::Pn532Serial => lockport_wiegand::EncoderModel::Pn532Serial,
            Self::Stronglink => lockport_wiegand::EncoderModel::Stronglink,
            Self::Rrhfoem04 => lockport_wiegand::EncoderModel::Rrhfoem04,
            Self::Pn532Hid => lockport_wiegand::EncoderModel::Pn532Hid,
            Self::Pcsc => lockport_wiegand::EncoderModel::Pcsc,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AdapterName {
    /// The vendor in memory.
    #[cfg(feature = "mock")]
    Mock,
    /// TTLock, simulated.
    #[cfg(feature = "ttlock")]
    Ttlock,
    /// Cards written at the desk, on a simulated encoder.
    #[cfg(feature = "wiegand")]
    Wiegand,
}

impl LoopTarget {
    fn rigs(self) -> Vec<Box<dyn Rig>> {
        match self.adapter {
            #[cfg(feature = "mock")]
            AdapterName::Mock => lockport_contract::fault_loop::mock_rigs(),
            #[cfg(feature = "ttlock")]
            AdapterName::Ttlock => lockport_contract::fault_loop::ttlock_rigs(),
            #[cfg(feature = "wiegand")]
            AdapterName::Wiegand => {
                lockport_contract::fault_loop::wiegand_rigs(self.profile.model(), self.card.profile())
            }
        }
    }
}

impl Target {
    fn harness(self) -> Box<dyn Harness> {
        match self.adapter {
            #[cfg(feature = "mock")]
            AdapterName::Mock => Box::new(lockport_contract::harness::MockHarness::of(self.personality)),
            #[cfg(feature = "ttlock")]
            AdapterName::Ttlock => {
                Box::new(lockport_contract::harness::TtlockHarness::of(self.passcodes.of_driver()))
            }
            #[cfg(feature = "wiegand")]
            AdapterName::Wiegand => {
                let (model, cards) = (self.profile.model(), self.card.profile());
                Box::new(lockport_contract::harness::WiegandHarness::of(model, cards))
            }
        }
    }
}

/// The loop over everything the adapter has.
fn fail_everything(
    rigs: &[Box<dyn Rig>],
    full: bool,
    only: Option<Only>,
    seed: u64,
) -> Result<LoopReport, Box<dyn Error>> {
    let singles = LoopPlan::singles(seed).with_only(only);
    let plan = if full { singles.clone().with_pairs() } else { singles.clone().with_some_ways() };
    // Pairs take long: what is played is told at once, beside the report.
    let tell = |report: &LoopReport| {
        if full {
            report.rows.iter().for_each(|row| _ = writeln!(io::stderr(), "{row}"));
        }
    };
    let report = play_and_tell(rigs, &InMemory, &plan, &tell)?;
    #[cfg(feature = "sqlite")]
    let report = if full {
        let mut both = report;
        both.add(play_and_tell(rigs, &lockport_contract::fault_loop::InFile, &singles, &tell)?);
        both
    } else {
        report
    };
    Ok(report)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match Arguments::parse().command {
        Command::Cases => {
            out.write_all(cases::page().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Matrix => {
            out.write_all(matrix::page(&matrix::descriptors()).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Vectors { file } => {
            let report = play_vectors(&std::fs::read_to_string(file)?)?;
            writeln!(out, "{report}")?;
            Ok(if report.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Loop { target, full, only, seed } => {
            let report = fail_everything(&target.rigs(), full, only, seed)?;
            writeln!(out, "{report}")?;
            Ok(if report.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Run { target, run, ledger } => {
            drop(out);
            let ledger = ledger.map(std::fs::read_to_string).transpose()?;
            run_and_print(target.harness().as_ref(), ledger.as_deref(), &run)
        }
    }
}
