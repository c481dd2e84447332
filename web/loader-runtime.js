// Instantiates a module and checks that it fits: the part of loader.js that is the same for every exports.toml.
// The generator copies it from the marked line on, behind the constants and before what it makes of the manifest.
// `cargo xtask generate` brings loader.js up to date.

import { ABI_VERSION, LuaInstance, MEMORY_PAGES, SERVICES, VALUE_LIMIT, WASM_PAGE_SIZE } from './loader.js';

/** @type {string} The custom section in which a module says what it is. */
const SECTION = '';
/** @type {string} The name of the exported memory. */
const MEMORY = '';
/** @type {string[]} The name of each export. */
const EXPORTS = [];
/** @type {string[]} The name of each method of a host. */
const HANDLERS = [];
/** @type {(host: any, view: () => Uint8Array, keep: (error: unknown) => void) => WebAssembly.Imports} */
const bind = () => ({});
/** What the generated part uses. */
export const used = () => [negotiated, Instance];

// loader.js has what follows.

/** Module and loader do not fit, or the module could not be fetched. */
export class AbiError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'AbiError';
  }
}

/**
 * What a host offers: the services that it has handlers for, and the longest value of its tables.
 *
 * @param {import('./loader.js').Host} host
 * @returns {import('./loader.js').NegotiateReply}
 */
function negotiated(host) {
  const handlers = /** @type {any} */ (host.services || {});
  let services = 1 << SERVICES.negotiate;
  for (const [name, number] of Object.entries(SERVICES)) {
    if (typeof handlers[name] === 'function') services |= 1 << number;
  }
  const maxValueLen = host.maxValueLength || VALUE_LIMIT;
  return { services, maxValueLen, continues: host.continues ? 1 : 0 };
}

/**
 * Makes the import object for a host. What a method of the host throws does not reach the module,
 * which sees a value that stands for it; the exception is kept for `takeThrown`.
 *
 * @param {import('./loader.js').Host} host
 * @param {() => WebAssembly.Memory} getMemory Called once, when the module first needs the host.
 * @returns {{
 *   imports: WebAssembly.Imports,
 *   takeThrown: () => import('./loader.js').Thrown | null,
 * }}
 */
export function createImports(host, getMemory) {
  const methods = /** @type {any} */ (host);
  const missing = HANDLERS.filter((name) => typeof methods[name] !== 'function');
  if (missing.length > 0) {
    throw new AbiError(`the host has no method ${missing.join(', ')}`);
  }
  /** @type {import('./loader.js').Thrown | null} */
  let thrown = null;
  /** @type {Uint8Array | null} The memory never grows, so one view of it lasts. */
  let memory = null;
  const view = () => {
    if (memory === null) memory = new Uint8Array(getMemory().buffer);
    return memory;
  };
  const imports = bind(host, view, (error) => {
    thrown = { error };
  });
  const takeThrown = () => {
    const last = thrown;
    thrown = null;
    return last;
  };
  return { imports, takeThrown };
}

/** A module at work: its exports, and views of its memory, which never grows. */
class Instance {
  /**
   * @param {WebAssembly.Instance} instance
   * @param {() => import('./loader.js').Thrown | null} [takeThrown]
   */
  constructor(instance, takeThrown = () => null) {
    this.instance = instance;
    this.exports = /** @type {any} */ (instance.exports);
    const { buffer } = this.exports[MEMORY];
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.takeThrown = takeThrown;
  }
}

/**
 * What a value calls itself. Unlike `instanceof`, this knows values of other frames and contexts.
 *
 * @param {any} value
 * @returns {string}
 */
function kindOf(value) {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * Compiles a module, from a response as it arrives.
 *
 * @param {any} source A module, its bytes, a response with them, or a promise of one of these.
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  const given = await source;
  if (kindOf(given) === 'WebAssembly.Module') return given;
  if (kindOf(given) !== 'Response') return WebAssembly.compile(given);
  if (!given.ok) {
    throw new AbiError(`${given.url} could not be fetched: ${given.status} ${given.statusText}`);
  }
  // Compiling while it arrives wants exactly this type, which not every server sends.
  const streams = given.headers.get('Content-Type') === 'application/wasm';
  if (streams && typeof WebAssembly.compileStreaming === 'function') {
    return WebAssembly.compileStreaming(given);
  }
  return WebAssembly.compile(await given.arrayBuffer());
}

/**
 * Reads what a module says about itself: version of the boundary (u32), release of Lua, hash of
 * the manifest, and the build (each a length byte and text).
 *
 * @param {WebAssembly.Module} module
 * @returns {import('./loader.js').Stamp | null} Null if it says nothing.
 */
export function identify(module) {
  const sections = WebAssembly.Module.customSections(module, SECTION);
  if (sections.length === 0) return null;
  const bytes = new Uint8Array(sections[0]);
  let next = 4;
  const text = () => {
    const start = next + 1;
    next = start + bytes[next];
    if (!(next <= bytes.length)) throw new AbiError(`the section ${SECTION} is damaged`);
    return new TextDecoder().decode(bytes.subarray(start, next));
  };
  const luaRelease = text();
  const manifestHash = text();
  const build = next < bytes.length ? text() : '';
  const abiVersion = new DataView(sections[0]).getUint32(0, true);
  return { abiVersion, luaRelease, manifestHash, build };
}

/**
 * Throws an `AbiError` if a module does not have this boundary.
 *
 * @param {WebAssembly.Module} module
 */
export function check(module) {
  const stamp = identify(module);
  if (stamp !== null && stamp.abiVersion !== ABI_VERSION) {
    throw new AbiError(
      `the module has version ${stamp.abiVersion} of the boundary and the loader version ` +
        `${ABI_VERSION}: take both from one release`,
    );
  }
  const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const missing = EXPORTS.filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new AbiError(`the module is not lua.wasm: it does not export ${missing.join(', ')}`);
  }
}

/**
 * Makes the two imports of a module whose Lua errors unwind by JavaScript exceptions. The module
 * itself looks after its stack pointer.
 *
 * @param {() => WebAssembly.Table} getTable Called once, when the module first needs it.
 */
export function createUnwinding(getTable) {
  // One object for all errors: what was raised is in the Lua state, and a stack that nobody reads
  // would cost more than all else.
  const raised = new Error('a Lua error outside of any protected call');
  /** @type {WebAssembly.Table | null} */
  let table = null;
  /** @type {any[]} What Lua calls protected, by index in the table: making one costs, too. */
  const bodies = [];
  /** @param {number} index */
  const bodyAt = (index) => {
    if (table === null) table = getTable();
    bodies[index] = table.get(index);
    return bodies[index];
  };
  return {
    /**
     * (import "env" "lua_try" (func (param i32 i32 i32)))
     *
     * @param {number} index Of the body in the table.
     * @param {number} state
     * @param {number} data
     */
    lua_try(index, state, data) {
      const body = bodies[index] || bodyAt(index);
      try {
        body(state, data);
      } catch (error) {
        // A trap, or an exhausted JavaScript stack, is not Lua's to catch.
        if (error !== raised) throw error;
      }
    },
    // (import "env" "lua_throw" (func))
    lua_throw() {
      throw raised;
    },
  };
}

/**
 * What an instance of a module needs, and what comes of it.
 *
 * @param {WebAssembly.Module} module
 * @param {import('./loader.js').Host} host
 * @param {import('./loader.js').InstantiateOptions} options
 */
function prepare(module, host, options) {
  check(module);
  /** @type {any} */
  let exports = null;
  const { imports, takeThrown } = createImports(host, () => exports[MEMORY]);
  const all = Object.assign({}, options.imports, imports);
  if (WebAssembly.Module.imports(module).some(({ name }) => name === 'lua_try')) {
    all.env = Object.assign({}, all.env, createUnwinding(() => exports.__indirect_function_table));
  }
  /** @param {WebAssembly.Instance} instance */
  const finish = (instance) => {
    exports = instance.exports;
    const lua = new LuaInstance(instance, takeThrown);
    const pages = lua.bytes.length / WASM_PAGE_SIZE;
    if (pages !== MEMORY_PAGES) {
      throw new AbiError(`the memory of the module has ${pages} pages instead of ${MEMORY_PAGES}`);
    }
    return lua;
  };
  return { imports: all, finish };
}

/**
 * Compiles a module, checks that it fits, and brings it to life with a host; `init` starts Lua.
 *
 * @param {any} source A module, its bytes, a response with them, or a promise of one of these.
 * @param {import('./loader.js').Host} host
 * @param {import('./loader.js').InstantiateOptions} [options]
 * @returns {Promise<LuaInstance>}
 */
export async function instantiate(source, host, options = {}) {
  const module = await compile(source);
  const { imports, finish } = prepare(module, host, options);
  return finish(await WebAssembly.instantiate(module, imports));
}

/**
 * As `instantiate`, at once. Some browsers refuse this on a page's main thread.
 *
 * @param {WebAssembly.Module} module
 * @param {import('./loader.js').Host} host
 * @param {import('./loader.js').InstantiateOptions} [options]
 * @returns {LuaInstance}
 */
export function instantiateSync(module, host, options = {}) {
  const { imports, finish } = prepare(module, host, options);
  return finish(new WebAssembly.Instance(module, imports));
}
