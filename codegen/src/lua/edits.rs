//! Applies the edits of `vendor/edits` to the Lua sources. Each file there is one edit: its purpose, and changes
//! anchored on text that must stand exactly once in the named source file. An edit that does not fit a new release of
//! Lua thus fails the build. A change may be for some releases only, and another one do the same for others.

use std::fmt;
use std::path::{Path, PathBuf};

use super::release::Releases;
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

/// Why an edit cannot be read or applied.
#[derive(Debug)]
pub enum EditError {
    /// A file cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// An edit's file does not have the expected form.
    Form(PathBuf, String),
    /// An anchor does not stand exactly once in its file.
    Anchor {
        /// The edit.
        edit: String,
        /// The Lua source file.
        file: String,
        /// The text that was looked for.
        anchor: String,
        /// How often it was found.
        found: usize,
    },
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Form(path, reason) => write!(f, "{}: {reason}", path.display()),
            Self::Anchor { edit, file, anchor, found } => write!(
                f,
                "vendor/edits/{edit}.toml: this text must stand once in {file} but stands {found} times; \
                 find what became of it in this Lua release:\n{anchor}"
            ),
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
    let form = |reason: &str| EditError::Form(path.to_owned(), reason.to_owned());
    let text = std::fs::read_to_string(path).map_err(|e| EditError::Io(path.to_owned(), e))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| form(&e.to_string()))?;
    let purpose = table
        .get("purpose")
        .and_then(|v| v.as_str())
        .ok_or_else(|| form("an edit says what it is for in `purpose`"))?;
    let changes = table
        .get("change")
        .and_then(|v| v.as_array())
        .ok_or_else(|| form("an edit has at least one [[change]]"))?
        .iter()
        .map(|change| read_change(change).map_err(|reason| form(&reason)))
        .collect::<Result<_, _>>()?;
    Ok(Edit {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        purpose: purpose.to_owned(),
        changes,
    })
}

fn read_change(value: &toml::Value) -> Result<Change, String> {
    let text = |key: &str| value.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let file = text("file").ok_or("a change names its `file`")?;
    let releases = text("releases").map_or(Ok(Releases::ALL), |text| text.parse())?;
    let anchor = text("at").ok_or_else(|| format!("a change of {file} names the text that it stands `at`"))?;
    let mut actions = [("before", Action::Before), ("after", Action::After), ("replace", Action::Replace)]
        .into_iter()
        .filter_map(|(key, action)| text(key).map(|text| (action, text)));
    match (actions.next(), actions.next()) {
        (Some((action, text)), None) => Ok(Change { file, releases, anchor, action, text }),
        _ => Err(format!("a change of {file} has one of `before`, `after` and `replace`, with the text that comes in")),
    }
}

/// Copies the sources to `target` with all edits applied.
pub fn apply(sources: &Sources, edits: &[Edit], target: &Path) -> Result<(), EditError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |e| EditError::Io(path, e)
    };
    std::fs::create_dir_all(target).map_err(io(target))?;
    for entry in std::fs::read_dir(&sources.folder).map_err(io(&sources.folder))? {
        let path = entry.map_err(io(&sources.folder))?.path();
        if !path.extension().is_some_and(|e| e == "c" || e == "h") {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut text = std::fs::read_to_string(&path).map_err(io(&path))?;
        for edit in edits {
            for change in edit.changes.iter().filter(|c| c.file == name && c.releases.contains(sources.release)) {
                text = change_text(&text, &edit.name, change)?;
            }
        }
        let copy = target.join(&name);
        std::fs::write(&copy, text).map_err(io(&copy))?;
    }
    for edit in edits {
        for change in edit.changes.iter().filter(|c| c.releases.contains(sources.release)) {
            if !target.join(&change.file).is_file() {
                return Err(anchor_error(&edit.name, change, 0));
            }
        }
    }
    Ok(())
}

fn anchor_error(edit: &str, change: &Change, found: usize) -> EditError {
    EditError::Anchor { edit: edit.to_owned(), file: change.file.clone(), anchor: change.anchor.clone(), found }
}

fn change_text(text: &str, edit: &str, change: &Change) -> Result<String, EditError> {
    let found = text.matches(&change.anchor).count();
    let at = match (found, text.find(&change.anchor)) {
        (1, Some(at)) => at,
        _ => return Err(anchor_error(edit, change, found)),
    };
    let (head, tail) = text.split_at(at);
    let rest = &tail[change.anchor.len()..];
    let (anchor, new) = (&change.anchor, &change.text);
    Ok(match change.action {
        Action::Before => format!("{head}{new}{anchor}{rest}"),
        Action::After => format!("{head}{anchor}{new}{rest}"),
        Action::Replace => format!("{head}{new}{rest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: Action) -> Change {
        Change { file: "lvm.c".into(), releases: Releases::ALL, anchor: "two\n".into(), action, text: "new\n".into() }
    }

    #[test]
    fn text_goes_before_behind_or_in_place_of_its_anchor() {
        let of = |action| change_text("one\ntwo\nthree\n", "e", &change(action)).unwrap();
        assert_eq!(of(Action::Before), "one\nnew\ntwo\nthree\n");
        assert_eq!(of(Action::After), "one\ntwo\nnew\nthree\n");
        assert_eq!(of(Action::Replace), "one\nnew\nthree\n");
    }

    #[test]
    fn an_anchor_that_is_missing_or_repeated_is_refused_by_name() {
        for (text, found) in [("one\n", "0 times"), ("two\ntwo\n", "2 times")] {
            let message = change_text(text, "ext-tables", &change(Action::After)).unwrap_err().to_string();
            assert!(message.contains("vendor/edits/ext-tables.toml"), "{message}");
            assert!(message.contains("lvm.c") && message.contains(found), "{message}");
        }
    }
}
