//! Breaks the engine and the store on purpose, one place at a time, and looks whether a test notices: `cargo xtask mutants`.
//!
//! All mutants are built at once, into a copy of the tree, and a variable of the environment chooses one: so a mutant costs a
//! run of the tests and not a build of the workspace, which is what `cargo mutants` would take for each of them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing what it finds is what this program is for"
)]

mod find;
mod judge;
mod plant;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use self::judge::Verdict;

const HELP: &str = "\
cargo xtask mutants            every mutant of the engine and the store, each before every judge until one notices
cargo xtask mutants --list     which there are
cargo xtask mutants TEXT...    those whose line contains one of these texts

Ends with the number of those that were noticed and those that lived; exit status 1 when a judge is red without any.
";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let tree = root.join("target/mutants/tree");
    let planted = plant::into(&root, &tree)?;
    let (options, texts): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word.starts_with("--"));
    let wanted = |line: &str| texts.is_empty() || texts.iter().any(|text| line.contains(text.as_str()));
    let chosen: Vec<_> = planted.iter().filter(|mutant| wanted(&mutant.line)).collect();
    if options.iter().any(|option| option == "--list") {
        chosen.iter().for_each(|mutant| println!("{:>4} {}", mutant.number, mutant.line));
        return Ok(ExitCode::SUCCESS);
    }
    let judges = judge::build(&tree, &root.join("target/mutants/build"))?;
    let (mut noticed, mut lived) = (0_usize, Vec::new());
    for mutant in chosen {
        match judge::all(&judges, mutant.number)? {
            Verdict::NoticedBy(judge) => {
                noticed = noticed.saturating_add(1);
                println!("{:>4} {judge:<16} {}", mutant.number, mutant.line);
            }
            Verdict::Lived => {
                println!("{:>4} {:<16} {}", mutant.number, "LIVED", mutant.line);
                lived.push(&mutant.line);
            }
        }
    }
    println!("{noticed} noticed, {} lived", lived.len());
    Ok(ExitCode::SUCCESS)
}
