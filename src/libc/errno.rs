//! `errno`, and the error numbers that this library sets: Linux's values, since Lua hands them to
//! scripts.

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::{AtomicI32, Ordering};

/// No such file or directory.
pub const ENOENT: c_int = 2;
/// Bad file descriptor.
pub const EBADF: c_int = 9;
/// Illegal seek.
pub const ESPIPE: c_int = 29;
/// Read-only file system.
pub const EROFS: c_int = 30;
/// Function not implemented.
pub const ENOSYS: c_int = 38;
/// Value too large for defined data type.
pub const EOVERFLOW: c_int = 75;

/// C's `errno`. An atomic is laid out as the `int` that C sees.
#[allow(non_upper_case_globals, reason = "C's name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub static errno: AtomicI32 = AtomicI32::new(0);

/// Records `number` as the last error.
pub fn set(number: c_int) {
    errno.store(number, Ordering::Relaxed);
}

fn message(number: c_int) -> &'static CStr {
    match number {
        0 => c"Success",
        ENOENT => c"No such file or directory",
        EBADF => c"Bad file descriptor",
        ESPIPE => c"Illegal seek",
        EROFS => c"Read-only file system",
        ENOSYS => c"Function not implemented",
        EOVERFLOW => c"Value too large for defined data type",
        _ => c"Unknown error",
    }
}

/// The text of an error number.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn strerror(number: c_int) -> *mut c_char {
    message(number).as_ptr().cast_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    mod system {
        unsafe extern "C" {
            pub fn strerror(number: core::ffi::c_int) -> *mut core::ffi::c_char;
        }
    }

    #[test]
    fn messages_are_those_of_linux() {
        for number in [0, ENOENT, EBADF, ESPIPE, EROFS, ENOSYS, EOVERFLOW] {
            // SAFETY: strerror answers a string for every number.
            let expected = unsafe { CStr::from_ptr(system::strerror(number)) };
            assert_eq!(message(number), expected);
        }
    }
}
