//! Counts the tests that passed and failed, from the output of their runners.

use std::ops::AddAssign;

use crate::error::Error;
use crate::system::process::Finished;

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, and runners that failed without a test to show for it.
    pub failed: usize,
    /// Tests that their runner left out.
    pub skipped: usize,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How a step ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What it counted.
    pub totals: Totals,
    /// The lines that its runner closed with.
    pub closing: Vec<String>,
    /// Everything that its runner printed.
    pub output: String,
}

impl Outcome {
    /// A step that prepares others and tests nothing.
    pub fn prepared(closing: impl Into<String>) -> Self {
        Self { closing: vec![closing.into()], ..Self::default() }
    }

    /// A step that counts as one test: `success` tells how it went.
    pub fn one(success: bool, closing: impl Into<String>, output: String) -> Self {
        let totals = Totals { passed: success.into(), failed: (!success).into(), skipped: 0 };
        Self { totals, closing: vec![closing.into()], output }
    }

    /// A step that could not do its work.
    pub fn broken(error: &Error) -> Self {
        Self::one(false, error.to_string(), String::new())
    }

    /// A step that was not begun, which counts as a failure.
    pub fn not_run(reason: &str) -> Self {
        Self::one(false, format!("not run: {reason}"), String::new())
    }

    /// A step that cannot run here, which counts as skipped and not as failed.
    pub fn left_out(reason: &str) -> Self {
        let totals = Totals { skipped: 1, ..Totals::default() };
        Self { totals, closing: vec![format!("left out: {reason}")], output: String::new() }
    }

    /// Adds what to do about a failure, if it is one.
    pub fn advise(mut self, advice: &str) -> Self {
        if self.totals.failed > 0 {
            self.closing.push(advice.to_owned());
        }
        self
    }

    /// A linter: one test.
    pub fn of_linter(finished: Finished) -> Self {
        let closing = if finished.success { "clean" } else { "not clean" };
        Self::one(finished.success, closing, finished.output)
    }

    /// `cargo test`: the sum of its `test result:` lines.
    pub fn of_cargo(finished: Finished) -> Self {
        let closing: Vec<_> = lines(&finished.output, |line| line.starts_with("test result:"));
        let count = |what: &str| closing.iter().filter_map(|line| before(line, what)).sum();
        let totals = Totals { passed: count(" passed"), failed: count(" failed"), skipped: count(" ignored") };
        Self { totals, closing, output: finished.output }.judged(finished.success)
    }

    /// `node --test`: its summary.
    pub fn of_node(finished: Finished) -> Self {
        let summary = |line: &str| line.starts_with("ℹ ") || line.starts_with("# ");
        let closing: Vec<_> = lines(&finished.output, summary);
        let count = |what: &str| closing.iter().filter_map(|line| behind(line, what)).sum();
        let totals = Totals {
            passed: count("pass "),
            failed: count("fail ") + count("cancelled "),
            skipped: count("skipped ") + count("todo "),
        };
        Self { totals, closing, output: finished.output }.judged(finished.success)
    }

    /// Python's `unittest`: its last lines.
    pub fn of_unittest(finished: Finished) -> Self {
        let summary = |line: &str| line.starts_with("Ran ") || line.starts_with("OK") || line.starts_with("FAILED (");
        let closing: Vec<_> = lines(&finished.output, summary);
        let counted = |what: &str| -> usize {
            let parts = closing.iter().flat_map(|line| line.split(['(', ',', ')'])).map(str::trim);
            parts.filter_map(|part| part.strip_prefix(what)?.strip_prefix('=')?.parse::<usize>().ok()).sum()
        };
        let ran: usize = closing.iter().filter_map(|line| ran(line)).sum();
        let (failed, skipped) = (counted("failures") + counted("errors"), counted("skipped"));
        let totals = Totals { passed: ran.saturating_sub(failed + skipped), failed, skipped };
        Self { totals, closing, output: finished.output }.judged(finished.success)
    }

    /// Counts a runner that failed before it came to a test, or that ran none, as one failure.
    fn judged(mut self, success: bool) -> Self {
        if !success && self.totals.failed == 0 {
            self.totals.failed = 1;
            self.closing.push("the runner failed without naming a test".to_owned());
        } else if self.totals.passed == 0 && self.totals.failed == 0 {
            self.totals.failed = 1;
            self.closing.push("the runner ran no test".to_owned());
        }
        self
    }
}

fn lines(output: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    output.lines().filter(|line| wanted(line)).map(str::to_owned).collect()
}

/// The number in front of `what`, as in `12 passed`.
fn before(line: &str, what: &str) -> Option<usize> {
    line.split_once(what)?.0.rsplit(' ').next()?.parse().ok()
}

/// The number behind `what`, as in `pass 12`.
fn behind(line: &str, what: &str) -> Option<usize> {
    let (_, text) = line.split_once(' ')?;
    text.strip_prefix(what)?.trim().parse().ok()
}

/// The number in `Ran 12 tests in 0.1s`.
fn ran(line: &str) -> Option<usize> {
    line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(success: bool, output: &str) -> Finished {
        Finished { success, output: output.to_owned() }
    }

    #[test]
    fn the_results_of_all_test_programs_of_cargo_are_added() {
        let outcome = Outcome::of_cargo(finished(
            false,
            "test a ... ok\n\
             test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
             test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n",
        ));
        assert_eq!(outcome.totals, Totals { passed: 15, failed: 2, skipped: 1 });
        assert_eq!(outcome.closing.len(), 2);
    }

    #[test]
    fn the_last_lines_of_unittest_are_read() {
        let good = Outcome::of_unittest(finished(true, "test_a ... ok\n\nRan 16 tests in 1.5s\n\nOK (skipped=1)\n"));
        assert_eq!(good.totals, Totals { passed: 15, failed: 0, skipped: 1 });
        let bad = Outcome::of_unittest(finished(false, "Ran 4 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"));
        assert_eq!(bad.totals, Totals { passed: 1, failed: 3, skipped: 0 });
        let broken = Outcome::of_unittest(finished(false, "ModuleNotFoundError: No module named 'wasmtime'\n"));
        assert_eq!(broken.totals, Totals { passed: 0, failed: 1, skipped: 0 });
    }

    #[test]
    fn nodes_summary_is_read_in_both_of_its_forms() {
        for mark in ["ℹ", "#"] {
            let output: String = ["tests 9", "suites 0", "pass 5", "fail 1", "cancelled 1", "skipped 1", "todo 1"]
                .map(|line| format!("{mark} {line}\n"))
                .concat();
            let outcome = Outcome::of_node(finished(false, &output));
            assert_eq!(outcome.totals, Totals { passed: 5, failed: 2, skipped: 2 }, "{mark}");
        }
    }

    #[test]
    fn a_runner_that_ran_no_test_has_failed() {
        for outcome in [
            Outcome::of_cargo(finished(true, "test result: ok. 0 passed; 0 failed; 0 ignored\n")),
            Outcome::of_node(finished(true, "")),
        ] {
            assert_eq!(outcome.totals.failed, 1);
            assert_eq!(outcome.closing.last().map(String::as_str), Some("the runner ran no test"));
        }
    }

    #[test]
    fn a_runner_that_fails_before_its_first_test_has_failed() {
        let outcome = Outcome::of_cargo(finished(false, "error: could not compile\n"));
        assert_eq!(outcome.totals, Totals { passed: 0, failed: 1, skipped: 0 });
    }
}
