//! The long runs that are programs of their own: built with optimisation, and run.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::runner::cargo;

/// What lockport costs. All programs of the package are built first, for one of them starts the others.
pub(crate) fn bench(arguments: &[&str]) -> ExitCode {
    let package = ["--release", "--package", "lockport-bench"];
    let mut build = cargo(Path::new("."));
    build.arg("build").arg("--quiet").args(package);
    match ended(&mut build) {
        Ok(0) => run(&package, arguments),
        other => exit(other),
    }
}

/// Which breakages no test notices.
pub(crate) fn mutants(arguments: &[&str]) -> ExitCode {
    run(&["--package", "mutants"], arguments)
}

fn run(package: &[&str], arguments: &[&str]) -> ExitCode {
    exit(ended(cargo(Path::new(".")).arg("run").arg("--quiet").args(package).arg("--").args(arguments)))
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
            eprintln!("error: it did not end by itself: {reason}");
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
