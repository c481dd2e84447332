//! Forms of keys: each is text that any host can hold, each comes back as the key that it was made of,
//! and nothing else is taken for one.

use std::collections::BTreeMap;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::call::frame;
use crate::libc::testing::Random;
use crate::{machine, native_host};

/// A key, for comparing: floats by their bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Boolean(bool),
    Integer(i64),
    Float(u64),
    String(Vec<u8>),
}

impl Key {
    fn float(n: f64) -> Self {
        as_integer(n).map_or(Self::Float(n.to_bits()), Self::Integer)
    }

    unsafe fn push(&self, state: *mut State) {
        // SAFETY: as for the caller, who is inside a protected call.
        unsafe {
            match self {
                Self::Boolean(b) => ffi::lua_pushboolean(state, c_int::from(*b)),
                Self::Integer(n) => ffi::lua_pushinteger(state, *n),
                Self::Float(bits) => ffi::lua_pushnumber(state, f64::from_bits(*bits)),
                Self::String(bytes) => lua::push_bytes(state, bytes),
            }
        }
    }

    unsafe fn at_top(state: *mut State) -> Self {
        // SAFETY: as for the caller, who has pushed a key.
        unsafe {
            match ffi::lua_type(state, -1) {
                kind::BOOLEAN => Self::Boolean(ffi::lua_toboolean(state, -1) != 0),
                kind::STRING => Self::String(lua::bytes(state, -1).to_vec()),
                _ if ffi::lua_isinteger(state, -1) != 0 => {
                    Self::Integer(ffi::lua_tointegerx(state, -1, core::ptr::null_mut()))
                }
                _ => Self::Float(ffi::lua_tonumberx(state, -1, core::ptr::null_mut()).to_bits()),
            }
        }
    }
}

/// Forms of keys and back, on the one machine.
struct Forms {
    state: *mut State,
    _guard: std::sync::MutexGuard<'static, ()>,
}

impl Forms {
    fn new() -> Self {
        let guard = native_host::exclusive();
        assert!(machine::start());
        Self { state: frame::state().expect("the machine was started"), _guard: guard }
    }

    /// The form of a key, which has to be one.
    fn of(&self, key: &Key) -> Vec<u8> {
        // SAFETY: the state is live and between calls. What is pushed fits its memory, so that no error
        // is raised outside of a protected call.
        unsafe {
            key.push(self.state);
            assert_eq!(check(self.state, -1), Ok(()), "{key:?}");
            let mut place = vec![0; room(lua::bytes(self.state, -1).len())];
            let form = encode(self.state, -1, &mut place).to_vec();
            let mut place = Place::default();
            assert_eq!(place.encode(self.state, 1), form, "{key:?}");
            ffi::lua_settop(self.state, 0);
            form
        }
    }

    /// The key that has a form, if one has.
    fn read(&self, form: &[u8]) -> Option<Key> {
        // SAFETY: as for `of`.
        unsafe {
            let pushed = push(self.state, form);
            assert_eq!(ffi::lua_gettop(self.state), c_int::from(pushed), "{}", form.escape_ascii());
            let key = pushed.then(|| Key::at_top(self.state));
            ffi::lua_settop(self.state, 0);
            key
        }
    }

    fn refusal(&self, length: usize) -> Option<Refusal> {
        // SAFETY: as for `of`.
        unsafe {
            lua::push_bytes(self.state, &vec![b'x'; length]);
            let refusal = check(self.state, -1).err();
            ffi::lua_settop(self.state, 0);
            refusal
        }
    }
}

impl Drop for Forms {
    fn drop(&mut self) {
        machine::stop();
    }
}

/// Strings of the kinds that need care, and ordinary ones.
fn string(random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 22] = [
        b"a",
        b"key",
        b"[",
        b"]",
        b"\"",
        b"\\",
        b"\\x41",
        b"\n",
        b"\r",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xFF",
        b"\xC3",
        "é".as_bytes(),
        "漢".as_bytes(),
        "🦀".as_bytes(),
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"[meta]",
        b"[5]",
        b" ",
        b"1",
    ];
    let pieces = match random.below(20) {
        0 => 2000,
        1 => 0,
        n => n as usize / 3,
    };
    let mut bytes = Vec::new();
    for _ in 0..pieces {
        if random.below(8) == 0 {
            bytes.push(random.bits() as u8);
        } else {
            let piece: &&[u8] = random.pick(&PIECES);
            bytes.extend_from_slice(piece);
        }
    }
    bytes.truncate(LIMIT);
    bytes
}

fn any_key(random: &mut Random) -> Key {
    match random.below(5) {
        0 => Key::Integer(match random.below(4) {
            0 => random.bits() as i64,
            1 => random.below(200) as i64 - 100,
            2 => 1 << random.below(63),
            _ => *random.pick(&[i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, (1 << 53) + 1]),
        }),
        1 => match random.double() {
            n if n.is_nan() => Key::Boolean(random.below(2) == 0),
            n => Key::float(n),
        },
        _ => Key::String(string(random)),
    }
}

fn is_text(form: &[u8]) -> bool {
    !form.is_empty() && core::str::from_utf8(form).is_ok() && !form.iter().any(|b| matches!(b, b'\n' | b'\r' | 0))
}

#[test]
fn every_key_has_a_form_of_its_own_that_is_text_and_comes_back() {
    let forms = Forms::new();
    let random = &mut Random::new(1);
    let mut keys_by_form: BTreeMap<Vec<u8>, Key> = BTreeMap::new();
    for _ in 0..30_000 {
        let key = any_key(random);
        let form = forms.of(&key);
        assert!(is_text(&form), "{key:?} has the form {}", form.escape_ascii());
        assert_eq!(forms.read(&form).as_ref(), Some(&key), "{}", form.escape_ascii());
        assert_ne!(form, METATABLE);
        let first = keys_by_form.entry(form).or_insert_with(|| key.clone());
        assert_eq!(*first, key, "one form for two keys");
    }
}

#[test]
fn all_strings_of_one_or_two_bytes_come_back() {
    let forms = Forms::new();
    let mut seen = BTreeMap::new();
    for n in 0..=0xFFFF_u16 {
        for bytes in [&n.to_be_bytes()[..], &n.to_be_bytes()[1..]] {
            let key = Key::String(bytes.to_vec());
            let form = forms.of(&key);
            assert!(is_text(&form), "{key:?}");
            assert_eq!(forms.read(&form).as_ref(), Some(&key));
            assert_eq!(*seen.entry(form).or_insert_with(|| key.clone()), key);
        }
    }
}

#[test]
fn forms_are_those_that_hosts_are_promised() {
    let forms = Forms::new();
    let string = |s: &str| Key::String(s.into());
    for (key, form) in [
        (string("name"), "name"),
        (string("größe 漢 🦀"), "größe 漢 🦀"),
        (string("a]b\"c\\d"), "a]b\"c\\d"),
        (string(""), r#"[""]"#),
        (string("[x]"), r#"["[x]"]"#),
        (string("[\\\"]"), r#"["[\\"]"]"#),
        (string("\u{FEFF}x"), "[\"\u{FEFF}x\"]"),
        (string("a\nb"), r#"["a\x0Ab"]"#),
        (string("\0"), r#"["\x00"]"#),
        (Key::String(vec![0xFF, b'a']), r#"["\xFFa"]"#),
        (Key::Integer(5), "[5]"),
        (Key::Integer(-5), "[-5]"),
        (Key::Integer(i64::MIN), "[-9223372036854775808]"),
        (Key::float(1.5), "[1.5]"),
        (Key::float(-0.0), "[0]"),
        (Key::float(0.1), "[0.1]"),
        (Key::float(1e300), "[1e300]"),
        (Key::float(2f64.powi(63)), "[9.223372036854776e18]"),
        (Key::float(5e-324), "[4.94065645841247e-324]"),
        (Key::float(f64::MAX), "[1.7976931348623157e308]"),
        (Key::float(f64::INFINITY), "[inf]"),
        (Key::float(f64::NEG_INFINITY), "[-inf]"),
        (Key::Boolean(true), "[true]"),
        (Key::Boolean(false), "[false]"),
    ] {
        let made = forms.of(&key);
        assert_eq!(forms.read(&made), Some(key));
        assert_eq!(String::from_utf8_lossy(&made), form);
    }
}

#[test]
fn a_string_of_the_longest_length_has_a_form_and_a_longer_one_is_refused() {
    let forms = Forms::new();
    for byte in [b'x', b'\n', 0xFF] {
        let key = Key::String(vec![byte; LIMIT]);
        assert_eq!(forms.read(&forms.of(&key)), Some(key));
    }
    assert_eq!(forms.refusal(LIMIT), None);
    assert_eq!(forms.refusal(LIMIT + 1), Some(Refusal::TooLong(LIMIT + 1)));
    for form in [vec![b'x'; LIMIT + 1], [b"[\"", &b"\\xFF".repeat(LIMIT + 1)[..], b"\"]"].concat()] {
        assert_eq!(forms.read(&form), None, "the form of a key of {} bytes", LIMIT + 1);
    }
}

#[test]
fn what_no_key_has_as_its_form_is_refused() {
    let forms = Forms::new();
    for form in [
        "",
        "[",
        "[]",
        "[\"",
        "[\"]",
        "[\"\"",
        "[meta]",
        "[nil]",
        "[nan]",
        "[-nan]",
        "[NaN]",
        "[inf",
        "[+inf]",
        "[Inf]",
        "[infinity]",
        "[1.0]",
        "[1.50]",
        "[.5]",
        "[5.]",
        "[+5]",
        "[05]",
        "[-0]",
        "[-0.0]",
        "[ 5]",
        "[5 ]",
        "[0x10]",
        "[0x1p4]",
        "[1e5]",
        "[1E300]",
        "[1e+300]",
        "[1e999]",
        "[9223372036854775808]",
        "[1e0300]",
        "[TRUE]",
        "[true ]",
        "[5]x",
        "a\nb",
        "a\rb",
        "a\0",
        "\u{FEFF}",
        "[\"a\"]",
        "[\"\\x41\"]",
        "[\"\\x0a\"]",
        "[\"\\xC3\\xA9\"]",
        "[\"\\n\"]",
        "[\"[\\x0\"]",
        "[\"[\\xZZ\"]",
        "[\"[\\\"]",
        "[\"\n\"]",
        "[\"[\n\"]",
    ] {
        assert_eq!(forms.read(form.as_bytes()), None, "{form:?}");
    }
    assert_eq!(forms.read(b"\xFF"), None);
    assert_eq!(forms.read(b"[\"\xFF\"]"), None);
}

/// Whatever a host gives: it is refused, or it is just the form of the key that it is taken for.
#[test]
fn arbitrary_bytes_are_refused_or_are_the_form_of_the_key_they_give() {
    let forms = Forms::new();
    let random = &mut Random::new(2);
    let mut accepted = 0;
    for _ in 0..60_000 {
        let form = match random.below(3) {
            // A real form with a byte changed, taken out or put in.
            0 => {
                let mut form = forms.of(&any_key(random));
                let at = random.below(form.len() as u64) as usize;
                match random.below(3) {
                    0 => form[at] = random.bits() as u8,
                    1 => drop(form.remove(at)),
                    _ => form.insert(at, *random.pick(b"[]\"\\x0A\n1.e-")),
                }
                form
            }
            1 => [b"[", &*string(random), b"]"].concat(),
            _ => {
                let inner: Vec<u8> =
                    (0..random.below(8)).map(|_| *random.pick(b"0123456789.e-+infatrulsx\"\\ ")).collect();
                [b"[", &*inner, b"]"].concat()
            }
        };
        if let Some(key) = forms.read(&form) {
            accepted += 1;
            assert_eq!(
                forms.of(&key).escape_ascii().collect::<Vec<_>>(),
                form.escape_ascii().collect::<Vec<_>>(),
                "{key:?}"
            );
        }
    }
    assert!(accepted > 5_000, "{accepted}");
}

#[test]
fn the_room_for_a_form_suffices_and_not_a_byte_more_is_written() {
    let forms = Forms::new();
    let random = &mut Random::new(3);
    for _ in 0..5_000 {
        let key = any_key(random);
        // SAFETY: as for `Forms::of`.
        unsafe {
            key.push(forms.state);
            let room = room(lua::bytes(forms.state, -1).len());
            let mut place = vec![0xA5; room + 8];
            let form = encode(forms.state, -1, &mut place[..room]).to_vec();
            assert!(place[room..].iter().all(|b| *b == 0xA5));
            assert_eq!(forms.of(&key), form, "{key:?}");
            ffi::lua_settop(forms.state, 0);
        }
    }
}
