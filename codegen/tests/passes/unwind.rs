//! Lua errors unwind to the innermost protected call and leave nothing behind, in every mode.

use codegen::passes::{Config, Feature, PassError, Unwind, process};
use wasm_encoder::Instruction::{
    self, Call, CallIndirect, Else, End, GlobalGet, GlobalSet, I32Add, I32Const, I32Load, I32Store, I32Sub, If,
    LocalGet,
};
use wasm_encoder::{BlockType, MemArg, MemArgTarget};
use wasmparser::{Operator, Parser, Payload, Validator, WasmFeatures};

use super::fixture::{Defined, I32, Linked, claiming};
use super::node;

const WORD: MemArg = MemArg { offset: 0, align: 2, target: MemArgTarget::Memory(0), ordering: None };

const TRY: u32 = 0;
const THROW: u32 = 1;
const ASK: u32 = 2;
const DEEP: u32 = 3;
/// Table indices.
const BODY: i32 = 1;
const NESTED: i32 = 2;
const ASK_ENTRY: i32 = 3;
/// Types.
const ASKING: u32 = 1;

/// Moves the stack pointer, as the entry and exit of a C function do.
fn push(bytes: i32) -> [Instruction<'static>; 4] {
    [GlobalGet(0), I32Const(bytes), I32Sub, GlobalSet(0)]
}

fn pop(bytes: i32) -> [Instruction<'static>; 4] {
    [GlobalGet(0), I32Const(bytes), I32Add, GlobalSet(0)]
}

/// `log[at] += amount`, in words at address 3000.
fn log(at: i32, amount: i32) -> [Instruction<'static>; 6] {
    let address = I32Const(3000 + 4 * at);
    [address.clone(), address, I32Load(WORD), I32Const(amount), I32Add, I32Store(WORD)]
}

/// `run(f, L, ud)` is a protected call of table entry `f`; entries [`BODY`] and [`NESTED`] go down `L` frames of 16
/// bytes and throw at the bottom unless `ud` is 0. Asking the host goes direct, through the table, and with a frame.
fn linked() -> Linked {
    let deep = [
        &push(16)[..],
        &[LocalGet(0), If(BlockType::Empty)],
        &[LocalGet(0), I32Const(1), I32Sub, LocalGet(1), Call(DEEP)],
        &[Else],
        &[LocalGet(1), If(BlockType::Empty), Call(THROW), End],
        &[End],
        &pop(16),
    ]
    .concat();
    let body = [&push(32)[..], &log(0, 1), &[LocalGet(0), LocalGet(1), Call(DEEP)], &log(1, 1), &pop(32)].concat();
    // The inner protected call catches, the outer one catches what is thrown after it.
    let nested = [
        &push(48)[..],
        &[I32Const(BODY), LocalGet(0), LocalGet(1), Call(TRY)],
        &log(2, 1),
        &[LocalGet(0), LocalGet(1), Call(DEEP)],
        &log(3, 1),
        &pop(48),
    ]
    .concat();
    let ask_in_frame = [&push(64)[..], &[LocalGet(0), Call(ASK)], &pop(64)].concat();

    let protected = [I32, I32];
    Linked {
        types: vec![(protected.to_vec(), vec![]), (vec![I32], vec![I32])],
        imports: vec![
            ("unwind", "try", vec![I32, I32, I32], vec![]),
            ("unwind", "throw", vec![], vec![]),
            ("env", "ask", vec![I32], vec![I32]),
        ],
        functions: vec![
            Defined::private("deep", &protected, &[], deep),
            Defined::private("body", &protected, &[], body),
            Defined::private("nested", &protected, &[], nested),
            Defined::exported("run", &[I32, I32, I32], &[], vec![LocalGet(0), LocalGet(1), LocalGet(2), Call(TRY)]),
            Defined::exported("stack_pointer", &[], &[I32], vec![GlobalGet(0)]),
            Defined::exported("read", &[I32], &[I32], vec![LocalGet(0), I32Load(WORD)]),
            Defined::exported("leak", &[], &[], push(128).to_vec()),
            Defined::exported("ask", &[I32], &[I32], ask_in_frame),
            Defined::exported(
                "ask_indirect",
                &[I32],
                &[I32],
                vec![LocalGet(0), I32Const(ASK_ENTRY), CallIndirect { type_index: ASKING, table_index: 0 }],
            ),
        ],
        table: vec![4, 5, ASK],
        ..Linked::default()
    }
}

fn features(mode: Unwind) -> &'static [Feature] {
    match mode {
        Unwind::Legacy => &[Feature::ExceptionsLegacy],
        Unwind::Exnref => &[Feature::Exceptions],
        Unwind::Host => &[],
    }
}

fn config(mode: Unwind) -> Config {
    let mut config = claiming(linked().config(), features(mode));
    config.unwind = mode;
    config.imports[0].guard = Some(-77);
    config
}

fn artifact(mode: Unwind) -> Vec<u8> {
    process(&linked().encode(), &config(mode)).expect("the fixture is as configured").wasm
}

const HOST: &str = "
const THROWN = Symbol('a Lua error');
const env = {
  ask(x) {
    if (x === -2) lua.leak();
    if (x < 0) throw new Error('the host failed');
    return 2 * x;
  },
  lua_try(f, L, ud) {
    try {
      lua.__indirect_function_table.get(f)(L, ud);
    } catch (e) {
      if (e !== THROWN) throw e;
    }
  },
  lua_throw() { throw THROWN; },
};
const lua = new WebAssembly.Instance(new WebAssembly.Module(modules[0]), { env }).exports;
";

/// Runs the protected calls: stack pointer after each, then how often each mark was passed.
fn protected_calls(mode: Unwind) -> serde_json::Value {
    let script = format!(
        "{HOST}
         const pointers = [[{BODY}, 5, 0], [{BODY}, 0, 1], [{BODY}, 30, 1], [{NESTED}, 3, 0], [{NESTED}, 3, 1]]
           .map((args) => {{ lua.run(...args); return lua.stack_pointer(); }});
         answer({{ pointers, log: [0, 1, 2, 3].map((i) => lua.read(3000 + 4 * i)) }});"
    );
    node::run(&script, &[&artifact(mode)])
}

/// Asks the host for 21, for something it fails at, and for something it fails at after disturbing the stack.
fn guarded_calls(mode: Unwind) -> serde_json::Value {
    let script = format!(
        "{HOST}
         answer([lua.ask, lua.ask_indirect].map((ask) =>
           [21, -1, -2].map((x) => [ask(x), lua.stack_pointer()])));"
    );
    node::run(&script, &[&artifact(mode)])
}

/// Five bodies entered besides the one in the nested call that returns; see [`linked`] for the marks.
fn expected_protected_calls() -> serde_json::Value {
    serde_json::json!({ "pointers": [1024, 1024, 1024, 1024, 1024], "log": [5, 2, 2, 1] })
}

fn expected_guarded_calls() -> serde_json::Value {
    let answers = [[42, 1024], [-77, 1024], [-77, 1024]];
    serde_json::json!([answers, answers])
}

#[test]
fn legacy_protected_calls_catch_and_restore_the_stack_pointer() {
    assert_eq!(protected_calls(Unwind::Legacy), expected_protected_calls());
}

#[test]
fn host_protected_calls_catch_and_restore_the_stack_pointer() {
    assert_eq!(protected_calls(Unwind::Host), expected_protected_calls());
}

#[test]
fn legacy_guards_answer_for_an_import_that_throws_however_it_is_called() {
    assert_eq!(guarded_calls(Unwind::Legacy), expected_guarded_calls());
}

/// Node has `try_table` from 24 on, and `NODE` can name one; with an older Node the module is only validated.
#[test]
fn exnref_does_as_legacy_does() {
    let wasm = artifact(Unwind::Exnref);
    Validator::new_with_features(WasmFeatures::MVP | WasmFeatures::EXCEPTIONS)
        .validate_all(&wasm)
        .expect("the module needs exceptions and nothing else");
    let supported = node::run("answer(WebAssembly.validate(modules[0]));", &[&wasm]);
    if supported == true {
        assert_eq!(protected_calls(Unwind::Exnref), expected_protected_calls());
        assert_eq!(guarded_calls(Unwind::Exnref), expected_guarded_calls());
    }
}

#[test]
fn no_placeholder_is_left_and_guards_add_no_import() {
    for (mode, expected) in [
        (Unwind::Legacy, vec!["env.ask"]),
        (Unwind::Exnref, vec!["env.ask"]),
        (Unwind::Host, vec!["env.lua_throw", "env.ask", "env.lua_try"]),
    ] {
        let wasm = artifact(mode);
        let imports: Vec<String> = Parser::new(0)
            .parse_all(&wasm)
            .filter_map(|payload| match payload.expect("the artifact parses") {
                Payload::ImportSection(section) => Some(section),
                _ => None,
            })
            .flat_map(|section| section.into_imports())
            .map(|import| {
                let import = import.expect("the artifact parses");
                format!("{}.{}", import.module, import.name)
            })
            .collect();
        assert_eq!(imports, expected);
    }
}

/// Instructions of every function that has a protected body.
fn protected_bodies(wasm: &[u8]) -> Vec<Vec<Operator<'_>>> {
    Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.expect("the artifact parses") {
            Payload::CodeSectionEntry(body) => Some(
                body.get_operators_reader()
                    .expect("the artifact parses")
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>()
                    .expect("the artifact parses"),
            ),
            _ => None,
        })
        .filter(|operators| operators.iter().any(|o| matches!(o, Operator::Try { .. } | Operator::TryTable { .. })))
        .collect()
}

/// WebKit does not catch what is thrown from a `call_indirect` that is the last instruction of a `try` or `try_table`
/// body. No other engine shows this, so nothing else would fail if the instruction were lost.
#[test]
fn webkit_catches_because_an_instruction_follows_the_call_in_every_protected_body() {
    for mode in [Unwind::Legacy, Unwind::Exnref] {
        let wasm = artifact(mode);
        let bodies = protected_bodies(&wasm);
        assert_eq!(bodies.len(), 2, "the protected call and one guard");
        for operators in bodies {
            let call = operators
                .iter()
                .position(|o| matches!(o, Operator::CallIndirect { .. } | Operator::Call { .. }))
                .expect("a protected body calls");
            assert!(matches!(
                operators[call + 1..],
                [
                    Operator::I32Const { value: 0 },
                    Operator::Drop,
                    Operator::Catch { .. } | Operator::CatchAll | Operator::End,
                    ..
                ]
            ));
        }
    }

    // call_indirect (type) table 0; i32.const 0; drop; catch tag 0; local.get saved; global.set 0
    let wasm = artifact(Unwind::Legacy);
    let emitted = wasm
        .windows(12)
        .any(|w| w[0] == 0x11 && w[2..] == [0x00, 0x41, 0x00, 0x1a, 0x07, 0x00, 0x20, 0x03, 0x24, 0x00]);
    assert!(emitted, "the protected call's bytes");
}

#[test]
fn a_placeholder_of_another_type_is_refused_with_both_types() {
    let linked = Linked {
        imports: vec![("unwind", "throw", vec![I32], vec![])],
        ..Linked::with(vec![Defined::exported("run", &[], &[], vec![I32Const(1), Call(0)])])
    };
    let message = process(&linked.encode(), &linked.config()).expect_err("throw takes nothing").to_string();
    assert_eq!(message, "the placeholder `unwind.throw` is (func (param i32)); the unwind pass expects (func)");
}

#[test]
fn a_guarded_import_without_an_i32_result_is_refused() {
    let linked = Linked {
        imports: vec![("env", "notify", vec![I32], vec![])],
        ..Linked::with(vec![Defined::exported("run", &[], &[], vec![I32Const(1), Call(0)])])
    };
    let mut config = linked.config();
    config.imports[0].guard = Some(-1);
    let error = process(&linked.encode(), &config).expect_err("there is no result to replace");
    assert!(matches!(&error, PassError::Guard { import, .. } if import == "env.notify"));
    assert!(error.to_string().contains("(func (param i32))"), "{error}");
}

#[test]
fn a_module_that_never_throws_is_left_alone() {
    let linked = Linked::with(vec![Defined::exported("run", &[], &[], vec![])]);
    for mode in [Unwind::Legacy, Unwind::Exnref] {
        let config = Config { unwind: mode, ..linked.config() };
        let processed = process(&linked.encode(), &config).expect("nothing needs exceptions");
        assert!(processed.report.features.is_empty());
    }
}

#[test]
fn every_mode_gives_the_same_bytes_twice() {
    for mode in [Unwind::Legacy, Unwind::Exnref, Unwind::Host] {
        assert_eq!(artifact(mode), artifact(mode));
    }
}
