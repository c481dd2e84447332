//! Records what a Lua program asks of its allocator, with the sizes that it would ask for on wasm32.

use heap_bench::replay::{ALLOCATE, FREE, Op, REALLOCATE};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};

#[allow(non_camel_case_types)]
enum lua_State {}

type Alloc = unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize) -> *mut c_void;

unsafe extern "C" {
    fn lua_newstate(alloc: Alloc, ud: *mut c_void) -> *mut lua_State;
    fn lua_close(state: *mut lua_State);
    fn luaL_openlibs(state: *mut lua_State);
    fn luaL_loadbufferx(
        state: *mut lua_State,
        code: *const c_char,
        len: usize,
        name: *const c_char,
        mode: *const c_char,
    ) -> c_int;
    fn lua_pcallk(
        state: *mut lua_State,
        args: c_int,
        results: c_int,
        handler: c_int,
        context: isize,
        continuation: *const c_void,
    ) -> c_int;
    fn lua_tolstring(state: *mut lua_State, index: c_int, len: *mut usize) -> *const c_char;
    fn realloc(ptr: *mut c_void, size: usize) -> *mut c_void;
    fn free(ptr: *mut c_void);
}

/// A program's allocations.
pub struct Trace {
    /// Operations in order; block numbers are reused.
    pub ops: Vec<Op>,
    /// Most bytes live at a time.
    pub peak: usize,
    live: usize,
    blocks: HashMap<usize, Block>,
    unused: Vec<u32>,
}

struct Block {
    number: u32,
    kind: usize,
    size: usize,
}

impl Trace {
    /// Runs a program in a fresh state from `lua_newstate` to `lua_close`.
    pub fn record(code: &str) -> Result<Trace, String> {
        let mut trace = Trace {
            ops: Vec::new(),
            peak: 0,
            live: 0,
            blocks: HashMap::new(),
            unused: Vec::new(),
        };
        let ud = (&raw mut trace).cast();
        // SAFETY: the API is used as its manual says, and `trace` outlives the state.
        unsafe {
            let state = lua_newstate(allocate, ud);
            luaL_openlibs(state);
            let code_ptr = code.as_ptr().cast();
            let mut status = luaL_loadbufferx(
                state,
                code_ptr,
                code.len(),
                c"=program".as_ptr(),
                c"t".as_ptr(),
            );
            if status == 0 {
                status = lua_pcallk(state, 0, 0, 0, 0, std::ptr::null());
            }
            if status != 0 {
                let message = CStr::from_ptr(lua_tolstring(state, -1, std::ptr::null_mut()));
                return Err(message.to_string_lossy().into_owned());
            }
            lua_close(state);
        }
        Ok(trace)
    }

    fn note(&mut self, ptr: usize, kind_or_old: usize, new: usize, result: usize) {
        if let Some(mut block) = self.blocks.remove(&ptr) {
            self.live -= block.size;
            if new == 0 {
                self.ops.push(Op::new(FREE, block.number, 0));
                self.unused.push(block.number);
                return;
            }
            block.size = size_on_wasm32(block.kind, new);
            self.ops
                .push(Op::new(REALLOCATE, block.number, block.size as u32));
            self.live += block.size;
            self.blocks.insert(result, block);
        } else if new != 0 {
            let number = self.unused.pop().unwrap_or(self.blocks.len() as u32);
            let size = size_on_wasm32(kind_or_old, new);
            self.ops.push(Op::new(ALLOCATE, number, size as u32));
            self.live += size;
            self.blocks.insert(
                result,
                Block {
                    number,
                    kind: kind_or_old,
                    size,
                },
            );
        }
        self.peak = self.peak.max(self.live);
    }
}

/// Size on wasm32 of what has `size` bytes on a 64-bit machine. Lua tells the type of a new object in place of the old
/// size; what is no object (0) is mostly arrays of values, nodes, instructions and characters, of the same size on both.
fn size_on_wasm32(kind: usize, size: usize) -> usize {
    const STRING: usize = 4;
    const TABLE: usize = 5;
    const FUNCTION: usize = 6;
    const USERDATA: usize = 7;
    const THREAD: usize = 8;
    const UPVALUE: usize = 9;
    const PROTO: usize = 10;
    match kind {
        STRING => size - 8,
        TABLE => 32,
        FUNCTION => 16 + (size - 32) / 2,
        USERDATA => size - 16,
        THREAD => 112,
        UPVALUE => 32,
        PROTO => 80,
        _ => size,
    }
}

/// Lua's allocation function, keeping note.
unsafe extern "C" fn allocate(
    ud: *mut c_void,
    ptr: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: `ud` is the trace that `record` gave, and `ptr` comes from here.
    unsafe {
        let trace = &mut *ud.cast::<Trace>();
        if new == 0 {
            trace.note(ptr as usize, old, 0, 0);
            free(ptr);
            return std::ptr::null_mut();
        }
        let result = realloc(ptr, new);
        trace.note(ptr as usize, old, new, result as usize);
        result
    }
}
