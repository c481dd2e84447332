//! Images of machines. All of a machine's state is in its memory, and a machine of the same build that gets this memory goes
//! on where the other stopped. The C stack and the I/O buffer mean nothing between calls.

use std::sync::Arc;

use wasmtime::{InstancePre, Module};

use crate::engine::{Engine, Inner};
use crate::generated::IO_BUFFER_SIZE;
use crate::host::State;
use crate::lua::Lua;
use crate::options::Options;
use crate::wasm;
use crate::{Error, Result, StateError};

/// Bytes at the start of the memory that are the C stack.
pub(crate) const STACK_SIZE: usize = 0x40000;

/// Images in bytes are made of blocks, counted from the end of the stack.
const BLOCK: usize = 256;

/// What a build is: equal for two exactly if images of one go on in the other.
pub(crate) struct Build {
    pub(crate) id: String,
    pub(crate) lua_release: String,
    pub(crate) abi_hash: String,
    /// The memory after `init`, without the stack.
    fresh: Vec<u8>,
}

impl Build {
    /// Makes a machine with a host that offers nothing: what it is depends on the build alone.
    pub(crate) fn examine(engine: &Inner) -> Result<Self> {
        let mut store = engine.instantiate(State::silent()?)?;
        let Some(exports) = store.data().exports.clone() else {
            return Err(StateError::NotStarted("it has no exports".to_owned()).into());
        };
        if exports.init(&mut store).map_err(Error::Module)? != 0 {
            return Err(StateError::NotStarted("the module cannot be initialized".to_owned()).into());
        }
        let fresh = exports.memory.data(&store)[STACK_SIZE..].to_vec();
        let stamp = engine.stamp();
        let [low, high] = digest(&fresh);
        let linked = if stamp.build.is_empty() { String::new() } else { format!("-{}", stamp.build) };
        Ok(Self {
            id: format!("{low:08x}{high:08x}{linked}"),
            lua_release: stamp.lua_release.clone(),
            abi_hash: stamp.manifest_hash.clone(),
            fresh,
        })
    }

    /// The blocks of a memory that differ from the fresh one, as bytes.
    pub(crate) fn write(&self, memory: &[u8], buffer: u32) -> Vec<u8> {
        let memory = &memory[STACK_SIZE..];
        let buffer = buffer as usize - STACK_SIZE;
        let skipped = buffer.div_ceil(BLOCK)..(buffer + IO_BUFFER_SIZE as usize) / BLOCK;
        let blocks = memory.chunks_exact(BLOCK).zip(self.fresh.chunks_exact(BLOCK)).enumerate();
        let differing = blocks.filter(|(at, (now, fresh))| !skipped.contains(at) && now != fresh);
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut contents = Vec::new();
        for (at, (now, _)) in differing {
            match runs.last_mut() {
                Some((first, count)) if (*first + *count) as usize == at => *count += 1,
                _ => runs.push((at as u32, 1)),
            }
            contents.extend_from_slice(now);
        }
        let mut image = (runs.len() as u32).to_le_bytes().to_vec();
        for (first, count) in runs {
            image.extend_from_slice(&first.to_le_bytes());
            image.extend_from_slice(&count.to_le_bytes());
        }
        image.extend(contents);
        image
    }

    /// The memory of an image, without the stack; `None` if the bytes are no image.
    pub(crate) fn read(&self, image: &[u8]) -> Option<Vec<u8>> {
        let (count, rest) = image.split_first_chunk()?;
        let count = u32::from_le_bytes(*count) as usize;
        let (runs, mut contents) = rest.split_at_checked(count.checked_mul(8)?)?;
        let mut memory = self.fresh.clone();
        let mut end = 0;
        for run in runs.chunks_exact(8) {
            let [first, length] = [0, 4].map(|at| u32::from_le_bytes([run[at], run[at + 1], run[at + 2], run[at + 3]]));
            let (first, length) = (first as usize, length as usize);
            if first < end || length == 0 {
                return None;
            }
            end = first.checked_add(length)?;
            let place = memory.get_mut(first * BLOCK..end.checked_mul(BLOCK)?)?;
            let (bytes, behind) = contents.split_at_checked(place.len())?;
            place.copy_from_slice(bytes);
            contents = behind;
        }
        contents.is_empty().then_some(memory)
    }

    /// The longest image in bytes.
    pub(crate) fn longest(&self) -> usize {
        4 + self.fresh.len() + 8 * self.fresh.len() / BLOCK
    }
}

/// A 64-bit checksum, as the JavaScript package computes it (`web/bytes/digest.js`). It tells damage, not forgery.
pub(crate) fn digest(bytes: &[u8]) -> [u32; 2] {
    const FACTORS: [u32; 4] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f];
    let words: Vec<u32> =
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
    let mut lanes: [u32; 4] = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, words.len() as u32];
    let (whole, rest) = words.as_chunks::<4>();
    for chunk in whole {
        for (lane, (word, factor)) in lanes.iter_mut().zip(chunk.iter().zip(FACTORS)) {
            *lane = (*lane ^ word).wrapping_mul(factor);
            *lane ^= *lane >> 15;
        }
    }
    for word in rest {
        let [a, b, c, d] = lanes;
        let last = (a ^ word).wrapping_mul(FACTORS[0]);
        lanes = [b, c, d, last ^ (last >> 15)];
    }
    let mix = |hash: u32| {
        let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    };
    let [a, b, c, d] = lanes;
    [mix(a.wrapping_add(c.wrapping_mul(5))), mix(b.wrapping_add(d.wrapping_mul(5)))]
}

/// A compiled module with a mark in place of its data, which is replaced in the compiled bytes: compiling takes a hundred
/// times as long.
pub(crate) struct Template {
    compiled: Vec<u8>,
    /// Where the data lies.
    at: usize,
    length: usize,
}

impl Template {
    pub(crate) fn make(wasm: &[u8], memory: usize, compile: impl Fn(&[u8]) -> Result<Module>) -> Result<Self> {
        let failed = |why: &str| Error::Module(wasmtime::Error::msg(why.to_owned()));
        // Numbers that come nowhere else in the file.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mark: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8 | 1
        })
        .take(memory - STACK_SIZE)
        .collect();
        let marked = wasm::with_data(wasm, STACK_SIZE as u32, &mark).ok_or_else(|| failed("it is malformed"))?;
        let compiled = compile(&marked)?.serialize().map_err(Error::Module)?;
        let start = &mark[..64];
        let at = compiled.windows(start.len()).position(|window| window == start);
        let at = at.filter(|&at| compiled.get(at..at + mark.len()) == Some(&mark));
        let at = at.ok_or_else(|| failed("its data is not where it is expected in what wasmtime made of it"))?;
        Ok(Self { compiled, at, length: mark.len() })
    }

    /// The module with a memory, without the stack, as its data.
    fn with(&self, engine: &wasmtime::Engine, memory: &[u8]) -> Result<Module> {
        let mut compiled = self.compiled.clone();
        compiled[self.at..self.at + self.length].copy_from_slice(memory);
        // SAFETY: these are the bytes that `serialize` gave for this engine, except for the contents of the data segment,
        // which any module can have.
        unsafe { Module::deserialize(engine, compiled) }.map_err(Error::Module)
    }
}

/// A machine as it was at a moment, from which others are made. Their memory is shared until they write to it.
///
/// It has the memory of Lua, and no external tables. `math.random` goes on with the same numbers in all of its machines,
/// unless the program gives it another seed.
///
/// ```
/// use lua_persistent::{Engine, EngineOptions, Options};
///
/// let engine = Engine::new(EngineOptions::new().pooled(100))?;
/// let mut lua = engine.create(Options::new())?;
/// lua.compute("words = {} for i = 1, 1000 do words[i] = 'word' .. i end")?;
/// let image = lua.image()?;
///
/// let mut machines = (0..10).map(|_| image.create(Options::new())).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(machines[9].compute("return words[1000]")?.get::<String>()?, "word1000");
/// # Ok::<(), lua_persistent::Error>(())
/// ```
#[derive(Clone)]
pub struct Image {
    engine: Engine,
    module: Arc<InstancePre<State>>,
}

impl Image {
    pub(crate) fn new(engine: &Engine, memory: &[u8]) -> Result<Self> {
        let inner = engine.inner();
        let module = inner.template()?.with(inner.wasmtime(), memory)?;
        Ok(Self { engine: engine.clone(), module: Arc::new(inner.pre(&module)?) })
    }

    /// Makes a machine that goes on where the other was. Its options are its own, but for the heap, `_home` and `Memory`, which
    /// are what they were.
    ///
    /// # Errors
    ///
    /// If the options are wrong, or there is no room for a machine.
    pub fn create(&self, options: Options) -> Result<Lua> {
        let store = self.engine.inner().instance_of(&self.module, State::new(options)?)?;
        Lua::revive(self.engine.clone(), store)
    }
}
