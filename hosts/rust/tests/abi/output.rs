//! Where output goes and when: with the service `output`, and without it.

use std::sync::{Arc, Mutex};

use lua_persistent::generated::services::{self, Request};
use lua_persistent::generated::{self as abi};
use lua_persistent::wasmtime::{Caller, Result};

use crate::call;
use crate::documented::{Host, Instance, exports, instantiate, parts, put, serving, string, word};

type Inside = Arc<dyn Fn(&mut Caller<'_, Host>) -> Result<()> + Send + Sync>;

/// A machine whose host offers functions and, if asked to, takes output; `f` is a function of the host. And what was sent.
fn machine(takes: bool, inside: Inside) -> (Instance, Arc<Mutex<String>>) {
    let sent = Arc::new(Mutex::new(String::new()));
    let taken = sent.clone();
    let get = serving(move |caller, request, val| {
        let (memory, _) = parts(caller);
        match Request::read(request) {
            Some(Request::Negotiate { .. }) => {
                let services = 1 << services::CALL | u32::from(takes) << services::OUTPUT;
                put(memory, val, &word(services));
                Ok(4)
            }
            Some(Request::Output { piece }) => {
                taken.lock().unwrap().extend(piece.iter().map(|&byte| char::from(byte)));
                Ok(0)
            }
            Some(Request::Call { .. }) => {
                inside(caller)?;
                let (memory, _) = parts(caller);
                put(memory, val, &[abi::CALL_RESULTS]);
                Ok(1)
            }
            _ => Ok(-1),
        }
    });
    let mut instance = instantiate(Host { get: Some(get), ..Host::default() });
    assert_eq!(call!(instance.init()), 0);
    let function = [string("f"), vec![abi::TAG_HOST_FUNCTION], word(5), word(0)].concat();
    assert!(instance.send("set_global", &function).left > 0);
    (instance, sent)
}

/// What a run sends, and what is in its result.
fn run_with(takes: bool, code: &str, inside: Inside) -> (String, String) {
    let (mut instance, sent) = machine(takes, inside);
    let output = instance.compute(code).output;
    (sent.lock().unwrap().clone(), output)
}

fn run(takes: bool, code: &str) -> (String, String) {
    run_with(takes, code, Arc::new(|_| Ok(())))
}

fn pair(sent: &str, left: &str) -> (String, String) {
    (sent.to_owned(), left.to_owned())
}

/// The bytes in front of the mark that output was cut, and how many it says are missing.
fn cut(output: &str) -> (usize, usize) {
    let (kept, mark) = output.split_once("\n[... ").expect("a mark");
    (kept.len(), mark.strip_suffix(" more bytes of output cut]\n").expect("its end").parse().expect("a number"))
}

#[test]
fn what_is_left_at_the_end_of_a_run_is_in_its_result() {
    let code = "io.write('a') io.stderr:write('b') print('c') warn('@on') warn('d')";
    for takes in [true, false] {
        assert_eq!(run(takes, code), pair("", "abc\nLua warning: d\n"));
    }
}

#[test]
fn when_the_buffer_is_full_it_is_sent_or_the_rest_is_cut() {
    let code = "io.write(('x'):rep(70000)) return 1";
    let (sent, left) = run(true, code);
    assert!(sent.len() > 60_000 && sent.len() + left.len() == 70_000);
    let (sent, left) = run(false, code);
    let (kept, missing) = cut(&left);
    assert_eq!((sent.as_str(), kept + missing), ("", 70_000));
}

#[test]
fn a_flush_sends_what_was_collected_if_the_host_takes_it() {
    let code = "io.write('a') io.flush() io.write('b') io.stdout:flush() io.write('c')";
    assert_eq!(run(true, code), pair("ab", "c"));
    assert_eq!(run(false, "io.write('a') io.flush() io.write('b')"), pair("", "ab"));
}

#[test]
fn a_call_of_a_function_of_the_host_sends_what_was_collected_or_cuts_it() {
    let code = "io.write('before') f() io.write('after')";
    assert_eq!(run(true, code), pair("before", "after"));
    let (sent, left) = run(false, code);
    assert_eq!((sent.as_str(), cut(&left)), ("", (5, 6)));
    assert!(left.starts_with("after\n"));
}

#[test]
fn a_call_within_a_function_of_the_host_has_its_output_in_its_own_result() {
    for takes in [true, false] {
        let inner = Arc::new(Mutex::new(Vec::new()));
        let noted = inner.clone();
        let inside = move |caller: &mut Caller<'_, Host>| {
            let exports = exports(caller);
            let (at, code) = (exports.get_buffer_ptr(&mut *caller)?, b"io.write('inner')");
            exports.memory.data_mut(&mut *caller)[at as usize..][..code.len()].copy_from_slice(code);
            exports.compute(&mut *caller, at, code.len() as u32)?;
            *noted.lock().unwrap() = exports.memory.data(&*caller)[at as usize..][..9].to_vec();
            Ok(())
        };
        assert_eq!(run_with(takes, "f() io.write('outer')", Arc::new(inside)), pair("", "outer"));
        assert_eq!(*inner.lock().unwrap(), [&word(5)[..], b"inner"].concat());
    }
}

#[test]
fn a_run_that_fails_or_whose_result_is_too_large_sends_its_output_without_the_service_it_is_lost() {
    for code in ["io.write('said') error('x')", "io.write('said') return ('x'):rep(70000)"] {
        assert_eq!(run(true, code), pair("said", ""));
        assert_eq!(run(false, code), pair("", ""));
    }
}

#[test]
fn output_of_finalizers_between_calls_is_in_no_result() {
    for takes in [true, false] {
        let (mut instance, sent) = machine(takes, Arc::new(|_| Ok(())));
        instance.compute("setmetatable({}, {__gc = function() io.write('collected') end})");
        call!(instance.run_gc());
        assert_eq!(instance.compute("io.write('next')").output, "next");
        assert_eq!(*sent.lock().unwrap(), "");
        instance.compute("X = setmetatable({}, {__gc = function() io.write('closed') io.flush() end})");
        call!(instance.deinit());
        assert_eq!(*sent.lock().unwrap(), if takes { "closed" } else { "" }, "unless it is flushed");
    }
}
