//! Which exports a host may call while Lua runs: from an import that Lua code has called, from the service `call`, and from an
//! import that a finalizer has called, in a run, in a collection and while the machine closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lua_persistent::generated::services::{self, Request};
use lua_persistent::generated::{self as abi, Exports};
use lua_persistent::wasmtime::{AsContextMut, Caller, Result, StoreContextMut};
use lua_persistent::{Range, Value};

use crate::call;
use crate::documented::{Host, Instance, exports, instantiate, parts, put, serving, string, word};

/// Address of what exports read and write: behind the buffer's first half, which a call's output may use.
pub const SCRATCH: u32 = 32768;

pub type Call = fn(&Exports, StoreContextMut<'_, Host>, u32) -> Result<()>;

/// Each export, called in a way that is right, and where it is refused: within an import, and within the service `call`.
pub const EXPORTS: [(&str, Call, bool, bool); 38] = [
    ("init", |e, c, _| e.init(c).map(drop), true, false),
    ("deinit", |e, c, _| e.deinit(c), true, true),
    ("compute", |e, c, at| e.compute(c, at, 8).map(drop), true, false),
    ("eval", |e, c, _| e.eval(c, 0).map(drop), true, false),
    ("execute", |e, c, at| e.execute(c, at, 8, 0, 0, 0).map(drop), true, false),
    ("program_start", |e, c, at| e.program_start(c, at, 8, 0, 0, 0).map(drop), true, true),
    ("program_step", |e, c, _| e.program_step(c, 1).map(drop), true, true),
    ("program_resume", |e, c, at| e.program_resume(c, at + 48, 1, 1).map(drop), true, true),
    ("program_state", |e, c, _| e.program_state(c).map(drop), false, false),
    ("program_ticks", |e, c, _| e.program_ticks(c).map(drop), false, false),
    ("get_status", |e, c, _| e.get_status(c).map(drop), false, false),
    ("result_size", |e, c, _| e.result_size(c, abi::PART_MESSAGE).map(drop), false, false),
    ("result_read", |e, c, at| e.result_read(c, abi::PART_MESSAGE, 0, at + 64, 8).map(drop), false, false),
    ("call_function", |e, c, at| e.call_function(c, at + 16, 10).map(drop), true, false),
    ("get_global", |e, c, at| e.get_global(c, at, 1).map(drop), true, false),
    ("set_global", |e, c, at| e.set_global(c, at + 32, 7).map(drop), true, false),
    ("release_value", |e, c, _| e.release_value(c, 1), true, false),
    ("set_limits", |e, c, _| e.set_limits(c, 0, 0, 0), false, false),
    ("get_buffer_ptr", |e, c, _| e.get_buffer_ptr(c).map(drop), false, false),
    ("get_buffer_size", |e, c, _| e.get_buffer_size(c).map(drop), false, false),
    ("get_memory_stats", |e, c, at| e.get_memory_stats(c, at + 64), false, false),
    ("get_heap_size", |e, c, _| e.get_heap_size(c).map(drop), false, false),
    ("set_heap_limit", |e, c, _| e.set_heap_limit(c, 0), false, false),
    ("run_gc", |e, c, _| e.run_gc(c), true, false),
    ("lua_alloc", allocate, false, false),
    ("attach_memory_table", |e, c, _| e.attach_memory_table(c, 1), true, false),
    ("get_memory_table_id", |e, c, _| e.get_memory_table_id(c).map(drop), false, false),
    ("sync_external_table_counter", |e, c, _| e.sync_external_table_counter(c, 1), false, false),
    ("set_memory_alias_enabled", |e, c, _| e.set_memory_alias_enabled(c, 1), false, false),
    ("get_io_table_id", |e, c, _| e.get_io_table_id(c).map(drop), false, false),
    ("clear_io_table", |e, c, _| e.clear_io_table(c).map(drop), true, false),
    ("get_external_table_counter", |e, c, _| e.get_external_table_counter(c).map(drop), false, false),
    ("ext_table_new", |e, c, _| e.ext_table_new(c).map(drop), false, false),
    ("ext_table_set", |e, c, at| e.ext_table_set(c, 7, at, 1, at + 48, 1).map(drop), true, false),
    ("ext_table_get", |e, c, at| e.ext_table_get(c, 7, at, 1, at + 64, 64).map(drop), false, false),
    ("ext_table_delete", |e, c, at| e.ext_table_delete(c, 7, at, 1).map(drop), true, false),
    ("ext_table_size", |e, c, _| e.ext_table_size(c, 7).map(drop), true, false),
    ("ext_table_keys", |e, c, at| e.ext_table_keys(c, 7, at + 64, 64).map(drop), false, false),
];

fn allocate(exports: &Exports, mut store: StoreContextMut<'_, Host>, _: u32) -> Result<()> {
    let block = exports.lua_alloc(&mut store, 0, 0, 0, 64)?;
    exports.lua_alloc(store, 0, block, 0, 0).map(drop)
}

type Visit = Arc<dyn Fn(&mut Caller<'_, Host>) -> Result<()> + Send + Sync>;

/// A machine whose host calls an export when Lua sets a key of table 1, or calls its function; the first time only.
fn machine(visit: Visit) -> Instance {
    let active = Arc::new(AtomicBool::new(true));
    let once: Visit =
        Arc::new(move |caller| if active.swap(false, Ordering::Relaxed) { visit(caller) } else { Ok(()) });
    let inside = once.clone();
    let set = move |caller: &mut Caller<'_, Host>, id: u32, _: Range, _: Range| {
        if id == 1 {
            once(caller)?;
        }
        Ok(0)
    };
    let get = serving(move |caller, request, val| {
        let (memory, _) = parts(caller);
        match Request::read(request) {
            Some(Request::Negotiate { .. }) => {
                let services = 1 << services::CALL;
                let reply = services::Negotiate { services, max_value_len: 16384, continues: 0 };
                Ok(reply.write(val.of_mut(memory)))
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
    let mut instance = instantiate(Host { set: Some(Arc::new(set)), get: Some(get), ..Host::default() });
    assert_eq!(call!(instance.init()), 0);
    let at = instance.buffer() + SCRATCH;
    instance.put(at, b"return 1");
    // call_function("type", nil), set_global("a", nil), and the value nil.
    instance.put(at + 16, &[string("type"), vec![0]].concat());
    instance.put(at + 32, &[string("a"), vec![0]].concat());
    instance.put(at + 48, &[0]);
    // A function of the host, as the global f.
    let function = [string("f"), vec![abi::TAG_HOST_FUNCTION], word(5), word(1), b"f".to_vec()].concat();
    instance.put(at + 80, &function);
    assert!(call!(instance.set_global(at + 80, function.len() as u32)) >= 0);
    instance
}

/// How Lua is brought to call the host, and what of the table says whether an export is refused there.
struct Place {
    name: &'static str,
    in_service: bool,
    closes: bool,
    run: fn(&mut Instance),
}

#[track_caller]
fn gives_7(instance: &mut Instance, code: &str) {
    let reply = instance.compute(code);
    // A machine that an export has closed and opened is another one.
    if reply.error.is_none() {
        assert_eq!(reply.value(), Value::Integer(7));
    }
}

fn collect(instance: &mut Instance, finalizer: &str) {
    instance.compute(format!("setmetatable({{}}, {{__gc = {finalizer}}})"));
    call!(instance.run_gc());
}

const PLACES: [Place; 8] = [
    Place { name: "an import", in_service: false, closes: false, run: |i| gives_7(i, "_home.x = 1 return 7") },
    Place { name: "the service call", in_service: true, closes: false, run: |i| gives_7(i, "f() return 7") },
    Place {
        name: "an import of a finalizer",
        in_service: false,
        closes: false,
        run: |i| gives_7(i, "setmetatable({}, {__gc = function() _home.x = 1 end}) collectgarbage() return 7"),
    },
    Place {
        name: "the service call of a finalizer",
        in_service: true,
        closes: false,
        run: |i| gives_7(i, "setmetatable({}, {__gc = f}) collectgarbage() return 7"),
    },
    Place {
        name: "an import of a finalizer in run_gc",
        in_service: false,
        closes: false,
        run: |i| collect(i, "function() _home.x = 1 end"),
    },
    Place {
        name: "the service call of a finalizer in run_gc",
        in_service: true,
        closes: false,
        run: |i| collect(i, "f"),
    },
    Place {
        name: "an import of a finalizer in deinit",
        in_service: false,
        closes: true,
        run: |instance| {
            instance.compute("X = setmetatable({}, {__gc = function() _home.x = 1 end})");
            call!(instance.deinit());
        },
    },
    Place {
        name: "an import of a __tostring",
        in_service: false,
        closes: false,
        run: |instance| {
            let code = "error(setmetatable({}, {__tostring = function() _home.x = 1 return 'text' end}))";
            assert_eq!(instance.compute(code).error(), "text");
        },
    },
];

#[test]
fn every_export_is_in_the_table() {
    let mut names = EXPORTS.map(|(name, ..)| name);
    let mut all = Exports::NAMES;
    names.sort_unstable();
    all.sort_unstable();
    assert_eq!(names, all);
}

#[test]
fn within_each_export_works_or_is_refused_with_a_status_and_a_message() {
    for place in PLACES {
        for (name, call, in_import, in_service) in EXPORTS {
            let is_refused = if place.in_service { in_service } else { in_import };
            let visited = Arc::new(AtomicBool::new(false));
            let (seen, closes) = (visited.clone(), place.closes);
            let mut instance = machine(Arc::new(move |caller| {
                seen.store(true, Ordering::Relaxed);
                let exports = exports(caller);
                let at = exports.get_buffer_ptr(&mut *caller)? + SCRATCH;
                call(&exports, caller.as_context_mut(), at)?;
                if is_refused {
                    let status = exports.get_status(&mut *caller)?;
                    let fits = status == abi::STATUS_BUSY || (closes && status == abi::STATUS_NOT_INITIALIZED);
                    assert!(fits, "{name}: status {status}");
                    assert!(exports.result_size(&mut *caller, abi::PART_MESSAGE)? > 0, "{name} has no message");
                }
                Ok(())
            }));
            (place.run)(&mut instance);
            assert!(visited.load(Ordering::Relaxed), "{name} in {}", place.name);
            assert_eq!(instance.store.data().notes, [""; 0], "{name} in {}", place.name);
            if place.closes {
                assert_eq!(call!(instance.init()), 0, "{name}");
            }
            let code = "local t = {} for i = 1, 1000 do t[i] = {i} end collectgarbage() return #t";
            assert_eq!(instance.compute(code).value(), Value::Integer(1000), "{name} in {}", place.name);
            call!(instance.deinit());
        }
    }
}
