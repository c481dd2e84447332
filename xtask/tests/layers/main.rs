//! Holds the layering: which folder may use which, and that files do not rest on each other in circles.
//!
//! [`TREES`] is the whole of it. A new folder gets a room there; its place in the list is above what it uses.

mod graph;
mod javascript;
mod rust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use graph::Uses;

/// A folder of sources.
struct Tree {
    /// Its path from the root of the repository.
    root: &'static str,
    /// How files name each other.
    language: Language,
    /// Folders that are made or installed.
    skips: &'static [&'static str],
    /// The most files that may rest on each other in a circle; 1 for none.
    circle: usize,
    /// Its rooms, each above those that it uses.
    rooms: &'static [Room],
}

/// A folder or a file right below the root of a tree.
struct Room {
    /// Its name, that of a file without its ending.
    name: &'static str,
    /// What belongs there.
    holds: &'static str,
    /// The rooms that it uses.
    uses: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Language {
    Rust,
    JavaScript,
}

const TREES: [Tree; 4] = [
    Tree {
        root: "src",
        language: Language::Rust,
        skips: &[],
        // The hard functions of libc/math and what they share.
        circle: 4,
        rooms: &[
            Room { name: "abi", holds: "what exports.toml declares", uses: &[] },
            Room { name: "cell", holds: "the one cell for statics", uses: &[] },
            Room { name: "lua", holds: "Lua's API for Rust", uses: &[] },
            Room { name: "ranges", holds: "ranges of memory that were checked", uses: &[] },
            Room { name: "native_host", holds: "the host's side of the imports, for tests", uses: &[] },
            Room { name: "heap", holds: "a heap in a fixed region, which knows nothing of Lua", uses: &[] },
            Room { name: "memory", holds: "Lua's allocator and its reserve", uses: &["abi", "cell", "heap"] },
            Room { name: "session", holds: "what the host offers, its clock and entropy", uses: &["abi", "cell"] },
            Room {
                name: "call",
                holds: "a call: its frame, its limits, what it prints, how it ended",
                uses: &["abi", "cell", "lua", "memory", "session"],
            },
            Room { name: "libc", holds: "the C library that Lua needs", uses: &["cell", "session", "call"] },
            Room { name: "plain", holds: "plain values as bytes, libraries by name", uses: &["abi", "lua"] },
            Room {
                name: "ext",
                holds: "external tables",
                uses: &["abi", "cell", "lua", "ranges", "memory", "session", "call", "libc", "plain"],
            },
            Room {
                name: "values",
                holds: "any values that go to the host and come from it",
                uses: &["abi", "cell", "lua", "ranges", "session", "plain", "ext"],
            },
            Room {
                name: "host",
                holds: "the host's functions and modules in Lua, its access to globals",
                uses: &["abi", "lua", "session", "call", "plain", "values"],
            },
            Room {
                name: "run",
                holds: "running code and leaving its result",
                uses: &["abi", "cell", "lua", "ranges", "memory", "call", "plain", "ext", "values"],
            },
            Room {
                name: "machine",
                holds: "opens and closes, nothing else",
                uses: &["abi", "lua", "memory", "session", "call", "ext", "values", "host", "run"],
            },
            Room {
                name: "exports",
                holds: "one function for each export",
                uses: &["abi", "ranges", "memory", "call", "ext", "values", "host", "run", "machine"],
            },
            Room { name: "lib", holds: "the list of what there is", uses: &[] },
        ],
    },
    Tree {
        root: "xtask/src",
        language: Language::Rust,
        skips: &[],
        circle: 1,
        rooms: &[
            Room { name: "error", holds: "what can go wrong", uses: &[] },
            Room { name: "workspace", holds: "where things are", uses: &["error"] },
            Room { name: "system", holds: "files, programs and their progress", uses: &["error"] },
            Room { name: "tools", holds: "finding and installing tools", uses: &["error", "workspace", "system"] },
            Room { name: "arguments", holds: "the command line", uses: &["error", "tools"] },
            Room {
                name: "verbs",
                holds: "what `cargo xtask` does",
                uses: &["error", "workspace", "system", "tools", "arguments"],
            },
            Room { name: "main", holds: "picks the verb", uses: &["error", "workspace", "arguments", "verbs"] },
        ],
    },
    Tree {
        root: "codegen/src",
        language: Language::Rust,
        skips: &[],
        // The passes and the one type of what they refuse.
        circle: 7,
        rooms: &[
            Room { name: "manifest", holds: "the model of exports.toml, which knows no output", uses: &[] },
            Room { name: "lua", holds: "Lua's sources and what is done to them", uses: &[] },
            Room { name: "passes", holds: "the passes, which know nothing of the manifest", uses: &[] },
            Room { name: "delta", holds: "one module as a difference to another", uses: &[] },
            Room {
                name: "contract",
                holds: "two ABIs compared, from what is generated and from modules",
                uses: &["passes"],
            },
            Room { name: "backend", holds: "one generator for each output", uses: &["manifest"] },
            Room {
                name: "kit",
                holds: "the module that tests hosts, and its promises",
                uses: &["manifest", "backend"],
            },
            Room { name: "lib", holds: "the list of what there is", uses: &[] },
        ],
    },
    Tree {
        root: "web",
        language: Language::JavaScript,
        skips: &["node_modules", "dist", "types", "docs", "examples", "hosts"],
        circle: 1,
        rooms: &[
            Room { name: "loader", holds: "what is generated from exports.toml", uses: &[] },
            Room {
                name: "loader-runtime",
                holds: "the part of the loader that no manifest changes",
                uses: &["loader"],
            },
            Room { name: "errors", holds: "the errors that callers get", uses: &["loader"] },
            Room { name: "bytes", holds: "text, checksums and compression, which know nothing of Lua", uses: &[] },
            Room { name: "module", holds: "finding and choosing lua.wasm", uses: &["loader", "bytes"] },
            Room { name: "artifact", holds: "the module as a file beside the script", uses: &["loader", "module"] },
            Room { name: "artifact-inline", holds: "the module within the script", uses: &["loader", "module"] },
            Room { name: "wasm", holds: "the module, wherever it comes from", uses: &["loader", "module", "artifact"] },
            Room {
                name: "store",
                holds: "where external tables live: text keys and byte values, alone and in batches",
                uses: &["loader", "bytes"],
            },
            Room {
                name: "values",
                holds: "Lua values and keys as bytes and as JavaScript values",
                uses: &["loader", "errors", "bytes", "store"],
            },
            Room {
                name: "tables",
                holds: "external tables as JavaScript sees them",
                uses: &["errors", "bytes", "store", "values"],
            },
            Room {
                name: "image",
                holds: "the memory of a machine, kept and put back",
                uses: &["loader", "bytes", "store"],
            },
            Room {
                name: "sqlite",
                holds: "external tables in a SQLite database, by whatever library",
                uses: &["loader", "bytes", "store", "values"],
            },
            Room {
                name: "persist",
                holds: "states that outlive the process, and their storage",
                uses: &["bytes", "store", "values", "sqlite"],
            },
            Room {
                name: "machine",
                holds: "one machine: its calls, host, limits and API",
                uses: &["loader", "errors", "bytes", "wasm", "store", "values", "tables", "image", "persist"],
            },
            Room {
                name: "lua-persistent",
                holds: "the entry point",
                uses: &[
                    "loader", "errors", "module", "wasm", "store", "values", "tables", "image", "persist", "machine",
                ],
            },
            Room { name: "inline", holds: "the entry point with the module in it", uses: &["lua-persistent"] },
            Room {
                name: "cli",
                holds: "the command, which uses the API",
                uses: &["loader", "persist", "lua-persistent"],
            },
            Room { name: "line", holds: "the module of another line within a script", uses: &["module"] },
            Room { name: "build", holds: "what makes the package", uses: &["loader"] },
            Room {
                name: "page",
                holds: "the playground, which uses the API",
                uses: &["loader", "lua-persistent", "build"],
            },
            Room { name: "eslint", holds: "the rules of ESLint", uses: &[] },
        ],
    },
];

impl Tree {
    /// The files of the tree and what each of them uses, by their paths below its root.
    fn uses(&self) -> Uses {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").join(self.root);
        let mut sources = BTreeMap::new();
        read(&root, &root, self.skips, &mut sources);
        match self.language {
            Language::Rust => rust::uses(&sources),
            Language::JavaScript => javascript::uses(&sources),
        }
    }

    fn room(&self, file: &str) -> Option<&Room> {
        let name = file.split('/').next()?;
        let name = name.split('.').next()?;
        self.rooms.iter().find(|room| room.name == name)
    }

    /// What breaks the layering, a sentence each.
    fn faults(&self, uses: &Uses) -> Vec<String> {
        let mut faults = Vec::new();
        let mut used = BTreeSet::new();
        for (file, others) in uses {
            let Some(room) = self.room(file) else {
                faults.push(format!("{}/{file} lies in no room of `TREES`: give its folder one", self.root));
                continue;
            };
            for target in others.iter().filter_map(|other| Some((other, self.room(other)?))) {
                let (other, there) = target;
                used.insert((room.name, there.name));
                if there.name != room.name && !room.uses.contains(&there.name) {
                    faults.push(format!(
                        "{root}/{file} uses {root}/{other}, but `{}` ({}) rests on {} only: what both need belongs \
                         there, or the caller hands it in",
                        room.name,
                        room.holds,
                        listed(room.uses),
                        root = self.root
                    ));
                }
            }
        }
        for (position, room) in self.rooms.iter().enumerate() {
            if !uses.keys().any(|file| self.room(file).is_some_and(|other| other.name == room.name)) {
                faults.push(format!("{}: the room `{}` is empty: take it out of `TREES`", self.root, room.name));
            }
            for below in room.uses {
                if !self.rooms[..position].iter().any(|other| other.name == *below) {
                    faults.push(format!("{}: `{}` uses `{below}`, which has to stand before it", self.root, room.name));
                }
                if !used.contains(&(room.name, *below)) {
                    faults.push(format!("{}: `{}` no longer uses `{below}`: say so", self.root, room.name));
                }
            }
        }
        for circle in graph::circles(uses).into_iter().filter(|circle| circle.len() > self.circle) {
            faults.push(format!(
                "{}: {} files rest on each other ({}), where {}: move what two of them need into a file below both",
                self.root,
                circle.len(),
                circle.join(", "),
                if self.circle == 1 { "none may".to_owned() } else { format!("{} may", self.circle) }
            ));
        }
        faults
    }
}

fn listed(rooms: &[&str]) -> String {
    if rooms.is_empty() { "nothing".to_owned() } else { rooms.join(", ") }
}

/// Reads every source below a folder, but what lies in folders named in `skips`.
fn read(root: &Path, folder: &Path, skips: &[&str], sources: &mut BTreeMap<String, String>) {
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if !skips.iter().any(|skipped| path.ends_with(skipped)) {
                read(root, &path, skips, sources);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "js") {
            let name = path.strip_prefix(root).expect("it lies below the root");
            let name = name.to_string_lossy().replace('\\', "/");
            sources.insert(name, std::fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

#[test]
fn every_folder_uses_only_what_lies_below_it_and_no_files_rest_on_each_other() {
    let faults: Vec<_> = TREES.iter().flat_map(|tree| tree.faults(&tree.uses())).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_breaks_the_layering_is_named_with_where_it_belongs() {
    const TREE: Tree = Tree {
        root: "t",
        language: Language::Rust,
        skips: &[],
        circle: 1,
        rooms: &[
            Room { name: "low", holds: "what lies below", uses: &[] },
            Room { name: "middle", holds: "nothing", uses: &[] },
            Room { name: "high", holds: "what lies above", uses: &["low", "middle"] },
        ],
    };
    let uses: [(&str, &[&str]); 4] = [
        ("low/a.rs", &["low/b.rs", "high.rs"]),
        ("low/b.rs", &["low/a.rs"]),
        ("high.rs", &["low/a.rs"]),
        ("lost.rs", &[]),
    ];
    let owned = |used: &[&str]| used.iter().map(|used| (*used).to_owned()).collect();
    let faults = TREE.faults(&uses.iter().map(|(file, used)| ((*file).to_owned(), owned(used))).collect());
    assert_eq!(
        faults,
        [
            "t/lost.rs lies in no room of `TREES`: give its folder one",
            "t/low/a.rs uses t/high.rs, but `low` (what lies below) rests on nothing only: what both need belongs there, \
             or the caller hands it in",
            "t: the room `middle` is empty: take it out of `TREES`",
            "t: `high` no longer uses `middle`: say so",
            "t: 3 files rest on each other (high.rs, low/a.rs, low/b.rs), where none may: move what two of them need \
             into a file below both",
        ]
    );
}
