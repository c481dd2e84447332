//! Describes layouts, the grammar of keys and stored tables in Markdown.

use std::fmt::Write;

use super::states;
use super::text::table;
use crate::manifest::{Count, Item, ItemType, Manifest, Stored, StoredEntry};

/// The text of a topic, in which each line `{layout NAME}`, `{grammar}`, `{stored}`, `{states}` or `{runtimes}`
/// is replaced by what it names.
pub fn expand(text: &str, manifest: &Manifest) -> String {
    let lines = text.lines().map(|line| {
        let Some(name) = line.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return line.to_owned() };
        let expanded = match name.split_once(' ') {
            Some(("layout", name)) => {
                let layout = manifest.layouts.iter().find(|layout| layout.name == name);
                layout.map(|layout| items(&layout.items))
            }
            None if name == "grammar" => Some(grammar(manifest)),
            None if name == "states" => Some(states::states(manifest)),
            None if name == "runtimes" => Some(states::runtimes(&manifest.runtimes)),
            None if name == "stored" => Some(stored(&manifest.stored)),
            _ => None,
        };
        expanded.map_or_else(|| line.to_owned(), |text| text.trim_end().to_owned())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What belongs to a constant, in one sentence: `length: u32, string: length bytes`.
pub fn sentence(items: &[Item]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    let item = |item: &Item| {
        let noun = noun(item, true);
        let name = item.name.replace('_', " ");
        match &item.count {
            Count::One => format!("{name}: {noun}"),
            Count::Optional => format!("{name}: {noun}, if there is more"),
            Count::Rest => format!("{name}: {}, to the end", plural(item, noun)),
            Count::Of { .. } => format!("{name}: {} {}", how_many(item), plural(item, noun)),
        }
    };
    items.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn plural(item: &Item, noun: String) -> String {
    match item.ty {
        ItemType::Bytes => noun,
        ItemType::Text => format!("bytes of {noun}"),
        _ => noun + "s",
    }
}

/// A table of items.
pub fn items(items: &[Item]) -> String {
    let rows = items.iter().map(|item| {
        let count = match &item.count {
            Count::One => String::new(),
            _ => how_many(item),
        };
        [format!("`{}`", item.name), noun(item, false), count, item.doc.clone()]
    });
    table(["Item", "What it is", "How many", "Meaning"], rows)
}

fn how_many(item: &Item) -> String {
    match &item.count {
        Count::One => "one".to_owned(),
        Count::Optional => "one, or none at the end".to_owned(),
        Count::Rest => "to the end".to_owned(),
        Count::Of { name, less: 0 } => name.clone(),
        Count::Of { name, less } => format!("{name} - {less}"),
    }
}

/// What an item is, with what it has to be. `short` leaves out what a table tells beside it.
fn noun(item: &Item, short: bool) -> String {
    let mut noun = match &item.ty {
        ItemType::Value => "value".to_owned(),
        ItemType::Layout(name) if short => name.clone(),
        ItemType::Layout(name) => format!("[{name}](#layout-{name})"),
        ItemType::Family(prefix) => format!("one of the `{prefix}` constants and what follows it"),
        ItemType::Constant(name) => format!("`{name}` and what follows it"),
        ItemType::Named(_, scalar) if short => format!("`{}`", scalar.name()),
        ItemType::Named(name, _) => format!("`{name}`"),
        ItemType::Scalar(scalar) => format!("`{}`", scalar.name()),
        ItemType::Bytes => "bytes".to_owned(),
        ItemType::Text => "UTF-8".to_owned(),
        ItemType::Key => "key".to_owned(),
    };
    let length = matches!(item.ty, ItemType::Bytes | ItemType::Text);
    let unit = if length { " bytes" } else { "" };
    match (item.min, item.max) {
        (Some(min), Some(max)) if min == max => drop(write!(noun, " ({min}{unit})")),
        (Some(min), Some(max)) => drop(write!(noun, " ({min} to {max}{unit})")),
        (Some(min), None) => drop(write!(noun, " (at least {min}{unit})")),
        (None, Some(max)) => drop(write!(noun, " (at most {max}{unit})")),
        (None, None) => {}
    }
    if !item.tags.is_empty() {
        let tags: Vec<_> = item.tags.iter().map(|tag| format!("`{tag}`")).collect();
        let _ = write!(noun, " ({})", tags.join(" or "));
    }
    if !item.except.is_empty() {
        let names: Vec<_> = item.except.iter().map(|name| if name == "nan" { "NaN" } else { name }).collect();
        let _ = write!(noun, " (but {})", names.join(" and "));
    }
    if let Some(holds) = &item.holds {
        let _ = write!(noun, " whose bytes are [{holds}](#layout-{holds})");
    }
    if let Some(tag) = &item.index_of {
        let _ = write!(noun, " of a `{tag}`, from 0");
    }
    if let Some(joined) = &item.joined {
        let between = if joined == "\n" { "a line feed".to_owned() } else { format!("`{joined}`") };
        let _ = write!(noun, ", {between} between two");
    }
    if let (Some(place), false) = (item.place, short) {
        let _ = write!(noun, ", {}", place.phrase());
    }
    noun
}

/// The rules as a block of EBNF.
fn grammar(manifest: &Manifest) -> String {
    let width = manifest.rules.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let lines = manifest.rules.iter().map(|rule| {
        let name = &rule.name;
        format!("{name:width$} = {} ;", rule.text)
    });
    let said = manifest.rules.iter().filter(|rule| !rule.doc.is_empty());
    let said: String = said.map(|rule| format!("\n- `{}`: {}", rule.name, rule.doc)).collect();
    format!("```text\n{}\n```\n{said}", lines.collect::<Vec<_>>().join("\n"))
}

/// What each kind of stored table has.
fn stored(tables: &[Stored]) -> String {
    let row = |table: &Stored, entry: &StoredEntry| {
        let key = entry.rule.as_ref().map_or_else(|| format!("`{}`", entry.key), |rule| format!("any `{rule}`"));
        let layout = &entry.layout;
        let optional = if entry.optional { "may be absent" } else { "" };
        let doc = entry.doc.clone();
        [table.name.clone(), key, format!("[{layout}](#layout-{layout})"), optional.to_owned(), doc]
    };
    let rows = tables.iter().flat_map(|table| table.entries.iter().map(move |entry| row(table, entry)));
    table(["Table", "Key", "Value", "", "What it is"], rows)
}
