//! Every place of the edited Lua sources that touches the parts of a table, against the list of those that were
//! looked at with external tables in mind, `docs/TABLE_PARTS.md`. What a new release of Lua adds or changes fails
//! here, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use codegen::lua::edits::{self, Files};
use codegen::lua::release::{Release, Releases};
use codegen::lua::sources;

/// Fields of `Table` that hold its parts, and what an external table keeps in their place.
const FIELDS: [&str; 8] = ["array", "node", "alimit", "asize", "lastfree", "lsizenode", "flags", "fields"];

/// Macros and functions that touch those fields. A call of one is a place as well. So is one of any `luaH_` function but
/// `luaH_new` and `luaH_free`.
const NAMES: [&str; 61] = [
    "gnode",
    "gnodelast",
    "sizenode",
    "allocsizenode",
    "limitequalsasize",
    "limitasasize",
    "isdummy",
    "hashpow2",
    "hashstr",
    "hashboolean",
    "hashmod",
    "hashpointer",
    "hashint",
    "invalidateTMcache",
    "fasttm",
    "gfasttm",
    "checknoTM",
    "luaV_fastget",
    "luaV_fastgeti",
    "luaV_finishfastset",
    "isrealasize",
    "setrealasize",
    "setnorealasize",
    "setlimittosize",
    "ispow2realasize",
    "nodefromval",
    "setnodevector",
    "freehash",
    "getGtable",
    "setdummy",
    "setnodummy",
    "haslastfree",
    "getlastfree",
    "extraLastfree",
    "sizehash",
    "concretesize",
    "resizearray",
    "getArrTag",
    "getArrVal",
    "lenhint",
    "arr2obj",
    "obj2arr",
    "farr2val",
    "fval2arr",
    "gcvalarr",
    "traversearray",
    "arraykeyisempty",
    "hashkeyisempty",
    "keyinarray",
    "ikeyinarray",
    "insertkey",
    "newcheckedkey",
    "getgeneric",
    "getintfromhash",
    "Hgetstr",
    "Hgetlongstr",
    "retpsetcode",
    "finishnodeset",
    "luaV_fastset",
    "luaV_fastseti",
    "objsize",
];

/// Place -> what it touches. A place is a file with a function, a macro, or an instruction of the interpreter.
type Places = BTreeMap<(String, String), BTreeSet<String>>;

#[test]
fn every_place_that_touches_the_parts_of_a_table_was_looked_at() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let edits = edits::read(&root.join("vendor/edits")).expect("the edits can be read");
    let document = std::fs::read_to_string(root.join("docs/TABLE_PARTS.md")).unwrap();
    let mut wrong = Vec::new();
    for sources in sources::all(&root.join("vendor")).expect("the pinned releases are in the registry") {
        let edited = edits::edit(&sources, &edits).expect("the sources can be read");
        assert!(edited.misfits.is_empty(), "the edits fit Lua {}", sources.release);
        compare(sources.release, &found(&edited.files), &listed(&document, sources.release), &mut wrong);
    }
    assert!(
        wrong.is_empty(),
        "see that each of these is right for external tables, then say in docs/TABLE_PARTS.md why:\n{}",
        wrong.join("\n")
    );
}

/// The places in the edited sources of a release.
fn found(files: &Files) -> Places {
    let mut found = Places::new();
    for (file, text) in files {
        scan(file, text, &mut found);
    }
    found
}

/// Says what differs between the places of a release and those that the document has for it.
fn compare(release: Release, found: &Places, listed: &Places, wrong: &mut Vec<String>) {
    for (place @ (file, name), touched) in found {
        let row =
            format!("| `{file}` | `{name}` | {release} | {} |", touched.iter().cloned().collect::<Vec<_>>().join(" "));
        match listed.get(place) {
            None => wrong.push(format!("not listed: {row}")),
            Some(listed) if listed != touched => wrong.push(format!("touches something else than is listed: {row}")),
            Some(_) => {}
        }
    }
    for (file, name) in listed.keys().filter(|place| !found.contains_key(*place)) {
        wrong.push(format!("listed, but not in the sources: `{file}`, `{name}`, {release}"));
    }
}

#[test]
fn a_new_place_in_the_sources_is_found() {
    let mut found = Places::new();
    let source = "\
        /* t->array in a comment */\n\
        #define first(t) \\\n  ((t)->array)\n\
        int luaH_declared (Table *t);\n\
        static int grow (Table *t,\n                 int n) {\n  return limitasasize(t) + n;\n}\n\
        void execute (lua_State *L) {\n  vmcase(OP_ONE) {\n    use(h->node);\n  }\n  vmcase(OP_TWO) {\n    luaH_getn(h);\n  }\n}\n";
    scan("lnew.c", source, &mut found);
    let names: Vec<_> =
        found.iter().map(|((_, name), touched)| (name.as_str(), touched.iter().cloned().collect::<Vec<_>>())).collect();
    assert_eq!(
        names,
        [
            ("OP_ONE", vec!["node".to_owned()]),
            ("OP_TWO", vec!["luaH_getn".to_owned()]),
            ("first", vec!["array".to_owned()]),
            ("grow", vec!["limitasasize".to_owned()]),
        ]
    );
}

/// Adds the places of a source file. Lua's own style is taken for granted: a definition begins and ends in the first
/// column.
fn scan(file: &str, source: &str, found: &mut Places) {
    let mut function: Option<String> = None;
    let mut macro_name: Option<String> = None;
    for line in without_comments(source).lines() {
        if macro_name.is_none() {
            macro_name = defined(line).map(str::to_owned);
        }
        if macro_name.is_none() {
            if line.starts_with(|c: char| c.is_ascii_alphabetic()) && !line.trim_end().ends_with(';') {
                function = words(line)
                    .into_iter()
                    .find(|word| word.follows_by('('))
                    .map(|word| word.text.to_owned())
                    .or(function);
            }
            if let Some(at) = line.find("vmcase(OP_") {
                function = line[at + 7..].split(')').next().map(str::to_owned);
            }
        }
        let place = macro_name.as_ref().or(function.as_ref());
        if let Some(place) = place.filter(|_| !declares(line)) {
            for touched in touched(line).filter(|touched| touched != place) {
                found.entry((file.to_owned(), place.clone())).or_default().insert(touched.to_owned());
            }
        }
        if !line.ends_with('\\') && macro_name.take().is_none() && line.starts_with('}') {
            function = None;
        }
    }
}

/// The name that a line defines as a macro.
fn defined(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('#')?.trim_start().strip_prefix("define")?.trim_start();
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
}

fn declares(line: &str) -> bool {
    ["LUAI_FUNC", "LUA_API", "LUALIB_API", "LUAMOD_API"].iter().any(|word| line.starts_with(word))
        && line.ends_with(';')
        || line.starts_with(|c: char| c.is_ascii_alphabetic()) && line.ends_with(';')
}

/// What a line touches.
fn touched(line: &str) -> impl Iterator<Item = &str> {
    words(line).into_iter().filter_map(|word| {
        let field = FIELDS.contains(&word.text) && (word.before.ends_with("->") || word.before.ends_with('.'));
        let function = word.text.starts_with("luaH_") && !["luaH_new", "luaH_free"].contains(&word.text);
        (field || function || NAMES.contains(&word.text)).then_some(word.text)
    })
}

struct Word<'a> {
    text: &'a str,
    before: &'a str,
    after: &'a str,
}

impl Word<'_> {
    fn follows_by(&self, mark: char) -> bool {
        self.after.trim_start_matches([' ', ')']).starts_with(mark)
    }
}

/// The identifiers of a line, with what stands around each.
fn words(line: &str) -> Vec<Word<'_>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(start) = line[at..].find(is_part).map(|n| at + n) {
        let end = line[start..].find(|c| !is_part(c)).map_or(line.len(), |n| start + n);
        words.push(Word { text: &line[start..end], before: &line[..start], after: &line[end..] });
        at = end;
    }
    words
}

/// The source with its comments as blanks, in the same lines.
fn without_comments(source: &str) -> String {
    let mut rest = source;
    let mut text = String::new();
    while let Some((code, comment)) = rest.split_once("/*") {
        let (comment, behind) = comment.split_once("*/").unwrap_or((comment, ""));
        text.push_str(code);
        text.extend(comment.chars().filter(|&c| c == '\n'));
        rest = behind;
    }
    text + rest
}

/// The rows of the document for a line: `| file | place | lines | what it touches | why that is right |`.
fn listed(document: &str, release: Release) -> Places {
    let mut places = Places::new();
    for row in document.lines().filter(|text| text.starts_with("| `l")) {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        assert!(
            cells.len() == 7 && !cells[5].is_empty(),
            "docs/TABLE_PARTS.md: a row has five cells, the last says why: {row}"
        );
        let releases: Result<Vec<Releases>, _> = cells[3].split(' ').map(str::parse).collect();
        let releases = releases.unwrap_or_else(|reason| panic!("docs/TABLE_PARTS.md: {reason}: {row}"));
        if !releases.iter().any(|releases| releases.contains(release)) {
            continue;
        }
        let touched = cells[4].split_whitespace().map(str::to_owned).collect();
        let known = places.insert((cells[1].to_owned(), cells[2].to_owned()), touched);
        assert!(known.is_none(), "docs/TABLE_PARTS.md lists a place of Lua {release} twice: {row}");
    }
    places
}
