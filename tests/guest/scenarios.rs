//! The five scenarios of the project request, and what holds for a machine over its whole life: failing
//! calls cost nothing, and closing it leaves nothing. (On the host, what Lua prints goes to the process;
//! that it is captured is tested in the module.)

use crate::common::Machine;
use lua_persistent::call::outcome;
use lua_persistent::{machine, memory, native_host};

/// Keeps what is printed in a global.
const PRINT: &str = "function print(text) printed = text end";

#[test]
fn t1_a_chunk_prints_and_gives_its_last_local() {
    let m = Machine::new();
    m.ok(PRINT);
    assert_eq!(m.eval("local x = 5 + 3\nprint(\"Result: \" .. x)").as_deref(), Ok("8"));
    assert_eq!(m.ok("return printed"), "Result: 8");
}

#[test]
fn t2_an_external_table_keeps_what_it_is_given() {
    let m = Machine::new();
    let code = "local data = ext.table() data['name'] = 'Alice' data['age'] = 30 id = ext.id(data) return data['name']";
    assert_eq!(m.ok(code), "Alice");
    let id = m.ok("return id").parse().expect("an id");
    let age = [&[2][..], &30i64.to_le_bytes()].concat();
    let entries = [(b"name".to_vec(), b"\x04\x05\0\0\0Alice".to_vec()), (b"age".to_vec(), age)];
    assert_eq!(native_host::snapshot()[&id], entries);
}

#[test]
fn t3_locals_stay_from_one_eval_to_the_next() {
    let m = Machine::new();
    m.ok(PRINT);
    for count in 1..4 {
        m.eval("local counter = (counter or 0) + 1\nprint(\"Count: \" .. counter)").expect("it runs");
        assert_eq!(m.ok("return printed"), format!("Count: {count}"));
    }
}

#[test]
fn t3_what_home_holds_stays_in_a_new_machine() {
    let m = Machine::new();
    for count in 1..4 {
        assert_eq!(m.ok("_home.counter = (_home.counter or 0) + 1 return _home.counter"), count.to_string());
        m.restart();
    }
}

#[test]
fn t4_a_syntax_error_names_its_line() {
    let m = Machine::new();
    let error = m.error("local fine = 1\ninvalid syntax here");
    assert!(error.contains(":2: syntax error near 'syntax'"), "{error}");
    assert_eq!(outcome::status(), lua_persistent::abi::STATUS_SYNTAX_ERROR);
    assert_eq!(m.ok("return 1"), "1");
}

#[test]
fn t5_a_thousand_items_lie_with_the_host() {
    let m = Machine::new();
    m.ok("for i = 1, 10 do _home['warm' .. i] = 'up' end collectgarbage()");
    let used = m.used();
    m.ok("for i = 1, 1000 do _home['item_' .. i] = { id = i, value = 'Item number ' .. i } end collectgarbage() collectgarbage()");
    assert!(m.used() < used + 64 * 1024, "{used} bytes became {}", m.used());
    assert_eq!(native_host::snapshot().len(), 1001);
    m.restart();
    assert_eq!(m.ok("return _home.item_500.value .. #_home .. ext.size(_home)"), "Item number 50001010");
}

/// Ways in which a call fails.
const FAILURES: [&str; 12] = [
    "syntax error here",
    "error('text')",
    "error({ code = 1 })",
    "error(setmetatable({}, { __tostring = function() return 'shown' end }))",
    "error(setmetatable({}, { __tostring = function() error('again') end }))",
    "local function f() return 1 + f() end return f()",
    "local x = nil return x.y",
    "local t = setmetatable({}, { __gc = function() error('in a finaliser') end }) t = nil collectgarbage() error('behind')",
    "local c <close> = setmetatable({}, { __close = function() error('closing') end }) error('first')",
    "_home.c = coroutine.create(print)",
    "_home.t = { deep = { { c = coroutine.create(print) } } }",
    "string.rep('x', 10000000)",
];

#[test]
fn ten_thousand_failing_calls_leave_the_memory_as_it_was() {
    let m = Machine::new();
    let fail = |times: usize| {
        for n in 0..times {
            m.error(FAILURES[n % FAILURES.len()]);
        }
        m.ok("collectgarbage() collectgarbage()");
        m.used()
    };
    let before = fail(500);
    let after = fail(10_000);
    assert!(after <= before, "{before} bytes became {after}");
    m.check_heap();
    assert!(native_host::snapshot().is_empty(), "nothing was stored");
}

#[test]
fn the_heap_can_be_filled_and_used_again_and_again() {
    let m = Machine::new();
    for _ in 0..5 {
        assert_eq!(m.error("t = {} for i = 1, 1e7 do t[i] = { i } end"), "not enough memory");
        assert_eq!(m.ok("t = nil collectgarbage() return 1 + 1"), "2");
        assert_eq!(m.error("local s = 'x' while true do s = s .. s end"), "not enough memory");
        assert_eq!(m.ok("_home.n = (_home.n or 0) + 1 return #('y'):rep(100000)"), "100000");
    }
    assert_eq!(m.ok("return _home.n"), "5");
    m.check_heap();
}

#[test]
fn a_closed_machine_leaves_nothing_in_the_heap() {
    let m = Machine::new();
    for code in [
        "return 1",
        "error('failed')",
        "_home.t = { 1, { 2 } } _home.f = function() return _home end keep = _home.t for k in pairs(_home) do end",
        "setmetatable(_home, { __index = string }) co = coroutine.wrap(function() coroutine.yield(_home.t) end) co()",
        "local t = {} for i = 1, 1e7 do t[i] = { i } end",
    ] {
        let _ = m.run(code);
        machine::stop();
        memory::release_reserve();
        assert_eq!(m.used(), 0, "bytes left behind {code}");
        m.check_heap();
        assert!(machine::start());
    }
}
