//! Functions of the host: to Lua they are functions, and calling one is a request to the host with the
//! arguments. While the host answers, it may run Lua again, on top of what is running (see
//! [`machine::Frame`]).
//!
//! The host knows a function by a number that holds for a session, which ends when an image of the memory
//! goes on with a host that knows nothing of this one. A function that has a name is found again by it.

use core::ffi::c_int;

use crate::abi::{self, services};
use crate::call::limits;
use crate::call::output;
use crate::ext;
use crate::lua::{self, State, ffi, kind};
use crate::machine::{self, Single};
use crate::run::result;
use crate::session as system;
use crate::values::read::Reader;
use crate::values::write::{self as codec, Window};

/// Registry key: number -> function, which does not keep it alive.
static FUNCTIONS: u8 = 0;
/// Registry key: the metatable of what tells the host that a function is gone.
static METATABLE: u8 = 1;
/// Registry key: the error value of the last exception; false before the first.
static EXCEPTION: u8 = 2;
/// Registry key: the host's own traceback of the last exception, or false.
static STACK: u8 = 3;

/// The number that the host gave to the last exception.
static EXCEPTION_NUMBER: Single<u32> = Single::new(0);

/// Bytes of a request or reply that need no memory from the heap.
const SHORT: usize = 256;

/// What the host knows a function by: the first upvalue, a userdata. The second is the name, or nil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    number: u32,
    session: u32,
}

/// Makes what functions of the host need.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe {
        ext::load::push_weak_table(state, c"v");
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
        lua::push_private_table(state, 0, 1);
        lua::push_function(state, collected);
        ffi::lua_setfield(state, -2, c"__gc".as_ptr());
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&METATABLE));
        for key in [&EXCEPTION, &STACK] {
            ffi::lua_pushboolean(state, 0);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(key));
        }
    }
}

/// Pushes the function that the host has given a number, the same one for the same number.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push(state: *mut State, number: u32, name: &[u8]) {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
        let functions = ffi::lua_gettop(state);
        let known = ffi::lua_rawgeti(state, functions, i64::from(number)) == kind::FUNCTION;
        // An earlier session may have had the number for another function.
        let wanted = Identity { number, session: system::session() };
        if !known || identity(state, functions + 1) != wanted {
            ffi::lua_settop(state, functions);
            let place = ffi::lua_newuserdatauv(state, size_of::<Identity>(), 0).cast::<Identity>();
            place.write_unaligned(wanted);
            ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&METATABLE));
            ffi::lua_setmetatable(state, -2);
            if name.is_empty() {
                ffi::lua_pushnil(state);
            } else {
                lua::push_bytes(state, name);
            }
            ffi::lua_pushcclosure(state, Some(invoke), 2);
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawseti(state, functions, i64::from(number));
        }
        ffi::lua_rotate(state, functions, -1);
        lua::pop(state, 1);
    }
}

/// What the host knows the function at `index` by.
unsafe fn identity(state: *mut State, index: c_int) -> Identity {
    // SAFETY: the function is a closure of `invoke`.
    unsafe {
        ffi::lua_getupvalue(state, index, 1);
        let identity = ffi::lua_touserdata(state, -1).cast::<Identity>().read_unaligned();
        lua::pop(state, 1);
        identity
    }
}

/// Writes the function at the absolute index `index` if it is one of this host's; else `false`.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn write(state: *mut State, index: c_int, out: &mut Window<'_>) -> bool {
    // SAFETY: as for the caller; only closures of `invoke` are looked into.
    unsafe {
        if ffi::lua_tocfunction(state, index).map(|function| function as usize)
            != Some(invoke as lua::Function as usize)
        {
            return false;
        }
        let mut identity = identity(state, index);
        if identity.session != system::session() {
            ffi::lua_getupvalue(state, index, 2);
            let found = find(lua::bytes(state, -1));
            lua::pop(state, 1);
            let Some(found) = found else { return false };
            identity = found;
            renew(state, index, found);
        }
        ffi::lua_getupvalue(state, index, 2);
        out.tag(abi::TAG_HOST_FUNCTION);
        out.number(identity.number);
        let name = lua::bytes(state, -1);
        out.number(name.len() as u32);
        out.put(name);
        lua::pop(state, 1);
        true
    }
}

/// The finaliser of an identity: tells the host, unless the function has been made again meanwhile.
unsafe extern "C-unwind" fn collected(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with an identity.
    unsafe {
        let identity = ffi::lua_touserdata(state, 1).cast::<Identity>().read_unaligned();
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
        let gone = ffi::lua_rawgeti(state, -1, i64::from(identity.number)) == kind::NIL;
        if gone && identity.session == system::session() && system::offers(services::RELEASE) {
            // A host that does not take it keeps the function.
            let _ = services::release(identity.number);
        }
    }
    0
}

/// Calls a function of the host.
unsafe extern "C-unwind" fn invoke(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode; it is a closure with the upvalues that `push` gave it.
    unsafe {
        let arguments = ffi::lua_gettop(state);
        // Whoever runs Lua again has the slots of a new call.
        ffi::luaL_checkstack(state, ffi::LUA_MINSTACK as c_int, c"host function".as_ptr());
        let number = number(state);
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
/// a finaliser could change the arguments between measuring and writing; the caller takes that back.
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

/// What the host knows the function with a name by, in this session.
unsafe fn find(name: &[u8]) -> Option<Identity> {
    if name.is_empty() {
        return None;
    }
    let mut request = [0; SHORT];
    let request = request.get_mut(..services::FIND_FUNCTION_HEADER + name.len())?;
    request[services::FIND_FUNCTION_HEADER..].copy_from_slice(name);
    let found = services::find_function(request)?;
    Some(Identity { number: found.number, session: system::session() })
}

/// Gives the function at the absolute index `index` the identity that it has in this session, and makes it the one
/// that stands for the number, unless another does.
unsafe fn renew(state: *mut State, index: c_int, found: Identity) {
    // SAFETY: inside a protected call, with a few free slots; the function is a closure of `invoke`.
    unsafe {
        let top = ffi::lua_gettop(state);
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
        let known = ffi::lua_rawgeti(state, top + 1, i64::from(found.number)) == kind::FUNCTION;
        if !known || identity(state, top + 2) != found {
            ffi::lua_pushvalue(state, index);
            ffi::lua_rawseti(state, top + 1, i64::from(found.number));
        }
        ffi::lua_getupvalue(state, index, 1);
        ffi::lua_touserdata(state, -1).cast::<Identity>().write_unaligned(found);
        ffi::lua_settop(state, top);
    }
}

/// The number of the running function, which is asked for anew in a new session.
unsafe fn number(state: *mut State) -> u32 {
    // SAFETY: as for `invoke`.
    unsafe {
        let place = ffi::lua_touserdata(state, lua::upvalue(1)).cast::<Identity>();
        let identity = place.read_unaligned();
        if identity.session == system::session() {
            return identity.number;
        }
        ffi::lua_pushvalue(state, lua::upvalue(2));
        let name = lua::bytes(state, -1);
        if name.is_empty() {
            lua::error(
                state,
                c"this host function had no name, so it cannot be found again after its machine went on elsewhere",
            );
        }
        let Some(found) = find(name) else {
            ffi::luaL_error(
                state,
                c"the host has no function '%s'".as_ptr(),
                ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
            );
            lua::raise(state)
        };
        place.write_unaligned(found);
        lua::pop(state, 1);
        found.number
    }
}

/// Writes a request if all arguments are of plain kinds and it is short.
unsafe fn write_request(state: *mut State, number: u32, arguments: c_int, out: &mut Window<'_>) -> bool {
    out.tag(services::CALL as u8);
    out.number(number);
    // SAFETY: as for `invoke`.
    unsafe { (1..=arguments).all(|index| codec::write_plain(state, index, out)) && out.is_whole() }
}

/// Writes a request, whatever the arguments are.
unsafe fn write_all(state: *mut State, number: u32, arguments: c_int, out: &mut Window<'_>) {
    out.tag(services::CALL as u8);
    out.number(number);
    // SAFETY: as for `invoke`.
    unsafe { codec::write_values(state, 1, arguments, out) }
}

/// Sends a request and pushes what the function returned, or raises its error.
unsafe fn exchange(state: *mut State, request: &mut [u8]) -> c_int {
    // SAFETY: as for `invoke`. The request lies on the C stack or in a userdata that is on Lua's.
    unsafe {
        let top = ffi::lua_gettop(state);
        let mut short = [0; SHORT];
        // The host may use the I/O buffer.
        output::set_aside();
        let outer = machine::enter(state);
        let answer = services::call(request, &mut short);
        machine::leave(outer);
        result::forget_nested(state, top);
        output::restart();
        // The function may have changed tables.
        ffi::lp_ext_forget();
        limits::watch();
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
        match reply.split_first() {
            Some((&abi::CALL_RESULTS, values)) => {
                let mut reader = Reader::new(state, values);
                reader.push_all()
            }
            Some((&abi::CALL_AGAIN, [])) => {
                result::push_nested_error(state);
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
                ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&STACK));
                if kind == abi::CALL_ERROR {
                    ffi::lua_concat(state, 2);
                }
                ffi::lua_pushvalue(state, -1);
                ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&EXCEPTION));
                *EXCEPTION_NUMBER.get() = u32::from_le_bytes(*number);
                lua::raise(state)
            }
            _ => malformed(state),
        }
    }
}

unsafe fn malformed(state: *mut State) -> ! {
    // SAFETY: as for `invoke`.
    unsafe { lua::error(state, c"the host's reply to the call of its function is malformed") }
}

/// Forgets which exception was the last: an error of a later call is another one, even if it says the same.
pub fn forget_exception() {
    // SAFETY: one thread touches the number.
    unsafe { *EXCEPTION_NUMBER.get() = 0 };
}

/// The number of the exception that the error value at `index` is, if it is that of the last one.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn exception(state: *mut State, index: c_int) -> Option<u32> {
    // SAFETY: as for the caller; one thread touches the number.
    unsafe {
        let index = ffi::lua_absindex(state, index);
        let any = ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&EXCEPTION)) != kind::BOOLEAN
            || ffi::lua_toboolean(state, -1) != 0;
        let same = any && ffi::lua_rawequal(state, index, -1) != 0;
        lua::pop(state, 1);
        let number = *EXCEPTION_NUMBER.get();
        (same && number != 0).then_some(number)
    }
}

/// `ext.stack()`: the host's own traceback of the last exception of one of its functions, or nil.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn stack(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with free slots.
    unsafe {
        if ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&STACK)) != kind::STRING {
            ffi::lua_pushnil(state);
        }
    }
    1
}
