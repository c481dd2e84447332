//! What machines and calls can be given.

use std::collections::HashMap;
use std::sync::Arc;

use crate::generated as abi;
use crate::store::{MemoryStore, Store};
use crate::value::{Function, LuaString};
use crate::{Error, Result};

/// The time, as `os.time` and `os.clock` give it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Seconds since the start of 1970 in UTC, with fractions.
    pub unix_seconds: f64,
    /// Seconds of processor time used, from any starting point.
    pub cpu_seconds: f64,
}

/// What one call of Lua may use. Without a limit, it may use all that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub(crate) instructions: Option<u32>,
    pub(crate) milliseconds: Option<u32>,
    pub(crate) output_bytes: Option<u32>,
}

impl Limits {
    /// No limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many instructions: rounds of loops and calls of Lua functions. The work of library functions counts, too.
    #[must_use]
    pub fn instructions(self, instructions: u32) -> Self {
        Self { instructions: Some(instructions), ..self }
    }

    /// How much time, in milliseconds. It is looked at between instructions.
    #[must_use]
    pub fn milliseconds(self, milliseconds: u32) -> Self {
        Self { milliseconds: Some(milliseconds), ..self }
    }

    /// How many bytes of output.
    #[must_use]
    pub fn output_bytes(self, output_bytes: u32) -> Self {
        Self { output_bytes: Some(output_bytes), ..self }
    }

    /// These limits, and those of `others` where there is none.
    pub(crate) fn or(self, others: Self) -> Self {
        Self {
            instructions: self.instructions.or(others.instructions),
            milliseconds: self.milliseconds.or(others.milliseconds),
            output_bytes: self.output_bytes.or(others.output_bytes),
        }
    }
}

/// How a piece of code is run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub(crate) name: Option<String>,
    pub(crate) pass_arguments: bool,
    pub(crate) console: bool,
    pub(crate) limits: Limits,
}

impl Run {
    /// As `compute` runs it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the code in messages: shown as it is, or in Lua's own notation (`@file`, `=name`).
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The code gets the elements of the global table `arg` as its `...`.
    #[must_use]
    pub fn pass_arguments(self) -> Self {
        Self { pass_arguments: true, ..self }
    }

    /// Runs the code as an interactive console does, as `eval`.
    #[must_use]
    pub fn console(self) -> Self {
        Self { console: true, ..self }
    }

    /// What the code may use, where it differs from the machine's limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The flags of the exports that run code.
    pub(crate) fn flags(&self) -> u32 {
        let console = if self.console { abi::EXECUTE_CONSOLE } else { 0 };
        console | if self.pass_arguments { abi::EXECUTE_ARGUMENTS } else { 0 }
    }
}

pub(crate) type FindModule = dyn FnMut(&str) -> Option<LuaString> + Send;
pub(crate) type OnPrint = dyn FnMut(&[u8]) + Send;
pub(crate) type ReadClock = dyn FnMut() -> Clock + Send;
pub(crate) type ReadOffset = dyn FnMut(f64) -> i32 + Send;
pub(crate) type ReadEntropy = dyn FnMut() -> [u64; 2] + Send;

/// What a machine is made with.
///
/// ```
/// use lua_persistent::{Lua, Limits, MemoryStore, Options};
///
/// let options = Options::new()
///     .store(MemoryStore::new())
///     .limits(Limits::new().instructions(1_000_000))
///     .module("greet", "return function(name) return 'Hello, ' .. name end")
///     .function("shout", |_, text: String| Ok(text.to_uppercase()));
/// let mut lua = Lua::with(options)?;
/// let text: String = lua.compute("return shout(require('greet')('you'))")?.get()?;
/// assert_eq!(text, "HELLO, YOU");
/// # Ok::<(), lua_persistent::Error>(())
/// ```
#[derive(Default)]
pub struct Options {
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) home_table_id: Option<u32>,
    pub(crate) next_table_id: Option<u32>,
    pub(crate) no_memory_alias: bool,
    pub(crate) on_print: Option<Box<OnPrint>>,
    pub(crate) drop_output: bool,
    pub(crate) heap_bytes: Option<u32>,
    pub(crate) transactional: bool,
    pub(crate) limits: Limits,
    pub(crate) table_entries: Option<u64>,
    pub(crate) table_bytes: Option<u64>,
    pub(crate) functions: Vec<(String, Function)>,
    pub(crate) modules: HashMap<String, LuaString>,
    pub(crate) find_module: Option<Box<FindModule>>,
    pub(crate) clock: Option<Box<ReadClock>>,
    pub(crate) utc_offset: Option<Box<ReadOffset>>,
    pub(crate) entropy: Option<Box<ReadEntropy>>,
}

impl Options {
    /// What every option is by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where external tables live; by default in memory.
    #[must_use]
    pub fn store(self, store: impl Store + 'static) -> Self {
        Self { store: Some(Box::new(store)), ..self }
    }

    /// As [`Options::store`], for a store that [`Lua::close`](crate::Lua::close) gave back.
    #[must_use]
    pub fn boxed_store(self, store: Box<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Which table of the store is `_home`; by default 1.
    #[must_use]
    pub fn home_table_id(self, id: u32) -> Self {
        Self { home_table_id: Some(id), ..self }
    }

    /// The lowest id that a new table may get; above all tables of the store in any case.
    #[must_use]
    pub fn next_table_id(self, id: u32) -> Self {
        Self { next_table_id: Some(id), ..self }
    }

    /// Whether `Memory` is another name of `_home`; by default true.
    #[must_use]
    pub fn memory_alias(self, alias: bool) -> Self {
        Self { no_memory_alias: !alias, ..self }
    }

    /// Gets output as it comes, in pieces of bytes: a character may come in two.
    #[must_use]
    pub fn on_print(self, on_print: impl FnMut(&[u8]) + Send + 'static) -> Self {
        Self { on_print: Some(Box::new(on_print)), ..self }
    }

    /// Whether results carry the output; by default true.
    #[must_use]
    pub fn keep_output(self, keep: bool) -> Self {
        Self { drop_output: !keep, ..self }
    }

    /// Bytes of Lua's heap, from 131,072; by default, all that the 2 MiB have. Machines from images and snapshots keep the
    /// heap that they have.
    #[must_use]
    pub fn heap_bytes(self, bytes: u32) -> Self {
        Self { heap_bytes: Some(bytes), ..self }
    }

    /// Whether a call that fails is undone, in Lua's memory as in external tables; by default false. Such a machine copies
    /// its memory before each call.
    #[must_use]
    pub fn transactional(self, transactional: bool) -> Self {
        Self { transactional, ..self }
    }

    /// What each call may use.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Most entries of all external tables together.
    #[must_use]
    pub fn table_entries(self, entries: u64) -> Self {
        Self { table_entries: Some(entries), ..self }
    }

    /// Most bytes of all external tables together, keys and values as they are stored.
    #[must_use]
    pub fn table_bytes(self, bytes: u64) -> Self {
        Self { table_bytes: Some(bytes), ..self }
    }

    /// A function of Rust that becomes a global, or a field of one (`host.log`). In a machine that goes on from an image or a
    /// snapshot, it is found again by this name.
    #[must_use]
    pub fn function<A, R, F>(mut self, name: &str, function: F) -> Self
    where
        A: crate::FromValues,
        R: crate::IntoValues,
        F: Fn(&mut crate::Context<'_>, A) -> Result<R> + Send + Sync + 'static,
    {
        self.functions.push((name.to_owned(), Function::new(function).named(name)));
        self
    }

    /// The source of a module, which `require` finds by its name.
    #[must_use]
    pub fn module(mut self, name: impl Into<String>, source: impl Into<LuaString>) -> Self {
        self.modules.insert(name.into(), source.into());
        self
    }

    /// Finds the source of any other module.
    #[must_use]
    pub fn find_module(self, find: impl FnMut(&str) -> Option<LuaString> + Send + 'static) -> Self {
        Self { find_module: Some(Box::new(find)), ..self }
    }

    /// The clock; by default the system's.
    #[must_use]
    pub fn clock(self, clock: impl FnMut() -> Clock + Send + 'static) -> Self {
        Self { clock: Some(Box::new(clock)), ..self }
    }

    /// How many seconds local time is ahead of UTC at an instant (in seconds since 1970); by default 0.
    #[must_use]
    pub fn utc_offset(self, offset: impl FnMut(f64) -> i32 + Send + 'static) -> Self {
        Self { utc_offset: Some(Box::new(offset)), ..self }
    }

    /// Where the seed of `math.random` comes from; by default random numbers of the system.
    #[must_use]
    pub fn entropy(self, entropy: impl FnMut() -> [u64; 2] + Send + 'static) -> Self {
        Self { entropy: Some(Box::new(entropy)), ..self }
    }

    /// Checks what the types do not.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(bytes) = self.heap_bytes
            && bytes < abi::HEAP_LEAST
        {
            return Err(Error::Option(format!("heap_bytes has to be at least {}, not {bytes}", abi::HEAP_LEAST)));
        }
        let limits = [self.limits.instructions, self.limits.milliseconds, self.limits.output_bytes];
        if limits.contains(&Some(0)) || self.table_entries == Some(0) || self.table_bytes == Some(0) {
            return Err(Error::Option("a limit has to be at least 1".to_owned()));
        }
        for id in [self.home_table_id, self.next_table_id].into_iter().flatten() {
            if id == 0 || id == u32::MAX {
                return Err(Error::Option(format!("no external table can have the id {id}")));
            }
        }
        Ok(())
    }

    pub(crate) fn take_store(&mut self) -> Box<dyn Store> {
        self.store.take().unwrap_or_else(|| Box::new(MemoryStore::new()))
    }

    pub(crate) fn quota(&self) -> Option<(u64, u64)> {
        let any = self.table_entries.is_some() || self.table_bytes.is_some();
        any.then(|| (self.table_entries.unwrap_or(u64::MAX), self.table_bytes.unwrap_or(u64::MAX)))
    }

    /// The named functions, by name.
    pub(crate) fn named(&self) -> HashMap<Arc<str>, Function> {
        self.functions.iter().map(|(name, function)| (name.as_str().into(), function.clone())).collect()
    }
}
