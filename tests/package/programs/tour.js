/**
 * Uses a little of everything that the package offers, in any environment.
 *
 * @import { LuaOptions } from 'lua-persistent'
 */

import { Lua, LuaError, MemoryBackend, MultiReturn } from 'lua-persistent';

/**
 * @param {() => LuaOptions['wasm']} [wasm] gives the module of each machine; by default the
 *   package's own
 */
export async function tour(wasm = () => undefined) {
  const lua = await Lua.create({ wasm: wasm(), functions: { half: (n) => MultiReturn.of(Math.floor(n / 2), n % 2) }, instructions: 1e6 });
  const { value, lines } = lua.eval('x = 42 print("hello") return x');
  let message = '';
  try {
    lua.eval('local t = nil; return t.field', { name: 'tour' });
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    message = error.message;
  }
  lua.set('add', lua.eval('return function(a, b) return a + b end').value);
  const sum = lua.call('add', ...lua.callAll('half', 5).values);
  let limit = '';
  try {
    lua.eval('while true do end');
  } catch (error) {
    limit = error instanceof LuaError ? String(error.limit) : String(error);
  }
  const twin = await Lua.restore(await lua.snapshot(), { wasm: wasm() });
  const restored = twin.eval('return x + 1').value;
  await Promise.all([lua.close(), twin.close()]);

  const backend = new MemoryBackend();
  const before = await Lua.open(backend, { wasm: wasm() });
  before.eval('_home.n = 44');
  await before.close();
  const after = await Lua.open(backend, { wasm: wasm() });
  const kept = after.eval('return _home.n').value;
  await after.close();
  return { value, lines, message, sum, limit, restored, kept };
}
