//! External tables where they could differ from plain ones: keys that are equal in two ways, functions
//! that change behind the machine's back, metatables that come late, hosts that are wrong.

use crate::common::Machine;
use lua_persistent::ext::{home, ids};
use lua_persistent::native_host::{self, Call, Import};

/// Answers calls of one import in the host's stead.
fn answer(import: Import, mut with: impl FnMut(&mut Call<'_>) -> i32 + Send + 'static) {
    native_host::intercept(Some(Box::new(move |call| (call.import == import && call.table != 0).then(|| with(call)))));
}

#[test]
fn a_float_key_with_an_integers_value_is_that_integer() {
    let m = Machine::new();
    assert_eq!(m.ok("local t, k = _home, 1.0 t[1] = 1 t[k] = 2 return t[1]"), "2");
    assert_eq!(m.ok("local t, k = _home, 1.0 t[1] = 1 t[k] = nil return t[1]"), "nil");
    assert_eq!(m.ok("local t, k = _home, 2^53 t[k] = 1 t[1 << 53] = 2 return t[k]"), "2");
    assert_eq!(native_host::snapshot()[&m.home()].len(), 1);
}

#[test]
fn keys_that_only_look_alike_are_different() {
    let m = Machine::new();
    m.ok("local t = _home t[1] = 'integer' t['1'] = 'string' t['[1]'] = 'brackets' t[true] = 'true' t['true'] = 'name'
          t[1 << 53] = 'even' t[(1 << 53) + 1] = 'odd' t[1.5] = 'float' t['1.5'] = 'text'");
    m.restart();
    let all = "local t = _home return table.concat({ t[1], t['1'], t['[1]'], t[true], t['true'], t[1 << 53], t[(1 << 53) + 1], t[1.5], t['1.5'] }, ' ')";
    assert_eq!(m.ok(all), "integer string brackets true name even odd float text");
    assert_eq!(m.ok("local n = 0 for k in pairs(_home) do n = n + 1 end return n"), "9");
}

#[test]
fn what_cannot_be_a_key_is_an_error_in_assignments_and_nil_in_reading() {
    let m = Machine::new();
    for (key, message) in [
        ("nil", "index is nil"),
        ("0/0", "index is NaN"),
        ("{}", "a table cannot be a key"),
        ("print", "a function cannot be a key"),
        ("('x'):rep(16385)", "at most 16384 bytes, this one has 16385"),
    ] {
        let error = m.error(&format!("_home[{key}] = 1"));
        assert!(error.contains(message), "{error}");
        assert_eq!(m.ok(&format!("return _home[{key}]")), "nil");
    }
}

#[test]
fn the_longest_value_is_the_documented_one() {
    let m = Machine::new();
    let longest = (1..20_000).rev().find(|n| m.run(&format!("_home.a = ('x'):rep({n})")).is_ok()).expect("some length");
    assert!((16_379..=16_384).contains(&longest), "{longest}");
    let error = m.error("_home.list = { { text = ('x'):rep(17000) } }");
    assert!(error.starts_with("[string") || error.starts_with("_home.list[1].text"), "{error}");
    assert!(error.contains("_home.list[1].text") && error.contains("17000"), "{error}");
}

#[test]
fn what_a_stored_function_counts_is_kept_even_if_it_is_collected_meanwhile() {
    let m = Machine::new();
    m.ok("local n = 0 _home.count = function() n = n + 1 return n end");
    m.restart();
    assert_eq!(m.ok("for i = 1, 100 do _home.count() collectgarbage() end return _home.count()"), "101");
    m.restart();
    assert_eq!(m.ok("return _home.count()"), "102");
}

#[test]
fn functions_that_are_replaced_do_not_fill_the_heap() {
    let m = Machine::new();
    m.ok("for i = 1, 10 do _home.f = function() return i end end");
    let calls = || {
        (0..300)
            .for_each(|n| drop(m.ok(&format!("local a, b = {n}, 'text' _home.f = function() a = a + 1 return b end"))))
    };
    // The tables that know the living have their final size after a few rounds.
    (0..4).for_each(|_| calls());
    m.ok("ext.collect() collectgarbage()");
    let used = m.used();
    (0..8).for_each(|_| calls());
    m.ok("ext.collect() collectgarbage()");
    // 2,400 functions with two variables each would take a megabyte.
    assert!(m.used() < used + 64 * 1024, "{used} bytes became {}", m.used());
    // `_home`, the function, and its two cells.
    assert_eq!(native_host::snapshot().len(), 4);
}

#[test]
fn a_variable_keeps_its_sign_its_nan_and_its_type() {
    let m = Machine::new();
    m.ok("local z = 0.0 _home.f = function(...) if ... then z = ... end return z end");
    for (set, expression, value) in [
        ("-0.0", "1 / _home.f()", "-inf"),
        ("0/0", "_home.f() ~= _home.f()", "true"),
        ("3", "math.type(_home.f())", "integer"),
        ("3.0", "math.type(_home.f())", "float"),
    ] {
        m.ok(&format!("_home.f({set})"));
        m.restart();
        assert_eq!(m.ok(&format!("return {expression}")), value, "{set}");
    }
}

#[test]
fn a_variable_that_holds_the_globals_is_a_variable_all_the_same() {
    let m = Machine::new();
    m.ok("local env = _G _home.set = function(e) env = e end _home.get = function() return env end");
    m.restart();
    assert_eq!(m.ok("return _home.get() == _G"), "true");
    m.ok("_home.set({ x = 1 })");
    m.restart();
    assert_eq!(m.ok("return _home.get().x"), "1");
}

#[test]
fn a_metamethod_counts_from_when_it_is_given_to_an_external_metatable() {
    let m = Machine::new();
    let call =
        "local mt = {} local p = setmetatable({}, mt) _home.p = p mt.__call = function() return 42 end return p()";
    assert_eq!(m.ok(call), "42");
    let index =
        "local mt = {} local q = setmetatable({}, mt) _home.mt = mt mt.__index = function() return 42 end return q.x";
    assert_eq!(m.ok(index), "42");
    let taken = "local mt = { __len = function() return 9 end } local q = setmetatable({}, mt) _home.mt = mt mt.__len = nil return #q";
    assert_eq!(m.ok(taken), "0");
    m.restart();
    assert_eq!(m.ok("return _home.p()"), "42");
}

#[test]
fn every_metamethod_of_a_stored_table_works_in_a_new_machine() {
    let m = Machine::new();
    m.ok("local mt = { __name = 'Point' }
        for _, name in ipairs { 'add', 'sub', 'mul', 'div', 'mod', 'pow', 'unm', 'idiv', 'band', 'bor', 'bxor', 'shl', 'shr', 'bnot', 'concat', 'len', 'lt', 'le', 'call', 'tostring' } do
          mt['__' .. name] = function() return name end
        end
        mt.__eq = function() return true end
        mt.__index = function(t, k) return k end
        mt.__newindex = function(t, k, v) rawset(t, k, v .. '!') end
        mt.__close = function() closed = true end
        mt.__pairs = function() return function(_, k) if not k then return 'only', 1 end end end
        _home.p, _home.q = setmetatable({}, mt), setmetatable({}, mt)");
    m.restart();
    let results = m.ok("local p, q = _home.p, _home.q
        do local c <close> = p end
        p.new = 'v'
        local names = {}
        for k in pairs(p) do names[#names + 1] = k end
        return table.concat({ p+q, p-q, p*q, p/q, p%q, p^q, -p, p//q, p&q, p|q, p~q, p<<q, p>>q, ~p, p..q, #p,
          tostring(p<q), tostring(p<=q), p(), tostring(p), tostring(p==q), p.missing, rawget(p, 'new'), tostring(closed), names[1], #names }, ' ')");
    assert_eq!(
        results,
        "add sub mul div mod pow unm idiv band bor bxor shl shr bnot concat len true true call tostring true missing v! true only 1"
    );
}

#[test]
fn newindex_gets_a_key_whose_form_is_long() {
    let m = Machine::new();
    let code = "local p = setmetatable({}, { __newindex = function(t, k, v) rawset(t, 'got', #k + v) end })
        _home.p = p p[('\\n'):rep(100)] = 7 return p.got";
    assert_eq!(m.ok(code), "107");
}

#[test]
fn next_goes_on_behind_a_key_though_an_earlier_loop_stopped_there() {
    let m = Machine::new();
    assert_eq!(m.ok("local t = _home t.a = 1 for k in pairs(t) do break end t.b = 2 return (next(t, 'a'))"), "b");
    let gone = "local t = ext.table() t.a = 1 t.b = 2 t.c = 3 for k in pairs(t) do break end
        t.b = nil t.c = nil t.d = 4 return (next(t, 'a'))";
    assert_eq!(m.ok(gone), "d");
    assert_eq!(m.error("next(_home, 'absent')"), "invalid key to 'next'");
}

#[test]
fn loops_may_be_nested_deeper_than_walks_are_remembered() {
    let m = Machine::new();
    let count = m.ok("for i = 1, 3 do _home[i] = i end
        local count = 0
        local function nest(depth)
          for k in pairs(_home) do
            if depth > 0 and k == 2 then nest(depth - 1) end
            count = count + 1
          end
        end
        nest(40)
        return count");
    assert_eq!(count, (41 * 3).to_string());
}

#[test]
fn asking_whether_a_large_table_is_empty_takes_no_memory_for_long() {
    let m = Machine::new();
    m.ok("for i = 1, 4000 do _home['the key with the number ' .. i] = i end");
    m.ok("for i = 1, 100 do next(_home) end");
    m.ok("return #('x'):rep(500000)");
}

#[test]
fn libraries_are_stored_by_name_and_so_is_the_table_of_loaded_modules() {
    let m = Machine::new();
    m.ok("_home.loaded = package.loaded _home.string = string _home.g = _G _home.print = print");
    m.restart();
    assert_eq!(m.ok("return _home.loaded == package.loaded and _home.string == string and _home.g == _G and _home.print == print"), "true");
    m.ok("_home.f = print _home.t = { lib = math }");
}

#[test]
fn attaching_a_high_number_leaves_numbers_for_new_tables() {
    let m = Machine::new();
    let next = ids::next();
    let _ = m.run("local t = ext.attach(4294967294) return t.x");
    m.ok("_home.t = {}");
    assert!(ids::next() < next + 10, "{}", ids::next());
}

#[test]
fn home_can_be_attached_though_new_globals_are_forbidden() {
    let m = Machine::new();
    m.ok("Memory = nil _home = nil setmetatable(_G, { __newindex = function(t, k) error('undeclared ' .. k) end })");
    home::attach(77);
    assert_eq!(ids::home(), 77);
    assert_eq!(m.ok("return ext.id(_home) + ext.id(Memory)"), "154");
}

#[test]
fn what_a_metatable_was_in_an_earlier_machine_is_forgotten() {
    let m = Machine::new();
    m.ok("setmetatable(_home, { __index = function(t, k) return 'old' end }) local f = getmetatable(_home).__index return _home.x");
    let metatable = match &native_host::snapshot()[&m.home()][..] {
        [(key, value)] if key == b"[meta]" => u32::from_le_bytes(value[1..].try_into().expect("an id")),
        other => panic!("{other:?}"),
    };
    let mut tables = native_host::snapshot();
    tables.get_mut(&metatable).expect("it is stored").clear();
    native_host::restore(tables);
    m.restart();
    assert_eq!(m.ok("collectgarbage() return _home.x"), "nil");
}

#[test]
fn finalisers_that_use_external_tables_do_not_disturb_what_is_being_read() {
    let m = Machine::new();
    m.ok("for i = 1, 200 do
            _home['f' .. i] = string.format
            _home['s' .. i] = 'some other text with the number ' .. i
          end
          local n = 0
          _home.g = function() n = n + 1 return n end");
    m.restart();
    m.ok("collectgarbage('generational')
        local function again() setmetatable({}, { __gc = function() local x = _home['s' .. math.random(200)] again() end }) end
        again()
        for round = 1, 10 do
          for i = 1, 200 do
            assert(_home['f' .. i] == string.format)
            assert(_home['s' .. i]:match('%d+$') == tostring(i))
          end
          assert(_home.g() == round)
        end");
}

#[test]
fn a_host_that_always_says_that_the_room_is_too_small_gets_an_error() {
    let m = Machine::new();
    m.ok("_home.a = 1 _home.t = {}");
    for needed in [-5, -2, -1, i32::MIN + 1, -100_000] {
        answer(Import::Keys, move |_| needed);
        m.error("for k in pairs(_home) do end");
        m.error("ext.collect()");
        answer(Import::Get, move |_| if needed == -1 { -2 } else { needed });
        m.error("return _home.b");
        native_host::intercept(None);
        assert_eq!(m.ok("return _home.a"), "1");
    }
    let mut asked = 0;
    answer(Import::Keys, move |call| {
        asked += 1;
        assert!(asked < 10_000, "the guest asks for ever");
        -(call.out.len() as i32) - 1
    });
    m.error("for k in pairs(_home) do end");
    m.check_heap();
}

#[test]
fn lists_of_keys_with_empty_lines_or_the_same_key_for_ever_end() {
    let m = Machine::new();
    m.ok("_home.a = 1");
    for list in [&b"\na"[..], b"\n", b"a\n\nb", b"\n\n\n", b"a\n", b"\xFF", b"[1.0]\n[5", b"a\na\na"] {
        answer(Import::Keys, move |call| {
            call.out[..list.len()].copy_from_slice(list);
            list.len() as i32
        });
        for code in
            ["for k in pairs(_home) do end", "return next(_home, 'a')", "return next(_home, 'c')", "ext.collect()"]
        {
            let _ = m.run(code);
        }
        native_host::intercept(None);
    }
    m.check_heap();
}

#[test]
fn a_host_that_only_says_that_it_deletes_gets_an_error_and_no_endless_loop() {
    let m = Machine::new();
    let mut sets = 0;
    native_host::intercept(Some(Box::new(move |call| match call.import {
        Import::Delete => Some(0),
        Import::Set => {
            sets += 1;
            (sets > 2).then_some(-1)
        }
        _ => None,
    })));
    m.error("_home.t = { a = 1, b = 2, c = 3 }");
    m.error("_home.t = { a = 1, b = 2, c = 3 }");
    let _ = m.run("ext.collect()");
    let _ = home::clear_io();
}
