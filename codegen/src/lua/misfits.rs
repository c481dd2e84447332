//! Reports the changes of `vendor/edits` that do not fit a release of Lua, all at once and so that they can be mended
//! from the message: where the text stood in the nearest release that the change fits, what became of that place, and
//! the text that is most alike.

use std::fmt;
use std::fmt::Write as _;

use super::compare::{self, Alignment};
use super::edits::{self, Change, Edit, EditError, Edited, Files};
use super::release::Release;
use super::sources::Sources;

/// A change whose anchor does not stand once in its file.
#[derive(Debug, Clone)]
pub struct Misfit {
    /// The edit that it belongs to.
    pub edit: String,
    /// The change.
    pub change: Change,
    /// The lines, from 1, at which the anchor stands; `None` if the release has no such file.
    pub stands: Option<Vec<usize>>,
}

/// All changes that do not fit one release.
#[derive(Debug)]
pub struct Misfits {
    release: Release,
    misfits: Vec<Misfit>,
    /// The nearest of the other releases.
    nearest: Option<Release>,
    /// What is known of the place of each, in the same order; empty without [`Misfits::explain`].
    explained: Vec<String>,
}

/// How much alike a text in another file has to be to be mentioned.
const WORTH_MENTIONING: f64 = 0.6;

/// How much more alike than the nearest one in its own file.
const MUCH_MORE: f64 = 0.1;

/// Another release that some changes fit.
struct Reference<'a> {
    sources: &'a Sources,
    pristine: Files,
    edited: Edited,
}

impl Reference<'_> {
    fn fits(&self, misfit: &Misfit) -> bool {
        let same = |other: &Misfit| other.edit == misfit.edit && other.change.line == misfit.change.line;
        misfit.change.releases.contains(self.sources.release) && !self.edited.misfits.iter().any(same)
    }
}

impl Misfits {
    /// The changes that do not fit a release, unexplained.
    pub fn new(release: Release, misfits: Vec<Misfit>) -> Self {
        Self { release, misfits, nearest: None, explained: Vec::new() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.misfits.len()
    }

    /// Finds out what became of the place of each, by the other releases that it fits.
    pub fn explain(mut self, sources: &Sources, edits: &[Edit], others: &[Sources]) -> Result<Self, EditError> {
        let mut others: Vec<_> = others.iter().filter(|other| other.release != sources.release).collect();
        others.sort_by_key(|other| other.release.distance(sources.release));
        self.nearest = others.first().map(|other| other.release);
        let mut references = Vec::new();
        for other in others {
            let pristine = edits::read_sources(&other.folder)?;
            references.push(Reference { sources: other, pristine, edited: edits::edit(other, edits)? });
        }
        let files = edits::read_sources(&sources.folder)?;
        let explain = |misfit: &Misfit| {
            let reference = references.iter().find(|reference| reference.fits(misfit));
            explain(misfit, sources.release, &files, reference)
        };
        self.explained = self.misfits.iter().map(explain).collect();
        Ok(self)
    }
}

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, misfits, nearest, explained } = self;
        let (changes, each) = match misfits.len() {
            1 => ("1 change does".to_owned(), "it"),
            count => (format!("{count} changes do"), "each"),
        };
        writeln!(f, "{changes} not fit Lua {release}: {each} names text that has to stand exactly once in its file.")?;
        for (number, misfit) in misfits.iter().enumerate() {
            let Misfit { edit, change, stands } = misfit;
            write!(f, "\n{}. vendor/edits/{edit}.toml:{} changes {}", number + 1, change.line, change.file)?;
            match stands.as_deref() {
                None => writeln!(f, ", a file that the release does not have, at")?,
                Some([]) => writeln!(f, ", and does not find")?,
                Some(lines) => {
                    let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
                    let (times, lines) = (lines.len(), lines.join(", "));
                    writeln!(f, ", and finds {times} times, in lines {lines} (as edited so far),")?;
                }
            }
            f.write_str(&quoted(change.anchor.lines()))?;
            f.write_str(explained.get(number).map_or("", |text| text))?;
        }
        let [old, new] = match nearest {
            Some(nearest) if nearest < release => [format!(".. {nearest}"), format!("{release} ..")],
            Some(nearest) => [format!("{nearest} .."), format!(".. {release}")],
            None => ["...".to_owned(), "...".to_owned()],
        };
        write!(
            f,
            "\nTo mend one, make its `at` a text that stands once in this release and the others: a shorter one, or a line \
             next to it.\nIf there is none, give the change `releases = \"{old}\"`, and behind it add one for this release, \
             with\n`releases = \"{new}\"`. A range may also be one release, as \"{release}\", or a line, as \"{}\".",
            release.line()
        )
    }
}

/// Lines of source, as the message shows them.
fn quoted<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    lines.into_iter().map(|line| format!("     | {line}\n")).collect()
}

/// Says what became of the place of a change.
fn explain(misfit: &Misfit, release: Release, files: &Files, reference: Option<&Reference<'_>>) -> String {
    let (change, mut text) = (&misfit.change, String::new());
    let new: Vec<_> = files.get(&change.file).map_or(Vec::new(), |text| text.lines().collect());
    let known = reference.and_then(|reference| {
        let old: Vec<&str> = reference.pristine.get(&change.file)?.lines().collect();
        Some((reference.sources.release, place(&change.anchor, reference.pristine.get(&change.file)?, &old)?, old))
    });
    let alignment = known.as_ref().map(|(_, _, old)| Alignment::new(old, &new));
    let expected = match (&known, &alignment) {
        (Some((_, at, _)), Some(alignment)) => alignment.place(at),
        _ => 0..0,
    };
    if let Some((old_release, at, _)) = &known {
        let _ = writeln!(text, "   which stands at {}:{} of Lua {old_release}.", change.file, at.start + 1);
    }
    let nearest = compare::nearest(&change.anchor, &new, &expected);
    if let Some(nearest) = nearest.as_ref().filter(|_| misfit.stands.as_ref().is_some_and(Vec::is_empty)) {
        let (line, alike) = (nearest.lines.start + 1, percent(nearest.alike));
        let _ = writeln!(text, "   Nearest in Lua {release}, {}:{line}, {alike}:", change.file);
        text += &quoted(new[nearest.lines.clone()].iter().copied());
    }
    let here = nearest.as_ref().map_or(0.0, |nearest| nearest.alike);
    if let Some((file, line, alike)) = elsewhere(change, files)
        && alike > here + MUCH_MORE
    {
        let _ = writeln!(text, "   In another file, {file}:{line} is {}.", percent(alike));
    }
    if let (Some((old_release, at, old)), Some(alignment)) = (&known, &alignment)
        && !new.is_empty()
    {
        let (from, to, lines) = alignment.difference(old, &new, at);
        let _ = match lines.iter().any(|line| line.starts_with(['+', '-'])) {
            true => {
                let place = format!("{} line {from}, now {to}", change.file);
                writeln!(text, "   There, Lua {release} differs from {old_release} by ({place}):")
            }
            false => writeln!(text, "   There, Lua {release} and {old_release} are the same:"),
        };
        text += &quoted(lines.iter().map(String::as_str));
    }
    text
}

fn percent(alike: f64) -> String {
    match alike {
        1.0.. => "the same but for white space".to_owned(),
        _ => format!("{:.0} % alike", (alike * 100.0).floor()),
    }
}

/// The lines at which an anchor stands in the pristine text. One that an earlier change made stands where the text is
/// most alike.
fn place(anchor: &str, text: &str, lines: &[&str]) -> Option<std::ops::Range<usize>> {
    match text.find(anchor) {
        Some(at) => {
            let start = text[..at].matches('\n').count();
            Some(start..start + anchor.lines().count().max(1))
        }
        None => compare::nearest(anchor, lines, &(0..0)).map(|nearest| nearest.lines),
    }
}

/// The other file with the text that is most alike, its line from 1, and how much alike it is.
fn elsewhere<'a>(change: &Change, files: &'a Files) -> Option<(&'a str, usize, f64)> {
    let mut best: Option<(&str, usize, f64)> = None;
    for (file, text) in files.iter().filter(|(file, _)| **file != change.file) {
        let lines: Vec<_> = text.lines().collect();
        let found = compare::nearest(&change.anchor, &lines, &(0..0));
        if let Some(found) = found.filter(|found| found.alike > best.map_or(WORTH_MENTIONING, |(_, _, alike)| alike)) {
            best = Some((file, found.lines.start + 1, found.alike));
        }
    }
    best
}
