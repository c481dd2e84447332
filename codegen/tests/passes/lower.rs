//! A lowered module computes what the original does.

use codegen::passes::{Feature, process};
use wasm_encoder::Instruction::{
    self, I32TruncSatF32S, I32TruncSatF32U, I32TruncSatF64S, I32TruncSatF64U, I64TruncSatF32S, I64TruncSatF32U,
    I64TruncSatF64S, I64TruncSatF64U, LocalGet, MemoryCopy, MemoryFill,
};
use wasm_encoder::ValType::{F32, F64, I64};

use super::fixture::{Defined, I32, Linked, claiming};
use super::node;

const CLAIMS: [Feature; 2] = [Feature::NontrappingFptoint, Feature::BulkMemory];

/// The module as it is, and lowered.
fn both(linked: &Linked) -> [Vec<u8>; 2] {
    [&CLAIMS[..], &[]].map(|claims| {
        let processed =
            process(&linked.encode(), &claiming(linked.config(), claims)).expect("the fixture is as configured");
        assert_eq!(processed.report.features, claims);
        processed.wasm
    })
}

/// Runs `script`, which answers for one instance `lua`, on both modules.
fn run(linked: &Linked, script: &str) -> [serde_json::Value; 2] {
    let [original, lowered] = both(linked);
    [original, lowered].map(|wasm| {
        let script = format!(
            "const lua = new WebAssembly.Instance(new WebAssembly.Module(modules[0])).exports;
             const attempt = (f) => {{ try {{ return f(); }} catch (e) {{ return e.constructor.name; }} }};
             {script}"
        );
        node::run(&script, &[&wasm])
    })
}

fn bulk() -> Linked {
    let operands = || vec![LocalGet(0), LocalGet(1), LocalGet(2)];
    let with = |instruction: Instruction<'static>| [operands(), vec![instruction]].concat();
    Linked::with(vec![
        Defined::exported("copy", &[I32, I32, I32], &[], with(MemoryCopy { src_mem: 0, dst_mem: 0 })),
        Defined::exported("fill", &[I32, I32, I32], &[], with(MemoryFill(0))),
        // Both features in one module, so that one set of claims serves every fixture.
        Defined::exported("trunc", &[F64], &[I32], vec![LocalGet(0), I32TruncSatF64S]),
    ])
}

#[test]
fn copies_and_fills_give_the_same_memory_whatever_the_overlap() {
    let script = "
        const memory = new Uint8Array(lua.memory.buffer);
        const region = memory.subarray(4000, 4100);
        const wrong = [];
        let rounds = 0;
        for (let dst = 0; dst <= 40; dst++) for (let src = 0; src <= 40; src += 1 + dst % 3)
          for (const len of [0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 50]) {
            region.forEach((_, i) => { region[i] = i + 1; });
            const expected = Array.from(region);
            const moved = expected.slice(src, src + len);
            expected.splice(dst, len, ...moved);
            lua.copy(4000 + dst, 4000 + src, len);
            if (expected.some((byte, i) => byte !== region[i])) wrong.push(['copy', dst, src, len]);
            expected.fill(dst * 7 + 200, src, src + len);
            lua.fill(4000 + src, (dst * 7 + 200) | 0xabcd00, len);
            if (expected.some((byte, i) => (byte & 255) !== region[i])) wrong.push(['fill', dst, src, len]);
            rounds++;
          }
        answer({ wrong, many: rounds > 5000 });";
    let expected = serde_json::json!({ "wrong": [], "many": true });
    for answer in run(&bulk(), script) {
        assert_eq!(answer, expected);
    }
}

#[test]
fn copies_and_fills_outside_memory_trap_before_they_write() {
    let script = "
        const end = lua.memory.buffer.byteLength;
        const memory = new Uint8Array(lua.memory.buffer);
        memory.fill(9, end - 16);
        const cases = [
          ['copy', end - 8, 4000, 9], ['copy', 4000, end - 8, 9], ['copy', end, 4000, 0],
          ['copy', end + 1, 4000, 0], ['copy', 4000, end + 1, 0], ['copy', -1, 4000, 2],
          ['copy', 4000, 4000, -1], ['copy', end - 8, 4000, 8],
          ['fill', end - 8, 1, 9], ['fill', end, 1, 0], ['fill', end + 1, 1, 0],
          ['fill', -1, 1, 2], ['fill', 4000, 1, -1], ['fill', end - 4, 1, 4],
        ];
        answer(cases.map(([name, ...args]) =>
          [attempt(() => lua[name](...args) ?? 'done'), Array.from(memory.subarray(end - 16)).join()]));";
    let [original, lowered] = run(&bulk(), script);
    assert_eq!(lowered, original);
    let outcomes: Vec<_> =
        original.as_array().expect("the script answers an array").iter().map(|case| case[0] == "done").collect();
    assert_eq!(
        outcomes,
        [false, false, true, false, false, false, false, true, false, true, false, false, false, true]
    );
}

#[test]
fn conversions_saturate_exactly_as_the_instructions_do() {
    let table = [
        ("i32_f32_s", F32, I32, I32TruncSatF32S),
        ("i32_f32_u", F32, I32, I32TruncSatF32U),
        ("i32_f64_s", F64, I32, I32TruncSatF64S),
        ("i32_f64_u", F64, I32, I32TruncSatF64U),
        ("i64_f32_s", F32, I64, I64TruncSatF32S),
        ("i64_f32_u", F32, I64, I64TruncSatF32U),
        ("i64_f64_s", F64, I64, I64TruncSatF64S),
        ("i64_f64_u", F64, I64, I64TruncSatF64U),
    ];
    let mut linked = Linked::with(
        table
            .into_iter()
            .map(|(name, from, to, instruction)| {
                Defined::exported(name, &[from], &[to], vec![LocalGet(0), instruction])
            })
            .collect(),
    );
    linked.functions.extend(bulk().functions.drain(..1));
    // Neighbours of every bound in both precisions, special values, and all magnitudes.
    let script = "
        const doubles = new Float64Array(1), bits = new BigInt64Array(doubles.buffer);
        const floats = new Float32Array(1), words = new Int32Array(floats.buffer);
        const values = [0, -0, NaN, Infinity, -Infinity, 0.5, -0.5, -0.999, -1, 1, 5e-324];
        for (const bound of [2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64]) for (const sign of [1, -1])
          for (let step = -3; step <= 3; step++) {
            doubles[0] = sign * bound; bits[0] += BigInt(step); values.push(doubles[0]);
            floats[0] = sign * bound; words[0] += step; values.push(floats[0]);
            values.push(sign * (bound + step), sign * (bound + step / 2));
          }
        let seed = 12345n;
        for (let i = 0; i < 2000; i++) {
          seed = BigInt.asUintN(64, seed * 6364136223846793005n + 1442695040888963407n);
          const exponent = Number(seed >> 57n) - 32;
          values.push((Number(seed & 0xffffffn) / 2 ** 23 - 1) * 2 ** exponent);
        }
        const names = Object.keys(lua).filter((name) => /^i\\d/.test(name)).sort();
        answer(names.map((name) => [name, values.map((x) => lua[name](x))]));";
    let [original, lowered] = run(&linked, script);
    assert_eq!(lowered, original);
    assert_eq!(original.as_array().map(Vec::len), Some(8));
    let samples = &original[0];
    assert_eq!(samples[0], "i32_f32_s");
    assert_eq!(
        samples[1].as_array().map(|values| &values[2..5]),
        Some(&serde_json::json!([0, i32::MAX, i32::MIN]).as_array().expect("three")[..])
    );
}

#[test]
fn lowering_gives_the_same_bytes_twice() {
    assert_eq!(both(&bulk()), both(&bulk()));
}
