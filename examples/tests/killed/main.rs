//! A rehearsal that is killed, and called again with the same file: the day goes on where it was, and ends as if nothing had been.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn program(store: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_front-desk"));
    command.args(["--json", "--store", store]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A place for a store and what lies beside it, for one test alone.
fn place(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _not_there = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder.join("desk.store").into_os_string().into_string().unwrap()
}

/// What a process told: its answers by line, and the summary.
#[derive(Debug, Default)]
struct Told {
    answers: BTreeMap<u64, Value>,
    summary: Value,
}

impl Told {
    fn hear(&mut self, line: &str) {
        let told: Value = serde_json::from_str(line).unwrap();
        if let Some(number) = told["line"].as_u64() {
            self.answers.insert(number, told);
        } else if told["summary"].is_object() {
            self.summary = told;
        }
    }
}

/// Kills the process as soon as it has answered so many lines, wherever it is by then. What it told is in the pipe, the last of it
/// perhaps torn.
fn killed_after(store: &str, answers: usize) -> Told {
    let mut child = program(store).spawn().unwrap();
    let mut told = Told::default();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while told.answers.len() < answers && out.read_line(&mut line).unwrap() > 0 {
        told.hear(&line);
        line.clear();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    while out.read_line(&mut line).unwrap() > 0 {
        if line.ends_with('\n') {
            told.hear(&line);
        }
        line.clear();
    }
    told
}

fn played_to_the_end(store: &str) -> Told {
    let output = program(store).output().unwrap();
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    let mut told = Told::default();
    String::from_utf8(output.stdout).unwrap().lines().for_each(|line| told.hear(line));
    told
}

#[test]
fn a_day_that_was_killed_goes_on_where_it_was() {
    let undisturbed = played_to_the_end(&place("undisturbed"));
    for answers in [1, 19, 33, 58] {
        let store = place(&format!("killed-{answers}"));
        let first = killed_after(&store, answers);
        assert_eq!(first.summary, Value::Null, "it was killed too late");
        let last = *first.answers.keys().next_back().unwrap();
        let second = played_to_the_end(&store);
        let begins_at = *second.answers.keys().next().unwrap();
        assert!(begins_at >= last, "killed after line {last}, it went on with line {begins_at}");
        is_as_undisturbed(&undisturbed, &[first, second]);
    }
}

/// Not once but three times, so that one is killed who went on himself.
#[test]
fn a_day_may_be_killed_again_and_again() {
    let undisturbed = played_to_the_end(&place("undisturbed-again"));
    let store = place("killed-again");
    let mut told = vec![killed_after(&store, 12), killed_after(&store, 13), killed_after(&store, 14)];
    told.push(played_to_the_end(&store));
    is_as_undisturbed(&undisturbed, &told);
    assert!(told.iter().all(|told| told.answers.len() > 10), "{told:#?}");
    // Called once more there is nothing to play, and the same to say.
    let once_more = played_to_the_end(&store);
    assert_eq!((once_more.answers.len(), &once_more.summary), (0, &undisturbed.summary));
    for beside in fs::read_dir(Path::new(&store).parent().unwrap()).unwrap() {
        let name = beside.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("replayed"), "{name}");
    }
}

/// Every line was answered by somebody, and by everybody as in the day that nobody killed.
fn is_as_undisturbed(undisturbed: &Told, told: &[Told]) {
    let mut answered = BTreeMap::new();
    for told in told {
        for (line, answer) in &told.answers {
            assert_eq!(Some(answer), undisturbed.answers.get(line));
            answered.insert(*line, answer.clone());
        }
    }
    assert_eq!(answered, undisturbed.answers);
    assert_eq!(told.last().unwrap().summary, undisturbed.summary);
}
