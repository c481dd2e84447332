//! A Lua machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::{AsContextMut, Store as WasmStore, StoreContextMut};

use crate::engine::Engine;
use crate::error::{BoxedError, ErrorKind, LuaError};
use crate::generated::{self as abi, Exports, MemoryStats};
use crate::host::{State, stack_pointer};
use crate::image::{Image, STACK_SIZE};
use crate::options::{Limits, Options, Run};
use crate::snapshot;
use crate::store::Store;
use crate::table::ExternalTable;
use crate::value::{Decoder, Encoder, FromValues, Function, IntoValues, LuaString, Value};
use crate::{Error, Result, StateError, ValueError};

/// A Lua machine.
///
/// ```
/// use lua_persistent::Lua;
///
/// let mut lua = Lua::new()?;
/// lua.compute("_home.visits = (_home.visits or 0) + 1")?;
/// assert_eq!(lua.get::<i64>("_home.visits")?, 1);
/// # Ok::<(), lua_persistent::Error>(())
/// ```
pub struct Lua {
    engine: Engine,
    store: WasmStore<State>,
}

/// The machine inside a host function that Lua has called: it may run Lua again, and use tables.
pub struct Context<'a> {
    pub(crate) store: StoreContextMut<'a, State>,
    exports: Arc<Exports>,
}

/// What a piece of code gave.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// All values that it returned.
    pub values: Vec<Value>,
    /// What it printed.
    pub output: LuaString,
}

impl Outcome {
    /// The last value, nil if there is none.
    pub fn value(&self) -> Value {
        self.values.last().cloned().unwrap_or_default()
    }

    /// The values as Rust types: a tuple of them, or one for the first.
    ///
    /// # Errors
    ///
    /// If one is of another type.
    pub fn get<T: FromValues>(self) -> Result<T, ValueError> {
        T::from_values(self.values)
    }
}

/// What a step of a program gave.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// What the program returned, if it has ended, or yielded.
    pub values: Vec<Value>,
    /// What it printed in this step.
    pub output: LuaString,
    /// Whether it has ended.
    pub done: bool,
    /// Whether it waits in `coroutine.yield`, which returns what [`Lua::resume`] hands over.
    pub yielded: bool,
    /// How many ticks the step ran: rounds of loops and calls of Lua functions.
    pub ticks: u32,
    /// By how many of them it went beyond its budget because the program was where it cannot pause.
    pub overrun: u32,
}

/// Sizes of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes of the heap in use, garbage included.
    pub lua_memory_used: u32,
    /// Bytes of the heap.
    pub heap_size: u32,
    /// Bytes of the memory.
    pub total_memory: u32,
    /// Entries of external tables, if they have a quota.
    pub table_entries: Option<u64>,
    /// Bytes of external tables, if they have a quota.
    pub table_bytes: Option<u64>,
}

/// Stops a machine from another thread. The call that is under way, or else the next one, fails, and the machine is of no more
/// use; its tables are as they were before that call.
///
/// Limits are the gentler way: code that reaches one ends with an error, and the machine goes on.
#[derive(Clone)]
pub struct Interrupt {
    engine: wasmtime::Engine,
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    /// Stops the machine.
    pub fn interrupt(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.engine.increment_epoch();
    }
}

/// What can be called: a function, or the name of one, which may be a path of fields from a global (`string.format`).
pub trait Target {
    /// The value that the module calls.
    fn target(self) -> Value;
}

impl Target for &str {
    fn target(self) -> Value {
        self.into()
    }
}

impl Target for &Function {
    fn target(self) -> Value {
        self.into()
    }
}

impl Engine {
    /// Makes a machine.
    ///
    /// # Errors
    ///
    /// If the options are wrong, or there is no room for a machine.
    pub fn create(&self, options: Options) -> Result<Lua> {
        let heap = options.heap_bytes.unwrap_or_default();
        let (no_alias, home, next) = (options.no_memory_alias, options.home_table_id, options.next_table_id);
        let store = self.inner().instantiate(State::new(options)?)?;
        let mut lua = Lua { engine: self.clone(), store };
        let mut context = lua.context();
        context.transaction(|context| {
            let exports = context.exports.clone();
            let store = &mut context.store;
            let start = |store: &mut StoreContextMut<'_, State>| -> wasmtime::Result<i32> {
                exports.set_heap_limit(&mut *store, heap)?;
                if no_alias {
                    exports.set_memory_alias_enabled(&mut *store, 0)?;
                }
                let started = exports.init(&mut *store)?;
                if let (Some(home), 0) = (home, started) {
                    exports.attach_memory_table(&mut *store, home)?;
                }
                Ok(started)
            };
            match start(store) {
                Ok(0) => {}
                Ok(_) => return Err(StateError::NotStarted("its heap is too small".to_owned()).into()),
                Err(error) => return Err(StateError::NotStarted(format!("{error:#}")).into()),
            }
            let mut next = next.unwrap_or(1);
            let ids = store.data_mut().tables.ids(0, usize::MAX).map_err(Error::Store)?;
            if let Some(last) = ids.last() {
                next = next.max(last.saturating_add(1));
            }
            context.export(|exports, store| exports.sync_external_table_counter(store, next))
        })?;
        lua.note_ids();
        lua.give_functions()?;
        Ok(lua)
    }

    /// Goes on with a snapshot of [`Lua::snapshot`], or of the JavaScript package: a machine that is in every respect what the
    /// other was. The tables of the snapshot replace whatever the store holds. A snapshot without tables goes on with those
    /// of the store, which is then required.
    ///
    /// # Errors
    ///
    /// If the bytes are no snapshot, or one of another build of the module; the store is as it was then.
    pub fn restore(&self, snapshot: &[u8], options: Options) -> Result<Lua> {
        let has_store = options.store.is_some();
        let parts = snapshot::read(snapshot)?;
        let memory = parts.memory(self.inner().build()?)?;
        let tables = parts.tables()?;
        if tables.is_none() && !has_store {
            return Err(snapshot::no_tables());
        }
        let mut store = self.inner().instantiate(State::new(options)?)?;
        if let Some(exports) = store.data().exports.clone() {
            exports.memory.data_mut(&mut store)[STACK_SIZE..].copy_from_slice(&memory);
        }
        if let Some(tables) = tables {
            let state = store.data_mut();
            state.tables.begin().map_err(Error::Store)?;
            let filled = snapshot::fill(&mut state.tables, &tables);
            let ended = if filled.is_ok() { state.tables.commit() } else { state.tables.rollback() };
            filled.and(ended).map_err(Error::Store)?;
        }
        Lua::revive(self.clone(), store)
    }
}

impl Lua {
    /// Makes a machine of Lua 5.4 with tables in memory.
    ///
    /// # Errors
    ///
    /// As [`Lua::with`].
    pub fn new() -> Result<Self> {
        Self::with(Options::new())
    }

    /// Makes a machine of Lua 5.4, with [the engine that all share](Engine::shared).
    ///
    /// # Errors
    ///
    /// If the options are wrong, or the module cannot be compiled.
    pub fn with(options: Options) -> Result<Self> {
        Engine::shared()?.create(options)
    }

    /// Goes on with a snapshot, as [`Engine::restore`], with the engine that all share.
    ///
    /// # Errors
    ///
    /// As [`Engine::restore`].
    pub fn restore(snapshot: &[u8], options: Options) -> Result<Self> {
        Engine::shared()?.restore(snapshot, options)
    }

    /// Lets a machine that has the memory of another find out what its own host offers.
    pub(crate) fn revive(engine: Engine, store: WasmStore<State>) -> Result<Self> {
        let mut lua = Self { engine, store };
        let mut context = lua.context();
        context.transaction(|context| {
            let exports = context.exports.clone();
            match exports.init(&mut context.store) {
                Ok(0) => Ok(()),
                Ok(_) => Err(StateError::NotStarted("this is not the memory of a machine".to_owned()).into()),
                Err(error) => Err(StateError::NotStarted(format!("{error:#}")).into()),
            }
        })?;
        lua.note_ids();
        Ok(lua)
    }

    /// Keeps the ids of `_home` and `_io`, which are known for a machine that has crashed, too.
    fn note_ids(&mut self) {
        let mut context = self.context();
        let home = context.number(|exports, store| exports.get_memory_table_id(store));
        let io = context.number(|exports, store| exports.get_io_table_id(store));
        (context.state().home, context.state().io) = (home, io);
    }

    fn give_functions(&mut self) -> Result<()> {
        let functions = self.store.data().functions.named();
        let mut functions: Vec<_> = functions.map(|(name, function)| (name.clone(), function.clone())).collect();
        functions.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, function) in functions {
            let mut path = name.split('.').peekable();
            let mut reached = String::new();
            while let Some(field) = path.next() {
                if !reached.is_empty() {
                    reached.push('.');
                }
                reached.push_str(field);
                if path.peek().is_none() {
                    self.set(&reached, &function)?;
                } else if self.get::<Value>(&reached)?.is_nil() {
                    self.set(&reached, crate::Table::default())?;
                }
            }
        }
        Ok(())
    }

    /// The machine as host functions get it.
    pub fn context(&mut self) -> Context<'_> {
        Context::new(self.store.as_context_mut())
    }

    /// Runs code as an interactive console does: an expression gives its value, a chunk that returns nothing gives that of its
    /// last local, and top-level locals stay visible to later calls.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the code fails.
    pub fn eval(&mut self, code: impl AsRef<[u8]>) -> Result<Outcome> {
        self.context().eval(code)
    }

    /// Runs code as a chunk of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the code fails.
    pub fn compute(&mut self, code: impl AsRef<[u8]>) -> Result<Outcome> {
        self.context().compute(code)
    }

    /// Runs code with a name, limits or arguments.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the code fails.
    pub fn run(&mut self, code: impl AsRef<[u8]>, run: &Run) -> Result<Outcome> {
        self.context().run(code, run)
    }

    /// Calls a Lua function with a tuple of arguments, and takes what it returns as Rust types.
    ///
    /// ```
    /// # let mut lua = lua_persistent::Lua::new()?;
    /// let divide: lua_persistent::Function = lua.eval("function(a, b) return a // b, a % b end")?.get()?;
    /// let (quotient, rest): (i64, i64) = lua.call(&divide, (17, 5))?;
    /// assert_eq!((quotient, rest), (3, 2));
    /// assert_eq!(lua.call::<String>("string.rep", ("ab", 3))?, "ababab");
    /// # Ok::<(), lua_persistent::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the function fails; [`Error::Value`], if an argument has no form in Lua or a result is of another type.
    pub fn call<R: FromValues>(&mut self, target: impl Target, arguments: impl IntoValues) -> Result<R> {
        self.context().call(target, arguments)
    }

    /// Calls a Lua function, and has all its results and its output.
    ///
    /// # Errors
    ///
    /// As [`Lua::call`].
    pub fn call_all(&mut self, target: impl Target, arguments: impl IntoValues) -> Result<Outcome> {
        self.context().call_all(target, arguments)
    }

    /// Reads a global variable, or a path of fields from one (`config.colours`).
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if a part of the path before the last has no fields; [`Error::Value`], if the value is of another type.
    pub fn get<T: FromValues>(&mut self, path: &str) -> Result<T> {
        self.context().get(path)
    }

    /// Sets a global variable, or a field. A function gets the path as its name, unless it has one.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if a part of the path before the last has no fields; [`Error::Value`], if the value has no form in Lua.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<()> {
        self.context().set(path, value)
    }

    /// An external table. There need not be one with that id: it is empty then, and made when something is set.
    pub fn table(&mut self, id: u32) -> ExternalTable<'_> {
        ExternalTable::new(self.context(), id)
    }

    /// The external table that is `_home` in Lua: where a program keeps its state.
    pub fn home(&mut self) -> ExternalTable<'_> {
        let id = self.home_table_id();
        self.table(id)
    }

    /// The external table that is `_io` in Lua: what passes between a program and whoever runs it.
    pub fn io(&mut self) -> ExternalTable<'_> {
        let id = self.store.data().io;
        self.table(id)
    }

    /// Makes an external table; its id. It is there when something is set in it, or refers to it.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more.
    pub fn create_table(&mut self) -> Result<u32> {
        self.context().create_table()
    }

    /// Sets `_io.input`, where programs find what they are to work on.
    ///
    /// # Errors
    ///
    /// As [`ExternalTable::set`].
    pub fn set_input(&mut self, value: impl Into<Value>) -> Result<()> {
        self.io().set("input", value)
    }

    /// What a program has left in `_io.output`.
    ///
    /// # Errors
    ///
    /// As [`ExternalTable::get`].
    pub fn get_output<T: crate::FromValue>(&mut self) -> Result<T> {
        self.io().get("output")
    }

    /// Deletes everything in `_io`.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn clear_io(&mut self) -> Result<()> {
        let mut context = self.context();
        context.transaction(|context| match context.export(|exports, store| exports.clear_io_table(store))? {
            0 => Ok(()),
            _ => Err(Error::Store(context.take_failure().unwrap_or_else(|| "it failed to clear _io".into()))),
        })
    }

    /// Frees the external tables that nothing reaches any more; how many.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the store fails or a limit is reached.
    pub fn collect(&mut self) -> Result<u64> {
        Ok(self.run("return require('ext').collect()", &Run::new().name("=collect"))?.get()?)
    }

    /// Compiles code as a program that [`Lua::step`] runs, in place of the one before. It belongs to the machine: other code can
    /// run between its steps, and a snapshot holds it as it stands.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the code does not compile.
    pub fn start(&mut self, code: impl AsRef<[u8]>, run: &Run) -> Result<()> {
        let flags = run.flags();
        let (code, name) = (code.as_ref(), run.name.as_deref());
        self.context().guarded(Limits::new(), |context| {
            let left = context.place(code, name, |exports, store, [code, length, name, name_length]| {
                exports.program_start(store, code, length, name, name_length, flags)
            })?;
            if left < 0 { Err(context.error(left)) } else { Ok(()) }
        })
    }

    /// Goes on with the program for a number of ticks, or to its end.
    ///
    /// # Errors
    ///
    /// [`Error::Lua`], if the program fails, or there is none.
    pub fn step(&mut self, ticks: Option<u32>) -> Result<Step> {
        self.resume((), ticks, Limits::new())
    }

    /// Goes on with the program, and hands over what the `coroutine.yield` returns that it waits in.
    ///
    /// # Errors
    ///
    /// As [`Lua::step`].
    pub fn resume(&mut self, values: impl IntoValues, ticks: Option<u32>, limits: Limits) -> Result<Step> {
        let ticks = match ticks {
            Some(0) => return Err(Error::Option("a budget has to be at least 1 tick".to_owned())),
            ticks => ticks.unwrap_or(0),
        };
        let values = values.into_values();
        self.context().guarded(limits, |context| {
            let left =
                context.send(&values, |exports, store, at, length| exports.program_resume(store, at, length, ticks))?;
            let state = context.number(|exports, store| exports.program_state(store));
            let spent = context.number(|exports, store| exports.program_ticks(store));
            let Outcome { values, output } = context.reply(left)?;
            let overrun = if ticks == 0 { 0 } else { spent.saturating_sub(ticks) };
            let values = if state == abi::PROGRAM_PAUSED { Vec::new() } else { values };
            let (done, yielded) = (state == abi::PROGRAM_NONE, state == abi::PROGRAM_YIELDED);
            Ok(Step { values, output, done, yielded, ticks: spent, overrun })
        })
    }

    /// The machine as it is, from which others are made: a few milliseconds' work, which each of them saves.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more, or the module cannot be compiled.
    pub fn image(&mut self) -> Result<Image> {
        let memory = self.memory()?;
        Image::new(&self.engine, &memory)
    }

    /// The whole machine (heap, globals, closures, coroutines, the program) and its external tables as bytes, with which
    /// [`Lua::restore`] goes on, and the JavaScript package, too.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more, or the store fails.
    pub fn snapshot(&mut self) -> Result<Vec<u8>> {
        self.take_snapshot(true)
    }

    /// As [`Lua::snapshot`], but without the external tables: it goes on with a store that has them.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more.
    pub fn snapshot_without_tables(&mut self) -> Result<Vec<u8>> {
        self.take_snapshot(false)
    }

    fn take_snapshot(&mut self, with_tables: bool) -> Result<Vec<u8>> {
        let engine = self.engine.clone();
        let build = engine.inner().build()?;
        let buffer = self.store.data().buffer;
        let (home, next) = (self.home_table_id(), self.next_table_id());
        let mut context = self.context();
        context.check()?;
        let memory = context.exports.memory;
        let (memory, state) = memory.data_and_store_mut(&mut context.store);
        let image = build.write(memory, buffer);
        let tables = if with_tables { Some(snapshot::tables(&mut state.tables).map_err(Error::Store)?) } else { None };
        Ok(snapshot::write(build, [home, next], &image, tables.as_deref()))
    }

    /// An independent machine that is what this one is now; even the next random numbers are the same. Its tables are copies.
    ///
    /// # Errors
    ///
    /// If the options are wrong, or there is no room for a machine.
    pub fn fork(&mut self, mut options: Options) -> Result<Self> {
        let memory = self.memory()?;
        let tables = snapshot::tables(&mut self.store.data_mut().tables).map_err(Error::Store)?;
        let mut target = options.take_store();
        snapshot::fill_store(&mut *target, &tables)?;
        options.store = Some(target);
        let mut state = State::new(options)?;
        state.functions.inherit(&self.store.data().functions);
        let mut store = self.engine.inner().instantiate(state)?;
        if let Some(exports) = store.data().exports.clone() {
            exports.memory.data_mut(&mut store)[STACK_SIZE..].copy_from_slice(&memory);
        }
        Self::revive(self.engine.clone(), store)
    }

    /// Sets a checkpoint that [`Lua::rollback`] goes back to: of the machine, and of its external tables. Checkpoints nest. Each
    /// takes 2 MiB and what changes in tables, so end each.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more, or the store fails.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.context().begin_checkpoint()
    }

    /// Goes back to the last checkpoint, which is used up: the machine and its tables are what they were. Functions that Lua has
    /// given since cannot be called any more.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint, or the store fails.
    pub fn rollback(&mut self) -> Result<()> {
        self.context().end_checkpoint(false)
    }

    /// Forgets the last checkpoint and keeps what has happened since.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint, or the store fails.
    pub fn commit(&mut self) -> Result<()> {
        self.context().end_checkpoint(true)
    }

    /// Collects all garbage. What finalizers print is dropped.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more.
    pub fn gc(&mut self) -> Result<()> {
        self.context().guarded(Limits::new(), |context| context.export(|exports, store| exports.run_gc(store)))
    }

    /// Sizes of the machine.
    ///
    /// # Errors
    ///
    /// If the machine cannot be used any more.
    pub fn stats(&mut self) -> Result<Stats> {
        let mut context = self.context();
        context.check()?;
        let at = context.store.data().buffer;
        context.export(|exports, store| exports.get_memory_stats(store, at))?;
        let bytes = context.exports.memory.data(&context.store).get(at as usize..).unwrap_or_default();
        let stats = MemoryStats::read(bytes)
            .ok_or_else(|| Error::Value(ValueError::new("the figures lie outside the memory")))?;
        let heap_size = context.number(|exports, store| exports.get_heap_size(store));
        let used = context.store.data().tables.quota().map(|quota| quota.used);
        Ok(Stats {
            lua_memory_used: stats.lua_memory_used,
            heap_size,
            total_memory: stats.wasm_pages * abi::WASM_PAGE_SIZE,
            table_entries: used.map(|used| used.entries),
            table_bytes: used.map(|used| used.bytes),
        })
    }

    /// How many bytes the last call has printed.
    pub fn printed(&self) -> u64 {
        self.store.data().output.count
    }

    /// Id of the external table that is `_home`.
    pub fn home_table_id(&self) -> u32 {
        self.store.data().home
    }

    /// Id that the next new external table will have. Store it with the tables.
    pub fn next_table_id(&mut self) -> u32 {
        self.context().number(|exports, store| exports.get_external_table_counter(store))
    }

    /// What stops the machine from another thread.
    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt { engine: self.engine.inner().wasmtime().clone(), flag: self.store.data().interrupt.clone() }
    }

    /// The engine that the machine was made with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Closes the machine: finalizers run, within its limits. Its store goes to whoever made it, if the machine had one of its
    /// own. A machine that is dropped closes without its finalizers.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn close(mut self) -> Result<Box<dyn Store>> {
        let closed = match self.context().check() {
            Ok(()) => {
                self.context().guarded(Limits::new(), |context| context.export(|exports, store| exports.deinit(store)))
            }
            // There is nothing to run any more.
            Err(_) => Ok(()),
        };
        let tables = self.store.into_data().tables;
        closed.map(|()| tables.into_store())
    }

    /// A copy of the memory, without the stack.
    fn memory(&mut self) -> Result<Vec<u8>> {
        let context = self.context();
        context.check()?;
        Ok(context.exports.memory.data(&context.store)[STACK_SIZE..].to_vec())
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(store: StoreContextMut<'a, State>) -> Self {
        let exports = store.data().exports.clone().expect("an instance has its exports before it is called");
        Self { store, exports }
    }

    /// As [`Lua::eval`].
    ///
    /// # Errors
    ///
    /// As [`Lua::eval`].
    pub fn eval(&mut self, code: impl AsRef<[u8]>) -> Result<Outcome> {
        let code = code.as_ref();
        self.guarded(Limits::new(), |context| context.run_code(code, true))
    }

    /// As [`Lua::compute`].
    ///
    /// # Errors
    ///
    /// As [`Lua::compute`].
    pub fn compute(&mut self, code: impl AsRef<[u8]>) -> Result<Outcome> {
        let code = code.as_ref();
        self.guarded(Limits::new(), |context| context.run_code(code, false))
    }

    /// As [`Lua::run`].
    ///
    /// # Errors
    ///
    /// As [`Lua::run`].
    pub fn run(&mut self, code: impl AsRef<[u8]>, run: &Run) -> Result<Outcome> {
        let (code, flags) = (code.as_ref(), run.flags());
        self.guarded(run.limits, |context| {
            let name = run.name.as_deref();
            let left = context.place(code, name, |exports, store, [code, length, name, name_length]| {
                exports.execute(store, code, length, name, name_length, flags)
            })?;
            context.reply(left)
        })
    }

    /// As [`Lua::call`].
    ///
    /// # Errors
    ///
    /// As [`Lua::call`].
    pub fn call<R: FromValues>(&mut self, target: impl Target, arguments: impl IntoValues) -> Result<R> {
        Ok(self.call_all(target, arguments)?.get()?)
    }

    /// As [`Lua::call_all`].
    ///
    /// # Errors
    ///
    /// As [`Lua::call_all`].
    pub fn call_all(&mut self, target: impl Target, arguments: impl IntoValues) -> Result<Outcome> {
        let mut values = vec![target.target()];
        values.extend(arguments.into_values());
        self.guarded(Limits::new(), |context| {
            let left = context.send(&values, |exports, store, at, length| exports.call_function(store, at, length))?;
            context.reply(left)
        })
    }

    /// As [`Lua::get`].
    ///
    /// # Errors
    ///
    /// As [`Lua::get`].
    pub fn get<T: FromValues>(&mut self, path: &str) -> Result<T> {
        let outcome = self.guarded(Limits::new(), |context| {
            let left = context
                .send_bytes(path.as_bytes(), |exports, store, at, length| exports.get_global(store, at, length))?;
            context.reply(left)
        })?;
        Ok(outcome.get()?)
    }

    /// As [`Lua::set`].
    ///
    /// # Errors
    ///
    /// As [`Lua::set`].
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<()> {
        let value = match value.into() {
            Value::Function(function) => Value::Function(function.named(path)),
            other => other,
        };
        self.guarded(Limits::new(), |context| {
            let values = [path.into(), value];
            let left = context.send(&values, |exports, store, at, length| exports.set_global(store, at, length))?;
            context.reply(left).map(drop)
        })
    }

    /// As [`Lua::table`].
    pub fn table(&mut self, id: u32) -> ExternalTable<'_> {
        ExternalTable::new(Context { store: self.store.as_context_mut(), exports: self.exports.clone() }, id)
    }

    /// As [`Lua::home`].
    pub fn home(&mut self) -> ExternalTable<'_> {
        let id = self.state().home;
        self.table(id)
    }

    /// As [`Lua::create_table`].
    ///
    /// # Errors
    ///
    /// As [`Lua::create_table`].
    pub fn create_table(&mut self) -> Result<u32> {
        self.check()?;
        let id = self.export(|exports, store| exports.ext_table_new(store))?;
        if id == 0 { Err(Error::Store("all ids of tables are used".into())) } else { Ok(id) }
    }

    /// Refuses if the machine cannot be used.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.store.data().crashed {
            Some(cause) if cause == &StateError::Interrupted.to_string() => Err(StateError::Interrupted.into()),
            Some(cause) => Err(StateError::Crashed(cause.clone()).into()),
            None => Ok(()),
        }
    }

    /// Calls an export. A trap is the end of the machine.
    pub(crate) fn export<R>(
        &mut self,
        call: impl FnOnce(&Exports, &mut StoreContextMut<'a, State>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        match call(&self.exports, &mut self.store) {
            Ok(result) => Ok(result),
            Err(error) => {
                let state = self.store.data_mut();
                let cause = match error.downcast_ref::<StateError>() {
                    Some(error) => error.to_string(),
                    None if state.is_interrupted() => StateError::Interrupted.to_string(),
                    None => error.root_cause().to_string(),
                };
                state.crashed.get_or_insert(cause);
                self.check().and(Err(Error::Module(error)))
            }
        }
    }

    /// A number that an export gives at any time; 0 for a machine that cannot be used any more.
    pub(crate) fn number(
        &mut self,
        call: impl FnOnce(&Exports, &mut StoreContextMut<'a, State>) -> wasmtime::Result<u32>,
    ) -> u32 {
        self.export(call).unwrap_or_default()
    }

    pub(crate) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    pub(crate) fn take_failure(&mut self) -> Option<BoxedError> {
        self.state().failure.take()
    }

    /// Does what belongs together in the store: all of it, or nothing. Inside a host function, that is the call around it.
    pub(crate) fn transaction<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        self.check()?;
        if self.state().depth > 0 {
            return work(self);
        }
        self.state().failure = None;
        self.state().tables.begin().map_err(Error::Store)?;
        let result = work(self);
        // A Lua error keeps what was done before it, as in the memory; whatever else goes wrong is undone.
        let keeps = matches!(result, Ok(_) | Err(Error::Lua(_))) && self.state().crashed.is_none();
        let tables = &mut self.state().tables;
        let ended = if keeps { tables.commit() } else { tables.rollback() };
        match (result, ended) {
            (result, Ok(())) | (result @ Err(_), Err(_)) => result,
            (Ok(_), Err(error)) => Err(Error::Store(error)),
        }
    }

    /// Runs Lua: what each call of it begins and ends with. In a transactional machine, a call that fails is undone.
    fn guarded<R>(&mut self, limits: Limits, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        self.check()?;
        if self.state().is_interrupted() {
            self.state().crashed = Some(StateError::Interrupted.to_string());
            return self.check().and_then(|()| Err(StateError::Interrupted.into()));
        }
        if self.state().depth > 0 {
            return work(self);
        }
        self.state().stack = stack_pointer();
        self.begin(limits)?;
        if !self.state().transactional {
            return self.transaction(work);
        }
        self.begin_checkpoint()?;
        let result = work(self);
        let is_alive = self.state().crashed.is_none();
        let ended = self.end_checkpoint(result.is_ok() && is_alive);
        match (result, ended) {
            (Ok(_), Err(error)) => Err(error),
            (result, _) => result,
        }
    }

    /// Prepares a call that is not inside another.
    fn begin(&mut self, limits: Limits) -> Result<()> {
        let state = self.state();
        state.output.bytes.clear();
        state.output.count = 0;
        state.exception = None;
        state.failure = None;
        let limits = limits.or(state.limits);
        let is_told = state.told == Some(limits);
        for number in state.held.take_dropped() {
            self.export(|exports, store| exports.release_value(store, number))?;
        }
        if !is_told {
            let [instructions, milliseconds, output] =
                [limits.instructions, limits.milliseconds, limits.output_bytes].map(Option::unwrap_or_default);
            self.export(|exports, store| exports.set_limits(store, instructions, milliseconds, output))?;
            self.state().told = Some(limits);
        }
        Ok(())
    }

    fn begin_checkpoint(&mut self) -> Result<()> {
        self.check()?;
        if self.state().depth > 0 {
            return Err(StateError::Running.into());
        }
        self.state().tables.begin().map_err(Error::Store)?;
        let mut memory = std::mem::take(&mut self.state().spare);
        memory.clear();
        memory.extend_from_slice(&self.exports.memory.data(&self.store)[STACK_SIZE..]);
        self.state().checkpoint(memory);
        Ok(())
    }

    fn end_checkpoint(&mut self, keep: bool) -> Result<()> {
        if self.state().depth > 0 {
            return Err(StateError::Running.into());
        }
        if self.state().checkpoints.is_empty() {
            return Err(StateError::NoCheckpoint.into());
        }
        let mut failure = None;
        if keep {
            match self.state().tables.commit() {
                Ok(()) => {
                    self.state().commit();
                    return Ok(());
                }
                // The store has undone the transaction, so the memory goes back, too.
                Err(error) => failure = Some(Error::Store(error)),
            }
        } else if let Err(error) = self.state().tables.rollback() {
            failure = Some(Error::Store(error));
        }
        if let Some(memory) = self.state().rollback() {
            self.exports.memory.data_mut(&mut self.store)[STACK_SIZE..].copy_from_slice(&memory);
            self.state().spare = memory;
        }
        failure.map_or(Ok(()), Err)
    }

    /// Runs code that has no name.
    fn run_code(&mut self, code: &[u8], console: bool) -> Result<Outcome> {
        let buffer = self.store.data().buffer;
        let Ok(length) = u32::try_from(code.len()) else {
            return Err(ValueError::new("the code is too long").into());
        };
        if length > abi::IO_BUFFER_SIZE {
            let flags = if console { abi::EXECUTE_CONSOLE } else { 0 };
            let left = self.place(code, None, |exports, store, [code, length, name, name_length]| {
                exports.execute(store, code, length, name, name_length, flags)
            })?;
            return self.reply(left);
        }
        self.put(buffer, code);
        let left =
            self.export(
                |exports, store| {
                    if console { exports.eval(store, length) } else { exports.compute(store, buffer, length) }
                },
            )?;
        self.reply(left)
    }

    /// Copies bytes into the memory.
    fn put(&mut self, at: u32, bytes: &[u8]) {
        let at = at as usize;
        if let Some(place) = self.exports.memory.data_mut(&mut self.store).get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Puts bytes where the module can read them: into the I/O buffer, or into memory of their own, which is freed behind.
    fn placed<R>(
        &mut self,
        bytes: &[u8],
        call: impl FnOnce(&Exports, &mut StoreContextMut<'a, State>, u32) -> wasmtime::Result<R>,
    ) -> Result<R> {
        let buffer = self.store.data().buffer;
        if bytes.len() <= abi::IO_BUFFER_SIZE as usize {
            self.put(buffer, bytes);
            return self.export(|exports, store| call(exports, store, buffer));
        }
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut at = self.export(|exports, store| exports.lua_alloc(store, 0, 0, 0, size))?;
        if at == 0 {
            self.export(|exports, store| exports.run_gc(store))?;
            at = self.export(|exports, store| exports.lua_alloc(store, 0, 0, 0, size))?;
        }
        if at == 0 {
            let message = format!("not enough memory for {size} bytes of code or arguments");
            return Err(self.lua_error(abi::STATUS_MEMORY_ERROR, message).into());
        }
        self.put(at, bytes);
        let result = self.export(|exports, store| call(exports, store, at))?;
        self.export(|exports, store| exports.lua_alloc(store, 0, at, size, 0))?;
        Ok(result)
    }

    /// Places code and its name for an export that reads them.
    fn place(
        &mut self,
        code: &[u8],
        name: Option<&str>,
        call: impl FnOnce(&Exports, &mut StoreContextMut<'a, State>, [u32; 4]) -> wasmtime::Result<i32>,
    ) -> Result<i32> {
        let name = match name {
            None | Some("") => String::new(),
            Some(name) if name.starts_with(['@', '=']) => name.to_owned(),
            Some(name) => format!("={name}"),
        };
        let (length, name_length) = (code.len() as u32, name.len() as u32);
        let bytes = [code, name.as_bytes()].concat();
        self.placed(&bytes, |exports, store, at| call(exports, store, [at, length, at + length, name_length]))
    }

    /// Sends values to an export.
    fn send(
        &mut self,
        values: &[Value],
        call: impl FnOnce(&Exports, &mut StoreContextMut<'a, State>, u32, u32) -> wasmtime::Result<i32>,
    ) -> Result<i32> {
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, self.state().living()).values(values)?;
        self.send_bytes(&bytes, call)
    }

    fn send_bytes(
        &mut self,
        bytes: &[u8],
        call: impl FnOnce(&Exports, &mut StoreContextMut<'a, State>, u32, u32) -> wasmtime::Result<i32>,
    ) -> Result<i32> {
        let length = bytes.len() as u32;
        self.placed(bytes, |exports, store, at| call(exports, store, at, length))
    }

    /// Reads what a call has left.
    fn reply(&mut self, left: i32) -> Result<Outcome> {
        let Ok(length) = usize::try_from(left) else { return self.failed(left) };
        if length == 0 {
            return Ok(Outcome::default());
        }
        let memory = self.exports.memory;
        let (memory, state) = memory.data_and_store_mut(&mut self.store);
        let start = state.buffer as usize;
        let bytes = memory.get(start..start + length).unwrap_or_default();
        let malformed = || Error::Value(ValueError::new("the module left no result"));
        let (size, rest) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let (output, values) = rest.split_at_checked(u32::from_le_bytes(*size) as usize).ok_or_else(malformed)?;
        state.output.take(output);
        let values = Decoder::new(values, state.living()).results()?;
        Ok(Outcome { values, output: self.take_output() })
    }

    fn take_output(&mut self) -> LuaString {
        self.state().output.finish()
    }

    fn failed(&mut self, left: i32) -> Result<Outcome> {
        if self.export(|exports, store| exports.get_status(store))? == abi::STATUS_TOO_LARGE
            && let Some(values) = self.part(abi::PART_VALUES)?
        {
            let values = Decoder::new(&values, self.state().living()).results()?;
            return Ok(Outcome { values, output: self.take_output() });
        }
        Err(self.error(left))
    }

    /// The error that a call has left.
    fn error(&mut self, left: i32) -> Error {
        match self.read_error(left) {
            Ok(error) => error.into(),
            Err(error) => error,
        }
    }

    fn read_error(&mut self, left: i32) -> Result<LuaError> {
        let status = self.export(|exports, store| exports.get_status(store))?;
        let start = self.store.data().buffer as usize;
        let length = left.unsigned_abs().saturating_sub(1) as usize;
        let in_buffer = self.exports.memory.data(&self.store).get(start..start + length).unwrap_or_default().to_vec();
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        };
        let message = text(self.part(abi::PART_MESSAGE)?.unwrap_or(in_buffer));
        let traceback = self.part(abi::PART_TRACEBACK)?.map(text).unwrap_or_default();
        let value = match self.part(abi::PART_ERROR_VALUE)? {
            Some(value) => Decoder::new(&value, self.state().living()).results()?.pop().unwrap_or_default(),
            None => message.as_str().into(),
        };
        let number = self.part(abi::PART_EXCEPTION)?;
        let number = number.and_then(|bytes| Some(u32::from_le_bytes(*bytes.first_chunk()?)));
        let mut error = self.lua_error(status, message);
        error.traceback = traceback;
        error.value = value;
        error.output = self.take_output();
        let state = self.state();
        let thrown = state.exception.take_if(|(known, _)| Some(*known) == number).map(|(_, cause)| cause);
        error.cause = thrown.or_else(|| state.failure.take());
        if let Some(limit) = error.cause.as_ref().and_then(|cause| crate::store::quota_of(&**cause)) {
            error.kind = ErrorKind::Limit(limit);
        }
        if state.depth > 0 {
            state.inner_error = Some(error.serial);
        }
        Ok(error)
    }

    fn lua_error(&mut self, status: i32, message: String) -> LuaError {
        let state = self.state();
        state.errors += 1;
        LuaError {
            kind: ErrorKind::of(status),
            status,
            value: message.as_str().into(),
            message,
            traceback: String::new(),
            output: LuaString::default(),
            cause: None,
            serial: state.errors,
        }
    }

    /// Reads a part of the last result, whole.
    fn part(&mut self, part: u32) -> Result<Option<Vec<u8>>> {
        let size = self.export(|exports, store| exports.result_size(store, part))?;
        let Ok(size) = usize::try_from(size) else { return Ok(None) };
        let buffer = self.store.data().buffer;
        let mut whole = Vec::with_capacity(size);
        while whole.len() < size {
            let (offset, room) = (whole.len() as u32, abi::IO_BUFFER_SIZE);
            let count = self.export(|exports, store| exports.result_read(store, part, offset, buffer, room))?;
            let Some(count) = usize::try_from(count).ok().filter(|&count| count > 0) else { return Ok(None) };
            let at = buffer as usize;
            whole.extend_from_slice(self.exports.memory.data(&self.store).get(at..at + count).unwrap_or_default());
        }
        Ok(Some(whole))
    }
}
