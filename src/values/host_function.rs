//! Makes host functions Lua functions, and finds the host's numbers for them. The host knows a function by a number
//! that holds for a session, which ends when an image of the memory goes on with a host that knows nothing of this one.
//! A function that has a name is found again by it.

use core::ffi::c_int;

use crate::abi::{self, services};
use crate::cell::Global;
use crate::lua::{self, State, ffi, kind};
use crate::plain::window::Window;
use crate::session;

/// The C function that calls a host function, see [`open`].
static CALL: Global<Option<lua::Function>> = Global::new(None);

/// Registry key: number -> function, which does not keep it alive.
static FUNCTIONS: u8 = 0;

/// Registry key: the metatable of what tells the host that a function is gone.
static METATABLE: u8 = 1;

/// Bytes of the longest request for a function by its name.
const LONGEST_REQUEST: usize = 256;

/// Identifies a function to the host: the first upvalue, a userdata. The second is the name, or nil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    number: u32,
    session: u32,
}

/// Makes the tables of host functions. `call` is what Lua calls for each of them: a closure with its identity as the
/// first upvalue and its name as the second.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State, call: lua::Function) {
    CALL.set(Some(call));
    lua::push_weak_table(state, c"v");
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
    lua::push_private_table(state, 0, 1);
    lua::push_function(state, collected);
    ffi::lua_setfield(state, -2, c"__gc".as_ptr());
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&METATABLE));
}

/// Pushes the function that the host has given a number, the same one for the same number.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push(state: *mut State, number: u32, name: &[u8]) {
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
    let functions = ffi::lua_gettop(state);
    let known = ffi::lua_rawgeti(state, functions, i64::from(number)) == kind::FUNCTION;
    // An earlier session may have had the number for another function.
    let wanted = Identity { number, session: session::number() };
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
        ffi::lua_pushcclosure(state, CALL.get(), 2);
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawseti(state, functions, i64::from(number));
    }
    ffi::lua_rotate(state, functions, -1);
    lua::pop(state, 1);
}

/// Reads the identity of the host function at `index`.
unsafe fn identity(state: *mut State, index: c_int) -> Identity {
    // SAFETY: the function is a closure of `functions::invoke`.
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
    // SAFETY: as for the caller; only closures of `functions::invoke` are looked into.
    unsafe {
        let called = ffi::lua_tocfunction(state, index).map(|function| function as usize);
        if called != CALL.get().map(|call| call as usize) {
            return false;
        }
        let mut identity = identity(state, index);
        if identity.session != session::number() {
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

/// The finalizer of an identity: tells the host, unless the function has been made again meanwhile.
unsafe extern "C-unwind" fn collected(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with an identity.
    unsafe {
        let identity = ffi::lua_touserdata(state, 1).cast::<Identity>().read_unaligned();
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FUNCTIONS));
        let gone = ffi::lua_rawgeti(state, -1, i64::from(identity.number)) == kind::NIL;
        if gone && identity.session == session::number() && session::offers(services::RELEASE) {
            // A host that does not take it keeps the function.
            let _ = services::release(identity.number);
        }
    }
    0
}

/// Asks the host for the function with a name, in this session.
unsafe fn find(name: &[u8]) -> Option<Identity> {
    if name.is_empty() {
        return None;
    }
    let mut request = [0; LONGEST_REQUEST];
    let request = request.get_mut(..services::FIND_FUNCTION_HEADER + name.len())?;
    request[services::FIND_FUNCTION_HEADER..].copy_from_slice(name);
    let found = services::find_function(request)?;
    Some(Identity { number: found.number, session: session::number() })
}

/// Gives the function at the absolute index `index` the identity that it has in this session, and makes it the one
/// that stands for the number, unless another does.
unsafe fn renew(state: *mut State, index: c_int, found: Identity) {
    // SAFETY: inside a protected call, with a few free slots; the function is a closure of `functions::invoke`.
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
///
/// # Safety
///
/// Inside a host function that Lua called, with a few free slots.
pub unsafe fn number(state: *mut State) -> u32 {
    let place = ffi::lua_touserdata(state, lua::upvalue(1)).cast::<Identity>();
    let identity = place.read_unaligned();
    if identity.session == session::number() {
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
