//! The steps, in order, and how each is judged.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::MISUSE;
use crate::report::{Report, StepResult};
use crate::runner::{cargo, shown, stream};
use crate::summary::{Dialect, Reader, Summary};
use crate::workspace::{Package, Workspace};

/// Every check over the whole tree.
pub(crate) fn whole_tree() -> ExitCode {
    let mut run = match Run::start() {
        Ok(run) => run,
        Err(code) => return code,
    };
    run.step("fmt", &["fmt", "--all", "--check"]);
    run.step("clippy", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
    run.feature_matrix();
    run.tests(&["--workspace"], true);
    run.docs();
    run.deny();
    run.end()
}

/// Format, lints and tests of one package.
pub(crate) fn one_package(name: &str) -> ExitCode {
    let mut run = match Run::start() {
        Ok(run) => run,
        Err(code) => return code,
    };
    let Package { name, has_library, .. } = match run.workspace.find(name) {
        Ok(package) => package.clone(),
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(MISUSE);
        }
    };
    run.step("fmt", &["fmt", "--package", &name, "--check"]);
    run.step(
        "clippy",
        &["clippy", "--package", &name, "--all-targets", "--all-features", "--", "-D", "warnings"],
    );
    run.tests(&["--package", &name], has_library);
    run.end()
}

struct Run {
    workspace: Workspace,
    report: Report,
    started: Instant,
}

impl Run {
    fn start() -> Result<Self, ExitCode> {
        let started = now();
        read_workspace().map(|workspace| Self { workspace, report: Report::default(), started }).map_err(
            |message| {
                // Without its members nothing of the tree can be checked; the count still says that something failed.
                println!("error: the workspace cannot be read: {message}\n0 passed, 1 failed, 0 skipped");
                ExitCode::FAILURE
            },
        )
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(&self.workspace.root);
        command.args(arguments);
        command
    }

    fn step(&mut self, name: &str, arguments: &[&str]) {
        let command = self.cargo(arguments);
        self.judge(name, command, |_| false);
    }

    /// Runs one step; it fails by its exit status or by printing a line that `objects` points at.
    fn judge(&mut self, name: &str, mut command: Command, objects: fn(&str) -> bool) {
        let begun = heading(name, &command);
        let mut objection = None;
        let outcome = stream(&mut command, |line| {
            if objects(line) {
                objection = Some(line.to_owned());
            }
        });
        let result = match (outcome, objection) {
            (Err(error), _) => StepResult::Failed(error.to_string()),
            (Ok(Err(status)), _) => StepResult::Failed(status),
            (Ok(Ok(())), Some(line)) => StepResult::Failed(line),
            (Ok(Ok(())), None) => StepResult::Passed,
        };
        footing(name, begun, if result == StepResult::Passed { "passed" } else { "FAILED" });
        self.report.step(name, result);
    }

    /// Each package with no features, with each alone, and with all.
    ///
    /// Warnings are found by cargo's own count of them. Compiler flags would find them too, but they are part of every
    /// dependency's identity and would build all of them a second time.
    fn feature_matrix(&mut self) {
        for package in self.workspace.clone().checked_packages() {
            for set in package.feature_sets() {
                let mut command = self.cargo(&["check", "--package", &package.name]);
                command.args(package.target_arguments()).args(set.arguments());
                self.judge(&format!("check {}, {}", package.name, set.label()), command, counts_warnings);
            }
        }
    }

    /// All tests of the selected packages, with nextest where it is installed.
    fn tests(&mut self, selection: &[&str], has_library: bool) {
        if !self.has_tool("nextest") {
            let arguments = [&["test"], selection, &["--all-features", "--no-fail-fast"]].concat();
            return self.test_run("tests", &arguments, Dialect::Cargo);
        }
        // Whether any test ran is judged at the end and over everything, hence not by nextest alone.
        let arguments =
            [&["nextest", "run"], selection, &["--all-features", "--no-fail-fast", "--no-tests=pass"]]
                .concat();
        self.test_run("tests", &arguments, Dialect::Nextest);
        if has_library {
            let arguments = [&["test", "--doc"], selection, &["--all-features", "--no-fail-fast"]].concat();
            self.test_run("doc tests", &arguments, Dialect::Cargo);
        }
    }

    fn test_run(&mut self, name: &str, arguments: &[&str], dialect: Dialect) {
        let mut command = self.cargo(arguments);
        let begun = heading(name, &command);
        let mut reader = Reader::new(dialect);
        let outcome = stream(&mut command, |line| reader.line(line));
        let summary = reader.finish(matches!(outcome, Ok(Ok(()))));
        footing(name, begun, &spoken(&summary));
        self.report.tests(summary);
    }

    fn docs(&mut self) {
        let mut command = self.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        self.judge("docs", command, |_| false);
    }

    fn deny(&mut self) {
        if self.has_tool("deny") {
            self.step("deny", &["deny", "check", "bans", "licenses", "sources"]);
        } else {
            let reason = "cargo-deny is not installed; bans, licences and sources were not checked";
            println!("\n==> deny\n<== deny: skipped, {reason}");
            self.report.step("deny", StepResult::Skipped(reason.to_owned()));
        }
        println!("note: known vulnerabilities were not looked up; that needs the advisory database");
    }

    fn has_tool(&self, subcommand: &str) -> bool {
        self.cargo(&[subcommand, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn end(self) -> ExitCode {
        println!("\n==> all steps took {:.1} s", self.started.elapsed().as_secs_f64());
        let verdict = self.report.verdict();
        verdict.lines.iter().for_each(|line| println!("{line}"));
        if verdict.is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn read_workspace() -> Result<Workspace, String> {
    let mut command = cargo(Path::new("."));
    command.args(["metadata", "--no-deps", "--format-version", "1"]).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    Workspace::parse(&String::from_utf8_lossy(&output.stdout))
}

fn counts_warnings(line: &str) -> bool {
    line.starts_with("warning: `") && line.contains(" generated ") && line.contains(" warning")
}

fn spoken(summary: &Summary) -> String {
    let troubles: String = summary.troubles.iter().map(|trouble| format!("; {trouble}")).collect();
    format!("{} passed, {} failed, {} skipped{troubles}", summary.passed, summary.failed, summary.skipped)
}

fn heading(name: &str, command: &Command) -> Instant {
    println!("\n==> {name}: {}", shown(command));
    now()
}

fn footing(name: &str, begun: Instant, result: &str) {
    println!("<== {name}: {result} ({:.1} s)", begun.elapsed().as_secs_f64());
}

#[expect(
    clippy::disallowed_methods,
    reason = "durations of the steps are for the reader; nothing is decided by them"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_the_own_packages_are_noticed() {
        assert!(counts_warnings("warning: `lockport` (lib) generated 1 warning"));
        assert!(counts_warnings(
            "warning: `lockport` (lib) generated 3 warnings (run `cargo fix` to apply 1)"
        ));
        assert!(!counts_warnings("warning: function `dead` is never used"));
        assert!(!counts_warnings("   Checking lockport v0.1.0"));
    }
}
