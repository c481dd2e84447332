//! A documented host, written on the typed bindings alone: the five functions as the reference prints them, and nothing else.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lua_persistent::generated::{self as abi, Exports, Imports};
use lua_persistent::wasmtime::{AsContextMut, Caller, InstancePre, Linker, Result, Store};
use lua_persistent::{Range, Value};

use crate::support::engine;

/// A table: its keys in their order, and the values.
#[derive(Clone, Default)]
pub struct Table {
    pub keys: Vec<String>,
    values: HashMap<String, Vec<u8>>,
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Vec<u8>> {
        self.values.get(key)
    }

    pub fn set(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        if self.values.insert(key.to_owned(), value.into()).is_none() {
            self.keys.push(key.to_owned());
        }
    }

    pub fn delete(&mut self, key: &str) {
        if self.values.remove(key).is_some() {
            self.keys.retain(|other| other != key);
        }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

pub type Set = Arc<dyn Fn(&mut Caller<'_, Host>, u32, Range, Range) -> Result<i32> + Send + Sync>;
pub type Get = Set;
pub type Delete = Arc<dyn Fn(&mut Caller<'_, Host>, u32, Range) -> Result<i32> + Send + Sync>;
pub type Size = Arc<dyn Fn(&mut Caller<'_, Host>, u32) -> Result<i32> + Send + Sync>;
pub type Keys = Delete;

/// The host: its tables, and functions in place of the documented ones.
#[derive(Clone, Default)]
pub struct Host {
    pub tables: BTreeMap<u32, Table>,
    pub set: Option<Set>,
    pub get: Option<Get>,
    pub delete: Option<Delete>,
    pub size: Option<Size>,
    pub keys: Option<Keys>,
    pub exports: Option<Exports>,
    /// Whatever a test notes.
    pub notes: Vec<String>,
}

fn text(memory: &[u8], range: Range) -> String {
    String::from_utf8_lossy(range.of(memory)).into_owned()
}

/// The memory of the instance that calls, and its host.
pub fn parts<'c>(caller: &'c mut Caller<'_, Host>) -> (&'c mut [u8], &'c mut Host) {
    let memory = exports(caller).memory;
    memory.data_and_store_mut(caller)
}

/// The exports of the instance that calls.
pub fn exports(caller: &Caller<'_, Host>) -> Exports {
    caller.data().exports.clone().expect("the instance is there")
}

/// Copies an answer into its room.
pub fn put(memory: &mut [u8], room: Range, bytes: &[u8]) {
    room.of_mut(memory)[..bytes.len()].copy_from_slice(bytes);
}

impl Imports for Host {
    fn ext_table_set(caller: &mut Caller<'_, Self>, table_id: u32, key: Range, val: Range) -> Result<i32> {
        if let Some(set) = caller.data().set.clone() {
            return set(caller, table_id, key, val);
        }
        documented_set(caller, table_id, key, val)
    }

    fn ext_table_get(caller: &mut Caller<'_, Self>, table_id: u32, key: Range, val: Range) -> Result<i32> {
        if let Some(get) = caller.data().get.clone() {
            return get(caller, table_id, key, val);
        }
        documented_get(caller, table_id, key, val)
    }

    fn ext_table_delete(caller: &mut Caller<'_, Self>, table_id: u32, key: Range) -> Result<i32> {
        if let Some(delete) = caller.data().delete.clone() {
            return delete(caller, table_id, key);
        }
        let (memory, host) = parts(caller);
        let key = text(memory, key);
        if let Some(table) = host.tables.get_mut(&table_id) {
            table.delete(&key);
        }
        Ok(0)
    }

    fn ext_table_size(caller: &mut Caller<'_, Self>, table_id: u32) -> Result<i32> {
        if let Some(size) = caller.data().size.clone() {
            return size(caller, table_id);
        }
        Ok(caller.data().tables.get(&table_id).map_or(0, |table| table.len() as i32))
    }

    fn ext_table_keys(caller: &mut Caller<'_, Self>, table_id: u32, buf: Range) -> Result<i32> {
        if let Some(keys) = caller.data().keys.clone() {
            return keys(caller, table_id, buf);
        }
        let (memory, host) = parts(caller);
        let keys = host.tables.get(&table_id).map(|table| table.keys.join("\n")).unwrap_or_default();
        if keys.len() > buf.of(memory).len() {
            return Ok(-1);
        }
        put(memory, buf, keys.as_bytes());
        Ok(keys.len() as i32)
    }

    fn panicked(caller: &mut Caller<'_, Self>, _: Box<dyn Any + Send>) {
        caller.data_mut().notes.push("panicked".to_owned());
    }
}

pub fn documented_set(caller: &mut Caller<'_, Host>, table_id: u32, key: Range, val: Range) -> Result<i32> {
    let (memory, host) = parts(caller);
    let (key, value) = (text(memory, key), val.of(memory).to_vec());
    host.tables.entry(table_id).or_default().set(&key, value);
    Ok(0)
}

pub fn documented_get(caller: &mut Caller<'_, Host>, table_id: u32, key: Range, val: Range) -> Result<i32> {
    let (memory, host) = parts(caller);
    let key = text(memory, key);
    let Some(value) = host.tables.get(&table_id).and_then(|table| table.get(&key)) else { return Ok(-1) };
    if value.len() > val.of(memory).len() {
        return Ok(-1);
    }
    put(memory, val, value);
    Ok(value.len() as i32)
}

/// A `get` that hands the requests of services to `answer`, and has no entries.
pub fn serving(answer: impl Fn(&mut Caller<'_, Host>, &[u8], Range) -> Result<i32> + Send + Sync + 'static) -> Get {
    Arc::new(move |caller, id, key, val| {
        if id != abi::SERVICE_TABLE {
            return Ok(-1);
        }
        let request = key.of(parts(caller).0).to_vec();
        answer(caller, &request, val)
    })
}

/// An instance of the module with a host.
pub struct Instance {
    pub store: Store<Host>,
    pub exports: Exports,
}

/// What a call has left, as the reference lays it out.
#[derive(Debug, Default)]
pub struct Reply {
    pub left: i32,
    pub error: Option<String>,
    pub output: String,
    pub serialized: Vec<u8>,
}

impl Reply {
    /// The scalar value; tables and the rest are none.
    #[track_caller]
    pub fn value(&self) -> Value {
        assert_eq!(self.error, None);
        deserialize(&self.serialized)
    }

    #[track_caller]
    pub fn error(&self) -> &str {
        self.error.as_deref().expect("no error")
    }
}

/// A scalar value.
pub fn deserialize(bytes: &[u8]) -> Value {
    let number = |at: usize| <[u8; 8]>::try_from(&bytes[at..at + 8]).expect("eight bytes");
    match bytes.first() {
        Some(&abi::TAG_NIL) => Value::Nil,
        Some(&abi::TAG_BOOLEAN) => Value::Boolean(bytes[1] == 1),
        Some(&abi::TAG_INTEGER) => Value::Integer(i64::from_le_bytes(number(1))),
        Some(&abi::TAG_FLOAT) => Value::Float(f64::from_le_bytes(number(1))),
        Some(&abi::TAG_STRING) => {
            let length = u32::from_le_bytes(bytes[1..5].try_into().expect("four bytes")) as usize;
            Value::String(bytes[5..5 + length].into())
        }
        _ => panic!("{bytes:?} is no scalar"),
    }
}

/// An instance that is not yet initialized.
pub fn instantiate(host: Host) -> Instance {
    static PRE: std::sync::LazyLock<InstancePre<Host>> = std::sync::LazyLock::new(|| {
        let module = engine().module();
        let mut linker = Linker::new(module.engine());
        abi::link(&mut linker).expect("the imports are linked once");
        linker.instantiate_pre(module).expect("the module takes these imports")
    });
    let mut store = Store::new(engine().module().engine(), host);
    let instance = PRE.instantiate(&mut store).expect("an instance");
    let exports = Exports::new(store.as_context_mut(), &instance).expect("the exports of the manifest");
    store.data_mut().exports = Some(exports.clone());
    Instance { store, exports }
}

/// An instance whose `init` has answered 0.
pub fn start(host: Host) -> Instance {
    let mut instance = instantiate(host);
    assert_eq!(instance.exports.init(&mut instance.store).unwrap(), 0);
    instance
}

/// A started instance with the documented host.
pub fn plain() -> Instance {
    start(Host::default())
}

/// Calls an export by its name, as `call!(instance.compute(at, length))`.
#[macro_export]
macro_rules! call {
    ($instance:ident . $name:ident ( $($argument:expr),* )) => {{
        let arguments = ($($argument,)*);
        $crate::call!(@ $instance $name arguments $($argument),*)
    }};
    (@ $instance:ident $name:ident $arguments:ident) => {{
        let () = $arguments;
        $instance.exports.$name(&mut $instance.store).unwrap()
    }};
    (@ $instance:ident $name:ident $arguments:ident $a:expr) => {{
        let (a,) = $arguments;
        $instance.exports.$name(&mut $instance.store, a).unwrap()
    }};
    (@ $instance:ident $name:ident $arguments:ident $a:expr, $b:expr) => {{
        let (a, b) = $arguments;
        $instance.exports.$name(&mut $instance.store, a, b).unwrap()
    }};
    (@ $instance:ident $name:ident $arguments:ident $a:expr, $b:expr, $c:expr) => {{
        let (a, b, c) = $arguments;
        $instance.exports.$name(&mut $instance.store, a, b, c).unwrap()
    }};
    (@ $instance:ident $name:ident $arguments:ident $a:expr, $b:expr, $c:expr, $d:expr) => {{
        let (a, b, c, d) = $arguments;
        $instance.exports.$name(&mut $instance.store, a, b, c, d).unwrap()
    }};
    (@ $instance:ident $name:ident $arguments:ident $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {{
        let (a, b, c, d, e) = $arguments;
        $instance.exports.$name(&mut $instance.store, a, b, c, d, e).unwrap()
    }};
}

impl Instance {
    pub fn memory(&mut self) -> &mut [u8] {
        self.exports.memory.data_mut(&mut self.store)
    }

    pub fn bytes(&mut self, at: u32, length: usize) -> Vec<u8> {
        self.memory()[at as usize..at as usize + length].to_vec()
    }

    pub fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory()[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    }

    pub fn table(&mut self, id: u32) -> &mut Table {
        self.store.data_mut().tables.entry(id).or_default()
    }

    pub fn buffer(&mut self) -> u32 {
        self.exports.get_buffer_ptr(&mut self.store).unwrap()
    }

    pub fn status(&mut self) -> i32 {
        self.exports.get_status(&mut self.store).unwrap()
    }

    /// Writes into the I/O buffer; where, and how many bytes.
    pub fn write(&mut self, code: impl AsRef<[u8]>) -> (u32, u32) {
        let (at, code) = (self.buffer(), code.as_ref());
        self.put(at, code);
        (at, code.len() as u32)
    }

    pub fn compute(&mut self, code: impl AsRef<[u8]>) -> Reply {
        let (at, length) = self.write(code);
        let left = self.exports.compute(&mut self.store, at, length).unwrap();
        self.read(left)
    }

    pub fn evaluate(&mut self, code: impl AsRef<[u8]>) -> Reply {
        let (_, length) = self.write(code);
        let left = self.exports.eval(&mut self.store, length).unwrap();
        self.read(left)
    }

    /// Sends values to an export that takes them in the I/O buffer.
    pub fn send(&mut self, name: &str, bytes: &[u8]) -> Reply {
        let (at, length) = self.write(bytes);
        let left = match name {
            "call_function" => self.exports.call_function(&mut self.store, at, length),
            "get_global" => self.exports.get_global(&mut self.store, at, length),
            "set_global" => self.exports.set_global(&mut self.store, at, length),
            other => panic!("{other} takes no values"),
        };
        self.read(left.unwrap())
    }

    pub fn read(&mut self, left: i32) -> Reply {
        let at = self.buffer();
        if left < 0 {
            let message = self.bytes(at, left.unsigned_abs() as usize - 1);
            return Reply { left, error: Some(String::from_utf8(message).expect("UTF-8")), ..Reply::default() };
        }
        if left == 0 {
            return Reply::default();
        }
        let bytes = self.bytes(at, left as usize);
        let length = u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize;
        // Byte by byte, as output may be any bytes.
        let output = bytes[4..4 + length].iter().map(|&byte| char::from(byte)).collect();
        Reply { left, error: None, output, serialized: bytes[4 + length..].to_vec() }
    }

    /// The whole of a part of the last result, read in pieces.
    pub fn part(&mut self, part: u32) -> Option<Vec<u8>> {
        const PIECE: u32 = 1000;
        let size = usize::try_from(self.exports.result_size(&mut self.store, part).unwrap()).ok()?;
        let at = self.exports.lua_alloc(&mut self.store, 0, 0, 0, PIECE).unwrap();
        let mut whole = Vec::new();
        loop {
            let count = self.exports.result_read(&mut self.store, part, whole.len() as u32, at, PIECE).unwrap();
            if count <= 0 {
                break;
            }
            whole.extend(self.bytes(at, count as usize));
        }
        self.exports.lua_alloc(&mut self.store, 0, at, PIECE, 0).unwrap();
        assert_eq!(whole.len(), size, "part {part}");
        Some(whole)
    }

    /// The message of the last call that failed, read into memory of the host's own.
    pub fn message(&mut self) -> Option<String> {
        let size = usize::try_from(self.exports.result_size(&mut self.store, abi::PART_MESSAGE).unwrap()).ok()?;
        let at = self.memory().len() - size;
        let saved = self.memory()[at..].to_vec();
        let read = self.exports.result_read(&mut self.store, abi::PART_MESSAGE, 0, at as u32, size as u32).unwrap();
        assert_eq!(read as usize, size);
        let text = String::from_utf8(self.memory()[at..].to_vec()).expect("UTF-8");
        self.put(at as u32, &saved);
        Some(text)
    }
}

/// A string, encoded.
pub fn string(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    [&[abi::TAG_STRING][..], &(text.len() as u32).to_le_bytes(), text].concat()
}

/// An integer, encoded.
pub fn integer(integer: i64) -> Vec<u8> {
    [&[abi::TAG_INTEGER][..], &integer.to_le_bytes()].concat()
}

/// A number of 32 bits.
pub fn word(number: u32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

/// The beginning of a table.
pub fn table(list: u32, pairs: u32) -> Vec<u8> {
    [vec![abi::TAG_TABLE], word(list), word(pairs)].concat()
}

#[track_caller]
pub fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "{text:?} does not have {part:?}");
}
