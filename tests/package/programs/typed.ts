/**
 * Uses every export of the package as its declarations say; TypeScript compiles it, and nothing runs it.
 */

import {
  DecodeError,
  decodeValue,
  EncodeError,
  encodeValue,
  ExternalTable,
  ImportError,
  Lua,
  LuaError,
  LuaFunction,
  LuaLibrary,
  LuaOpaque,
  LuaStateError,
  MapStore,
  MemoryBackend,
  MultiReturn,
  readSnapshotTables,
  Result,
  SnapshotError,
  StateError,
  Step,
  TableReference,
} from 'lua-persistent';
import type {
  Backend,
  DurableOptions,
  Functions,
  Limits,
  LuaLine,
  LuaOptions,
  MemoryStats,
  Modules,
  ProgramOptions,
  RunOptions,
  SnapshotOptions,
  Storage,
  Store,
} from 'lua-persistent';
import { Lua as LuaInOneFile } from 'lua-persistent/inline';
import lua55 from 'lua-persistent/lua-5.5';
import { ABI_VERSION, instantiate } from 'lua-persistent/loader';
import type { Host, LuaInstance } from 'lua-persistent/loader';

const store: Store = new MapStore();
const options: LuaOptions = { store, onPrint: (text: string, bytes: Uint8Array) => void [text, bytes], transactional: true };
const hosted: LuaOptions = {
  functions: { fetchPrice: (_id: number) => 9.99, http: { get: (url: string) => MultiReturn.of(url, 200) } },
  modules: { greet: 'return {}' },
  instructions: 1e7,
  milliseconds: 500,
  outputBytes: 1e6,
};
const durable: DurableOptions = { ...options, storage: 'file', wasm: 'https://example.org/lua.wasm' };
const inDatabase: DurableOptions = { storage: 'sqlite', sqlite: async () => ({}), cacheBytes: 1 << 20 };
const line: LuaLine = '5.5';
const newer: LuaOptions = { lua: line, wasm: lua55 };
const onDemand: LuaOptions = { wasm: import('lua-persistent/lua-5.5') };
const functions: Functions = { half: (n: number) => n / 2, deep: { er: () => null } };
const modules: Modules = (name: string) => (name === 'empty' ? 'return {}' : null);
const limits: Limits = { instructions: 1e6 };
const inPieces: ProgramOptions = { ...limits, ticks: 1000, onTick: (step: Step) => step.done };
const backend: Backend = new MemoryBackend();
const how: RunOptions = { name: '@file.lua' };
const compressed: SnapshotOptions = { compress: true };

export async function use(): Promise<MemoryStats> {
  const lua: Lua = await Lua.create(options);
  const others: Lua[] = [await Lua.create(newer), await Lua.create(onDemand)];
  const releases: string[] = others.map((other) => other.luaRelease);
  const result: Result = lua.eval('return 1', how);
  const value: unknown = result.value;
  const lines: string[] = lua.compute('print(1)').lines;
  const home: ExternalTable = lua.home;
  lua.set('config', { a: 1, list: [1, 2], twice: (n: number) => 2 * n });
  const config: unknown = lua.get('config.list');
  const sum: unknown = lua.call('math.max', 1, 2);
  const values: unknown[] = lua.callAll('math.modf', 1.5).values;
  const increment = lua.eval('return function(x) return x + 1 end').value;
  if (increment instanceof LuaFunction) lua.call(increment, 41);
  const last: Step = await lua.run('return 1', inPieces);
  if (last instanceof Result) await LuaInOneFile.create({ functions, modules });
  // @ts-expect-error: the machine makes its tables
  new ExternalTable(1);
  const image: Uint8Array = await lua.snapshot(compressed);
  const twin: Lua = await Lua.restore(image);
  await readSnapshotTables(image);
  // @ts-expect-error: code is a string or bytes
  lua.eval(1);
  // @ts-expect-error: there is no such option
  await Lua.create({ ...hosted, onprint: () => {} });
  await twin.close();
  const opened = await Lua.open(backend, durable);
  const kept: Lua = await Lua.open('data.db', inDatabase);
  const where: Storage | 'other' | null = kept.storage;
  await opened.save();
  decodeValue(encodeValue([releases, value, lines, where, home, config, sum, values]));
  return lua.stats();
}

export function problemOf(error: unknown): string {
  if (error instanceof LuaError) return `${error.status} ${error.message} ${error.traceback}`;
  if (error instanceof StateError || error instanceof SnapshotError || error instanceof LuaStateError) return error.message;
  if (error instanceof DecodeError || error instanceof EncodeError || error instanceof ImportError) return error.message;
  return String(error);
}

export const kinds = [LuaFunction, LuaLibrary, LuaOpaque, TableReference];

export async function bare(host: Host, bytes: Uint8Array<ArrayBuffer>): Promise<LuaInstance | null> {
  const machine = await instantiate(bytes, host);
  return ABI_VERSION >= 1 && machine.init() === 0 ? machine : null;
}
