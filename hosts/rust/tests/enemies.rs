//! Programs and hosts that mean harm: none does worse than an error.

use lua_persistent::{Context, Error, ErrorKind, Function, Limit, Limits, Options, Table, Value};

mod support;

use support::engine;

fn limited() -> lua_persistent::Lua {
    engine().create(Options::new().limits(Limits::new().instructions(300_000))).unwrap()
}

#[test]
fn no_program_does_worse_than_an_error() {
    let mut lua = limited();
    lua.set("echo", Function::new(|_, values: Vec<Value>| Ok(values))).unwrap();
    lua.set("again", Function::new(|lua: &mut Context<'_>, f: Function| lua.call::<Vec<Value>>(&f, ()))).unwrap();
    lua.set("run", Function::new(|lua: &mut Context<'_>, code: String| Ok(lua.compute(code)?.values))).unwrap();
    for code in [
        // Without end.
        "while true do end",
        "local function f() return f() end f()",
        "while true do pcall(echo) end",
        "string.rep('a', 1e5):find(('a?'):rep(1000) .. ('a'):rep(1000))",
        // Deeper than any stack.
        "local function f() return 1 + again(f) end f()",
        "local function f() run('depth()') end depth = f f()",
        "local s = 'run([[' for i = 1, 200 do s = 'pcall(run, [=[' .. s .. ']=])' end run(s)",
        "local t = {} for i = 1, 1e5 do t = { t } end return t",
        "local t = {} for i = 1, 1e5 do t = { t } end echo(t)",
        "local t = {} for i = 1, 1e5 do t = { t } end _home.t = t",
        "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
        "return setmetatable({}, { __index = function(t, k) return t[k] end }).x",
        // Larger than any memory.
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "return ('x'):rep(1 << 30)",
        "local t = {} for i = 1, 200 do t[i] = ('x'):rep(8000) end return echo(table.unpack(t))",
        "local t = {} for i = 1, 1e6 do t[i] = {} end return t",
        "return echo(table.unpack({}, 1, 200000))",
        // A billion of what is one.
        "local t = {} for i = 1, 64 do t = { t, t } end return echo(t)",
        // Errors that are errors.
        "error(setmetatable({}, { __tostring = function() error('again') end }))",
        "error(error)",
        "error(coroutine.create(print))",
        "again(error)",
        "again(coroutine.yield)",
        "coroutine.wrap(function() again(coroutine.yield) end)()",
        "local co co = coroutine.wrap(function() again(co) end) co()",
        "setmetatable({}, { __gc = function() again(function() error('in a finalizer') end) end }) collectgarbage()",
        "setmetatable({}, { __close = again }) local x <close> = setmetatable({}, { __close = function() again(error) end })",
        // What only the host may do.
        "_home['[meta]'] = 1 _home['\\n'] = 2 return _home['[meta]']",
        "echo = nil collectgarbage() return again(function() return run end)",
        "print(('x'):rep(1e6)) print(('y'):rep(1e6))",
        "return load(string.dump(function() end))",
    ] {
        match lua.compute(code) {
            Ok(_) | Err(Error::Lua(_)) => {}
            Err(other) => panic!("{code}: {other:?}"),
        }
        lua.set("echo", Function::new(|_, values: Vec<Value>| Ok(values))).unwrap();
        assert_eq!(lua.compute("return 6 * 7").unwrap().get::<i64>().unwrap(), 42, "after {code}");
        lua.compute("for k in pairs(_home) do _home[k] = nil end depth = nil collectgarbage()").unwrap();
    }
}

#[test]
fn calls_inside_calls_share_the_limits_of_the_outermost() {
    let mut lua = limited();
    lua.set("run", Function::new(|lua: &mut Context<'_>, code: String| Ok(lua.compute(code)?.values))).unwrap();
    let error = lua.compute("while true do pcall(run, 'for i = 1, 1000 do end') end").unwrap_err();
    assert_eq!(error.as_lua().unwrap().kind, ErrorKind::Limit(Limit::Instructions));
}

#[test]
fn what_is_shared_in_a_table_takes_no_more_memory_here_than_there() {
    let mut lua = limited();
    let table: Table = lua.compute("local t = {} for i = 1, 64 do t = { t, t } end return t").unwrap().get().unwrap();
    // To look at it or compare it does not visit 2^64 tables, either.
    assert_eq!(table.get::<Table>(1).unwrap(), table.get::<Table>(2).unwrap());
    assert!(format!("{table:?}").len() < 100);
    let back: Table = lua
        .call("rawequal", (&table, &table))
        .map(|same: bool| if same { table.clone() } else { Table::default() })
        .unwrap();
    assert_eq!(back, table);
}

#[test]
fn functions_of_rust_that_misbehave_are_errors() {
    let mut lua = limited();
    lua.set(
        "other",
        Function::new(|_, (): ()| {
            let mut other = engine().create(Options::new())?;
            Ok(other.eval("function() end")?.value())
        }),
    )
    .unwrap();
    let message = lua.compute("other()").unwrap_err().to_string();
    assert!(message.contains("belongs to another machine"), "{message}");
    lua.set("nan", Function::new(|_, (): ()| Ok(Table::from_iter([(f64::NAN, 1)])))).unwrap();
    assert!(lua.compute("nan()").unwrap_err().to_string().contains("nil or NaN"));
    lua.set("long", Function::new(|_, (): ()| Ok("x".repeat(3 << 20)))).unwrap();
    assert_eq!(lua.compute("long()").unwrap_err().as_lua().unwrap().kind, ErrorKind::Memory);
    lua.set("closes", Function::new(|lua: &mut Context<'_>, (): ()| lua.compute("os.exit()").map(drop))).unwrap();
    assert!(lua.compute("closes()").is_err());
    assert_eq!(lua.compute("return 1").unwrap().get::<i64>().unwrap(), 1);
}
