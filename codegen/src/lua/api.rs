//! Reads the items of Lua's C API out of the bindings, one line each, and tells what a release adds, removes and
//! changes.

use std::collections::BTreeMap;
use std::fmt;

/// The kinds of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A function.
    Function,
    /// A constant.
    Constant,
    /// A type, or a variable.
    Type,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Function => "function",
            Self::Constant => "constant",
            Self::Type => "type",
        })
    }
}

/// The items of an API: what each is called, and how it is declared, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Api(BTreeMap<(Kind, String), String>);

/// Words in front of the name of an item, and its kind.
const WORDS: [(&str, Kind); 7] = [
    ("pub fn ", Kind::Function),
    ("pub const ", Kind::Constant),
    ("pub static mut ", Kind::Type),
    ("pub static ", Kind::Type),
    ("pub type ", Kind::Type),
    ("pub struct ", Kind::Type),
    ("pub union ", Kind::Type),
];

impl Api {
    /// Reads bindings, as `bindgen` writes and formats them.
    pub fn read(bindings: &str) -> Self {
        let (mut items, mut indent) = (BTreeMap::new(), 0);
        let mut open: Option<((Kind, String), String)> = None;
        for line in bindings.lines() {
            let text = line.trim_start();
            if open.is_none() {
                indent = line.len() - text.len();
                let word = WORDS.iter().find_map(|(word, kind)| Some((*kind, text.strip_prefix(word)?)));
                let Some((kind, rest)) = word else { continue };
                let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                open = Some(((kind, name.to_owned()), String::new()));
            }
            let Some((name, declaration)) = &mut open else { continue };
            declaration.push_str(text.strip_prefix("pub ").filter(|_| declaration.is_empty()).unwrap_or(text));
            declaration.push(' ');
            let last = line.len() - text.len() == indent && text.ends_with([';', '}']);
            if last {
                items.insert(name.clone(), in_one_line(declaration));
                open = None;
            }
        }
        Self(items)
    }

    /// Tells what differs in a later API.
    pub fn changes(&self, later: &Self) -> Vec<Change> {
        let mut names: Vec<_> = self.0.keys().chain(later.0.keys()).collect();
        names.sort();
        names.dedup();
        let change = |name: &(Kind, String)| Change {
            kind: name.0,
            name: name.1.clone(),
            before: self.0.get(name).cloned(),
            now: later.0.get(name).cloned(),
        };
        names.into_iter().map(change).filter(|change| change.before != change.now).collect()
    }

    /// Makes the changes that [`Change`] shows, as they stand in a text.
    pub fn replay(&mut self, changes: &str) {
        let kinds = [Kind::Function, Kind::Constant, Kind::Type];
        let mut kind = Kind::Type;
        for line in changes.lines() {
            if let Some(known) = kinds.into_iter().find(|kind| line.starts_with(&format!("{kind} "))) {
                kind = known;
            } else if let Some(declaration) = line.strip_prefix("  - ") {
                self.0.remove(&(kind, name_of(declaration)));
            } else if let Some(declaration) = line.strip_prefix("  + ") {
                self.0.insert((kind, name_of(declaration)), declaration.to_owned());
            }
        }
    }

    /// Leaves out what this project adds to the API of Lua.
    pub fn of_lua(mut self) -> Self {
        self.0.retain(|(_, name), _| !name.to_lowercase().starts_with("lp_"));
        self
    }
}

/// A line for each item, sorted by kind and name.
impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.values().try_for_each(|declaration| writeln!(f, "{declaration}"))
    }
}

/// The name in a declaration that is one line.
fn name_of(declaration: &str) -> String {
    let rest = WORDS.iter().find_map(|(word, _)| declaration.strip_prefix(word.strip_prefix("pub ")?));
    let name = rest.unwrap_or(declaration).split(|c: char| !c.is_alphanumeric() && c != '_').next();
    name.unwrap_or_default().to_owned()
}

/// A declaration without line ends, and with short names of C's types.
fn in_one_line(declaration: &str) -> String {
    let mut words = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
    for (long, short) in [
        ("::core::ffi::", ""),
        ("::core::option::Option", "Option"),
        ("unsafe extern \"C-unwind\" fn", "fn"),
        ("( ", "("),
        (", )", ")"),
        (" )", ")"),
        ("< ", "<"),
        (", >", ">"),
    ] {
        words = words.replace(long, short);
    }
    words.trim_end_matches(';').to_owned()
}

/// What a release does with one item of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The item's kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its declaration in the earlier release, if it has the item.
    pub before: Option<String>,
    /// Its declaration in the later release, if it has the item.
    pub now: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind;
        match (&self.before, &self.now) {
            (None, Some(now)) => write!(f, "{kind} added\n  + {now}"),
            (Some(before), None) => write!(f, "{kind} removed\n  - {before}"),
            (before, now) => {
                let how = if kind == Kind::Function { "retyped" } else { "changed" };
                let [before, now] = [before, now].map(|declaration| declaration.as_deref().unwrap_or_default());
                write!(f, "{kind} {how}\n  - {before}\n  + {now}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDINGS: &str = "\
/* automatically generated */

pub type lua_Hook = ::core::option::Option<
    unsafe extern \"C-unwind\" fn(L: *mut lua_State, ar: *mut lua_Debug),
>;
#[repr(C)]
#[derive(Debug)]
pub struct lua_State {
    _unused: [u8; 0],
}
pub const LUA_OK: u32 = 0;
pub const LUA_NAME: &[u8; 4] = b\"a;}\\0\";
unsafe extern \"C-unwind\" {
    pub fn lua_absindex(
        L: *mut lua_State,
        idx: ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
    pub fn lua_close(L: *mut lua_State);
    pub fn lp_hurry();
}
";

    #[test]
    fn each_item_of_the_bindings_is_one_line() {
        let lines = [
            "fn lp_hurry()",
            "fn lua_absindex(L: *mut lua_State, idx: c_int) -> c_int",
            "fn lua_close(L: *mut lua_State)",
            "const LUA_NAME: &[u8; 4] = b\"a;}\\0\"",
            "const LUA_OK: u32 = 0",
            "type lua_Hook = Option<fn(L: *mut lua_State, ar: *mut lua_Debug)>",
            "struct lua_State { _unused: [u8; 0], }",
        ];
        assert_eq!(Api::read(BINDINGS).to_string().lines().collect::<Vec<_>>(), lines);
        assert!(!Api::read(BINDINGS).of_lua().to_string().contains("lp_"));
    }

    #[test]
    fn what_a_release_adds_removes_and_changes_is_told() {
        let later = BINDINGS
            .replace("lua_close(L: *mut lua_State)", "lua_close(L: *mut lua_State, from: *mut lua_State)")
            .replace("lua_absindex", "lua_topindex")
            .replace("LUA_OK: u32 = 0", "LUA_OK: u32 = 1");
        let mut replayed = Api::read(BINDINGS);
        let text: String = replayed.changes(&Api::read(&later)).iter().map(|change| format!("\n{change}\n")).collect();
        replayed.replay(&text);
        assert_eq!(replayed, Api::read(&later));
        let changes: Vec<_> = Api::read(BINDINGS).changes(&Api::read(&later)).iter().map(Change::to_string).collect();
        assert_eq!(
            changes,
            [
                "function removed\n  - fn lua_absindex(L: *mut lua_State, idx: c_int) -> c_int",
                "function retyped\n  - fn lua_close(L: *mut lua_State)\n  + fn lua_close(L: *mut lua_State, from: *mut lua_State)",
                "function added\n  + fn lua_topindex(L: *mut lua_State, idx: c_int) -> c_int",
                "constant changed\n  - const LUA_OK: u32 = 0\n  + const LUA_OK: u32 = 1",
            ]
        );
    }
}
