//! Which exports are refused in which state of the module, as `abi.json` says. The states within an import and within a
//! function of the host are in `within.rs`.

use std::sync::Arc;

use lua_persistent::Value;
use lua_persistent::generated::{self as abi, REFUSALS};
use lua_persistent::wasmtime::{AsContextMut, Caller, Error};

use crate::call;
use crate::documented::{Host, Instance, instantiate, plain, start, string};
use crate::within::{EXPORTS, SCRATCH};

fn empty() -> Instance {
    instantiate(Host::default())
}

fn closed() -> Instance {
    let mut instance = plain();
    call!(instance.deinit());
    instance
}

/// A machine with a program that waits, which `program_step` and `program_resume` run on.
fn paused() -> Instance {
    let mut instance = plain();
    let (at, length) = instance.write("for i = 1, 1000 do end coroutine.yield() return 1");
    assert_eq!(call!(instance.program_start(at, length, 0, 0, 0)), 0);
    instance
}

fn lost() -> Instance {
    let set = |_: &mut Caller<'_, Host>, _, _, _| Err(Error::msg("a trap"));
    let mut instance = start(Host { set: Some(Arc::new(set)), ..Host::default() });
    let (at, length) = instance.write("_home.x = 1");
    assert!(instance.exports.clone().compute(&mut instance.store, at, length).is_err());
    instance
}

/// A state, and how a module comes into it.
type State = (&'static str, fn() -> Instance);

const STATES: [State; 5] =
    [("empty", empty), ("empty", closed), ("running", plain), ("paused", paused), ("lost", lost)];

/// The names of the refusals in each state.
fn states() -> Vec<(String, Vec<String>)> {
    let file: serde_json::Value = serde_json::from_str(include_str!("../../../../web/abi.json")).unwrap();
    let text = |json: &serde_json::Value| json.as_str().unwrap().to_owned();
    let state = |json: &serde_json::Value| {
        (text(&json["name"]), json["refusals"].as_array().unwrap().iter().map(text).collect())
    };
    file["states"].as_array().unwrap().iter().map(state).collect()
}

#[test]
fn every_state_is_tested_here_or_in_within_test_js() {
    let mut names: Vec<_> = states().into_iter().map(|(name, _)| name).collect();
    let mut tested = ["empty", "running", "paused", "lost", "importing", "calling"];
    names.sort();
    tested.sort_unstable();
    assert_eq!(names, tested);
}

#[test]
fn a_module_that_is_refuses_the_exports_that_the_reference_lists_with_that_status() {
    let states = states();
    for (state, enter) in STATES {
        let reasons = &states.iter().find(|(name, _)| name == state).unwrap().1;
        for (name, call, ..) in EXPORTS {
            let mut instance = enter();
            let at = instance.buffer() + SCRATCH;
            instance.put(at, b"return 1");
            instance.put(at + 16, &[string("type"), vec![0]].concat());
            instance.put(at + 32, &[string("a"), vec![0]].concat());
            instance.put(at + 48, &[1, 1]);
            let exports = instance.exports.clone();
            match name {
                "program_resume" => drop(call!(instance.program_resume(0, 0, 1))),
                "ext_table_set" => drop(call!(instance.ext_table_set(7, at, 1, at + 48, 2))),
                // An import that traps ends any call that comes to it.
                _ => drop(call(&exports, instance.store.as_context_mut(), at)),
            }
            let refuses = |refusal: &&abi::Refusal| {
                reasons.iter().any(|reason| reason == refusal.name) && refusal.exports.contains(&name)
            };
            let expected = REFUSALS.iter().find(refuses);
            if let Some(refusal) = expected {
                assert_eq!(instance.status(), refusal.status, "{name}, {state}");
            }
            let message = instance.message();
            let is_refused = REFUSALS.iter().any(|refusal| message.as_deref() == Some(refusal.message));
            assert_eq!(is_refused, expected.is_some(), "{name}, {state}: {message:?}");
        }
    }
}

#[test]
fn a_refused_call_leaves_the_state_as_it_is() {
    let mut instance = paused();
    assert!(call!(instance.compute(32 * 65536, 1)) < 0);
    assert_eq!(call!(instance.program_state()), abi::PROGRAM_PAUSED);
    assert_eq!(instance.compute("return 1").value(), Value::Integer(1));
    call!(instance.program_step(0));
    assert_eq!(call!(instance.program_state()), abi::PROGRAM_YIELDED, "it has gone on to its yield");
}
