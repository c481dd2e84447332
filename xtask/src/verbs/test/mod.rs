//! `cargo xtask test`: runs every step with its headline and its runner's own closing lines, and ends
//! with the sum of what the runners counted.

mod native;
mod outcome;
mod releases;
mod report;
mod schedule;
mod step;
mod steps;

use crate::arguments::{Options, UsageError};
use crate::error::Error;
use crate::tools::needs;
use crate::verbs::setup;
use crate::workspace::Workspace;

use outcome::{Outcome, Totals};
use step::{Context, Step};
use steps::STEPS;

/// Runs the steps that `filters` name or tag, and those that they rest on; all of them if there are no
/// filters.
pub fn command(workspace: &Workspace, options: &Options, filters: &[String]) -> Result<(), Error> {
    let steps = select(filters)?;
    let toolchain = setup::provide(workspace, options, &needs::TEST)?;
    let context = Context { workspace, options, toolchain: &toolchain };
    let mut totals = Totals::default();
    let mut failed: Vec<&'static str> = Vec::new();
    let mut number = 0;
    let work = |step: &Step| (step.run)(&context).unwrap_or_else(|error| Outcome::broken(&error));
    schedule::run(&steps, lanes(), work, |step, outcome, took| {
        number += 1;
        report::ended((number, steps.len()), step, outcome, took, options.verbose);
        if outcome.totals.failed > 0 {
            failed.push(step.name);
        }
        totals += outcome.totals;
    });
    report::end(totals, &failed);
    if failed.is_empty() { Ok(()) } else { Err(Error::TestsFailed) }
}

/// How many steps run at a time: most keep one processor busy, and what several browsers do at a time depends on time.
fn lanes() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(2)
}

/// The steps to run, in their order.
fn select(filters: &[String]) -> Result<Vec<&'static Step>, UsageError> {
    let known: Vec<_> = STEPS.iter().map(|step| step.name).chain(steps::TAGS).collect();
    if let Some(unknown) = filters.iter().find(|filter| !known.contains(&filter.as_str())) {
        return Err(UsageError::unknown("step", unknown, &known).with_choice(&known));
    }
    let named = |step: &Step| filters.iter().any(|filter| step.answers_to(filter));
    let mut wanted: Vec<&str> =
        STEPS.iter().filter(|step| filters.is_empty() || named(step)).map(|step| step.name).collect();
    // A step stands behind those that it requires, so one pass from the end finds them all.
    for step in STEPS.iter().rev() {
        if wanted.contains(&step.name) {
            wanted.extend(step.requires);
        }
    }
    Ok(STEPS.iter().filter(|step| wanted.contains(&step.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(filters: &[&str]) -> Vec<&'static str> {
        let filters: Vec<_> = filters.iter().map(|&filter| filter.to_owned()).collect();
        select(&filters).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn without_filters_every_step_is_run_in_order() {
        assert_eq!(names(&[]), STEPS.map(|step| step.name));
    }

    #[test]
    fn a_step_brings_what_it_rests_on_and_nothing_else() {
        assert_eq!(names(&["node"]), ["build", "packages", "native", "node"]);
        assert_eq!(names(&["format"]), ["format"]);
        assert_eq!(names(&["browsers"]), ["build", "packages", "browsers"]);
    }

    #[test]
    fn a_tag_stands_for_all_its_steps() {
        assert_eq!(names(&["lint"]), ["format", "packages", "generated", "clippy", "clippy-wasm", "eslint", "types"]);
    }

    #[test]
    fn every_step_rests_only_on_steps_before_it() {
        for (position, step) in STEPS.iter().enumerate() {
            for required in step.requires {
                assert!(STEPS[..position].iter().any(|earlier| earlier.name == *required), "{}", step.name);
            }
        }
    }

    #[test]
    fn the_lines_that_are_tested_are_those_of_the_manifest() {
        let workspace = Workspace::find().expect("the repository is around this program");
        let manifest = crate::verbs::artifact::manifest(&workspace).expect("the manifest is valid");
        assert_eq!(manifest.abi.lines, steps::LINES);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_known_ones() {
        let message = select(&["lnit".to_owned()]).unwrap_err().to_string();
        assert!(message.contains("did you mean `lint`?") && message.contains("clippy-wasm"), "{message}");
    }
}
