/**
 * Lua with persistent state: one machine, its code, its results and its external tables.
 *
 * ```js
 * import { Lua } from 'lua-persistent';
 *
 * const lua = await Lua.create();
 * const { value, lines } = lua.eval('print("hello") return 6 * 7');
 * lua.close();
 * ```
 *
 * With `Lua.open` the external tables outlive the page or process:
 *
 * ```js
 * const lua = await Lua.open('counter.state');
 * lua.eval('_home.n = (_home.n or 0) + 1');
 * await lua.close();
 * ```
 *
 * Code that browsers run keeps to the syntax of Chrome 74 and Firefox 79.
 */

export { DecodeError, EncodeError, LuaError, LuaStateError } from './errors.js';
export { readSnapshotTables, SnapshotError } from './image/snapshot.js';
export { MultiReturn } from './machine/host-functions.js';
export { Lua } from './machine/lua.js';
export { Step } from './machine/program.js';
export { Result } from './machine/result.js';
export { MemoryBackend } from './persist/memory.js';
export { StateError } from './persist/state-error.js';
export { ImportError } from './persist/tables-json.js';
export { MapStore } from './store/map-store.js';
export { ExternalTable } from './tables/external-table.js';
export { decodeValue } from './values/decoder.js';
export { encodeValue } from './values/encoder.js';
export { LuaFunction, LuaLibrary, LuaOpaque, TableReference } from './values/values.js';

// Types that belong to the API. JavaScript has no other form that exports a type of another file.
/** @typedef {import('./errors.js').LimitName} LimitName */
/** @typedef {import('./errors.js').LuaStatus} LuaStatus */
/** @typedef {import('./loader.js').LuaLine} LuaLine */
/** @typedef {import('./image/snapshot.js').SnapshotKind} SnapshotKind */
/** @typedef {import('./image/snapshot.js').SnapshotTables} SnapshotTables */
/** @typedef {import('./machine/host-functions.js').Functions} Functions */
/** @typedef {import('./machine/host.js').Environment} Environment */
/** @typedef {import('./machine/limits.js').Limits} Limits */
/** @typedef {import('./machine/modules.js').Modules} Modules */
/** @typedef {import('./machine/options.js').CodeOptions} CodeOptions */
/** @typedef {import('./machine/options.js').CollectOptions} CollectOptions */
/** @typedef {import('./machine/options.js').CollectStep} CollectStep */
/** @typedef {import('./machine/options.js').DurableOptions} DurableOptions */
/** @typedef {import('./machine/options.js').LuaOptions} LuaOptions */
/** @typedef {import('./machine/options.js').MachineOptions} MachineOptions */
/** @typedef {import('./machine/options.js').MachineStats} MachineStats */
/** @typedef {import('./machine/options.js').MemoryStats} MemoryStats */
/** @typedef {import('./machine/options.js').Origin} Origin */
/** @typedef {import('./machine/options.js').RunOptions} RunOptions */
/** @typedef {import('./machine/options.js').SnapshotOptions} SnapshotOptions */
/** @typedef {import('./machine/options.js').Target} Target */
/** @typedef {import('./machine/output.js').OnPrint} OnPrint */
/** @typedef {import('./machine/program.js').PiecesOptions} PiecesOptions */
/** @typedef {import('./machine/quotas.js').Quotas} Quotas */
/** @typedef {import('./machine/quotas.js').TableUse} TableUse */
/** @typedef {import('./machine/program.js').ProgramOptions} ProgramOptions */
/** @typedef {import('./machine/program.js').StartOptions} StartOptions */
/** @typedef {import('./machine/program.js').ResumeOptions} ResumeOptions */
/** @typedef {import('./machine/program.js').StepOptions} StepOptions */
/** @typedef {import('./persist/backend.js').Backend} Backend */
/** @typedef {import('./persist/backend.js').ProgressListener} ProgressListener */
/** @typedef {import('./persist/backend.js').Progress} Progress */
/** @typedef {import('./persist/open.js').OpenOptions} OpenOptions */
/** @typedef {import('./persist/open.js').StateOptions} StateOptions */
/** @typedef {import('./persist/backend.js').Storage} Storage */
/** @typedef {import('./persist/operations.js').Meta} Meta */
/** @typedef {import('./persist/operations.js').Sink} Sink */
/** @typedef {import('./persist/session.js').Autosave} Autosave */
/** @typedef {import('./persist/session.js').SessionOptions} SessionOptions */
/** @typedef {import('./persist/sqlite-file.js').LibraryOption} LibraryOption */
/** @typedef {import('./persist/sqlite-session.js').SqliteOptions} SqliteOptions */
/** @typedef {import('./persist/state-error.js').StateProblem} StateProblem */
/** @typedef {import('./store/store.js').RangeStore} RangeStore */
/** @typedef {import('./store/store.js').StoreBatches} StoreBatches */
/** @typedef {import('./store/store.js').StoreObserver} StoreObserver */
/** @typedef {import('./store/store.js').Store} Store */
/** @typedef {import('./module/line.js').WasmScript} WasmScript */
/** @typedef {import('./wasm.js').WasmSource} WasmSource */
