/**
 * Gives the module in forms that belong to the platform; TypeScript compiles it with a library of one, and nothing runs it.
 */

import { Lua } from 'lua-persistent';
import { compile, instantiate, instantiateSync } from 'lua-persistent/loader';
import type { Host } from 'lua-persistent/loader';

export async function forms(response: Response, bytes: Uint8Array<ArrayBuffer>, host: Host): Promise<number> {
  const module: WebAssembly.Module = await compile(response);
  for (const wasm of [module, response, bytes, bytes.buffer, new URL('https://example.org/lua.wasm')]) await Lua.create({ wasm });
  await Lua.create({ wasm: Promise.resolve(bytes) });
  // @ts-expect-error: not a form of the module
  await Lua.create({ wasm: 1 });
  const machine = await instantiate(Promise.resolve(response), host, { imports: { env: { extra: () => 1 } } });
  const memory: WebAssembly.Memory = machine.exports.memory;
  const instance: WebAssembly.Instance = instantiateSync(module, host).instance;
  return memory.buffer.byteLength + Object.keys(instance.exports).length;
}
