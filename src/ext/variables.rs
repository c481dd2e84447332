//! Tracks stored functions and the variables that they share. A variable lies in a cell, a table of its own, under
//! `value`. While the variable is alive, whoever holds it, the guest knows which cell that is, and what was last stored
//! there: a function that is read back gets the living variable, and what has changed is stored at the end of each
//! call.

use core::ffi::c_int;

use crate::cell::Global;
use crate::lua::{self, State, ffi, kind};

/// The key of a variable's value in its cell.
pub const VALUE: &[u8] = b"value";

/// Registry key: function -> the id of the table that describes it, by weak key.
static FUNCTIONS: u8 = 0;

/// Registry key: id of a cell -> the variable that lies in it, by weak value.
pub static CELLS: u8 = 1;

/// Registry key: variable -> the id of its cell, by weak key.
static VARIABLES: u8 = 2;

/// Registry key: id of a cell -> the value that was last stored in it, or read from it.
pub static STORED: u8 = 3;

/// Registry key: the variables of the call that is running, as values. What it does to them is stored at
/// its end, so until then they must not be collected.
static HELD: u8 = 4;

/// Makes the tables of functions and variables, for a new machine.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    ALIVE.set(0);
    ADDED.set(0);
    for (table, mode) in [(&FUNCTIONS, c"k"), (&CELLS, c"v"), (&VARIABLES, c"k")] {
        lua::push_weak_table(state, mode);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(table));
    }
    lua::push_private_table(state, 0, 0);
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&STORED));
}

/// Pushes the table of the functions that are stored.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn push_functions(state: *mut State) {
    push_registry(state, &FUNCTIONS);
}

pub unsafe fn push_registry(state: *mut State, table: &'static u8) {
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(table));
}

/// The integer that the table of a registry key holds under the value at the absolute index `index`, 0 if
/// there is none.
unsafe fn number_of(state: *mut State, table: &'static u8, index: c_int) -> u32 {
    push_registry(state, table);
    ffi::lua_pushvalue(state, index);
    ffi::lua_rawget(state, -2);
    let number = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
    lua::pop(state, 2);
    number as u32
}

/// The id under which the function at the absolute index `function` is stored, 0 if it is not.
///
/// # Safety
///
/// `state` is a live state with three free slots.
pub unsafe fn stored_id(state: *mut State, function: c_int) -> u32 {
    number_of(state, &FUNCTIONS, function)
}

/// The id of the cell that upvalue `n` of the function at the absolute index `function` lies in, 0 if it
/// lies in none.
///
/// # Safety
///
/// `state` is a live state with four free slots.
pub unsafe fn stored_cell(state: *mut State, function: c_int, n: c_int) -> u32 {
    ffi::lp_variable_push(state, function, n);
    let cell = number_of(state, &VARIABLES, ffi::lua_gettop(state));
    lua::pop(state, 1);
    cell
}

/// Notes that upvalue `n` of the function at the absolute index `function` lies in a cell, with the value
/// that it has, and holds it to the end of the call.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn register(state: *mut State, function: c_int, n: c_int, cell: u32) {
    let top = ffi::lua_gettop(state);
    ffi::lp_variable_push(state, function, n);
    let variable = top + 1;
    push_registry(state, &CELLS);
    ffi::lua_pushvalue(state, variable);
    ffi::lua_rawseti(state, -2, i64::from(cell));
    push_registry(state, &VARIABLES);
    ffi::lua_pushvalue(state, variable);
    ffi::lua_pushinteger(state, i64::from(cell));
    ffi::lua_rawset(state, -3);
    note_value(state, variable, cell);
    ADDED.set(ADDED.get() + 1);
    hold(state, variable);
    ffi::lua_settop(state, top);
}

/// Notes the value of the variable at an absolute index as that which is stored in its cell.
pub unsafe fn note_value(state: *mut State, variable: c_int, cell: u32) {
    push_registry(state, &STORED);
    ffi::lp_variable_value(state, variable);
    ffi::lua_rawseti(state, -2, i64::from(cell));
    lua::pop(state, 1);
}

/// Forgets what lies in a cell. Takes no memory.
///
/// # Safety
///
/// `state` is a live state with a few free slots.
pub unsafe fn forget_cell(state: *mut State, cell: u32) {
    // SAFETY: only fields that exist are set, to nil.
    unsafe {
        let top = ffi::lua_gettop(state);
        push_registry(state, &CELLS);
        if ffi::lua_rawgeti(state, -1, i64::from(cell)) != kind::NIL {
            push_registry(state, &VARIABLES);
            ffi::lua_pushvalue(state, top + 2);
            ffi::lua_pushnil(state);
            ffi::lua_rawset(state, -3);
            ffi::lua_pushnil(state);
            ffi::lua_rawseti(state, top + 1, i64::from(cell));
        }
        push_registry(state, &STORED);
        ffi::lua_pushnil(state);
        ffi::lua_rawseti(state, -2, i64::from(cell));
        ffi::lua_settop(state, top);
    }
}

/// Holds the variable at the absolute index `variable` to the end of the call.
unsafe fn hold(state: *mut State, variable: c_int) {
    if ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&HELD)) != kind::TABLE {
        lua::pop(state, 1);
        lua::push_private_table(state, 0, 0);
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&HELD));
    }
    ffi::lua_pushvalue(state, variable);
    ffi::lua_rawseti(state, -2, ffi::lua_rawlen(state, -2) as i64 + 1);
    lua::pop(state, 1);
}

/// Holds every living variable that lies in a cell, to the end of the call that begins.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn hold_all(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode; the walk changes another table than it walks.
    unsafe {
        push_registry(state, &CELLS);
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, 1) != 0 {
            hold(state, 3);
            lua::pop(state, 1);
        }
    }
    0
}

/// Variables that may be held beside those that are alive, before the dead are collected.
const SPARE: usize = 256;

/// The number of variables that were alive when the dead were last collected.
static ALIVE: Global<usize> = Global::new(0);

/// The number of variables added since.
static ADDED: Global<usize> = Global::new(0);

/// Releases the variables that the call held, and calls `collect`, which collects garbage, if many more were held than
/// lived at the last collection: as calls hold what is not collected yet, only what runs between them can tell the
/// living from the dead.
///
/// # Safety
///
/// Inside a protected call, with a few free slots; all changes are stored.
pub unsafe fn collect_dead(state: *mut State, collect: impl FnOnce()) {
    let top = ffi::lua_gettop(state);
    push_registry(state, &HELD);
    let held = ffi::lua_rawlen(state, -1) as usize;
    ffi::lua_settop(state, top);
    release(state);
    let many = 2 * ALIVE.get() + SPARE;
    if held > many {
        collect();
    }
    if held > many || ADDED.get() > many {
        forget_dead(state);
    }
}

/// Forgets the values of the variables that have been collected, and counts the others.
///
/// # Safety
///
/// `state` is a live state with a few free slots.
pub unsafe fn forget_dead(state: *mut State) {
    let top = ffi::lua_gettop(state);
    let mut count = 0;
    for_each_living(state, |_| count += 1);
    ALIVE.set(count);
    ADDED.set(0);
    push_registry(state, &CELLS);
    push_registry(state, &STORED);
    ffi::lua_pushnil(state);
    while ffi::lua_next(state, top + 2) != 0 {
        lua::pop(state, 1);
        let cell = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
        if ffi::lua_rawgeti(state, top + 1, cell) == kind::NIL {
            ffi::lua_pushnil(state);
            ffi::lua_rawseti(state, top + 2, cell);
        }
        lua::pop(state, 1);
    }
    ffi::lua_settop(state, top);
}

/// Releases the variables that the call held.
///
/// # Safety
///
/// `state` is a live state with two free slots.
pub unsafe fn release(state: *mut State) {
    // SAFETY: setting a field to nil takes no memory.
    unsafe {
        ffi::lua_pushnil(state);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&HELD));
    }
}

/// Whether any variable that lies in a cell is alive, so that it could have changed.
///
/// # Safety
///
/// `state` is a live state with three free slots.
pub unsafe fn any(state: *mut State) -> bool {
    push_registry(state, &CELLS);
    ffi::lua_pushnil(state);
    let any = ffi::lua_next(state, -2) != 0;
    lua::pop(state, if any { 3 } else { 1 });
    any
}

/// Calls a function with the cell of each living variable.
///
/// # Safety
///
/// As for `any`, with a few free slots.
pub unsafe fn for_each_living(state: *mut State, mut each: impl FnMut(u32)) {
    // SAFETY: as for the caller; the walk changes nothing.
    unsafe {
        let top = ffi::lua_gettop(state);
        push_registry(state, &CELLS);
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, top + 1) != 0 {
            lua::pop(state, 1);
            each(ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32);
        }
        ffi::lua_settop(state, top);
    }
}
