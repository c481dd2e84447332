//! Opens and closes the one Lua machine of a module.

use core::ffi::c_int;
use core::ptr;

use crate::abi::{self, refusals};
use crate::call::{errors, frame, limits, outcome, output, refusal, warnings};
use crate::ext;
use crate::ext::{home, ids};
use crate::host::{functions, modules};
use crate::lua::{self, State, ffi};
use crate::memory;
use crate::run::console;
use crate::session;
use crate::values::held;

/// Makes the machine. Where there is one, only asks the host again what it offers, and applies the alias. `false`: out
/// of memory.
pub fn start() -> bool {
    limits::limited(|| match frame::current() {
        Some(frame) => go_on(frame),
        None => make(),
    })
}

/// Continues with the host as it is now: the memory may be that of an image from another host.
fn go_on(frame: frame::Frame) -> bool {
    session::negotiate();
    let function = if frame.nested { apply_alias } else { revive };
    // SAFETY: the state is live.
    unsafe { lua::protected(frame.state, function) }
}

fn make() -> bool {
    memory::begin();
    output::reset();
    // SAFETY: the allocator keeps `lua_Alloc`'s contract; a null result is looked at.
    let state = unsafe { ffi::lp_newstate(Some(memory::allocate)) };
    if state.is_null() {
        return false;
    }
    ids::reset();
    // SAFETY: the state was made just above and nothing else refers to it.
    unsafe {
        if !lua::protected(state, open) {
            ffi::lua_close(state);
            ids::reset();
            return false;
        }
    }
    frame::set_state(state);
    memory::keep_reserve();
    outcome::set_status(abi::STATUS_OK);
    true
}

/// Closes the machine: finalizers run within the limits of a call, and all of its memory is free again.
pub fn stop() {
    // A finalizer's import comes here, too, while the machine closes and is found no more.
    if refusal::refuse_within_import() {
        return;
    }
    let Some(frame) = frame::current() else { return };
    if frame.nested {
        return refusals::CLOSE_FUNCTION.note();
    }
    limits::limited(|| {
        frame::set_state(ptr::null_mut());
        output::reset();
        // SAFETY: the state is live, and from here on nobody finds it any more.
        unsafe { ffi::lua_close(frame.state) };
        ids::reset();
    });
}

/// Opens the libraries and what the product adds to them.
unsafe extern "C-unwind" fn open(state: *mut State) -> c_int {
    // First of all: the seed of math.random is asked from the host.
    session::negotiate();
    ffi::lp_openlibs(state);
    console::open(state);
    held::open(state);
    ext::open(state);
    functions::open(state);
    modules::open(state);
    errors::open(state);
    warnings::open(state);
    ffi::lua_getglobal(state, c"os".as_ptr());
    lua::push_library_function(state, exit);
    ffi::lua_setfield(state, -2, c"exit".as_ptr());
    lua::pop(state, 1);
    0
}

/// Continues with a host that holds none of the machine's values.
unsafe extern "C-unwind" fn revive(state: *mut State) -> c_int {
    held::open(state);
    apply_alias(state)
}

unsafe extern "C-unwind" fn apply_alias(state: *mut State) -> c_int {
    home::publish(state);
    0
}

unsafe extern "C-unwind" fn exit(state: *mut State) -> c_int {
    lua::error(state, c"os.exit: there is no process to end; return from the chunk instead")
}
