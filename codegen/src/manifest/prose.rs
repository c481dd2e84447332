//! Checks what the manifest's prose names: constants, functions, and the targets of links.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::{Diagnostics, Problem};
use super::entry::Faults;
use super::model::Manifest;
use super::names::nearest;
use super::source::Source;

/// The keys whose values are prose.
const PROSE: [&str; 7] = ["summary", "doc", "case", "meaning", "message", "memory", "notes"];

/// One text of the manifest.
struct Text<'t> {
    /// As the reader of the reference sees it.
    words: &'t str,
    /// Where it stands in the file, quotes included.
    span: Range<usize>,
}

/// Every text that is prose.
fn texts<'t>(value: &'t Spanned<DeValue<'t>>, prose: bool, found: &mut Vec<Text<'t>>) {
    match value.get_ref() {
        DeValue::String(words) if prose => found.push(Text { words, span: value.span() }),
        DeValue::Array(items) => items.iter().for_each(|item| texts(item, prose, found)),
        DeValue::Table(table) => in_table(table, found),
        _ => {}
    }
}

fn in_table<'t>(table: &'t DeTable<'t>, found: &mut Vec<Text<'t>>) {
    for (key, value) in table {
        let key = key.get_ref().as_ref();
        if let ("topics", DeValue::Table(topics)) = (key, value.get_ref()) {
            topics.iter().for_each(|(_, text)| texts(text, true, found));
        } else {
            // `memory` of `[abi]` is a name, and no name of that kind is misspelt prose.
            texts(value, PROSE.contains(&key), found);
        }
    }
}

impl Text<'_> {
    /// Where a word of the text stands: exactly, unless its source is written with escapes.
    fn place(&self, word: &str, file: &str) -> Range<usize> {
        let at = file.get(self.span.clone()).and_then(|source| source.find(word));
        at.map_or(self.span.clone(), |at| self.span.start + at..self.span.start + at + word.len())
    }
}

impl Text<'_> {
    /// Notes links that lead nowhere.
    fn dead_links(&self, file: &str, anchors: &[String], exists: &dyn Fn(&str) -> bool, faults: &mut Faults) {
        for target in links(self.words) {
            let problem = match target.strip_prefix('#') {
                Some(anchor) if anchors.iter().any(|known| known == anchor) => continue,
                Some(anchor) => Problem::DeadAnchor {
                    nearest: nearest(anchor, anchors.iter().map(String::as_str)).map(|near| format!("#{near}")),
                    target: target.to_owned(),
                },
                None if target.contains("://") || exists(target.split('#').next().unwrap_or(target)) => continue,
                None => Problem::DeadFile { target: target.to_owned() },
            };
            faults.add(problem, self.place(target, file));
        }
    }
}

/// Notes constants and functions that prose names and nothing declares, where a declared one must have been meant.
pub fn names(root: &Spanned<DeValue<'_>>, file: &str, manifest: &Manifest, faults: &mut Faults) {
    let constants: Vec<&str> = manifest.constants.iter().map(|constant| constant.name.as_str()).collect();
    let functions = declared(manifest);
    let mut found = Vec::new();
    texts(root, false, &mut found);
    for text in &found {
        for word in upper_case(text.words) {
            if let Some(nearest) = misspelt_constant(word, &constants) {
                let problem = Problem::UnknownConstant { name: word.to_owned(), nearest };
                faults.add(problem, text.place(word, file));
            }
        }
        for word in code_spans(text.words).filter(|word| is_snake(word)) {
            let known = functions.iter().map(String::as_str);
            // `ext_table_` stands for all that begin so.
            let family = word.ends_with('_');
            if !functions.iter().any(|name| name == word || family && name.starts_with(word))
                && let Some(nearest) = nearest(word, known)
            {
                let problem = Problem::UnknownName { name: word.to_owned(), nearest: nearest.to_owned() };
                faults.add(problem, text.place(word, file));
            }
        }
    }
}

/// The constant that a word was meant to be, if it is none: `Some(None)` for a word that begins as some do and is
/// near to none. A word that begins as no constant does, and is near to none, is the name of something else.
fn misspelt_constant(word: &str, constants: &[&str]) -> Option<Option<String>> {
    let family = |name: &str| name.split('_').next().map(str::to_owned);
    let known = constants.contains(&word) || word.ends_with('_') && constants.iter().any(|name| name.starts_with(word));
    if known {
        return None;
    }
    let meant = nearest(word, constants.iter().copied()).map(str::to_owned);
    let related = constants.iter().any(|name| family(name) == family(word));
    (meant.is_some() || related).then_some(meant)
}

/// Everything that prose can name in lower case: functions, services, and what they take and give.
fn declared(manifest: &Manifest) -> Vec<String> {
    let functions = || {
        let exports = manifest.exports.iter().map(|export| &export.function);
        exports.chain(manifest.imports.iter().map(|import| &import.function))
    };
    let params = functions().flat_map(|function| &function.params);
    let items = manifest.services.iter().flat_map(|service| service.args.iter().chain(&service.reply));
    let fields = manifest.structs.iter().flat_map(|structure| &structure.fields);
    let expanded = params.clone().flat_map(|param| param.expanded()).map(|(name, _)| name);
    functions()
        .map(|function| function.name.clone())
        .chain(expanded)
        .chain(params.chain(items).map(|param| param.name.clone()))
        .chain(fields.map(|field| field.name.clone()))
        .chain(manifest.services.iter().map(|service| service.name.clone()))
        .chain(manifest.types.iter().map(|ty| ty.name.clone()))
        .chain(["bytes_mut".to_owned()])
        .collect()
}

/// The words in upper case with an underscore.
fn upper_case(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| {
        word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.contains(|c: char| c.is_ascii_lowercase())
    })
}

/// What stands between backticks, without the brackets of a call.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).map(|code| code.strip_suffix("()").unwrap_or(code))
}

fn is_snake(word: &str) -> bool {
    word.contains('_')
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The target of every Markdown link.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

impl Manifest {
    /// Checks that every link in the prose of a manifest leads somewhere. `anchors` are those of the document that the
    /// prose becomes, and `exists` tells whether a file lies where a link names it.
    ///
    /// # Errors
    ///
    /// The links that lead nowhere.
    pub fn check_links(source: &Source, anchors: &[String], exists: &dyn Fn(&str) -> bool) -> Result<(), Diagnostics> {
        let (text, padded) = (source.text(), source.padded());
        let mut faults = Faults::default();
        for part in &padded {
            let (document, _) = DeTable::parse_recoverable(part);
            let mut found = Vec::new();
            in_table(document.get_ref(), &mut found);
            found.iter().for_each(|prose| prose.dead_links(&text, anchors, exists, &mut faults));
        }
        if faults.0.is_empty() { Ok(()) } else { Err(Diagnostics::new(source, faults.0)) }
    }
}
