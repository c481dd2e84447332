//! Loads stored functions into Lua. A function is described by a table: `code` holds its bytecode, and each integer key
//! the upvalue of that number. An upvalue lies in a cell, so that functions which share a variable go on sharing it;
//! the globals are stored as such and become those of whoever reads the function.

use core::ffi::c_int;

use crate::ext::keys;
use crate::ext::reference::Reference;
use crate::ext::{code, load, new_ids, objects, requests, variables};
use crate::lua::{self, State, ffi, kind};

/// Registry key: functions whose upvalues have yet to be read.
static PENDING: u8 = 5;

/// Registry key: the cells that the reading under way has made variables for.
static FRESH: u8 = 6;

/// Pushes the stored function with a number.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push(state: *mut State, id: u32) {
    // SAFETY: as for the caller. Upvalues are read by the outermost call alone, one function after the
    // other, so that functions which refer to each other take no C stack.
    unsafe {
        ffi::luaL_checkstack(state, 20, c"stored functions".as_ptr());
        let top = ffi::lua_gettop(state);
        objects::push_all(state);
        match ffi::lua_rawgeti(state, -1, i64::from(id)) {
            kind::FUNCTION => {}
            kind::NIL => {
                lua::pop(state, 1);
                code::load(state, id);
                let function = top + 2;
                // Listed before it is registered, so that it is never found without being read.
                let outermost = ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&PENDING)) != kind::TABLE;
                if outermost {
                    lua::pop(state, 1);
                    lua::push_private_table(state, 1, 0);
                }
                ffi::lua_pushvalue(state, function);
                ffi::lua_rawseti(state, function + 1, ffi::lua_rawlen(state, function + 1) as i64 + 1);
                ffi::lua_pushvalue(state, function);
                ffi::lua_rawseti(state, top + 1, i64::from(id));
                if outermost {
                    read_pending(state, function + 1);
                }
                ffi::lua_settop(state, function);
            }
            _ => lua::error(state, c"an external table and a function have the same number"),
        }
        ffi::lua_copy(state, -1, top + 1);
        ffi::lua_settop(state, top + 1);
    }
}

/// Reads the upvalues of the functions in the list at `pending`, and of all that are met on the way.
unsafe fn read_pending(state: *mut State, pending: c_int) {
    unsafe extern "C-unwind" fn begin_all(state: *mut State) -> c_int {
        // SAFETY: called below, with the list of functions.
        unsafe {
            lua::push_private_table(state, 0, 0);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&FRESH));
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&PENDING));
        }
        0
    }
    unsafe extern "C-unwind" fn read_all(state: *mut State) -> c_int {
        // SAFETY: called below, with the list of functions.
        unsafe {
            let mut done = 0;
            while done < ffi::lua_rawlen(state, 1) as i64 {
                done += 1;
                ffi::lua_rawgeti(state, 1, done);
                read_upvalues(state, 2);
                ffi::lua_settop(state, 1);
            }
        }
        0
    }
    // SAFETY: as for `push`. The list is taken back however the reading ends; a function that could
    // not be read whole is forgotten again.
    unsafe {
        lua::push_function(state, begin_all);
        ffi::lua_pushvalue(state, pending);
        if lua::pcall(state, 1, 0, 0) != lua::OK {
            forget_all(state, pending);
            lua::raise(state);
        }
        lua::push_function(state, read_all);
        ffi::lua_pushvalue(state, pending);
        // A finalizer must not meet a function whose variables are not read yet.
        let held = ffi::lp_gc_hold(state, 1);
        let status = lua::pcall(state, 1, 0, 0);
        ffi::lp_gc_hold(state, held);
        ffi::lua_pushnil(state);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&PENDING));
        if status != lua::OK {
            forget_all(state, pending);
            lua::raise(state);
        }
    }
}

/// Forgets what the functions of a list, at `pending`, stand for, and the variables that were made for them.
unsafe fn forget_all(state: *mut State, pending: c_int) {
    // SAFETY: only existing fields are set to nil, which takes no memory.
    unsafe {
        let top = ffi::lua_gettop(state);
        variables::push_functions(state);
        objects::push_all(state);
        for n in 1..=ffi::lua_rawlen(state, pending) as i64 {
            ffi::lua_rawgeti(state, pending, n);
            let id = variables::stored_id(state, top + 3);
            ffi::lua_pushnil(state);
            ffi::lua_rawseti(state, top + 2, i64::from(id));
            ffi::lua_pushnil(state);
            ffi::lua_rawset(state, top + 1);
        }
        variables::push_registry(state, &FRESH);
        for n in 1..=ffi::lua_rawlen(state, top + 3) as i64 {
            ffi::lua_rawgeti(state, top + 3, n);
            let cell = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
            variables::forget_cell(state, cell as u32);
            lua::pop(state, 1);
        }
        ffi::lua_settop(state, top);
    }
}

/// Reads the upvalues of the function at the absolute index `function`.
unsafe fn read_upvalues(state: *mut State, function: c_int) {
    // SAFETY: as for `push`. The bytes of a reference are used before anything else overwrites them.
    unsafe {
        let id = variables::stored_id(state, function);
        variables::push_registry(state, &variables::CELLS);
        let cells = ffi::lua_gettop(state);
        variables::push_registry(state, &FRESH);
        let fresh = cells + 1;
        for n in 1.. {
            ffi::lua_settop(state, fresh);
            if ffi::lua_upvalueid(state, function, n).is_null() {
                break;
            }
            ffi::lua_pushinteger(state, i64::from(n));
            let mut place = keys::Place::default();
            let form = place.encode(state, -1);
            let cell = match requests::get(state, id, form).and_then(Reference::read) {
                Some(Reference::Table(cell)) => {
                    new_ids::expect(cell);
                    cell
                }
                Some(Reference::Library(b"_G")) => {
                    ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
                    ffi::lua_setupvalue(state, function, n);
                    continue;
                }
                _ => code::damaged(state, id),
            };
            ffi::lua_settop(state, fresh);
            if ffi::lua_rawgeti(state, cells, i64::from(cell)) != kind::NIL {
                ffi::lp_variable_join(state, function, n);
                continue;
            }
            // Known before its value is read, which may be a function that has it too; but listed before
            // that, to be forgotten if the reading fails.
            ffi::lua_pushinteger(state, i64::from(cell));
            ffi::lua_rawseti(state, fresh, ffi::lua_rawlen(state, fresh) as i64 + 1);
            variables::register(state, function, n, cell);
            load::fetch_variable(state, cell);
            ffi::lua_setupvalue(state, function, n);
            ffi::lp_variable_push(state, function, n);
            variables::note_value(state, ffi::lua_gettop(state), cell);
        }
        ffi::lua_settop(state, function);
    }
}
