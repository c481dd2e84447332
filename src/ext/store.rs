//! Stores tables with all that they reach, and functions with their variables. Lua's tables are references, so a table
//! that is assigned becomes external itself, in its place: whoever holds it goes on holding the table that was stored.
//!
//! That happens in three steps, of which the last cannot fail. First everything reachable is found,
//! checked and given a number, and all memory is taken. Then it is written, the assignment itself last;
//! if the host fails, what was written is deleted again. Then the tables let go of their contents. Lua
//! code never runs in between.

use core::cell::Cell;
use core::ffi::{CStr, c_int, c_void};

use crate::abi;
use crate::ext::keys;
use crate::ext::{code, ids, new_ids, objects, requests, variables, walk};
use crate::lua::{self, State, ffi, kind};
use crate::plain::window::Window;
use crate::plain::{codec, libraries};
use crate::session;

/// The place where a value is stored: the table's number, and the key's form.
#[derive(Clone, Copy)]
enum Place {
    /// Under the key at index 1 of the protected function.
    Key,
    /// Under a form that no Lua value has.
    Form(&'static [u8]),
}

/// The plan of an assignment. It lies on the C stack; its tables lie on Lua's.
struct Plan {
    id: u32,
    place: Place,
    /// The number of the first new table.
    first: Cell<u32>,
    /// The number of objects found.
    count: Cell<i64>,
    /// The number of objects that the host has been asked to write.
    begun: Cell<i64>,
    /// The most room that the form of a key needs, and that an encoded value needs.
    key_room: Cell<usize>,
    value_room: Cell<usize>,
}

/// The stack of every function here that works on a plan.
mod index {
    use core::ffi::c_int;
    /// The key of the assignment, if it has one.
    pub const KEY: c_int = 1;
    /// The value that is assigned.
    pub const VALUE: c_int = 2;
    /// object -> its number, or its name if it belongs to a library.
    pub const NUMBERS: c_int = 3;
    /// The objects found, a few fields for each.
    pub const OBJECTS: c_int = 4;
    /// First index that is free.
    pub const FREE: c_int = 5;
}

/// The fields of an object that was found, in the table of objects.
#[derive(Clone, Copy)]
enum Field {
    /// The table or function; for a variable, a function that has it.
    Object = 1,
    /// The number of the upvalue for a variable; 0 otherwise.
    Upvalue,
    /// The object it was found in, 0 for the assigned value, and how (see `Step`), as one integer.
    Parent,
    /// The key it was found under.
    Key,
    /// Bytecode of a function; metamethods of a table that has any.
    Extra,
}

const FIELDS: i64 = 5;

/// The way that leads from one object to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Key = 0,
    Upvalue = 1,
    Metatable = 2,
}

/// Stores the value at index 3 under the key at index 2 of the external table at index 1.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn store(state: *mut State) {
    let id = ffi::lp_ext_id(state, 1);
    ffi::lua_pushvalue(state, 2);
    ffi::lua_pushvalue(state, 3);
    run(state, id, Place::Key);
}

/// Stores the metatable at index 2, or that there is none, with the external table at index 1.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn store_metatable(state: *mut State) {
    let id = ffi::lp_ext_id(state, 1);
    if ffi::lua_type(state, 2) == kind::NIL {
        if !requests::delete_and_keep(id, keys::METATABLE) {
            requests::failed(state, c"delete from an external table");
        }
        return;
    }
    ffi::lua_pushnil(state);
    ffi::lua_pushvalue(state, 2);
    run(state, id, Place::Form(keys::METATABLE));
}

/// Stores the value at an absolute index in the cell of a variable.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn store_cell(state: *mut State, cell: u32, value: c_int) {
    ffi::lua_pushnil(state);
    ffi::lua_pushvalue(state, value);
    run(state, cell, Place::Form(variables::VALUE));
}

/// Stores the value on top, with its key below it, and takes both from the stack.
unsafe fn run(state: *mut State, id: u32, place: Place) {
    let mut plan = Plan {
        id,
        place,
        first: Cell::new(ids::next()),
        count: Cell::new(0),
        begun: Cell::new(0),
        key_room: Cell::new(keys::room(0)),
        value_room: Cell::new(0),
    };
    // SAFETY: as for the callers. The collector is held, as a finalizer could change what was found.
    unsafe {
        ffi::luaL_checkstack(state, 8, c"external tables".as_ptr());
        let at = ffi::lua_gettop(state) - 1;
        lua::push_function(state, run_held);
        ffi::lua_rotate(state, at, 1);
        ffi::lua_pushlightuserdata(state, (&raw mut plan).cast());
        let held = ffi::lp_gc_hold(state, 1);
        let status = lua::pcall(state, 3, 0, 0);
        ffi::lp_gc_hold(state, held);
        if status != lua::OK {
            ffi::lp_ext_forget();
            lua::raise(state);
        }
    }
}

unsafe extern "C-unwind" fn run_held(state: *mut State) -> c_int {
    // SAFETY: `run` passes the key, the value and its plan, in protected mode. Behind the protected
    // part nothing takes memory or raises an error but the error itself.
    unsafe {
        let plan = ffi::lua_touserdata(state, 3);
        ffi::luaL_checkstack(state, 20, c"external tables".as_ptr());
        lua::push_private_table(state, 0, 0);
        ffi::lua_copy(state, -1, index::NUMBERS);
        lua::pop(state, 1);
        lua::push_private_table(state, 0, 0);
        lua::push_function(state, prepare_and_write);
        for index in 1..index::FREE {
            ffi::lua_pushvalue(state, index);
        }
        ffi::lua_pushlightuserdata(state, plan);
        let status = lua::pcall(state, index::FREE, 0, 0);
        let writer = Writer { state, plan: &*plan.cast::<Plan>() };
        if status == lua::OK {
            writer.commit();
            return 0;
        }
        writer.undo();
        lua::raise(state)
    }
}

unsafe extern "C-unwind" fn prepare_and_write(state: *mut State) -> c_int {
    // SAFETY: `run_held` passes what `index` says, and the plan.
    unsafe {
        let plan = &*ffi::lua_touserdata(state, index::FREE).cast::<Plan>();
        ffi::lua_settop(state, index::FREE - 1);
        ffi::luaL_checkstack(state, 40, c"external tables".as_ptr());
        let writer = Writer { state, plan };
        writer.name_libraries();
        writer.find_all();
        writer.find_ids();
        writer.register();
        writer.write_all();
    }
    0
}

struct Writer<'p> {
    state: *mut State,
    plan: &'p Plan,
}

// SAFETY, for every `unsafe` in this block: the functions run inside `prepare_and_write`, in protected
// mode and with forty free slots, or behind it, where each says what it may do.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Writer<'_> {
    fn number_of(&self, n: i64) -> u32 {
        self.plan.first.get().wrapping_add((n - 1) as u32)
    }

    /// Makes sure that the ids of the new tables are those of no others. If they are, all is found again under ids
    /// that are free.
    unsafe fn find_ids(&self) {
        let state = self.state;
        let count = self.plan.count.get() as u32;
        match new_ids::free_ids(state, count) {
            Err(reason) => new_ids::no_id(state, reason),
            Ok(first) if first == self.plan.first.get() => return,
            Ok(first) => self.plan.first.set(first),
        }
        self.plan.count.set(0);
        for table in [index::NUMBERS, index::OBJECTS] {
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, table) != 0 {
                lua::pop(state, 1);
                ffi::lua_pushvalue(state, -1);
                ffi::lua_pushnil(state);
                ffi::lua_rawset(state, table);
            }
        }
        self.name_libraries();
        self.find_all();
    }

    /// Pushes a field of an object.
    unsafe fn push_field(&self, n: i64, field: Field) -> c_int {
        ffi::lua_rawgeti(self.state, index::OBJECTS, (n - 1) * FIELDS + field as i64)
    }

    /// Sets a field of an object to the value on top, which it pops.
    unsafe fn set_field(&self, n: i64, field: Field) {
        ffi::lua_rawseti(self.state, index::OBJECTS, (n - 1) * FIELDS + field as i64)
    }

    unsafe fn integer_field(&self, n: i64, field: Field) -> i64 {
        self.push_field(n, field);
        let value = ffi::lua_tointegerx(self.state, -1, core::ptr::null_mut());
        lua::pop(self.state, 1);
        value
    }

    /// Libraries are stored by name, whatever they reach.
    unsafe fn name_libraries(&self) {
        let state = self.state;
        for name in libraries::LIBRARIES.into_iter().chain([libraries::LOADED]) {
            if libraries::push_loaded(state, name) {
                lua::push_bytes(state, name);
                ffi::lua_rawset(state, index::NUMBERS);
            }
        }
    }

    unsafe fn find_all(&self) {
        let state = self.state;
        if let Place::Key = self.plan.place {
            self.find_key(index::KEY, 0);
        }
        self.find(index::VALUE, 0, Step::Key, index::KEY);
        let mut n = 0;
        while n < self.plan.count.get() {
            n += 1;
            let upvalue = self.integer_field(n, Field::Upvalue) as c_int;
            self.push_field(n, Field::Object);
            if upvalue > 0 {
                ffi::lua_getupvalue(state, index::FREE, upvalue);
                // A variable is one with the upvalue that it was found as.
                let parent = self.integer_field(n, Field::Parent) >> 2;
                ffi::lua_pushinteger(state, i64::from(upvalue));
                self.find(index::FREE + 1, parent, Step::Upvalue, index::FREE + 2);
            } else if ffi::lua_type(state, index::FREE) == kind::TABLE {
                self.find_in_table(n);
            } else {
                self.find_in_function(n);
            }
            ffi::lua_settop(state, index::FREE - 1);
        }
    }

    unsafe fn find_in_table(&self, n: i64) {
        let (state, table) = (self.state, index::FREE);
        let mut has_fields = false;
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, table) != 0 {
            self.find_key(table + 1, n);
            has_fields |= lua::bytes(state, table + 1).starts_with(b"__");
            self.find(table + 2, n, Step::Key, table + 1);
            lua::pop(state, 1);
        }
        if has_fields {
            self.copy_fields(table);
            self.set_field(n, Field::Extra);
        }
        if ffi::lua_getmetatable(state, table) != 0 {
            ffi::lua_pushnil(state);
            self.find(table + 1, n, Step::Metatable, table + 2);
        }
    }

    /// Pushes a table with those fields of a table that can be metamethods.
    unsafe fn copy_fields(&self, table: c_int) {
        let state = self.state;
        lua::push_private_table(state, 0, 0);
        let fields = ffi::lua_gettop(state);
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, table) != 0 {
            if lua::bytes(state, -2).starts_with(b"__") {
                ffi::lua_pushvalue(state, -2);
                ffi::lua_rotate(state, -2, 1);
                ffi::lua_rawset(state, fields);
            } else {
                lua::pop(state, 1);
            }
        }
    }

    unsafe fn find_in_function(&self, n: i64) {
        let (state, function) = (self.state, index::FREE);
        code::push(state, function);
        self.need_room_for_value(ffi::lua_rawlen(state, -1) as usize, n, Step::Key, index::FREE + 1);
        self.set_field(n, Field::Extra);
        for upvalue in 1.. {
            let name = ffi::lua_getupvalue(state, function, upvalue);
            if name.is_null() {
                return;
            }
            // A variable that happens to hold the globals is still a variable.
            let environment = CStr::from_ptr(name) == c"_ENV";
            if !(environment && self.is_globals(function + 1)) {
                ffi::lua_pushinteger(state, i64::from(upvalue));
                self.find_variable(function, upvalue, n);
            }
            ffi::lua_settop(state, function);
        }
    }

    unsafe fn is_globals(&self, value: c_int) -> bool {
        let state = self.state;
        ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
        let same = ffi::lua_rawequal(state, -1, value) != 0;
        lua::pop(state, 1);
        same
    }

    unsafe fn find_variable(&self, function: c_int, upvalue: c_int, n: i64) {
        let state = self.state;
        let variable = ffi::lua_upvalueid(state, function, upvalue);
        if ffi::lua_rawgetp(state, index::NUMBERS, variable) == kind::NIL {
            let cell = variables::stored_cell(state, function, upvalue);
            if cell == 0 {
                let m = self.add(function, n, Step::Upvalue, function + 2);
                ffi::lua_pushinteger(state, i64::from(upvalue));
                self.set_field(m, Field::Upvalue);
                ffi::lua_pushinteger(state, i64::from(self.number_of(m)));
            } else {
                ffi::lua_pushinteger(state, i64::from(cell));
            }
            ffi::lua_rawsetp(state, index::NUMBERS, variable);
        }
    }

    /// Checks a key, and sees to the room that its form needs.
    unsafe fn find_key(&self, index: c_int, parent: i64) {
        let state = self.state;
        if let Err(refusal) = keys::check(state, index) {
            if let keys::Refusal::Type(kind) = refusal {
                let what = ffi::lua_typename(state, kind);
                self.refuse(parent, None, c"a %s cannot be a key of an external table", what);
            }
            refusal.raise(state);
        }
        let room = keys::room(lua::bytes(state, index).len());
        self.plan.key_room.set(self.plan.key_room.get().max(room));
    }

    /// Finds a value: checks that it can be stored, and gives it a number if it needs one.
    unsafe fn find(&self, value: c_int, parent: i64, step: Step, key: c_int) {
        let state = self.state;
        let kind = ffi::lua_type(state, value);
        match kind {
            kind::NIL | kind::BOOLEAN | kind::NUMBER => return,
            kind::STRING => {
                let length = lua::bytes(state, value).len();
                return self.need_room_for_value(length, parent, step, key);
            }
            kind::TABLE if ffi::lp_ext_id(state, value) != 0 => return,
            kind::TABLE | kind::FUNCTION => {}
            _ => {
                let what = if kind == ffi::LUA_TTHREAD as c_int {
                    c"coroutine".as_ptr()
                } else {
                    ffi::lua_typename(state, kind)
                };
                self.refuse(parent, Some((step, key)), c"cannot store a %s", what)
            }
        }
        ffi::lua_pushvalue(state, value);
        let known = ffi::lua_rawget(state, index::NUMBERS) != kind::NIL;
        lua::pop(state, 1);
        if known {
            return;
        }
        if kind == kind::TABLE {
            if ffi::lp_ext_finalised(state, value) != 0 {
                let what = c"table with a finaliser".as_ptr();
                self.refuse(parent, Some((step, key)), c"cannot store a %s", what);
            }
            self.number(value, parent, step, key);
        } else if ffi::lua_iscfunction(state, value) != 0 {
            ffi::lua_pushvalue(state, value);
            if !libraries::push_library_name(state, value) {
                let what = c"C function that no library has".as_ptr();
                self.refuse(parent, Some((step, key)), c"cannot store a %s", what);
            }
            ffi::lua_rawset(state, index::NUMBERS);
        } else {
            match variables::stored_id(state, value) {
                0 => self.number(value, parent, step, key),
                id => {
                    ffi::lua_pushvalue(state, value);
                    ffi::lua_pushinteger(state, i64::from(id));
                    ffi::lua_rawset(state, index::NUMBERS);
                }
            }
        }
    }

    unsafe fn number(&self, value: c_int, parent: i64, step: Step, key: c_int) {
        let state = self.state;
        let n = self.add(value, parent, step, key);
        ffi::lua_pushvalue(state, value);
        ffi::lua_pushinteger(state, i64::from(self.number_of(n)));
        ffi::lua_rawset(state, index::NUMBERS);
    }

    /// Adds an object to those found.
    unsafe fn add(&self, object: c_int, parent: i64, step: Step, key: c_int) -> i64 {
        let state = self.state;
        let n = self.plan.count.get() + 1;
        ffi::lua_pushvalue(state, object);
        self.set_field(n, Field::Object);
        ffi::lua_pushinteger(state, 0);
        self.set_field(n, Field::Upvalue);
        ffi::lua_pushinteger(state, parent << 2 | step as i64);
        self.set_field(n, Field::Parent);
        ffi::lua_pushvalue(state, key);
        self.set_field(n, Field::Key);
        ffi::lua_pushboolean(state, 0);
        self.set_field(n, Field::Extra);
        self.plan.count.set(n);
        n
    }

    unsafe fn need_room_for_value(&self, length: usize, parent: i64, step: Step, key: c_int) {
        let state = self.state;
        if length + requests::HEAD > requests::longest_value() {
            self.push_path(parent, Some((step, key)));
            ffi::luaL_error(
                state,
                c"%s: a value of an external table has at most %d bytes with this host, this one has %d".as_ptr(),
                ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
                session::longest_value() as c_int,
                length as c_int,
            );
        }
        let room = &self.plan.value_room;
        room.set(room.get().max(length + 8));
    }

    /// Raises an error about what was found in an object, under a key if there is one.
    unsafe fn refuse(
        &self,
        parent: i64,
        last: Option<(Step, c_int)>,
        format: &CStr,
        what: *const core::ffi::c_char,
    ) -> ! {
        let state = self.state;
        ffi::lua_pushfstring(state, format.as_ptr(), what);
        let message = ffi::lua_gettop(state);
        self.push_path(parent, last);
        ffi::luaL_error(
            state,
            c"%s: %s".as_ptr(),
            ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
            ffi::lua_tolstring(state, message, core::ptr::null_mut()),
        );
        lua::raise(state)
    }

    /// Pushes the way from the table that is assigned to, to what was found in an object.
    unsafe fn push_path(&self, parent: i64, last: Option<(Step, c_int)>) {
        let state = self.state;
        ffi::luaL_checkstack(state, 20, core::ptr::null());
        match self.plan.id {
            id if id == ids::home() => ffi::lua_pushstring(state, c"_home".as_ptr()),
            id if id == ids::io() => ffi::lua_pushstring(state, c"_io".as_ptr()),
            id => ffi::lua_pushfstring(state, c"external table %d".as_ptr(), id as c_int),
        };
        // The assigned value itself has no object that it was found in.
        if parent > 0 {
            self.push_step(Step::Key, index::KEY);
            let mut depth = 0;
            let mut n = parent;
            while n > 0 {
                n = self.integer_field(n, Field::Parent) >> 2;
                depth += 1;
            }
            for level in (0..depth - 1).rev() {
                let mut n = parent;
                for _ in 0..level {
                    n = self.integer_field(n, Field::Parent) >> 2;
                }
                let step = match self.integer_field(n, Field::Parent) & 3 {
                    0 => Step::Key,
                    1 => Step::Upvalue,
                    _ => Step::Metatable,
                };
                self.push_field(n, Field::Key);
                let key = ffi::lua_gettop(state);
                ffi::lua_pushvalue(state, key - 1);
                self.push_step(step, key);
                ffi::lua_copy(state, -1, key - 1);
                ffi::lua_settop(state, key - 1);
            }
        }
        if let Some((step, key)) = last {
            self.push_step(step, key);
        }
    }

    /// Appends one step to the path on top.
    unsafe fn push_step(&self, step: Step, key: c_int) {
        let state = self.state;
        match (step, self.plan.place) {
            (Step::Metatable, _) => ffi::lua_pushstring(state, c" (its metatable)".as_ptr()),
            (Step::Upvalue, _) => {
                let n = ffi::lua_tointegerx(state, key, core::ptr::null_mut());
                ffi::lua_pushfstring(state, c" (upvalue %d)".as_ptr(), n as c_int)
            }
            (Step::Key, Place::Form(form)) if key == index::KEY => {
                let what =
                    if form == keys::METATABLE { c" (its metatable)" } else { c" (a variable of a stored function)" };
                ffi::lua_pushstring(state, what.as_ptr())
            }
            (Step::Key, _) => {
                let name = lua::bytes(state, key);
                let identifier = name.first().is_some_and(|b| !b.is_ascii_digit())
                    && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
                let text = ffi::luaL_tolstring(state, key, core::ptr::null_mut());
                let format = match ffi::lua_type(state, key) {
                    kind::STRING if identifier => c".%s",
                    kind::STRING => c"[\"%s\"]",
                    _ => c"[%s]",
                };
                let text = ffi::lua_pushfstring(state, format.as_ptr(), text);
                ffi::lua_rotate(state, -2, 1);
                lua::pop(state, 1);
                text
            }
        };
        ffi::lua_concat(state, 2);
    }

    /// Makes every new object known under its number, which takes the last memory that is needed.
    unsafe fn register(&self) {
        let state = self.state;
        objects::push_all(state);
        variables::push_functions(state);
        let (objects, functions, object) = (index::FREE, index::FREE + 1, index::FREE + 2);
        for n in 1..=self.plan.count.get() {
            let id = self.number_of(n);
            let upvalue = self.integer_field(n, Field::Upvalue) as c_int;
            self.push_field(n, Field::Object);
            if upvalue > 0 {
                variables::register(state, object, upvalue, id);
                lua::pop(state, 1);
                continue;
            }
            ffi::lua_pushvalue(state, object);
            ffi::lua_rawseti(state, objects, i64::from(id));
            if ffi::lua_type(state, object) == kind::FUNCTION {
                ffi::lua_pushinteger(state, i64::from(id));
                ffi::lua_rawset(state, functions);
            } else {
                lua::pop(state, 1);
            }
        }
        ffi::lua_settop(state, index::FREE - 1);
        // The rooms stay on the stack while everything is written.
        for room in [self.plan.key_room.get(), self.plan.value_room.get().max(requests::ROOM)] {
            ffi::lua_newuserdatauv(state, room, 0);
        }
    }

    /// Writes everything, what is assigned last. Takes no memory.
    unsafe fn write_all(&self) {
        let state = self.state;
        let key_room = ffi::lua_touserdata(state, index::FREE);
        let value_room = ffi::lua_touserdata(state, index::FREE + 1);
        let rooms = Rooms {
            key: (key_room, self.plan.key_room.get()),
            value: (value_room, self.plan.value_room.get().max(requests::ROOM)),
        };
        let mut written = true;
        for n in 1..=self.plan.count.get() {
            self.plan.begun.set(n);
            written = written && self.write_object(n, &rooms);
        }
        let form = match self.plan.place {
            Place::Form(form) => form,
            Place::Key => keys::encode(state, index::KEY, rooms.key()),
        };
        if !written || !self.write(self.plan.id, form, index::VALUE, &rooms) {
            requests::failed(state, c"store in an external table");
        }
    }

    unsafe fn write_object(&self, n: i64, rooms: &Rooms) -> bool {
        let state = self.state;
        let id = self.number_of(n);
        let upvalue = self.integer_field(n, Field::Upvalue) as c_int;
        self.push_field(n, Field::Object);
        let object = ffi::lua_gettop(state);
        let written = if upvalue > 0 {
            ffi::lua_getupvalue(state, object, upvalue);
            if ffi::lua_type(state, -1) == kind::NIL {
                requests::keep_empty(id)
            } else {
                self.write(id, variables::VALUE, object + 1, rooms)
            }
        } else if ffi::lua_type(state, object) == kind::FUNCTION {
            self.write_function(n, object, rooms)
        } else {
            self.write_table(id, object, rooms)
        };
        ffi::lua_settop(state, object - 1);
        written
    }

    unsafe fn write_table(&self, id: u32, table: c_int, rooms: &Rooms) -> bool {
        let state = self.state;
        let mut empty = true;
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, table) != 0 {
            empty = false;
            let form = keys::encode(state, table + 1, rooms.key());
            if !self.write(id, form, table + 2, rooms) {
                return false;
            }
            lua::pop(state, 1);
        }
        match ffi::lua_getmetatable(state, table) {
            0 if empty => requests::keep_empty(id),
            0 => true,
            _ => self.write(id, keys::METATABLE, table + 1, rooms),
        }
    }

    unsafe fn write_function(&self, n: i64, function: c_int, rooms: &Rooms) -> bool {
        let state = self.state;
        let id = self.number_of(n);
        self.push_field(n, Field::Extra);
        if !self.write(id, code::KEY, function + 1, rooms) {
            return false;
        }
        for upvalue in 1.. {
            let variable = ffi::lua_upvalueid(state, function, upvalue);
            if variable.is_null() {
                break;
            }
            ffi::lua_pushinteger(state, i64::from(upvalue));
            let form = keys::encode(state, -1, rooms.key());
            ffi::lua_rawgetp(state, index::NUMBERS, variable);
            let mut bytes = [0; 16];
            let mut window = Window::new(&mut bytes, 0);
            match ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) {
                0 => window.text(abi::TAG_LIBRARY, b"_G"),
                cell => {
                    window.tag(abi::TAG_EXTERNAL_TABLE);
                    window.number(cell as u32);
                }
            }
            let length = window.position();
            if !requests::set(id, form, &bytes[..length]) {
                return false;
            }
            ffi::lua_settop(state, function);
        }
        true
    }

    /// Writes the value at an index under a key's form.
    unsafe fn write(&self, id: u32, form: &[u8], value: c_int, rooms: &Rooms) -> bool {
        let state = self.state;
        // The variable of a cell: what is not there is nil.
        if ffi::lua_type(state, value) == kind::NIL {
            return requests::delete_and_keep(id, form);
        }
        let other = ffi::lp_ext_id(state, value);
        if other != 0 && !requests::keep_in_call(other) {
            return false;
        }
        let mut window = Window::new(rooms.value(), 0);
        if !codec::write_plain(state, value, &mut window) {
            ffi::lua_pushvalue(state, value);
            ffi::lua_rawget(state, index::NUMBERS);
            let name = lua::bytes(state, -1);
            let number = ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32;
            match (ffi::lua_type(state, value), name.is_empty()) {
                (kind::TABLE, false) => window.text(abi::TAG_LIBRARY, name),
                (kind::TABLE, true) => {
                    window.tag(abi::TAG_EXTERNAL_TABLE);
                    window.number(number);
                }
                (_, false) => window.text(abi::TAG_LIBRARY_FUNCTION, name),
                (_, true) => window.text(abi::TAG_FUNCTION, &number.to_le_bytes()),
            }
            lua::pop(state, 1);
        }
        let length = window.kept();
        requests::set(id, form, &rooms.value()[..length])
    }

    /// Drops from the tables the contents that the host has now. Takes no memory and cannot fail.
    unsafe fn commit(&self) {
        let state = self.state;
        ffi::lua_settop(state, index::FREE - 1);
        for n in 1..=self.plan.count.get() {
            self.push_field(n, Field::Object);
            if ffi::lua_type(state, -1) == kind::TABLE {
                ffi::lp_ext_convert(state, index::FREE, self.number_of(n));
                if self.push_field(n, Field::Extra) == kind::TABLE {
                    ffi::lp_ext_setfields(state, index::FREE);
                }
            }
            ffi::lua_settop(state, index::FREE - 1);
        }
        if self.plan.count.get() > 0 {
            ids::use_ids(self.plan.first.get(), self.plan.count.get() as u32);
        }
    }

    /// Undoes what was registered and written. Takes no memory; the error stays on top.
    unsafe fn undo(&self) {
        let state = self.state;
        // `run_held` leaves the error above the tables.
        ffi::lua_copy(state, -1, index::VALUE);
        ffi::lua_settop(state, index::FREE - 1);
        objects::push_all(state);
        variables::push_functions(state);
        let (objects, functions) = (index::FREE, index::FREE + 1);
        for n in 1..=self.plan.count.get() {
            let id = self.number_of(n);
            if n <= self.plan.begun.get() && !walk::drop_quietly(id) {
                // What cannot be deleted is unreachable, and `ext.collect` tries again; until then
                // no other table may get its number.
                ids::sync_counter(id + 1);
            }
            ffi::lua_pushnil(state);
            ffi::lua_rawseti(state, objects, i64::from(id));
            if self.integer_field(n, Field::Upvalue) > 0 {
                variables::forget_cell(state, id);
                continue;
            }
            self.push_field(n, Field::Object);
            if ffi::lua_type(state, -1) == kind::FUNCTION {
                ffi::lua_pushnil(state);
                ffi::lua_rawset(state, functions);
            }
            ffi::lua_settop(state, functions);
        }
        ffi::lua_settop(state, index::VALUE);
    }
}

/// The room for forms and values, in two userdata.
struct Rooms {
    key: (*mut c_void, usize),
    value: (*mut c_void, usize),
}

impl Rooms {
    /// # Safety
    ///
    /// No other slice of it may be alive.
    #[allow(clippy::mut_from_ref)]
    unsafe fn key(&self) -> &mut [u8] {
        // SAFETY: the userdata has as many bytes and stays on the stack.
        unsafe { core::slice::from_raw_parts_mut(self.key.0.cast(), self.key.1) }
    }

    /// # Safety
    ///
    /// As for `key`.
    #[allow(clippy::mut_from_ref)]
    unsafe fn value(&self) -> &mut [u8] {
        core::slice::from_raw_parts_mut(self.value.0.cast(), self.value.1)
    }
}
