//! Each usage example of the reference, step by step on the raw exports.

use lua_persistent::Value;
use lua_persistent::generated::MemoryStats;

use crate::call;
use crate::documented::{Host, Instance, Table, assert_has, instantiate, integer, plain, start, string};

fn stats(instance: &mut Instance) -> MemoryStats {
    let at = instance.buffer();
    call!(instance.get_memory_stats(at));
    MemoryStats::read(&instance.bytes(at, MemoryStats::SIZE)).unwrap()
}

#[test]
fn memory_is_32_pages_and_cannot_grow() {
    let mut instance = instantiate(Host::default());
    assert_eq!(instance.memory().len(), 32 * 65536);
    let memory = instance.exports.memory;
    assert!(memory.grow(&mut instance.store, 1).is_err());
}

#[test]
fn init_answers_0_and_again_0_without_starting_over() {
    let mut instance = plain();
    instance.compute("kept = 1");
    assert_eq!(call!(instance.init()), 0);
    assert_eq!(instance.compute("return kept").value(), Value::Integer(1));
}

#[test]
fn deinit_ends_the_state_and_init_begins_a_new_one() {
    let mut instance = plain();
    instance.compute("gone = 1; _home.kept = 2");
    call!(instance.deinit());
    assert_eq!(call!(instance.get_memory_table_id()), 0);
    call!(instance.deinit());
    assert_eq!(call!(instance.init()), 0);
    assert_eq!(instance.compute("return gone").value(), Value::Nil);
    assert_eq!(instance.compute("return _home.kept").value(), Value::Integer(2), "what is in the host stays");
}

#[test]
fn init_and_deinit_in_turn_use_no_memory_up() {
    let mut instance = plain();
    call!(instance.deinit());
    call!(instance.init());
    let before = stats(&mut instance).lua_memory_used;
    for _ in 0..200 {
        call!(instance.deinit());
        assert_eq!(call!(instance.init()), 0);
    }
    assert_eq!(stats(&mut instance).lua_memory_used, before);
}

#[test]
fn compute_example_1_1_is_written_to_the_buffer_executed_and_parsed() {
    let mut instance = plain();
    let (at, length) = instance.write("return 1 + 1");
    assert_eq!(call!(instance.compute(at, length)), 4 + 9);
    assert_eq!(instance.bytes(at, 13), [0, 0, 0, 0, 0x02, 2, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn compute_takes_code_from_anywhere_in_memory() {
    let mut instance = plain();
    let at = call!(instance.lua_alloc(0, 0, 0, 32));
    let code = b"return 40 + 2";
    instance.put(at, code);
    let left = call!(instance.compute(at, code.len() as u32));
    assert_eq!(instance.read(left).value(), Value::Integer(42));
    assert_eq!(instance.bytes(at, code.len()), code);
    call!(instance.lua_alloc(0, at, 32, 0));
}

#[test]
fn compute_clears_the_output_of_the_call_before() {
    let mut instance = plain();
    assert_eq!(instance.compute("print('one')").output, "one\n");
    assert_eq!(instance.compute("return 1").output, "");
}

#[test]
fn get_buffer_ptr_example_the_buffer_is_aligned_64_kib_long_and_stays_where_it_is() {
    let mut instance = plain();
    let (at, size) = (instance.buffer(), call!(instance.get_buffer_size()));
    assert_eq!(size, 65536);
    assert_eq!(at % 16, 0);
    assert!(at > 0 && (at + size) as usize <= instance.memory().len());
    instance.write("Hello");
    call!(instance.run_gc());
    assert_eq!(instance.buffer(), at);
}

#[test]
fn get_memory_stats_example_three_numbers_all_of_them_true() {
    let mut instance = plain();
    let before = stats(&mut instance);
    assert_eq!((before.io_buffer_size, before.wasm_pages), (65536, 32));
    assert!((10_000..200_000).contains(&before.lua_memory_used), "{before:?}");
    instance.compute("big = string.rep('x', 100000)");
    let grown = stats(&mut instance).lua_memory_used - before.lua_memory_used;
    assert!((100_000..200_000).contains(&grown), "{grown} bytes for a string of 100,000");
}

#[test]
fn run_gc_example_garbage_is_collected() {
    let mut instance = plain();
    instance.compute("collectgarbage('stop'); for i = 1, 1000 do local t = {i} end");
    let before = stats(&mut instance).lua_memory_used;
    call!(instance.run_gc());
    assert!(stats(&mut instance).lua_memory_used < before - 30_000);
}

#[test]
fn attach_memory_table_example_table_5_becomes_home() {
    let mut instance = plain();
    assert_eq!(call!(instance.get_memory_table_id()), 1);
    instance.table(5).set("name", string("Bob"));
    call!(instance.attach_memory_table(5));
    assert_eq!(call!(instance.get_memory_table_id()), 5);
    assert_eq!(instance.compute("return _home.name").value(), "Bob".into());
    assert_eq!(instance.compute("return Memory.name").value(), "Bob".into());
    instance.compute("_home.age = 30");
    assert_eq!(instance.table(5).get("age").unwrap(), &integer(30));
}

#[test]
fn attaching_table_0_or_attaching_before_init_changes_nothing() {
    let mut instance = instantiate(Host::default());
    call!(instance.attach_memory_table(7));
    assert_eq!(call!(instance.get_memory_table_id()), 0);
    call!(instance.init());
    assert_eq!(call!(instance.get_memory_table_id()), 1);
    call!(instance.attach_memory_table(0));
    assert_eq!(call!(instance.get_memory_table_id()), 1);
}

#[test]
fn attaching_a_table_raises_the_counter_above_its_id() {
    let mut instance = plain();
    call!(instance.attach_memory_table(40));
    instance.compute("local t = ext.table(); t.x = 1");
    assert!(*instance.store.data().tables.last_key_value().unwrap().0 > 40);
}

#[test]
fn get_memory_table_id_example_0_before_init_1_after() {
    let mut instance = instantiate(Host::default());
    assert_eq!(call!(instance.get_memory_table_id()), 0);
    call!(instance.init());
    assert_eq!(call!(instance.get_memory_table_id()), 1);
}

#[test]
fn sync_external_table_counter_example_new_tables_get_ids_from_the_hint_on_and_it_never_goes_back() {
    let mut instance = plain();
    let new_id = |instance: &mut Instance| {
        let known = instance.store.data().tables.clone();
        instance.compute("local t = ext.table(); t.x = 1");
        instance.store.data().tables.keys().copied().find(|id| !known.contains_key(id))
    };
    call!(instance.sync_external_table_counter(100));
    assert_eq!(new_id(&mut instance), Some(100));
    call!(instance.sync_external_table_counter(3));
    assert_eq!(new_id(&mut instance), Some(101));
}

#[test]
fn set_memory_alias_enabled_example_only_home_is_there_once_the_alias_is_off() {
    let mut instance = instantiate(Host::default());
    call!(instance.set_memory_alias_enabled(0));
    call!(instance.init());
    assert_eq!(instance.compute("_home.foo = 'bar' return _home.foo").value(), "bar".into());
    assert_has(instance.compute("Memory.foo = 'bar'").error(), "attempt to index a nil value (global 'Memory')");
    call!(instance.set_memory_alias_enabled(1));
    call!(instance.attach_memory_table(1));
    assert_eq!(instance.compute("return Memory.foo").value(), "bar".into());
}

#[test]
fn the_alias_can_be_switched_off_by_attaching_again() {
    let mut instance = plain();
    assert_eq!(instance.compute("return Memory == _home").value(), Value::Boolean(true));
    call!(instance.set_memory_alias_enabled(0));
    call!(instance.attach_memory_table(1));
    assert_eq!(instance.compute("return Memory").value(), Value::Nil);
}

#[test]
fn lua_alloc_example_allocate_resize_free_whatever_the_old_size_says() {
    let mut instance = plain();
    let mut at = call!(instance.lua_alloc(0, 0, 0, 1024));
    assert!(at > 0);
    instance.put(at, &[0xa5; 1024]);
    for (old, new) in [(1024, 2048), (7, 4096), (999_999, 512)] {
        at = call!(instance.lua_alloc(0, at, old, new));
        let kept = 1024.min(new as usize);
        assert_eq!(instance.bytes(at, kept), vec![0xa5; kept], "a wrong old size is ignored");
    }
    assert_eq!(call!(instance.lua_alloc(0, at, 0, 0)), 0);
    assert_eq!(call!(instance.lua_alloc(0, 0, 0, 4 << 20)), 0, "more than there is");
    assert_eq!(call!(instance.lua_alloc(0, 0, 0, u32::MAX)), 0, "more than there could be");
}

#[test]
fn lua_alloc_gives_the_same_memory_again_and_again() {
    let mut instance = plain();
    for _ in 0..2000 {
        let blocks = [10, 100, 1000, 10_000].map(|size| call!(instance.lua_alloc(0, 0, 0, size)));
        assert!(blocks.iter().all(|&block| block > 0));
        for block in blocks {
            call!(instance.lua_alloc(0, block, 0, 0));
        }
    }
}

#[test]
fn the_complete_example_a_counter_in_home() {
    let mut instance = plain();
    let code = "_home.counter = (_home.counter or 0) + 1 print('Count:', _home.counter) return _home.counter";
    let (at, length) = instance.write(code);
    let left = call!(instance.compute(at, length));
    let expected = [&[9, 0, 0, 0][..], b"Count:\t1\n", &integer(1)].concat();
    assert_eq!(instance.bytes(at, left as usize), expected);
    assert_eq!(instance.table(1).get("counter").unwrap(), &integer(1));
    assert_eq!(stats(&mut instance).io_buffer_size, call!(instance.get_buffer_size()));
}

#[test]
fn the_persistence_example_another_instance_goes_on_with_the_saved_tables() {
    let code = "_home.counter = (_home.counter or 0) + 1; return _home.counter";
    let mut first = plain();
    call!(first.attach_memory_table(3));
    assert_eq!(first.compute(code).value(), Value::Integer(1));
    let home = call!(first.get_memory_table_id());
    let tables = first.store.data().tables.clone();
    let next = tables.last_key_value().unwrap().0 + 1;

    let mut second = start(Host { tables, ..Host::default() });
    call!(second.attach_memory_table(home));
    call!(second.sync_external_table_counter(next));
    assert_eq!(second.compute(code).value(), Value::Integer(2));
}

#[test]
fn the_io_table_has_an_id_of_its_own_and_can_be_cleared() {
    let mut instance = plain();
    let id = call!(instance.get_io_table_id());
    assert!(id > 0 && id != call!(instance.get_memory_table_id()));
    instance.compute("_io.output = 'done'; _io.count = 3");
    assert_eq!(instance.table(id).len(), 2);
    assert_eq!(call!(instance.clear_io_table()), 0);
    assert_eq!(instance.table(id).len(), 0);
    assert_eq!(instance.compute("return _io.output").value(), Value::Nil);
}

#[test]
fn values_of_every_plain_type_are_kept_in_home() {
    let mut instance = plain();
    let code = "_home.s, _home.i, _home.f, _home.t, _home.n = 'text', -7, 0.5, true, 1
        _home.f2, _home.big = false, math.maxinteger _home.n = nil
        return _home.s .. tostring(_home.i) .. tostring(_home.f) .. tostring(_home.t) .. tostring(_home.n)
          .. tostring(_home.f2) .. tostring(_home.big)";
    assert_eq!(instance.compute(code).value(), "text-70.5truenilfalse9223372036854775807".into());
    let mut keys = instance.table(1).keys.clone();
    keys.sort();
    assert_eq!(keys, ["big", "f", "f2", "i", "s", "t"]);
    assert_eq!(instance.table(1).get("t").unwrap(), &[0x01, 1]);
}

#[test]
fn basic_code_execution_prints_8_and_gives_8() {
    let reply = plain().evaluate("local x = 5 + 3\nprint(\"Result: \" .. x)\n");
    assert_eq!((reply.output.as_str(), reply.value()), ("Result: 8\n", Value::Integer(8)));
}

#[test]
fn an_external_table_keeps_alice() {
    let mut instance = plain();
    let code = "local data = ext.table()\ndata['name'] = 'Alice'\ndata['age'] = 30\nreturn data['name']\n";
    assert_eq!(instance.evaluate(code).value(), "Alice".into());
    let tables: Vec<Table> = instance.store.data().tables.values().cloned().collect();
    let table = tables.iter().find(|table| table.get("name").is_some()).unwrap();
    assert_eq!(table.get("name").unwrap(), &string("Alice"));
    assert_eq!(table.get("age").unwrap(), &integer(30));
}

#[test]
fn locals_of_the_console_stay_from_one_eval_to_the_next() {
    let mut instance = plain();
    let code = "local counter = (counter or 0) + 1\nprint('Count: ' .. counter)\n";
    assert_eq!(instance.evaluate(code).output, "Count: 1\n");
    assert_eq!(instance.evaluate(code).output, "Count: 2\n");
}

#[test]
fn a_syntax_error_names_its_line() {
    let reply = plain().evaluate("invalid syntax here");
    assert!(reply.left < 0);
    assert_has(reply.error(), ":1: ");
    assert_has(reply.error(), "'syntax'");
}

#[test]
fn a_thousand_items_go_to_the_host() {
    let mut instance = plain();
    let code = "local t = ext.table()\nfor i = 1, 1000 do\n  t['item_' .. i] = 'value_' .. i\nend\nreturn 'Stored 1000 items'\n";
    assert_eq!(instance.evaluate(code).value(), "Stored 1000 items".into());
    let tables = &instance.store.data().tables;
    let table = tables.values().find(|table| table.len() == 1000).unwrap();
    assert_eq!(table.get("item_1000").unwrap(), &string("value_1000"));
}

#[test]
fn eval_reads_the_code_at_the_start_of_the_buffer() {
    let mut instance = plain();
    let (_, length) = instance.write("6 * 7");
    let left = call!(instance.eval(length));
    assert_eq!(instance.read(left).value(), Value::Integer(42));
}
