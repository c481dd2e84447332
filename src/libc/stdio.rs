//! `stdio.h` on a system without files: standard input is at its end, standard output and standard
//! error are handed to the host, and every attempt to open, remove or rename a file fails with the
//! error that such a system gives.

use super::errno::{self, EBADF, ENOENT, EROFS, ESPIPE};
use super::format::{self, NextArgument};
use crate::call::output;
use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::{ptr, slice};

/// End of file, or an error.
const EOF: c_int = -1;

/// C's `FILE`: one of the three standard streams.
pub struct File {
    writable: bool,
    at_end: AtomicBool,
    failed: AtomicBool,
}

static STANDARD: [File; 3] = [File::new(false), File::new(true), File::new(true)];

/// Standard input.
#[allow(non_upper_case_globals, reason = "C's name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub static stdin: &File = &STANDARD[0];
/// Standard output.
#[allow(non_upper_case_globals, reason = "C's name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub static stdout: &File = &STANDARD[1];
/// Standard error.
#[allow(non_upper_case_globals, reason = "C's name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub static stderr: &File = &STANDARD[2];

impl File {
    const fn new(writable: bool) -> Self {
        Self { writable, at_end: AtomicBool::new(false), failed: AtomicBool::new(false) }
    }

    /// Writes all of `bytes`, or fails as a stream does that was opened for reading.
    fn write(&self, bytes: &[u8]) -> bool {
        if self.writable {
            output::write(bytes);
        } else {
            self.fail();
        }
        self.writable
    }

    /// Reads nothing: input is at its end, and output cannot be read.
    fn read(&self) {
        if self.writable {
            self.fail();
        } else {
            self.at_end.store(true, Relaxed);
        }
    }

    fn fail(&self) {
        self.failed.store(true, Relaxed);
        errno::set(EBADF);
    }
}

/// Why a file cannot be opened: one to read is not there, and none can be made.
fn refusal(mode: &CStr) -> c_int {
    if mode.to_bytes().starts_with(b"r") { ENOENT } else { EROFS }
}

/// Fails.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn fopen(_path: *const c_char, mode: *const c_char) -> *const File {
    // SAFETY: a mode is a string.
    errno::set(refusal(unsafe { CStr::from_ptr(mode) }));
    ptr::null()
}

/// Fails as `fopen` does.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn freopen(path: *const c_char, mode: *const c_char, _file: &File) -> *const File {
    // SAFETY: the same contract.
    unsafe { fopen(path, mode) }
}

/// Fails: no file can be made.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn tmpfile() -> *const File {
    errno::set(EROFS);
    ptr::null()
}

/// Fails: no name would be of use.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn tmpnam(_name: *mut c_char) -> *mut c_char {
    ptr::null_mut()
}

/// Fails: there is no such file.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn remove(_path: *const c_char) -> c_int {
    errno::set(ENOENT);
    -1
}

/// Fails: there is no such file.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn rename(_from: *const c_char, _to: *const c_char) -> c_int {
    errno::set(ENOENT);
    -1
}

/// Succeeds: nothing is buffered here.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn fclose(_file: &File) -> c_int {
    0
}

/// Hands what was written to the host, if it takes output as it comes. `None` is C's null, for all streams.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn fflush(_file: Option<&File>) -> c_int {
    output::flush();
    0
}

/// Succeeds: nothing is buffered here, whatever is asked.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn setvbuf(_file: &File, _buffer: *mut c_char, _mode: c_int, _size: usize) -> c_int {
    0
}

/// Fails: the standard streams have no position.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn fseek(_file: &File, _offset: c_long, _whence: c_int) -> c_int {
    errno::set(ESPIPE);
    -1
}

/// Fails: the standard streams have no position.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn ftell(_file: &File) -> c_long {
    errno::set(ESPIPE);
    -1
}

/// Forgets that a stream ended or failed.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn clearerr(file: &File) {
    file.at_end.store(false, Relaxed);
    file.failed.store(false, Relaxed);
}

/// Whether a read came to the end.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn feof(file: &File) -> c_int {
    file.at_end.load(Relaxed).into()
}

/// Whether a read or write failed.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn ferror(file: &File) -> c_int {
    file.failed.load(Relaxed).into()
}

/// Reads a byte: there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn getc(file: &File) -> c_int {
    file.read();
    EOF
}

/// Fails: no byte was ever read that could go back.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn ungetc(_c: c_int, _file: &File) -> c_int {
    EOF
}

/// Reads a line: there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn fgets(_line: *mut c_char, _size: c_int, file: &File) -> *mut c_char {
    file.read();
    ptr::null_mut()
}

/// Reads items: there are none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn fread(_items: *mut c_void, _size: usize, _count: usize, file: &File) -> usize {
    file.read();
    0
}

/// Writes a byte.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn fputc(c: c_int, file: &File) -> c_int {
    let byte = c as u8;
    if file.write(&[byte]) { byte.into() } else { EOF }
}

/// Writes a string without its end.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn fputs(text: *const c_char, file: &File) -> c_int {
    // SAFETY: the caller passes a string.
    let text = unsafe { CStr::from_ptr(text) };
    if file.write(text.to_bytes()) { 0 } else { EOF }
}

/// Writes `count` items of `size` bytes; returns how many were written.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn fwrite(items: *const c_void, size: usize, count: usize, file: &File) -> usize {
    let length = size.saturating_mul(count);
    if length == 0 {
        return 0;
    }
    // SAFETY: the caller vouches for `count` items of `size` bytes.
    let bytes = unsafe { slice::from_raw_parts(items.cast::<u8>(), length) };
    if file.write(bytes) { count } else { 0 }
}

/// Formats onto a stream: `fprintf`, behind its variable arguments. Returns the number of bytes, or
/// -1.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn format_to_stream(
    file: &File,
    format: *const c_char,
    arguments: *mut c_void,
    next: NextArgument,
) -> c_int {
    // SAFETY: the caller passes a string as the format.
    let format = unsafe { CStr::from_ptr(format) }.to_bytes();
    let mut written = true;
    let length = format::format(
        &mut |bytes| written &= file.write(bytes),
        format,
        // SAFETY: `next` draws on `arguments`, and the caller vouches that they are what the format
        // asks for.
        &mut |kind| unsafe { next(arguments, kind as c_int) },
    );
    if written { length as c_int } else { -1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_at_its_end_until_cleared() {
        let input = File::new(false);
        assert_eq!((getc(&input), feof(&input), ferror(&input)), (EOF, 1, 0));
        clearerr(&input);
        assert_eq!(feof(&input), 0);
    }

    #[test]
    fn a_stream_refuses_the_direction_it_was_not_opened_for() {
        let (input, output) = (File::new(false), File::new(true));
        assert_eq!((fputc(65, &input), ferror(&input)), (EOF, 1));
        assert_eq!((getc(&output), ferror(&output), feof(&output)), (EOF, 1, 0));
    }

    #[test]
    fn no_file_can_be_read_or_made() {
        for (mode, number) in [(c"r", ENOENT), (c"rb", ENOENT), (c"w", EROFS), (c"a+", EROFS)] {
            // SAFETY: both are strings.
            let file = unsafe { fopen(c"x".as_ptr(), mode.as_ptr()) };
            assert!(file.is_null());
            assert_eq!(refusal(mode), number, "{mode:?}");
        }
    }
}
