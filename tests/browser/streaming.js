/**
 * Checks whether the package compiles `lua.wasm` while it arrives.
 */

/**
 * Load the package from an address and run a line of Lua in it.
 *
 * @param {string} address of `lua-persistent.js`
 * @returns {Promise<{ streamed: number, value: number }>} how often `WebAssembly.compileStreaming` was called
 */
export async function countStreaming(address) {
  let streamed = 0;
  const { compileStreaming } = WebAssembly;
  WebAssembly.compileStreaming = (source) => {
    streamed++;
    return compileStreaming.call(WebAssembly, source);
  };
  try {
    const { Lua } = await import(address);
    const lua = await Lua.create();
    const { value } = lua.eval('return 6 * 7');
    lua.close();
    return { streamed, value };
  } finally {
    WebAssembly.compileStreaming = compileStreaming;
  }
}
