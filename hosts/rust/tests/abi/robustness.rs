//! After any error the next call works, and no memory and no half-done state is left behind.

use lua_persistent::Value;
use lua_persistent::generated::MemoryStats;

use crate::call;
use crate::documented::{Instance, assert_has, plain};

/// Bytes that Lua uses once all garbage is gone.
fn used(instance: &mut Instance) -> i64 {
    call!(instance.run_gc());
    call!(instance.run_gc());
    let at = instance.buffer();
    call!(instance.get_memory_stats(at));
    MemoryStats::read(&instance.bytes(at, MemoryStats::SIZE)).unwrap().lua_memory_used.into()
}

/// Ways to fail, each with what its message has to say: one of these.
const FAILURES: [(&str, &str, &[&str]); 17] = [
    ("a syntax error", "local = 1", &["<name> expected"]),
    ("a runtime error", "local t = {} return t.x.y", &["attempt to index a nil value"]),
    ("an error that is a table", "error({code = 1})", &["error object is a table value"]),
    ("an error that is nil", "error()", &["nil"]),
    ("memory that runs out", "local t = {} for i = 1, math.huge do t[i] = {} end", &["not enough memory"]),
    ("one allocation that is too large", "return ('x'):rep(3000000)", &["not enough memory"]),
    ("a stack overflow", "local function f() return 1 + f() end return f()", &["stack overflow", "not enough memory"]),
    ("an error in a metamethod", "return setmetatable({}, {__add = function() error('added') end}) + 1", &["added"]),
    ("an error in __tostring", "print(setmetatable({}, {__tostring = function() error('shown') end}))", &["shown"]),
    (
        "a __tostring that gives no string",
        "print(setmetatable({}, {__tostring = function() return {} end}))",
        &["'__tostring' must return a string"],
    ),
    (
        "an error while closing",
        "local x <close> = setmetatable({}, {__close = function() error('closing') end})",
        &["closing"],
    ),
    (
        "an error while closing after an error",
        "local x <close> = setmetatable({}, {__close = function() error('second') end}) error('first')",
        &["second"],
    ),
    ("an error in a coroutine", "coroutine.wrap(function() error('inside') end)()", &["inside"]),
    ("an error in a sort", "table.sort({3, 2, 1}, function() error('compared') end)", &["compared"]),
    ("an error in gsub", "return ('x'):gsub('.', function() error('replaced') end)", &["replaced"]),
    ("a yield from the main chunk", "coroutine.yield(1)", &["outside a coroutine"]),
    (
        "an error in an error handler",
        "local ok, m = xpcall(error, function() error('handler') end) error(tostring(m), 0)",
        &[""],
    ),
];

#[test]
fn after_the_next_call_works() {
    for (name, code, messages) in FAILURES {
        let mut instance = plain();
        instance.compute("kept = 42");
        let fits = |error: &str| messages.iter().any(|message| error.contains(message));
        for _ in 0..3 {
            assert!(fits(instance.compute(code).error()), "{name}");
            assert_eq!(instance.compute("return kept").value(), Value::Integer(42), "{name}");
            assert!(fits(instance.evaluate(code).error()), "{name}");
            assert_eq!(instance.evaluate("kept + 1").value(), Value::Integer(43), "{name}");
        }
    }
}

#[test]
fn an_error_in_a_finalizer_disturbs_neither_the_call_nor_the_next() {
    let mut instance = plain();
    let code = "setmetatable({}, {__gc = function() error('final') end}) collectgarbage() return 1";
    assert_eq!(instance.compute(code).value(), Value::Integer(1));
    instance.compute("setmetatable({}, {__gc = function() error('later') end})");
    call!(instance.run_gc());
    assert_eq!(instance.compute("return 2").value(), Value::Integer(2));
}

#[test]
fn finalizers_run_when_the_machine_is_closed_errors_in_them_included() {
    let mut instance = plain();
    instance.compute("kept = setmetatable({}, {__gc = function() _home.closed = true error('late') end})");
    call!(instance.deinit());
    assert_eq!(instance.table(1).get("closed").unwrap(), &[0x01, 1]);
    assert_eq!(call!(instance.init()), 0);
}

#[test]
fn a_hundred_thousand_failing_calls_leave_memory_as_it_was() {
    let mut instance = plain();
    let cheap = [
        "local = 1",
        "error('x')",
        "error({})",
        "return nil + 1",
        "return x.y",
        "error(setmetatable({}, {__tostring = function() error('t') end}))",
        "local x <close> = setmetatable({}, {__close = function() error('c') end}) error('first')",
        "coroutine.wrap(function() error('i') end)()",
        "return ('x'):rep(1e9)",
        "string.format('%d', 1.5)",
    ];
    let round = |instance: &mut Instance, count: usize| {
        for code in cheap.iter().cycle().take(count) {
            let (at, length) = instance.write(code);
            assert!(call!(instance.compute(at, length)) < 0);
        }
    };
    round(&mut instance, 1000);
    let before = used(&mut instance);
    round(&mut instance, 100_000);
    let after = used(&mut instance);
    assert!((after - before).abs() <= 256, "{before} bytes before, {after} after");
}

#[test]
fn failing_evals_leave_memory_as_it_was() {
    let mut instance = plain();
    let round = |instance: &mut Instance, count: usize| {
        for code in ["local a = )", "local a = 1 error('x')"].iter().cycle().take(count) {
            assert!(instance.evaluate(code).left < 0);
        }
    };
    round(&mut instance, 100);
    let before = used(&mut instance);
    round(&mut instance, 10_000);
    let after = used(&mut instance);
    assert!((after - before).abs() <= 256, "{before} bytes before, {after} after");
}

#[test]
fn a_heap_filled_again_and_again_is_whole_again_each_time() {
    let mut instance = plain();
    let fillers = [
        "local t = {} while true do t = {t} end",
        "local t = {} for i = 1, math.huge do t[i] = ('x'):rep(i) end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, math.huge do t['k' .. i] = i end",
        "local t = {} for i = 1, math.huge do t[i] = function() return t, i end end",
        "local t = {} for i = 1, math.huge do t[i] = coroutine.create(print) end",
        "local t = {} for i = 1, math.huge do t[i] = setmetatable({}, {__gc = function() end}) end",
        "return table.concat({('x'):rep(600000), ('y'):rep(600000), ('z'):rep(600000)})",
        "return assert(load(('x = 1 '):rep(100000)))",
    ];
    let mut before = i64::MAX / 2;
    for round in 0..3 {
        // Lua keeps the string table that the first round made it grow.
        if round == 1 {
            before = used(&mut instance);
        }
        for code in fillers {
            assert_has(instance.compute(code).error(), "not enough memory");
            assert_eq!(instance.compute("return ('y'):rep(10)").value(), "y".repeat(10).into(), "{code}");
        }
    }
    let after = used(&mut instance);
    assert!(after - before <= 256, "{before} bytes before, {after} after");
}

#[test]
fn a_program_can_catch_that_memory_ran_out_and_go_on() {
    let code = "local ok, message = pcall(function() local t = {} for i = 1, math.huge do t[i] = {i} end end)
        collectgarbage()
        return tostring(ok) .. ' ' .. tostring(message) .. ' ' .. #('x'):rep(500000)";
    assert_eq!(plain().compute(code).value(), "false not enough memory 500000".into());
}

#[test]
fn globals_that_fill_the_heap_stay_and_can_be_let_go() {
    let mut instance = plain();
    instance.compute("hoard = {} for i = 1, 8000 do hoard[i] = ('x'):rep(100) .. i end");
    assert_has(instance.compute("return ('z'):rep(400000)").error(), "not enough memory");
    assert_eq!(instance.compute("return #hoard").value(), Value::Integer(8000));
    let code = "hoard = nil collectgarbage() return #('z'):rep(400000)";
    assert_eq!(instance.compute(code).value(), Value::Integer(400_000));
}

#[test]
fn a_heap_that_is_full_answers_every_call_one_way_or_the_other_and_a_new_machine_has_it_all() {
    let mut instance = plain();
    instance.compute("hoard = {} while true do hoard = {hoard} end");
    for call in 0..500 {
        let fails = format!("local t = {{}} for i = 1, {call} do t[i] = i end error(t)");
        for code in ["return {1, 2, {3}}, print('text', 1.5), tostring({})", &fails, "_home.x = 'value' return _home.x"]
        {
            let reply = instance.compute(code);
            if code != fails {
                assert!(reply.left > 0 || reply.error().contains("not enough memory"), "{:?}", reply.error);
            }
        }
    }
    call!(instance.deinit());
    assert_eq!(call!(instance.init()), 0);
    assert_eq!(instance.compute("return #('z'):rep(500000)").value(), Value::Integer(500_000));
}
