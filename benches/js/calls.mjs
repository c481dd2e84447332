// What a call and a start cost: `compute("return 1")` to and fro, and a machine from a compiled module.

import { Lua } from '../../web/lua-persistent.js';
import { perAwait, perCall } from './measure.mjs';

function attempt(call) {
  try {
    call();
  } catch {
    // That it fails is what is measured.
  }
}

/** Rows: name, here, wasmoon. */
export async function calls(module, wasmoon) {
  const lua = await Lua.create({ wasm: module });
  const engine = wasmoon && (await new wasmoon.LuaFactory().createEngine());
  return [
    ['compute("return 1")', perCall(20_000, () => lua.compute('return 1')), engine && perCall(2000, () => engine.doStringSync('return 1'))],
    ['eval("1 + 1")', perCall(20_000, () => lua.eval('1 + 1')), null],
    [
      'compute of a failing line',
      perCall(2000, () => attempt(() => lua.compute('error("x", 0)'))),
      engine && perCall(500, () => attempt(() => engine.doStringSync('error("x", 0)'))),
    ],
    ['compute("print(1)")', perCall(20_000, () => lua.compute('print(1)')), null],
    [
      'instantiate a compiled module and init',
      await perAwait(50, async () => (await Lua.create({ wasm: module })).close()),
      wasmoon && (await perAwait(5, async () => (await new wasmoon.LuaFactory().createEngine()).global.close())),
    ],
  ];
}
