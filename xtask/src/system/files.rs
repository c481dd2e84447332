//! Reads, replaces, copies and lists files. A file is replaced in one step, so that an interruption leaves the old one
//! or the new one, whole.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The folder that npm installs packages in.
pub const NODE_MODULES: &str = "node_modules";

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::io("read", path))
}

/// Replaces a file in one step, making its folder if there is none.
///
/// The new content goes through a file of fixed name beside it, so that an interrupted run leaves at
/// most one, which the next run overwrites. It keeps the extension, by which git ignores it if it
/// ignores the file.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".new.{name}"));
    fs::write(&new, content).and_then(|()| fs::rename(&new, path)).map_err(Error::io("replace", path))
}

/// Makes `target` a copy of the folder `source` without what `leave_out` names. Files that are the same
/// already are not touched, so that cargo sees what changed and nothing else.
pub fn mirror(source: &Path, target: &Path, leave_out: &dyn Fn(&Path) -> bool) -> Result<(), Error> {
    fs::create_dir_all(target).map_err(Error::io("create", target))?;
    let mut kept = BTreeSet::new();
    for from in entries(source)? {
        if leave_out(&from) {
            continue;
        }
        let name = from.file_name().unwrap_or_default().to_owned();
        let to = target.join(&name);
        kept.insert(name);
        if from.is_dir() {
            mirror(&from, &to, leave_out)?;
        } else if let Ok(content) = fs::read(&from)
            && fs::read(&to).ok().as_ref() != Some(&content)
        {
            fs::write(&to, content).map_err(Error::io("write", &to))?;
        }
    }
    for old in entries(target)? {
        if !kept.contains(old.file_name().unwrap_or_default()) {
            let removed = if old.is_dir() { fs::remove_dir_all(&old) } else { fs::remove_file(&old) };
            removed.map_err(Error::io("remove", &old))?;
        }
    }
    Ok(())
}

/// Copies a folder with the times of its files, by which cargo knows what is up to date. A folder that is not there
/// is an empty one.
pub fn copy_with_times(source: &Path, target: &Path) -> Result<(), Error> {
    if !source.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(target).map_err(Error::io("create", target))?;
    for from in entries(source)? {
        let to = target.join(from.file_name().unwrap_or_default());
        if from.is_dir() {
            copy_with_times(&from, &to)?;
            continue;
        }
        let changed = fs::metadata(&from).and_then(|facts| facts.modified()).map_err(Error::io("read", &from))?;
        fs::copy(&from, &to).map_err(Error::io("copy", &from))?;
        let copied = fs::File::options().write(true).open(&to).and_then(|file| file.set_modified(changed));
        copied.map_err(Error::io("set the time of", &to))?;
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(Error::io("read", folder))
}

/// Every file below a folder whose name ends in one of `endings`, sorted, without those of npm packages
/// that are installed there.
pub fn ending(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            if !path.ends_with(NODE_MODULES) {
                found.extend(ending(&path, endings)?);
            }
        } else if endings.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A fingerprint of some parts, for "is this still what it was"; not for anything that lasts.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    format!("{:016x}", hasher.finish())
}

/// Whether the file `stamp` says `fingerprint`.
pub fn stamped(stamp: &Path, fingerprint: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text == fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_where_one_part_ends() {
        assert_ne!(fingerprint([&b"ab"[..], b"c"]), fingerprint([&b"a"[..], b"bc"]));
    }

    #[test]
    fn a_replaced_file_leaves_nothing_beside_it() {
        let folder = std::env::temp_dir().join(format!("xtask-replace-{}", std::process::id()));
        let path = folder.join("deep").join("a.wasm");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        let names: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names, ["a.wasm"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_mirror_takes_over_changes_and_removals_and_leaves_the_rest_untouched() {
        let folder = std::env::temp_dir().join(format!("xtask-mirror-{}", std::process::id()));
        let (source, target) = (folder.join("source"), folder.join("target"));
        for (path, content) in [("same", "1"), ("sub/changed", "1"), ("removed", "1"), ("skip/it", "1")] {
            replace(&source.join(path), content.as_bytes()).unwrap();
        }
        let leave_out = |path: &Path| path.ends_with("skip");
        mirror(&source, &target, &leave_out).unwrap();
        let before = fs::metadata(target.join("same")).unwrap().modified().unwrap();

        fs::write(source.join("sub/changed"), "2").unwrap();
        fs::remove_file(source.join("removed")).unwrap();
        mirror(&source, &target, &leave_out).unwrap();

        assert_eq!(fs::metadata(target.join("same")).unwrap().modified().unwrap(), before);
        assert_eq!(fs::read(target.join("sub/changed")).unwrap(), b"2");
        let found = ending(&target, &["same", "changed", "removed", "it"]).unwrap();
        assert_eq!(found, [target.join("same"), target.join("sub/changed")]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_copy_with_times_has_the_files_and_their_times() {
        let folder = std::env::temp_dir().join(format!("xtask-copy-{}", std::process::id()));
        let (source, target) = (folder.join("source"), folder.join("target"));
        replace(&source.join("deep/a"), b"1").unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        fs::File::options().write(true).open(source.join("deep/a")).unwrap().set_modified(long_ago).unwrap();
        copy_with_times(&source, &target).unwrap();
        assert_eq!(fs::read(target.join("deep/a")).unwrap(), b"1");
        assert_eq!(fs::metadata(target.join("deep/a")).unwrap().modified().unwrap(), long_ago);
        copy_with_times(&folder.join("nowhere"), &folder.join("nothing")).unwrap();
        assert!(!folder.join("nothing").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_of_installed_packages_are_not_found() {
        let folder = std::env::temp_dir().join(format!("xtask-ending-{}", std::process::id()));
        for path in ["a.test.js", "deep/b.test.js", "node_modules/other/c.test.js", "d.js"] {
            replace(&folder.join(path), b"").unwrap();
        }
        assert_eq!(
            ending(&folder, &[".test.js"]).unwrap(),
            ["a.test.js", "deep/b.test.js"].map(|path| folder.join(path))
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
