//! Runs the fuzz targets of the parsers that read what a vendor, a reader or a card says. Apart from the checks, because it takes
//! a nightly compiler, `cargo-fuzz` and hours. What it once found is kept as a file, which a plain test of the checks replays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::{HELP, MISUSE};

/// The crates that have targets.
const FUZZED: [&str; 2] = ["lockport-wiegand", "lockport-ttlock"];
/// How often each target is run, where nobody says otherwise.
const RUNS: u64 = 10_000_000;
/// How long at most, in seconds.
const SECONDS: u64 = 3_600;
/// The longest input, in bytes: longer than any frame, record or answer that teaches anything.
const LONGEST: u32 = 512;
/// Where the fuzzer keeps what it finds worth trying again.
const SCRATCH: &str = "target/fuzz-corpus";

/// One target, and the crate whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    package: &'static str,
    name: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    names: Vec<String>,
    runs: u64,
    seconds: u64,
}

impl Arguments {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut parsed = Self { names: Vec::new(), runs: RUNS, seconds: SECONDS };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let place = match *word {
                "--runs" => &mut parsed.runs,
                "--seconds" => &mut parsed.seconds,
                option if option.starts_with('-') => return Err(format!("no such option: {option}")),
                name => {
                    parsed.names.push(name.to_owned());
                    continue;
                }
            };
            let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
            *place = number.ok_or_else(|| format!("{word} takes a number"))?;
        }
        Ok(parsed)
    }
}

/// Runs the named targets, or all.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    let chosen = Arguments::parse(words).and_then(|arguments| {
        let all = targets(Path::new("."))?;
        Ok((choose(&all, &arguments.names)?, arguments))
    });
    let (chosen, arguments) = match chosen {
        Ok(chosen) => chosen,
        Err(message) => {
            eprintln!("error: {message}\n\n{HELP}");
            return ExitCode::from(MISUSE);
        }
    };
    let mut red = Vec::new();
    for target in &chosen {
        println!("fuzz: {} of {}", target.name, target.package);
        if let Err(why) = play(target, &arguments) {
            eprintln!("error: {}: {why}", target.name);
            red.push(target.name.as_str());
        }
    }
    println!("fuzz: {} passed, {} failed {red:?}", chosen.len().saturating_sub(red.len()), red.len());
    if red.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every target, as the files stand.
fn targets(root: &Path) -> Result<Vec<Target>, String> {
    let mut all = Vec::new();
    for package in FUZZED {
        let folder = root.join(package).join("fuzz/fuzz_targets");
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        let mut names: Vec<String> = entries.flatten().filter_map(|entry| stem(entry.path())).collect();
        names.sort();
        all.extend(names.into_iter().map(|name| Target { package, name }));
    }
    Ok(all)
}

fn choose(all: &[Target], names: &[String]) -> Result<Vec<Target>, String> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let find = |name: &String| all.iter().find(|target| target.name == *name).cloned();
    names.iter().map(|name| find(name).ok_or_else(|| format!("no such target: {name}"))).collect()
}

fn play(target: &Target, arguments: &Arguments) -> Result<(), String> {
    let scratch = format!("{SCRATCH}/{}", target.name);
    fs::create_dir_all(&scratch).map_err(|error| format!("{scratch}: {error}"))?;
    let Target { package, name } = target;
    // By the name that rustup answers to, for the compiler is not the one of the checks.
    let mut command = Command::new("cargo");
    command.env_remove("CARGO").env("RUSTUP_TOOLCHAIN", "nightly").stdin(Stdio::null());
    // No sanitizer: nothing in these crates is unsafe, and without one it is several times as fast.
    command.args([
        "fuzz",
        "run",
        "-s",
        "none",
        "--fuzz-dir",
        &format!("{package}/fuzz"),
        name.as_str(),
        &scratch,
    ]);
    command.arg(format!("{package}/tests/corpus/{name}"));
    command.args(["--", "-print_final_stats=1", "-timeout=10", &format!("-max_len={LONGEST}")]);
    command.arg(format!("-runs={}", arguments.runs)).arg(format!("-max_total_time={}", arguments.seconds));
    let status = command.status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let parsed = Arguments::parse(&["pn532", "--runs", "7", "card"]).unwrap();
        assert_eq!(
            parsed,
            Arguments { names: vec!["pn532".into(), "card".into()], runs: 7, seconds: SECONDS }
        );
        for bad in [&["--runs"][..], &["--runs", "many"], &["--runs", "0"], &["--fast"]] {
            assert!(Arguments::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_target_has_a_kept_corpus() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let all = targets(&root).unwrap();
        for package in FUZZED {
            assert!(all.iter().any(|target| target.package == package), "{package} has no target");
        }
        for target in &all {
            let corpus = root.join(target.package).join("tests/corpus").join(&target.name);
            assert!(corpus.is_dir(), "{}", corpus.display());
            assert_eq!(choose(&all, std::slice::from_ref(&target.name)), Ok(vec![target.clone()]));
        }
        assert!(choose(&all, &["tea".to_owned()]).is_err());
    }
}
