//! Reads one table of the manifest key by key, noting everything that is wrong with it and going on.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::{Fault, Problem};
use super::model::Word;
use super::names::{Case, Use, nearest, reserved};

/// Collects what is wrong.
#[derive(Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes a problem at a place.
    pub fn add(&mut self, problem: Problem, span: Range<usize>) {
        self.0.push(Fault { problem, span, related: None });
    }

    /// Notes a problem at a place that has to do with an earlier one.
    pub fn add_related(&mut self, problem: Problem, span: Range<usize>, related: Range<usize>, label: &'static str) {
        self.0.push(Fault { problem, span, related: Some((related, label)) });
    }
}

/// A key that an entry may have.
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// For one that has to be there: how to add it.
    pub remedy: Option<&'static str>,
}

/// A key that may be left out.
pub const fn optional(name: &'static str) -> Key {
    Key { name, remedy: None }
}

/// A key that has to be there, with how to add it.
pub const fn required(name: &'static str, remedy: &'static str) -> Key {
    Key { name, remedy: Some(remedy) }
}

/// One table of the manifest.
pub struct Entry<'t> {
    table: &'t DeTable<'t>,
    owner: String,
    span: Range<usize>,
}

impl<'t> Entry<'t> {
    /// Takes a table whose keys are known, and notes those that are not and those that are missing.
    pub fn new(kind: &str, value: &'t Spanned<DeValue<'t>>, keys: &'static [Key], faults: &mut Faults) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            let problem =
                Problem::WrongKind { key: kind.to_owned(), expected: "a table", found: kind_of(value.get_ref()) };
            faults.add(problem, value.span());
            return None;
        };
        let name = ["name", "title", "case"].iter().find_map(|key| lookup(table, key).map(|(_, value)| value));
        let owner = match name.and_then(|value| value.get_ref().as_str()) {
            Some(name) => format!("{kind} `{name}`"),
            None => kind.to_owned(),
        };
        let span = name.map_or_else(|| value.span(), Spanned::span);
        let entry = Self { table, owner, span };
        entry.check_keys(keys, faults);
        Some(entry)
    }

    fn check_keys(&self, keys: &'static [Key], faults: &mut Faults) {
        for key in self.table.keys() {
            if keys.iter().any(|known| known.name == key.get_ref()) {
                continue;
            }
            let problem = Problem::UnknownKey {
                key: key.get_ref().to_string(),
                owner: self.owner.clone(),
                nearest: nearest(key.get_ref(), keys.iter().map(|known| known.name)).map(str::to_owned),
                known: keys.iter().map(|known| known.name.to_owned()).collect(),
            };
            faults.add(problem, key.span());
        }
        for key in keys {
            if let Some(remedy) = key.remedy
                && lookup(self.table, key.name).is_none()
            {
                let problem = Problem::MissingKey { key: key.name, owner: self.owner.clone(), remedy };
                faults.add(problem, self.span.clone());
            }
        }
    }

    /// The place where the entry is named, or else where it starts.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The place of a key's value, or else of the entry.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.value(key).map_or_else(|| self.span(), Spanned::span)
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        lookup(self.table, key).map(|(_, value)| value)
    }

    /// A text that is not empty, without white space around it.
    pub fn text(&self, key: &str, faults: &mut Faults) -> Option<String> {
        let value = self.value(key)?;
        let text = self.expect(key, value, "a string", faults, DeValue::as_str)?.trim();
        if text.is_empty() {
            let problem = Problem::Empty { key: key.to_owned(), owner: self.owner.clone() };
            faults.add(problem, value.span());
        }
        Some(text.to_owned())
    }

    /// A text as it is, white space included.
    pub fn raw_text(&self, key: &str, faults: &mut Faults) -> Option<String> {
        let value = self.value(key)?;
        self.expect(key, value, "a string", faults, DeValue::as_str).map(str::to_owned)
    }

    /// Whether a key is there and true.
    pub fn flag(&self, key: &str, faults: &mut Faults) -> bool {
        let flag = self.value(key).and_then(|value| self.expect(key, value, "a boolean", faults, DeValue::as_bool));
        flag.unwrap_or_default()
    }

    /// A name of the given spelling that nothing else uses.
    pub fn name(&self, key: &str, what: &'static str, case: Case, faults: &mut Faults) -> Option<String> {
        let name = self.text(key, faults)?;
        let span = self.span_of(key);
        let used_as = match what {
            "a function" => Use::Function,
            "a struct" => Use::Struct,
            _ => Use::Other,
        };
        if let Some(owner) = reserved(&name, used_as) {
            faults.add(Problem::Reserved { name: name.clone(), owner }, span);
        } else if !case.fits(&name) && !name.is_empty() {
            faults.add(Problem::Spelling { what, name: name.clone(), case }, span);
        }
        Some(name)
    }

    /// An integer within bounds.
    pub fn integer(&self, key: &str, bounds: (i64, i64), faults: &mut Faults) -> Option<i64> {
        let value = self.value(key)?;
        let integer = self.expect(key, value, "an integer", faults, DeValue::as_integer)?;
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fits = number.filter(|number| (bounds.0..=bounds.1).contains(number));
        if fits.is_none() {
            let what = format!("`{key}` of {}:", self.owner);
            let (min, max) = bounds;
            faults.add(Problem::OutOfRange { what, value: integer.to_string(), min, max }, value.span());
        }
        fits
    }

    /// Whether an integer is written in hexadecimal.
    pub fn is_hex(&self, key: &str) -> bool {
        let integer = self.value(key).and_then(|value| value.get_ref().as_integer());
        integer.is_some_and(|integer| integer.radix() == 16)
    }

    /// A word of an enumeration.
    pub fn word<T: Word>(&self, key: &str, what: &'static str, faults: &mut Faults) -> Option<T> {
        let value = self.value(key)?;
        word_in(value, key, what, faults)
    }

    /// A list of words of an enumeration.
    pub fn words<T: Word>(&self, key: &str, what: &'static str, faults: &mut Faults) -> Vec<T> {
        self.list(key, faults).iter().filter_map(|value| word_in(value, key, what, faults)).collect()
    }

    /// A list of texts.
    pub fn texts(&self, key: &str, faults: &mut Faults) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.list(key, faults) {
            if let Some(text) = self.expect(key, value, "a list of strings", faults, DeValue::as_str) {
                texts.push(text.trim().to_owned());
            }
        }
        texts
    }

    /// The tables in a list.
    pub fn entries(&self, key: &str, kind: &str, keys: &'static [Key], faults: &mut Faults) -> Vec<Entry<'t>> {
        self.list(key, faults).iter().filter_map(|value| Entry::new(kind, value, keys, faults)).collect()
    }

    /// A table under a key.
    pub fn entry(&self, key: &str, kind: &str, keys: &'static [Key], faults: &mut Faults) -> Option<Entry<'t>> {
        Entry::new(kind, self.value(key)?, keys, faults)
    }

    fn list(&self, key: &str, faults: &mut Faults) -> &'t [Spanned<DeValue<'t>>] {
        let list = self.value(key).and_then(|value| self.expect(key, value, "a list", faults, DeValue::as_array));
        list.map_or(&[], |list| list)
    }

    fn expect<'v, T>(
        &self,
        key: &str,
        value: &'v Spanned<DeValue<'t>>,
        expected: &'static str,
        faults: &mut Faults,
        get: impl Fn(&'v DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let got = get(value.get_ref());
        if got.is_none() {
            let problem = Problem::WrongKind { key: key.to_owned(), expected, found: kind_of(value.get_ref()) };
            faults.add(problem, value.span());
        }
        got
    }
}

fn word_in<T: Word>(value: &Spanned<DeValue<'_>>, key: &str, what: &'static str, faults: &mut Faults) -> Option<T> {
    let Some(word) = value.get_ref().as_str() else {
        let problem = Problem::WrongKind { key: key.to_owned(), expected: "a string", found: kind_of(value.get_ref()) };
        faults.add(problem, value.span());
        return None;
    };
    let member = T::from_word(word);
    if member.is_none() {
        let known = T::WORDS.iter().map(|&(name, _)| name);
        let problem = Problem::UnknownWord {
            word: word.to_owned(),
            what,
            nearest: nearest(word, known.clone()).map(str::to_owned),
            known: known.map(str::to_owned).collect(),
        };
        faults.add(problem, value.span());
    }
    member
}

fn lookup<'t>(
    table: &'t DeTable<'t>,
    name: &str,
) -> Option<(&'t Spanned<std::borrow::Cow<'t, str>>, &'t Spanned<DeValue<'t>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
