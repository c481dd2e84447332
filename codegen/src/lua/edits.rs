//! Applies the edits of `vendor/edits` to the Lua sources. Each file there is one edit: its purpose, and changes
//! anchored on text that must stand exactly once in the named source file. Changes that do not fit a new release of Lua
//! thus fail the build, all of them at once ([`Misfits`]). A change may be for some releases only, and another one do
//! the same for others: the two are variants.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use super::misfits::{Misfit, Misfits};
use super::release::{Release, Releases};
use super::sources::Sources;

/// One file of `vendor/edits`.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The file's stem, by which messages name the edit.
    pub name: String,
    /// Why the edit exists, one paragraph.
    pub purpose: String,
    /// What it changes, applied in order.
    pub changes: Vec<Change>,
}

/// One anchored change of one source file.
#[derive(Debug, Clone)]
pub struct Change {
    /// The source file, as `lvm.c`.
    pub file: String,
    /// The line of the edit's file in which the anchor begins.
    pub line: usize,
    /// The releases that the change is for.
    pub releases: Releases,
    /// Text that stands exactly once in that file.
    pub anchor: String,
    /// What happens there.
    pub action: Action,
    /// The text that comes in.
    pub text: String,
}

/// Where the new text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// In front of the anchor.
    Before,
    /// Behind the anchor.
    After,
    /// In the anchor's place.
    Replace,
}

/// Why edits cannot be read or applied.
#[derive(Debug)]
pub enum EditError {
    /// A file cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// An edit's file does not have the expected form.
    Form(PathBuf, String),
    /// Variants of changes that no release has, or that one release has twice.
    Variants(Vec<String>),
    /// Changes whose anchor does not stand once in its file.
    Misfits(Misfits),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Form(path, reason) => write!(f, "{}: {reason}", path.display()),
            Self::Variants(mistakes) => f.write_str(&mistakes.join("\n")),
            Self::Misfits(misfits) => misfits.fmt(f),
        }
    }
}

impl std::error::Error for EditError {}

/// Reads every edit of a folder, in the order of their names.
pub fn read(folder: &Path) -> Result<Vec<Edit>, EditError> {
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|e| EditError::Io(folder.to_owned(), e))?;
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    paths.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<Edit, EditError> {
    let text = std::fs::read_to_string(path).map_err(|e| EditError::Io(path.to_owned(), e))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    parse(&name, &text).map_err(|reason| EditError::Form(path.to_owned(), reason))
}

/// Reads the text of an edit's file.
fn parse(name: &str, text: &str) -> Result<Edit, String> {
    let table = DeTable::parse(text).map_err(|e| e.to_string())?;
    let table = table.get_ref();
    let purpose = table
        .get("purpose")
        .and_then(|value| value.get_ref().as_str())
        .ok_or("an edit says what it is for in `purpose`")?;
    let changes = table
        .get("change")
        .and_then(|value| value.get_ref().as_array())
        .ok_or("an edit has at least one [[change]]")?
        .iter()
        .map(|change| {
            let line = line_of(text, change.span().start);
            read_change(text, change).map_err(|reason| format!("line {line}: {reason}"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Edit { name: name.to_owned(), purpose: purpose.to_owned(), changes })
}

/// What a change may have.
const KEYS: [&str; 6] = ["file", "releases", "at", "before", "after", "replace"];

fn read_change(text: &str, change: &Spanned<DeValue<'_>>) -> Result<Change, String> {
    let table = change.get_ref().as_table().ok_or("a change is a table")?;
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.get_ref().as_ref())) {
        return Err(format!("a change has no `{}`; it has: {}", unknown.get_ref(), KEYS.join(", ")));
    }
    let value = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(value) => match value.get_ref().as_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(format!("`{key}` of a change is a text")),
        },
    };
    let file = value("file")?.ok_or("a change names its `file`")?;
    let releases = value("releases")?.map_or(Ok(Releases::ALL), |text| text.parse())?;
    let missing = || format!("a change of {file} names the text that it stands `at`");
    let anchor = value("at")?.filter(|anchor| !anchor.is_empty()).ok_or_else(missing)?;
    let line = table.get("at").map_or(0, |at| line_of(text, at.span().start));
    let mut actions = Vec::new();
    for (key, action) in [("before", Action::Before), ("after", Action::After), ("replace", Action::Replace)] {
        actions.extend(value(key)?.map(|text| (action, text)));
    }
    match (actions.pop(), actions.pop()) {
        (Some((action, text)), None) => Ok(Change { file, line, releases, anchor, action, text }),
        _ => Err(format!("a change of {file} has one of `before`, `after` and `replace`, with the text that comes in")),
    }
}

/// The number of the line, from 1, that a position lies in.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Checks that each change is for one of the pinned releases, and that no release has two variants of a change.
pub fn check_variants(edits: &[Edit], pinned: &[Release]) -> Result<(), EditError> {
    let mut mistakes = Vec::new();
    for edit in edits {
        for (position, change) in edit.changes.iter().enumerate() {
            let place = format!("vendor/edits/{}.toml:{}", edit.name, change.line);
            if !pinned.iter().any(|&release| change.releases.contains(release)) {
                let pinned: Vec<_> = pinned.iter().map(Release::to_string).collect();
                mistakes.push(format!(
                    "{place}: the change is for {}, and no pinned release is one of these ({}); remove it",
                    change.releases,
                    pinned.join(", ")
                ));
            }
            let same = |other: &&Change| other.file == change.file && other.anchor == change.anchor;
            for other in edit.changes[..position].iter().filter(same) {
                if other.releases.overlaps(change.releases) {
                    mistakes.push(format!(
                        "{place}: this change is for {} and stands at the same text as that of line {}, which is for \
                         {}; make one of them, or ranges of releases that do not overlap",
                        change.releases, other.line, other.releases
                    ));
                }
            }
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(EditError::Variants(mistakes)) }
}

/// Source files by name, as `lvm.c`.
pub type Files = BTreeMap<String, String>;

/// The sources of a release with the edits applied.
#[derive(Debug)]
pub struct Edited {
    /// Its files.
    pub files: Files,
    /// The changes that were left out, as they do not fit.
    pub misfits: Vec<Misfit>,
}

/// Applies the changes that fit, in memory.
pub fn edit(sources: &Sources, edits: &[Edit]) -> Result<Edited, EditError> {
    let mut files = read_sources(&sources.folder)?;
    let mut misfits = Vec::new();
    for edit in edits {
        for change in edit.changes.iter().filter(|change| change.releases.contains(sources.release)) {
            let misfit = |stands| Misfit { edit: edit.name.clone(), change: change.clone(), stands };
            match files.get_mut(&change.file) {
                None => misfits.push(misfit(None)),
                Some(text) => match change.apply(text) {
                    Ok(changed) => *text = changed,
                    Err(lines) => misfits.push(misfit(Some(lines))),
                },
            }
        }
    }
    Ok(Edited { files, misfits })
}

/// Reads the C files of a folder.
pub fn read_sources(folder: &Path) -> Result<Files, EditError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |e| EditError::Io(path, e)
    };
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        if path.extension().is_some_and(|e| e == "c" || e == "h") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).map_err(io(&path))?);
        }
    }
    Ok(files)
}

/// Writes the sources with all edits applied to `target`.
pub fn apply(sources: &Sources, edits: &[Edit], target: &Path) -> Result<(), EditError> {
    let edited = edit(sources, edits)?;
    if !edited.misfits.is_empty() {
        return Err(EditError::Misfits(Misfits::new(sources.release, edited.misfits)));
    }
    write(&edited.files, target)
}

/// Writes source files to a folder, which then has no others.
pub fn write(files: &Files, target: &Path) -> Result<(), EditError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |e| EditError::Io(path, e)
    };
    std::fs::create_dir_all(target).map_err(io(target))?;
    for entry in std::fs::read_dir(target).map_err(io(target))? {
        let path = entry.map_err(io(target))?.path();
        let known = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| files.contains_key(name));
        if !known && path.is_file() {
            std::fs::remove_file(&path).map_err(io(&path))?;
        }
    }
    for (name, text) in files {
        let path = target.join(name);
        std::fs::write(&path, text).map_err(io(&path))?;
    }
    Ok(())
}

impl Change {
    /// Makes the change in a text, or tells the lines, from 1, at which the anchor stands: none, or several.
    fn apply(&self, text: &str) -> Result<String, Vec<usize>> {
        let found: Vec<_> = text.match_indices(&self.anchor).map(|(at, _)| at).collect();
        let &[at] = &found[..] else {
            return Err(found.into_iter().map(|at| line_of(text, at)).collect());
        };
        let (head, tail) = text.split_at(at);
        let rest = &tail[self.anchor.len()..];
        let (anchor, new) = (&self.anchor, &self.text);
        Ok(match self.action {
            Action::Before => format!("{head}{new}{anchor}{rest}"),
            Action::After => format!("{head}{anchor}{new}{rest}"),
            Action::Replace => format!("{head}{new}{rest}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit_of(changes: &[(&str, &str)]) -> Edit {
        let changes = changes
            .iter()
            .map(|(releases, at)| {
                format!("[[change]]\nfile = \"lvm.c\"\n{releases}\nat = \"{at}\"\nafter = \"new\\n\"\n")
            })
            .collect::<String>();
        parse("tick", &format!("purpose = \"p\"\n\n{changes}")).unwrap()
    }

    fn pinned() -> Vec<Release> {
        ["5.4.8", "5.4.9", "5.5.1"].map(|release| release.parse().unwrap()).to_vec()
    }

    #[test]
    fn text_goes_before_behind_or_in_place_of_its_anchor() {
        let of = |action| {
            let change = Change { action, ..edit_of(&[("", "two\\n")]).changes.remove(0) };
            change.apply("one\ntwo\nthree\n").unwrap()
        };
        assert_eq!(of(Action::Before), "one\nnew\ntwo\nthree\n");
        assert_eq!(of(Action::After), "one\ntwo\nnew\nthree\n");
        assert_eq!(of(Action::Replace), "one\nnew\nthree\n");
    }

    #[test]
    fn an_anchor_that_is_missing_or_repeated_is_told_with_its_lines() {
        let change = &edit_of(&[("", "two\\n")]).changes[0];
        assert_eq!(change.apply("one\n"), Err(vec![]));
        assert_eq!(change.apply("two\none\ntwo\n"), Err(vec![1, 3]));
    }

    #[test]
    fn a_change_knows_the_line_of_its_anchor() {
        let lines: Vec<_> = edit_of(&[("", "a"), ("", "b")]).changes.iter().map(|change| change.line).collect();
        assert_eq!(lines, [6, 11]);
    }

    #[test]
    fn what_a_change_cannot_have_is_refused_with_its_line() {
        for (key, said) in [("release = \"5.5\"", "`release`"), ("releases = 5.5", "`releases`"), ("x = 1", "`x`")] {
            let text = format!("purpose = \"p\"\n[[change]]\nfile = \"lvm.c\"\n{key}\nat = \"a\"\nafter = \"b\"\n");
            let reason = parse("tick", &text).unwrap_err();
            assert!(reason.starts_with("line 2: ") && reason.contains(said), "{reason}");
        }
    }

    #[test]
    fn variants_of_one_change_are_for_different_releases() {
        let edits = [edit_of(&[("releases = \"5.4\"", "a"), ("releases = \"5.5\"", "a"), ("", "b")])];
        check_variants(&edits, &pinned()).unwrap();
        let edits = [edit_of(&[("releases = \".. 5.4.9\"", "a"), ("releases = \"5.4.9 ..\"", "a")])];
        let message = check_variants(&edits, &pinned()).unwrap_err().to_string();
        assert!(message.contains("vendor/edits/tick.toml:11") && message.contains("line 6"), "{message}");
    }

    #[test]
    fn a_change_for_no_pinned_release_is_a_mistake() {
        let edits = [edit_of(&[("releases = \"5.4.6\"", "a")])];
        let message = check_variants(&edits, &pinned()).unwrap_err().to_string();
        assert!(message.contains("tick.toml:6") && message.contains("5.4.6") && message.contains("5.4.8"), "{message}");
    }
}
