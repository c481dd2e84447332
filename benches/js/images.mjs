// What keeping a whole machine costs: snapshots of a full heap, going on with them, forks, checkpoints.

import { Lua } from '../../web/lua-persistent.js';
import { perAwait, perCall } from './measure.mjs';

/** Fill the heap to about 1.5 MB. */
const FILL = 't = {} while collectgarbage("count") < 1460 do t[#t + 1] = {#t} end';

/** Rows: name, and what it takes. */
export async function images(module) {
  const large = await Lua.create({ wasm: module });
  large.compute(FILL);
  const snapshot = large.snapshot({ compress: false });
  const create = await perAwait(20, () => Lua.create({ wasm: module }));

  const ordinary = await Lua.create({ wasm: module });
  ordinary.compute('t = {} for i = 1, 2000 do t[i] = "item " .. i end for i = 1, 100 do _home[i] = i end');
  const undone = (code) => () => {
    ordinary.checkpoint();
    ordinary.compute(code);
    ordinary.rollback();
  };
  const transactional = await Lua.create({ wasm: module, transactional: true });
  return [
    ['snapshot of 1.5 MB, raw', perCall(20, () => large.snapshot({ compress: false }))],
    ['the same, compressed', await perAwait(3, () => large.snapshot())],
    ['restore of it, beyond instantiation', (await perAwait(20, () => Lua.restore(snapshot, { wasm: module }))) - create],
    ['fork of it, beyond instantiation', (await perAwait(20, () => large.fork())) - create],
    ['checkpoint and commit', perCall(50, () => (large.checkpoint(), large.commit()))],
    ['checkpoint and rollback', perCall(50, () => (large.checkpoint(), large.rollback()))],
    ['the same around 10 changes of a table', perCall(50, undone('for i = 1, 10 do _home[i] = -i end'))],
    ['the same around 10 deletions of 100 keys', perCall(50, undone('for i = 1, 10 do _home[i] = nil end'))],
    ['a call of a transactional machine', perCall(200, () => transactional.compute('x = 1'))],
  ];
}

/** Rows: state, bytes of its snapshot compressed and raw. */
export async function imageSizes(module) {
  const rows = [];
  for (const [name, code] of [['fresh', ''], ['2,000 strings', 't = {} for i = 1, 2000 do t[i] = "item " .. i end'], ['1.5 MB', FILL]]) {
    const lua = await Lua.create({ wasm: module });
    lua.compute(code);
    rows.push([name, (await lua.snapshot()).length, lua.snapshot({ compress: false }).length]);
  }
  return rows;
}
