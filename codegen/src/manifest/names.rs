//! Checks the names of entries: their spelling, and collisions with names that are taken. Suggests the known name
//! nearest to a mistyped one.

/// The spelling that a kind of name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `get_buffer_ptr`
    Snake,
    /// `MemoryStats`
    Pascal,
    /// `MEMORY_PAGES`
    Upper,
    /// `utcOffset`
    Camel,
}

impl Case {
    /// Whether a name is spelled so.
    pub fn fits(self, name: &str) -> bool {
        match self {
            Self::Snake => words(name, '_', |c| c.is_ascii_lowercase()),
            Self::Upper => words(name, '_', |c| c.is_ascii_uppercase()),
            Self::Pascal => letters(name) && name.starts_with(|c: char| c.is_ascii_uppercase()),
            Self::Camel => letters(name) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        }
    }

    /// The remedy for a name that is spelled otherwise.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Snake => {
                "lower-case words joined by single underscores, each starting with a letter, as `get_buffer_ptr`"
            }
            Self::Upper => {
                "upper-case words joined by single underscores, each starting with a letter, as `MEMORY_PAGES`"
            }
            Self::Pascal => "capitalised words without underscores, as `MemoryStats`",
            Self::Camel => "a lower-case word followed by capitalised ones, as `utcOffset`",
        }
    }
}

fn words(name: &str, joint: char, starts: impl Fn(char) -> bool) -> bool {
    name.split(joint)
        .all(|word| word.chars().next().is_some_and(&starts) && word.chars().all(|c| starts(c) || c.is_ascii_digit()))
}

fn letters(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// What a name is for, which decides with whom it can collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// An export or an import: a symbol of the module.
    Function,
    /// A structure: a type in Rust and TypeScript.
    Struct,
    /// Anything else.
    Other,
}

/// Names that are taken: by whom, for which uses (all, if none is named), and the names.
const RESERVED: &[(&str, Option<Use>, &str)] = &[
    (
        "a keyword of Rust",
        None,
        "abstract as async await become box break const continue crate do dyn else enum extern \
         false final fn for gen if impl in let loop macro match mod move mut override priv pub ref \
         return self static struct super trait true try type typeof unsafe unsized use virtual \
         where while yield Self",
    ),
    (
        "a keyword of JavaScript",
        None,
        "arguments case catch class debugger default delete eval export extends finally function \
         implements import instanceof interface new null package private protected public switch \
         this throw undefined var void with",
    ),
    (
        "a keyword of the WebAssembly text format",
        Some(Use::Function),
        "data elem func global local module param result start table",
    ),
    ("the exported memory", Some(Use::Function), "memory"),
    ("a property of the loader's instance", Some(Use::Function), "bytes constructor exports instance take_thrown view"),
    (
        "a symbol of the C library or the linker",
        Some(Use::Function),
        "_initialize _start abort bcmp calloc free main malloc memchr memcmp memcpy memmove memset \
         realloc strlen",
    ),
    (
        "a global of JavaScript or Rust",
        Some(Use::Struct),
        "Array BigInt Boolean DataView Date Err Error Function Map None Number Object Ok Option \
         Promise Proxy Response Result Set Some String Symbol Uint8Array WebAssembly",
    ),
];

/// Finds who has taken a name already.
pub fn reserved(name: &str, what: Use) -> Option<&'static str> {
    if name.starts_with("__") {
        return Some("a prefix of symbols that the linker makes");
    }
    // In JavaScript a function of the module is a property, and `eval` may be one.
    if what == Use::Function && name == "eval" {
        return None;
    }
    let mut owners = RESERVED.iter().filter(|(_, only, _)| only.is_none_or(|only| only == what));
    let owner = owners.find(|(.., names)| names.split_whitespace().any(|taken| taken == name));
    owner.map(|&(owner, ..)| owner)
}

/// The known name that differs least from a mistyped one, if it is close enough to be what was meant.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = (name.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|candidate| (distance(name, candidate), candidate));
    distances.filter(|&(d, _)| d <= limit).min().map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap neighbours) that lead from one name to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
