//! A real process, really killed: what was acknowledged is there afterwards, and nothing is there by half.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{KeyWrap, SecretError, SeededEntropy};
use lockport::store::{Batch, Content, SqliteStore, Store, Table, Write};

use crate::rig::{partition, run};

/// Names the file in the child; absent in the parent.
const FILE: &str = "LOCKPORT_CRASH_FILE";
/// How many commits a child makes when nobody stops it.
const COMMITS: u64 = 24;
/// How many rows each commit writes together.
const ROWS: u64 = 3;

/// A key that wraps nothing: the file is looked at by this test only.
#[derive(Debug)]
struct Plain;

#[async_trait]
impl KeyWrap for Plain {
    fn current_key(&self) -> String {
        "plain".to_owned()
    }
    async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
        Ok(data_key.expose().clone())
    }
    async fn unwrap(&self, _: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError> {
        Ok(Secret::new(wrapped.to_vec()))
    }
}

fn open(file: &Path) -> SqliteStore {
    run(SqliteStore::open(file, &Plain, Arc::new(SeededEntropy::new(3)))).unwrap()
}

/// The n-th commit: every row of it says n.
fn batch(nth: u64) -> Batch {
    let content = || {
        Some(Content {
            due: None,
            terms: vec!["all".to_owned()],
            body: Secret::new(nth.to_be_bytes().to_vec()),
        })
    };
    let write =
        |row| Write { table: Table::Grant, id: format!("row-{row}"), expected: nth - 1, content: content() };
    Batch { id: u128::from(nth), writes: (0..ROWS).map(write).collect() }
}

/// The child: says "begin n" before the n-th commit and "done n" after it.
fn commit_until_killed(file: &Path) -> ! {
    let store = open(file);
    let mut out = std::io::stdout();
    for nth in 1..=COMMITS {
        writeln!(out, "begin {nth}").unwrap();
        out.flush().unwrap();
        run(store.commit(partition("a"), &batch(nth))).unwrap();
        writeln!(out, "done {nth}").unwrap();
        out.flush().unwrap();
    }
    std::process::exit(0)
}

/// Starts a child and kills it as soon as it says `last`; what it had acknowledged by then.
fn killed_at(file: &Path, last: &str) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::nothing_acknowledged_is_lost_and_nothing_is_half", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if let Some(nth) = line.strip_prefix("done ") {
            acknowledged = nth.parse().unwrap();
        }
        if line == last {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half() {
    if let Some(file) = std::env::var_os(FILE) {
        commit_until_killed(Path::new(&file));
    }
    for nth in 1..=COMMITS {
        for last in [format!("begin {nth}"), format!("done {nth}")] {
            let file: PathBuf =
                std::env::temp_dir().join(format!("lockport-crash-{}.db", std::process::id()));
            let acknowledged = killed_at(&file, &last);
            let rows = run(open(&file).find(partition("a"), Table::Grant, "all")).unwrap();
            let said: Vec<u64> = rows
                .iter()
                .map(|row| u64::from_be_bytes(row.body.expose().as_slice().try_into().unwrap()))
                .collect();
            let there = said.first().copied().unwrap_or(0);
            assert!(said.iter().all(|own| *own == there), "half a commit after `{last}`: {said:?}");
            assert!(
                said.is_empty() || said.len() == usize::try_from(ROWS).unwrap(),
                "half a commit after `{last}`"
            );
            // A commit that was under way may have happened; the same batch again settles which.
            assert!(there >= acknowledged, "`{last}`: {acknowledged} was acknowledged, {there} is there");
            run(open(&file).commit(partition("a"), &batch(there.max(1)))).unwrap();
            for extension in ["db", "db-wal", "db-shm"] {
                let _ = std::fs::remove_file(file.with_extension(extension));
            }
        }
    }
}
