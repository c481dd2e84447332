//! Prints the report of `cargo xtask test`. All of it goes to standard output, in lines that tools which watch
//! test runs know.

use std::io::Write;

use super::outcome::{Outcome, Totals};
use super::step::Step;

/// Announces a step.
pub fn headline(number: usize, of: usize, step: &Step) {
    println!("\n[{number}/{of}] {}: {}", step.name, step.title);
    // Shown before the step's program begins to work, also into a pipe.
    let _ = std::io::stdout().flush();
}

/// Shows how a step ended: everything if it failed, else its closing lines.
pub fn outcome(outcome: &Outcome, verbose: bool) {
    if outcome.totals.failed > 0 || verbose {
        print!("{}", outcome.output);
    }
    for line in &outcome.closing {
        println!("{line}");
    }
}

/// Names what failed and ends with the sum.
pub fn end(totals: Totals, failed: &[&str]) {
    println!();
    if !failed.is_empty() {
        println!("failed steps: {}", failed.join(", "));
    }
    print!("{} passed, {} failed", totals.passed, totals.failed);
    if totals.skipped > 0 {
        print!(", {} skipped", totals.skipped);
    }
    println!();
}
