//! Functions, and other values that stay in Lua.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{FromValues, IntoValues, LuaString, Value};
use crate::lua::Context;
use crate::{Error, Result};

/// What a host function is: it gets the machine and its arguments.
pub(crate) type HostFunction = dyn Fn(&mut Context<'_>, Vec<Value>) -> Result<Vec<Value>> + Send + Sync;

/// A function: one of Lua, which [`Lua::call`](crate::Lua::call) calls, or one of Rust for Lua to call.
///
/// ```
/// use lua_persistent::{Function, Lua};
///
/// let mut lua = Lua::new()?;
/// lua.set("add", Function::new(|_, (a, b): (i64, i64)| Ok(a + b)))?;
/// assert_eq!(lua.compute("return add(2, 3)")?.get::<i64>()?, 5);
///
/// let double: Function = lua.eval("function(x) return 2 * x end")?.get()?;
/// assert_eq!(lua.call::<i64>(&double, (21,))?, 42);
/// # Ok::<(), lua_persistent::Error>(())
/// ```
#[derive(Clone)]
pub struct Function(pub(crate) Repr);

/// Where a function is.
#[derive(Clone)]
pub(crate) enum Repr {
    /// In Lua, under a number.
    Held(Held),
    /// In a library of Lua, by name.
    Library(LuaString),
    /// In external tables: the id of the table that describes it.
    Stored(u32),
    /// In Rust.
    Host { call: Arc<HostFunction>, name: Option<Arc<str>> },
    /// In Rust, but not there any more.
    Gone(LuaString),
}

impl Function {
    /// A function for Lua to call. It gets the machine, in which it may run Lua again, and its arguments as a tuple, or as
    /// a `Vec` of all that are given. An error that it returns is an error in Lua; so is a panic.
    pub fn new<A, R, F>(function: F) -> Self
    where
        A: FromValues,
        R: IntoValues,
        F: Fn(&mut Context<'_>, A) -> Result<R> + Send + Sync + 'static,
    {
        let call = move |machine: &mut Context<'_>, arguments: Vec<Value>| {
            let arguments = A::from_values(arguments).map_err(Error::Value)?;
            function(machine, arguments).map(IntoValues::into_values)
        };
        Self(Repr::Host { call: Arc::new(call), name: None })
    }

    /// The same function with a name, by which it is found again in a machine that goes on from a snapshot.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        match self.0 {
            Repr::Host { call, name: None } => Self(Repr::Host { call, name: Some(name.into()) }),
            other => Self(other),
        }
    }

    /// The name of a library's function or of one in Rust, if it has one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Repr::Library(name) | Repr::Gone(name) => name.to_str().ok(),
            Repr::Host { name, .. } => name.as_deref(),
            Repr::Held(_) | Repr::Stored(_) => None,
        }
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Held(one), Repr::Held(other)) => one == other,
            (Repr::Library(one), Repr::Library(other)) => one == other,
            (Repr::Stored(one), Repr::Stored(other)) => one == other,
            (Repr::Host { call: one, .. }, Repr::Host { call: other, .. }) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Held(held) => held.fmt(f),
            Repr::Library(name) => write!(f, "Function({name})"),
            Repr::Stored(id) => write!(f, "Function(stored in {id})"),
            Repr::Host { name, .. } => write!(f, "Function(in Rust, {})", name.as_deref().unwrap_or("without a name")),
            Repr::Gone(name) => write!(f, "Function(in Rust, gone: {name})"),
        }
    }
}

/// A value that stays in Lua as long as this or a copy of it is there: a function, a coroutine or userdata.
#[derive(Clone)]
pub struct Held(pub(crate) Arc<HeldNumber>);

/// The number of a held value. When it is dropped, the machine releases the value before its next call.
pub(crate) struct HeldNumber {
    pub(crate) number: u32,
    pub(crate) type_number: u8,
    pub(crate) text: LuaString,
    /// How many held values there were before, and this one.
    pub(crate) serial: u64,
    /// Whether the machine went back to a time before it.
    pub(crate) dead: AtomicBool,
    /// Numbers to release, of the machine that has it.
    pub(crate) dropped: Arc<Mutex<Vec<u32>>>,
}

impl Drop for HeldNumber {
    fn drop(&mut self) {
        if self.dead.load(Ordering::Relaxed) {
            return;
        }
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

impl Held {
    /// The name that Lua gives to its type.
    pub fn kind(&self) -> &'static str {
        super::type_of_number(self.0.type_number)
    }

    /// What `tostring` made of it when it came.
    pub fn text(&self) -> &LuaString {
        &self.0.text
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({})", self.0.text)
    }
}
