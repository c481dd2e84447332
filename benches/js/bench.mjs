// What a call and a start cost: `compute("return 1")` to and fro, and a machine from a compiled module. Beside them the
// same with wasmoon, where it is installed (`npm install` in this folder).

import { readFile } from 'node:fs/promises';

import { Lua } from '../../web/lua-persistent.js';

/** Microseconds per call of a function: the median of several rounds, after warming up. */
function perCall(count, call) {
  for (let warm = 0; warm < count; warm++) call();
  const rounds = [];
  for (let round = 0; round < 9; round++) {
    const begin = performance.now();
    for (let index = 0; index < count; index++) call();
    rounds.push(((performance.now() - begin) * 1000) / count);
  }
  return rounds.sort((a, b) => a - b)[4];
}

/** As `perCall`, for a function that gives a promise. */
async function perAwait(count, call) {
  for (let warm = 0; warm < count; warm++) await call();
  const rounds = [];
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    for (let index = 0; index < count; index++) await call();
    rounds.push(((performance.now() - begin) * 1000) / count);
  }
  return rounds.sort((a, b) => a - b)[2];
}

/** wasmoon, or null where it is not installed. */
async function loadWasmoon() {
  try {
    return await import('wasmoon');
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return null;
  }
}

const module = await WebAssembly.compile(await readFile(new URL('../../web/lua.wasm', import.meta.url)));
const wasmoon = await loadWasmoon();

const lua = await Lua.create({ wasm: module });
const engine = wasmoon && (await new wasmoon.LuaFactory().createEngine());

/** What is measured, here and with wasmoon. */
const rows = [
  ['compute("return 1")', perCall(20_000, () => lua.compute('return 1')), engine && perCall(2000, () => engine.doStringSync('return 1'))],
  ['eval("1 + 1")', perCall(20_000, () => lua.eval('1 + 1')), null],
  ['compute of a failing line', perCall(2000, () => attempt(() => lua.compute('error("x", 0)'))), engine && perCall(500, () => attempt(() => engine.doStringSync('error("x", 0)')))],
  ['compute("print(1)")', perCall(20_000, () => lua.compute('print(1)')), null],
  ['a set in an external table', perCall(20, () => lua.compute('for i = 1, 10000 do _home.x = i end')) / 10_000, null],
  ['a get from an external table', perCall(20, () => lua.compute('local s for i = 1, 10000 do s = _home.x end')) / 10_000, null],
  [
    'instantiate a compiled module and init',
    await perAwait(50, async () => (await Lua.create({ wasm: module })).close()),
    wasmoon && (await perAwait(5, async () => (await new wasmoon.LuaFactory().createEngine()).global.close())),
  ],
];

function attempt(call) {
  try {
    call();
  } catch {
    // That it fails is what is measured.
  }
}

const micros = (value) => (value === null ? '' : `${value.toFixed(value < 10 ? 3 : 1)} µs`);
console.log(`Node ${process.version}${wasmoon ? '; wasmoon beside it' : '; wasmoon is not installed'}`);
console.log(`${''.padEnd(40)}${'here'.padStart(14)}${'wasmoon'.padStart(14)}`);
for (const [name, here, there] of rows) console.log(`${name.padEnd(40)}${micros(here).padStart(14)}${micros(there).padStart(14)}`);
