//! Builds the benches with optimisation and runs them.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::runner::cargo;

const PACKAGE: [&str; 3] = ["--release", "--package", "lockport-bench"];

/// Builds all programs of the package, for one of them starts the others, and runs that one with these arguments.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    let mut build = cargo(Path::new("."));
    build.arg("build").arg("--quiet").args(PACKAGE);
    let mut bench = cargo(Path::new("."));
    bench.arg("run").arg("--quiet").args(PACKAGE).arg("--").args(arguments);
    match ended(&mut build) {
        Ok(0) => {}
        other => return exit(other),
    }
    exit(ended(&mut bench))
}

/// The exit status; a program that was killed has none.
fn ended(command: &mut Command) -> Result<u8, String> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| error.to_string())?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.ok_or_else(|| status.to_string())
}

fn exit(ended: Result<u8, String>) -> ExitCode {
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(reason) => {
            eprintln!("error: the benches did not end by themselves: {reason}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_handed_on_and_a_kill_is_an_error() {
        let shell = |script: &str| ended(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("exit 0"), Ok(0));
        assert_eq!(shell("exit 2"), Ok(2));
        assert!(shell("kill -9 $$").is_err());
    }
}
