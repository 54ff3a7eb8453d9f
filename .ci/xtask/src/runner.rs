//! Runs cargo and hands its output on while it comes.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long output may still come after the program has ended. A test that leaves a process behind leaves the pipe open
/// with it, and the checks must not wait for that process.
const AFTER_THE_END: Duration = Duration::from_secs(5);

/// A cargo command in the given folder, as if typed by hand.
///
/// `cargo run` tells this program about its own package through the environment. Some build scripts watch those very
/// names, so passing them on would rebuild native code here and once more at the next plain cargo command.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|own| text.starts_with(own))
        {
            command.env_remove(&name);
        }
    }
    let is_chosen = |name| std::env::var_os(name).is_some();
    if io::stdout().is_terminal() && !is_chosen("CARGO_TERM_COLOR") && !is_chosen("NO_COLOR") {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    format!("cargo {}", words.join(" "))
}

/// Runs to the end, passing every byte on at once and every complete line, without colours, to `on_line`.
///
/// The outer error says that it could not be run, the inner one is its exit status in words when that is not success.
pub(crate) fn stream(command: &mut Command, mut on_line: impl FnMut(&str)) -> io::Result<Result<(), String>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (lines, incoming) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        let lines = lines.clone();
        thread::spawn(move || pass_on(out, io::stdout(), &lines));
    }
    if let Some(err) = child.stderr.take() {
        thread::spawn(move || pass_on(err, io::stderr(), &lines));
    }
    loop {
        match incoming.recv_timeout(AFTER_THE_END) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if child.try_wait()?.is_some() {
                    eprintln!(
                        "note: a process that was left behind still holds the output; not waiting for it"
                    );
                    break;
                }
            }
        }
    }
    let status = child.wait()?;
    Ok(if status.success() { Ok(()) } else { Err(status.to_string()) })
}

fn pass_on(mut from: impl Read, mut to: impl Write, lines: &Sender<String>) {
    let mut chunk = [0; 8192];
    let mut pending = Vec::new();
    while let Ok(length) = from.read(&mut chunk) {
        let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        // A closed terminal is no reason to stop counting.
        let _ = to.write_all(bytes).and_then(|()| to.flush());
        for &byte in bytes {
            if byte == b'\n' {
                let _ = lines.send(plain(&pending));
                pending.clear();
            } else {
                pending.push(byte);
            }
        }
    }
    if !pending.is_empty() {
        let _ = lines.send(plain(&pending));
    }
}

/// The line without colour sequences and carriage returns.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // A colour sequence ends with its first letter.
                characters.by_ref().find(char::is_ascii_alphabetic);
            }
            '\r' => {}
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_carriage_returns_are_taken_off() {
        assert_eq!(plain(b"\x1b[0m\x1b[1m\x1b[32m     Summary\x1b[0m [ 1s]\r"), "     Summary [ 1s]");
    }

    #[test]
    fn bytes_are_passed_on_unchanged_and_lines_are_cut() {
        let (lines, incoming) = mpsc::channel();
        let mut passed_on = Vec::new();
        pass_on(&b"test a ... ok\n\x1b[1mb\x1b[0m\r\nno end"[..], &mut passed_on, &lines);
        drop(lines);
        assert_eq!(passed_on, b"test a ... ok\n\x1b[1mb\x1b[0m\r\nno end");
        assert_eq!(incoming.iter().collect::<Vec<_>>(), ["test a ... ok", "b", "no end"]);
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = cargo(Path::new("."));
        command.args(["fmt", "--all"]);
        assert_eq!(shown(&command), "cargo fmt --all");
    }
}
