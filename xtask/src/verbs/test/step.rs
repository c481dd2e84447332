//! Defines a step of `cargo xtask test`.

use crate::arguments::Options;
use crate::error::Error;
use crate::tools::toolchain::Toolchain;
use crate::workspace::Workspace;

use super::outcome::Outcome;

/// The folders, options and tools that every step works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The folders.
    pub workspace: &'a Workspace,
    /// The command line.
    pub options: &'a Options,
    /// What builds.
    pub toolchain: &'a Toolchain,
}

/// One step of a test run.
#[derive(Debug)]
pub struct Step {
    /// The word that picks it on the command line.
    pub name: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Words that pick it along with others.
    pub tags: &'static [&'static str],
    /// The steps that have to have passed before it.
    pub requires: &'static [&'static str],
    /// What it has to have for itself: no other step that uses it runs at the same time.
    pub uses: &'static [&'static str],
    /// Runs it.
    pub run: fn(&Context<'_>) -> Result<Outcome, Error>,
}

impl Step {
    /// Whether a word on the command line picks it.
    pub fn answers_to(&self, filter: &str) -> bool {
        self.name == filter || self.tags.contains(&filter)
    }
}
