//! The tests that may notice a mutant, the quick ones first.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The package, the name of the binary, its arguments, and what to call it.
const JUDGES: [(&str, &str, &[&str], &str); 15] = [
    ("lockport-contract", "lockport-contract", &["run", "--adapter", "mock"], "suite"),
    ("lockport", "lockport", &[], "core"),
    (
        "lockport-contract",
        "lockport-contract",
        &["run", "--adapter", "mock", "--personality", "per_stay"],
        "suite-per_stay",
    ),
    (
        "lockport-contract",
        "lockport-contract",
        &["run", "--adapter", "mock", "--personality", "room_wide"],
        "suite-room_wide",
    ),
    (
        "lockport-contract",
        "lockport-contract",
        &["run", "--adapter", "mock", "--personality", "silent_ack"],
        "suite-silent",
    ),
    (
        "lockport-contract",
        "lockport-contract",
        &["run", "--adapter", "mock", "--personality", "card"],
        "suite-card",
    ),
    (
        "lockport-contract",
        "lockport-contract",
        &["run", "--adapter", "mock", "--personality", "webhook"],
        "suite-webhook",
    ),
    ("lockport", "it", &[], "core-it"),
    ("lockport-contract", "keys", &[], "keys"),
    ("lockport-contract", "wiegand", &[], "encoder"),
    ("lockport-contract", "loop", &["--skip", "singles", "--skip", "teeth"], "walks"),
    ("lockport-contract", "lockport-contract", &["run", "--adapter", "wiegand"], "suite-encoder"),
    ("lockport-contract", "lockport-contract", &["loop", "--adapter", "mock"], "loop"),
    ("lockport-contract", "lockport-contract", &["run", "--adapter", "ttlock"], "suite-ttlock"),
    ("lockport-contract", "lockport-contract", &["loop", "--adapter", "ttlock"], "loop-ttlock"),
];
/// A judge may take so many times as long as without a mutant, and then so long.
const PATIENCE: (u32, Duration) = (6, Duration::from_secs(20));
const POLL: Duration = Duration::from_millis(10);

/// One program that is green while nothing is broken.
#[derive(Debug)]
pub(crate) struct Judge {
    name: &'static str,
    program: PathBuf,
    arguments: &'static [&'static str],
    folder: PathBuf,
    takes: Duration,
}

/// What came of a mutant.
#[derive(Debug)]
pub(crate) enum Verdict {
    NoticedBy(&'static str),
    Lived,
}

/// Builds the judges and asks each once what it says when nothing is broken.
pub(crate) fn build(tree: &Path, target: &Path) -> Result<Vec<Judge>, Box<dyn Error>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(tree).env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
    cargo.env("RUSTFLAGS", "--cap-lints=allow").args(["test", "--release", "--no-run", "--all-features"]);
    cargo.args([
        "--message-format=json",
        "-p",
        "lockport",
        "-p",
        "lockport-contract",
        "--lib",
        "--bins",
        "--tests",
    ]);
    let built = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !built.status.success() {
        return Err("the mutants cannot be built; a place breaks the types".into());
    }
    let messages = String::from_utf8(built.stdout)?;
    let programs: Vec<(String, String, bool, PathBuf)> =
        messages.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?)).collect();
    let mut judges = Vec::new();
    for (package, target, arguments, name) in JUDGES {
        // The program itself has arguments of its own; the test of the same name takes those of a test.
        let is_tool = target == "lockport-contract";
        let fits = |(of, called, is_test, _): &&(String, String, bool, PathBuf)| {
            of.contains(&format!("/{}#", folder_of(package))) && called == target && *is_test != is_tool
        };
        let (.., program) = programs.iter().find(fits).ok_or_else(|| format!("no program for {name}"))?;
        let folder = tree.join(folder_of(package));
        let mut judge =
            Judge { name, program: program.clone(), arguments, folder, takes: Duration::from_secs(600) };
        let started = now();
        if !judge.is_green(0)? {
            return Err(format!("{name} is red although nothing is broken").into());
        }
        judge.takes = started.elapsed();
        eprintln!("{name}: {:.1} s", judge.takes.as_secs_f64());
        judges.push(judge);
    }
    Ok(judges)
}

fn folder_of(package: &str) -> &str {
    if package == "lockport-contract" { "contract-tests" } else { package }
}

/// The package, the target's name, whether it is a test, and the file.
fn program(message: &Value) -> Option<(String, String, bool, PathBuf)> {
    let file = message.get("executable")?.as_str()?;
    let package = message.get("package_id")?.as_str()?;
    let name = message.pointer("/target/name")?.as_str()?;
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    Some((package.to_owned(), name.to_owned(), is_test, file.into()))
}

/// Plays one mutant before every judge until one notices.
pub(crate) fn all(judges: &[Judge], mutant: usize) -> Result<Verdict, Box<dyn Error>> {
    for judge in judges {
        if !judge.is_green(mutant)? {
            return Ok(Verdict::NoticedBy(judge.name));
        }
    }
    Ok(Verdict::Lived)
}

impl Judge {
    /// Whether it ends well, and in time.
    fn is_green(&self, mutant: usize) -> Result<bool, Box<dyn Error>> {
        let (times, more) = PATIENCE;
        let mut command = Command::new(&self.program);
        command.args(self.arguments).current_dir(&self.folder).env("MUTANT", mutant.to_string());
        // What a test of the program itself is told by cargo.
        command.env("CARGO_MANIFEST_DIR", &self.folder);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let ends_by = now().checked_add(self.takes.saturating_mul(times).saturating_add(more));
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            if ends_by.is_none_or(|by| now() > by) {
                end(&mut child)?;
                return Ok(false);
            }
            pause();
        }
    }
}

fn end(child: &mut Child) -> Result<(), Box<dyn Error>> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "programs are timed by the clock on the wall")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "another program is waited for")]
fn pause() {
    std::thread::sleep(POLL);
}
