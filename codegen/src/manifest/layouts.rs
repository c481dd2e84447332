//! Reads layouts: what bytes consist of that cross the boundary, item by item.

use super::diagnostics::Problem;
use super::entry::{Entry, Faults};
use super::keys;
use super::model::Place;
use super::names::{Case, nearest};
use super::types::Scalar;

/// `[[layout]]`: bytes that cross.
#[derive(Clone, Debug)]
pub struct Layout {
    /// `snake_case` name.
    pub name: String,
    /// Who writes the bytes.
    pub from: Writer,
    /// Whether more may follow, which readers ignore.
    pub open: bool,
    /// What the bytes are, one after another, without padding.
    pub items: Vec<Item>,
    /// What they are for.
    pub doc: String,
}

/// Who writes bytes, and with it, who has to read what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The module, for the host.
    Module,
    /// The host, for the module.
    Host,
    /// Either, for either: what is stored.
    Both,
}

/// One item of a layout.
#[derive(Clone, Debug)]
pub struct Item {
    /// `snake_case` name.
    pub name: String,
    /// What it is.
    pub ty: ItemType,
    /// How many there are; for bytes and text, how long they are.
    pub count: Count,
    /// For values: where they stand, if not where the layout itself does.
    pub place: Option<Place>,
    /// For values: the only tags that they may have.
    pub tags: Vec<String>,
    /// For values: what they may not be, as `nil` and `nan`.
    pub except: Vec<String>,
    /// For numbers: the least. For bytes and text: the fewest bytes.
    pub min: Option<i64>,
    /// For numbers: the most. For bytes and text: the most bytes.
    pub max: Option<i64>,
    /// For bytes and text: what this version gives them. Others have the same form.
    pub known: Vec<String>,
    /// For numbers: the tag whose values, in their order from 0, the number is one of.
    pub index_of: Option<String>,
    /// For a value that is a string: the layout of its bytes.
    pub holds: Option<String>,
    /// What separates one from the next.
    pub joined: Option<String>,
    /// For keys: the rule of the grammar.
    pub rule: Option<String>,
    /// What it means; empty if its name says it.
    pub doc: String,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemType {
    /// A number.
    Scalar(Scalar),
    /// A `[[type]]` of the manifest.
    Named(String, Scalar),
    /// Any bytes.
    Bytes,
    /// UTF-8.
    Text,
    /// A value: a tag and what follows it.
    Value,
    /// A key of an external table, as text.
    Key,
    /// One of the constants whose names begin so, and what follows it, as `CALL_`.
    Family(String),
    /// This constant and what follows it.
    Constant(String),
    /// What another layout consists of.
    Layout(String),
}

impl ItemType {
    /// Name in the manifest.
    pub fn name(&self) -> &str {
        match self {
            Self::Scalar(scalar) => scalar.name(),
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::Value => "value",
            Self::Key => "key",
            Self::Named(name, _) | Self::Family(name) | Self::Constant(name) | Self::Layout(name) => name,
        }
    }

    /// The number that it is.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) | Self::Named(_, scalar) => Some(*scalar),
            _ => None,
        }
    }
}

/// How many of an item there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// One.
    One,
    /// One, or none if the bytes end before.
    Optional,
    /// As many as there are up to the end.
    Rest,
    /// As many as an earlier item says, less a number.
    Of {
        /// The item.
        name: String,
        /// What is taken from it.
        less: i64,
    },
}

/// What the items of layouts can name.
#[derive(Debug, Default)]
pub struct Known {
    /// The named types.
    pub types: Vec<(String, Scalar)>,
    /// All constants.
    pub constants: Vec<String>,
    /// All layouts.
    pub layouts: Vec<String>,
    /// The rules of keys.
    pub rules: Vec<String>,
}

impl Known {
    /// Reads a layout.
    pub fn layout(&self, entry: &Entry<'_>, faults: &mut Faults) -> Option<Layout> {
        let name = entry.name("name", "a layout", Case::Snake, faults);
        let from = entry.word("from", "writer", faults);
        let open = entry.flag("open", faults);
        let items = self.items(entry, faults);
        let doc = entry.text("doc", faults);
        Some(Layout { name: name?, from: from?, open, items, doc: doc? })
    }

    /// Reads the items of a layout, or of what follows a constant.
    pub fn items(&self, entry: &Entry<'_>, faults: &mut Faults) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for entry in entry.entries("items", "item", keys::ITEM, faults) {
            let Some(item) = self.item(&entry, &items, faults) else { continue };
            if items.iter().any(|other| other.name == item.name) {
                faults.add(Problem::Duplicate { what: "item", name: item.name.clone() }, entry.span());
            }
            items.push(item);
        }
        items
    }

    fn item(&self, entry: &Entry<'_>, earlier: &[Item], faults: &mut Faults) -> Option<Item> {
        let name = entry.name("name", "an item", Case::Snake, faults);
        let ty = self.item_type(entry, faults);
        let count = count(entry, earlier, faults);
        let place = entry.word("place", "place", faults);
        let tags = entry.texts("tags", faults);
        for tag in &tags {
            unknown("constant", tag, &self.constants, entry, "tags", faults);
        }
        let any = (i64::MIN, i64::MAX);
        let (min, max) = (entry.integer("min", any, faults), entry.integer("max", any, faults));
        let index_of = entry.text("index_of", faults);
        if let Some(tag) = &index_of {
            unknown("constant", tag, &self.constants, entry, "index_of", faults);
        }
        let rule = entry.text("rule", faults);
        if let Some(rule) = &rule {
            unknown("rule", rule, &self.rules, entry, "rule", faults);
        }
        Some(Item {
            name: name?,
            ty: ty?,
            count: count?,
            place,
            tags,
            except: entry.texts("except", faults),
            min,
            max,
            known: entry.texts("known", faults),
            index_of,
            holds: self.reference(entry, "holds", faults),
            joined: entry.raw_text("joined", faults),
            rule,
            doc: entry.text("doc", faults).unwrap_or_default(),
        })
    }

    fn item_type(&self, entry: &Entry<'_>, faults: &mut Faults) -> Option<ItemType> {
        let name = entry.text("type", faults)?;
        let scalar = Scalar::ALL.into_iter().find(|scalar| scalar.name() == name);
        let named = self.types.iter().find(|(other, _)| *other == name);
        let family = name.ends_with('_') && self.constants.iter().any(|constant| constant.starts_with(&name));
        Some(match (scalar, named, name.as_str()) {
            (Some(scalar), ..) => ItemType::Scalar(scalar),
            (_, Some((name, scalar)), _) => ItemType::Named(name.clone(), *scalar),
            (.., "bytes") => ItemType::Bytes,
            (.., "text") => ItemType::Text,
            (.., "value") => ItemType::Value,
            (.., "key") => ItemType::Key,
            _ if family => ItemType::Family(name),
            _ if self.constants.contains(&name) => ItemType::Constant(name),
            _ => {
                let words = ["bytes", "text", "value", "key"].map(str::to_owned);
                let scalars = Scalar::ALL.map(|scalar| scalar.name().to_owned());
                let types = self.types.iter().map(|(name, _)| name.clone());
                let known: Vec<_> = scalars.into_iter().chain(words).chain(types).collect();
                let known = [known, self.layouts.clone()].concat();
                unknown("type of an item", &name, &known, entry, "type", faults);
                ItemType::Layout(name)
            }
        })
    }

    /// The name of a layout under a key.
    pub fn reference(&self, entry: &Entry<'_>, key: &'static str, faults: &mut Faults) -> Option<String> {
        let name = entry.text(key, faults)?;
        unknown("layout", &name, &self.layouts, entry, key, faults);
        Some(name)
    }
}

/// Notes a name that nothing declares.
pub fn unknown(what: &'static str, name: &str, known: &[String], entry: &Entry<'_>, key: &str, faults: &mut Faults) {
    if !known.iter().any(|other| other == name) {
        let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        let problem = Problem::Unknown { what, name: name.to_owned(), nearest, known: known.to_vec() };
        faults.add(problem, entry.span_of(key));
    }
}

/// Reads `count`: `rest`, or the name of an earlier item, perhaps less a number.
fn count(entry: &Entry<'_>, earlier: &[Item], faults: &mut Faults) -> Option<Count> {
    let optional = entry.flag("optional", faults);
    let Some(text) = entry.text("count", faults) else {
        return Some(if optional { Count::Optional } else { Count::One });
    };
    if text == "rest" {
        return Some(Count::Rest);
    }
    let (name, less) = text.split_once(" - ").unwrap_or((&text, "0"));
    let known: Vec<_> =
        earlier.iter().filter(|item| item.ty.scalar().is_some()).map(|item| item.name.clone()).collect();
    match less.parse::<i64>() {
        Ok(less) if less >= 0 && known.iter().any(|other| other == name) => {
            Some(Count::Of { name: name.to_owned(), less })
        }
        _ => {
            unknown("count", &text, &[known, vec!["rest".to_owned()]].concat(), entry, "count", faults);
            None
        }
    }
}
