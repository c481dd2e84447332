//! `ctype.h` in the C locale: ASCII, with every byte above 127 in no class.

use core::ffi::c_int;

fn is(c: c_int, class: impl Fn(&u8) -> bool) -> c_int {
    u8::try_from(c).is_ok_and(|byte| class(&byte)).into()
}

/// Whether a byte is one that C skips as white space: Rust's set lacks the vertical tab.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident: $class:expr;)*) => {$(
        $(#[$doc])*
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        pub extern "C" fn $name(c: c_int) -> c_int {
            is(c, $class)
        }
    )*};
}

classes! {
    /// Letters and digits.
    isalnum: u8::is_ascii_alphanumeric;
    /// Letters.
    isalpha: u8::is_ascii_alphabetic;
    /// Control characters.
    iscntrl: u8::is_ascii_control;
    /// Decimal digits.
    isdigit: u8::is_ascii_digit;
    /// Visible characters.
    isgraph: u8::is_ascii_graphic;
    /// Small letters.
    islower: u8::is_ascii_lowercase;
    /// Visible characters and the space.
    isprint: |byte| byte.is_ascii_graphic() || *byte == b' ';
    /// Visible characters that are neither letters nor digits.
    ispunct: u8::is_ascii_punctuation;
    /// White space.
    isspace: |byte| is_space(*byte);
    /// Capital letters.
    isupper: u8::is_ascii_uppercase;
    /// Hexadecimal digits.
    isxdigit: u8::is_ascii_hexdigit;
}

/// The small letter of a capital one; anything else unchanged.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn tolower(c: c_int) -> c_int {
    if isupper(c) != 0 { c | 0x20 } else { c }
}

/// The capital letter of a small one; anything else unchanged.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn toupper(c: c_int) -> c_int {
    if islower(c) != 0 { c & !0x20 } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod system {
        use core::ffi::c_int;
        unsafe extern "C" {
            pub safe fn isalnum(c: c_int) -> c_int;
            pub safe fn isalpha(c: c_int) -> c_int;
            pub safe fn iscntrl(c: c_int) -> c_int;
            pub safe fn isdigit(c: c_int) -> c_int;
            pub safe fn isgraph(c: c_int) -> c_int;
            pub safe fn islower(c: c_int) -> c_int;
            pub safe fn isprint(c: c_int) -> c_int;
            pub safe fn ispunct(c: c_int) -> c_int;
            pub safe fn isspace(c: c_int) -> c_int;
            pub safe fn isupper(c: c_int) -> c_int;
            pub safe fn isxdigit(c: c_int) -> c_int;
            pub safe fn tolower(c: c_int) -> c_int;
            pub safe fn toupper(c: c_int) -> c_int;
        }
    }

    #[test]
    fn classes_and_cases_are_those_of_the_c_locale() {
        for c in -1..256 {
            macro_rules! agree {
                ($($name:ident)*) => {$(
                    assert_eq!($name(c) != 0, system::$name(c) != 0, "{}({c})", stringify!($name));
                )*};
            }
            agree!(isalnum isalpha iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit);
            assert_eq!(tolower(c), system::tolower(c));
            assert_eq!(toupper(c), system::toupper(c));
        }
    }
}
