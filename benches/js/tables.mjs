// What operations on external tables cost, beside the least that they can cost, done by hand: a call from WebAssembly to an
// imported function, and an access to a `Map` whose key is a string that is there already. wasmoon has a JavaScript object
// in the table's place.

import { Lua } from '../../web/lua-persistent.js';
import { perOperation } from './measure.mjs';

const MILLION = 1_000_000;

/** A module whose export `run` calls the import `env.f` with n, n - 1, ... 1. */
const CALLER = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x0a, 0x02, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x60, 0x01, 0x7f, 0x00, // types: i32 -> i32, i32 -> nothing
  0x02, 0x09, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x01, 0x66, 0x00, 0x00, // import env.f
  0x03, 0x02, 0x01, 0x01,
  0x07, 0x07, 0x01, 0x03, 0x72, 0x75, 0x6e, 0x00, 0x01, // export run
  0x0a, 0x15, 0x01, 0x13, 0x00,
  0x03, 0x40, 0x20, 0x00, 0x10, 0x00, 0x1a, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x0b,
);

/** What is measured: how a program makes ready, and what it does `count` times. */
const PROGRAMS = [
  { name: 'set a field', count: 200_000, before: '', code: 'for i = 1, 200000 do t.x = i end', hand: (map, i) => map.set('x', i), keys: ['x'] },
  {
    name: 'get a field, one of 1,000',
    count: 200_000,
    before: 'keys = {} for i = 1, 1000 do keys[i] = "k" .. i t[keys[i]] = i end',
    code: 'local keys, t = keys, t for r = 1, 200 do for i = 1, 1000 do local x = t[keys[i]] end end',
    hand: (map, i, keys) => map.get(keys[i % 1000]),
    keys: Array.from({ length: 1000 }, (_, n) => `k${n + 1}`),
  },
  { name: 'get a field again and again', count: MILLION, before: 't.x = 1', code: 'local t = t for i = 1, 1000000 do local x = t.x end', hand: (map) => map.get('x'), keys: ['x'] },
  { name: 'set 1,000,000 items', count: MILLION, before: '', code: 'local t = t for i = 1, 1000000 do t[i] = i end', hand: (map, i) => map.set(i, i), keys: [] },
  {
    name: 'get 1,000,000 items',
    count: MILLION,
    before: 'for i = 1, 1000000 do t[i] = i end',
    code: 'local t = t for i = 1, 1000000 do local x = t[i] end',
    hand: (map, i) => map.get(i),
    keys: Array.from({ length: MILLION }, (_, n) => n + 1),
  },
  {
    name: 'set 100,000 names',
    count: 100_000,
    before: '',
    code: 'local t = t for i = 1, 100000 do t["name" .. i] = i end',
    hand: (map, i) => map.set(`name${i}`, i),
    keys: [],
  },
  {
    name: 'walk 100,000 names with pairs',
    count: 100_000,
    before: 'for i = 1, 100000 do t["name" .. i] = i end',
    code: 'local n = 0 for k, v in pairs(t) do n = n + 1 end assert(n == 100000)',
    hand: null,
    keys: [],
  },
  { name: 'append with t[#t + 1]', count: 100_000, before: '', code: 'local t = t for i = 1, 100000 do t[#t + 1] = i end', hand: null, keys: [] },
  { name: 'store a table {x = i, y = 2}', count: 20_000, before: '', code: 'local t = t for i = 1, 20000 do t[i] = {x = i, y = 2} end', hand: null, keys: [] },
];

/** Operations that wasmoon gets, as it takes about ten microseconds for each. */
const FEWER = 20;

function byHand({ count, hand, keys }) {
  if (hand === null) return null;
  const prepare = () => {
    const map = new Map(keys.map((key) => [key, key]));
    const f = (i) => {
      hand(map, i, keys);
      return 0;
    };
    return new WebAssembly.Instance(new WebAssembly.Module(CALLER), { env: { f } }).exports.run;
  };
  return perOperation(count, prepare, (run) => run(count));
}

function withWasmoon(engine, { before, code, count }) {
  const fewer = (text) => text.replace(/\b(1000000|200000|100000|20000|200)\b/g, (number) => String(Math.ceil(Number(number) / FEWER)));
  try {
    const prepare = () => {
      engine.global.set('t', {});
      engine.doStringSync(fewer(before));
    };
    return perOperation(count / FEWER, prepare, () => engine.doStringSync(fewer(code)));
  } catch {
    // Not everything can be done with its objects.
    return null;
  }
}

/** Rows: name, here, by hand, wasmoon. */
export async function tables(module, wasmoon) {
  const engine = wasmoon && (await new wasmoon.LuaFactory().createEngine());
  const rows = [];
  for (const program of PROGRAMS) {
    const lua = await Lua.create({ wasm: module });
    const prepare = () => lua.compute(`t = ext.table() ${program.before}`);
    // Once to warm up.
    prepare();
    lua.compute(program.code);
    const here = perOperation(program.count, prepare, () => lua.compute(program.code));
    rows.push([program.name, here, byHand(program), engine && withWasmoon(engine, program)]);
    lua.close();
  }
  return rows.concat(await fromJavaScript(module));
}

/** The same tables from the JavaScript side. */
async function fromJavaScript(module) {
  const lua = await Lua.create({ wasm: module });
  const table = lua.createTable();
  const each = (count, call) => {
    for (let i = 1; i <= count; i++) call(i);
  };
  const rows = [
    ['table.set(i, i) from JavaScript', perOperation(100_000, () => {}, () => each(100_000, (i) => table.set(i, i))), null, null],
    ['table.get(i) from JavaScript', perOperation(100_000, () => {}, () => each(100_000, (i) => table.get(i))), null, null],
    ['for (const [key, value] of table)', perOperation(100_000, () => {}, () => { for (const entry of table) void entry; }), null, null],
  ];
  lua.close();
  return rows;
}
