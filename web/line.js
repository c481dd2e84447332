/**
 * The entry points `lua-persistent/lua-5.5` and the like: a line of Lua in a script, for programs whose bundler leaves files
 * behind. The default export is a `wasm` for `Lua.create`. The script holds what turns the module of the first line, which
 * programs have anyway, into that of its own. The build of the package makes one script for each line but the first.
 *
 * @import { WasmScript } from './module/line.js'
 */

import { applyDelta } from './module/delta.js';
import { unpack } from './module/unpack.js';

/** @type {WasmScript} */
export default async function moduleOfLine(first) {
  const [module, changes] = await Promise.all([first(), unpack()]);
  return applyDelta(module, changes);
}
