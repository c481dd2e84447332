//! Runs the conformance kit (`hosts/kit/`) on the host that machines have.

use std::fmt::Write;

use wasmtime::{Linker, Memory, TypedFunc};

use crate::generated as abi;
use crate::host::State;
use crate::{Context, Engine, Error, Options, Store, Value};

/// The texts of the kit.
fn text(memory: &[u8], at: i32) -> String {
    let at = at as usize;
    let length = memory[at..].first_chunk().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
    String::from_utf8_lossy(&memory[at + 4..at + 4 + length]).into_owned()
}

/// The services that this host does not offer, as the names of their promises begin: batches, which are for modules that
/// keep tables in their memory.
const LEFT_OUT: [&str; 6] = ["revision.", "read-rows.", "read-list.", "write-rows.", "free-ids.", "read-entries."];

/// Runs the kit on a host with a store; what it says of the promises that it found broken, how many it tested, how
/// many there are, and how many of them are of services that are left out.
fn run(store: impl Store + 'static) -> (String, i32, i32, i32) {
    let again = |context: &mut Context<'_>, (): ()| {
        let again: TypedFunc<(), i32> =
            context.store.data().kit_again.clone().ok_or_else(|| Error::msg("the kit is not there yet"))?;
        again.call(&mut context.store, ()).map_err(|error| Error::msg(format!("{error:#}")))
    };
    let options = Options::new()
        .store(store)
        .function("kit_echo", |_, values: Vec<Value>| Ok(values))
        .function("kit_again", again)
        .module("kit", "return \"kit\"");
    let engine = Engine::shared().unwrap();
    // The instance of Lua is for what host functions get; the host's memory is that of the kit.
    let mut store = engine.inner().instantiate(State::new(options).unwrap()).unwrap();
    let mut linker = Linker::new(engine.inner().wasmtime());
    abi::link(&mut linker).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../kit/kit.wasm");
    let wasm = std::fs::read(file).expect("`cargo xtask build` makes hosts/kit/kit.wasm");
    let module = engine.inner().compile(&wasm).unwrap();
    let kit = linker.instantiate(&mut store, &module).unwrap();
    let memory: Memory = kit.get_memory(&mut store, "memory").unwrap();
    let again = kit.get_typed_func::<(), i32>(&mut store, "again").unwrap();
    store.data_mut().memory = Some(memory);
    store.data_mut().kit_again = Some(again);
    let mut number = |name: &str| kit.get_typed_func::<(), i32>(&mut store, name).unwrap().call(&mut store, ());
    while number("run").is_err() {}
    let (tested, count) = (number("tested").unwrap(), number("promise_count").unwrap());
    let mut broken = String::new();
    let mut left_out = 0;
    for promise in 0..count {
        let mut of = |name: &str| {
            let function = kit.get_typed_func::<i32, i32>(&mut store, name).unwrap();
            let answer = function.call(&mut store, promise).unwrap();
            (answer, memory.data(&store).to_vec())
        };
        let outcome = of("promise_outcome").0;
        let (at, names) = of("promise_name");
        let name = text(&names, at);
        // 3: it is about a service that the host does not offer.
        if outcome == 3 && LEFT_OUT.iter().any(|service| name.starts_with(service)) {
            left_out += 1;
        }
        if outcome != 2 {
            continue;
        }
        let [says, saw] = ["promise_text", "promise_message"].map(|name| {
            let (at, memory) = of(name);
            text(&memory, at)
        });
        let _ = writeln!(broken, "{name}: {says}\n    {saw}");
    }
    (broken, tested, count, left_out)
}

#[track_caller]
fn check(store: impl Store + 'static) {
    let (broken, tested, count, left_out) = run(store);
    assert_eq!(broken, "");
    assert!(
        tested == count - left_out && tested > 100,
        "{tested} of {count} promises were tested, {left_out} left out"
    );
}

#[test]
fn a_host_with_tables_in_memory_keeps_every_promise() {
    check(crate::MemoryStore::new());
}

#[cfg(feature = "redb")]
#[test]
fn a_host_with_tables_in_a_file_keeps_every_promise() {
    let file = std::env::temp_dir().join(format!("lua-persistent-kit-{}.redb", std::process::id()));
    check(crate::RedbStore::open(&file).unwrap().eventual());
    std::fs::remove_file(file).unwrap();
}
