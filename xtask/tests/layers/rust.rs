//! Reads what Rust files use of each other. What a file hands on with `pub use` counts as used where it is
//! defined; declaring a module is not using it.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Uses;

/// What each of `sources` uses of the others, without its tests.
pub fn uses(sources: &BTreeMap<String, String>) -> Uses {
    let modules: BTreeMap<_, _> = sources.keys().map(|file| (module(file), file.as_str())).collect();
    let codes: BTreeMap<_, _> = sources.iter().map(|(file, text)| (file.as_str(), code(text))).collect();
    let crate_ = Crate { modules, codes };
    let of_file = |file: &str| {
        let paths = paths(&crate_.codes[file]).into_iter();
        let own = file.ends_with("tests.rs");
        paths.filter(|_| !own).filter_map(|path| crate_.file_of(file, &path)).filter(|other| other != file).collect()
    };
    sources.keys().map(|file| (file.clone(), of_file(file))).collect()
}

struct Crate<'a> {
    /// Module path to file; the root is the empty path.
    modules: BTreeMap<Vec<String>, &'a str>,
    codes: BTreeMap<&'a str, String>,
}

impl Crate<'_> {
    /// The file in which what `path` names, as `file` writes it, is defined.
    fn file_of(&self, file: &str, path: &[String]) -> Option<String> {
        let mut at = self.absolute(file, path)?;
        let wanted = at.clone();
        while !self.modules.contains_key(&at) {
            at.pop()?;
        }
        let found = self.modules[&at];
        let item = wanted.get(at.len());
        // Generators write `crate::` into the code that they make.
        if at.is_empty() && !item.is_some_and(|item| words(&self.codes[found]).any(|word| word == item)) {
            return None;
        }
        let handed_on = item.and_then(|item| self.handed_on(found, item)).filter(|other| other != file);
        Some(handed_on.unwrap_or_else(|| found.to_owned()))
    }

    /// The file behind a `pub use` of `item` in `file`.
    fn handed_on(&self, file: &str, item: &str) -> Option<String> {
        let mut paths = statements(&self.codes[file], &["pub use "]).flat_map(expand);
        let path = paths.find(|path| path.last().is_some_and(|last| last == item))?;
        self.file_of(file, &path)
    }

    /// A path from the root of the crate; `None` for one that leads out of it.
    fn absolute(&self, file: &str, path: &[String]) -> Option<Vec<String>> {
        let mut at = module(file);
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {}
            child => {
                let mut inner = at.clone();
                inner.push(child.to_owned());
                self.modules.get(&inner)?;
            }
        }
        while let Some("super") = rest.first().map(String::as_str) {
            at.pop()?;
            rest = &rest[1..];
        }
        at.extend(rest.iter().cloned());
        Some(at)
    }
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The module that a file is.
fn module(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// A source without comments and without the module of its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that a `use` names, and every other one that begins with `crate` or `super`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths: Vec<_> = statements(code, &["use ", "pub use ", "pub(crate) use "]).flat_map(expand).collect();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let end = code[at..].find(|c| !word(c)).map_or(code.len(), |end| at + end);
            let path = code[at..end].trim_end_matches(':');
            if !code[..at].ends_with(word) {
                paths.push(path.split("::").map(str::to_owned).collect());
            }
        }
    }
    paths
}

/// What stands between each of `starts`, at the beginning of a line, and the next semicolon.
fn statements<'a>(code: &'a str, starts: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let mut at = 0;
    code.split_inclusive('\n').filter_map(move |line| {
        let rest = code[at..].trim_start();
        at += line.len();
        let tree = starts.iter().find_map(|start| rest.strip_prefix(start))?;
        tree.split(';').next()
    })
}

/// Each path of the tree behind a `use`, as `a::{b, c::{d, e}}`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((base, group)) = tree.split_once('{') else {
        let tree = tree.split(" as ").next().unwrap_or_default();
        let parts = tree.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "*" && *part != "self");
        return if tree == "self" { vec![Vec::new()] } else { vec![parts.map(str::to_owned).collect()] };
    };
    let base: Vec<String> =
        base.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&group[start..]);
    let branches = branches.into_iter().filter(|branch| !branch.trim().is_empty());
    branches.flat_map(expand).map(|branch| [base.clone(), branch].concat()).collect()
}

#[test]
fn uses_of_every_form_are_found_and_those_of_tests_are_not() {
    let sources = [
        ("main.rs", "mod low;\nmod high;\nuse high::go;\n"),
        ("high.rs", "use std::fs;\nuse crate::low::{self, a::{A, B}, Handed};\nfn f() { crate::other::g() }"),
        ("other.rs", "// use crate::low;\nfn because() {}\n#[cfg(test)]\nmod tests {\n    use crate::low::b;\n}\n"),
        ("low/mod.rs", "mod a;\nmod b;\npub use b::Handed;\n"),
        ("low/a.rs", "use super::b::B;"),
        ("low/b.rs", "pub(super) fn f() {}"),
    ];
    let uses = uses(&sources.map(|(file, text)| (file.to_owned(), text.to_owned())).into());
    let used = |file: &str| uses[file].iter().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(used("main.rs"), ["high.rs"].into());
    assert_eq!(used("high.rs"), ["low/mod.rs", "low/a.rs", "low/b.rs", "other.rs"].into());
    assert_eq!(used("other.rs"), [].into());
    assert_eq!(used("low/mod.rs"), ["low/b.rs"].into());
    assert_eq!(used("low/a.rs"), ["low/b.rs"].into());
    assert_eq!(used("low/b.rs"), [].into());
}
