//! The exports and services by which a host and Lua call each other, also with hosts that answer nonsense.

use std::sync::{Arc, Mutex};

use lua_persistent::Value;
use lua_persistent::generated as abi;
use lua_persistent::generated::services::{self, Request};
use lua_persistent::wasmtime::{Caller, Result};

use crate::call;
use crate::documented::{
    Host, Instance, assert_has, deserialize, exports, instantiate, integer, parts, plain, put, serving, start, string,
    table, word,
};

/// A host that answers requests, and has no tables.
fn answering(answer: impl Fn(&mut Caller<'_, Host>, &[u8], usize) -> Option<Answer> + Send + Sync + 'static) -> Host {
    let get = serving(move |caller, request, val| {
        let room = val.of(parts(caller).0).len();
        let Some(answer) = answer(caller, request, room) else { return Ok(abi::REPLY_NONE) };
        let (memory, _) = parts(caller);
        put(memory, val, &answer.bytes);
        answer.length
    });
    Host { get: Some(get), ..Host::default() }
}

/// What is written, and what the import returns.
struct Answer {
    bytes: Vec<u8>,
    length: Result<i32>,
}

fn whole(bytes: impl Into<Vec<u8>>) -> Option<Answer> {
    let bytes = bytes.into();
    Some(Answer { length: Ok(bytes.len() as i32), bytes })
}

/// Which services a host offers.
fn offer(offered: &[u8]) -> Option<Answer> {
    let services = offered.iter().fold(0, |mask, number| mask | 1 << number);
    let mut reply = [0; services::Negotiate::SIZE];
    services::Negotiate { services, max_value_len: abi::VALUE_LIMIT, continues: 0 }.write(&mut reply);
    whole(reply)
}

fn host_function(number: u32, name: &str) -> Vec<u8> {
    [vec![abi::TAG_HOST_FUNCTION], word(number), word(name.len() as u32), name.as_bytes().to_vec()].concat()
}

#[test]
fn a_documented_host_can_call_functions_and_read_and_set_globals() {
    let mut instance = plain();
    let sent = [string("math.max"), integer(3), integer(7)].concat();
    assert_eq!(instance.send("call_function", &sent).value(), Value::Integer(7));
    assert_eq!(instance.send("set_global", &[string("x"), integer(5)].concat()).value(), Value::Nil);
    assert_eq!(instance.send("get_global", b"x").value(), Value::Integer(5));
    assert_eq!(instance.compute("return x").value(), Value::Integer(5));
    let error = instance.send("call_function", &string("nope"));
    assert_has(error.error(), "attempt to call a nil value (global 'nope')");
    assert_eq!(instance.status(), abi::STATUS_RUNTIME_ERROR);
}

#[test]
fn a_documented_host_gets_functions_as_text_and_tables_by_value() {
    let mut instance = plain();
    instance.compute("function f(t) return t[1], t.x, f end");
    let sent = [string("f"), table(1, 1), integer(9), string("x"), vec![0x01, 1]].concat();
    let reply = instance.send("call_function", &sent);
    assert_eq!(reply.serialized[..2], [0x0a, 6]);
}

#[test]
fn limits_stop_code_with_a_status_each() {
    let mut instance = plain();
    call!(instance.set_limits(1000, 0, 0));
    assert_has(instance.compute("while true do end").error(), "the limit of 1000 instructions is reached");
    assert_eq!(instance.status(), abi::STATUS_INSTRUCTION_LIMIT);
    call!(instance.set_limits(0, 0, 10));
    assert_has(instance.compute("print('0123456789')").error(), "the limit of 10 bytes of output is reached");
    assert_eq!(instance.status(), abi::STATUS_OUTPUT_LIMIT);
    // Without a clock there is no limit of time.
    call!(instance.set_limits(0, 1, 0));
    assert_eq!(instance.compute("for i = 1, 1e6 do end return 1").value(), Value::Integer(1));
    call!(instance.set_limits(0, 0, 0));
    let code = "for i = 1, 1e6 do end print('0123456789') return 1";
    assert_eq!(instance.compute(code).value(), Value::Integer(1));
    assert_eq!(instance.status(), abi::STATUS_OK);
}

#[test]
fn values_that_are_malformed_are_an_error_that_says_which_byte_and_nothing_is_called() {
    let mut instance = plain();
    instance.compute("called = 0 function f() called = called + 1 end");
    let after = |bytes: &[u8]| [&string("f"), bytes].concat();
    let nan = f64::NAN.to_le_bytes();
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (vec![], &["there is no function to call"]),
        (vec![0x04], &["at byte 1 of 1: more bytes are needed"]),
        (after(&[0x02, 1, 2]), &["more bytes are needed"]),
        (after(&[0x0f, 0, 0, 0, 0]), &["no value"]),
        (after(&[0x01, 2]), &["no value"]),
        (after(&table(u32::MAX, u32::MAX)), &["a table is longer than what follows"]),
        (after(&[table(0, 1), vec![0x00, 0x00]].concat()), &["nil or NaN as a key"]),
        (after(&[table(0, 1), vec![0x03], nan.to_vec(), vec![0x00]].concat()), &["nil or NaN as a key"]),
        (after(&[vec![0x09], word(0)].concat()), &["a reference to a table that has not appeared"]),
        (after(&[vec![0x0d, 6], word(12345), word(0)].concat()), &["a reference that was released"]),
        (after(&[vec![0x0a, 6], word(0)].concat()), &["no value", "more bytes"]),
        (after(&[vec![0x0b], word(0)].concat()), &["no value"]),
        (after(&[vec![0x07], word(0)].concat()), &["no value"]),
    ];
    for (bytes, messages) in cases {
        let reply = instance.send("call_function", &bytes);
        assert!(messages.iter().any(|message| reply.error().contains(message)), "{bytes:?}: {}", reply.error());
    }
    assert_has(instance.send("set_global", &string("x")).error(), "the path, and one value");
    assert_has(instance.send("set_global", &[integer(1), integer(1)].concat()).error(), "the path, and one value");
    assert_eq!(instance.compute("return called").value(), Value::Integer(0));
}

#[test]
fn no_random_bytes_do_worse_than_an_error() {
    let mut instance = plain();
    instance.compute("function f(...) return select('#', ...) end");
    let mut seed = 12345u32;
    let mut random = |n: u32| {
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12345);
        (seed >> 8) % n
    };
    for _ in 0..20_000 {
        let name = ["call_function", "set_global", "get_global"][random(3) as usize];
        let mut bytes = string(if name == "set_global" { "g" } else { "f" });
        for _ in 0..random(40) {
            bytes.push(if random(3) == 0 { random(16) } else { random(2) * random(256) } as u8);
        }
        // Messages may be cut within what is no text.
        let (at, length) = instance.write(&bytes);
        let left = match name {
            "call_function" => call!(instance.call_function(at, length)),
            "set_global" => call!(instance.set_global(at, length)),
            _ => call!(instance.get_global(at, length)),
        };
        assert_ne!(left, 0);
    }
    assert_eq!(instance.compute("return f(1, 2)").value(), Value::Integer(2));
}

#[test]
fn deep_and_wide_tables_by_value_arrive_whole() {
    let mut instance = plain();
    instance.compute(
        "function depth(t) local n = 0 while t do t = t[1] n = n + 1 end return n end function size(t) return #t end",
    );
    let deep = [string("depth"), table(1, 0).repeat(5000), table(0, 0)].concat();
    assert_eq!(instance.send("call_function", &deep).value(), Value::Integer(5001));
    let mut wide = [string("size"), table(6000, 0)].concat();
    wide.extend((0..6000).flat_map(integer));
    assert_eq!(instance.send("call_function", &wide).value(), Value::Integer(6000));
}

#[test]
fn ranges_outside_the_memory_are_refused() {
    let mut instance = plain();
    let at = 0xffff_fff0;
    for left in [
        call!(instance.call_function(at, 100)),
        call!(instance.get_global(at, 100)),
        call!(instance.set_global(at, 100)),
    ] {
        assert!(left < 0);
        assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT);
    }
}

#[test]
fn before_init_nothing_is_called() {
    let mut instance = instantiate(Host::default());
    for name in ["call_function", "get_global", "set_global"] {
        assert!(instance.send(name, &string("x")).left < 0);
    }
    call!(instance.release_value(1));
    assert_eq!(instance.status(), abi::STATUS_NOT_INITIALIZED);
}

#[test]
fn references_stand_for_values_until_they_are_released() {
    let host = answering(|_, request, _| match request[0] {
        services::NEGOTIATE => offer(&[services::CALL]),
        _ => None,
    });
    let mut instance = start(host);
    let first = instance.compute("f = function(x) return x * 2 end return f").serialized;
    assert_eq!(first[..2], [0x0d, 6]);
    let number = u32::from_le_bytes(first[2..6].try_into().unwrap());
    assert_eq!(instance.compute("return f").serialized, first);
    let sent = [vec![0x0d, 6], word(number), word(0), integer(21)].concat();
    assert_eq!(instance.send("call_function", &sent).value(), Value::Integer(42));
    for number in [number, number, 4_000_000_000] {
        call!(instance.release_value(number));
    }
    assert_has(instance.send("call_function", &sent).error(), "a reference that was released");
    assert_ne!(instance.compute("return f").serialized, first);
}

#[test]
fn a_host_that_declines_lies_or_loses_replies_makes_errors_never_worse() {
    type Reply = Option<(Vec<u8>, i32)>;
    let reply: Arc<Mutex<Reply>> = Arc::default();
    let rest: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let (seen, released) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let host = {
        let (reply, rest, seen, released) = (reply.clone(), rest.clone(), seen.clone(), released.clone());
        answering(move |_, request, _| match Request::read(request)? {
            Request::Negotiate { .. } => {
                offer(&[services::CALL, services::REST, services::RELEASE, services::FIND_FUNCTION])
            }
            Request::Call { request } => {
                *seen.lock().unwrap() = request.to_vec();
                let (bytes, length) = reply.lock().unwrap().clone()?;
                assert_ne!(length, i32::MAX, "this host panics");
                Some(Answer { bytes, length: Ok(length) })
            }
            Request::Rest => whole(rest.lock().unwrap().clone()?),
            Request::Release { number } => {
                released.lock().unwrap().push(number);
                whole([])
            }
            _ => None,
        })
    };
    let mut instance = start(host);
    let sent = [string("f"), host_function(7, "name")].concat();
    assert_eq!(instance.send("set_global", &sent).value(), Value::Nil);
    let answer_of = |instance: &mut Instance, bytes: Vec<u8>, length: i32| {
        *reply.lock().unwrap() = Some((bytes, length));
        instance.compute("return f(1, 'two')")
    };
    let answer = |instance: &mut Instance, parts: &[Vec<u8>]| {
        let bytes = parts.concat();
        let length = bytes.len() as i32;
        answer_of(instance, bytes, length)
    };
    assert_eq!(answer(&mut instance, &[vec![0], integer(5)]).value(), Value::Integer(5));
    assert_eq!(answer(&mut instance, &[vec![0]]).value(), Value::Nil);
    for malformed in [vec![], vec![9], vec![0, 0x04, 1], vec![1, 0, 0], [vec![1], word(1), string("no")].concat()] {
        assert_has(answer(&mut instance, &[malformed]).error(), "malformed");
    }
    let error = answer(&mut instance, &[vec![1], word(1), string("no"), vec![0x00]]);
    assert_eq!(error.error(), "[string \"return f(1, 'two')\"]:1: no");
    assert_eq!(instance.part(abi::PART_EXCEPTION).unwrap(), word(1));
    assert_eq!(answer(&mut instance, &[vec![2], word(2), string("thrown"), vec![0x00]]).error(), "thrown");
    let again = answer(&mut instance, &[vec![3]]);
    assert!(
        ["error object is a boolean", "false"].iter().any(|text| again.error().contains(text)),
        "{}",
        again.error()
    );
    assert_has(answer_of(&mut instance, vec![0], 100_000).error(), "failed to call");
    assert_has(answer_of(&mut instance, vec![0], -1).error(), "failed to call");
    assert_has(answer_of(&mut instance, vec![0], -5000).error(), "the host lost the reply");
    *rest.lock().unwrap() = Some([vec![0], string("x".repeat(4000))].concat());
    assert_eq!(answer_of(&mut instance, vec![0], -4006).value(), "x".repeat(4000).into());
    assert_has(answer_of(&mut instance, vec![0], i32::MAX).error(), "failed to call");
    assert_eq!(answer(&mut instance, &[vec![0]]).value(), Value::Nil);
    // The request: the number of the function and its arguments.
    assert_eq!(*seen.lock().unwrap(), [word(7), integer(1), string("two")].concat());
    assert_eq!(instance.send("get_global", b"f").serialized, host_function(7, "name"));
    instance.compute("f = nil");
    call!(instance.run_gc());
    assert_eq!(*released.lock().unwrap(), [7]);
}

#[test]
fn a_function_that_the_host_finds_no_more_is_an_error_with_its_name_one_without_a_name_says_so() {
    let (calls, names) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let host = {
        let (calls, names) = (calls.clone(), names.clone());
        answering(move |_, request, _| match Request::read(request)? {
            Request::Negotiate { .. } => offer(&[services::CALL, services::FIND_FUNCTION]),
            Request::Call { request } => {
                calls.lock().unwrap().push(request[0]);
                None
            }
            Request::FindFunction { name } => {
                let mut names = names.lock().unwrap();
                names.push(String::from_utf8(name.to_vec()).unwrap());
                if names.len() == 1 { None } else { whole(word(99)) }
            }
            _ => None,
        })
    };
    let mut instance = start(host);
    instance.send("set_global", &[string("named"), host_function(7, "name")].concat());
    instance.send("set_global", &[string("nameless"), host_function(8, "")].concat());
    // Another host takes the machine over.
    assert_eq!(call!(instance.init()), 0);
    assert_has(instance.compute("named()").error(), "the host has no function 'name'");
    assert_has(instance.compute("nameless()").error(), "had no name");
    instance.compute("named()");
    instance.compute("named()");
    assert_eq!((&*names.lock().unwrap(), &*calls.lock().unwrap()), (&vec!["name".to_owned(); 2], &vec![99, 99]));
}

#[test]
fn exports_that_a_function_of_the_host_cannot_use_leave_what_runs_alone() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let host = {
        let seen = seen.clone();
        answering(move |caller, request, _| match request[0] {
            services::NEGOTIATE => offer(&[services::CALL]),
            services::CALL => {
                let exports = exports(caller);
                exports.deinit(&mut *caller).unwrap();
                let at = exports.get_buffer_ptr(&mut *caller).unwrap();
                seen.lock().unwrap().extend([
                    exports.program_start(&mut *caller, at, 0, 0, 0, 0).unwrap() < 0,
                    exports.program_step(&mut *caller, 10).unwrap() < 0,
                    exports.init(&mut *caller).unwrap() == 0,
                ]);
                let code = b"return 6 * 7";
                exports.memory.data_mut(&mut *caller)[at as usize..][..code.len()].copy_from_slice(code);
                let left = exports.compute(&mut *caller, at, code.len() as u32).unwrap();
                seen.lock().unwrap().push(left > 0);
                whole([0])
            }
            _ => None,
        })
    };
    let mut instance = start(host);
    instance.send("set_global", &[string("f"), host_function(1, "")].concat());
    assert_eq!(instance.compute("local t = {1, 2} f() return #t").value(), Value::Integer(2));
    assert_eq!(*seen.lock().unwrap(), [true; 4]);
}

#[test]
fn the_services_have_the_numbers_and_the_version_that_the_reference_gives() {
    use services::{CALL, FIND_FUNCTION, MODULE, RELEASE, REST};
    assert_eq!(([CALL, REST, RELEASE, FIND_FUNCTION, MODULE], abi::ABI_VERSION), ([9, 10, 11, 12, 13], 2));
    assert_eq!(deserialize(&integer(1)), Value::Integer(1));
}
