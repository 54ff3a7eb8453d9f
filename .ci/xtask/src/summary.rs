//! Counts tests by reading what the test runners print.

/// Whose words are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `cargo test`, doc tests, and own harnesses that print the same summary.
    Cargo,
    /// `cargo nextest`. It repeats what a failed test printed, with that test's own summary in it, so only its
    /// closing line may count.
    Nextest,
}

/// What one run of a test runner came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Tests that ran and held.
    pub(crate) passed: u64,
    /// Tests that ran and did not, and test binaries that ended without a word.
    pub(crate) failed: u64,
    /// Tests that were there and were not run.
    pub(crate) skipped: u64,
    /// Tests that ran, whatever came of it.
    pub(crate) executed: u64,
    /// Which tests were not run and why, as far as the runner says.
    pub(crate) skips: Vec<String>,
    /// Which tests failed, as far as the runner says, and what went wrong besides.
    pub(crate) troubles: Vec<String>,
}

impl Summary {
    /// Adds another run to this one.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.executed += other.executed;
        self.skips.extend(other.skips);
        self.troubles.extend(other.troubles);
    }
}

/// Reads a runner's output line by line.
#[derive(Debug)]
pub(crate) struct Reader {
    dialect: Dialect,
    summary: Summary,
    announced: u64,
    results: u64,
    red_results: u64,
    red_targets: u64,
    compile_error: bool,
}

impl Reader {
    /// A reader that has seen nothing yet.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let summary = Summary::default();
        Self {
            dialect,
            summary,
            announced: 0,
            results: 0,
            red_results: 0,
            red_targets: 0,
            compile_error: false,
        }
    }

    /// Takes in one line, without colours and line end.
    pub(crate) fn line(&mut self, line: &str) {
        if line.starts_with("error: could not compile `") {
            self.compile_error = true;
        }
        match self.dialect {
            Dialect::Cargo => self.cargo_line(line),
            Dialect::Nextest => self.nextest_line(line),
        }
    }

    fn cargo_line(&mut self, line: &str) {
        if let Some((_, counts)) = line.split_once("test result: ok. ") {
            self.result(counts);
        } else if let Some((_, counts)) = line.split_once("test result: FAILED. ") {
            self.red_results += 1;
            self.result(counts);
        } else if is_announcement(line) {
            self.announced += 1;
        } else if let Some((name, result)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            self.single(name, result);
        } else if let Some(count) = line.strip_prefix("error: ").and_then(|rest| {
            rest.strip_suffix(" targets failed:").or_else(|| rest.strip_suffix(" target failed:"))
        }) {
            self.red_targets += count.parse::<u64>().unwrap_or(1);
        }
    }

    fn single(&mut self, name: &str, result: &str) {
        if result == "FAILED" {
            self.summary.troubles.push(format!("{name} failed"));
        } else if let Some(reason) = result.strip_prefix("ignored") {
            let reason = reason.strip_prefix(", ").unwrap_or("no reason given");
            self.summary.skips.push(format!("test {name}: {reason}"));
        }
    }

    fn result(&mut self, counts: &str) {
        self.results += 1;
        for (count, word) in counts.split(';').filter_map(counted) {
            match word {
                "passed" => self.ran(count, 0),
                "failed" => self.ran(0, count),
                "ignored" => self.summary.skipped += count,
                _ => {}
            }
        }
    }

    fn nextest_line(&mut self, line: &str) {
        let Some(counts) = line
            .trim_start()
            .strip_prefix("Summary [")
            .and_then(|rest| rest.split_once(" run: "))
            .map(|(_, counts)| without_parentheses(counts))
        else {
            return;
        };
        self.results += 1;
        for (count, word) in counts.split(',').filter_map(counted) {
            match word {
                "passed" => self.ran(count, 0),
                "failed" | "exec failed" | "timed out" => self.ran(0, count),
                "skipped" => {
                    self.summary.skipped += count;
                    if count > 0 {
                        self.summary.skips.push(format!("{count} tests: marked as ignored"));
                    }
                }
                _ => {}
            }
        }
    }

    fn ran(&mut self, passed: u64, failed: u64) {
        self.summary.passed += passed;
        self.summary.failed += failed;
        self.summary.executed += passed + failed;
    }

    /// Closes the account with the runner's exit status.
    ///
    /// A runner that failed without a failed test, and a binary that announced its tests and never gave a result, are
    /// failures too: a test that ends its own process would otherwise take its neighbours along unseen.
    pub(crate) fn finish(self, runner_succeeded: bool) -> Summary {
        let mut summary = self.summary;
        let silent = self
            .announced
            .saturating_sub(self.results)
            .max(self.red_targets.saturating_sub(self.red_results));
        if silent > 0 {
            summary.failed += silent;
            summary.troubles.push(format!("test binaries that ended without a result: {silent}"));
        }
        if runner_succeeded || summary.failed > 0 {
            return summary;
        }
        summary.failed = 1;
        let trouble = if self.compile_error { "the tests did not build" } else { "the runner failed" };
        summary.troubles.push(trouble.to_owned());
        summary
    }
}

fn is_announcement(line: &str) -> bool {
    line.strip_prefix("running ")
        .and_then(|rest| rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test")))
        .is_some_and(|count| count.parse::<u64>().is_ok())
}

/// `" 12 passed"` as `(12, "passed")`.
fn counted(part: &str) -> Option<(u64, &str)> {
    let (count, word) = part.trim().split_once(' ')?;
    Some((count.parse().ok()?, word.trim()))
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|&character| {
            match character {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dialect: Dialect, output: &str, runner_succeeded: bool) -> Summary {
        let mut reader = Reader::new(dialect);
        output.lines().for_each(|line| reader.line(line));
        reader.finish(runner_succeeded)
    }

    fn counts(summary: &Summary) -> (u64, u64, u64, u64) {
        (summary.passed, summary.failed, summary.skipped, summary.executed)
    }

    #[test]
    fn several_binaries_and_doc_tests_add_up() {
        let summary = read(
            Dialect::Cargo,
            "\
     Running unittests src/lib.rs (target/debug/deps/lockport-1f)

running 6 tests
test id::tests::round_trip ... ok
test id::tests::live ... ignored, needs a lock on the desk
test id::tests::slow ... ignored
test result: ok. 4 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.01s

running 1 test
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests lockport

running 1 test
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.22s
",
            true,
        );
        assert_eq!(counts(&summary), (6, 0, 2, 6));
        assert_eq!(
            summary.skips,
            ["test id::tests::live: needs a lock on the desk", "test id::tests::slow: no reason given"]
        );
        assert!(summary.troubles.is_empty());
    }

    #[test]
    fn failures_in_one_of_two_binaries_are_counted_once() {
        let summary = read(
            Dialect::Cargo,
            "\
running 3 tests
test id::tests::round_trip ... FAILED
test id::tests::order ... FAILED
test id::tests::empty ... ok
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
error: test failed, to rerun pass `-p lockport --lib`
running 1 test
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
error: 1 target failed:
    `-p lockport --lib`
",
            false,
        );
        assert_eq!(counts(&summary), (2, 2, 0, 4));
        assert_eq!(summary.troubles, ["id::tests::round_trip failed", "id::tests::order failed"]);
    }

    #[test]
    fn a_binary_that_died_is_one_failure_beside_the_counted_ones() {
        let summary = read(
            Dialect::Cargo,
            "\
running 2 tests
error: test failed, to rerun pass `--lib`
running 1 test
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.17s
error: 2 targets failed:
",
            false,
        );
        assert_eq!(counts(&summary), (0, 2, 0, 1));
        assert_eq!(summary.troubles, ["test binaries that ended without a result: 1"]);
    }

    #[test]
    fn a_binary_that_left_quietly_is_a_failure_even_when_the_runner_is_content() {
        let summary = read(Dialect::Cargo, "running 40 tests\ntest a ... ok\n", true);
        assert_eq!(counts(&summary), (0, 1, 0, 0));
    }

    #[test]
    fn tests_that_do_not_build_are_one_failure_and_nothing_ran() {
        let summary = read(
            Dialect::Cargo,
            "error: could not compile `lockport` (lib test) due to 1 previous error\n",
            false,
        );
        assert_eq!(counts(&summary), (0, 1, 0, 0));
        assert_eq!(summary.troubles, ["the tests did not build"]);
    }

    #[test]
    fn a_runner_that_fails_without_a_word_is_one_failure() {
        for dialect in [Dialect::Cargo, Dialect::Nextest] {
            assert_eq!(counts(&read(dialect, "", false)), (0, 1, 0, 0));
        }
    }

    #[test]
    fn nothing_printed_is_nothing_executed() {
        let output = "running 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored\n";
        assert_eq!(counts(&read(Dialect::Cargo, output, true)), (0, 0, 0, 0));
    }

    #[test]
    fn nextest_counts_by_its_closing_line_alone() {
        let summary = read(
            Dialect::Nextest,
            "\
    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 12 filtered out; finished in 0.00s
     Summary [   0.035s] 15 tests run: 12 passed (1 slow, 2 leaky), 1 failed, 1 timed out, 1 exec failed, 2 skipped
        FAIL [   0.010s] lockport id::tests::round_trip
",
            false,
        );
        assert_eq!(counts(&summary), (12, 3, 2, 15));
        assert_eq!(summary.skips, ["2 tests: marked as ignored"]);
    }

    #[test]
    fn runs_of_two_runners_add_up() {
        let mut sum = read(Dialect::Nextest, " Summary [ 0.1s] 2 tests run: 2 passed, 0 skipped\n", true);
        sum.add(read(Dialect::Cargo, "running 1 test\ntest result: FAILED. 0 passed; 1 failed\n", false));
        assert_eq!(counts(&sum), (2, 1, 0, 3));
    }
}
