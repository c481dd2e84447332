//! What a call leaves in the I/O buffer: output, values and errors, and their whole forms by `result_read`.

use lua_persistent::Value;
use lua_persistent::generated as abi;

use crate::call;
use crate::documented::{Host, assert_has, instantiate, integer, plain, start, string, table, word};

const BUFFER: u32 = abi::IO_BUFFER_SIZE;

#[track_caller]
fn bytes_of(code: &str) -> Vec<u8> {
    let reply = plain().compute(code);
    assert_eq!(reply.error, None);
    reply.serialized
}

#[test]
fn scalars_are_encoded_with_their_tags() {
    assert_eq!(bytes_of("return nil"), [0x00]);
    assert_eq!(bytes_of("return false"), [0x01, 0]);
    assert_eq!(bytes_of("return true"), [0x01, 1]);
    assert_eq!(bytes_of("return 42"), integer(42));
    assert_eq!(bytes_of("return math.mininteger"), integer(i64::MIN));
    assert_eq!(bytes_of("return 2^53 | 0"), integer(1 << 53));
    for (code, float) in [("0.5", 0.5f64), ("2.0", 2.0), ("-0.0", -0.0)] {
        let expected = [&[0x03][..], &float.to_le_bytes()].concat();
        assert_eq!(bytes_of(&format!("return {code}")), expected, "a float stays a float");
    }
    assert_eq!(bytes_of("return 'h\u{e9}'"), string("h\u{e9}"));
    assert_eq!(bytes_of("return '\\0\\xff\\n'"), string([0, 0xff, 10]));
    assert_eq!(bytes_of("return ''"), string(""));
}

#[test]
fn tables_are_encoded_by_value_with_nesting_shared_parts_and_cycles() {
    assert_eq!(bytes_of("return {}"), table(0, 0));
    assert_eq!(bytes_of("return {1, 'b'}"), [table(2, 0), integer(1), string("b")].concat());
    assert_eq!(bytes_of("return {x = 1}"), [table(0, 1), string("x"), integer(1)].concat());
    assert_eq!(bytes_of("return {10, x = {}}"), [table(1, 1), integer(10), string("x"), table(0, 0)].concat());
    let same = |number| [vec![abi::TAG_SAME_TABLE], word(number)].concat();
    assert_eq!(bytes_of("local s = {} return {s, s}"), [table(2, 0), table(0, 0), same(1)].concat());
    assert_eq!(bytes_of("local t = {} t[1] = t return t"), [table(1, 0), same(0)].concat());
}

#[test]
fn what_has_no_value_form_is_encoded_with_its_type_and_text() {
    let named = |name: &str| [&[0x06][..], &word(name.len() as u32), name.as_bytes()].concat();
    assert_eq!(bytes_of("return string.format"), named("string.format"));
    assert_eq!(bytes_of("return print"), named("print"));
    let bytes = bytes_of("return function() end");
    assert_eq!(bytes[..2], [0x0a, 6]);
    assert!(bytes[6..].starts_with(b"function: "));
    assert_eq!(bytes_of("return coroutine.create(print)")[..2], [0x0a, 8]);
    assert_eq!(bytes_of("return _home"), [vec![0x07], word(1)].concat());
}

#[test]
fn of_several_results_the_last_comes_first_and_the_others_follow_it() {
    let more = |count| [vec![0x0b], word(count)].concat();
    assert_eq!(bytes_of("return 1, 2, 3"), [integer(3), more(3), integer(1), integer(2)].concat());
    let same = [vec![0x09], word(0)].concat();
    assert_eq!(bytes_of("local t = {} return t, t"), [table(0, 0), more(2), same].concat());
}

#[test]
fn a_chunk_without_results_gives_nil() {
    assert_eq!(plain().compute("local x = 1").value(), Value::Nil);
    assert_eq!(plain().compute("-- nothing but a comment").value(), Value::Nil);
}

#[test]
fn print_separates_with_tabs_ends_with_a_newline_and_uses_tostring_and_name() {
    let mut instance = plain();
    let mut output = |code: &str| instance.compute(code).output;
    assert_eq!(output("print(1, 2.0, nil, true, 'x')"), "1\t2.0\tnil\ttrue\tx\n");
    assert_eq!(output("print() print('')"), "\n\n");
    assert_eq!(output("print(setmetatable({}, {__tostring = function() return 'me' end}))"), "me\n");
    assert!(output("print(setmetatable({}, {__name = 'Thing'}))").starts_with("Thing: "));
    assert_eq!(output("io.write('a', 1, 2.5, '\\n') io.write('b')"), "a12.5\nb");
    assert_eq!(output("io.write('\\xff\\0')"), "\u{ff}\0");
}

#[test]
fn empty_code_answers_0() {
    let mut instance = plain();
    let at = instance.buffer();
    assert_eq!(call!(instance.compute(at, 0)), 0);
    assert_eq!(call!(instance.eval(0)), 0);
    assert_eq!(instance.status(), abi::STATUS_OK);
}

#[test]
fn code_longer_than_the_buffer_is_refused_by_compute_and_eval() {
    let mut instance = plain();
    let at = instance.buffer();
    assert!(call!(instance.compute(at, BUFFER + 1)) < 0);
    assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT);
    assert!(call!(instance.eval(BUFFER + 1)) < 0);
}

#[test]
fn code_that_fills_the_buffer_to_its_last_byte_runs() {
    let mut instance = plain();
    let mut code = b"return 7 --".to_vec();
    code.resize(BUFFER as usize, b'x');
    assert_eq!(instance.compute(&code).value(), Value::Integer(7));
    assert_eq!(instance.evaluate(&code).value(), Value::Integer(7));
}

#[test]
fn bad_pointers_and_lengths_are_errors_and_the_module_goes_on() {
    let mut instance = plain();
    let (end, buffer) = (instance.memory().len() as u32, instance.buffer());
    let cases = [
        (end, 1),
        (end - 1, 2),
        (u32::MAX, 1),
        (0x7fff_ffff, 10),
        (u32::MAX - 15, 32),
        (buffer, u32::MAX),
        (0x8000_0000, 1),
    ];
    for (at, length) in cases {
        let left = call!(instance.compute(at, length));
        assert!(instance.read(left).left < 0, "compute({at}, {length})");
        assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT, "compute({at}, {length})");
        assert!(call!(instance.execute(at, length, 0, 0, 0)) < 0, "execute({at}, {length})");
    }
    assert!(call!(instance.execute(buffer, 1, end - 1, 2, 0)) < 0, "a bad range for the name");
    assert!(call!(instance.eval(u32::MAX)) < 0);
    for at in [end, end - 11, u32::MAX - 3, 0x7fff_fffc] {
        call!(instance.get_memory_stats(at));
    }
    assert_eq!(instance.compute("return 1").value(), Value::Integer(1));
    for (at, length) in cases {
        assert_eq!(call!(instance.result_read(abi::PART_VALUES, 0, at, length)), -1);
    }
}

#[test]
fn before_init_everything_answers_and_nothing_runs() {
    let mut instance = instantiate(Host::default());
    let (at, length) = instance.write("return 1");
    let left = call!(instance.compute(at, length));
    assert!(left < -1);
    let message = instance.bytes(at, left.unsigned_abs() as usize);
    assert_has(std::str::from_utf8(&message[..message.len() - 1]).unwrap(), "init");
    assert_eq!(message.last(), Some(&0), "the message is ended by a zero byte");
    assert_eq!(instance.status(), abi::STATUS_NOT_INITIALIZED);
    instance.write("return 1");
    assert!(call!(instance.eval(8)) < 0);
    assert!(call!(instance.execute(at, 8, 0, 0, 0)) < 0);
    call!(instance.run_gc());
    call!(instance.deinit());
    call!(instance.sync_external_table_counter(9));
    call!(instance.get_memory_stats(at));
    assert_eq!(call!(instance.clear_io_table()), -1);
    assert_eq!(call!(instance.result_size(abi::PART_VALUES)), -1);
}

#[test]
fn an_error_is_length_1_and_its_text_at_the_start_of_the_buffer() {
    let mut instance = plain();
    let reply = instance.compute("error('broken', 0)");
    assert_eq!((reply.error(), reply.left), ("broken", -7));
    assert_eq!(instance.status(), abi::STATUS_RUNTIME_ERROR);
}

#[test]
fn an_empty_error_message_still_is_an_error() {
    let reply = plain().compute("error('', 0)");
    assert_eq!((reply.error(), reply.left), ("", -1));
}

#[test]
fn runtime_errors_carry_chunk_and_line() {
    let mut instance = plain();
    for (code, messages) in [
        ("local x\n\nx.y = 1", &[":3: attempt to index a nil value (local 'x')"][..]),
        ("return 1 + {}", &[":1: attempt to perform arithmetic on a table value"]),
        ("return #nil", &["attempt to get length of a nil value"]),
        ("return 1 < '2'", &["attempt to compare number with string"]),
        ("string.rep()", &["bad argument #1 to 'rep' (string expected, got no value)"]),
        ("return 1 // 0", &["attempt to perform 'n//0'", "attempt to divide by zero"]),
    ] {
        let reply = instance.compute(code);
        assert!(messages.iter().any(|message| reply.error().contains(message)), "{code}: {}", reply.error());
    }
}

#[test]
fn syntax_errors_carry_the_line_and_what_is_near_it() {
    let mut instance = plain();
    for (code, message) in [
        ("x = = 1", ":1: unexpected symbol near '='"),
        ("local a = 1\nlocal b = 2\nfor", ":3: <name> expected near <eof>"),
        ("if x then\n\n", ":3: 'end' expected (to close 'if' at line 1) near <eof>"),
        ("s = \"abc\n\"", ":1: unfinished string near"),
    ] {
        assert_has(instance.compute(code).error(), message);
    }
    assert_has(instance.evaluate("\n\n)").error(), ":3: ");
    assert_eq!(instance.status(), abi::STATUS_SYNTAX_ERROR);
}

#[test]
fn the_error_text_stays_under_200_bytes_and_ends_at_a_character() {
    let mut instance = plain();
    let texts = [
        "a".repeat(500),
        "\u{20ac}".repeat(300),
        format!("x{}", "\u{1f600}".repeat(100)),
        "x".repeat(199),
        "x".repeat(200),
    ];
    for text in texts {
        let reply = instance.compute(format!("error('{text}', 0)"));
        let length = reply.left.unsigned_abs() - 1;
        assert!((151..abi::ERROR_LIMIT).contains(&length), "{length} bytes");
        assert!(text.starts_with(reply.error().trim_end_matches("...")), "{}", reply.error());
        assert_eq!(instance.part(abi::PART_MESSAGE).unwrap(), text.as_bytes());
    }
}

#[test]
fn error_text_that_is_not_utf_8_is_made_so_and_its_bytes_are_kept_as_the_error_value() {
    let mut instance = plain();
    let reply = instance.compute("error('bad \\xff byte', 0)");
    assert!(reply.error().starts_with("bad ") && reply.error().ends_with(" byte"));
    assert_eq!(instance.part(abi::PART_ERROR_VALUE).unwrap(), string(b"bad \xff byte"));
}

#[test]
fn error_values_that_are_tables_are_kept_and_their_message_is_what_tostring_makes_of_them() {
    let mut instance = plain();
    let code = "error(setmetatable({code = 7}, {__tostring = function(e) return 'code ' .. e.code end}))";
    assert_eq!(instance.compute(code).error(), "code 7");
    let value = [table(0, 1), string("code"), integer(7)].concat();
    assert_eq!(instance.part(abi::PART_ERROR_VALUE).unwrap(), value);
    for (code, message, value) in [
        ("error({1})", "error object is a table value", [table(1, 0), integer(1)].concat()),
        ("error()", "nil", vec![0x00]),
        ("error(42)", "42", integer(42)),
    ] {
        assert_has(instance.compute(code).error(), message);
        assert_eq!(instance.part(abi::PART_ERROR_VALUE).unwrap(), value, "{code}");
    }
    assert_has(instance.compute("error(true)").error(), "boolean");
}

#[test]
fn an_error_in_tostring_of_an_error_value_is_still_an_error() {
    let mut instance = plain();
    for body in ["error('again')", "return 1", "local function f() return f() + 1 end return f()"] {
        let code = format!("error(setmetatable({{}}, {{__tostring = function() {body} end}}))");
        assert!(instance.compute(code).left < 0, "{body}");
        assert_eq!(instance.compute("return 1").value(), Value::Integer(1), "{body}");
    }
}

#[test]
fn the_traceback_names_the_functions_on_the_way() {
    let mut instance = plain();
    instance.compute("local function inner() error('deep') end\nfunction outer() inner() end\nouter()");
    let traceback = String::from_utf8(instance.part(abi::PART_TRACEBACK).unwrap()).unwrap();
    for part in ["stack traceback:", "inner", "outer"] {
        assert_has(&traceback, part);
    }
}

#[test]
fn parts_that_the_last_result_does_not_have_answer_1() {
    let mut instance = plain();
    let at = instance.buffer();
    instance.compute("return 1");
    for part in [0, abi::PART_MESSAGE, abi::PART_TRACEBACK, abi::PART_ERROR_VALUE, 99, u32::MAX] {
        assert_eq!(call!(instance.result_size(part)), -1, "part {part}");
        assert_eq!(call!(instance.result_read(part, 0, at, 10)), -1, "part {part}");
    }
    instance.compute("error('x')");
    assert_eq!(call!(instance.result_size(abi::PART_VALUES)), -1);
}

#[test]
fn result_read_copies_any_range_of_a_part_and_answers_0_at_its_end() {
    let mut instance = plain();
    instance.compute("return ('x'):rep(100000) .. 'abcdef'");
    let size = call!(instance.result_size(abi::PART_VALUES)) as u32;
    assert_eq!(size, 100_011);
    let at = call!(instance.lua_alloc(0, 0, 0, 16));
    assert_eq!(call!(instance.result_read(abi::PART_VALUES, size - 4, at, 3)), 3);
    assert_eq!(instance.bytes(at, 3), b"cde");
    for (offset, room, count) in [(size - 4, 16, 4), (size, 16, 0), (size + 1, 16, 0), (u32::MAX, 16, 0), (0, 0, 0)] {
        assert_eq!(call!(instance.result_read(abi::PART_VALUES, offset, at, room)), count, "{offset}");
    }
    call!(instance.lua_alloc(0, at, 16, 0));
}

#[test]
fn output_that_does_not_fit_is_cut_with_a_mark_that_counts_the_rest_and_the_value_is_kept() {
    let reply = plain().compute("for i = 1, 2000 do io.write(string.rep('x', 50)) end return 7");
    assert!(reply.left <= BUFFER as i32);
    assert_eq!(reply.value(), Value::Integer(7));
    let (kept, mark) = reply.output.split_once("\n[... ").unwrap();
    let cut: usize = mark.strip_suffix(" more bytes of output cut]\n").unwrap().parse().unwrap();
    assert!(kept.bytes().all(|byte| byte == b'x') && kept.len() > 30_000);
    assert_eq!(kept.len() + cut, 100_000);
}

#[test]
fn output_just_as_long_as_the_buffer_allows_is_not_cut() {
    let reply = plain().compute("io.write(string.rep('y', 30000)) return true");
    assert_eq!((reply.output.len(), reply.value()), (30_000, Value::Boolean(true)));
}

#[test]
fn long_output_leaves_room_for_a_long_value() {
    let reply = plain().compute("io.write(string.rep('y', 60000)) return string.rep('v', 40000)");
    assert_eq!(reply.value(), "v".repeat(40_000).into());
    assert!(reply.output.ends_with("bytes of output cut]\n"));
}

#[test]
fn a_value_that_does_not_fit_is_an_error_that_says_its_size_and_the_whole_of_it_can_be_read() {
    let mut instance = plain();
    let reply = instance.compute("return string.rep('x', 100000)");
    assert!(reply.left < 0);
    assert_eq!(instance.status(), abi::STATUS_TOO_LARGE);
    assert_has(reply.error(), "100005");
    assert_eq!(instance.part(abi::PART_VALUES).unwrap(), string("x".repeat(100_000)));
    instance.compute("local t = {} for i = 1, 10000 do t[i] = i end return t");
    assert_eq!(instance.part(abi::PART_VALUES).unwrap().len(), 9 + 9 * 10_000);
}

#[test]
fn a_chunk_in_binary_form_is_refused() {
    let mut instance = plain();
    let binary = [0x1b, 0x4c, 0x75, 0x61, 0x54, 0x00, 0x19, 0x93];
    assert_has(instance.compute(binary).error(), "attempt to load a binary chunk");
    assert_eq!(instance.status(), abi::STATUS_SYNTAX_ERROR);
    assert_has(instance.evaluate(binary).error(), "attempt to load a binary chunk");
    let dumped = instance.compute("return string.dump(function() return 1 end)").serialized;
    assert_has(instance.compute(&dumped[5..]).error(), "attempt to load a binary chunk");
}

#[test]
fn execute_takes_longer_code_a_chunk_name_and_the_console_mode() {
    let mut instance = plain();
    let mut execute = |code: &str, name: &str, flags: u32| {
        let [code, name] = [code, name].map(|text| {
            let at = call!(instance.lua_alloc(0, 0, 0, text.len().max(1) as u32));
            instance.put(at, text.as_bytes());
            (at, text.len() as u32)
        });
        let left = call!(instance.execute(code.0, code.1, name.0, name.1, flags));
        let reply = instance.read(left);
        call!(instance.lua_alloc(0, code.0, 0, 0));
        call!(instance.lua_alloc(0, name.0, 0, 0));
        reply
    };
    assert_eq!(execute(&format!("--{}\nreturn 1 + 1", "x".repeat(100_000)), "", 0).value(), Value::Integer(2));
    let failing = "\nerror('here')";
    assert_eq!(execute(failing, "@file.lua", 0).error(), "file.lua:2: here");
    assert_eq!(execute(failing, "=name", 0).error(), "name:2: here");
    assert_eq!(execute(failing, "", 0).error(), "[string \"...\"]:2: here");
    assert_eq!(execute("1 + 2", "", abi::EXECUTE_CONSOLE).value(), Value::Integer(3));
    let error = execute("1 + 2", "", 0);
    assert!(["syntax error", "unexpected symbol"].iter().any(|text| error.error().contains(text)));
}

#[test]
fn execute_takes_code_and_name_out_of_the_i_o_buffer() {
    let mut instance = plain();
    let (at, length) = instance.write("error('x')=chunk");
    let name = "=chunk".len() as u32;
    let left = call!(instance.execute(at, length - name, at + length - name, name, 0));
    assert_eq!(instance.read(left).error(), "chunk:1: x");
}

#[test]
fn the_console_gives_the_value_of_an_expression_a_statement_or_the_last_local() {
    let mut instance = plain();
    for (code, value) in [
        ("1 + 1", Value::Integer(2)),
        ("'a' .. 'b'", "ab".into()),
        ("return 5", Value::Integer(5)),
        ("x = 3", Value::Nil),
        ("x", Value::Integer(3)),
        ("local a, b = 1, 2", Value::Integer(2)),
        ("a + b", Value::Integer(3)),
        ("a = a + 10 return a", Value::Integer(11)),
        ("a", Value::Integer(11)),
    ] {
        assert_eq!(instance.evaluate(code).value(), value, "{code}");
    }
    assert_eq!(instance.evaluate("local function f() return a end").serialized[0], 0x0a);
    assert_eq!(instance.evaluate("f()").value(), Value::Integer(11));
    assert_eq!(instance.evaluate("do local hidden = 1 end").value(), Value::Nil);
    assert_eq!(instance.evaluate("hidden").value(), Value::Nil);
    assert_eq!(instance.compute("return a").value(), Value::Nil, "compute runs a chunk of its own");
}

#[test]
fn a_lua_error_in_the_console_keeps_what_was_there() {
    let mut instance = plain();
    instance.evaluate("local kept = 1");
    assert_has(instance.evaluate("local lost = 2 error('stop')").error(), "stop");
    assert_has(instance.evaluate("local = 3").error(), "<name> expected");
    assert_eq!(instance.evaluate("kept").value(), Value::Integer(1));
}

#[test]
fn without_services_the_libraries_answer_what_the_manual_allows() {
    let mut instance = plain();
    for code in [
        "return type(os.time()), math.type(os.clock()) ~= nil",
        "return os.date('!%Y-%m-%d %H:%M:%S', 86400) == '1970-01-02 00:00:00'",
        "local r = math.random(6) return r >= 1 and r <= 6",
        "return os.getenv('HOME') == nil",
        "local f, message = io.open('x') return f == nil and type(message) == 'string'",
        "return select('#', os.remove('x')) >= 2",
    ] {
        let reply = instance.compute(code);
        assert_eq!(reply.serialized[..2], [0x01, 1], "{code}");
    }
}

#[test]
fn a_host_that_fails_or_throws_gives_lua_errors_and_nothing_else() {
    use std::sync::Arc;

    let failing = Host {
        set: Some(Arc::new(|_, _, _, _| Ok(-1))),
        get: Some(Arc::new(|_, _, _, _| Ok(-1))),
        delete: Some(Arc::new(|_, _, _| Ok(-1))),
        size: Some(Arc::new(|_, _| Ok(-1))),
        keys: Some(Arc::new(|_, _, _| Ok(-1))),
        ..Host::default()
    };
    let panicking = Host {
        set: Some(Arc::new(|_, _, _, _| panic!("host"))),
        get: Some(Arc::new(|_, _, _, _| panic!("host"))),
        delete: Some(Arc::new(|_, _, _| panic!("host"))),
        size: Some(Arc::new(|_, _| panic!("host"))),
        keys: Some(Arc::new(|_, _, _| panic!("host"))),
        ..Host::default()
    };
    for (host, panics) in [(failing, false), (panicking, true)] {
        let mut instance = start(host);
        assert!(instance.compute("_home.x = 1").left < 0);
        assert!(instance.compute("return pcall(function() _home.x = 1 end)").left > 0);
        assert_eq!(instance.compute("return _home.x").left < 0, panics);
        assert_eq!(instance.compute("return 1").value(), Value::Integer(1));
        assert_eq!(!instance.store.data().notes.is_empty(), panics);
    }
}

#[test]
fn more_results_than_can_be_written_are_an_error_that_says_so() {
    let mut instance = plain();
    assert_eq!(instance.compute("return select('#', table.unpack({}, 1, 30000))").value(), Value::Integer(30_000));
    assert_has(instance.compute("return table.unpack({}, 1, 30000)").error(), "too many results");
    assert_eq!(instance.compute("return 1").value(), Value::Integer(1));
}
