// The boundary between JavaScript and lua.wasm: its constants, the imports over a host object,
// and the exports as methods. The syntax keeps to what Chrome 74 and Firefox 79 parse.
// Generated from exports.toml by `cargo xtask generate`; edit that instead.

/** Version of the boundary. */
export const ABI_VERSION = 2;
/** Equal for two builds exactly if they agree on every call. */
export const MANIFEST_HASH = '2c5693a4275190d3';
/** The lines of Lua releases that there are modules of; the first is the default. */
export const LUA_LINES = Object.freeze(['5.4', '5.5']);
/** Pages of the memory, minimum and maximum: 2 MiB. */
export const MEMORY_PAGES = 32;
/** Bytes in a page. */
export const WASM_PAGE_SIZE = 65536;
/** Bytes of the I/O buffer. */
export const IO_BUFFER_SIZE = 65536;
/** An error message in the I/O buffer takes fewer bytes than this. */
export const ERROR_LIMIT = 200;
/**
 * Longest string that can be a key of an external table, in bytes. In its form each byte takes up
 * to four, so that a host sees keys of up to 65540 bytes.
 */
export const KEY_LIMIT = 16384;
/**
 * Longest string that an external table takes as a value, in bytes, unless the host negotiates
 * another length. Its encoding has a tag and a length in front: `VALUE_HEAD` bytes more.
 */
export const VALUE_LIMIT = 16384;
/**
 * The least that a host can negotiate: every value but a string fits, with `VALUE_HEAD` bytes more.
 */
export const VALUE_LIMIT_LEAST = 64;
/**
 * Bytes of a string's encoding in front of its own. So a host with nothing negotiated gets values
 * of up to 16389 bytes.
 */
export const VALUE_HEAD = 5;
/**
 * The least that `set_heap_limit` can give a machine: it can load the libraries, run small scripts
 * and report their errors.
 */
export const HEAP_LEAST = 131072;
/** Flag of `execute`: run the code as `eval` does, as an interactive console. */
export const EXECUTE_CONSOLE = 1;
/**
 * Flag of `execute`: pass the elements of the global table `arg`, from 1 on, to the code as its
 * `...`.
 */
export const EXECUTE_ARGUMENTS = 2;
/** There is no program, or it has ended. */
export const PROGRAM_NONE = 0;
/** There is a program, which has not begun, or has used up the ticks of a step. */
export const PROGRAM_PAUSED = 1;
/** The program waits in `coroutine.yield`, which returns what `program_resume` hands over. */
export const PROGRAM_YIELDED = 2;
/** The code ran to its end. */
export const STATUS_OK = 0;
/** The program that is run in steps is paused: `program_step` goes on with it. */
export const STATUS_PAUSED = 1;
/** The code raised an error. */
export const STATUS_RUNTIME_ERROR = 2;
/** The code is not Lua, or is a binary chunk. */
export const STATUS_SYNTAX_ERROR = 3;
/** The heap was full. */
export const STATUS_MEMORY_ERROR = 4;
/** An error occurred while another was being handled. */
export const STATUS_HANDLER_ERROR = 5;
/** The code was stopped: it ran as many instructions as `set_limits` allows. */
export const STATUS_INSTRUCTION_LIMIT = 6;
/** The code was stopped: it ran as long as `set_limits` allows. */
export const STATUS_TIME_LIMIT = 7;
/** The code was stopped: it printed as much as `set_limits` allows. */
export const STATUS_OUTPUT_LIMIT = 8;
/** The code ran to its end, but its result does not fit the I/O buffer. */
export const STATUS_TOO_LARGE = 16;
/**
 * The call was refused: a range outside the memory, code longer than the buffer, or an unknown
 * flag.
 */
export const STATUS_BAD_ARGUMENT = 17;
/**
 * The call was refused: there is no machine, as `init` has not been called or has failed, or
 * `deinit` has closed it.
 */
export const STATUS_NOT_INITIALIZED = 18;
/**
 * The call was refused: another call is under way, whose import runs or has thrown an exception
 * through the module.
 */
export const STATUS_BUSY = 19;
/** The call was refused: `program_start` has not made a program, or it has ended. */
export const STATUS_NO_PROGRAM = 20;
/** The serialized result, without the output, if it was too large for the I/O buffer. */
export const PART_VALUES = 1;
/** The whole error message. */
export const PART_MESSAGE = 2;
/** The traceback of the error, as text. */
export const PART_TRACEBACK = 3;
/** The serialized error value, which need not be a string. */
export const PART_ERROR_VALUE = 4;
/** The number (u32) of the host function's exception that caused the error, if one did. */
export const PART_EXCEPTION = 5;
/** The function returned: its results follow. */
export const CALL_RESULTS = 0;
/**
 * The function failed with a message: a number that the host gives to the exception, the message,
 * and the host's own traceback or nil. In Lua, the position of the call is put in front of the
 * message.
 */
export const CALL_ERROR = 1;
/** As `CALL_ERROR`, but the error value itself follows the number. */
export const CALL_THROWN = 2;
/**
 * The function failed because a call of Lua inside it failed: the module raises the same error
 * value again.
 */
export const CALL_AGAIN = 3;
/**
 * Names the keys that rows have in common. The shapes of a request or reply are numbered from 0.
 */
export const OP_SHAPE = 1;
/**
 * All entries of a table, in their order; its metatable is the one with the key `[meta]`. A table
 * that the host does not have is a row of a shape without keys.
 */
export const OP_ROW = 2;
/** An entry. */
export const OP_SET = 3;
/** Deletes an entry; there need not be one. */
export const OP_DELETE = 4;
/** The values of the integer keys from `first` on. */
export const OP_LIST = 5;
/**
 * A table that is asked for in another way, as it is too large for a row, or one of its values is
 * not encoded as a value is.
 */
export const OP_LARGE = 6;
/**
 * A key whose value is asked for by `js_ext_table_get`, as it has more than `BATCH_VALUE_LIMIT`
 * bytes.
 */
export const OP_KEY = 7;
/**
 * In place of a value in an `OP_LIST`: the value has more than `BATCH_VALUE_LIMIT` bytes, or is not
 * encoded as a value is.
 */
export const VALUE_ELSEWHERE = 0xff;
/**
 * Longest value that is part of an `OP_LIST`, or of the `OP_SET` of a page of entries, in bytes.
 */
export const BATCH_VALUE_LIMIT = 1024;
/** The first roots of a new collection. One that is under way is given up. */
export const ROOTS_BEGIN = 0;
/**
 * The first roots of the list that the collection under way has asked for. If there is none, of a
 * new one.
 */
export const ROOTS_AGAIN = 1;
/** More of the list before. */
export const ROOTS_MORE = 2;
/** Everything is freed that was garbage when the collection began. */
export const COLLECT_DONE = 0;
/** The time of the step is over. */
export const COLLECT_PART = 1;
/**
 * The collection goes on with the roots, of which there are none yet, or which may be others than
 * before.
 */
export const COLLECT_ROOTS = 2;
/**
 * What an import returns for a key or table it does not have, a request it does not know, or a
 * failure.
 */
export const REPLY_NONE = -1;
/**
 * `nil`. Assigning nil deletes an entry, so no entry has this tag. If a host stores one, the entry
 * is damaged, see below.
 */
export const TAG_NIL = 0x00;
/** A boolean. */
export const TAG_BOOLEAN = 0x01;
/** An integer of 64 bits. */
export const TAG_INTEGER = 0x02;
/** A float. */
export const TAG_FLOAT = 0x03;
/** A string of any bytes. */
export const TAG_STRING = 0x04;
/**
 * A Lua function stored in an external table: the id of the table that describes it, never 0 or
 * 4294967295.
 */
export const TAG_FUNCTION = 0x05;
/**
 * A function written in C that is a field of the globals or of a library, by name, as `print` or
 * `string.format`. A host function that is the value of a global is stored in this form, by the
 * name of that global; in a result it is a `TAG_HOST_FUNCTION`.
 */
export const TAG_LIBRARY_FUNCTION = 0x06;
/** An external table, by its id, never 0 or 4294967295. */
export const TAG_EXTERNAL_TABLE = 0x07;
/**
 * A table by value: the values of the keys 1 to n, then m other keys, each followed by its value.
 */
export const TAG_TABLE = 0x08;
/** A table by value that has appeared before, by its number. */
export const TAG_SAME_TABLE = 0x09;
/**
 * A value that cannot be encoded (a Lua function, a coroutine, userdata), as `tostring` shows it.
 * The type is the number that Lua's C API gives it: nil 0, boolean 1, light userdata 2, number 3,
 * string 4, table 5, function 6, userdata 7, coroutine 8.
 */
export const TAG_OPAQUE = 0x0a;
/** Only after a result: that result is the last of n, and the others follow. */
export const TAG_MORE_RESULTS = 0x0b;
/**
 * A table of the standard libraries, by name: `_G`, `coroutine`, `debug`, `ext`, `io`, `math`,
 * `os`, `package`, `package.loaded`, `string`, `table` or `utf8`.
 */
export const TAG_LIBRARY = 0x0c;
/**
 * In place of `TAG_OPAQUE` for hosts with the service `call`: a held value, which stays in Lua
 * under this number until `release_value`. The host can send it back; Lua then ignores the type and
 * the text.
 */
export const TAG_REFERENCE = 0x0d;
/** A function of the host, by the number that the host gave it and, if it has one, its name. */
export const TAG_HOST_FUNCTION = 0x0e;
/** The number of each service. */
export const SERVICES = Object.freeze({
  negotiate: 1,
  clock: 2,
  utcOffset: 3,
  entropy: 4,
  output: 5,
  keys: 6,
  closeCursor: 7,
  drop: 8,
  call: 9,
  rest: 10,
  release: 11,
  findFunction: 12,
  module: 13,
  tables: 14,
  failure: 15,
  revision: 16,
  readRows: 17,
  readList: 18,
  writeRows: 19,
  freeIds: 20,
  readEntries: 21,
  roots: 22,
  collect: 23,
});

const SECTION = 'lua-persistent';
const MEMORY = 'memory';
const HANDLERS = ['set', 'get', 'delete', 'size', 'keys'];
const EXPORTS = [
  MEMORY,
  'init',
  'deinit',
  'compute',
  'eval',
  'execute',
  'program_start',
  'program_step',
  'program_resume',
  'program_state',
  'program_ticks',
  'get_status',
  'result_size',
  'result_read',
  'call_function',
  'get_global',
  'set_global',
  'release_value',
  'set_limits',
  'get_buffer_ptr',
  'get_buffer_size',
  'get_memory_stats',
  'get_heap_size',
  'set_heap_limit',
  'run_gc',
  'lua_alloc',
  'attach_memory_table',
  'get_memory_table_id',
  'sync_external_table_counter',
  'set_memory_alias_enabled',
  'get_io_table_id',
  'clear_io_table',
  'get_external_table_counter',
  'ext_table_new',
  'ext_table_set',
  'ext_table_get',
  'ext_table_delete',
  'ext_table_size',
  'ext_table_keys',
];

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
/**
 * Reads a MemoryStats of 12 bytes from memory.
 *
 * @param {DataView} view Of the module's memory.
 * @param {number} address Where the structure starts.
 * @returns {import('./loader.js').MemoryStats}
 */
export function readMemoryStats(view, address) {
  return {
    ioBufferSize: view.getUint32(address, true),
    luaMemoryUsed: view.getUint32(address + 4, true),
    wasmPages: view.getUint32(address + 8, true),
  };
}

/**
 * Reads a number from memory.
 *
 * @param {Uint8Array} memory
 * @param {number} at
 * @returns {number}
 */
function u32At(memory, at) {
  const high = (memory[at + 2] << 16) | (memory[at + 3] << 24);
  return (memory[at] | (memory[at + 1] << 8) | high) >>> 0;
}

/**
 * Answers a request of the module.
 *
 * @param {import('./loader.js').Host} host
 * @param {Uint8Array} memory The memory of the module.
 * @param {number} start Where the request starts: the number of the service and its arguments.
 * @param {number} end Where it ends.
 * @param {number} replyStart Where the reply goes.
 * @param {number} replyEnd Where the room for it ends.
 * @returns {number} Length of the reply, or what stands for none.
 */
function serve(host, memory, start, end, replyStart, replyEnd) {
  if (start === end) return REPLY_NONE;
  const services = host.services || {};
  // These go first, without the views that the others need: they are what has to be fast.
  if (memory[start] === SERVICES.call) {
    if (!services.call) return REPLY_NONE;
    const length = services.call(memory, start + 1, end, replyStart, replyEnd);
    return length === null ? REPLY_NONE : length;
  }
  if (memory[start] === SERVICES.module) {
    if (!services.module) return REPLY_NONE;
    const length = services.module(memory, start + 1, end, replyStart, replyEnd);
    return length === null ? REPLY_NONE : length;
  }
  if (memory[start] === SERVICES.readRows) {
    if (!services.readRows || end - start < 5) return REPLY_NONE;
    const length = services.readRows(
      memory,
      u32At(memory, start + 1),
      start + 5,
      end,
      replyStart,
      replyEnd,
    );
    return length === null ? REPLY_NONE : length;
  }
  if (memory[start] === SERVICES.readList) {
    if (!services.readList || end - start !== 17) return REPLY_NONE;
    const length = services.readList(
      memory,
      u32At(memory, start + 1),
      u32At(memory, start + 5),
      u32At(memory, start + 9),
      u32At(memory, start + 13),
      replyStart,
      replyEnd,
    );
    return length === null ? REPLY_NONE : length;
  }
  if (memory[start] === SERVICES.writeRows) {
    if (!services.writeRows) return REPLY_NONE;
    const length = services.writeRows(memory, start + 1, end, replyStart, replyEnd);
    return length === null ? REPLY_NONE : length;
  }
  if (memory[start] === SERVICES.readEntries) {
    if (!services.readEntries || end - start !== 13) return REPLY_NONE;
    const length = services.readEntries(
      memory,
      u32At(memory, start + 1),
      u32At(memory, start + 5),
      u32At(memory, start + 9),
      replyStart,
      replyEnd,
    );
    return length === null ? REPLY_NONE : length;
  }
  const request = memory.subarray(start, end);
  const room = memory.subarray(replyStart, replyEnd);
  const query = new DataView(memory.buffer, memory.byteOffset + start, request.length);
  const reply = new DataView(memory.buffer, memory.byteOffset + replyStart, room.length);
  switch (request[0]) {
    case SERVICES.negotiate: {
      if (request.length !== 5) return REPLY_NONE;
      const answer = services.negotiate
        ? services.negotiate(query.getUint32(1, true))
        : negotiated(host);
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 12) return -12;
      reply.setUint32(0, answer.services, true);
      reply.setUint32(4, answer.maxValueLen, true);
      reply.setUint32(8, answer.continues, true);
      return 12;
    }
    case SERVICES.clock: {
      if (!services.clock || request.length !== 1) return REPLY_NONE;
      const answer = services.clock();
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 16) return -16;
      reply.setFloat64(0, answer.unixSeconds, true);
      reply.setFloat64(8, answer.cpuSeconds, true);
      return 16;
    }
    case SERVICES.utcOffset: {
      if (!services.utcOffset || request.length !== 9) return REPLY_NONE;
      const answer = services.utcOffset(query.getFloat64(1, true));
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 4) return -4;
      reply.setInt32(0, answer.seconds, true);
      return 4;
    }
    case SERVICES.entropy: {
      if (!services.entropy || request.length !== 1) return REPLY_NONE;
      const answer = services.entropy();
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 16) return -16;
      reply.setBigUint64(0, answer.low, true);
      reply.setBigUint64(8, answer.high, true);
      return 16;
    }
    case SERVICES.output: {
      if (!services.output || request.length < 1) return REPLY_NONE;
      return services.output(request.subarray(1)) === null ? REPLY_NONE : 0;
    }
    case SERVICES.keys: {
      if (!services.keys || request.length !== 9) return REPLY_NONE;
      const fit = room.length - 4;
      const answer = services.keys(query.getUint32(1, true), query.getUint32(5, true), fit);
      if (answer === null || answer === undefined) return REPLY_NONE;
      const length = 4 + answer.keys.length;
      if (room.length < length) return -length;
      reply.setUint32(0, answer.cursor, true);
      room.set(answer.keys, 4);
      return length;
    }
    case SERVICES.closeCursor: {
      if (!services.closeCursor || request.length !== 5) return REPLY_NONE;
      return services.closeCursor(query.getUint32(1, true)) === null ? REPLY_NONE : 0;
    }
    case SERVICES.drop: {
      if (!services.drop || request.length !== 5) return REPLY_NONE;
      return services.drop(query.getUint32(1, true)) === null ? REPLY_NONE : 0;
    }
    case SERVICES.rest: {
      if (!services.rest || request.length !== 1) return REPLY_NONE;
      const fit = room.length - 0;
      const answer = services.rest(fit);
      if (answer === null || answer === undefined) return REPLY_NONE;
      const length = 0 + answer.reply.length;
      if (room.length < length) return -length;
      room.set(answer.reply, 0);
      return length;
    }
    case SERVICES.release: {
      if (!services.release || request.length !== 5) return REPLY_NONE;
      return services.release(query.getUint32(1, true)) === null ? REPLY_NONE : 0;
    }
    case SERVICES.findFunction: {
      if (!services.findFunction || request.length < 1) return REPLY_NONE;
      const answer = services.findFunction(request.subarray(1));
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 4) return -4;
      reply.setUint32(0, answer.number, true);
      return 4;
    }
    case SERVICES.tables: {
      if (!services.tables || request.length !== 5) return REPLY_NONE;
      const fit = room.length - 4;
      const answer = services.tables(query.getUint32(1, true), fit);
      if (answer === null || answer === undefined) return REPLY_NONE;
      const length = 4 + answer.ids.length;
      if (room.length < length) return -length;
      reply.setUint32(0, answer.cursor, true);
      room.set(answer.ids, 4);
      return length;
    }
    case SERVICES.failure: {
      if (!services.failure || request.length !== 1) return REPLY_NONE;
      const fit = room.length - 0;
      const answer = services.failure(fit);
      if (answer === null || answer === undefined) return REPLY_NONE;
      const length = 0 + answer.reason.length;
      if (room.length < length) return -length;
      room.set(answer.reason, 0);
      return length;
    }
    case SERVICES.revision: {
      if (!services.revision || request.length !== 1) return REPLY_NONE;
      const answer = services.revision();
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 8) return -8;
      reply.setBigUint64(0, answer.revision, true);
      return 8;
    }
    case SERVICES.freeIds: {
      if (!services.freeIds || request.length !== 9) return REPLY_NONE;
      const answer = services.freeIds(query.getUint32(1, true), query.getUint32(5, true));
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 8) return -8;
      reply.setUint32(0, answer.first, true);
      reply.setUint32(4, answer.count, true);
      return 8;
    }
    case SERVICES.roots: {
      if (!services.roots || request.length < 5) return REPLY_NONE;
      const answer = services.roots(query.getUint32(1, true), request.subarray(5));
      return answer === null ? REPLY_NONE : 0;
    }
    case SERVICES.collect: {
      if (!services.collect || request.length !== 9) return REPLY_NONE;
      const answer = services.collect(query.getUint32(1, true), query.getUint32(5, true));
      if (answer === null || answer === undefined) return REPLY_NONE;
      if (room.length < 12) return -12;
      reply.setUint32(0, answer.state, true);
      reply.setUint32(4, answer.freed, true);
      reply.setUint32(8, answer.work, true);
      return 12;
    }
    default:
      return REPLY_NONE;
  }
}

/**
 * Makes the imports of a module over the methods of a host.
 *
 * @param {import('./loader.js').Host} host
 * @param {() => Uint8Array} view The memory of the module.
 * @param {(error: unknown) => void} keep Takes what a method throws.
 * @returns {WebAssembly.Imports}
 */
function bind(host, view, keep) {
  const env = {
    // (import "env" "js_ext_table_set" (func (param i32 i32 i32 i32 i32) (result i32)))
    js_ext_table_set(tableId, keyPtr, keyLen, valPtr, valLen) {
      try {
        return host.set(tableId >>> 0, view(), keyPtr, keyPtr + keyLen, valPtr, valPtr + valLen);
      } catch (error) {
        keep(error);
        return -2147483648;
      }
    },
    // (import "env" "js_ext_table_get" (func (param i32 i32 i32 i32 i32) (result i32)))
    js_ext_table_get(tableId, keyPtr, keyLen, valPtr, maxLen) {
      try {
        if (tableId === 0) {
          return serve(host, view(), keyPtr, keyPtr + keyLen, valPtr, valPtr + maxLen);
        }
        return host.get(tableId >>> 0, view(), keyPtr, keyPtr + keyLen, valPtr, valPtr + maxLen);
      } catch (error) {
        keep(error);
        return -2147483648;
      }
    },
    // (import "env" "js_ext_table_delete" (func (param i32 i32 i32) (result i32)))
    js_ext_table_delete(tableId, keyPtr, keyLen) {
      try {
        return host.delete(tableId >>> 0, view(), keyPtr, keyPtr + keyLen);
      } catch (error) {
        keep(error);
        return -2147483648;
      }
    },
    // (import "env" "js_ext_table_size" (func (param i32) (result i32)))
    js_ext_table_size(tableId) {
      try {
        return host.size(tableId >>> 0);
      } catch (error) {
        keep(error);
        return -2147483648;
      }
    },
    // (import "env" "js_ext_table_keys" (func (param i32 i32 i32) (result i32)))
    js_ext_table_keys(tableId, bufPtr, maxLen) {
      try {
        return host.keys(tableId >>> 0, view(), bufPtr, bufPtr + maxLen);
      } catch (error) {
        keep(error);
        return -2147483648;
      }
    },
  };
  return { env };
}

/** A module at work, its exports as methods. */
export class LuaInstance extends Instance {
  /**
   * Starts the Lua machine.
   *
   * `(func (export "init") (result i32))`
   *
   * @returns {number} Whether the machine runs.
   */
  init() {
    return this.exports.init();
  }

  /**
   * Closes the Lua machine and frees its memory.
   *
   * `(func (export "deinit"))`
   */
  deinit() {
    this.exports.deinit();
  }

  /**
   * Runs Lua code as a chunk and leaves its result in the I/O buffer.
   *
   * `(func (export "compute") (param i32 i32) (result i32))`
   *
   * @param {number} codePtr UTF-8 source of the chunk, anywhere in memory; usually at the start
   *   of the I/O buffer.
   * @param {number} codeLen Bytes at `codePtr`.
   * @returns {number} Length of what is in the I/O buffer.
   */
  compute(codePtr, codeLen) {
    return this.exports.compute(codePtr, codeLen);
  }

  /**
   * Runs the Lua code at the start of the I/O buffer as an interactive console does.
   *
   * `(func (export "eval") (param i32) (result i32))`
   *
   * @param {number} codeLen Bytes of code at the start of the I/O buffer.
   * @returns {number} Length of what is in the I/O buffer, as from `compute`.
   */
  eval(codeLen) {
    return this.exports.eval(codeLen);
  }

  /**
   * Runs Lua code of any length, with a name for messages and a choice of mode.
   *
   * `(func (export "execute") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param {number} codePtr UTF-8 source of the chunk, anywhere in memory.
   * @param {number} codeLen Bytes at `codePtr`.
   * @param {number} namePtr Name of the chunk, or nothing.
   * @param {number} nameLen Bytes at `namePtr`.
   * @param {number} flags 0, or `EXECUTE_CONSOLE` to run the code as `eval` does, or
   *   `EXECUTE_ARGUMENTS`, or both.
   * @returns {number} Length of what is in the I/O buffer, as from `compute`.
   */
  execute(codePtr, codeLen, namePtr, nameLen, flags) {
    return this.exports.execute(codePtr, codeLen, namePtr, nameLen, flags);
  }

  /**
   * Compiles Lua code as a program that `program_step` runs, a piece at a time.
   *
   * `(func (export "program_start") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param {number} codePtr UTF-8 source of the program, of any length.
   * @param {number} codeLen Bytes at `codePtr`.
   * @param {number} namePtr Name of the program, as for `execute`.
   * @param {number} nameLen Bytes at `namePtr`.
   * @param {number} flags 0, or `EXECUTE_CONSOLE`, or `EXECUTE_ARGUMENTS`, or both, as for
   *   `execute`.
   * @returns {number} Whether there is a program now.
   */
  programStart(codePtr, codeLen, namePtr, nameLen, flags) {
    return this.exports.program_start(codePtr, codeLen, namePtr, nameLen, flags);
  }

  /**
   * Runs the program of `program_start` for some time.
   *
   * `(func (export "program_step") (param i32) (result i32))`
   *
   * @param {number} ticks How many ticks; 0: until the program ends.
   * @returns {number} Length of what is in the I/O buffer, as for `compute`.
   */
  programStep(ticks) {
    return this.exports.program_step(ticks);
  }

  /**
   * Runs the program of `program_start` for some time, with values for it.
   *
   * `(func (export "program_resume") (param i32 i32 i32) (result i32))`
   *
   * @param {number} valuesPtr Serialized values, one after another; none: as `program_step`.
   * @param {number} valuesLen Bytes at `valuesPtr`.
   * @param {number} ticks How many ticks; 0: until the program ends.
   * @returns {number} As for `program_step`.
   */
  programResume(valuesPtr, valuesLen, ticks) {
    return this.exports.program_resume(valuesPtr, valuesLen, ticks);
  }

  /**
   * Gets whether there is a program, and whether it waits in a yield.
   *
   * `(func (export "program_state") (result i32))`
   *
   * @returns {number} One of the `PROGRAM_` constants.
   */
  programState() {
    return this.exports.program_state() >>> 0;
  }

  /**
   * Gets how many ticks the last step has run.
   *
   * `(func (export "program_ticks") (result i32))`
   *
   * @returns {number} The number of ticks.
   */
  programTicks() {
    return this.exports.program_ticks() >>> 0;
  }

  /**
   * Gets how the last run of Lua code ended.
   *
   * `(func (export "get_status") (result i32))`
   *
   * @returns {number} One of the `STATUS_` constants.
   */
  getStatus() {
    return this.exports.get_status();
  }

  /**
   * Gets the size of a part of the last result.
   *
   * `(func (export "result_size") (param i32) (result i32))`
   *
   * @param {number} part Which part: one of the `PART_` constants.
   * @returns {number} Its size in bytes.
   */
  resultSize(part) {
    return this.exports.result_size(part);
  }

  /**
   * Copies bytes of a part of the last result into memory.
   *
   * `(func (export "result_read") (param i32 i32 i32 i32) (result i32))`
   *
   * @param {number} part Which part: one of the `PART_` constants.
   * @param {number} offset Where to start in the part, in bytes.
   * @param {number} outPtr Where to copy to, usually the I/O buffer, and how much fits there.
   * @param {number} outLen Room at `outPtr`, in bytes.
   * @returns {number} Number of bytes copied.
   */
  resultRead(part, offset, outPtr, outLen) {
    return this.exports.result_read(part, offset, outPtr, outLen);
  }

  /**
   * Calls a Lua function with arguments.
   *
   * `(func (export "call_function") (param i32 i32) (result i32))`
   *
   * @param {number} valuesPtr The function and its arguments, anywhere in memory; usually at the
   *   start of the I/O buffer.
   * @param {number} valuesLen Bytes at `valuesPtr`.
   * @returns {number} Length of what is in the I/O buffer, as from `compute`.
   */
  callFunction(valuesPtr, valuesLen) {
    return this.exports.call_function(valuesPtr, valuesLen);
  }

  /**
   * Reads a global variable.
   *
   * `(func (export "get_global") (param i32 i32) (result i32))`
   *
   * @param {number} pathPtr The path, UTF-8.
   * @param {number} pathLen Bytes at `pathPtr`.
   * @returns {number} Length of what is in the I/O buffer, as from `compute`.
   */
  getGlobal(pathPtr, pathLen) {
    return this.exports.get_global(pathPtr, pathLen);
  }

  /**
   * Sets a global variable.
   *
   * `(func (export "set_global") (param i32 i32) (result i32))`
   *
   * @param {number} valuesPtr The path and the value, anywhere in memory.
   * @param {number} valuesLen Bytes at `valuesPtr`.
   * @returns {number} Length of what is in the I/O buffer, as from `compute`.
   */
  setGlobal(valuesPtr, valuesLen) {
    return this.exports.set_global(valuesPtr, valuesLen);
  }

  /**
   * Releases a held value.
   *
   * `(func (export "release_value") (param i32))`
   *
   * @param {number} number The number of the reference.
   */
  releaseValue(number) {
    this.exports.release_value(number);
  }

  /**
   * Limits what each call of Lua may use.
   *
   * `(func (export "set_limits") (param i32 i32 i32))`
   *
   * @param {number} instructions How many instructions; 0: no limit.
   * @param {number} milliseconds How much time, by the service `clock`; 0: no limit.
   * @param {number} outputBytes How many bytes of output; 0: no limit.
   */
  setLimits(instructions, milliseconds, outputBytes) {
    this.exports.set_limits(instructions, milliseconds, outputBytes);
  }

  /**
   * Gets the address of the I/O buffer.
   *
   * `(func (export "get_buffer_ptr") (result i32))`
   *
   * @returns {number} Address of the first byte of the I/O buffer.
   */
  getBufferPtr() {
    return this.exports.get_buffer_ptr() >>> 0;
  }

  /**
   * Gets the size of the I/O buffer.
   *
   * `(func (export "get_buffer_size") (result i32))`
   *
   * @returns {number} Bytes of the I/O buffer.
   */
  getBufferSize() {
    return this.exports.get_buffer_size() >>> 0;
  }

  /**
   * Writes the sizes of the module's memory to a structure.
   *
   * `(func (export "get_memory_stats") (param i32))`
   *
   * @param {number} statsPtr Address of 12 bytes that receive the structure.
   * @returns {import('./loader.js').MemoryStats}
   */
  getMemoryStats(statsPtr) {
    this.exports.get_memory_stats(statsPtr);
    return readMemoryStats(this.view, statsPtr);
  }

  /**
   * Gets the size of the heap.
   *
   * `(func (export "get_heap_size") (result i32))`
   *
   * @returns {number} Bytes of the heap.
   */
  getHeapSize() {
    return this.exports.get_heap_size() >>> 0;
  }

  /**
   * Limits the heap of machines that `init` makes from now on.
   *
   * `(func (export "set_heap_limit") (param i32))`
   *
   * @param {number} bytes Bytes of the heap. 0, or more than there are: all that there are. Less
   *   than `HEAP_LEAST` counts as that.
   */
  setHeapLimit(bytes) {
    this.exports.set_heap_limit(bytes);
  }

  /**
   * Collects all garbage.
   *
   * `(func (export "run_gc"))`
   */
  runGc() {
    this.exports.run_gc();
  }

  /**
   * Allocates, resizes or frees memory of the heap, as Lua's own allocator does.
   *
   * `(func (export "lua_alloc") (param i32 i32 i32 i32) (result i32))`
   *
   * @param {number} ud Ignored; 0.
   * @param {number} ptr Block to resize or free, or 0 to allocate.
   * @param {number} osize Ignored; the module knows the size of its blocks.
   * @param {number} nsize Bytes wanted, or 0 to free.
   * @returns {number} The block.
   */
  luaAlloc(ud, ptr, osize, nsize) {
    return this.exports.lua_alloc(ud, ptr, osize, nsize) >>> 0;
  }

  /**
   * Makes an external table the global `_home`.
   *
   * `(func (export "attach_memory_table") (param i32))`
   *
   * @param {number} tableId Id of the table.
   */
  attachMemoryTable(tableId) {
    this.exports.attach_memory_table(tableId);
  }

  /**
   * Gets the id of the table that is the global `_home`.
   *
   * `(func (export "get_memory_table_id") (result i32))`
   *
   * @returns {number} The id.
   */
  getMemoryTableId() {
    return this.exports.get_memory_table_id() >>> 0;
  }

  /**
   * Makes sure that new external tables get ids from a number on.
   *
   * `(func (export "sync_external_table_counter") (param i32))`
   *
   * @param {number} nextId The lowest id that a new table may get.
   */
  syncExternalTableCounter(nextId) {
    this.exports.sync_external_table_counter(nextId);
  }

  /**
   * Chooses whether `_home` is also the global `Memory`.
   *
   * `(func (export "set_memory_alias_enabled") (param i32))`
   *
   * @param {number} enabled 0 to disable, anything else to enable.
   */
  setMemoryAliasEnabled(enabled) {
    this.exports.set_memory_alias_enabled(enabled);
  }

  /**
   * Gets the id of the table that is the global `_io`.
   *
   * `(func (export "get_io_table_id") (result i32))`
   *
   * @returns {number} The id.
   */
  getIoTableId() {
    return this.exports.get_io_table_id() >>> 0;
  }

  /**
   * Removes every entry of `_io`.
   *
   * `(func (export "clear_io_table") (result i32))`
   *
   * @returns {number} Whether the table is empty now.
   */
  clearIoTable() {
    return this.exports.clear_io_table();
  }

  /**
   * Gets the id that the next new external table will have.
   *
   * `(func (export "get_external_table_counter") (result i32))`
   *
   * @returns {number} The id.
   */
  getExternalTableCounter() {
    return this.exports.get_external_table_counter() >>> 0;
  }

  /**
   * Makes a new external table.
   *
   * `(func (export "ext_table_new") (result i32))`
   *
   * @returns {number} The id.
   */
  extTableNew() {
    return this.exports.ext_table_new() >>> 0;
  }

  /**
   * Sets an entry of an external table.
   *
   * `(func (export "ext_table_set") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param {number} tableId The table.
   * @param {number} keyPtr The key, in the form that keys have.
   * @param {number} keyLen Bytes at `keyPtr`.
   * @param {number} valPtr The serialized value.
   * @param {number} valLen Bytes at `valPtr`.
   * @returns {number} Whether the entry is set.
   */
  extTableSet(tableId, keyPtr, keyLen, valPtr, valLen) {
    return this.exports.ext_table_set(tableId, keyPtr, keyLen, valPtr, valLen);
  }

  /**
   * Reads an entry of an external table.
   *
   * `(func (export "ext_table_get") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param {number} tableId The table.
   * @param {number} keyPtr The key, in the form that keys have.
   * @param {number} keyLen Bytes at `keyPtr`.
   * @param {number} valPtr Room for the serialized value.
   * @param {number} valLen Room at `valPtr`, in bytes.
   * @returns {number} Length of the value.
   */
  extTableGet(tableId, keyPtr, keyLen, valPtr, valLen) {
    return this.exports.ext_table_get(tableId, keyPtr, keyLen, valPtr, valLen);
  }

  /**
   * Deletes an entry of an external table.
   *
   * `(func (export "ext_table_delete") (param i32 i32 i32) (result i32))`
   *
   * @param {number} tableId The table.
   * @param {number} keyPtr The key, in the form that keys have.
   * @param {number} keyLen Bytes at `keyPtr`.
   * @returns {number} Whether the entry is gone.
   */
  extTableDelete(tableId, keyPtr, keyLen) {
    return this.exports.ext_table_delete(tableId, keyPtr, keyLen);
  }

  /**
   * Counts the entries of an external table.
   *
   * `(func (export "ext_table_size") (param i32) (result i32))`
   *
   * @param {number} tableId The table.
   * @returns {number} The number of entries.
   */
  extTableSize(tableId) {
    return this.exports.ext_table_size(tableId);
  }

  /**
   * Lists the keys of an external table.
   *
   * `(func (export "ext_table_keys") (param i32 i32 i32) (result i32))`
   *
   * @param {number} tableId The table.
   * @param {number} bufferPtr Room for the keys.
   * @param {number} bufferLen Room at `bufferPtr`, in bytes.
   * @returns {number} Length of the list.
   */
  extTableKeys(tableId, bufferPtr, bufferLen) {
    return this.exports.ext_table_keys(tableId, bufferPtr, bufferLen);
  }
}
