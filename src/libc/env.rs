//! What a program asks of its surroundings, where there are none: no variables, no shell, one
//! locale.

use super::errno::{self, ENOSYS};
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

/// The value of an environment variable: there are none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn getenv(_name: *const c_char) -> *mut c_char {
    ptr::null_mut()
}

/// Runs a command: there is no shell, which a null command asks for.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn system(command: *const c_char) -> c_int {
    if command.is_null() {
        return 0;
    }
    errno::set(ENOSYS);
    -1
}

/// Ends the program, which here can only be a trap.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn abort() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    panic!("abort");
}

/// Ends the program: nothing that Lua keeps calls this, since a module cannot exit.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn exit(_status: c_int) -> ! {
    abort()
}

/// Selects or asks for a locale: `"C"` is the only one, under each of its names.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn setlocale(_category: c_int, locale: *const c_char) -> *mut c_char {
    let known = locale.is_null() || {
        // SAFETY: a locale that is not null is a string.
        let name = unsafe { CStr::from_ptr(locale) };
        matches!(name.to_bytes(), b"" | b"C" | b"POSIX")
    };
    if known { c"C".as_ptr().cast_mut() } else { ptr::null_mut() }
}

/// How the locale writes numbers: `struct lconv` of our `locale.h`.
#[repr(C)]
pub struct Lconv {
    decimal_point: &'static [u8; 2],
}

/// The conventions of the C locale.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn localeconv() -> *const Lconv {
    static C_LOCALE: Lconv = Lconv { decimal_point: b".\0" };
    &C_LOCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_locale_is_the_only_one() {
        for (name, known) in [(c"", true), (c"C", true), (c"POSIX", true), (c"de_DE.UTF-8", false)] {
            // SAFETY: the name is a string.
            let answer = unsafe { setlocale(6, name.as_ptr()) };
            assert_eq!(!answer.is_null(), known, "{name:?}");
        }
    }

    #[test]
    fn a_command_fails_and_a_shell_is_denied() {
        // SAFETY: null and a string are what system takes.
        let (shell, command) = unsafe { (system(ptr::null()), system(c"true".as_ptr())) };
        assert_eq!((shell, command), (0, -1));
    }
}
