//! The module and the typed bindings, compared with the test vectors of results and services for all hosts (`web/abi/`).

use std::collections::BTreeSet;
use std::sync::Arc;

use lua_persistent::generated::services::{self, Request};
use lua_persistent::generated::{self as abi};
use lua_persistent::{Options, Value};
use serde_json::{Value as Json, json};

use crate::call;
use crate::documented::{Instance, deserialize, integer, plain, start, string, word};
use crate::negotiate::answering;
use crate::support::engine;
use crate::vectors::{from_hex, list, vectors};

fn text<'j>(json: &'j Json, name: &str) -> &'j str {
    json[name].as_str().unwrap_or_else(|| panic!("{json} has no text {name}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs code in a new machine: the machine, what `compute` returns, and what it leaves in the I/O buffer.
fn run(lua: &str) -> (Instance, i32, Vec<u8>) {
    let mut machine = plain();
    let (at, length) = machine.write(lua);
    let left = machine.exports.compute(&mut machine.store, at, length).unwrap();
    let length = if left < 0 { -left - 1 } else { left };
    let bytes = machine.bytes(at, length as usize);
    (machine, left, bytes)
}

/// The output's length, and what stands behind it.
fn parts(bytes: &[u8]) -> (usize, &[u8]) {
    (u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize, &bytes[4..])
}

fn part(name: &str) -> u32 {
    match name {
        "PART_VALUES" => abi::PART_VALUES,
        "PART_MESSAGE" => abi::PART_MESSAGE,
        "PART_ERROR_VALUE" => abi::PART_ERROR_VALUE,
        other => panic!("{other} is no part that this test knows"),
    }
}

fn status(name: &str) -> i32 {
    match name {
        "STATUS_RUNTIME_ERROR" => abi::STATUS_RUNTIME_ERROR,
        "STATUS_SYNTAX_ERROR" => abi::STATUS_SYNTAX_ERROR,
        "STATUS_TOO_LARGE" => abi::STATUS_TOO_LARGE,
        other => panic!("{other} is no status that this test knows"),
    }
}

/// What a piece of code gives a user of the crate: as many values as its vector has, and the same where they are scalar.
fn given_to_users(lua: &str, results: &[Json]) {
    let values = engine().create(Options::new()).unwrap().compute(lua).unwrap().values;
    assert_eq!(values.len(), results.len(), "{lua}");
    for (value, expected) in values.iter().zip(results) {
        let expected = from_hex(expected.as_str().unwrap());
        if expected[0] <= abi::TAG_STRING {
            let expected = deserialize(&expected);
            let is_nan = |value: &Value| matches!(value, Value::Float(number) if number.is_nan());
            assert!(*value == expected || is_nan(value) && is_nan(&expected), "{lua}: {value:?}");
        }
    }
}

#[test]
fn success() {
    for vector in list(&vectors("results"), "success") {
        let (lua, values) = (text(vector, "lua"), vector["results"].as_array().unwrap());
        let (_, left, seen) = run(lua);
        assert_eq!(
            (Json::from(left), hex(&seen)),
            (vector["returns"].clone(), text(vector, "bytes").to_owned()),
            "{lua}"
        );
        given_to_users(lua, values);
        if left == 0 {
            continue;
        }
        let (length, behind) = parts(&seen);
        assert_eq!(hex(&behind[..length]), text(vector, "output"), "{lua}");
        // The last result comes first, then a tag, their number, and the others.
        let (last, others) = values.split_last().unwrap();
        let mut expected = last.as_str().unwrap().to_owned();
        if !others.is_empty() {
            expected += &hex(&[vec![abi::TAG_MORE_RESULTS], word(values.len() as u32)].concat());
            expected.extend(others.iter().map(|value| value.as_str().unwrap()));
        }
        assert_eq!(hex(&behind[length..]), expected, "{lua}");
    }
}

#[test]
fn failure() {
    for vector in list(&vectors("results"), "failure") {
        let (lua, message) = (text(vector, "lua"), text(vector, "message"));
        let (mut machine, left, seen) = run(lua);
        assert_eq!(Json::from(left), vector["returns"], "{lua}");
        assert_eq!(String::from_utf8(seen).unwrap(), message, "{lua}");
        assert_eq!(left, -(message.len() as i32 + 1), "{lua}");
        assert_eq!(machine.status(), status(text(vector, "status")), "{lua}");
    }
}

#[test]
fn output_that_is_cut() {
    for vector in list(&vectors("results"), "cut") {
        let lua = text(vector, "lua");
        let (_, left, seen) = run(lua);
        let (length, behind) = parts(&seen);
        assert_eq!(
            (Json::from(left), Json::from(length)),
            (vector["returns"].clone(), vector["output_length"].clone())
        );
        let output = std::str::from_utf8(&behind[..length]).unwrap();
        assert!(
            output.starts_with(text(vector, "output_begins")) && output.ends_with(text(vector, "output_ends")),
            "{lua}"
        );
        given_to_users(lua, vector["results"].as_array().unwrap());
    }
}

#[test]
fn the_part_of() {
    for vector in list(&vectors("results"), "parts") {
        let lua = text(vector, "lua");
        let seen = run(lua).0.part(part(text(vector, "part"))).unwrap();
        assert_eq!(Json::from(seen.len()), vector["size"], "{lua}");
        assert!(hex(&seen).starts_with(text(vector, "begins")), "{lua}");
    }
}

/// What a request is in the vectors: its service, and its arguments.
fn described(request: &Request<'_>) -> (&'static str, Json) {
    match *request {
        Request::Negotiate { abi_version } => ("negotiate", json!({ "abi_version": abi_version })),
        Request::Clock => ("clock", json!({})),
        Request::UtcOffset { unix_seconds } => ("utc_offset", json!({ "unix_seconds": unix_seconds })),
        Request::Entropy => ("entropy", json!({})),
        Request::Output { piece } => ("output", json!({ "piece": hex(piece) })),
        Request::Keys { table, cursor } => ("keys", json!({ "table": table, "cursor": cursor })),
        Request::CloseCursor { cursor } => ("close_cursor", json!({ "cursor": cursor })),
        Request::Drop { table } => ("drop", json!({ "table": table })),
        Request::Call { request } => ("call", json!({ "request": hex(request) })),
        Request::Rest => ("rest", json!({})),
        Request::Release { number } => ("release", json!({ "number": number })),
        Request::FindFunction { name } => ("find_function", json!({ "name": hex(name) })),
        Request::Module { name } => ("module", json!({ "name": hex(name) })),
        Request::Tables { cursor } => ("tables", json!({ "cursor": cursor })),
        Request::Failure => ("failure", json!({})),
        Request::Revision => ("revision", json!({})),
        Request::ReadRows { limit, ids } => ("read_rows", json!({ "limit": limit, "ids": hex(ids) })),
        Request::ReadList { table, first, count, limit } => {
            ("read_list", json!({ "table": table, "first": first, "count": count, "limit": limit }))
        }
        Request::WriteRows { ops } => ("write_rows", json!({ "ops": hex(ops) })),
        Request::FreeIds { first, count } => ("free_ids", json!({ "first": first, "count": count })),
        Request::ReadEntries { table, cursor, limit } => {
            ("read_entries", json!({ "table": table, "cursor": cursor, "limit": limit }))
        }
        Request::Roots { list, ids } => ("roots", json!({ "list": list, "ids": hex(ids) })),
        Request::Collect { complete, milliseconds } => {
            ("collect", json!({ "complete": complete, "milliseconds": milliseconds }))
        }
    }
}

/// Numbers of JSON are equal whether they are written with a point or not.
fn is_same(a: &Json, b: &Json) -> bool {
    let (a, b) = (a.as_object().unwrap(), b.as_object().unwrap());
    let is_equal = |a: &Json, b: &Json| a == b || a.as_f64().is_some() && a.as_f64() == b.as_f64();
    a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| is_equal(a, b)))
}

#[test]
fn the_loader_reads_the_request_for() {
    for vector in list(&vectors("services"), "requests") {
        let bytes = from_hex(text(vector, "bytes"));
        let request = Request::read(&bytes).unwrap_or_else(|| panic!("{vector}"));
        let (service, arguments) = described(&request);
        assert_eq!(service, text(vector, "service"));
        assert!(is_same(&arguments, &vector["arguments"]), "{arguments}, not {vector}");
    }
}

/// Writes what a vector says of a reply; none for the services whose replies other lists of vectors have.
fn written(service: &str, reply: &Json) -> Vec<u8> {
    let word = |name: &str| u32::try_from(reply[name].as_u64().unwrap()).unwrap();
    let long = |name: &str| text(reply, name).parse::<u64>().unwrap();
    let float = |name: &str| reply[name].as_f64().unwrap();
    let raw = |name: &str| from_hex(text(reply, name));
    let mut room = [0; 1000];
    let length = match service {
        "negotiate" => services::Negotiate {
            services: word("services"),
            max_value_len: word("max_value_len"),
            continues: word("continues"),
        }
        .write(&mut room),
        "clock" => {
            services::Clock { unix_seconds: float("unix_seconds"), cpu_seconds: float("cpu_seconds") }.write(&mut room)
        }
        "utc_offset" => services::UtcOffset { seconds: reply["seconds"].as_i64().unwrap() as i32 }.write(&mut room),
        "entropy" => services::Entropy { low: long("low"), high: long("high") }.write(&mut room),
        "keys" => services::Keys { cursor: word("cursor"), keys: &raw("keys") }.write(&mut room),
        "rest" => services::Rest { reply: &raw("reply") }.write(&mut room),
        "find_function" => services::FindFunction { number: word("number") }.write(&mut room),
        "tables" => services::Tables { cursor: word("cursor"), ids: &raw("ids") }.write(&mut room),
        "failure" => services::Failure { reason: &raw("reason") }.write(&mut room),
        "revision" => services::Revision { revision: long("revision") }.write(&mut room),
        "read_rows" => services::ReadRows { ops: &raw("ops") }.write(&mut room),
        "read_list" => services::ReadList { ops: &raw("ops") }.write(&mut room),
        "write_rows" => services::WriteRows { done: word("done") }.write(&mut room),
        "free_ids" => services::FreeIds { first: word("first"), count: word("count") }.write(&mut room),
        "read_entries" => services::ReadEntries { cursor: word("cursor"), ops: &raw("ops") }.write(&mut room),
        "collect" => {
            services::Collect { state: word("state"), freed: word("freed"), work: word("work") }.write(&mut room)
        }
        // A reply without fields is the answer 0.
        "output" | "close_cursor" | "drop" | "release" | "roots" => 0,
        other => panic!("{other} has no reply that this test knows"),
    };
    room[..usize::try_from(length).unwrap()].to_vec()
}

#[test]
fn the_loader_writes_the_reply_of() {
    for vector in list(&vectors("services"), "replies") {
        assert_eq!(hex(&written(text(vector, "service"), &vector["reply"])), text(vector, "bytes"), "{vector}");
    }
}

#[test]
fn each_service_has_a_request_and_a_reply_among_the_vectors() {
    let vectors = vectors("services");
    let named = |list_name: &str| {
        list(&vectors, list_name).iter().map(|vector| text(vector, "service")).collect::<BTreeSet<_>>()
    };
    // Numbers of services are without gaps, so that each number is that of one request.
    let numbers: BTreeSet<_> =
        list(&vectors, "requests").iter().map(|vector| from_hex(text(vector, "bytes"))[0]).collect();
    assert_eq!(numbers, (services::NEGOTIATE..=services::COLLECT).collect());
    assert_eq!(named("requests").len(), numbers.len());
    // Those of `call` are in a list of their own, that of `module` is the source.
    let expected: BTreeSet<_> =
        named("requests").into_iter().filter(|name| !["call", "module"].contains(name)).collect();
    assert_eq!(named("replies"), expected);
}

/// A machine whose host offers one service, and answers with these bytes.
fn start_with(number: u8, reply: Option<Vec<u8>>) -> Instance {
    start(answering(Arc::new(move |asked| match asked {
        services::NEGOTIATE => Some(([word(1 << number), word(16_384), word(0)].concat(), 12)),
        _ if asked == number => reply.clone().map(|bytes| (bytes.clone(), bytes.len() as i32)),
        _ => None,
    })))
}

#[test]
fn the_module_sends_the_requests_of_the_vectors() {
    let vectors = vectors("services");
    for (service, number) in [
        ("negotiate", services::NEGOTIATE),
        ("clock", services::CLOCK),
        ("utc_offset", services::UTC_OFFSET),
        ("keys", services::KEYS),
    ] {
        let mut machine = start_with(number, None);
        machine.compute("os.time() os.date('%H', 0) _home.x = 1 pcall(function() for _ in pairs(_home) do end end)");
        let vector = list(&vectors, "requests").iter().find(|vector| text(vector, "service") == service).unwrap();
        let request = format!("{:?}", from_hex(text(vector, "bytes")));
        let notes = &machine.store.data().notes;
        assert!(notes.contains(&request), "{service}: {request} is not among {notes:?}");
    }
}

#[test]
fn the_module_takes_the_reply_of_for() {
    for vector in list(&vectors("services"), "unusual") {
        let (number, code) = match text(vector, "service") {
            "negotiate" => continue, // negotiate.rs has these.
            "clock" => (services::CLOCK, "return os.time()"),
            "utc_offset" => (services::UTC_OFFSET, "return tonumber(os.date('%H', 0))"),
            other => panic!("{other} has no reply that this test knows"),
        };
        let expected = vector["reply"]["unix_seconds"].as_f64().unwrap_or(0.0) as i64;
        let seen = start_with(number, Some(from_hex(text(vector, "bytes")))).compute(code).value();
        assert_eq!(seen, Value::Integer(expected), "{vector}");
    }
}

#[test]
fn the_module_takes_the_reply_of_a_host_function() {
    for vector in list(&vectors("services"), "calls") {
        let bytes = from_hex(text(vector, "bytes"));
        let mut machine = start_with(services::CALL, Some(bytes.clone()));
        let function = [vec![abi::TAG_HOST_FUNCTION], word(1), word(0)].concat();
        let (at, length) = machine.write([string("f"), function].concat());
        assert!(call!(machine.set_global(at, length)) > 0);
        let reply = machine.compute("return select('#', f()), f()");
        let is_error = bytes[0] != 0;
        assert_eq!(reply.error.is_some(), is_error, "{vector}: {:?}", reply.error);
        if !is_error {
            // What the function returned stands in the results as it stood in the reply, the last one first.
            let last: &[u8] = if bytes.len() == 1 { &integer(0) } else { &bytes[bytes.len() - 2..] };
            assert!(reply.serialized.starts_with(last), "{vector}: {:?}", reply.serialized);
        }
    }
}
