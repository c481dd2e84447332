//! The test vectors that any host can use, `web/abi/*.json`, on the guest as it is built for the host.

use std::collections::BTreeMap;

use crate::common::Machine;
use lua_persistent::call::outcome;
use lua_persistent::ext::host_api;
use lua_persistent::ranges::Bytes;
use lua_persistent::{abi, native_host};

/// The vectors of a file: each stands on a line of its own, an object of texts and lists of texts.
fn vectors(file: &str) -> Vec<BTreeMap<String, String>> {
    let lines = file.lines().filter(|line| line.starts_with("    {"));
    let vectors: Vec<_> = lines.map(members).collect();
    assert!(vectors.len() > 30, "{} vectors", vectors.len());
    vectors
}

/// The members of an object; of a list, the texts with a space between two.
fn members(line: &str) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    let (mut key, mut in_list, mut list): (Option<String>, bool, Vec<String>) = (None, false, Vec::new());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let text = text(&mut chars);
                match &key {
                    _ if in_list => list.push(text),
                    Some(_) => drop(members.insert(key.take().unwrap_or_default(), text)),
                    None => key = Some(text),
                }
            }
            '[' => in_list = true,
            ']' => {
                in_list = false;
                members.insert(key.take().expect("a list has a key"), std::mem::take(&mut list).join(" "));
            }
            _ => {}
        }
    }
    members
}

/// The rest of a text behind its quotation mark.
fn text(chars: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    loop {
        match chars.next().expect("a text ends") {
            '"' => return text,
            '\\' => text.push(match chars.next().expect("an escape ends") {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).expect("four digits")).expect("a character")
                }
                other => other,
            }),
            other => text.push(other),
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn set(m: &Machine, key: &[u8], value: &[u8]) -> (i32, i32) {
    (host_api::set(m.home(), Bytes::of(key), Bytes::of(value)), outcome::status())
}

#[test]
fn each_key_has_its_form_and_what_is_none_is_refused() {
    let m = Machine::new();
    for vector in vectors(include_str!("../../web/abi/keys.json")) {
        m.reset();
        let form = &vector["form"];
        let Some(lua) = vector.get("lua") else {
            let refused = (-1, abi::STATUS_BAD_ARGUMENT);
            assert_eq!(set(&m, form.as_bytes(), &[abi::TAG_BOOLEAN, 1]), refused, "{form:?}");
            continue;
        };
        m.ok(&format!("_home[{lua}] = true"));
        assert_eq!(native_host::snapshot()[&m.home()], [(form.clone().into_bytes(), vec![1, 1])], "{lua}");
        assert_eq!(set(&m, form.as_bytes(), &[abi::TAG_BOOLEAN, 0]), (0, abi::STATUS_OK), "{form:?}");
        assert_eq!(m.ok(&format!("return _home[{lua}]")), "false", "{lua}");
    }
}

#[test]
fn each_value_of_an_entry_has_its_bytes_and_others_are_refused() {
    let m = Machine::new();
    for vector in vectors(include_str!("../../web/abi/values.json")) {
        m.reset();
        let (bytes, places) = (hex(&vector["bytes"]), &vector["where"]);
        let is_entry = places.split(' ').any(|place| place == "entry");
        match vector.get("lua") {
            Some(lua) if is_entry => {
                m.ok(&format!("_home.x = {lua}"));
                let mut stored = native_host::snapshot()[&m.home()].clone();
                if vector.contains_key("case") {
                    // A new value is numbered after those of the vectors before: only a new process counts from 3.
                    let id = stored[0].1.len() - 4;
                    stored[0].1[id..].copy_from_slice(&bytes[id..]);
                }
                assert_eq!(stored, [(b"x".to_vec(), bytes.clone())], "{lua}");
                assert_eq!(set(&m, b"x", &bytes), (0, abi::STATUS_OK), "{lua}");
            }
            None if is_entry => {
                assert_eq!(set(&m, b"x", &bytes), (-1, abi::STATUS_BAD_ARGUMENT), "{}", vector["case"]);
                let home = (m.home(), vec![(b"x".to_vec(), bytes)]);
                native_host::restore([home].into());
                let error = m.error("return _home.x");
                assert!(error.contains("has a damaged entry 'x'"), "{}: {error}", vector["case"]);
                assert!(m.run("for _ in pairs(_home) do end").is_err(), "{}", vector["case"]);
                assert_eq!(m.ok("_home.x = 1 return _home.x"), "1", "an assignment mends it");
            }
            _ => {}
        }
    }
}
