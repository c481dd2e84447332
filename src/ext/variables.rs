//! Lua functions in external tables. A stored function is described by a table of its own: `code` holds
//! its bytecode, and each integer key the upvalue of that number. An upvalue lies in a cell, again a
//! table, under `value`, so that functions which share a variable go on sharing it; the globals are
//! stored as such and become those of whoever reads the function.
//!
//! While a variable that lies in a cell is alive, whoever holds it, the guest knows which cell that is, and
//! what was last stored there: a function that is read back gets the living variable, and what has changed
//! is stored at the end of each call. So what a function counts survives as well.

use core::cell::Cell;
use core::ffi::{c_char, c_int, c_void};

use super::{keys as key, load as refs, requests as host, store as graph};
use crate::abi;
use crate::lua::{self, State, ffi, kind};
use crate::machine::Single;
use crate::values::write as codec;

/// The key of a function's bytecode in the table that describes it.
pub const CODE: &[u8] = b"code";
/// The key of a variable's value in its cell.
pub const VALUE: &[u8] = b"value";

/// Registry key: function -> the id of the table that describes it, by weak key.
static FUNCTIONS: u8 = 0;
/// Registry key: id of a cell -> the variable that lies in it, by weak value.
static CELLS: u8 = 1;
/// Registry key: variable -> the id of its cell, by weak key.
static VARIABLES: u8 = 2;
/// Registry key: id of a cell -> the value that was last stored in it, or read from it.
static STORED: u8 = 3;
/// Registry key: the variables of the call that is running, as values. What it does to them is stored at
/// its end, so until then they must not be collected.
static HELD: u8 = 4;
/// Registry key: functions whose upvalues have yet to be read.
static PENDING: u8 = 5;
/// Registry key: the cells that the reading under way has made variables for.
static FRESH: u8 = 6;

/// Makes the tables of functions and variables, for a new machine.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe {
        (*ALIVE.get()).set(0);
        (*ADDED.get()).set(0);
        for (table, mode) in [(&FUNCTIONS, c"k"), (&CELLS, c"v"), (&VARIABLES, c"k")] {
            refs::push_weak_table(state, mode);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(table));
        }
        lua::push_private_table(state, 0, 0);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&STORED));
    }
}

/// Pushes the table of the functions that are stored.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn push_functions(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe { push_registry(state, &FUNCTIONS) };
}

unsafe fn push_registry(state: *mut State, table: &'static u8) {
    // SAFETY: as for `push_functions`.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(table));
    }
}

/// The integer that the table of a registry key holds under the value at the absolute index `index`, 0 if
/// there is none.
unsafe fn number_of(state: *mut State, table: &'static u8, index: c_int) -> u32 {
    // SAFETY: as for `push_functions`, with two free slots.
    unsafe {
        push_registry(state, table);
        ffi::lua_pushvalue(state, index);
        ffi::lua_rawget(state, -2);
        let number = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
        lua::pop(state, 2);
        number as u32
    }
}

/// The id under which the function at the absolute index `function` is stored, 0 if it is not.
///
/// # Safety
///
/// `state` is a live state with three free slots.
pub unsafe fn stored_id(state: *mut State, function: c_int) -> u32 {
    // SAFETY: as for the caller.
    unsafe { number_of(state, &FUNCTIONS, function) }
}

/// The id of the cell that upvalue `n` of the function at the absolute index `function` lies in, 0 if it
/// lies in none.
///
/// # Safety
///
/// `state` is a live state with four free slots.
pub unsafe fn stored_cell(state: *mut State, function: c_int, n: c_int) -> u32 {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lp_variable_push(state, function, n);
        let cell = number_of(state, &VARIABLES, ffi::lua_gettop(state));
        lua::pop(state, 1);
        cell
    }
}

/// Notes that upvalue `n` of the function at the absolute index `function` lies in a cell, with the value
/// that it has, and holds it to the end of the call.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn register_variable(state: *mut State, function: c_int, n: c_int, cell: u32) {
    // SAFETY: as for the caller.
    unsafe {
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
        (*ADDED.get()).set((*ADDED.get()).get() + 1);
        hold(state, variable);
        ffi::lua_settop(state, top);
    }
}

/// Notes the value of the variable at an absolute index as that which is stored in its cell.
unsafe fn note_value(state: *mut State, variable: c_int, cell: u32) {
    // SAFETY: as for `register_variable`.
    unsafe {
        push_registry(state, &STORED);
        ffi::lp_variable_value(state, variable);
        ffi::lua_rawseti(state, -2, i64::from(cell));
        lua::pop(state, 1);
    }
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

/// A checksum of bytecode, which Lua does not check itself: FNV-1a of 64 bits.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    hash.to_le_bytes()
}

const CHECKSUM: usize = 8;

/// Pushes the bytecode of the function at the absolute index `function`, behind its checksum.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_code(state: *mut State, function: c_int) {
    unsafe extern "C-unwind" fn count(_: *mut State, _: *const c_void, size: usize, total: *mut c_void) -> c_int {
        // SAFETY: `push_code` passes its total.
        unsafe { *total.cast::<usize>() += size };
        0
    }
    unsafe extern "C-unwind" fn append(_: *mut State, bytes: *const c_void, size: usize, end: *mut c_void) -> c_int {
        // SAFETY: `push_code` passes where the next bytes go, and there is room for all of them.
        unsafe {
            let end = end.cast::<*mut u8>();
            (*end).copy_from(bytes.cast(), size);
            *end = (*end).add(size);
        }
        0
    }
    // SAFETY: as for the caller.
    unsafe {
        let mut size = 0usize;
        ffi::lua_pushvalue(state, function);
        ffi::lua_dump(state, Some(count), (&raw mut size).cast(), 0);
        let place = ffi::lua_newuserdatauv(state, CHECKSUM + size, 0).cast::<u8>();
        ffi::lua_pushvalue(state, -2);
        let mut end = place.add(CHECKSUM);
        ffi::lua_dump(state, Some(append), (&raw mut end).cast(), 0);
        let code = core::slice::from_raw_parts(place.add(CHECKSUM), size);
        place.copy_from(checksum(code).as_ptr(), CHECKSUM);
        ffi::lua_pushlstring(state, place.cast(), CHECKSUM + size);
        ffi::lua_copy(state, -1, -4);
        lua::pop(state, 3);
    }
}

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
        refs::push_objects(state);
        match ffi::lua_rawgeti(state, -1, i64::from(id)) {
            kind::FUNCTION => {}
            kind::NIL => {
                lua::pop(state, 1);
                load(state, id);
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
        // A finaliser must not meet a function whose variables are not read yet.
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
        push_functions(state);
        refs::push_objects(state);
        for n in 1..=ffi::lua_rawlen(state, pending) as i64 {
            ffi::lua_rawgeti(state, pending, n);
            let id = stored_id(state, top + 3);
            ffi::lua_pushnil(state);
            ffi::lua_rawseti(state, top + 2, i64::from(id));
            ffi::lua_pushnil(state);
            ffi::lua_rawset(state, top + 1);
        }
        push_registry(state, &FRESH);
        for n in 1..=ffi::lua_rawlen(state, top + 3) as i64 {
            ffi::lua_rawgeti(state, top + 3, n);
            let cell = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
            forget_cell(state, cell as u32);
            lua::pop(state, 1);
        }
        ffi::lua_settop(state, top);
    }
}

unsafe extern "C-unwind" fn read_code(_: *mut State, code: *mut c_void, size: *mut usize) -> *const c_char {
    // SAFETY: `load` passes its code, which it empties behind the first piece.
    unsafe {
        let code = &mut *code.cast::<&[u8]>();
        *size = code.len();
        core::mem::take(code).as_ptr().cast()
    }
}

/// Pushes a function made of the bytecode that is stored under a number, and begins its record.
unsafe fn load(state: *mut State, id: u32) {
    // SAFETY: as for `push`. The bytecode stays on the stack while it is loaded.
    unsafe {
        let top = ffi::lua_gettop(state);
        // Nothing but a string is code; a reference would lead on to who knows where.
        let string = host::get(state, id, CODE).filter(|bytes| bytes.first() == Some(&abi::TAG_STRING));
        if !string.is_some_and(|bytes| codec::push_plain(state, bytes)) {
            damaged(state, id);
        }
        let stored = lua::bytes(state, -1);
        let Some((sum, mut code)) = stored.split_first_chunk::<CHECKSUM>() else { damaged(state, id) };
        if *sum != checksum(code) {
            damaged(state, id);
        }
        let status = ffi::lua_load(state, Some(read_code), (&raw mut code).cast(), c"=stored".as_ptr(), c"b".as_ptr());
        if status != lua::OK {
            lua::raise(state);
        }
        ffi::lua_copy(state, -1, top + 1);
        ffi::lua_settop(state, top + 1);
        // The loader gave it the globals; until its upvalues are read it has none.
        if !ffi::lua_getupvalue(state, top + 1, 1).is_null() {
            lua::pop(state, 1);
            ffi::lua_pushnil(state);
            ffi::lua_setupvalue(state, top + 1, 1);
        }
        push_functions(state);
        ffi::lua_pushvalue(state, top + 1);
        ffi::lua_pushinteger(state, i64::from(id));
        ffi::lua_rawset(state, -3);
        lua::pop(state, 1);
    }
}

/// Holds the variable at the absolute index `variable` to the end of the call.
unsafe fn hold(state: *mut State, variable: c_int) {
    // SAFETY: as for `register_variable`.
    unsafe {
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

/// How many variables were alive when the dead were last collected.
static ALIVE: Single<Cell<usize>> = Single::new(Cell::new(0));

/// How many variables have come since.
static ADDED: Single<Cell<usize>> = Single::new(Cell::new(0));

/// Collects garbage if many more variables are held than lived at the last collection: as calls hold what
/// is not collected yet, only what runs between them can tell the living from the dead.
///
/// # Safety
///
/// Inside a protected call, with a few free slots; all changes are stored.
pub unsafe fn collect_dead(state: *mut State) {
    // SAFETY: as for the caller; `Cell`s are only read and set, and the walks set only existing fields.
    unsafe {
        let alive = &*ALIVE.get();
        let top = ffi::lua_gettop(state);
        push_registry(state, &HELD);
        let held = ffi::lua_rawlen(state, -1) as usize;
        ffi::lua_settop(state, top);
        release(state);
        let many = 2 * alive.get() + SPARE;
        if held > many {
            ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int);
        }
        if held > many || (*ADDED.get()).get() > many {
            forget_dead(state);
        }
    }
}

/// Forgets the values of the variables that have been collected, and counts the others.
///
/// # Safety
///
/// `state` is a live state with a few free slots.
pub unsafe fn forget_dead(state: *mut State) {
    // SAFETY: as for `collect_dead`.
    unsafe {
        let top = ffi::lua_gettop(state);
        let mut count = 0;
        for_each_living(state, |_| count += 1);
        (*ALIVE.get()).set(count);
        (*ADDED.get()).set(0);
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
}

/// Holds nothing any more.
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

unsafe fn damaged(state: *mut State, id: u32) -> ! {
    // SAFETY: as for `push`.
    unsafe {
        ffi::luaL_error(state, c"the stored function %d is damaged or missing".as_ptr(), id as c_int);
        lua::raise(state)
    }
}

/// Reads the upvalues of the function at the absolute index `function`.
unsafe fn read_upvalues(state: *mut State, function: c_int) {
    // SAFETY: as for `push`. The bytes of a reference are used before anything else overwrites them.
    unsafe {
        let id = stored_id(state, function);
        push_registry(state, &CELLS);
        let cells = ffi::lua_gettop(state);
        push_registry(state, &FRESH);
        let fresh = cells + 1;
        for n in 1.. {
            ffi::lua_settop(state, fresh);
            if ffi::lua_upvalueid(state, function, n).is_null() {
                break;
            }
            ffi::lua_pushinteger(state, i64::from(n));
            let mut place = key::Place::default();
            let form = place.encode(state, -1);
            let cell = match host::get(state, id, form).and_then(refs::Reference::read) {
                Some(refs::Reference::Table(cell)) => {
                    super::expect(cell);
                    cell
                }
                Some(refs::Reference::Library(b"_G")) => {
                    ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
                    ffi::lua_setupvalue(state, function, n);
                    continue;
                }
                _ => damaged(state, id),
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
            register_variable(state, function, n, cell);
            refs::fetch_variable(state, cell);
            ffi::lua_setupvalue(state, function, n);
            ffi::lp_variable_push(state, function, n);
            note_value(state, ffi::lua_gettop(state), cell);
        }
        ffi::lua_settop(state, function);
    }
}

/// What ends a call: stores the variables of stored functions that have changed, and lets go of the
/// functions.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn store_changes(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode.
    unsafe {
        ffi::lua_settop(state, 0);
        store_all(state);
        collect_dead(state);
    }
    0
}

/// Stores the variables in cells that have changed since they were stored or read.
///
/// # Safety
///
/// Inside a protected call, with an empty stack. Storing a variable may make further cells, so those that
/// there are are listed before anything is stored.
pub unsafe fn store_all(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe {
        push_registry(state, &CELLS);
        lua::push_private_table(state, 0, 0);
        let mut count = 0;
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, 1) != 0 {
            lua::pop(state, 1);
            count += 1;
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawseti(state, 2, count);
        }
        push_registry(state, &STORED);
        for n in 1..=count {
            ffi::lua_rawgeti(state, 2, n);
            let cell = ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32;
            if ffi::lua_rawgeti(state, 1, i64::from(cell)) != kind::NIL {
                ffi::lp_variable_value(state, 5);
                ffi::lua_rawgeti(state, 3, i64::from(cell));
                if !same(state) {
                    graph::store_cell(state, cell, 6);
                    ffi::lua_pushvalue(state, 6);
                    ffi::lua_rawseti(state, 3, i64::from(cell));
                }
            }
            ffi::lua_settop(state, 3);
        }
        ffi::lua_settop(state, 0);
    }
}

/// Whether the two values on top are the same, numbers to the last bit.
unsafe fn same(state: *mut State) -> bool {
    // SAFETY: two values are on top of the stack.
    unsafe {
        let float = |index| {
            let number = ffi::lua_type(state, index) == kind::NUMBER && ffi::lua_isinteger(state, index) == 0;
            number.then(|| ffi::lua_tonumberx(state, index, core::ptr::null_mut()).to_bits())
        };
        match (float(-1), float(-2)) {
            (None, None) => ffi::lua_rawequal(state, -1, -2) != 0,
            (one, other) => one == other,
        }
    }
}

/// Whether any variable that lies in a cell is alive, so that it could have changed.
///
/// # Safety
///
/// `state` is a live state with three free slots.
pub unsafe fn any(state: *mut State) -> bool {
    // SAFETY: as for the caller.
    unsafe {
        push_registry(state, &CELLS);
        ffi::lua_pushnil(state);
        let any = ffi::lua_next(state, -2) != 0;
        lua::pop(state, if any { 3 } else { 1 });
        any
    }
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
