//! Loads modules of the host with `require`, by a searcher behind `package.preload`. The searchers for
//! libraries in C are left out, as none can be loaded.

use core::ffi::c_int;

use crate::abi::services;
use crate::lua::{self, State, ffi};
use crate::session;

/// Bytes of a name that is asked for, with what stands in front of it.
const LONGEST_NAME: usize = 256;

/// Puts the searcher into `package.searchers`, as the second.
///
/// # Safety
///
/// Inside a protected call, behind the opening of the libraries.
pub unsafe fn open(state: *mut State) {
    // SAFETY: as for the caller; the tables were made by Lua's own library.
    unsafe {
        let top = ffi::lua_gettop(state);
        ffi::lua_getglobal(state, c"package".as_ptr());
        ffi::lua_getfield(state, -1, c"searchers".as_ptr());
        // They are: preload, Lua files, C libraries, C libraries that hold several modules.
        ffi::lua_rawgeti(state, -1, 2);
        ffi::lua_rawseti(state, -2, 3);
        ffi::lua_pushnil(state);
        ffi::lua_rawseti(state, -2, 4);
        lua::push_library_function(state, search);
        ffi::lua_rawseti(state, -2, 2);
        ffi::lua_settop(state, top);
    }
}

/// The searcher: a loader and the name, or a text that tells why there is none.
unsafe extern "C-unwind" fn search(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode. What is asked for is copied before the host answers, and
    // the source lies in a userdata on the stack.
    unsafe {
        let mut length = 0;
        let name = ffi::luaL_checklstring(state, 1, &mut length).cast::<u8>();
        let name = core::slice::from_raw_parts(name, length);
        if !session::offers(services::MODULE) {
            ffi::lua_pushstring(state, c"the host offers no modules".as_ptr());
            return 1;
        }
        let mut request = [0; LONGEST_NAME];
        let Some(place) = request.get_mut(services::MODULE_HEADER..services::MODULE_HEADER + length) else {
            ffi::lua_pushstring(state, c"no module of the host has a name that long".as_ptr());
            return 1;
        };
        place.copy_from_slice(name);
        let request = &mut request[..services::MODULE_HEADER + length];
        let source = match services::module(request, &mut []) {
            // As the room is empty, so is a source that fits it.
            Ok(_) => &[][..],
            Err(services::NoReply::TooSmall(size)) => {
                let place = lua::push_block(state, size);
                match services::module(request, core::slice::from_raw_parts_mut(place, size)) {
                    Ok(answer) => answer.source,
                    Err(_) => lua::error(state, c"the host lost the source of a module"),
                }
            }
            Err(services::NoReply::Declined) => {
                ffi::lua_pushfstring(state, c"no module '%s' of the host".as_ptr(), name.as_ptr());
                return 1;
            }
        };
        ffi::lua_pushfstring(state, c"@%s".as_ptr(), name.as_ptr());
        let chunk = ffi::lua_tolstring(state, -1, core::ptr::null_mut());
        let source = (source.as_ptr().cast(), source.len());
        if ffi::luaL_loadbufferx(state, source.0, source.1, chunk, c"t".as_ptr()) != lua::OK {
            ffi::luaL_error(
                state,
                c"error loading module '%s':\n\t%s".as_ptr(),
                name.as_ptr(),
                ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
            );
            lua::raise(state);
        }
        ffi::lua_pushvalue(state, 1);
    }
    2
}
