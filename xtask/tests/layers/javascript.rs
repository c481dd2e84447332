//! Reads what JavaScript files import: code, and types by `@import` tags, because who reads a file reads these, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Uses;

/// What each of `sources` imports of the others: statically, with `import()`, or its types.
pub fn uses(sources: &BTreeMap<String, String>) -> Uses {
    let of_file = |file: &str, text: &str| {
        imports(text).filter_map(|path| below(file, path)).filter(|path| sources.contains_key(path)).collect()
    };
    sources.iter().map(|(file, text)| (file.clone(), of_file(file, text))).collect()
}

/// The relative paths that are imported: each string behind `from`, `import` or `import(`.
fn imports(code: &str) -> impl Iterator<Item = &str> {
    let (strings, behind) = (code.split(['\'', '"']), code.split(['\'', '"']).skip(1));
    strings.zip(behind).filter_map(|(before, string)| {
        let before = before.trim_end();
        let before = before.strip_suffix('(').unwrap_or(before);
        let imported = before.ends_with("from") || before.ends_with("import");
        (imported && string.starts_with('.')).then_some(string)
    })
}

/// The path below the root of what `file` names as `relative`.
fn below(file: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[test]
fn imports_of_every_form_are_found() {
    let sources = [
        (
            "main.js",
            "/**\n * The file's types.\n *\n * @import { Type } from './types.js'\n */\nimport { a,\n  b } from './low/a.js';\n\
             import './b.js';\nimport fs from 'node:fs';\nconst c = await import('./low/c.js');",
        ),
        ("low/a.js", "export * from '../b.js';\nexport { a } from \"./c.js\";"),
        ("b.js", ""),
        ("low/c.js", ""),
        ("types.js", ""),
    ];
    let uses = uses(&sources.map(|(file, text)| (file.to_owned(), text.to_owned())).into());
    let used = |file: &str| uses[file].iter().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(used("main.js"), ["low/a.js", "b.js", "low/c.js", "types.js"].into());
    assert_eq!(used("low/a.js"), ["b.js", "low/c.js"].into());
}
