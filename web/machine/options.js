/**
 * The types of what callers give to a machine and get from it.
 *
 * @import { LuaLine, WasmModule } from '../loader.js'
 * @import { OpenOptions } from '../persist/open.js'
 * @import { Store } from '../store/store.js'
 * @import { LuaFunction } from '../values/values.js'
 * @import { WasmSource } from '../wasm.js'
 * @import { Functions } from './host-functions.js'
 * @import { Environment } from './host.js'
 * @import { Limits } from './limits.js'
 * @import { OnPrint } from './output.js'
 * @import { Quotas, TableUse } from './quotas.js'
 */

/**
 * @typedef {object} MachineOptions
 * @property {LuaLine} [lua] line of Lua releases, by default 5.4, or that of the snapshot; a machine never changes it
 * @property {WasmSource | Promise<WasmSource>} [wasm] the module; by default `lua.wasm` or `lua-5.5.wasm` beside this file, in
 *   other engines changed by a `.delta` file into the form that they can run
 * @property {Store} [store] where external tables live; by default a new `MapStore`
 * @property {number} [homeTableId] which table of the store is `_home`; by default 1
 * @property {number} [nextTableId] lowest id that a new table may get; above all tables of the store in any case
 * @property {boolean} [memoryAlias] whether `Memory` is another name of `_home`; by default true
 * @property {OnPrint} [onPrint] receives output as it comes
 * @property {boolean} [keepOutput] whether results carry the output; by default true
 * @property {number} [heapBytes] bytes of Lua's heap, from 131072; by default, or if that is less, all that the 2 MiB have. Machines
 *   from snapshots and copies keep the heap that they have
 * @property {boolean} [collect] whether external tables that nothing reaches are freed without being asked for: after calls, in steps of
 *   some milliseconds, when the number of tables may have doubled since the last time. By default true, except where `homeTableId` says
 *   which table of a `store` is `_home`, as other tables of the store may be those of others
 * @property {boolean} [transactional] whether a call that throws is undone, external tables included; by default false
 * @property {Functions} [functions] JavaScript functions that become globals. In a machine that goes on from a snapshot they are
 *   found again by name
 */

/** @typedef {MachineOptions & Environment & Limits & Quotas} LuaOptions */

/** @typedef {LuaOptions & OpenOptions} DurableOptions */

/**
 * @typedef {object} CodeOptions
 * @property {string} [name] name of the code in messages: shown as it is, or in Lua's own notation (`@file`, `=name`)
 * @property {boolean} [passArguments] the code gets the elements of the global table `arg` as its `...`, as a program
 *   that the command `lua` runs
 */

/** @typedef {CodeOptions & Limits} RunOptions */

/**
 * A function of Lua: the name of a global, or a path of fields from one (`string.format`), or a function that Lua gave.
 *
 * @typedef {string | LuaFunction} Target
 */

/**
 * @typedef {object} MemoryStats
 * @property {number} ioBufferSize bytes of the I/O buffer
 * @property {number} luaMemoryUsed bytes of the heap in use, garbage included
 * @property {number} heapSize bytes of the heap
 * @property {number} wasmPages pages of the memory
 * @property {number} totalMemory bytes of the memory
 */

/** @typedef {MemoryStats & Partial<TableUse>} MachineStats the use of external tables only where one of `Quotas` is given */

/**
 * @typedef {object} SnapshotOptions
 * @property {boolean} [compress] by default true; a snapshot that is not compressed is larger, but ready at once
 * @property {boolean} [tables] whether the external tables go into it, by default true; else only the revision of the store,
 *   if it has one
 */

/**
 * @typedef {object} CollectOptions
 * @property {number} [milliseconds] after which the call ends, about, even if it has not freed everything
 */

/**
 * @typedef {object} CollectStep
 * @property {boolean} done whether everything is freed that was garbage when the collection began
 * @property {number} freed tables that the collection has freed so far
 */

/**
 * The module and the options that a machine was made with, for copies of it.
 *
 * @typedef {object} Origin
 * @property {WasmModule} module
 * @property {LuaOptions} options
 */

export {};
