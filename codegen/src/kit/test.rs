//! The words in which a promise is tested: what the host is asked, and what it has to answer.

use super::assembler::{Code, Value, Width, Write};
use super::layout::{KEY, RECORD, RECORDS, ROOM, Texts};
use super::runtime::{Call, mark, record};
use crate::manifest::Manifest;

/// What became of a promise.
pub mod outcome {
    /// It has not been tested.
    pub const UNTESTED: u32 = 0;
    /// The host keeps it.
    pub const PASSED: u32 = 1;
    /// The host breaks it.
    pub const FAILED: u32 = 2;
    /// The host does not offer the service.
    pub const NOT_OFFERED: u32 = 3;
    /// Its test needs a promise that the host breaks.
    pub const NOT_JUDGED: u32 = 4;
}

/// What the room for an answer holds before.
pub const CANARY: u32 = 0xA5;
/// Bytes that a room has beyond what is expected, where its size does not matter.
const SPARE: u32 = 64;

/// A range of bytes, and how messages show it.
#[derive(Clone, Debug)]
pub struct Range {
    /// Where it begins.
    pub at: Value,
    /// How many bytes it has.
    pub length: Value,
    shown: String,
}

/// Text or bytes that the module has from the start, or a range that it makes.
pub trait Bytes {
    /// Where they lie.
    fn range(self, texts: &mut Texts) -> Range;
}

impl Bytes for &str {
    fn range(self, texts: &mut Texts) -> Range {
        let shown = match self.char_indices().nth(40) {
            Some((end, _)) => format!("{:?}...", &self[..end]),
            None => format!("{self:?}"),
        };
        Range { shown, ..self.as_bytes().range(texts) }
    }
}

impl Bytes for &[u8] {
    fn range(self, texts: &mut Texts) -> Range {
        let shown = format!("{} bytes", self.len());
        Range { at: texts.place(self).into(), length: (self.len() as u32).into(), shown }
    }
}

impl Bytes for &Range {
    fn range(self, _: &mut Texts) -> Range {
        self.clone()
    }
}

/// A table by its id, which is known or is the `which` of a message.
#[derive(Clone, Debug)]
pub struct Table {
    id: Value,
    shown: String,
}

impl From<u32> for Table {
    fn from(id: u32) -> Self {
        Self { id: id.into(), shown: id.to_string() }
    }
}

impl From<&Value> for Table {
    fn from(id: &Value) -> Self {
        Self { id: id.clone(), shown: "table {which}".to_owned() }
    }
}

/// A part of a request to the host.
#[derive(Clone, Debug)]
pub enum Part {
    /// A u32.
    Word(Value),
    /// An f64 of this value.
    Float(f64),
    /// Bytes.
    Bytes(Range),
}

/// The test of a promise, while it is written.
#[derive(Debug)]
pub struct Test<'m> {
    code: Code,
    texts: &'m mut Texts,
    manifest: &'m Manifest,
    next_table: u32,
    which: Value,
    observes: Vec<Observation>,
}

/// What tests of other promises observe a host by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The list of keys.
    Keys,
    /// The number of entries.
    Size,
}

impl Observation {
    /// The promises without which it tells nothing.
    pub fn rests_on(self) -> &'static [&'static str] {
        match self {
            Self::Keys => &["keys.lists", "keys.length", "keys.line-feeds"],
            Self::Size => &["size.absent-table", "size.counts"],
        }
    }
}

impl Write for Test<'_> {
    fn code(&mut self) -> &mut Code {
        &mut self.code
    }
}

impl<'m> Test<'m> {
    /// Begins the test of a promise, which gets tables of its own.
    pub fn new(number: u32, texts: &'m mut Texts, manifest: &'m Manifest) -> Self {
        let next_table = FIRST_TABLE + TABLES * number;
        Self { code: Code::new(0), texts, manifest, next_table, which: 0.into(), observes: Vec::new() }
    }

    /// The finished test of a promise. It is not judged if another promise is broken by which it observes the host;
    /// `numbers` gives the number of each promise.
    pub fn finish(mut self, number: u32, name: &str, numbers: impl Fn(&str) -> u32) -> wasm_encoder::Function {
        let mut before = Code::new(0);
        let record = |number: u32, part: u32| RECORDS + RECORD * number + part;
        for other in self.observes.iter().flat_map(|observation| observation.rests_on()) {
            // What a promise is about, its own test observes.
            if other.split('.').next() == name.split('.').next() {
                continue;
            }
            let is_broken = Value::from(record(numbers(other), record::OUTCOME)).word().equals(outcome::FAILED);
            let message = self.texts.place_counted(&format!("not judged, as its test needs {other}, which is broken"));
            before.when(is_broken, |code| {
                code.store(Width::Word, record(number, record::MESSAGE), message);
                code.answer(outcome::NOT_JUDGED);
            });
        }
        self.code.begin_with(before);
        self.code.finish(outcome::PASSED)
    }

    fn observe(&mut self, observation: Observation) {
        if !self.observes.contains(&observation) {
            self.observes.push(observation);
        }
    }

    /// A table that no other test uses.
    pub fn table(&mut self) -> u32 {
        self.next_table += 1;
        self.next_table
    }

    /// A constant of the manifest.
    ///
    /// # Panics
    ///
    /// If it does not declare it.
    pub fn constant(&self, name: &str) -> u32 {
        let constant = self.manifest.constant(name).unwrap_or_else(|| panic!("exports.toml has no constant {name}"));
        constant.value as u32
    }

    /// The version of the boundary.
    pub fn abi_version(&self) -> u32 {
        self.manifest.abi.version
    }

    /// The number of a service.
    ///
    /// # Panics
    ///
    /// If the manifest does not declare it.
    pub fn service(&self, name: &str) -> u32 {
        let service = self.manifest.services.iter().find(|service| service.name == name);
        u32::from(service.unwrap_or_else(|| panic!("exports.toml has no service {name}")).number)
    }

    // Bytes.

    /// The range of a text or of bytes.
    pub fn bytes(&mut self, bytes: impl Bytes) -> Range {
        bytes.range(self.texts)
    }

    /// A range that the test has made.
    pub fn made(&self, at: impl Into<Value>, length: impl Into<Value>, shown: &str) -> Range {
        Range { at: at.into(), length: length.into(), shown: shown.to_owned() }
    }

    /// Writes a text and a number behind it: the keys of a long list.
    pub fn numbered_at(&mut self, at: impl Into<Value>, text: &str, number: &Value) -> Range {
        let at = at.into();
        let text_range = self.bytes(text);
        self.run(Call::Copy.with([at.clone(), text_range.at, text_range.length]));
        let digits = Call::Decimal.with([at.clone() + text.len() as u32, number.clone()]);
        let length = self.local(digits + text.len() as u32);
        self.made(at, &length, &format!("\"{text}{{which}}\""))
    }

    /// Does as [`Self::numbered_at`] where keys are made.
    pub fn numbered(&mut self, text: &str, number: &Value) -> Range {
        self.numbered_at(KEY, text, number)
    }

    /// Writes a pattern into the room: a value of that length.
    pub fn pattern(&mut self, length: impl Into<Value>, seed: impl Into<Value>) -> Range {
        let length = self.local(length);
        self.run(Call::Fill.with([ROOM.into(), length.clone(), seed.into()]));
        self.made(ROOM, &length, "a value")
    }

    /// Overwrites a range.
    pub fn blank(&mut self, range: &Range) {
        self.run(Call::Blank.with([range.at.clone(), range.length.clone(), CANARY.into()]));
    }

    // Expectations.

    /// Says which of several the expectations of a block are about.
    pub fn about(&mut self, which: &Value, block: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.which, which.clone());
        block(self);
        self.which = outer;
    }

    /// Ends the test unless both are the same. The message has `{got}`, `{expected}` and `{which}`.
    pub fn expect(&mut self, got: impl Into<Value>, expected: impl Into<Value>, message: &str) {
        let message = self.message(message);
        let same = Call::Check.with([got.into(), expected.into(), self.which.clone(), message]);
        self.when(same.equals(0), |test| test.answer(outcome::FAILED));
    }

    fn message(&mut self, message: &str) -> Value {
        let marks = [("{got}", mark::GOT), ("{expected}", mark::EXPECTED), ("{which}", mark::WHICH)];
        let message = marks.iter().fold(message.to_owned(), |text, (name, mark)| text.replace(name, &mark.to_string()));
        self.texts.place_counted(&message).into()
    }

    /// The message of a call whose answer is wrong.
    fn answered(&self, call: &str) -> String {
        format!("{call} answered {{got}} in place of {{expected}}")
    }

    // Requests for tables, with the answer that each has to have.

    /// Calls `js_ext_table_set`, whatever it answers.
    pub fn try_set(&mut self, table: impl Into<Table>, key: impl Bytes, value: impl Bytes) -> Value {
        let (table, key, value) = (table.into(), self.bytes(key), self.bytes(value));
        self.local(Call::Set.with([table.id, key.at, key.length, value.at, value.length]))
    }

    /// Stores a value.
    pub fn set(&mut self, table: impl Into<Table>, key: impl Bytes, value: impl Bytes) {
        let (table, key, value) = (table.into(), self.bytes(key), self.bytes(value));
        let call = format!("js_ext_table_set({}, {}, {})", table.shown, key.shown, value.shown);
        let answer = self.try_set(table, &key, &value);
        let message = self.answered(&call);
        self.expect(answer, 0, &message);
    }

    /// Calls `js_ext_table_get` with a room of some size, whatever it answers.
    pub fn try_get(&mut self, table: impl Into<Table>, key: impl Bytes, room: impl Into<Value>) -> Value {
        let (table, key) = (table.into(), self.bytes(key));
        self.local(Call::Get.with([table.id, key.at, key.length, ROOM.into(), room.into()]))
    }

    /// Expects a value under a key, in a room of more than its size.
    pub fn has(&mut self, table: impl Into<Table>, key: impl Bytes, value: impl Bytes) {
        let (table, key, value) = (table.into(), self.bytes(key), self.bytes(value));
        let spare = value.length.clone() + SPARE;
        self.has_in_room(table, &key, &value, spare);
    }

    /// Expects a value under a key, in a room of this size.
    pub fn has_in_room(&mut self, table: impl Into<Table>, key: impl Bytes, value: impl Bytes, room: impl Into<Value>) {
        let (table, key, value) = (table.into(), self.bytes(key), self.bytes(value));
        let call = self.length(&table, &key, value.length.clone(), room.into());
        let wrong = Call::Unlike.with([ROOM.into(), value.at, value.length]);
        self.expect(wrong, -1, &format!("{call} gave another byte than was stored at offset {{got}}"));
    }

    /// Expects the value that [`Self::pattern`] makes of a length and a seed.
    pub fn has_pattern(
        &mut self,
        table: impl Into<Table>,
        key: impl Bytes,
        length: impl Into<Value>,
        seed: impl Into<Value>,
    ) {
        let (table, key, length) = (table.into(), self.bytes(key), self.local(length));
        let call = self.length(&table, &key, length.clone(), length.clone() + SPARE);
        let wrong = Call::UnlikePattern.with([ROOM.into(), length, seed.into()]);
        self.expect(wrong, -1, &format!("{call} gave another byte than was stored at offset {{got}}"));
    }

    /// Reads a value into the room, which is blank before, and expects its length.
    fn length(&mut self, table: &Table, key: &Range, length: Value, room: Value) -> String {
        let call = format!("js_ext_table_get({}, {})", table.shown, key.shown);
        self.run(Call::Blank.with([ROOM.into(), room.clone(), CANARY.into()]));
        let answer = self.try_get(table.clone(), key, room);
        let message = self.answered(&call);
        self.expect(answer, length, &message);
        call
    }

    /// Expects that a key is not there, whatever tells so: what has no bytes is no value either.
    pub fn lacks(&mut self, table: impl Into<Table>, key: impl Bytes) {
        let (table, key) = (table.into(), self.bytes(key));
        let call = format!("js_ext_table_get({}, {})", table.shown, key.shown);
        let answer = self.try_get(table, &key, SPARE);
        let message = self.answered(&call);
        self.when(Value::from(0).less(&answer), |test| test.expect(answer, -1, &message));
    }

    /// Expects the answer for a key that is not there.
    pub fn answers_absent(&mut self, table: impl Into<Table>, key: impl Bytes) {
        let (table, key) = (table.into(), self.bytes(key));
        let call = format!("js_ext_table_get({}, {})", table.shown, key.shown);
        let answer = self.try_get(table, &key, SPARE);
        let message = self.answered(&call);
        self.expect(answer, -1, &message);
    }

    /// Expects that a value of `needed` bytes does not fit a room: -1, or the negated number of bytes.
    pub fn does_not_fit(&mut self, call: &str, answer: &Value, needed: impl Into<Value>) {
        let needed = Value::from(0) - needed.into();
        self.when(answer.clone().differs(-1), |test| {
            test.expect(answer, needed, &format!("{call} answered {{got}} in place of -1 or {{expected}}"));
        });
    }

    /// Deletes a key.
    pub fn delete(&mut self, table: impl Into<Table>, key: impl Bytes) {
        let (table, key) = (table.into(), self.bytes(key));
        let call = format!("js_ext_table_delete({}, {})", table.shown, key.shown);
        let message = self.answered(&call);
        self.expect(Call::Delete.with([table.id, key.at, key.length]), 0, &message);
    }

    /// Calls `js_ext_table_delete`, whatever it answers.
    pub fn try_delete(&mut self, table: impl Into<Table>, key: &Range) {
        self.run(Call::Delete.with([table.into().id, key.at.clone(), key.length.clone()]));
    }

    /// Expects a number of entries.
    pub fn size(&mut self, table: impl Into<Table>, size: impl Into<Value>) {
        self.observe(Observation::Size);
        let table = table.into();
        let message = self.answered(&format!("js_ext_table_size({})", table.shown));
        self.expect(Call::Size.with([table.id]), size, &message);
    }

    /// Expects these keys, in a room of more than their size.
    pub fn keys(&mut self, table: impl Into<Table>, keys: &[&str]) {
        let list = keys.join("\n");
        let list = self.bytes(list.as_str());
        let room = list.length.clone() + SPARE;
        self.keys_in_room(table, &list, room);
    }

    /// Expects a list of keys, in a room of this size.
    pub fn keys_in_room(&mut self, table: impl Into<Table>, list: &Range, room: impl Into<Value>) {
        self.observe(Observation::Keys);
        let (table, room) = (table.into(), self.local(room));
        let call = format!("js_ext_table_keys({})", table.shown);
        self.run(Call::Blank.with([ROOM.into(), room.clone(), CANARY.into()]));
        let answer = Call::Keys.with([table.id, ROOM.into(), room]);
        let answer = self.local(answer);
        let message = format!("{} ({})", self.answered(&call), list.shown);
        self.expect(answer, &list.length, &message);
        let wrong = Call::Unlike.with([ROOM.into(), list.at.clone(), list.length.clone()]);
        self.expect(wrong, -1, &format!("{call} gave another byte than that of {} at offset {{got}}", list.shown));
    }

    // Requests for services.

    /// Writes a request where keys are made: the number of the service, then the parts.
    pub fn request(&mut self, service: impl Into<Value>, parts: &[Part]) -> Range {
        self.store(Width::Byte, KEY, service.into());
        let mut length = Value::from(1);
        for part in parts {
            let at = length.clone() + KEY;
            match part {
                Part::Word(word) => {
                    self.store(Width::Word, at, word);
                    length = length + 4;
                }
                Part::Float(number) => {
                    let bits = number.to_bits();
                    self.store(Width::Word, at.clone(), bits as u32);
                    self.store(Width::Word, at + 4, (bits >> 32) as u32);
                    length = length + 8;
                }
                Part::Bytes(range) => {
                    self.run(Call::Copy.with([at, range.at.clone(), range.length.clone()]));
                    length = length + &range.length;
                }
            }
        }
        self.made(KEY, length, "a request")
    }

    /// Asks a service; the answer. The reply lies in the room, which is blank before.
    pub fn ask(&mut self, service: &str, parts: &[Part], room: impl Into<Value>) -> Value {
        let room = self.local(room);
        let service = self.service(service);
        let request = self.request(service, parts);
        self.run(Call::Blank.with([ROOM.into(), room.clone(), CANARY.into()]));
        self.try_get(0, &request, room)
    }

    /// Expects that a service answers with this many bytes.
    pub fn serves(&mut self, service: &str, parts: &[Part], room: impl Into<Value>, length: impl Into<Value>) {
        let answer = self.ask(service, parts, room);
        self.expect(answer, length, &format!("the service {service} answered {{got}} in place of {{expected}}"));
    }

    /// Expects that a service of a reply of numbers has all of it, in the room that a module gives it.
    pub fn replies(&mut self, service: &str, parts: &[Part], least: u32) {
        let answer = self.ask(service, parts, SPARE);
        let text =
            format!("the service {service} answered {{got}}, no length of a reply of {{expected}} bytes or more");
        self.unless_within(&answer, least, SPARE, &text);
    }

    /// Expects that a service answers the negated size of its reply to a request with less room, and the reply to the
    /// next.
    pub fn needs_room(&mut self, service: &str, parts: &[Part]) {
        let length = self.ask(service, parts, SPARE);
        // Of one byte there is no negated size.
        for less in [1, 2] {
            self.when(Value::from(less).less(&length), |test| {
                let answer = test.ask(service, parts, length.clone() - less);
                let needed = Value::from(0) - &length;
                let text = format!("the service {service} with {less} bytes of room too few answered {{got}}");
                test.expect(answer, needed, &format!("{text} in place of {{expected}}"));
            });
        }
        self.serves(service, parts, &length, &length);
    }

    /// Ends the test unless a number is from one to another, with signs.
    pub fn unless_within(&mut self, got: &Value, least: impl Into<Value>, most: impl Into<Value>, message: &str) {
        let (least, most) = (least.into(), most.into());
        let outside = got.clone().less(&least).or(most.less(got));
        self.when(outside, |test| {
            let message = test.message(message);
            test.run(Call::Check.with([got.clone(), least, test.which.clone(), message]));
            test.answer(outcome::FAILED);
        });
    }

    /// The services that the host offers, a bit for each, and the longest string that its tables take.
    pub fn negotiated(&mut self) -> (Value, Value) {
        let answer = self.ask("negotiate", &[Part::Word(self.abi_version().into())], SPARE);
        let (services, longest) = (self.local(0), self.constant("VALUE_LIMIT"));
        let longest = self.local(longest);
        let is_reply = |length: i32| answer.clone().less(SPARE + 1).and(Value::from(length - 1).less(&answer));
        self.when(is_reply(4), |test| test.assign(&services, Value::from(ROOM).word()));
        self.when(is_reply(8), |test| test.assign(&longest, Value::from(ROOM + 4).word()));
        let least = self.constant("VALUE_LIMIT_LEAST");
        self.when(longest.clone().below(least), |test| test.assign(&longest, least));
        (services, longest)
    }

    /// Ends the test with "not offered" unless the host offers a service.
    pub fn needs(&mut self, service: &str) {
        let bit = 1_u32 << self.service(service);
        let (services, _) = self.negotiated();
        self.when(services.and(bit).equals(0), |test| test.answer(outcome::NOT_OFFERED));
    }
}

/// Before the first table of the first promise. Tests of ids use tables below.
const FIRST_TABLE: u32 = 100_000;
/// How many tables a promise has for itself.
const TABLES: u32 = 100;
