//! Encoded values, read by a decoder that shares nothing with the guest, and bytes that encode nothing.

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use core::ffi::c_int;

use crate::call::frame;
use crate::ext::reference::Reference;
use crate::libc::testing::Random;
use crate::lua::{self, State, ffi};
use crate::plain::codec::{push_plain, write_plain};
use crate::plain::window::Window;
use crate::values::write::write_results;
use crate::{machine, native_host};

/// A decoded value. Tables stand in [`Decoder::tables`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Nil,
    Boolean(bool),
    Integer(i64),
    /// By its bits.
    Float(u64),
    String(Vec<u8>),
    LibraryFunction(String),
    External(u32),
    Table(usize),
    Opaque(u8, String),
}

/// A decoded table: its elements from 1 on, and its other entries.
#[derive(Debug, Default)]
struct Table {
    elements: Vec<Value>,
    entries: Vec<(Value, Value)>,
}

impl Table {
    fn into_map(self) -> BTreeMap<Value, Value> {
        let count = self.elements.len() + self.entries.len();
        let elements = self.elements.into_iter().enumerate().map(|(n, value)| (Value::Integer(n as i64 + 1), value));
        let map: BTreeMap<_, _> = elements.chain(self.entries).collect();
        assert_eq!(map.len(), count, "no key stands twice");
        map
    }
}

/// Reads results as `exports.toml` describes them.
struct Decoder<'a> {
    rest: &'a [u8],
    tables: Vec<Table>,
}

/// A table that is being read.
struct Open {
    number: usize,
    elements: u32,
    entries: u32,
    key: Option<Value>,
}

impl<'a> Decoder<'a> {
    /// The results in the order in which they were returned, and the tables.
    fn decode(bytes: &'a [u8]) -> (Vec<Value>, Vec<Table>) {
        let mut decoder = Decoder { rest: bytes, tables: Vec::new() };
        let last = decoder.value();
        let mut values = Vec::new();
        if !decoder.rest.is_empty() {
            assert_eq!(decoder.byte(), 0x0B);
            let count = decoder.number();
            assert!(count > 1, "one result needs no list");
            values.extend((1..count).map(|_| decoder.value()));
        }
        values.push(last);
        assert!(decoder.rest.is_empty(), "{} bytes are left", decoder.rest.len());
        (values, decoder.tables)
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(n);
        self.rest = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn eight(&mut self) -> [u8; 8] {
        self.take(8).try_into().expect("eight bytes")
    }

    fn text(&mut self) -> Vec<u8> {
        let length = self.number();
        self.take(length as usize).to_vec()
    }

    fn string(&mut self) -> String {
        String::from_utf8(self.text()).expect("names are text")
    }

    /// A value whole. Nested tables take no stack.
    fn value(&mut self) -> Value {
        let mut open = Vec::new();
        let first = self.begin(&mut open);
        while let Some(Open { number, elements, entries, key }) = open.last_mut() {
            let number = *number;
            if *elements > 0 {
                *elements -= 1;
                let value = self.begin(&mut open);
                self.tables[number].elements.push(value);
            } else if let Some(key) = key.take() {
                let value = self.begin(&mut open);
                self.tables[number].entries.push((key, value));
            } else if *entries > 0 {
                *entries -= 1;
                let read = self.begin(&mut open);
                // What the key opened stands above; its own table comes next again.
                let own = open.iter_mut().rev().find(|table| table.number == number).expect("it is open");
                own.key = Some(read);
            } else {
                open.pop();
            }
        }
        first
    }

    fn begin(&mut self, open: &mut Vec<Open>) -> Value {
        match self.byte() {
            0x00 => Value::Nil,
            0x01 => Value::Boolean(self.byte() != 0),
            0x02 => Value::Integer(i64::from_le_bytes(self.eight())),
            0x03 => Value::Float(u64::from_le_bytes(self.eight())),
            0x04 => Value::String(self.text()),
            0x06 => Value::LibraryFunction(self.string()),
            0x07 => Value::External(self.number()),
            0x08 => {
                let number = self.tables.len();
                self.tables.push(Table::default());
                let (elements, entries) = (self.number(), self.number());
                open.push(Open { number, elements, entries, key: None });
                Value::Table(number)
            }
            0x09 => {
                let number = self.number() as usize;
                assert!(number < self.tables.len(), "table {number} has not appeared");
                Value::Table(number)
            }
            0x0A => Value::Opaque(self.byte(), self.string()),
            tag => panic!("tag {tag}"),
        }
    }
}

/// The one machine, for encoding.
struct Encoder {
    state: *mut State,
    _guard: std::sync::MutexGuard<'static, ()>,
}

/// What a protected function is to write, and where.
struct Job<'a> {
    out: &'a mut [u8],
    start: usize,
    position: usize,
    kept: usize,
}

unsafe extern "C-unwind" fn write_all(state: *mut State) -> c_int {
    // SAFETY: `Encoder::window` passes its job above the results.
    unsafe {
        let job = &mut *ffi::lua_touserdata(state, -1).cast::<Job<'_>>();
        lua::pop(state, 1);
        let mut window = Window::new(job.out, job.start);
        write_results(state, 1, &mut window);
        (job.position, job.kept) = (window.position(), window.kept());
    }
    0
}

impl Encoder {
    fn new() -> Self {
        let guard = native_host::exclusive();
        assert!(machine::start());
        Self { state: frame::state().expect("the machine was started"), _guard: guard }
    }

    /// Runs a chunk, whose results are then on the stack.
    fn run(&self, code: &str) {
        let state = self.state;
        // SAFETY: the state is live and between calls; the code is read while it lives.
        unsafe {
            ffi::lua_settop(state, 0);
            let (start, length) = (code.as_ptr().cast(), code.len());
            let mut status = ffi::luaL_loadbufferx(state, start, length, c"=test".as_ptr(), c"t".as_ptr());
            if status == lua::OK {
                status = lua::pcall(state, 0, lua::MULTRET, 0);
            }
            assert_eq!(status, lua::OK, "{}", lua::bytes(state, -1).escape_ascii());
        }
    }

    /// The bytes of the results on the stack that a window keeps, and how many there are in all.
    fn window(&self, start: usize, length: usize) -> (Vec<u8>, usize) {
        let mut out = vec![0xA5; length];
        let mut job = Job { out: &mut out, start, position: 0, kept: 0 };
        let state = self.state;
        // SAFETY: the state is live and between calls; the job outlives the call.
        let (position, kept) = unsafe {
            let results = ffi::lua_gettop(state);
            assert_ne!(ffi::lua_checkstack(state, results + 3), 0);
            lua::push_function(state, write_all);
            (1..=results).for_each(|index| ffi::lua_pushvalue(state, index));
            ffi::lua_pushlightuserdata(state, (&raw mut job).cast());
            let status = lua::pcall(state, results + 1, 0, 0);
            assert_eq!(status, lua::OK, "{}", lua::bytes(state, -1).escape_ascii());
            assert_eq!(ffi::lua_gettop(state), results, "the results stay");
            (job.position, job.kept)
        };
        assert!(out[kept..].iter().all(|b| *b == 0xA5), "nothing is written behind what was kept");
        out.truncate(kept);
        (out, position)
    }

    /// All bytes of the results on the stack.
    fn whole(&self) -> Vec<u8> {
        let (_, size) = self.window(0, 0);
        let (bytes, again) = self.window(0, size);
        assert_eq!((bytes.len(), again), (size, size));
        bytes
    }

    fn results(&self, code: &str) -> (Vec<Value>, Vec<Table>) {
        self.run(code);
        Decoder::decode(&self.whole())
    }

    /// The value that bytes encode, encoded again; `None` if they encode none.
    fn again(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let state = self.state;
        // SAFETY: the state is live and between calls; what is pushed fits its memory.
        unsafe {
            let pushed = push_plain(state, bytes);
            assert_eq!(ffi::lua_gettop(state), c_int::from(pushed), "{}", bytes.escape_ascii());
            let again = pushed.then(|| {
                let mut out = vec![0; bytes.len() + 16];
                let mut window = Window::new(&mut out, 0);
                assert!(write_plain(state, -1, &mut window));
                let kept = window.kept();
                assert_eq!(kept, window.position());
                out.truncate(kept);
                out
            });
            ffi::lua_settop(state, 0);
            again
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        machine::stop();
    }
}

fn plain(random: &mut Random) -> Vec<u8> {
    match random.below(5) {
        0 => vec![0],
        1 => vec![1, random.below(2) as u8],
        2 => [&[2][..], &random.bits().to_le_bytes()].concat(),
        3 => [&[3][..], &random.double().to_bits().to_le_bytes()].concat(),
        _ => {
            let text: Vec<u8> = (0..random.below(300)).map(|_| random.bits() as u8).collect();
            [&[4][..], &(text.len() as u32).to_le_bytes(), &text].concat()
        }
    }
}

#[test]
fn plain_values_come_back_to_the_last_bit() {
    let encoder = Encoder::new();
    let random = &mut Random::new(1);
    for _ in 0..20_000 {
        let bytes = plain(random);
        assert_eq!(encoder.again(&bytes).as_ref(), Some(&bytes));
    }
    for bits in [f64::NAN.to_bits(), f64::NAN.to_bits() | 1 << 63 | 7, (-0.0f64).to_bits(), f64::INFINITY.to_bits(), 1]
    {
        let bytes = [&[3][..], &bits.to_le_bytes()].concat();
        assert_eq!(encoder.again(&bytes), Some(bytes));
    }
}

#[test]
fn bytes_that_encode_no_plain_value_push_nothing() {
    let encoder = Encoder::new();
    let random = &mut Random::new(2);
    let mut refused = 0;
    for _ in 0..60_000 {
        let mut bytes = plain(random);
        match random.below(4) {
            0 => bytes.truncate(random.below(bytes.len() as u64) as usize),
            1 => bytes.push(random.bits() as u8),
            2 => {
                let at = random.below(bytes.len().min(6) as u64) as usize;
                bytes[at] = random.bits() as u8;
            }
            _ => bytes = (0..random.below(12)).map(|_| random.below(16) as u8).collect(),
        }
        match encoder.again(&bytes) {
            Some(again) => assert_eq!(again, bytes, "what is accepted is just what is written"),
            None => refused += 1,
        }
    }
    assert!(refused > 20_000, "{refused}");
}

#[test]
fn a_reference_is_read_only_from_the_bytes_that_it_is_written_as() {
    let random = &mut Random::new(3);
    let mut read = 0;
    for _ in 0..100_000 {
        let id = if random.below(3) == 0 { 0 } else { random.bits() as u32 };
        let mut bytes = match random.below(4) {
            0 => [&[7][..], &id.to_le_bytes()].concat(),
            1 => [&[5, 4, 0, 0, 0][..], &id.to_le_bytes()].concat(),
            2 => [&[6, 5, 0, 0, 0][..], b"print"].concat(),
            _ => [&[12, 2, 0, 0, 0][..], b"_G"].concat(),
        };
        match random.below(5) {
            0 => bytes.truncate(random.below(bytes.len() as u64) as usize),
            1 => bytes.push(random.bits() as u8),
            2 => {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.bits() as u8;
            }
            _ => {}
        }
        let written = match Reference::read(&bytes) {
            None => continue,
            Some(Reference::Table(id)) => [&[7][..], &id.to_le_bytes()].concat(),
            Some(Reference::Function(id)) => [&[5, 4, 0, 0, 0][..], &id.to_le_bytes()].concat(),
            Some(Reference::LibraryFunction(name)) => [&[6][..], &(name.len() as u32).to_le_bytes(), name].concat(),
            Some(Reference::Library(name)) => [&[12][..], &(name.len() as u32).to_le_bytes(), name].concat(),
        };
        read += 1;
        assert_eq!(written, bytes);
    }
    assert!(read > 20_000, "{read}");
    assert_eq!(Reference::read(&[7, 0, 0, 0, 0]), None, "table 0 is none");
    assert_eq!(Reference::read(&[5, 4, 0, 0, 0, 0, 0, 0, 0]), None);
}

#[test]
fn results_are_written_last_first_and_then_the_others() {
    let encoder = Encoder::new();
    assert_eq!(encoder.results("").0, [Value::Nil]);
    assert_eq!(encoder.results("return nil").0, [Value::Nil]);
    let (values, _) = encoder.results("return 1, nil, 'x', 2.5, true, string.format, _home, _io");
    let string = Value::String(b"x".to_vec());
    let format = Value::LibraryFunction("string.format".into());
    let float = Value::Float(2.5f64.to_bits());
    let [home, io] = [1, 2].map(Value::External);
    assert_eq!(values, [Value::Integer(1), Value::Nil, string, float, Value::Boolean(true), format, home, io]);
}

#[test]
fn what_has_no_form_is_written_as_text_with_its_type() {
    let encoder = Encoder::new();
    let (values, _) = encoder.results("return function() end, coroutine.create(print), io.stdout");
    for (value, (kind, name)) in values.iter().zip([(6, "function: "), (8, "thread: "), (7, "userdata: ")]) {
        let Value::Opaque(written, text) = value else { panic!("{value:?}") };
        assert_eq!(*written, kind);
        assert!(text.starts_with(name), "{text}");
    }
}

/// The values of a random graph: scalars, and tables by number from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Scalar(Value),
    Table(usize),
}

impl Node {
    fn random(random: &mut Random, tables: usize) -> Self {
        match random.below(3) {
            0 => Self::Table(random.below(tables as u64) as usize + 1),
            1 => Self::Scalar(Value::Integer(random.below(12) as i64 - 2)),
            _ => Self::Scalar(match random.below(3) {
                0 => Value::Boolean(random.below(2) == 0),
                1 => Value::Float((random.below(100) as f64 + 0.5).to_bits()),
                _ => Value::String(format!("s{}", random.below(30)).into_bytes()),
            }),
        }
    }

    fn source(&self) -> String {
        match self {
            Self::Table(n) => format!("t[{n}]"),
            Self::Scalar(Value::Integer(n)) => format!("{n}"),
            Self::Scalar(Value::Boolean(b)) => format!("{b}"),
            Self::Scalar(Value::Float(bits)) => format!("{:?}", f64::from_bits(*bits)),
            Self::Scalar(Value::String(s)) => format!("'{}'", String::from_utf8_lossy(s)),
            Self::Scalar(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn graphs_of_tables_come_back_with_what_is_shared_and_what_is_cyclic() {
    let encoder = Encoder::new();
    let random = &mut Random::new(4);
    for _ in 0..150 {
        // Every table says which it is, so that the decoded graph can be laid beside the model.
        let count = random.below(12) as usize + 1;
        let mut model: Vec<BTreeMap<Node, Node>> = vec![BTreeMap::new(); count + 1];
        let mut code = format!("local t = {{}} for i = 1, {count} do t[i] = {{}} end ");
        for (n, table) in model.iter_mut().enumerate().skip(1) {
            let elements = random.below(4) as i64;
            let numbered = (1..=elements).map(|n| Node::Scalar(Value::Integer(n))).collect::<Vec<_>>();
            let others = (0..random.below(5)).map(|_| Node::random(random, count)).collect::<Vec<_>>();
            for key in numbered.into_iter().chain(others) {
                let value = Node::random(random, count);
                code += &format!("t[{n}][{}] = {} ", key.source(), value.source());
                table.insert(key, value);
            }
            code += &format!("t[{n}].id = {n} ");
            table.insert(Node::Scalar(Value::String(b"id".to_vec())), Node::Scalar(Value::Integer(n as i64)));
        }
        let results: Vec<_> = (0..random.below(3) + 1).map(|_| Node::random(random, count)).collect();
        code += &format!("return {}", results.iter().map(Node::source).collect::<Vec<_>>().join(", "));

        let (values, tables) = encoder.results(&code);
        let tables: Vec<_> = tables.into_iter().map(Table::into_map).collect();
        let id = |number: usize| match tables[number].get(&Value::String(b"id".to_vec())) {
            Some(Value::Integer(n)) => *n as usize,
            other => panic!("{other:?} in {code}"),
        };
        let node = |value: &Value| match value {
            Value::Table(number) => Node::Table(id(*number)),
            scalar => Node::Scalar(scalar.clone()),
        };
        assert_eq!(values.iter().map(node).collect::<Vec<_>>(), results, "{code}");
        let mut ids: Vec<_> = (0..tables.len()).map(id).collect();
        for (number, table) in tables.iter().enumerate() {
            let decoded: BTreeMap<_, _> = table.iter().map(|(key, value)| (node(key), node(value))).collect();
            assert_eq!(decoded, model[id(number)], "{code}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), tables.len(), "no table is written twice: {code}");
    }
}

#[test]
fn a_sequence_is_written_as_elements_whatever_else_the_table_has() {
    let encoder = Encoder::new();
    for (code, elements, entries) in [
        ("return {}", 0, 0),
        ("return {1, 2, 3}", 3, 0),
        ("return {1, 2, 3, x = 1, [0] = 0, [2.5] = 1, [-1] = 1}", 3, 4),
        ("local t = {} for i = 1, 100 do t[i] = i end return t", 100, 0),
        ("local t = {} for i = 100, 1, -1 do t[i] = i end return t", 100, 0),
        ("return {[2] = 1, [3] = 1}", 0, 2),
    ] {
        let (_, tables) = encoder.results(code);
        assert_eq!((tables[0].elements.len(), tables[0].entries.len()), (elements, entries), "{code}");
    }
    // A border of a table with holes may be any: what counts is that nothing is lost.
    let (_, mut tables) = encoder.results("local t = {1, 2, 3, 4, 5, 6, 7, 8} t[5] = nil t[6] = nil return t");
    assert_eq!(tables.remove(0).into_map().len(), 6);
}

#[test]
fn every_window_shows_the_same_bytes_as_the_whole() {
    let encoder = Encoder::new();
    encoder.run(
        "local shared = { 'shared', 1.5 }
         local t = { shared, { shared, x = shared }, name = ('long '):rep(20), [true] = false, f = print, g = function() end }
         t.self = t
         return t, 'second', nil, _home, { [t] = shared }",
    );
    let whole = encoder.whole();
    for length in [0, 1, 2, 3, 7, 64, whole.len() + 9] {
        for start in 0..whole.len() + 3 {
            let (window, size) = encoder.window(start, length);
            let expected = &whole[start.min(whole.len())..(start + length).min(whole.len())];
            assert_eq!((window.as_slice(), size), (expected, whole.len()), "{length} bytes from {start}");
        }
    }
}

#[test]
fn tables_nested_thousands_deep_are_written_and_read_in_pieces() {
    let encoder = Encoder::new();
    let (values, tables) = encoder.results("local t = 'core' for i = 1, 6000 do t = { t } end return t");
    assert_eq!((values, tables.len()), (vec![Value::Table(0)], 6_000));
    for (n, table) in tables.iter().enumerate() {
        let inner = if n < 5_999 { Value::Table(n + 1) } else { Value::String(b"core".to_vec()) };
        assert_eq!((&table.elements[..], table.entries.len()), (&[inner][..], 0));
    }
    let whole = encoder.whole();
    let random = &mut Random::new(5);
    for _ in 0..20 {
        let start = random.below(whole.len() as u64) as usize;
        let (window, _) = encoder.window(start, 100);
        assert_eq!(window, whole[start..(start + 100).min(whole.len())]);
    }
}
