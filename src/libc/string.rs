//! `string.h`: the searches and comparisons that `compiler_builtins` does not bring.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::{ptr, slice};

/// The bytes of a C string, without its end.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: the caller passes a string.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// A pointer into `text` at the place found, or null.
fn found(text: *const c_char, at: Option<usize>) -> *mut c_char {
    at.map_or(ptr::null_mut(), |index| text.cast_mut().wrapping_add(index))
}

/// Where `byte` first stands. Looks at eight bytes at a time: Lua searches long subjects with it.
fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let wanted = u64::from(byte) * ONES;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let differing = u64::from_le_bytes(*word) ^ wanted;
        let equal = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        if equal != 0 {
            return Some(index * 8 + equal.trailing_zeros() as usize / 8);
        }
    }
    let skipped = words.len() * 8;
    rest.iter().position(|b| *b == byte).map(|index| skipped + index)
}

/// The first `c` among `size` bytes, or null.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn memchr(block: *const c_void, c: c_int, size: usize) -> *mut c_void {
    if size == 0 {
        return ptr::null_mut();
    }
    // SAFETY: the caller vouches for `size` bytes at `block`.
    let bytes = unsafe { slice::from_raw_parts(block.cast::<u8>(), size) };
    found(block.cast(), position(bytes, c as u8)).cast()
}

/// The first `c` in a string, its end included, or null.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strchr(text: *const c_char, c: c_int) -> *mut c_char {
    // Nothing behind the place is looked at: callers search the rest of a long string again and again.
    let mut index = 0;
    loop {
        // SAFETY: the caller passes a string, without an end up to `index`.
        let byte = unsafe { *text.cast::<u8>().add(index) };
        if byte == c as u8 {
            return found(text, Some(index));
        }
        if byte == 0 {
            return ptr::null_mut();
        }
        index += 1;
    }
}

/// The first byte of a string that is one of `set`, or null.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strpbrk(text: *const c_char, set: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes two strings.
    let set = unsafe { bytes(set) };
    let mut index = 0;
    loop {
        // SAFETY: as in `strchr`.
        let byte = unsafe { *text.cast::<u8>().add(index) };
        if byte == 0 {
            return ptr::null_mut();
        }
        if set.contains(&byte) {
            return found(text, Some(index));
        }
        index += 1;
    }
}

/// How many bytes at the start of a string are of `set`.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strspn(text: *const c_char, set: *const c_char) -> usize {
    // SAFETY: the caller passes two strings.
    let (bytes, set) = unsafe { (bytes(text), bytes(set)) };
    bytes.iter().take_while(|byte| set.contains(byte)).count()
}

/// The first place in a string where `part` stands, or null.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strstr(text: *const c_char, part: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes a string.
    let Some((first, rest)) = unsafe { bytes(part) }.split_first() else {
        return text.cast_mut();
    };
    let mut start = text;
    loop {
        // SAFETY: `start` is in the string, and `strncmp` stops at its end.
        unsafe {
            start = strchr(start, c_int::from(*first));
            if start.is_null() {
                return ptr::null_mut();
            }
            if strncmp(start.add(1), part.add(1), rest.len()) == 0 {
                return start.cast_mut();
            }
            start = start.add(1);
        }
    }
}

/// Orders two strings by their bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strcmp(a: *const c_char, b: *const c_char) -> c_int {
    let mut index = 0;
    loop {
        // SAFETY: the caller passes two strings; both are equal and without an end up to `index`,
        // so it is inside.
        let (left, right) = unsafe { (*a.cast::<u8>().add(index), *b.cast::<u8>().add(index)) };
        if left != right || left == 0 {
            return c_int::from(left) - c_int::from(right);
        }
        index += 1;
    }
}

/// Orders two strings as the locale does: in the C locale, by their bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strcoll(a: *const c_char, b: *const c_char) -> c_int {
    // SAFETY: the caller passes two strings.
    unsafe { strcmp(a, b) }
}

/// Orders two strings by their first `size` bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strncmp(a: *const c_char, b: *const c_char, size: usize) -> c_int {
    for index in 0..size {
        // SAFETY: as in strcmp, and within the `size` bytes that the caller vouches for.
        let (left, right) = unsafe { (*a.cast::<u8>().add(index), *b.cast::<u8>().add(index)) };
        if left != right || left == 0 {
            return c_int::from(left) - c_int::from(right);
        }
    }
    0
}

/// Copies a string with its end.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strcpy(to: *mut c_char, from: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes a string and room for it elsewhere.
    unsafe {
        let bytes = CStr::from_ptr(from).to_bytes_with_nul();
        ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast::<u8>(), bytes.len());
    }
    to
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;
    use std::vec::Vec;

    mod system {
        use core::ffi::{c_char, c_int, c_void};
        unsafe extern "C" {
            pub fn memchr(block: *const c_void, c: c_int, size: usize) -> *mut c_void;
            pub fn strchr(text: *const c_char, c: c_int) -> *mut c_char;
            pub fn strpbrk(text: *const c_char, set: *const c_char) -> *mut c_char;
            pub fn strspn(text: *const c_char, set: *const c_char) -> usize;
            pub fn strstr(text: *const c_char, part: *const c_char) -> *mut c_char;
            pub fn strcmp(a: *const c_char, b: *const c_char) -> c_int;
            pub fn strncmp(a: *const c_char, b: *const c_char, size: usize) -> c_int;
        }
    }

    /// A string of a few different bytes, so that searches hit, miss and nearly hit.
    fn text(random: &mut Random, longest: u64) -> Vec<u8> {
        let letters = *random.pick(&[[b'a', b'b', 0x80], [0xff, b'a', 1]]);
        let length = random.below(longest + 1);
        let mut text: Vec<u8> = (0..length).map(|_| *random.pick(&letters)).collect();
        text.push(0);
        text
    }

    #[test]
    fn searches_and_comparisons_agree_with_the_systems() {
        let mut random = Random::new(1);
        for _ in 0..50_000 {
            let (a, b) = (text(&mut random, 40), text(&mut random, 3));
            let (p, q) = (a.as_ptr().cast::<c_char>(), b.as_ptr().cast::<c_char>());
            let c = c_int::from(*random.pick(&[0, b'a', b'b', b'c', 0x80, 0xff]));
            let size = random.below(6) as usize;
            // SAFETY: `a` and `b` are strings, and the sizes are theirs or stop at their ends.
            unsafe {
                assert_eq!(memchr(p.cast(), c, a.len()), system::memchr(p.cast(), c, a.len()), "{a:?} {c}");
                assert_eq!(strchr(p, c), system::strchr(p, c), "{a:?} {c}");
                assert_eq!(strpbrk(p, q), system::strpbrk(p, q), "{a:?} {b:?}");
                assert_eq!(strspn(p, q), system::strspn(p, q), "{a:?} {b:?}");
                assert_eq!(strstr(p, q), system::strstr(p, q), "{a:?} {b:?}");
                assert_eq!(strcmp(p, q).signum(), system::strcmp(p, q).signum(), "{a:?} {b:?}");
                assert_eq!(strncmp(p, q, size).signum(), system::strncmp(p, q, size).signum(), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn strcpy_copies_the_end_and_nothing_after_it() {
        let mut room = [9; 6];
        // SAFETY: five bytes fit into six.
        unsafe { strcpy(room.as_mut_ptr(), c"abcd".as_ptr()) };
        assert_eq!(room, [97, 98, 99, 100, 0, 9]);
    }
}
