//! Describes the mistakes of a manifest: each with its place and its remedy. Becomes text only when it is shown.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::names::Case;
use super::source::Source;

/// Everything that is wrong with one manifest.
#[derive(Debug)]
pub struct Diagnostics {
    source: Source,
    faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// What.
    pub problem: Problem,
    /// Where: a range of bytes in the file. Empty at its start for a file that could not be read.
    pub span: Range<usize>,
    /// Another place that has to do with it.
    pub related: Option<(Range<usize>, &'static str)>,
}

/// The kinds of things that can be wrong.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// The file cannot be read.
    Unreadable { reason: String },
    /// A file that the manifest includes cannot be read.
    NotIncluded { path: String, reason: String },
    /// The file is not TOML.
    Syntax { message: String },
    /// A key that means nothing there.
    UnknownKey { key: String, owner: String, nearest: Option<String>, known: Vec<String> },
    /// A key that has to be there.
    MissingKey { key: &'static str, owner: String, remedy: &'static str },
    /// A text that has to say something.
    Empty { key: String, owner: String },
    /// A value of the wrong kind.
    WrongKind { key: String, expected: &'static str, found: &'static str },
    /// A word that is not one of those possible.
    UnknownWord { word: String, what: &'static str, nearest: Option<String>, known: Vec<String> },
    /// A type that nothing declares.
    UnknownType { name: String, nearest: Option<String>, known: Vec<String> },
    /// A type that cannot stand there.
    MisplacedType { name: String, place: &'static str, remedy: &'static str },
    /// An import that does not have the form of those that carry requests to the host.
    NoCarrier { name: String, nearest: Option<String>, known: Vec<String> },
    /// A constant that nothing declares.
    UnknownConstant { name: String, nearest: Option<String> },
    /// A function, a parameter or a field that prose names and nothing declares.
    UnknownName { name: String, nearest: String },
    /// A heading that `[groups]` does not have.
    UnknownGroup { name: String, list: &'static str, nearest: Option<String>, known: Vec<String> },
    /// Two constants of an enumeration that cannot be told apart.
    SameValue { name: String, other: String, value: String, free: i64 },
    /// An import that no host has.
    ClosedImports { name: String, known: Vec<String> },
    /// An import that hosts have in another form.
    ChangedImport { name: String, form: String },
    /// A link to a heading that the reference does not have.
    DeadAnchor { target: String, nearest: Option<String> },
    /// A link to a file that is not there.
    DeadFile { target: String },
    /// Two entries that claim the same thing.
    Duplicate { what: &'static str, name: String },
    /// A name spelled as that kind of name is not.
    Spelling { what: &'static str, name: String, case: Case },
    /// A name that something else uses.
    Reserved { name: String, owner: &'static str },
    /// A number that does not fit.
    OutOfRange { what: String, value: String, min: i64, max: i64 },
    /// A field that starts before the previous one ends.
    Overlap { field: String, previous: String, end: u32 },
    /// Bytes between two fields that belong to neither.
    Gap { field: String, offset: u32, end: u32, fits: bool },
    /// A field at an offset that its type cannot have.
    Misaligned { field: String, offset: u32, ty: &'static str, align: u32 },
    /// Bytes at the end of a structure that belong to no field.
    Tail { name: String, end: u32, size: u32 },
    /// A structure whose size is not that of its fields.
    WrongSize { name: String, size: i64, actual: u32 },
    /// An export that refuses calls and does not say what it answers then.
    NoAnswer { export: String, returns: bool },
    /// An export that refuses no call and says what it answers then.
    NeedlessAnswer { export: String },
    /// An answer for an export that returns nothing, or the other way round.
    AnswerForm { export: String, returns: bool },
    /// An export that nothing declares.
    UnknownExport { name: String, nearest: Option<String> },
    /// A layout, a rule or the like that nothing declares.
    Unknown { what: &'static str, name: String, nearest: Option<String>, known: Vec<String> },
    /// A rule that is not in the notation of rules.
    Grammar { text: String, reason: String },
    /// An entry of a stored table without a key, or with two.
    NoKey,
    /// A memory of another size.
    WrongPages { pages: i64 },
    /// A path that leads out of the repository.
    OutsidePath { path: String },
}

impl Problem {
    /// What is wrong, in one line.
    pub fn title(&self) -> String {
        match self {
            Self::Unreadable { reason } => format!("the manifest cannot be read: {reason}"),
            Self::NotIncluded { path, reason } => format!("the included file `{path}` cannot be read: {reason}"),
            Self::Syntax { message } => format!("not valid TOML: {message}"),
            Self::UnknownKey { key, owner, .. } => format!("unknown key `{key}` in {owner}"),
            Self::MissingKey { key, owner, .. } => format!("{owner} has no `{key}`"),
            Self::Empty { key, owner } => format!("`{key}` of {owner} is empty"),
            Self::WrongKind { key, expected, found } => format!("`{key}` should be {expected}, not {found}"),
            Self::UnknownWord { word, what, .. } => format!("unknown {what} `{word}`"),
            Self::UnknownType { name, .. } => format!("unknown type `{name}`"),
            Self::MisplacedType { name, place, .. } => {
                format!("type `{name}` cannot be used for {place}")
            }
            Self::NoCarrier { name, .. } => {
                format!("import `{name}` cannot carry requests to the host")
            }
            Self::UnknownConstant { name, .. } => format!("unknown constant `{name}`"),
            Self::UnknownName { name, .. } => format!("nothing declares `{name}`"),
            Self::UnknownGroup { name, .. } => format!("unknown group `{name}`"),
            Self::SameValue { name, other, value, .. } => {
                format!("constants `{other}` and `{name}` both have the value {value}")
            }
            Self::ClosedImports { name, .. } => format!("import `{name}` is none of the five that hosts supply"),
            Self::ChangedImport { name, .. } => format!("import `{name}` does not have the form that hosts supply"),
            Self::DeadAnchor { target, .. } => format!("no heading of the reference is `{target}`"),
            Self::DeadFile { target } => format!("the link leads to no file: `{target}`"),
            Self::Duplicate { what, name } => format!("{what} `{name}` is declared twice"),
            Self::Spelling { what, name, .. } => format!("`{name}` is not spelled as {what} is"),
            Self::Reserved { name, owner } => {
                format!("the name `{name}` is reserved: it is {owner}")
            }
            Self::OutOfRange { what, value, .. } => format!("{what} {value} is out of range"),
            Self::Overlap { field, previous, .. } => format!("field `{field}` overlaps `{previous}`"),
            Self::Gap { field, offset, end, .. } => {
                format!("nothing fills bytes {end} to {} before field `{field}`", offset - 1)
            }
            Self::Misaligned { field, offset, .. } => {
                format!("field `{field}` is misaligned at offset {offset}")
            }
            Self::Tail { name, end, size } => {
                format!("nothing fills bytes {end} to {} at the end of struct `{name}`", size - 1)
            }
            Self::WrongSize { name, size, actual } => {
                format!("the fields of struct `{name}` take {actual} bytes, not {size}")
            }
            Self::NoAnswer { export, .. } => {
                format!("export `{export}` refuses calls but does not say what it answers then")
            }
            Self::NeedlessAnswer { export } => {
                format!("export `{export}` takes no pointer, and no [[refusal]] names it")
            }
            Self::AnswerForm { export, returns: true } => {
                format!("export `{export}` returns a value, so a refused call has to give one")
            }
            Self::AnswerForm { export, returns: false } => {
                format!("export `{export}` returns nothing, so a refused call cannot give a value")
            }
            Self::UnknownExport { name, .. } => format!("unknown export `{name}`"),
            Self::Unknown { what, name, .. } => format!("unknown {what} `{name}`"),
            Self::Grammar { text, reason } => format!("`{text}` is no rule: {reason}"),
            Self::NoKey => "an entry has to have either `key` or `rule`".to_owned(),
            Self::WrongPages { pages } => format!("the memory is 32 pages, not {pages}"),
            Self::OutsidePath { path } => format!("`{path}` is not a path inside the repository"),
        }
    }

    /// A word or two for the place itself.
    fn label(&self) -> String {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. }
            | Self::UnknownWord { nearest: Some(nearest), .. }
            | Self::NoCarrier { nearest: Some(nearest), .. }
            | Self::UnknownConstant { nearest: Some(nearest), .. }
            | Self::UnknownExport { nearest: Some(nearest), .. }
            | Self::Unknown { nearest: Some(nearest), .. }
            | Self::UnknownName { nearest, .. }
            | Self::UnknownGroup { nearest: Some(nearest), .. }
            | Self::DeadAnchor { nearest: Some(nearest), .. }
            | Self::UnknownType { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::MissingKey { key, .. } => format!("`{key}` is missing"),
            Self::WrongKind { found, .. } => format!("this is {found}"),
            Self::SameValue { other, .. } => format!("`{other}` has it already"),
            Self::Duplicate { .. } => "declared again here".to_owned(),
            Self::Overlap { previous, end, .. } => format!("`{previous}` ends at {end}"),
            Self::Gap { end, .. } => format!("the previous field ends at {end}"),
            Self::Misaligned { ty, align, .. } => {
                format!("a `{ty}` starts at a multiple of {align}")
            }
            Self::NoAnswer { .. } => "`refused` is missing".to_owned(),
            _ => String::new(),
        }
    }

    /// What would be right.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => "run from the root of the repository, where exports.toml lies".to_owned(),
            Self::NotIncluded { .. } => {
                "name a file that lies beside exports.toml, or in a folder beside it; a copy of the manifest needs the \
                 folder, too"
                    .to_owned()
            }
            Self::Syntax { .. } => "see https://toml.io/en/v1.1.0 for the syntax".to_owned(),
            Self::UnknownKey { known, .. } => format!("known keys: {}", list(known)),
            Self::MissingKey { remedy, .. } => (*remedy).to_owned(),
            Self::Empty { key, .. } => format!("write what a caller needs to know in `{key}`"),
            Self::WrongKind { key, expected, .. } => format!("give `{key}` {expected}"),
            Self::UnknownWord { known, .. } => format!("it is one of {}", list(known)),
            Self::UnknownType { known, .. } => {
                format!("use one of {}, or declare the type in a [[type]] or [[struct]] entry", list(known))
            }
            Self::MisplacedType { remedy, .. } => (*remedy).to_owned(),
            Self::NoCarrier { known, .. } if known.is_empty() => {
                "declare an import that takes a u32, bytes and bytes_mut and returns an i32".to_owned()
            }
            Self::NoCarrier { known, .. } => {
                format!("name one that takes a u32, bytes and bytes_mut and returns an i32: {}", list(known))
            }
            Self::UnknownConstant { name, nearest: Some(nearest) } => {
                format!("write `{nearest}`, or declare `{name}` in a [[constant]] entry")
            }
            Self::UnknownConstant { name, .. } => {
                format!("declare `{name}` in a [[constant]] entry")
            }
            Self::UnknownName { nearest, .. } => format!("write `{nearest}`"),
            Self::UnknownGroup { list, known, .. } => {
                format!("use one of {}, or add it to `{list}` in [groups]", self::list(known))
            }
            Self::SameValue { free, .. } => format!("give one of the two another value; the next free one is {free}"),
            Self::ClosedImports { known, .. } => format!(
                "declare a [[service]], which is asked through an import that there is; the imports are {}, for ever",
                list(known)
            ),
            Self::ChangedImport { form, .. } => format!("declare it as {form}, as hosts are written for that"),
            Self::DeadAnchor { .. } => "link to a heading, in lower case with hyphens, as `#value-encoding`".to_owned(),
            Self::DeadFile { .. } => "write the path from the folder `docs`, where the reference lies".to_owned(),
            Self::Duplicate { what, .. } => format!("remove one of the two, or give one another {}", last_word(what)),
            Self::Spelling { case, .. } => format!("write {}", case.rule()),
            Self::Reserved { .. } => "choose another name".to_owned(),
            Self::OutOfRange { min, max, .. } => format!("it has to be from {min} to {max}"),
            Self::Overlap { end, .. } => format!("the first free byte is {end}"),
            Self::Gap { end, fits: true, .. } => format!("move the field to offset {end}"),
            Self::Gap { offset, end, .. } => {
                format!("declare the {} bytes from {end} as a field, so that nothing is left undefined", offset - end)
            }
            Self::Misaligned { offset, align, .. } => {
                format!("the next offset that fits is {}", offset.next_multiple_of(*align))
            }
            Self::Tail { end, size, .. } => {
                format!("declare the {} bytes from {end} as fields, so that nothing is left undefined", size - end)
            }
            Self::WrongSize { actual, .. } => format!("write `size = {actual}`"),
            Self::NoAnswer { returns: true, .. } | Self::AnswerForm { returns: true, .. } => {
                "write `refused = N`, the value that a refused call returns, or `refused = \"message\"` if it returns \
                 `-(length + 1)` with the message in the I/O buffer"
                    .to_owned()
            }
            Self::NoAnswer { returns: false, .. } | Self::AnswerForm { returns: false, .. } => {
                "write `refused = \"ignored\"`: the call then does nothing".to_owned()
            }
            Self::NeedlessAnswer { .. } => "remove the key".to_owned(),
            Self::UnknownExport { name, .. } => {
                format!("declare `{name}` in an [[export]] entry, or remove it from the list")
            }
            Self::Unknown { known, .. } => format!("use one of {}, or declare it", list(known)),
            Self::Grammar { .. } => {
                "write EBNF: alternatives by `|`, items by `,`, `[ option ]`, `{ repetition }`, `\"text\"`, \
                 `character - ( \"x\" | ? U+FEFF ? )`"
                    .to_owned()
            }
            Self::NoKey => {
                "write `key = \"...\"` for one key, or `rule = \"...\"` for all that a rule matches".to_owned()
            }
            Self::WrongPages { .. } => {
                "write `value = 32`: hosts rely on a memory of 2 MiB that never grows".to_owned()
            }
            Self::OutsidePath { .. } => "write it from the root of the repository, as `web/lua.wasm`".to_owned(),
        }
    }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn last_word(text: &str) -> &str {
    match text.rsplit(' ').next() {
        Some("number") => "number",
        Some("value") => "value",
        _ => "name",
    }
}

impl Diagnostics {
    /// Takes what is wrong with a manifest, in any order.
    pub(super) fn new(source: &Source, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span.start);
        Self { source: source.clone(), faults }
    }

    /// How many things are wrong; at least one.
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    /// The faults as text for people, with colours for a terminal or without.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let reports: Vec<_> = self.faults.iter().map(|fault| renderer.render(&[self.group(fault)])).collect();
        reports.join("\n\n")
    }

    fn group<'a>(&'a self, fault: &Fault) -> Group<'a> {
        let title = Level::ERROR.primary_title(fault.problem.title());
        let help = Level::HELP.message(fault.problem.remedy());
        let (file, text, place) = self.source.locate(&fault.span);
        if text.is_empty() {
            return title.element(Origin::path(file)).element(help);
        }
        let label = Some(fault.problem.label()).filter(|label| !label.is_empty());
        let mut snippet = Snippet::source(text).path(file).annotation(AnnotationKind::Primary.span(place).label(label));
        let Some((span, label)) = &fault.related else { return title.element(snippet).element(help) };
        let (other, text, place) = self.source.locate(span);
        let related = AnnotationKind::Context.span(place).label(*label);
        if other == file {
            snippet = snippet.annotation(related);
            return title.element(snippet).element(help);
        }
        title.element(snippet).element(Snippet::source(text).path(other).annotation(related)).element(help)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
