//! Machines as programs in Rust use them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lua_persistent::{
    Context, Engine, EngineOptions, Error, ErrorKind, Function, Limit, Limits, Lua, MemoryStore, Options, Run,
    StateError, Table, Value,
};

mod support;

use support::engine;

fn machine() -> Lua {
    engine().create(Options::new()).unwrap()
}

fn with(options: Options) -> Lua {
    engine().create(options).unwrap()
}

fn lua_error(error: Error) -> Box<lua_persistent::LuaError> {
    match error {
        Error::Lua(error) => error,
        other => panic!("{other:?} is not an error of Lua"),
    }
}

#[test]
fn code_gives_values_and_output() {
    let mut lua = machine();
    let outcome = lua.compute("print('hello') return 1, 'two', 3.5, true, nil").unwrap();
    assert_eq!(outcome.output, "hello\n");
    let (one, two, three, yes, nothing): (i64, String, f64, bool, Option<i64>) = outcome.get().unwrap();
    assert_eq!((one, two.as_str(), three, yes, nothing), (1, "two", 3.5, true, None));
    assert_eq!(lua.eval("1 + 1").unwrap().value(), Value::Integer(2));
}

#[test]
fn long_code_and_long_results_pass_the_buffer() {
    let mut lua = machine();
    let code = format!("--{}\nreturn ('x'):rep(200000)", "c".repeat(100_000));
    let text: String = lua.compute(&code).unwrap().get().unwrap();
    assert_eq!(text.len(), 200_000);
    let long = "y".repeat(150_000);
    assert_eq!(lua.call::<i64>("string.len", (long.as_str(),)).unwrap(), 150_000);
}

#[test]
fn errors_have_kind_message_traceback_value_and_output() {
    let mut lua = machine();
    let error = lua_error(lua.compute("print('before') error({ code = 7 })").unwrap_err());
    assert_eq!(error.kind, ErrorKind::Runtime);
    assert_eq!(error.output, "before\n");
    assert!(error.traceback.contains("stack traceback"));
    assert_eq!(error.value.as_table().unwrap().get::<i64>("code").unwrap(), 7);
    assert_eq!(lua_error(lua.compute("x = = 1").unwrap_err()).kind, ErrorKind::Syntax);
    assert_eq!(lua_error(lua.compute("return ('x'):rep(1e8)").unwrap_err()).kind, ErrorKind::Memory);
    let long = "m".repeat(1000);
    assert_eq!(lua_error(lua.compute(format!("error('{long}', 0)")).unwrap_err()).message, long);
}

#[test]
fn functions_of_rust_get_arguments_and_give_results() {
    let mut lua = machine();
    lua.set(
        "divide",
        Function::new(|_, (a, b): (i64, i64)| if b == 0 { Err(Error::msg("by zero")) } else { Ok((a / b, a % b)) }),
    )
    .unwrap();
    assert_eq!(lua.compute("return divide(17, 5)").unwrap().get::<(i64, i64)>().unwrap(), (3, 2));
    let error = lua_error(lua.compute("divide(1, 0)").unwrap_err());
    assert!(error.message.ends_with("by zero"), "{}", error.message);
    assert_eq!(error.cause.unwrap().to_string(), "by zero");
    let error = lua_error(lua.compute("divide('a', 1)").unwrap_err());
    assert!(error.message.ends_with("value 1: expected an integer, got string"), "{}", error.message);
    let caught: String = lua.compute("local ok, m = pcall(divide, 1, 0) return m").unwrap().get().unwrap();
    assert_eq!(caught, "by zero");
}

#[test]
fn a_function_of_rust_runs_lua_again() {
    let mut lua = machine();
    let twice = |lua: &mut Context<'_>, f: Function| {
        let first: i64 = lua.call(&f, (1,))?;
        assert_eq!(lua.compute("io.write('inside ')")?.output, "inside ");
        Ok(first + lua.call::<i64>(&f, (2,))?)
    };
    lua.set("twice", Function::new(twice)).unwrap();
    let code = "io.write('before ') local n = twice(function(x) return 10 * x end) io.write('after') return n";
    let outcome = lua.compute(code).unwrap();
    assert_eq!(outcome.output, "before inside after");
    assert_eq!(outcome.get::<i64>().unwrap(), 30);
    let code =
        "local thrown = {} local ok, e = pcall(twice, function() error(thrown) end) return not ok and e == thrown";
    assert!(lua.compute(code).unwrap().get::<bool>().unwrap(), "an error inside goes on as it is");
}

#[test]
fn a_panic_of_a_function_is_an_error_in_lua() {
    let mut lua = machine();
    lua.set("bad", Function::new(|_, (): ()| -> Result<(), Error> { panic!("on purpose") })).unwrap();
    let error = lua_error(lua.compute("bad()").unwrap_err());
    assert!(error.message.ends_with("the host panicked: on purpose"), "{}", error.message);
    assert_eq!(
        lua.compute("return select(2, pcall(bad))").unwrap().get::<String>().unwrap(),
        "the host panicked: on purpose"
    );
}

#[test]
fn globals_tables_and_modules() {
    let mut lua = with(
        Options::new()
            .module("m", "return { n = 5 }")
            .module("empty", "")
            .find_module(|name| name.starts_with("made.").then(|| format!("return {name:?}").into())),
    );
    lua.set("config", Table::from_iter([("depth", 3)])).unwrap();
    lua.set("config.name", "demo").unwrap();
    assert_eq!(lua.compute("return config.name .. config.depth").unwrap().get::<String>().unwrap(), "demo3");
    assert_eq!(lua.get::<i64>("config.depth").unwrap(), 3);
    assert!(lua.get::<Value>("config.depth.x").is_err());
    assert_eq!(lua.compute("return require('m').n").unwrap().get::<i64>().unwrap(), 5);
    assert_eq!(lua.compute("return require('made.it')").unwrap().get::<String>().unwrap(), "made.it");
    assert!(lua.compute("return require('empty')").unwrap().get::<bool>().unwrap());
    assert!(lua_error(lua.compute("require('none')").unwrap_err()).message.contains("module 'none' not found"));
}

#[test]
fn tables_by_value_keep_what_is_shared_and_go_round_in_circles() {
    let mut lua = machine();
    let table: Table = lua.compute("local t = { 1, 2, x = {} } t.self = t t.y = t.x return t").unwrap().get().unwrap();
    assert_eq!((table.len(), table.pairs().count()), (2, 3));
    assert_eq!(table.get::<Table>("self").unwrap(), table);
    assert_eq!(table.get::<Table>("x").unwrap(), table.get::<Table>("y").unwrap());
    assert_ne!(table.get::<Table>("x").unwrap(), table);
    let same: bool = lua
        .eval("function(t) return t.self == t and t.x == t.y and t.x ~= t and #t == 2 end")
        .and_then(|f| {
            let f: Function = f.get()?;
            lua.call(&f, (&table,))
        })
        .unwrap();
    assert!(same);
    // Deeper than any stack.
    let deep: Table = lua.compute("local t = {} for i = 1, 5000 do t = { t } end return t").unwrap().get().unwrap();
    lua.set("deep", &deep).unwrap();
    assert_eq!(
        lua.compute("local n = 0 while deep do deep = deep[1] n = n + 1 end return n").unwrap().get::<i64>().unwrap(),
        5001
    );
    drop(format!("{deep:?}"));
}

#[test]
fn limits_end_a_call_and_not_the_machine() {
    let mut lua = with(Options::new().limits(Limits::new().instructions(10_000)).heap_bytes(200_000));
    assert_eq!(lua_error(lua.compute("while true do end").unwrap_err()).kind, ErrorKind::Limit(Limit::Instructions));
    assert_eq!(lua.compute("return 1").unwrap().get::<i64>().unwrap(), 1);
    let run = Run::new().limits(Limits::new().output_bytes(3).instructions(1000));
    assert_eq!(lua_error(lua.run("print('long')", &run).unwrap_err()).kind, ErrorKind::Limit(Limit::OutputBytes));
    let run = Run::new().limits(Limits::new().milliseconds(5).instructions(u32::MAX));
    assert_eq!(lua_error(lua.run("while true do end", &run).unwrap_err()).kind, ErrorKind::Limit(Limit::Milliseconds));
    assert_eq!(lua_error(lua.compute("return ('x'):rep(300000)").unwrap_err()).kind, ErrorKind::Memory);
    assert!(matches!(engine().create(Options::new().heap_bytes(100)), Err(Error::Option(_))));
}

#[test]
fn quotas_of_tables_end_the_assignment() {
    let mut lua = with(Options::new().table_entries(3).table_bytes(100));
    lua.compute("_home.a, _home.b, _home.c = 1, 2, 3").unwrap();
    let error = lua_error(lua.compute("_home.d = 4").unwrap_err());
    assert_eq!(error.kind, ErrorKind::Limit(Limit::TableEntries));
    assert!(error.message.contains("the limit of 3 entries in external tables is reached"), "{}", error.message);
    let error = lua_error(lua.compute("_home.a = ('x'):rep(100)").unwrap_err());
    assert_eq!(error.kind, ErrorKind::Limit(Limit::TableBytes));
    lua.compute("_home.a = nil _home.d = 4").unwrap();
    assert_eq!(lua.stats().unwrap().table_entries, Some(3));
}

#[test]
fn programs_run_in_steps_and_yield() {
    let mut lua = machine();
    lua.start(
        "local got = coroutine.yield('first', 2) for i = 1, 1e6 do n = i end return got",
        &Run::new().name("steps"),
    )
    .unwrap();
    let step = lua.step(None).unwrap();
    assert!(step.yielded && !step.done);
    assert_eq!(step.values, ["first".into(), Value::Integer(2)]);
    let step = lua.resume(("back",), Some(1000), Limits::new()).unwrap();
    assert!(!step.yielded && !step.done && step.ticks >= 1000, "{step:?}");
    assert!(lua.get::<i64>("n").unwrap() > 900, "other code runs between steps");
    let step = lua.step(None).unwrap();
    assert!(step.done);
    assert_eq!(step.values, ["back".into()]);
    assert_eq!(lua_error(lua.step(None).unwrap_err()).kind, ErrorKind::Argument);
}

#[test]
fn output_comes_as_it_is_printed() {
    let printed = Arc::new(Mutex::new(Vec::new()));
    let taken = printed.clone();
    let options =
        Options::new().on_print(move |piece| taken.lock().unwrap().extend_from_slice(piece)).keep_output(false);
    let mut lua = with(options);
    let outcome = lua.compute("for i = 1, 20000 do print(i) end warn('@on') warn('careful')").unwrap();
    assert!(outcome.output.is_empty());
    let printed = String::from_utf8(printed.lock().unwrap().clone()).unwrap();
    assert!(printed.starts_with("1\n2\n") && printed.ends_with("20000\nLua warning: careful\n"), "{}", printed.len());
    assert_eq!(lua.printed(), printed.len() as u64);
}

#[test]
fn services_are_what_the_options_say() {
    let clock = || lua_persistent::Clock { unix_seconds: 1e9, cpu_seconds: 2.5 };
    let options = || Options::new().clock(clock).utc_offset(|_| 3600).entropy(|| [1, 2]);
    let code = "return os.time(), os.clock(), os.date('%H', 0), math.random(1000000)";
    let mut lua = with(options());
    let (time, cpu, hour, random): (i64, f64, String, i64) = lua.compute(code).unwrap().get().unwrap();
    assert_eq!((time, cpu, hour.as_str()), (1_000_000_000, 2.5, "01"));
    assert_eq!(with(options()).compute(code).unwrap().values[3], Value::Integer(random));
    let year: i64 = machine().compute("return tonumber(os.date('%Y'))").unwrap().get().unwrap();
    assert!(year >= 2024);
}

#[test]
fn a_held_function_lives_as_long_as_rust_holds_it() {
    let mut lua = machine();
    let code = "local t = setmetatable({}, {__gc = function() gone = true end}) return function() return t end";
    let function: Function = lua.compute(code).unwrap().get().unwrap();
    let copy = function.clone();
    drop(function);
    lua.gc().unwrap();
    assert!(lua.get::<Value>("gone").unwrap().is_nil());
    assert_eq!(lua.call::<Table>(&copy, ()).unwrap().len(), 0);
    drop(copy);
    lua.gc().unwrap();
    lua.gc().unwrap();
    assert!(lua.get::<bool>("gone").unwrap());
    let other: Function = lua.eval("function() end").unwrap().get().unwrap();
    assert!(matches!(machine().call::<()>(&other, ()), Err(Error::Value(_))), "it belongs to one machine");
}

#[test]
fn external_tables_are_those_of_the_store() {
    let mut lua = machine();
    lua.home().set("list", Table::from(vec![1, 2, 3])).unwrap();
    assert_eq!(lua.compute("return #_home.list, _home.list[3]").unwrap().get::<(i64, i64)>().unwrap(), (3, 3));
    lua.compute("_home.f = function() return 7 end setmetatable(_home, {__index = function(_, k) return k end})")
        .unwrap();
    assert_eq!(lua.home().keys().unwrap(), ["list".into(), "f".into()]);
    assert_eq!(lua.home().len().unwrap(), 2);
    let stored: Function = lua.home().get("f").unwrap();
    assert_eq!(lua.call::<i64>(&stored, ()).unwrap(), 7);
    lua.home().delete("list").unwrap();
    assert!(lua.collect().unwrap() >= 1);
    assert!(lua.home().set(f64::NAN, 1).is_err());
    lua.set_input(Table::from_iter([("a", 1)])).unwrap();
    lua.compute("_io.output = _io.input.a + 1").unwrap();
    assert_eq!(lua.get_output::<i64>().unwrap(), 2);
    lua.clear_io().unwrap();
    assert!(lua.get_output::<Value>().unwrap().is_nil());
}

#[test]
fn a_transactional_call_that_fails_is_undone() {
    let mut lua = with(Options::new().transactional(true));
    let kept: Function = lua.compute("_home.n, n = 1, 1 return function() return n end").unwrap().get().unwrap();
    lua.compute("_home.n, n = 2, 2 _home.new = { 1 } error('no')").unwrap_err();
    assert_eq!(
        lua.compute("return _home.n, n, _home.new == nil").unwrap().get::<(i64, i64, bool)>().unwrap(),
        (1, 1, true)
    );
    assert_eq!(lua.call::<i64>(&kept, ()).unwrap(), 1, "what was held before is held");
    let mut plain = machine();
    plain.compute("_home.n = 2 error('no')").unwrap_err();
    assert_eq!(plain.home().get::<i64>("n").unwrap(), 2);
}

#[test]
fn checkpoints_nest() {
    let mut lua = machine();
    lua.compute("_home.n, n = 0, 0").unwrap();
    lua.checkpoint().unwrap();
    lua.compute("_home.n, n = 1, 1").unwrap();
    lua.checkpoint().unwrap();
    let lost: Function = lua.compute("_home.n, n = 2, 2 return function() end").unwrap().get().unwrap();
    lua.rollback().unwrap();
    assert!(lua.call::<()>(&lost, ()).is_err());
    assert_eq!(lua.compute("return _home.n, n").unwrap().get::<(i64, i64)>().unwrap(), (1, 1));
    lua.commit().unwrap();
    assert_eq!(lua.compute("return _home.n, n").unwrap().get::<(i64, i64)>().unwrap(), (1, 1));
    assert!(matches!(lua.rollback(), Err(Error::State(StateError::NoCheckpoint))));
}

#[test]
fn a_snapshot_goes_on_with_everything() {
    let calls = Arc::new(AtomicUsize::new(0));
    let options = || {
        let calls = calls.clone();
        Options::new().function("count", move |_, (): ()| Ok(calls.fetch_add(1, Ordering::Relaxed) as i64))
    };
    let mut lua = with(options());
    lua.compute("x = coroutine.wrap(function() coroutine.yield(1) return 2 end) x() _home.name = 'kept' count()")
        .unwrap();
    let bytes = lua.snapshot().unwrap();
    let mut other = engine().restore(&bytes, options()).unwrap();
    assert_eq!(
        other.compute("return x(), _home.name, count()").unwrap().get::<(i64, String, i64)>().unwrap(),
        (2, "kept".into(), 1)
    );
    assert_eq!(lua.compute("return x()").unwrap().get::<i64>().unwrap(), 2);
    assert!(engine().restore(&bytes[..100], Options::new()).is_err());
    let mut wrong = bytes.clone();
    wrong[200] ^= 1;
    assert!(matches!(engine().restore(&wrong, Options::new()), Err(Error::Snapshot(_))));
    let without = lua.snapshot_without_tables().unwrap();
    assert!(engine().restore(&without, Options::new()).is_err());
    let store = lua.close().unwrap();
    let mut other = engine().restore(&without, Options::new().boxed_store(store)).unwrap();
    assert_eq!(other.home().get::<String>("name").unwrap(), "kept");
}

#[test]
fn a_fork_goes_its_own_way() {
    let mut lua = machine();
    lua.compute("n, _home.n = 1, 1 random = math.random(1e9)").unwrap();
    let mut fork = lua.fork(Options::new()).unwrap();
    fork.compute("n, _home.n = 2, 2").unwrap();
    assert_eq!(lua.compute("return n, _home.n").unwrap().get::<(i64, i64)>().unwrap(), (1, 1));
    assert_eq!(
        lua.compute("return math.random(1e9)").unwrap().value(),
        fork.compute("return math.random(1e9)").unwrap().value()
    );
}

#[test]
fn machines_of_an_image_have_its_memory_and_their_own_tables() {
    let engine = Engine::new(EngineOptions::new().pooled(10)).unwrap();
    let mut lua = engine.create(Options::new()).unwrap();
    lua.compute("words = {} for i = 1, 5000 do words[i] = 'w' .. i end").unwrap();
    let image = lua.image().unwrap();
    let mut machines: Vec<Lua> = (0..5)
        .map(|n| image.create(Options::new().store(MemoryStore::new()).function("me", move |_, (): ()| Ok(n))).unwrap())
        .collect();
    for (n, machine) in machines.iter_mut().enumerate() {
        machine.set("me", Function::new(move |_, (): ()| Ok(n as i64))).unwrap();
        let code = "words[1] = words[1] .. me() _home.n = me() return words[1], words[5000]";
        let (first, last): (String, String) = machine.compute(code).unwrap().get().unwrap();
        assert_eq!((first, last), (format!("w1{n}"), "w5000".to_owned()));
        assert_eq!(machine.home().get::<usize>("n").unwrap(), n);
    }
    assert_eq!(lua.compute("return words[1]").unwrap().get::<String>().unwrap(), "w1");
}

#[test]
fn an_interrupted_machine_stops_and_keeps_its_tables_as_they_were() {
    let engine = Engine::new(EngineOptions::new().interruptible(true)).unwrap();
    let mut lua = engine.create(Options::new()).unwrap();
    lua.compute("_home.n = 1").unwrap();
    let (handle, begun) = (lua.interrupt_handle(), Arc::new(std::sync::Barrier::new(2)));
    let waits = begun.clone();
    lua.set(
        "begun",
        Function::new(move |_, (): ()| {
            waits.wait();
            Ok(())
        }),
    )
    .unwrap();
    let stopper = std::thread::spawn(move || {
        begun.wait();
        handle.interrupt()
    });
    let error = lua.compute("_home.n = 2 begun() while true do end").unwrap_err();
    stopper.join().unwrap();
    assert!(matches!(error, Error::State(StateError::Interrupted)), "{error:?}");
    assert!(matches!(lua.compute("return 1"), Err(Error::State(StateError::Interrupted))));
    assert_eq!(lua.home().get::<i64>("n").unwrap(), 1);
}

#[test]
fn machines_move_between_threads() {
    let mut lua = machine();
    lua.set("f", Function::new(|_, (): ()| Ok(1))).unwrap();
    let n: i64 = std::thread::spawn(move || lua.compute("return f()").unwrap().get().unwrap()).join().unwrap();
    assert_eq!(n, 1);
}
