//! The host of a machine: answers what the module asks for, from the store, functions of Rust and the system.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use wasmtime::{AsContextMut, Caller, Memory};

use crate::boundary::{Range, answer};
use crate::error::BoxedError;
use crate::generated as abi;
use crate::generated::services::{self, Request};
use crate::generated::{Exports, Imports};
use crate::lua::Context;
use crate::options::{Clock, Limits, Options};
use crate::store::{Page, Tables};
use crate::value::{Decoder, Encoder, Function, Held, HeldNumber, HostFunction, Registry, Repr, Resolver, Value};
use crate::{Error, LuaString};

/// The longest string that a table takes. The whole heap of a machine has less than twice that.
const MAX_VALUE_LENGTH: u32 = 1 << 20;

/// The most ids in a page of them.
const MOST_IDS: usize = 1 << 14;

/// Bytes of native stack that machines may use. Of what they call inside host functions, half: the rest is for the innermost.
pub(crate) const STACK: usize = 1 << 20;

/// About where the native stack is.
#[inline(never)]
pub(crate) fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

/// What belongs to one machine outside of its memory.
pub(crate) struct State {
    pub(crate) exports: Option<Arc<Exports>>,
    pub(crate) memory: Option<Memory>,
    pub(crate) tables: Tables,
    pub(crate) functions: Functions,
    pub(crate) held: HeldValues,
    pub(crate) output: Output,
    pub(crate) transactional: bool,
    pub(crate) limits: Limits,
    /// The limits that the module was told, if that is known.
    pub(crate) told: Option<Limits>,
    /// How many host functions run.
    pub(crate) depth: usize,
    /// Where the native stack was when the outermost call began.
    pub(crate) stack: usize,
    /// Why the machine cannot be used any more, if so.
    pub(crate) crashed: Option<String>,
    pub(crate) interrupt: Arc<AtomicBool>,
    /// A host that answers nothing, for a machine that depends on its build alone.
    silent: bool,
    environment: Environment,
    /// The reply of a host function that did not fit.
    rest: Option<Vec<u8>>,
    /// The source of a module that did not fit.
    pending: Option<(String, LuaString)>,
    /// Why the last request for a table failed.
    reason: String,
    /// The error behind it.
    pub(crate) failure: Option<BoxedError>,
    /// The error of the last host function that failed, and its number.
    pub(crate) exception: Option<(u32, BoxedError)>,
    exceptions: u32,
    /// The last error of Lua that a host function got, which it may pass on.
    pub(crate) inner_error: Option<u64>,
    /// How many errors there were.
    pub(crate) errors: u64,
    /// Address of the I/O buffer.
    pub(crate) buffer: u32,
    /// Ids of `_home` and `_io`.
    pub(crate) home: u32,
    pub(crate) io: u32,
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// The memory of a checkpoint that has ended, for the next: taking memory anew costs more than copying.
    pub(crate) spare: Vec<u8>,
    /// The export of the conformance kit that its host function calls.
    #[cfg(test)]
    pub(crate) kit_again: Option<wasmtime::TypedFunc<(), i32>>,
}

/// What a machine goes back to.
pub(crate) struct Checkpoint {
    pub(crate) memory: Vec<u8>,
    functions: (usize, u32),
    held: (usize, u64),
}

impl State {
    /// Begins a checkpoint with a copy of the memory.
    pub(crate) fn checkpoint(&mut self, memory: Vec<u8>) {
        let (functions, held) = (self.functions.checkpoint(), self.held.checkpoint());
        self.checkpoints.push(Checkpoint { memory, functions, held });
    }

    /// Ends the innermost checkpoint and keeps what has happened since.
    pub(crate) fn commit(&mut self) {
        if let Some(ended) = self.checkpoints.pop() {
            self.spare = ended.memory;
        }
        if self.checkpoints.is_empty() {
            self.functions.commit();
            self.held.commit();
        }
    }

    /// Ends the innermost checkpoint and goes back to it; the memory that it has.
    pub(crate) fn rollback(&mut self) -> Option<Vec<u8>> {
        let Checkpoint { memory, functions, held } = self.checkpoints.pop()?;
        self.functions.rollback(functions);
        self.held.rollback(held);
        if self.checkpoints.is_empty() {
            self.functions.commit();
            self.held.commit();
        }
        // The module's limits are those of then.
        self.told = None;
        Some(memory)
    }
}

/// What the machine knows of the system.
struct Environment {
    modules: HashMap<String, LuaString>,
    find_module: Option<Box<crate::options::FindModule>>,
    clock: Option<Box<crate::options::ReadClock>>,
    utc_offset: Option<Box<crate::options::ReadOffset>>,
    entropy: Option<Box<crate::options::ReadEntropy>>,
    started: Instant,
}

impl State {
    pub(crate) fn new(mut options: Options) -> Result<Self, Error> {
        options.check()?;
        let store = options.take_store();
        let named = options.named();
        Ok(Self {
            exports: None,
            memory: None,
            tables: Tables::new(store, options.quota())?,
            functions: Functions { named, ..Functions::default() },
            held: HeldValues::default(),
            output: Output { on_print: options.on_print, keep: !options.drop_output, ..Output::default() },
            transactional: options.transactional,
            limits: options.limits,
            told: None,
            depth: 0,
            stack: 0,
            crashed: None,
            interrupt: Arc::default(),
            silent: false,
            environment: Environment {
                modules: options.modules,
                find_module: options.find_module,
                clock: options.clock,
                utc_offset: options.utc_offset,
                entropy: options.entropy,
                started: Instant::now(),
            },
            rest: None,
            pending: None,
            reason: String::new(),
            failure: None,
            exception: None,
            exceptions: 0,
            inner_error: None,
            errors: 0,
            buffer: 0,
            home: 0,
            io: 0,
            checkpoints: Vec::new(),
            spare: Vec::new(),
            #[cfg(test)]
            kit_again: None,
        })
    }

    /// A host that answers nothing.
    pub(crate) fn silent() -> Result<Self, Error> {
        Ok(Self { silent: true, ..Self::new(Options::new())? })
    }

    /// Keeps why a request for a table failed.
    fn fail(&mut self, error: BoxedError) -> i32 {
        self.reason = error.to_string();
        self.failure = Some(error);
        abi::REPLY_NONE
    }

    fn clock(&mut self) -> Clock {
        if let Some(clock) = &mut self.environment.clock {
            return clock();
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let cpu_seconds = self.environment.started.elapsed().as_secs_f64();
        Clock { unix_seconds: now.as_secs_f64(), cpu_seconds }
    }

    fn entropy(&mut self) -> [u64; 2] {
        if let Some(entropy) = &mut self.environment.entropy {
            return entropy();
        }
        [RandomState::new().build_hasher().finish(), RandomState::new().build_hasher().finish()]
    }

    fn module(&mut self, name: &[u8]) -> Option<LuaString> {
        let name = String::from_utf8_lossy(name).into_owned();
        // Lua asks again with more room.
        if let Some((pending, source)) = self.pending.take()
            && pending == name
        {
            return Some(source);
        }
        let known = self.environment.modules.get(&name).cloned();
        let find = self.environment.find_module.as_mut();
        let source = known.or_else(|| find?(&name))?;
        // The line feed behind it is for an empty source: a reply has at least a byte.
        Some([source.as_bytes(), b"\n"].concat().into())
    }
}

/// What a program prints during a call.
#[derive(Default)]
pub(crate) struct Output {
    on_print: Option<Box<crate::options::OnPrint>>,
    keep: bool,
    pub(crate) bytes: Vec<u8>,
    /// What the calls have printed that wait for a host function, the innermost last. What runs in it prints belongs to them, too.
    outer: Vec<Vec<u8>>,
    /// How many bytes were printed.
    pub(crate) count: u64,
}

impl Output {
    pub(crate) fn take(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        self.count += piece.len() as u64;
        if self.keep {
            self.bytes.extend_from_slice(piece);
        }
        if let Some(on_print) = &mut self.on_print {
            on_print(piece);
        }
    }

    /// Ends a run and gives what it has printed.
    pub(crate) fn finish(&mut self) -> LuaString {
        if self.bytes.is_empty() {
            return LuaString::default();
        }
        if let Some(outer) = self.outer.last_mut() {
            outer.extend_from_slice(&self.bytes);
        }
        std::mem::take(&mut self.bytes).into()
    }

    /// Lets other runs begin inside this one.
    fn suspend(&mut self) {
        self.outer.push(std::mem::take(&mut self.bytes));
    }

    /// Goes on with the run that was suspended.
    fn resume(&mut self) {
        let inside = std::mem::take(&mut self.bytes);
        self.bytes = self.outer.pop().unwrap_or_default();
        self.bytes.extend(inside);
    }
}

/// The functions of Rust that Lua has.
#[derive(Default)]
pub(crate) struct Functions {
    named: HashMap<Arc<str>, Function>,
    by_number: HashMap<u32, (Arc<HostFunction>, Option<Arc<str>>)>,
    numbers: HashMap<usize, u32>,
    last: u32,
    /// What Lua has released since a checkpoint was set: going back to it brings it to life again.
    released: Option<Vec<u32>>,
    pub(crate) continues: bool,
}

/// What tells a host function from all others that are alive.
fn address(call: &Arc<HostFunction>) -> usize {
    Arc::as_ptr(call).cast::<()>() as usize
}

impl Functions {
    fn number_of(&mut self, call: &Arc<HostFunction>, name: Option<&Arc<str>>) -> u32 {
        if let Some(number) = self.numbers.get(&address(call)) {
            return *number;
        }
        self.last += 1;
        self.numbers.insert(address(call), self.last);
        self.by_number.insert(self.last, (call.clone(), name.cloned()));
        self.last
    }

    pub(crate) fn named(&self) -> impl Iterator<Item = (&Arc<str>, &Function)> {
        self.named.iter()
    }

    fn find(&mut self, name: &[u8]) -> Option<u32> {
        let name = std::str::from_utf8(name).ok()?;
        let Function(Repr::Host { call, name }) = self.named.get(name)?.clone() else { return None };
        Some(self.number_of(&call, name.as_ref()))
    }

    fn release(&mut self, number: u32) {
        if let Some(released) = &mut self.released {
            released.push(number);
        } else if let Some((call, _)) = self.by_number.remove(&number) {
            self.numbers.remove(&address(&call));
        }
    }

    /// Keeps what Lua releases from now on; the place to go back to.
    pub(crate) fn checkpoint(&mut self) -> (usize, u32) {
        (self.released.get_or_insert_default().len(), self.last)
    }

    /// Forgets what was released, when there is no checkpoint left.
    pub(crate) fn commit(&mut self) {
        for number in self.released.take().unwrap_or_default() {
            self.release(number);
        }
    }

    /// Goes back to a checkpoint.
    pub(crate) fn rollback(&mut self, (released, last): (usize, u32)) {
        if let Some(all) = &mut self.released {
            all.truncate(released);
        }
        for number in last + 1..=self.last {
            if let Some((call, _)) = self.by_number.remove(&number) {
                self.numbers.remove(&address(&call));
            }
        }
    }

    /// The functions of a machine whose memory was copied, under the same numbers.
    pub(crate) fn inherit(&mut self, other: &Self) {
        self.by_number.clone_from(&other.by_number);
        self.numbers.clone_from(&other.numbers);
        self.last = other.last;
        self.continues = true;
    }
}

/// The values that stay in Lua for this side.
#[derive(Default)]
pub(crate) struct HeldValues {
    alive: HashMap<u32, Weak<HeldNumber>>,
    pub(crate) dropped: Arc<Mutex<Vec<u32>>>,
    /// How many there were.
    count: u64,
    /// What was released since a checkpoint was set: going back to it brings it to life again.
    released: Option<Vec<u32>>,
}

impl HeldValues {
    fn held(&mut self, type_number: u8, number: u32, text: &[u8]) -> Held {
        if let Some(known) = self.alive.get(&number).and_then(Weak::upgrade) {
            return Held(known);
        }
        self.count += 1;
        let held = Arc::new(HeldNumber {
            number,
            type_number,
            text: text.into(),
            serial: self.count,
            dead: AtomicBool::new(false),
            dropped: self.dropped.clone(),
        });
        self.alive.insert(number, Arc::downgrade(&held));
        Held(held)
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers that nobody here holds any more.
    pub(crate) fn take_dropped(&mut self) -> Vec<u32> {
        let mut numbers = std::mem::take(&mut *self.queue());
        // Lua may have sent one again since.
        numbers.retain(|number| self.alive.get(number).is_none_or(|held| held.strong_count() == 0));
        for number in &numbers {
            self.alive.remove(number);
        }
        if let Some(released) = &mut self.released {
            released.extend(&numbers);
        }
        numbers
    }

    fn checkpoint(&mut self) -> (usize, u64) {
        (self.released.get_or_insert_default().len(), self.count)
    }

    fn commit(&mut self) {
        self.released = None;
    }

    /// Goes back to a checkpoint: what has come since cannot be used, and what was released since is released again.
    fn rollback(&mut self, (released, count): (usize, u64)) {
        self.alive.retain(|_, held| {
            let Some(held) = held.upgrade() else { return false };
            let is_newer = held.serial > count;
            held.dead.store(is_newer, Ordering::Relaxed);
            !is_newer
        });
        let again = self.released.as_mut().map(|all| all.split_off(released)).unwrap_or_default();
        self.queue().extend(again);
    }

    fn owns(&self, held: &Held) -> bool {
        Arc::ptr_eq(&held.0.dropped, &self.dropped) && !held.0.dead.load(Ordering::Relaxed)
    }
}

/// Decodes for a machine.
pub(crate) struct Living<'s> {
    pub(crate) held: &'s mut HeldValues,
    pub(crate) functions: &'s mut Functions,
}

impl Resolver for Living<'_> {
    fn held(&mut self, type_number: u8, number: u32, text: &[u8]) -> Value {
        let held = self.held.held(type_number, number, text);
        if held.kind() == "function" { Value::Function(Function(Repr::Held(held))) } else { Value::Held(held) }
    }

    fn host_function(&mut self, number: u32, name: &[u8]) -> Value {
        Value::Function(Function(match self.functions.by_number.get(&number) {
            Some((call, name)) => Repr::Host { call: call.clone(), name: name.clone() },
            None => Repr::Gone(name.into()),
        }))
    }
}

impl Registry for Living<'_> {
    fn number_of(&mut self, call: &Arc<HostFunction>, name: Option<&Arc<str>>) -> (u32, Option<Arc<str>>) {
        let number = self.functions.number_of(call, name);
        (number, self.functions.by_number.get(&number).and_then(|(_, name)| name.clone()))
    }

    fn owns(&self, held: &Held) -> bool {
        self.held.owns(held)
    }
}

impl State {
    pub(crate) fn living(&mut self) -> Living<'_> {
        Living { held: &mut self.held, functions: &mut self.functions }
    }
}

/// The memory of the machine that calls, and what belongs to it.
fn parts<'c>(caller: &'c mut Caller<'_, State>) -> Option<(&'c mut [u8], &'c mut State)> {
    let memory = caller.data().memory?;
    Some(memory.data_and_store_mut(caller))
}

/// The memory, what belongs to the machine, and a key in it.
macro_rules! parts_or_none {
    ($caller:ident) => {
        match parts($caller) {
            Some((memory, state)) if !state.silent => (memory, state),
            _ => return Ok(abi::REPLY_NONE),
        }
    };
}

macro_rules! text_or_none {
    ($range:ident, $memory:ident) => {
        match std::str::from_utf8($range.of($memory)) {
            Ok(text) => text,
            Err(_) => return Ok(abi::REPLY_NONE),
        }
    };
}

impl Imports for State {
    fn ext_table_set(caller: &mut Caller<'_, Self>, table_id: u32, key: Range, val: Range) -> wasmtime::Result<i32> {
        let (memory, state) = parts_or_none!(caller);
        let memory = &*memory;
        let key = text_or_none!(key, memory);
        Ok(match state.tables.set(table_id, key, val.of(memory)) {
            Ok(()) => 0,
            Err(error) => state.fail(error),
        })
    }

    fn ext_table_get(caller: &mut Caller<'_, Self>, table_id: u32, key: Range, val: Range) -> wasmtime::Result<i32> {
        if table_id == abi::SERVICE_TABLE {
            return serve(caller, key, val);
        }
        let (memory, state) = parts_or_none!(caller);
        // A key is short, and what is written may lie anywhere.
        let key = text_or_none!(key, memory).to_owned();
        let room = val.of_mut(memory);
        let mut length = None;
        let read = &mut |value: &[u8]| {
            if let Some(place) = room.get_mut(..value.len()) {
                place.copy_from_slice(value);
            }
            length = Some(answer(value.len(), room.len()));
        };
        Ok(match state.tables.get(table_id, &key, read) {
            Ok(()) => length.unwrap_or(abi::REPLY_NONE),
            // -1 would say that there is no such entry.
            Err(error) => {
                state.fail(error);
                i32::MIN
            }
        })
    }

    fn ext_table_delete(caller: &mut Caller<'_, Self>, table_id: u32, key: Range) -> wasmtime::Result<i32> {
        let (memory, state) = parts_or_none!(caller);
        let memory = &*memory;
        let key = text_or_none!(key, memory);
        Ok(match state.tables.delete(table_id, key) {
            Ok(()) => 0,
            Err(error) => state.fail(error),
        })
    }

    fn ext_table_size(caller: &mut Caller<'_, Self>, table_id: u32) -> wasmtime::Result<i32> {
        let (_, state) = parts_or_none!(caller);
        Ok(match state.tables.size(table_id) {
            Ok(size) => i32::try_from(size).unwrap_or(i32::MAX),
            Err(error) => state.fail(error),
        })
    }

    fn ext_table_keys(caller: &mut Caller<'_, Self>, table_id: u32, buf: Range) -> wasmtime::Result<i32> {
        let (memory, state) = parts_or_none!(caller);
        let keys = match state.tables.all_keys(table_id) {
            Ok(keys) => keys.join("\n"),
            Err(error) => return Ok(state.fail(error)),
        };
        let room = buf.of_mut(memory);
        if let Some(place) = room.get_mut(..keys.len()) {
            place.copy_from_slice(keys.as_bytes());
        }
        Ok(answer(keys.len(), room.len()))
    }

    fn panicked(caller: &mut Caller<'_, Self>, payload: Box<dyn Any + Send>) {
        let state = caller.data_mut();
        state.fail(panic_message(&*payload).into());
    }
}

/// What somebody panicked with.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the host panicked: {}", text.unwrap_or_else(|| "without a message".to_owned()))
}

/// Answers a request.
fn serve(caller: &mut Caller<'_, State>, request: Range, room: Range) -> wasmtime::Result<i32> {
    let Some((memory, state)) = parts(caller) else { return Ok(abi::REPLY_NONE) };
    let bytes = request.of(memory);
    if state.silent {
        // As the JavaScript loader does for a host without services, so that builds have the same identity there.
        let services = 1 << services::NEGOTIATE;
        let nothing = services::Negotiate { services, max_value_len: abi::VALUE_LIMIT, continues: 0 };
        let is_asked = bytes.first() == Some(&services::NEGOTIATE);
        return Ok(if is_asked { nothing.write(room.of_mut(memory)) } else { abi::REPLY_NONE });
    }
    if bytes.first() == Some(&services::CALL) {
        return call(caller, request, room);
    }
    // The request lies in the memory that the reply is written to.
    let bytes = bytes.to_vec();
    let Some(request) = Request::read(&bytes) else { return Ok(abi::REPLY_NONE) };
    let room = room.of_mut(memory);
    Ok(match request {
        Request::Negotiate { .. } => {
            let all = (services::NEGOTIATE..=services::FAILURE).fold(0, |mask, number| mask | 1 << number);
            let has_modules = !state.environment.modules.is_empty() || state.environment.find_module.is_some();
            let services = if has_modules { all } else { all & !(1 << services::MODULE) };
            let continues = state.functions.continues.into();
            services::Negotiate { services, max_value_len: MAX_VALUE_LENGTH, continues }.write(room)
        }
        Request::Clock => {
            let Clock { unix_seconds, cpu_seconds } = state.clock();
            services::Clock { unix_seconds, cpu_seconds }.write(room)
        }
        Request::UtcOffset { unix_seconds } => {
            let seconds = state.environment.utc_offset.as_mut().map_or(0, |offset| offset(unix_seconds));
            services::UtcOffset { seconds }.write(room)
        }
        Request::Entropy => {
            let [low, high] = state.entropy();
            services::Entropy { low, high }.write(room)
        }
        Request::Output { piece } => {
            state.output.take(piece);
            0
        }
        Request::Keys { table, cursor } => {
            let fit = room.len().saturating_sub(services::Keys::SIZE);
            match state.tables.page(table, cursor, fit) {
                Ok(Page::Keys(cursor, keys)) => services::Keys { cursor, keys: keys.as_bytes() }.write(room),
                Ok(Page::TooSmall(length)) => answer(services::Keys::SIZE + length, 0),
                Ok(Page::Unknown) => abi::REPLY_NONE,
                Err(error) => state.fail(error),
            }
        }
        Request::CloseCursor { cursor } => {
            state.tables.close(cursor);
            0
        }
        Request::Drop { table } => match state.tables.clear(table) {
            Ok(()) => 0,
            Err(error) => state.fail(error),
        },
        Request::Call { .. } => abi::REPLY_NONE,
        Request::Rest => match state.rest.take() {
            Some(reply) => services::Rest { reply: &reply }.write(room),
            None => abi::REPLY_NONE,
        },
        Request::Release { number } => {
            state.functions.release(number);
            0
        }
        Request::FindFunction { name } => match state.functions.find(name) {
            Some(number) => services::FindFunction { number }.write(room),
            None => abi::REPLY_NONE,
        },
        Request::Module { name } => match state.module(name) {
            Some(source) => {
                let written = services::Module { source: &source }.write(room);
                if written < 0 {
                    state.pending = Some((String::from_utf8_lossy(name).into_owned(), source));
                }
                written
            }
            None => abi::REPLY_NONE,
        },
        Request::Tables { cursor } => {
            let most = (room.len().saturating_sub(services::Tables::SIZE) / 4).min(MOST_IDS);
            match state.tables.ids(cursor, most.max(1)) {
                Ok(ids) => {
                    let next = if ids.len() < most.max(1) { 0 } else { ids.last().copied().unwrap_or_default() };
                    let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
                    services::Tables { cursor: next, ids: &ids }.write(room)
                }
                Err(error) => state.fail(error),
            }
        }
        Request::Failure => {
            let reason = std::mem::take(&mut state.reason);
            services::Failure { reason: reason.as_bytes() }.write(room)
        }
        // This host does not offer them: the module asks for each entry.
        Request::Revision
        | Request::ReadRows { .. }
        | Request::ReadList { .. }
        | Request::WriteRows { .. }
        | Request::FreeIds { .. }
        | Request::ReadEntries { .. }
        | Request::Roots { .. }
        | Request::Collect { .. } => abi::REPLY_NONE,
    })
}

/// Calls a host function.
fn call(caller: &mut Caller<'_, State>, request: Range, room: Range) -> wasmtime::Result<i32> {
    let (memory, state) = parts_or_none!(caller);
    let mut bytes = &request.of(memory)[1..];
    let Some(number) = crate::boundary::take(&mut bytes).map(u32::from_le_bytes) else { return Ok(abi::REPLY_NONE) };
    let function = state.functions.by_number.get(&number).map(|(call, _)| call.clone());
    let arguments = Decoder::new(bytes, state.living()).values();
    let outer_failure = state.failure.take();
    state.output.suspend();
    state.depth += 1;
    state.inner_error = None;
    let is_deep = state.stack != 0 && state.stack.abs_diff(stack_pointer()) > STACK / 2;
    let outcome = match (function, arguments) {
        _ if is_deep => Err(Error::msg("stack overflow (functions of the host call each other too deeply)")),
        (None, _) => Err(Error::msg("this function of the host is not there any more")),
        (_, Err(error)) => Err(error.into()),
        (Some(function), Ok(arguments)) => {
            let mut context = Context::new(caller.as_context_mut());
            let run = std::panic::AssertUnwindSafe(|| function(&mut context, arguments));
            std::panic::catch_unwind(run).unwrap_or_else(|payload| Err(Error::msg(panic_message(&*payload))))
        }
    };
    let (memory, state) = parts_or_none!(caller);
    state.depth -= 1;
    state.output.resume();
    state.failure = outer_failure;
    if let Some(cause) = &state.crashed {
        // Lua code inside the function has ended in a trap: what called the function cannot go on.
        return Err(wasmtime::Error::msg(cause.clone()));
    }
    let reply = state.reply(outcome);
    let room = room.of_mut(memory);
    let length = services::Call { reply: &reply }.write(room);
    if length < 0 {
        state.rest = Some(reply);
    }
    Ok(length)
}

impl State {
    /// Encodes what a host function returned.
    fn reply(&mut self, outcome: Result<Vec<Value>, Error>) -> Vec<u8> {
        let mut reply = vec![abi::CALL_RESULTS];
        let error = match outcome {
            Ok(values) => match Encoder::new(&mut reply, self.living()).values(&values) {
                Ok(()) => return reply,
                Err(error) => Error::msg(format!("the result of a host function: {error}")),
            },
            Err(error) => error,
        };
        reply.clear();
        // A function that fails because Lua code inside of it failed: the same error goes on.
        if error.as_lua().is_some_and(|error| self.inner_error == Some(error.serial)) {
            reply.push(abi::CALL_AGAIN);
            return reply;
        }
        self.exceptions += 1;
        let number = self.exceptions.to_le_bytes();
        let message = error.to_string();
        let thrown = match &error {
            Error::Lua(error) => Some(error.value.clone()),
            _ => None,
        };
        let mut encoded = Vec::new();
        let thrown = thrown.filter(|value| Encoder::new(&mut encoded, self.living()).value(value).is_ok());
        reply.push(if thrown.is_some() { abi::CALL_THROWN } else { abi::CALL_ERROR });
        reply.extend_from_slice(&number);
        if thrown.is_none() {
            encoded.clear();
            encoded.push(abi::TAG_STRING);
            encoded.extend_from_slice(&(message.len() as u32).to_le_bytes());
            encoded.extend_from_slice(message.as_bytes());
        }
        reply.extend_from_slice(&encoded);
        reply.push(abi::TAG_NIL);
        let cause = match error {
            Error::Host(error) | Error::Store(error) => error,
            other => Box::new(other),
        };
        self.exception = Some((self.exceptions, cause));
        reply
    }

    /// Whether the machine was told to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }
}
