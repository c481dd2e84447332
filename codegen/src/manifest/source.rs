//! Holds the text of a manifest: `exports.toml` and the files that it includes, one after another, so that a place is a
//! range of bytes in all of them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::{Diagnostics, Fault, Problem};

/// The key of `exports.toml` that lists the files which belong to it.
pub const INCLUDE: &str = "include";

/// The files of a manifest.
#[derive(Clone, Debug)]
pub struct Source {
    parts: Vec<Part>,
}

/// One file.
#[derive(Clone, Debug)]
struct Part {
    /// What messages call it.
    name: String,
    text: String,
    /// Where it begins in the text of all files.
    start: usize,
}

impl Source {
    /// The text of a manifest that is one file.
    pub fn single(name: &str, text: &str) -> Self {
        Self::of([(name.to_owned(), text.to_owned())])
    }

    /// Files by name and text, the one that includes the others first.
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut source = Self { parts: Vec::new() };
        files.into_iter().for_each(|(name, text)| source.add(name, text));
        source
    }

    fn add(&mut self, name: String, text: String) {
        let start = self.parts.last().map_or(0, |last| last.start + last.text.len() + 1);
        self.parts.push(Part { name, text, start });
    }

    /// Reads a manifest's file and those that it includes.
    ///
    /// # Errors
    ///
    /// The files that cannot be read, with the place that names them.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| Problem::Unreadable { reason: error.to_string() };
        let text = std::fs::read_to_string(path).map_err(|error| {
            let fault = Fault { problem: unreadable(error), span: 0..0, related: None };
            Diagnostics::new(&Self::single(&name, ""), vec![fault])
        })?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let (mut source, mut faults) = (Self::single(&name, &text), Vec::new());
        let mut seen = BTreeSet::new();
        for (included, span) in included(&text) {
            let outside = !Path::new(&included).components().all(|part| matches!(part, Component::Normal(_)));
            let problem = if outside {
                Problem::OutsidePath { path: included }
            } else if !seen.insert(included.clone()) {
                Problem::Duplicate { what: "included file", name: included }
            } else {
                let path = folder.join(&included);
                match std::fs::read_to_string(&path) {
                    Ok(text) => {
                        source.add(path.display().to_string(), text);
                        continue;
                    }
                    Err(error) => Problem::NotIncluded { path: included, reason: error.to_string() },
                }
            };
            faults.push(Fault { problem, span, related: None });
        }
        if faults.is_empty() { Ok(source) } else { Err(Diagnostics::new(&source, faults)) }
    }

    /// The files by name and text.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|part| (part.name.as_str(), part.text.as_str()))
    }

    /// All of the text; places are ranges of its bytes.
    pub fn text(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Each file's text behind as many spaces as bytes are in front of it, so that what reads it finds places in the
    /// text of all files.
    pub(super) fn padded(&self) -> Vec<String> {
        self.parts.iter().map(|part| " ".repeat(part.start) + &part.text).collect()
    }

    /// The file in which a place lies: its name, its text, and the place in it.
    pub(super) fn locate(&self, span: &Range<usize>) -> (&str, &str, Range<usize>) {
        let holding = self.parts.iter().rev().find(|part| part.start <= span.start);
        holding.map_or(("", "", 0..0), |part| {
            let within = |at: usize| at.saturating_sub(part.start).min(part.text.len());
            (part.name.as_str(), part.text.as_str(), within(span.start)..within(span.end))
        })
    }

    /// A place as people write it: `exports.toml:12`.
    pub(super) fn line(&self, span: &Range<usize>) -> String {
        let (name, text, place) = self.locate(span);
        let before = text.as_bytes().get(..place.start).unwrap_or_default();
        format!("{name}:{}", 1 + before.iter().filter(|byte| **byte == b'\n').count())
    }
}

/// The files that a manifest includes, each with its place. What is wrong with the list is for the reader to say.
fn included(text: &str) -> Vec<(String, Range<usize>)> {
    let (document, _) = DeTable::parse_recoverable(text);
    let list = document.get_ref().iter().find(|(key, _)| key.get_ref() == INCLUDE);
    let items = list.and_then(|(_, value)| value.get_ref().as_array());
    let named = |item: &Spanned<DeValue<'_>>| Some((item.get_ref().as_str()?.to_owned(), item.span()));
    items.map(|items| items.iter().filter_map(named).collect()).unwrap_or_default()
}
