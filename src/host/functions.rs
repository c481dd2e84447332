//! Calls host functions: to Lua they are functions, and calling one is a request to the host with the arguments.
//! While the host answers, it may run Lua again, on top of what is running (see [`frame::Frame`]).

use core::ffi::c_int;

use crate::abi::{self, services};
use crate::call::{errors, frame, limits, output, tick};
use crate::lua::{self, State, ffi};
use crate::plain::codec;
use crate::plain::window::Window;
use crate::values::read::Reader;
use crate::values::{host_function, write};

/// Bytes of a request or reply that need no memory from the heap.
const SHORT: usize = 256;

/// Prepares host functions, and adds `ext.stack`, which returns the host's traceback of the last exception.
///
/// # Safety
///
/// Inside a protected call, behind the opening of the library `ext`.
pub unsafe fn open(state: *mut State) {
    host_function::open(state, invoke);
    ffi::lua_getglobal(state, c"ext".as_ptr());
    lua::push_library_function(state, errors::stack);
    ffi::lua_setfield(state, -2, c"stack".as_ptr());
    lua::pop(state, 1);
}

/// Calls a host function.
///
/// # Safety
///
/// Called by Lua, as a function that [`open`] handed on.
pub unsafe extern "C-unwind" fn invoke(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode; it is a closure with the upvalues that `push` gave it.
    unsafe {
        let arguments = ffi::lua_gettop(state);
        // Whoever runs Lua again has the slots of a new call.
        ffi::luaL_checkstack(state, ffi::LUA_MINSTACK as c_int, c"host function".as_ptr());
        let number = host_function::number(state);
        let mut short = [0; SHORT];
        let mut window = Window::new(&mut short, 0);
        if write_request(state, number, arguments, &mut window) {
            let length = window.position();
            return exchange(state, &mut short[..length]);
        }
        // Whether the collector is held already, which it is to be again afterwards, and no more than that.
        let held = ffi::lp_gc_hold(state, 1);
        ffi::lp_gc_hold(state, held);
        lua::push_function(state, make_request);
        ffi::lua_rotate(state, 1, 1);
        ffi::lua_pushinteger(state, i64::from(number));
        let status = lua::pcall(state, arguments + 1, 1, 0);
        ffi::lp_gc_hold(state, held);
        if status != lua::OK {
            lua::raise(state);
        }
        let request = ffi::lua_touserdata(state, -1).cast::<u8>();
        exchange(state, core::slice::from_raw_parts_mut(request, ffi::lua_rawlen(state, -1) as usize))
    }
}

/// Makes a request, a userdata, of the arguments and the function's number behind them. It holds the collector, as
/// a finalizer could change the arguments between measuring and writing; the caller takes that back.
unsafe extern "C-unwind" fn make_request(state: *mut State) -> c_int {
    // SAFETY: `invoke` calls this in protected mode.
    unsafe {
        let number = ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32;
        lua::pop(state, 1);
        let arguments = ffi::lua_gettop(state);
        lua::check_collector(state);
        ffi::lp_gc_hold(state, 1);
        let mut measure = Window::new(&mut [], 0);
        write_all(state, number, arguments, &mut measure);
        let length = measure.position();
        let place = ffi::lua_newuserdatauv(state, length, 0).cast::<u8>();
        let request = core::slice::from_raw_parts_mut(place, length);
        write_all(state, number, arguments, &mut Window::new(request, 0));
    }
    1
}

/// Writes a request if all arguments are of plain kinds and it is short.
unsafe fn write_request(state: *mut State, number: u32, arguments: c_int, out: &mut Window<'_>) -> bool {
    out.tag(services::CALL as u8);
    out.number(number);
    (1..=arguments).all(|index| codec::write_plain(state, index, out)) && out.is_whole()
}

/// Writes a request, whatever the arguments are.
unsafe fn write_all(state: *mut State, number: u32, arguments: c_int, out: &mut Window<'_>) {
    out.tag(services::CALL as u8);
    out.number(number);
    write::write_values(state, 1, arguments, out)
}

/// Sends a request and pushes what the function returned, or raises its error.
unsafe fn exchange(state: *mut State, request: &mut [u8]) -> c_int {
    // SAFETY: as for `invoke`. The request lies on the C stack or in a userdata that is on Lua's.
    unsafe {
        let top = ffi::lua_gettop(state);
        let mut short = [0; SHORT];
        limits::count_bytes(request.len());
        // The host may use the I/O buffer.
        output::set_aside();
        let outer = frame::enter(state);
        let answer = services::call(request, &mut short);
        frame::leave(outer);
        errors::forget_nested(state, top);
        output::restart();
        // The function may have changed tables.
        ffi::lp_ext_forget();
        tick::watch();
        match answer {
            Ok(services::Call { reply }) => take(state, reply),
            Err(services::NoReply::TooSmall(size)) => {
                let place = lua::push_block(state, size);
                match services::rest(core::slice::from_raw_parts_mut(place, size)) {
                    Ok(services::Rest { reply }) => take(state, reply),
                    Err(_) => lua::error(state, c"the host lost the reply of its function"),
                }
            }
            Err(services::NoReply::Declined) => lua::error(state, c"the host failed to call its function"),
        }
    }
}

/// Takes a reply apart: pushes results, or raises an error.
unsafe fn take(state: *mut State, reply: &[u8]) -> c_int {
    // SAFETY: as for `invoke`; the reply lies where nothing overwrites it.
    unsafe {
        limits::count_bytes(reply.len());
        match reply.split_first() {
            Some((&abi::CALL_RESULTS, values)) => {
                let mut reader = Reader::new(state, values);
                reader.push_all()
            }
            Some((&abi::CALL_AGAIN, [])) => {
                errors::push_nested_error(state);
                lua::raise(state)
            }
            Some((&kind @ (abi::CALL_ERROR | abi::CALL_THROWN), rest)) => {
                let Some((number, values)) = rest.split_first_chunk() else { malformed(state) };
                let mut reader = Reader::new(state, values);
                if kind == abi::CALL_ERROR {
                    ffi::luaL_where(state, 1);
                }
                if reader.push_all() != 2 {
                    malformed(state);
                }
                if ffi::lua_type(state, -1) == lua::kind::NIL {
                    lua::pop(state, 1);
                    ffi::lua_pushboolean(state, 0);
                }
                errors::keep_stack(state);
                if kind == abi::CALL_ERROR {
                    ffi::lua_concat(state, 2);
                }
                errors::keep_exception(state, u32::from_le_bytes(*number));
                lua::raise(state)
            }
            _ => malformed(state),
        }
    }
}

unsafe fn malformed(state: *mut State) -> ! {
    lua::error(state, c"the host's reply to the call of its function is malformed")
}
