//! The project's own checks, run as `cargo xtask test`.
//!
//! One command says whether the tree is sound: format, lints, every feature alone, all tests, docs, licences. It goes
//! on after a failing step so that one run shows every finding, and it ends with one line,
//! `N passed, N failed, N skipped`. A run in which no test was executed is red however green the steps were.
//!
//! `cargo xtask bench` is apart from that: it measures, and only its counts are ever judged. So is `cargo xtask fuzz`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing what it finds is what this program is for"
)]

mod checks;
mod fuzz;
mod program;
mod report;
mod runner;
mod summary;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test          every check over the whole tree
cargo xtask test NAME     format, lints and tests of one package: its name, or its name without `lockport-`;
                          `core` is lockport itself
cargo xtask bench         what lockport costs, each figure beside a peer; `cargo xtask bench --help` says more,
                          `cargo xtask bench --check` compares the counts with the committed ones
cargo xtask fuzz [TARGET..] [--runs N] [--seconds N]
                          what reads a vendor's, a reader's or a card's bytes, fuzzed: every target, or these, 10,000,000 runs
                          each and an hour at most; needs a nightly toolchain of rustup and `cargo install cargo-fuzz`
cargo xtask mutants       which breakages of the engine and the store no test notices; takes an hour,
                          `cargo xtask mutants --help` says more
cargo xtask help          this text

Exit status: 0 all green, 1 a check or a test failed or no test ran, 2 the command was not understood.
";

/// Separates "you asked for something that does not exist" from "a check failed".
const MISUSE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        ["bench", arguments @ ..] => program::bench(arguments),
        ["fuzz", arguments @ ..] => fuzz::run(arguments),
        ["mutants", arguments @ ..] => program::mutants(arguments),
        ["test"] => checks::whole_tree(),
        ["test", name] if !name.starts_with('-') => checks::one_package(name),
        other => {
            eprint!("error: not a command: `cargo xtask {}`\n\n{HELP}", other.join(" "));
            ExitCode::from(MISUSE)
        }
    }
}
