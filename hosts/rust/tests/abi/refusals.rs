//! Calls that the module refuses: each sets a status and a message, and leaves nothing of an earlier error.

use std::sync::{Arc, Mutex};

use lua_persistent::Value;
use lua_persistent::generated::{self as abi, Exports, REFUSALS};
use lua_persistent::wasmtime::{AsContextMut, Error, Store};

use crate::call;
use crate::documented::{Host, Instance, assert_has, exports, instantiate, plain, start};

/// The exports that answer through the I/O buffer, each called in a way that is right.
const RUNS: [&str; 9] = [
    "compute",
    "eval",
    "execute",
    "program_start",
    "program_step",
    "program_resume",
    "call_function",
    "get_global",
    "set_global",
];

fn run(name: &str, exports: &Exports, store: impl AsContextMut, at: u32) -> i32 {
    match name {
        "compute" => exports.compute(store, at, 8),
        "eval" => exports.eval(store, 8),
        "execute" => exports.execute(store, at, 8, 0, 0, 0),
        "program_start" => exports.program_start(store, at, 8, 0, 0, 0),
        "program_step" => exports.program_step(store, 0),
        "program_resume" => exports.program_resume(store, at, 0, 0),
        "call_function" => exports.call_function(store, at, 6),
        "get_global" => exports.get_global(store, at, 1),
        "set_global" => exports.set_global(store, at, 8),
        other => panic!("{other} does not answer through the buffer"),
    }
    .unwrap()
}

fn run_in(instance: &mut Instance, name: &str) -> i32 {
    let (at, _) = instance.write("return 1");
    run(name, &instance.exports.clone(), &mut instance.store, at)
}

/// The last call was refused: status and message, in the buffer and as the only part.
#[track_caller]
fn assert_refused(instance: &mut Instance, answer: i32, status: i32, parts: &[&str]) {
    assert_eq!(instance.status(), status);
    let reply = instance.read(answer);
    for part in parts {
        assert_has(reply.error(), part);
    }
    assert_eq!(instance.message().as_deref(), Some(reply.error()));
    let at = instance.buffer();
    for part in [abi::PART_VALUES, abi::PART_TRACEBACK, abi::PART_ERROR_VALUE, abi::PART_EXCEPTION] {
        assert_eq!(call!(instance.result_size(part)), -1, "part {part}");
        assert_eq!(call!(instance.result_read(part, 0, at, 100)), -1, "part {part}");
    }
}

#[test]
fn a_machine_that_does_not_run_says_so_in_the_buffer_for_every_export_that_answers_there() {
    for name in RUNS {
        let mut instance = instantiate(Host::default());
        let answer = run_in(&mut instance, name);
        assert_refused(&mut instance, answer, abi::STATUS_NOT_INITIALIZED, &["does not run", "init"]);
    }
}

#[test]
fn so_does_one_that_deinit_has_closed_and_nothing_is_left_of_an_earlier_error() {
    for name in RUNS {
        let mut instance = plain();
        instance.compute("error('an earlier error')");
        call!(instance.deinit());
        let answer = run_in(&mut instance, name);
        assert_refused(&mut instance, answer, abi::STATUS_NOT_INITIALIZED, &["does not run", "init"]);
    }
}

#[test]
fn a_call_that_is_refused_for_its_arguments_leaves_its_own_message_and_nothing_of_an_earlier_error() {
    type Case = (fn(&Exports, &mut Store<Host>, u32) -> lua_persistent::wasmtime::Result<i32>, &'static [&'static str]);
    const END: u32 = 32 * 65536;
    let cases: [Case; 10] = [
        (|e, s, _| e.compute(s, END, 1), &["range"]),
        (|e, s, at| e.execute(s, at, 1, END - 1, 2, 0), &["range"]),
        (|e, s, _| e.program_start(s, END, 1, 0, 0, 0), &["range"]),
        (|e, s, _| e.call_function(s, END, 1), &["range"]),
        (|e, s, _| e.get_global(s, END, 1), &["range"]),
        (|e, s, _| e.set_global(s, END, 1), &["range"]),
        (|e, s, _| e.compute(s, 16, 65537), &["65536", "execute"]),
        (|e, s, _| e.eval(s, 65537), &["65536", "execute"]),
        (|e, s, at| e.execute(s, at, 8, 0, 0, 4), &["flag"]),
        (|e, s, at| e.program_start(s, at, 8, 0, 0, 4), &["flag"]),
    ];
    for (call, parts) in cases {
        let mut instance = plain();
        instance.compute("error('an earlier error')");
        let part = instance.part(abi::PART_MESSAGE).unwrap();
        assert_has(std::str::from_utf8(&part).unwrap(), "an earlier error");
        let (at, _) = instance.write("return 1");
        let answer = call(&instance.exports.clone(), &mut instance.store, at).unwrap();
        assert_refused(&mut instance, answer, abi::STATUS_BAD_ARGUMENT, parts);
        assert_eq!(instance.compute("return 1").value(), Value::Integer(1));
        assert_eq!(instance.status(), abi::STATUS_OK);
        assert_eq!(instance.message(), None, "the next run forgets it");
    }
}

#[test]
fn a_step_without_a_program_is_refused_before_the_first_program_and_after_its_end() {
    let mut instance = plain();
    instance.compute("error('an earlier error')");
    let answer = call!(instance.program_step(0));
    assert_refused(&mut instance, answer, abi::STATUS_NO_PROGRAM, &["no program", "start"]);
    let (at, length) = instance.write("return 1");
    assert_eq!(call!(instance.program_start(at, length, 0, 0, 0)), 0);
    assert!(call!(instance.program_step(0)) > 0);
    let answer = call!(instance.program_step(0));
    assert_refused(&mut instance, answer, abi::STATUS_NO_PROGRAM, &["no program", "start"]);
}

#[test]
fn a_run_within_an_import_is_refused_and_the_run_that_goes_on_ends_with_its_own_status_and_output() {
    for name in RUNS {
        let refused = Arc::new(Mutex::new(None));
        let noted = refused.clone();
        let set = move |caller: &mut lua_persistent::wasmtime::Caller<'_, Host>, _, _, _| {
            let exports = exports(caller);
            let at = exports.get_buffer_ptr(&mut *caller)?;
            let answer = run(name, &exports, &mut *caller, at);
            let status = exports.get_status(&mut *caller)?;
            // Into memory that nobody uses: the buffer holds what was printed.
            let size = exports.result_size(&mut *caller, abi::PART_MESSAGE)? as u32;
            let end = exports.memory.data_size(&*caller) as u32 - size;
            exports.result_read(&mut *caller, abi::PART_MESSAGE, 0, end, size)?;
            let message = String::from_utf8(exports.memory.data(&*caller)[end as usize..].to_vec()).unwrap();
            *noted.lock().unwrap() = Some((answer, status, message));
            Ok(0)
        };
        let mut instance = start(Host { set: Some(Arc::new(set)), ..Host::default() });
        let reply = instance.compute("io.write('before ') _home.x = 1 io.write('after') return 7");
        assert_eq!((reply.output.as_str(), reply.value()), ("before after", Value::Integer(7)), "{name}");
        assert_eq!(instance.status(), abi::STATUS_OK, "{name}");
        assert_eq!(instance.message(), None, "{name}");
        let (answer, status, message) = refused.lock().unwrap().take().unwrap();
        assert_eq!((answer, status), (-1, abi::STATUS_BUSY), "{name}: the buffer holds what was printed, and keeps it");
        assert_has(&message, "another call is under way");
    }
}

#[test]
fn after_an_exception_that_went_through_the_module_every_run_is_refused_with_the_way_out() {
    let set = |_: &mut lua_persistent::wasmtime::Caller<'_, Host>, _, _, _| Err(Error::msg("a trap"));
    let mut instance = start(Host { set: Some(Arc::new(set)), ..Host::default() });
    let (at, length) = instance.write("_home.x = 1");
    assert!(instance.exports.clone().compute(&mut instance.store, at, length).is_err());
    for name in RUNS {
        assert!(run_in(&mut instance, name) < 0, "{name}");
        assert_eq!(instance.status(), abi::STATUS_BUSY, "{name}");
        let message = instance.message().unwrap();
        assert!(message.contains("exception") && message.contains("new instance"), "{message}");
    }
}

/// The exports that take a table and work through the host, and each with an id and a range of a key.
fn table_call(name: &str, instance: &mut Instance, id: u32, key: u32, length: u32) -> i32 {
    let exports = instance.exports.clone();
    let store = &mut instance.store;
    match name {
        "ext_table_set" => exports.ext_table_set(store, id, key, length, 0, 0),
        "ext_table_get" => exports.ext_table_get(store, id, key, length, 0, 0),
        "ext_table_delete" => exports.ext_table_delete(store, id, key, length),
        "ext_table_size" => exports.ext_table_size(store, id),
        "ext_table_keys" => exports.ext_table_keys(store, id, key, length),
        other => panic!("{other} takes no table"),
    }
    .unwrap()
}

const TABLES: [&str; 5] = ["ext_table_set", "ext_table_get", "ext_table_delete", "ext_table_size", "ext_table_keys"];

#[test]
fn exports_that_run_no_code_are_refused_with_a_status_and_a_message_too_and_their_own_answer() {
    let assert_refused = |instance: &mut Instance, what: &str| {
        assert_eq!(instance.status(), abi::STATUS_NOT_INITIALIZED, "{what}");
        assert_has(&instance.message().unwrap(), "does not run");
    };
    for name in TABLES {
        let mut instance = instantiate(Host::default());
        assert_eq!(table_call(name, &mut instance, 1, 0, 0), -1, "{name}");
        assert_refused(&mut instance, name);
    }
    let mut instance = instantiate(Host::default());
    call!(instance.release_value(1));
    assert_refused(&mut instance, "release_value");
    let mut instance = instantiate(Host::default());
    call!(instance.run_gc());
    assert_refused(&mut instance, "run_gc");
    let mut instance = instantiate(Host::default());
    assert_eq!(call!(instance.lua_alloc(1, 0, 0, 8)), 0);
    assert_refused(&mut instance, "lua_alloc");
    let mut instance = instantiate(Host::default());
    call!(instance.attach_memory_table(1));
    assert_refused(&mut instance, "attach_memory_table");
    let mut instance = instantiate(Host::default());
    assert_eq!(call!(instance.clear_io_table()), -1);
    assert_refused(&mut instance, "clear_io_table");
    let mut instance = instantiate(Host::default());
    assert_eq!(call!(instance.ext_table_new()), 0);
    assert_refused(&mut instance, "ext_table_new");

    let mut instance = plain();
    let check_zero = |instance: &mut Instance, name: &str| {
        assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT, "{name}");
        assert_has(&instance.message().unwrap(), "0 is the id of no external table");
        assert_eq!(call!(instance.result_size(abi::PART_TRACEBACK)), -1, "{name}");
    };
    instance.compute("error('an earlier error')");
    call!(instance.attach_memory_table(0));
    check_zero(&mut instance, "attach_memory_table");
    for name in TABLES {
        instance.compute("error('an earlier error')");
        assert_eq!(table_call(name, &mut instance, 0, 0, 0), -1);
        check_zero(&mut instance, name);
    }
    for name in TABLES.into_iter().filter(|name| *name != "ext_table_size") {
        instance.compute("error('an earlier error')");
        assert_eq!(table_call(name, &mut instance, 1, u32::MAX - 15, 100), -1);
        assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT, "{name}");
        assert_has(&instance.message().unwrap(), "range");
    }
}

#[test]
fn a_call_that_finds_nothing_is_told_from_one_that_is_refused_by_the_status() {
    let mut instance = plain();
    let (at, _) = instance.write("absent");
    assert_eq!(call!(instance.ext_table_get(1, u32::MAX - 15, 100, at, 100)), -1);
    assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT);
    assert_eq!(call!(instance.ext_table_get(1, at, 6, at + 100, 100)), -1);
    assert_eq!(instance.status(), abi::STATUS_OK);
    assert_eq!(instance.message(), None);
}

#[test]
fn reading_parts_refuses_nothing_a_bad_range_leaves_the_parts_as_they_are() {
    let mut instance = plain();
    instance.compute("error('this error', 0)");
    assert_eq!(call!(instance.result_read(abi::PART_MESSAGE, 0, u32::MAX - 15, 100)), -1);
    assert_eq!(call!(instance.result_read(99, 0, 16, 100)), -1);
    assert_eq!(instance.status(), abi::STATUS_RUNTIME_ERROR);
    assert_eq!(instance.message().as_deref(), Some("this error"));
}

/// Here, the bindings list what `abi.json` does.
#[test]
fn abi_json_lists_for_each_export_what_it_answers_to_a_refused_call_and_refusals_name_what_is_there() {
    for refusal in REFUSALS {
        assert!((abi::STATUS_MEMORY_ERROR..=abi::STATUS_NO_PROGRAM).contains(&refusal.status), "{}", refusal.name);
        assert!(!refusal.exports.is_empty() && !refusal.message.is_empty(), "{}", refusal.name);
        for name in refusal.exports {
            assert!(Exports::NAMES.contains(name), "{}: {name}", refusal.name);
        }
    }
    let text = include_str!("../../../../web/abi.json");
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let listed = file["refusals"].as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|refusal| refusal["name"].as_str().unwrap()).collect();
    assert_eq!(names, REFUSALS.map(|refusal| refusal.name));
    for (refusal, listed) in REFUSALS.iter().zip(listed) {
        let exports: Vec<_> = listed["exports"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!((refusal.message, refusal.exports), (listed["message"].as_str().unwrap(), &exports[..]));
        for export in file["exports"].as_array().unwrap() {
            if exports.contains(&export["name"].as_str().unwrap()) {
                assert!(!export["refused"].is_null(), "{} {}", refusal.name, export["name"]);
            }
        }
    }
}
