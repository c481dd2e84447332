//! The one Lua machine of a module: its heap, its state and its life from `init` to `deinit`.

use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_int, c_void};
use core::ptr;

use crate::abi::{self, refusals};
use crate::call::limits;
use crate::call::output;
use crate::ext;
use crate::heap::Heap;
use crate::host::functions;
use crate::host::modules;
use crate::lua::{self, State, ffi};
use crate::run::chunk::Mode;
use crate::run::console;
use crate::run::result;
use crate::session as system;
use crate::values::held as references;

/// A value that only the machine's single thread touches.
pub struct Single<T>(UnsafeCell<T>);

// SAFETY: WebAssembly without threads has one thread; on the host, whoever drives the machine holds
// `native_host::exclusive`.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Where the value lies.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }
}

static HEAP: Single<Heap> = Single::new(Heap::new());

/// Where calls from the host run: at top level the machine's state with an empty stack, inside a function of
/// the host the thread that called it, above what is on its stack.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// The thread.
    pub state: *mut State,
    /// How many values on its stack are somebody else's.
    pub base: c_int,
    /// Whether other Lua code waits for this call to end.
    pub nested: bool,
}

impl Frame {
    /// The index of the call's `n`th value, from 1.
    pub fn at(self, n: c_int) -> c_int {
        self.base + n
    }
}

struct Globals {
    state: Cell<*mut State>,
    /// Where calls run inside a function of the host.
    inner: Cell<Option<Frame>>,
    /// Whether `Memory` is kept as a second name of `_home`.
    alias: Cell<bool>,
    /// How the last call ended, one of `abi::STATUS_*`.
    status: Cell<i32>,
    /// See [`RESERVE`].
    reserve: Cell<*mut u8>,
    /// Whether Lua code is running.
    running: Cell<bool>,
    /// How the program that is run in steps was compiled.
    program_mode: Cell<Mode>,
    /// Ticks that the last step has run.
    spent: Cell<u64>,
}

// SAFETY: as for `Single`.
unsafe impl Sync for Globals {}

static GLOBALS: Globals = Globals {
    state: Cell::new(ptr::null_mut()),
    inner: Cell::new(None),
    alias: Cell::new(true),
    status: Cell::new(abi::STATUS_OK),
    reserve: Cell::new(ptr::null_mut()),
    running: Cell::new(false),
    program_mode: Cell::new(Mode::Chunk),
    spent: Cell::new(0),
};

/// The running state, or `None` before `init` and after `deinit`. Inside a function of the host, the thread
/// that called it.
pub fn state() -> Option<*mut State> {
    frame().map(|frame| frame.state)
}

/// Where a call from the host runs, or `None` before `init` and after `deinit`.
pub fn frame() -> Option<Frame> {
    let state = GLOBALS.state.get();
    let inner = GLOBALS.inner.get();
    inner.or_else(|| (!state.is_null()).then_some(Frame { state, base: 0, nested: false }))
}

/// What a function of the host interrupts.
#[derive(Debug)]
pub struct Outer {
    inner: Option<Frame>,
    /// `false` for a finaliser or a `__tostring` that runs between calls.
    running: bool,
}

/// Lets the host run Lua on top of what is running, as it answers a request of the running thread. Returns what
/// [`leave`] is given.
///
/// # Safety
///
/// `state` is the running thread.
pub unsafe fn enter(state: *mut State) -> Outer {
    // SAFETY: as for the caller.
    let base = unsafe { ffi::lua_gettop(state) };
    Outer {
        inner: GLOBALS.inner.replace(Some(Frame { state, base, nested: true })),
        running: GLOBALS.running.replace(false),
    }
}

/// Goes back to the Lua code that was running.
pub fn leave(outer: Outer) {
    GLOBALS.inner.set(outer.inner);
    set_running(outer.running);
}

/// How the last call that ran Lua ended, one of `abi::STATUS_*`.
pub fn status() -> i32 {
    GLOBALS.status.get()
}

/// Records how a call ended.
pub fn set_status(status: i32) {
    GLOBALS.status.set(status);
}

/// Whether Lua code is running, so that an import was called and not an export.
pub fn is_running() -> bool {
    GLOBALS.running.get()
}

/// Records whether Lua code is running.
pub fn set_running(running: bool) {
    GLOBALS.running.set(running);
}

/// Does what may call imports, as if Lua code ran: what the host calls from one is refused if it would touch the state.
pub fn occupied<T>(work: impl FnOnce() -> T) -> T {
    let before = GLOBALS.running.replace(true);
    let result = work();
    set_running(before);
    result
}

/// Does what may run finalizers, within the limits of a call of its own, or of the call that waits for it.
pub fn limited<T>(work: impl FnOnce() -> T) -> T {
    if frame().is_some_and(|frame| frame.nested) {
        return occupied(work);
    }
    limits::begin();
    let result = occupied(work);
    limits::end();
    result
}

/// Whether Lua code is running, which an import or a finalizer would disturb. Then the call that asks is refused.
pub fn refuse_within_import() -> bool {
    let refused = is_running();
    if refused {
        refusals::WITHIN_IMPORT.note();
    }
    refused
}

/// How the program that is run in steps was compiled.
pub fn program_mode() -> Mode {
    GLOBALS.program_mode.get()
}

/// Records how the program that is run in steps was compiled.
pub fn set_program_mode(mode: Mode) {
    GLOBALS.program_mode.set(mode);
}

/// Ticks that the last step has run.
pub fn spent() -> u64 {
    GLOBALS.spent.get()
}

/// Records how many ticks a step has run.
pub fn set_spent(ticks: u64) {
    GLOBALS.spent.set(ticks);
}

/// Whether `Memory` is to be a second name of `_home`.
pub fn alias() -> bool {
    GLOBALS.alias.get()
}

/// Decides whether `Memory` is a second name of `_home`, from the next `init` or attachment on.
pub fn set_alias(enabled: bool) {
    GLOBALS.alias.set(enabled);
}

/// The heap.
///
/// # Safety
///
/// No other reference to the heap may be alive.
pub unsafe fn heap<'a>() -> &'a mut Heap {
    // SAFETY: the caller holds the only reference; there is one thread.
    unsafe { &mut *HEAP.get() }
}

/// The memory that the heap is made of.
#[cfg(target_arch = "wasm32")]
fn region() -> (*mut u8, usize) {
    unsafe extern "C" {
        static __heap_base: u8;
    }
    let base = (&raw const __heap_base).cast_mut();
    let end = core::arch::wasm32::memory_size::<0>() * abi::WASM_PAGE_SIZE as usize;
    (base, end - base as usize)
}

#[cfg(not(target_arch = "wasm32"))]
fn region() -> (*mut u8, usize) {
    const LENGTH: usize = 1_800_000;
    #[repr(align(64))]
    struct Region(Single<[u8; LENGTH]>);
    static REGION: Region = Region(Single::new([0; LENGTH]));
    (REGION.0.get().cast(), LENGTH)
}

/// Bytes of the heap.
pub fn heap_size() -> u32 {
    region().1 as u32
}

/// What tests do to Lua's allocator.
#[cfg(not(target_arch = "wasm32"))]
pub mod starve {
    use core::cell::Cell;

    struct Plan {
        asked: Cell<u64>,
        refused: Cell<core::ops::Range<u64>>,
    }

    // SAFETY: as for `Single`.
    unsafe impl Sync for Plan {}

    static PLAN: Plan = Plan { asked: Cell::new(0), refused: Cell::new(0..0) };

    /// From here on, refuses those requests for more memory whose number, counted from 0, is in the
    /// range. A block that shrinks is never refused, as Lua relies on that.
    pub fn refuse(requests: core::ops::Range<u64>) {
        PLAN.asked.set(0);
        PLAN.refused.set(requests);
    }

    /// Refuses nothing any more. Returns how many requests there were since [`refuse`].
    pub fn end() -> u64 {
        PLAN.refused.set(0..0);
        PLAN.asked.get()
    }

    /// Counts a request; whether it is refused.
    pub(super) fn refuses() -> bool {
        let n = PLAN.asked.replace(PLAN.asked.get() + 1);
        let refused = PLAN.refused.take();
        let is_refused = refused.contains(&n);
        PLAN.refused.set(refused);
        is_refused
    }
}

/// Lua's allocator: the sizes that Lua tells make headers in front of objects unnecessary.
unsafe extern "C-unwind" fn allocate(_: *mut c_void, block: *mut c_void, old: usize, new: usize) -> *mut c_void {
    let block = block.cast::<u8>();
    #[cfg(not(target_arch = "wasm32"))]
    if (block.is_null() || new > old) && new > 0 && starve::refuses() {
        return ptr::null_mut();
    }
    // SAFETY: nothing else holds the heap while Lua asks it for memory, and Lua tells the true old
    // size of each block.
    unsafe {
        let heap = heap();
        if new == 0 {
            if !block.is_null() {
                heap.free(block, old);
            }
            ptr::null_mut()
        } else if block.is_null() {
            heap.allocate(new).cast()
        } else {
            heap.reallocate(block, old, new).cast()
        }
    }
}

/// Makes the machine. Where there is one, only asks the host again what it offers, and applies the alias. `false`: out of
/// memory.
pub fn start() -> bool {
    limited(make)
}

fn make() -> bool {
    if let Some(Frame { state, nested, .. }) = frame() {
        // An image of the memory may go on with another host.
        system::negotiate();
        let function = if nested { apply_alias } else { revive };
        // SAFETY: the state is live.
        return unsafe { protected(state, function) };
    }
    let (base, length) = region();
    // SAFETY: no state is alive, so nothing lies in the heap; the region is ours alone.
    unsafe { heap().init(base, length) };
    GLOBALS.reserve.set(ptr::null_mut());
    output::reset();
    // SAFETY: the allocator keeps lua_newstate's contract; a null result is looked at.
    let state = unsafe { ffi::lua_newstate(Some(allocate), ptr::null_mut()) };
    if state.is_null() {
        return false;
    }
    ext::reset();
    // SAFETY: the state was made just above and nothing else refers to it.
    unsafe {
        if !protected(state, open) {
            ffi::lua_close(state);
            ext::reset();
            return false;
        }
    }
    GLOBALS.state.set(state);
    keep_reserve();
    set_status(abi::STATUS_OK);
    true
}

/// Closes the machine: finalisers run within the limits of a call, and all of its memory is free again.
pub fn stop() {
    let Some(Frame { state, nested, .. }) = frame() else { return };
    if refuse_within_import() {
        return;
    }
    if nested {
        return refusals::CLOSE_FUNCTION.note();
    }
    limited(|| {
        GLOBALS.state.set(ptr::null_mut());
        output::reset();
        // SAFETY: the state is live, and from here on nobody finds it any more.
        unsafe { ffi::lua_close(state) };
        ext::reset();
    });
}

/// Runs a function in protected mode on an empty part of the stack; `false` if it raised an error.
///
/// # Safety
///
/// `state` is a live state, between calls of Lua.
pub unsafe fn protected(state: *mut State, function: lua::Function) -> bool {
    // SAFETY: as for the caller; a light function takes no memory to push.
    unsafe {
        let top = ffi::lua_gettop(state);
        lua::push_function(state, function);
        let status = lua::pcall(state, 0, 0, 0);
        ffi::lua_settop(state, top);
        status == lua::OK
    }
}

/// Lets the machine go on with another host, which holds none of its values.
unsafe extern "C-unwind" fn revive(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with a live state, in protected mode.
    unsafe {
        references::open(state);
        apply_alias(state)
    }
}

unsafe extern "C-unwind" fn apply_alias(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with a live state, in protected mode.
    unsafe { ext::publish_home(state) };
    0
}

/// Opens the libraries and what the product adds to them.
unsafe extern "C-unwind" fn open(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with a live state, in protected mode.
    unsafe {
        // First of all: the seed of math.random is asked from the host.
        system::negotiate();
        ffi::luaL_openlibs(state);
        console::open(state);
        references::open(state);
        ext::open(state);
        functions::open(state);
        modules::open(state);
        result::open(state);
        output::open(state);
        ffi::lua_getglobal(state, c"os".as_ptr());
        lua::push_library_function(state, exit);
        ffi::lua_setfield(state, -2, c"exit".as_ptr());
        lua::pop(state, 1);
    }
    0
}

unsafe extern "C-unwind" fn exit(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with a live state, in protected mode.
    unsafe { lua::error(state, c"os.exit: there is no process to end; return from the chunk instead") }
}

/// Collects all garbage. A finaliser's error ends in a warning.
pub fn collect() {
    let Some(state) = state() else { return };
    if refuse_within_import() {
        return;
    }
    limited(|| {
        if frame().is_some_and(|frame| !frame.nested) {
            limits::begin_collecting(memory_used());
        }
        // SAFETY: the state is live.
        unsafe { collect_all(state) }
    });
}

/// Collects all garbage at the end of a call that has failed.
///
/// # Safety
///
/// As for [`protected`].
pub unsafe fn collect_all(state: *mut State) {
    unsafe extern "C-unwind" fn full(state: *mut State) -> c_int {
        // SAFETY: Lua calls this with a live state, in protected mode.
        unsafe { ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int) };
        0
    }
    // SAFETY: as for the caller.
    unsafe { protected(state, full) };
}

/// Bytes that are set aside, so that after a chunk has filled the heap there is memory to compile and run
/// one that empties it.
const RESERVE: usize = 16 * 1024;

/// Sets the reserve aside, if there is memory for it again.
pub fn keep_reserve() {
    if GLOBALS.reserve.get().is_null() {
        // SAFETY: no other reference to the heap is alive between calls of Lua.
        GLOBALS.reserve.set(unsafe { heap().allocate(RESERVE) });
    }
}

/// Gives the reserve to the next call.
pub fn release_reserve() {
    let reserve = GLOBALS.reserve.replace(ptr::null_mut());
    if !reserve.is_null() {
        // SAFETY: as above; the block is the reserve and has its size.
        unsafe { heap().free(reserve, RESERVE) };
    }
}

/// Bytes of the heap in use.
pub fn memory_used() -> u32 {
    // SAFETY: no other reference to the heap is alive between calls of Lua.
    let used = if state().is_some() { unsafe { heap().used() } } else { return 0 };
    let reserve = if GLOBALS.reserve.get().is_null() { 0 } else { RESERVE };
    (used - reserve) as u32
}

/// Allocates, resizes or frees a block for the host, which need not know the block's size. 0: there is
/// no memory, the block was freed, or `block` is no block.
pub fn allocate_for_host(block: u32, new_size: u32) -> u32 {
    if state().is_none() {
        return 0;
    }
    let (block, new_size) = (block as usize as *mut u8, new_size as usize);
    // SAFETY: no other reference to the heap is alive; the heap says itself whether the block is one.
    unsafe {
        let heap = heap();
        if block.is_null() {
            return if new_size == 0 { 0 } else { heap.allocate(new_size) as u32 };
        }
        let Some(old_size) = heap.size_of(block) else { return 0 };
        if new_size == 0 {
            heap.free(block, old_size);
            0
        } else {
            heap.reallocate(block, old_size, new_size) as u32
        }
    }
}
