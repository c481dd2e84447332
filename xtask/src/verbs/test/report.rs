//! Prints the report of `cargo xtask test`. All of it goes to standard output, in lines that tools which watch
//! test runs know.

use std::io::Write;
use std::time::Duration;

use crate::system::progress;

use super::outcome::{Outcome, Totals};
use super::step::Step;

/// Shows how a step ended, as the `number`th of all: everything if it failed, else its closing lines.
pub fn ended((number, of): (usize, usize), step: &Step, outcome: &Outcome, took: Duration, verbose: bool) {
    progress::aside(|| {
        println!("\n[{number}/{of}] {}: {} ({:.1} s)", step.name, step.title, took.as_secs_f64());
        if outcome.totals.failed > 0 || verbose {
            print!("{}", outcome.output);
        }
        for line in &outcome.closing {
            println!("{line}");
        }
        // Shown while other steps run, also into a pipe.
        let _ = std::io::stdout().flush();
    });
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
