//! Compiles a module, once for all of its machines.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use wasmtime::{
    Config, Inlining, InstanceAllocationStrategy, InstancePre, Linker, Module, PoolingAllocationConfig,
    Store as WasmStore, UpdateDeadline,
};

use crate::generated::{self as abi, Exports};
use crate::host::{STACK, State};
use crate::image::{Build, Template};
use crate::wasm::{self, Stamp};
use crate::{Error, Result, StateError};

mod modules {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

/// Bytes that a machine's memory has.
const MEMORY: usize = (abi::MEMORY_PAGES * abi::WASM_PAGE_SIZE) as usize;

/// A line of Lua's releases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// Lua 5.4.
    #[default]
    Lua54,
    /// Lua 5.5.
    Lua55,
}

impl Line {
    /// The module that this crate carries.
    fn module(self) -> Result<&'static [u8]> {
        let (module, file) = match self {
            Self::Lua54 => (modules::LUA_5_4, "web/lua-exnref.wasm"),
            Self::Lua55 => (modules::LUA_5_5, "web/lua-5.5-exnref.wasm"),
        };
        module.ok_or_else(|| {
            Error::Option(format!(
                "this program carries no module of {self:?}: {file} was not there when it was compiled, or the feature \
                 `embed` is off; give the bytes of a module by EngineOptions::wasm"
            ))
        })
    }
}

/// How an [`Engine`] is made.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    line: Line,
    wasm: Option<Arc<[u8]>>,
    machines: Option<u32>,
    cache: Option<PathBuf>,
    interruptible: bool,
}

impl EngineOptions {
    /// What every option is by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which line of Lua; by default 5.4.
    #[must_use]
    pub fn line(self, line: Line) -> Self {
        Self { line, ..self }
    }

    /// The module's bytes, in place of those that the crate carries: of a `lua-exnref.wasm`.
    #[must_use]
    pub fn wasm(self, wasm: impl Into<Arc<[u8]>>) -> Self {
        Self { wasm: Some(wasm.into()), ..self }
    }

    /// Keeps a pool of memory for at most so many machines at a time. It makes new machines cheaper, and machines of one
    /// [`Image`](crate::Image) share what they do not change. Without it, each machine gets memory of its own, and there is
    /// no limit. The pool takes address space, 8 GiB for each machine, and no memory.
    #[must_use]
    pub fn pooled(self, machines: u32) -> Self {
        Self { machines: Some(machines), ..self }
    }

    /// Keeps compiled modules in a folder, from which the next process loads them in a few milliseconds; compiling takes
    /// about half a second. What is in the folder is run as it is: nobody else may be able to write there. By default, this is
    /// the folder that the environment variable `LUA_PERSISTENT_CACHE` names, if it names one.
    #[must_use]
    pub fn cache(self, folder: impl Into<PathBuf>) -> Self {
        Self { cache: Some(folder.into()), ..self }
    }

    /// Whether [`Interrupt`](crate::Interrupt) can stop code wherever it is; by default false, and then it stops where the
    /// code next asks the host. It costs some speed.
    #[must_use]
    pub fn interruptible(self, interruptible: bool) -> Self {
        Self { interruptible, ..self }
    }
}

/// A compiled module, from which any number of machines are made. Copies are the same engine.
///
/// ```
/// use lua_persistent::{Engine, EngineOptions, Options};
///
/// let engine = Engine::new(EngineOptions::new().pooled(10))?;
/// let mut one = engine.create(Options::new())?;
/// let mut other = engine.create(Options::new())?;
/// one.compute("x = 1")?;
/// assert!(other.compute("return x")?.value().is_nil());
/// # Ok::<(), lua_persistent::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    engine: wasmtime::Engine,
    wasm: Arc<[u8]>,
    stamp: Stamp,
    linker: Linker<State>,
    plain: InstancePre<State>,
    interruptible: bool,
    cache: Option<PathBuf>,
    build: OnceLock<Build>,
    template: OnceLock<Template>,
}

impl Engine {
    /// Compiles a module, or loads it from the cache.
    ///
    /// # Errors
    ///
    /// If the module is not one of this version of the boundary, or wasmtime cannot run it.
    pub fn new(options: EngineOptions) -> Result<Self> {
        let wasm = match options.wasm {
            Some(wasm) => wasm,
            None => options.line.module()?.into(),
        };
        let no_module = |why: &str| Error::Module(wasmtime::Error::msg(why.to_owned()));
        let stamp = wasm::stamp(&wasm).ok_or_else(|| no_module("it has no stamp of lua-persistent"))?;
        if stamp.abi_version != abi::ABI_VERSION {
            let (theirs, ours) = (stamp.abi_version, abi::ABI_VERSION);
            return Err(no_module(&format!("it has version {theirs} of the boundary, and this crate is for {ours}")));
        }
        let engine = wasmtime::Engine::new(&config(options.machines, options.interruptible)).map_err(Error::Module)?;
        let mut linker = Linker::new(&engine);
        abi::link(&mut linker).map_err(Error::Module)?;
        let cache = options.cache.or_else(|| std::env::var_os("LUA_PERSISTENT_CACHE").map(PathBuf::from));
        let module = compile(&engine, &wasm, cache.as_deref())?;
        let plain = linker.instantiate_pre(&module).map_err(Error::Module)?;
        Ok(Self(Arc::new(Inner {
            engine,
            wasm,
            stamp,
            linker,
            plain,
            interruptible: options.interruptible,
            cache,
            build: OnceLock::new(),
            template: OnceLock::new(),
        })))
    }

    /// The engine of [`Lua::new`](crate::Lua::new) and [`Lua::with`](crate::Lua::with): Lua 5.4, without a pool. It is
    /// compiled when it is first asked for.
    ///
    /// # Errors
    ///
    /// As [`Engine::new`].
    pub fn shared() -> Result<Self> {
        static SHARED: OnceLock<Engine> = OnceLock::new();
        if let Some(engine) = SHARED.get() {
            return Ok(engine.clone());
        }
        let engine = Self::new(EngineOptions::new())?;
        Ok(SHARED.get_or_init(|| engine).clone())
    }

    /// The full release of Lua, as `5.4.9`.
    pub fn lua_release(&self) -> &str {
        &self.0.stamp.lua_release
    }

    /// The compiled module, for hosts that use the [typed bindings](crate::generated) without the rest of this crate. Its engine
    /// is `module().engine()`.
    pub fn module(&self) -> &Module {
        self.0.plain.module()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// An instance of the module as it was built.
    pub(crate) fn instantiate(&self, state: State) -> Result<WasmStore<State>> {
        self.instance_of(&self.plain, state)
    }

    /// An instance of a module with other data.
    pub(crate) fn instance_of(&self, module: &InstancePre<State>, state: State) -> Result<WasmStore<State>> {
        let mut store = WasmStore::new(&self.engine, state);
        if self.interruptible {
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(|context| {
                if context.data().is_interrupted() {
                    return Err(wasmtime::Error::msg(StateError::Interrupted));
                }
                Ok(UpdateDeadline::Continue(1))
            });
        }
        let not_started = |error: wasmtime::Error| Error::State(StateError::NotStarted(format!("{error:#}")));
        let instance = module.instantiate(&mut store).map_err(not_started)?;
        let exports = Exports::new(&mut store, &instance).map_err(Error::Module)?;
        let buffer = exports.get_buffer_ptr(&mut store).map_err(not_started)?;
        let state = store.data_mut();
        state.memory = Some(exports.memory);
        state.exports = Some(Arc::new(exports));
        state.buffer = buffer;
        Ok(store)
    }

    /// Compiles another module, or loads it from the cache.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Module> {
        compile(&self.engine, wasm, self.cache.as_deref())
    }

    /// What machines of this module are right after `init`.
    pub(crate) fn build(&self) -> Result<&Build> {
        if let Some(build) = self.build.get() {
            return Ok(build);
        }
        let build = Build::examine(self)?;
        Ok(self.build.get_or_init(|| build))
    }

    /// The module whose data can be replaced without compiling it again.
    pub(crate) fn template(&self) -> Result<&Template> {
        if let Some(template) = self.template.get() {
            return Ok(template);
        }
        let template = Template::make(&self.wasm, MEMORY, |wasm| self.compile(wasm))?;
        Ok(self.template.get_or_init(|| template))
    }

    pub(crate) fn pre(&self, module: &Module) -> Result<InstancePre<State>> {
        self.linker.instantiate_pre(module).map_err(Error::Module)
    }
}

fn config(machines: Option<u32>, interruptible: bool) -> Config {
    let mut config = Config::new();
    config.wasm_exceptions(true);
    config.epoch_interruption(interruptible);
    config.max_wasm_stack(STACK);
    // Short calls take a tenth less time. A compiler that is not optimized itself would take three times as long for it.
    config.compiler_inlining(if cfg!(debug_assertions) { Inlining::No } else { Inlining::Yes });
    if let Some(machines) = machines {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_core_instances(machines);
        // Each machine has a second one, in which wasmtime keeps the exceptions that are under way.
        pool.total_memories(machines.saturating_mul(2));
        pool.total_tables(machines);
        pool.total_gc_heaps(machines);
        pool.max_memory_size(MEMORY);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Compiles a module, or loads it from a cache.
fn compile(engine: &wasmtime::Engine, wasm: &[u8], cache: Option<&Path>) -> Result<Module> {
    let Some(folder) = cache else { return Module::new(engine, wasm).map_err(Error::Module) };
    let file = folder.join(format!("{:016x}.cwasm", fingerprint(engine, wasm)));
    if file.is_file() {
        // SAFETY: the file is one that `serialize` below has written, as who names the folder promises that nobody else
        // writes there; wasmtime checks that this release of it, with these settings, has made the file.
        if let Ok(module) = unsafe { Module::deserialize_file(engine, &file) } {
            return Ok(module);
        }
    }
    let module = Module::new(engine, wasm).map_err(Error::Module)?;
    // A cache that cannot be written is none. The name is taken at once, so that no other process reads half a file.
    if let Ok(bytes) = module.serialize() {
        let partial = file.with_extension(format!("{}.partial", std::process::id()));
        let _ = std::fs::create_dir_all(folder);
        let _ = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, &file));
    }
    Ok(module)
}

/// Tells compiled modules in a cache from each other.
fn fingerprint(engine: &wasmtime::Engine, wasm: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let mut hasher = DefaultHasher::new();
    wasm.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
