// Implements what lua-host.wasm needs of a documented host besides, from the Exports Reference alone: protected calls, and
// catching what the host's own functions throw.

/** The value that an import returns in place of an exception, by the reference. */
const THREW = -2147483648;

/**
 * The functions of a host, and the two for protected calls.
 *
 * @param {Record<string, Function>} env
 * @param {() => WebAssembly.Table} getFunctions the exported table
 */
export function unwindByHost(env, getFunctions) {
  const raised = new Error('a Lua error');
  const guarded = Object.entries(env).map(([name, call]) => [name, guard(call)]);
  return {
    ...Object.fromEntries(guarded),
    lua_try(index, state, data) {
      try {
        getFunctions().get(index)(state, data);
      } catch (error) {
        if (error !== raised) throw error;
      }
    },
    lua_throw() {
      throw raised;
    },
  };
}

function guard(call) {
  return (...args) => {
    try {
      return call(...args);
    } catch {
      return THREW;
    }
  };
}
