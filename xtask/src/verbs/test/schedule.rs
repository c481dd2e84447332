//! Runs the steps of a test run side by side: each begins when the steps that it requires have ended, and no two that
//! use the same thing run at the same time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::step::Step;

/// Runs `steps`, at most `lanes` at a time and the earlier before the later where both could begin. `work` runs one,
/// on a thread of its own; `ended` is told of each, with the time that it took, on the caller's thread.
pub fn run(
    steps: &[&'static Step],
    lanes: usize,
    work: impl Fn(&Step) -> Outcome + Sync,
    mut ended: impl FnMut(&Step, &Outcome, Duration),
) {
    let mut waiting: Vec<&'static Step> = steps.to_vec();
    let mut running: Vec<&'static Step> = Vec::new();
    let mut failed: Vec<&'static str> = Vec::new();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        while !waiting.is_empty() || !running.is_empty() {
            while let Some(position) = next(&waiting, &running, lanes) {
                let step = waiting.remove(position);
                if let Some(name) = step.requires.iter().find(|name| failed.contains(name)) {
                    let outcome = Outcome::not_run(&format!("step {name} failed, and this one rests on it"));
                    failed.push(step.name);
                    ended(step, &outcome, Duration::ZERO);
                    continue;
                }
                running.push(step);
                let (sender, work) = (sender.clone(), &work);
                scope.spawn(move || {
                    let started = Instant::now();
                    // A step that panics ends too: whoever waits for it would wait for ever.
                    let outcome = catch_unwind(AssertUnwindSafe(|| work(step)))
                        .unwrap_or_else(|_| Outcome::not_run("the step panicked, as the lines above tell"));
                    let _ = sender.send((step, outcome, started.elapsed()));
                });
            }
            let Ok((step, outcome, took)) = receiver.recv() else { return };
            running.retain(|other| other.name != step.name);
            if outcome.totals.failed > 0 {
                failed.push(step.name);
            }
            ended(step, &outcome, took);
        }
    });
}

/// Finds the first step that can begin now.
fn next(waiting: &[&'static Step], running: &[&'static Step], lanes: usize) -> Option<usize> {
    if running.len() >= lanes {
        return None;
    }
    waiting.iter().position(|step| {
        let ready = |name: &&str| !waiting.iter().chain(running).any(|other| other.name == *name);
        let free = |thing: &&str| !running.iter().any(|other| other.uses.contains(thing));
        step.requires.iter().all(ready) && step.uses.iter().all(free)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const fn step(name: &'static str, requires: &'static [&'static str], uses: &'static [&'static str]) -> Step {
        Step { name, title: "", tags: &[], requires, uses, run: |_| unreachable!("the tests do the work") }
    }

    static BUILD: Step = step("build", &[], &["cargo"]);
    static LINT: Step = step("lint", &[], &["cargo"]);
    static TEST: Step = step("test", &["build"], &[]);
    static REPORT: Step = step("report", &["test"], &[]);

    /// Runs steps; what happened, as "+name" where one began and "-name" where it ended.
    fn log(steps: &[&'static Step], lanes: usize, failing: &str) -> (Vec<String>, Vec<(String, usize)>) {
        let events = Mutex::new(Vec::new());
        let mut ends = Vec::new();
        let work = |step: &Step| {
            events.lock().unwrap().push(format!("+{}", step.name));
            thread::sleep(Duration::from_millis(20));
            events.lock().unwrap().push(format!("-{}", step.name));
            Outcome::one(step.name != failing, "", String::new())
        };
        run(steps, lanes, work, |step, outcome, _| ends.push((step.name.to_owned(), outcome.totals.failed)));
        (events.into_inner().unwrap(), ends)
    }

    #[test]
    fn one_lane_runs_the_steps_in_their_order() {
        let (events, _) = log(&[&BUILD, &LINT, &TEST], 1, "");
        assert_eq!(events, ["+build", "-build", "+lint", "-lint", "+test", "-test"]);
    }

    #[test]
    fn a_step_begins_behind_what_it_requires_and_beside_what_it_does_not() {
        let (events, _) = log(&[&BUILD, &LINT, &TEST], 2, "");
        let at = |event: &str| events.iter().position(|other| other == event).unwrap();
        assert!(at("-build") < at("+test"), "{events:?}");
        assert!(at("+test") < at("-lint") && at("+lint") < at("-test"), "{events:?}");
    }

    #[test]
    fn steps_that_use_the_same_thing_do_not_run_at_the_same_time() {
        let (events, _) = log(&[&BUILD, &LINT], 2, "");
        assert_eq!(events, ["+build", "-build", "+lint", "-lint"]);
    }

    #[test]
    fn what_rests_on_a_failed_step_counts_as_failed_without_running() {
        let (events, ends) = log(&[&BUILD, &TEST, &REPORT, &LINT], 2, "build");
        assert_eq!(events, ["+build", "-build", "+lint", "-lint"]);
        let failed: Vec<_> = ends.iter().filter(|(_, failed)| *failed > 0).map(|(name, _)| name.as_str()).collect();
        assert_eq!(failed, ["build", "test", "report"]);
    }

    #[test]
    fn a_step_that_panics_fails_and_the_others_go_on() {
        let mut ends = Vec::new();
        let work = |step: &Step| {
            assert_ne!(step.name, "build", "this panic belongs to the test");
            Outcome::one(true, "", String::new())
        };
        run(&[&BUILD, &LINT], 2, work, |step, outcome, _| ends.push((step.name, outcome.totals.failed)));
        assert_eq!(ends, [("build", 1), ("lint", 0)]);
    }
}
