//! The module and this crate, compared with the test vectors for all hosts (`web/abi/`).

use lua_persistent::generated as abi;
use lua_persistent::{Error, Function, Lua, MemoryStore, Options, Store, Table, Value, key_form, key_of_form};
use serde_json::Value as Json;

use crate::call;
use crate::documented::{Instance, assert_has, plain, string};
use crate::support::engine;

/// The test vectors of a file.
pub fn vectors(name: &str) -> Json {
    let text = match name {
        "keys" => include_str!("../../../../web/abi/keys.json"),
        "results" => include_str!("../../../../web/abi/results.json"),
        "services" => include_str!("../../../../web/abi/services.json"),
        "values" => include_str!("../../../../web/abi/values.json"),
        other => panic!("there are no vectors of {other}"),
    };
    serde_json::from_str(text).unwrap()
}

/// A list of vectors, which has some.
pub fn list<'j>(json: &'j Json, name: &str) -> &'j Vec<Json> {
    let list = json[name].as_array().unwrap();
    assert!(!list.is_empty(), "{name}");
    list
}

fn text<'j>(json: &'j Json, name: &str) -> Option<&'j str> {
    json[name].as_str()
}

fn bytes(json: &Json) -> Vec<u8> {
    from_hex(text(json, "bytes").unwrap())
}

/// The bytes that a text of hexadecimal digits stands for.
pub fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn stands(json: &Json, place: &str) -> bool {
    list(json, "where").iter().any(|at| at.as_str() == Some(place))
}

/// What tells a vector from the others.
fn title(json: &Json) -> String {
    [text(json, "tag"), text(json, "case"), text(json, "lua")].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// Sets an entry of `_home` by the export; the answer and the status.
fn set_entry(instance: &mut Instance, key: &str, value: &[u8]) -> (i32, i32) {
    let (at, length) = instance.write(key);
    instance.put(at + length, value);
    let answer = call!(instance.ext_table_set(1, at, length, at + length, value.len() as u32));
    (answer, instance.status())
}

const TAKEN: (i32, i32) = (0, abi::STATUS_OK);
const REFUSED: (i32, i32) = (-1, abi::STATUS_BAD_ARGUMENT);

#[test]
fn a_key_has_in_the_module_the_form_that_its_vector_gives_and_is_found_by_it() {
    for vector in list(&vectors("keys"), "keys") {
        let (lua, form) = (text(vector, "lua").unwrap(), text(vector, "form").unwrap());
        let mut instance = plain();
        assert_eq!(instance.compute(format!("_home[{lua}] = 'from Lua'")).error, None, "{lua}");
        assert_eq!(instance.table(1).keys, [form], "{lua}");
        let seven = [&[abi::TAG_INTEGER][..], &7i64.to_le_bytes()].concat();
        assert_eq!(set_entry(&mut instance, form, &seven), TAKEN, "{form}");
        let code = format!(
            "local k, v = next(_home) return _home[{lua}] == 7 and v == 7 and rawequal(k, {lua}) \
             and (math.type(k) == math.type({lua}) or math.tointeger(k) ~= nil)"
        );
        assert_eq!(instance.compute(code).value(), Value::Boolean(true), "{lua}");
    }
}

#[test]
fn rust_has_the_same_form_for_the_key_and_the_same_key_for_the_form() {
    let mut lua = engine().create(Options::new()).unwrap();
    for vector in list(&vectors("keys"), "keys") {
        let (expression, form) = (text(vector, "lua").unwrap(), text(vector, "form").unwrap());
        let value = lua.compute(format!("return {expression}")).unwrap().value();
        assert_eq!(key_form(&value).unwrap(), form, "{expression}");
        assert_eq!(key_form(&key_of_form(form).unwrap()).unwrap(), form, "{expression}");
    }
}

#[test]
fn a_text_that_is_no_form_of_a_key_is_refused_by_the_exports_and_by_rust() {
    let mut instance = plain();
    for vector in list(&vectors("keys"), "refused") {
        let form = text(vector, "form").unwrap();
        assert_eq!(set_entry(&mut instance, form, &[0x01, 1]), REFUSED, "{form:?}");
        assert!(key_of_form(form).is_err(), "{form:?}");
        if form == "[meta]" {
            continue;
        }
        let (at, length) = instance.write(form);
        assert_eq!(call!(instance.ext_table_get(1, at, length, at + 100, 100)), -1);
        assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT, "{form:?}");
    }
    assert!(!instance.store.data().tables.contains_key(&1), "nothing was stored");
}

#[test]
fn a_text_that_is_no_form_stored_by_a_host_is_an_error_of_pairs_and_next_that_says_what_it_should_be() {
    for vector in list(&vectors("keys"), "refused") {
        let form = text(vector, "form").unwrap();
        // What stands in a list of keys is never empty and has no line feed.
        if form.is_empty() || form == "[meta]" || form.contains('\n') {
            continue;
        }
        let mut instance = plain();
        instance.table(1).set(form, [0x01, 1]);
        let reply = instance.compute("for _ in pairs(_home) do end");
        assert_has(reply.error(), "external table 1 has a damaged entry '");
        let end = text(vector, "right")
            .map_or("no key is written so".into(), |right| format!("this key is written '{right}'"));
        assert!(reply.error().ends_with(&end), "{} for {end}", reply.error());
        assert!(instance.compute("next(_home)").error.is_some());
        assert_eq!(instance.compute("return ext.size(_home)").value(), Value::Integer(1));
        let (at, length) = instance.write(form);
        assert_eq!(call!(instance.ext_table_delete(1, at, length)), 0);
        assert_eq!(instance.compute("return next(_home)").value(), Value::Nil, "it can be deleted");
    }
}

/// Lua code that compares the global `f` with the value of an expression: numbers with their types, tables by what is in them.
fn compare(expression: &str) -> String {
    format!(
        "local a, b = f, {expression} f = nil
        local function equal(a, b)
          if type(a) ~= 'table' or ext.id(a) or a == b then
            return rawequal(a, b) and math.type(a) == math.type(b) and (a ~= 0 or 1 / a == 1 / b)
          end
          for k, v in pairs(a) do if v ~= a and not equal(v, b[k]) then return false end end
          for k in pairs(b) do if a[k] == nil then return false end end
          return true
        end
        return equal(a, b)"
    )
}

/// Each vector that may stand in a place, with the Lua expression of its value, if it has one.
fn each(place: &str, mut check: impl FnMut(&Json, &str, Vec<u8>, Option<&str>)) {
    let mut count = 0;
    for vector in list(&vectors("values"), "values").iter().filter(|vector| stands(vector, place)) {
        count += 1;
        check(vector, &title(vector), bytes(vector), text(vector, "lua"));
    }
    assert!(count > 20, "{count} vectors stand as {place}");
}

/// Whether the expression gives the same value each time.
fn is_same(vector: &Json) -> bool {
    vector["case"].is_null()
}

#[test]
fn as_a_result() {
    each("result", |_, title, bytes, lua| {
        if let Some(lua) = lua {
            assert_eq!(plain().compute(format!("return {lua}")).serialized, bytes, "{title}");
        }
    });
}

#[test]
fn as_an_argument() {
    each("argument", |vector, title, bytes, lua| {
        if is_same(vector) {
            let mut instance = plain();
            assert_eq!(instance.send("set_global", &[string("f"), bytes].concat()).error, None, "{title}");
            assert_eq!(instance.compute(compare(lua.unwrap())).value(), Value::Boolean(true), "{title}");
        }
    });
}

#[test]
fn in_an_external_table() {
    each("entry", |vector, title, bytes, lua| {
        let Some(lua) = lua else { return };
        let mut instance = plain();
        assert_eq!(instance.compute(format!("_home.x = {lua}")).error, None, "{title}");
        assert_eq!(instance.table(1).get("x").unwrap(), &bytes, "{title}");
        let code = "local kept = _home.x _home.x = nil collectgarbage() _home.x = kept";
        assert_eq!(instance.compute(code).error, None, "{title}");
        assert_eq!(instance.table(1).get("x").unwrap(), &bytes, "{title}, read and written again");
        if is_same(vector) {
            instance.table(1).set("x", bytes);
            let code = format!("f = _home.x {}", compare(lua));
            assert_eq!(instance.compute(code).value(), Value::Boolean(true), "{title}, as a host writes it");
        }
    });
}

#[test]
fn from_a_host_is() {
    for vector in list(&vectors("values"), "values") {
        assert_eq!(stands(vector, "host-entry"), stands(vector, "entry"));
        let expected = if stands(vector, "host-entry") { TAKEN } else { REFUSED };
        assert_eq!(set_entry(&mut plain(), "x", &bytes(vector)), expected, "{}", title(vector));
        let tag = abi::TAGS.iter().find(|tag| tag.tag == bytes(vector)[0]).unwrap();
        // A value that is followed by others has the tag of its own.
        if text(vector, "tag") != Some("TAG_MORE_RESULTS") {
            let places = [
                ("result", tag.result),
                ("argument", tag.argument),
                ("entry", tag.entry),
                ("host-entry", tag.host_entry),
            ];
            for (place, may_stand) in places {
                assert!(may_stand || !stands(vector, place), "{} as {place}", title(vector));
            }
        }
    }
}

/// A machine of this crate with a store that has an entry, and what reads it.
fn with_entry(value: &[u8]) -> Lua {
    let mut store = MemoryStore::new();
    store.set(1, "x", value).unwrap();
    engine().create(Options::new().store(store)).unwrap()
}

/// What this crate makes of a vector that names a tag.
fn in_words(value: &Value) -> String {
    match value {
        Value::Table(table) => format!("table of {} and {}", table.len(), table.pairs().count()),
        Value::Held(held) => format!("held {}: {}", held.kind(), held.text()),
        other => format!("{other:?}"),
    }
}

#[test]
fn in_rust() {
    let expected = [
        ("TAG_NIL", "Nil"),
        ("TAG_BOOLEAN", "Boolean(true)"),
        ("TAG_INTEGER", "Integer(-1)"),
        ("TAG_FLOAT", "Float(0.5)"),
        ("TAG_STRING", "String(\"a\")"),
        ("TAG_LIBRARY_FUNCTION", "Function(Function(print))"),
        ("TAG_LIBRARY", "Library(\"string\")"),
        ("TAG_TABLE", "table of 1 and 1"),
        ("TAG_SAME_TABLE", "table of 1 and 0"),
        ("TAG_EXTERNAL_TABLE", "External(3)"),
        ("TAG_FUNCTION", "Function(Function(stored in 3))"),
        ("TAG_MORE_RESULTS", "Boolean(true), Boolean(false)"),
    ];
    for vector in list(&vectors("values"), "values") {
        let Some(tag) = text(vector, "tag") else { continue };
        let Some((_, words)) = expected.iter().find(|(name, _)| *name == tag) else {
            // These depend on the machine; api.rs has them.
            assert!(["TAG_OPAQUE", "TAG_REFERENCE", "TAG_HOST_FUNCTION"].contains(&tag), "{tag} is not tested");
            continue;
        };
        let got = if stands(vector, "result") && vector["lua"].is_string() && tag != "TAG_EXTERNAL_TABLE" {
            let mut lua = engine().create(Options::new()).unwrap();
            let outcome = lua.compute(format!("return {}", text(vector, "lua").unwrap())).unwrap();
            outcome.values.iter().map(in_words).collect::<Vec<_>>().join(", ")
        } else {
            in_words(&with_entry(&bytes(vector)).home().get::<Value>("x").unwrap())
        };
        assert_eq!(got, *words, "{tag}");
    }
}

#[test]
fn from_rust() {
    each("host-entry", |_, title, bytes, _| {
        let mut lua = with_entry(&bytes);
        let value: Value = lua.home().get("x").unwrap();
        lua.home().delete("x").unwrap();
        lua.home().set("x", value).unwrap();
        let mut store = lua.close().unwrap();
        let mut stored = Vec::new();
        store.get(1, "x", &mut |value| stored = value.to_vec()).unwrap();
        assert_eq!(stored, bytes, "{title}");
    });
    // What only arguments may be goes there and comes back.
    let mut lua = engine().create(Options::new()).unwrap();
    let echo: Function = lua.eval("function(...) return ... end").unwrap().get().unwrap();
    let table: Table = lua.compute("local t = {10, x = {}} t.t = t return t").unwrap().get().unwrap();
    let back: Table = lua.call(&echo, (&table,)).unwrap();
    assert_eq!((back.get::<i64>(1).unwrap(), back.get::<Table>("t").unwrap()), (10, back.clone()));
}

#[test]
fn bytes_that_are_refused_are_an_error_wherever_they_may_not_stand_and_rust_refuses_the_same_entries() {
    for vector in list(&vectors("values"), "refused") {
        let (name, bytes) = (title(vector), bytes(vector));
        if stands(vector, "argument") {
            let reply = plain().send("set_global", &[string("f"), bytes.clone()].concat());
            assert_has(reply.error(), "malformed values");
        }
        if !stands(vector, "entry") {
            continue;
        }
        let mut instance = plain();
        // This host answers 0 for an entry of no bytes, which is no value.
        instance.table(1).set("x", bytes.clone());
        for code in
            ["return _home.x", "for _ in pairs(_home) do end", "return next(_home)", "return rawget(_home, 'x')"]
        {
            assert_has(instance.compute(code).error(), "external table 1 has a damaged entry 'x'");
        }
        assert_eq!(instance.compute("return ext.size(_home)").value(), Value::Integer(1), "{name}");
        instance.table(1).set("[1]", bytes.clone());
        assert_has(instance.compute("return #_home").error(), "external table 1 has a damaged entry '[1]'");
        let code = "_home.x = 5 _home[1] = 6 return _home.x";
        assert_eq!(instance.compute(code).value(), Value::Integer(5), "an assignment mends it");
        assert_eq!(set_entry(&mut plain(), "x", &bytes), REFUSED, "{name}");
        let read = with_entry(&bytes).home().get::<Value>("x");
        assert!(matches!(read, Err(Error::Value(_))), "{name}: {read:?}");
    }
}

#[test]
fn a_nil_that_a_host_stored_is_damaged_for_rust_too() {
    let mut lua = with_entry(&[0]);
    assert!(matches!(lua.home().get::<Value>("x"), Err(Error::Value(_))));
    let error = lua.compute("return _home.x").unwrap_err();
    assert_has(&error.to_string(), "nil: delete the key");
}
