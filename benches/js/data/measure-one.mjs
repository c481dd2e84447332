// Measures one group of the benchmark of data with one contender, in this process alone: `measure-one.mjs REQUEST`, where the
// request is JSON. Prints a line of JSON: the least time of each row in milliseconds, memory in bytes, and the error that
// ended it, if there was one.

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { GROUPS, standalone } from './programs.mjs';

/**
 * @typedef {object} Request
 * @property {string} contender
 * @property {string} group
 * @property {number} size entries
 * @property {number} budget milliseconds after which the group does not begin again
 * @property {string} tree folder whose `web` and `tests` are measured
 * @property {string} [native] program of a native Lua
 * @property {string} [path] of a state
 */

/** @type {Request} */
const request = JSON.parse(process.argv[2]);
const { contender, group, size, budget, tree } = request;
/** @type {Record<string, number>} */
const figures = {};

const load = (path) => import(pathToFileURL(`${tree}/${path}`).href);

/** Counts a figure for a row, if it is the least. */
function count(row, figure) {
  if (row !== undefined) figures[row] = Math.min(figures[row] ?? Infinity, figure);
}

/** Milliseconds of a call, perhaps of one that gives a promise. */
async function timeOf(call) {
  const begin = performance.now();
  const result = call();
  if (result instanceof Promise) await result;
  return performance.now() - begin;
}

/** How to make machines: each runs code, collects garbage and ends. */
const MACHINES = {
  async here() {
    const { Lua } = await load('web/lua-persistent.js');
    return async () => {
      const lua = await Lua.create();
      return { root: '_home', run: (code) => lua.compute(code), collect: () => lua.collect(), end: () => lua.close() };
    };
  },
  async plain() {
    const { Lua } = await load('web/lua-persistent.js');
    return async () => {
      const lua = await Lua.create();
      return { root: '{}', run: (code) => lua.compute(code), collect: () => lua.compute('collectgarbage()'), end: () => lua.close() };
    };
  },
  async wasmoon() {
    const { LuaFactory } = await import('wasmoon');
    const factory = new LuaFactory();
    return async () => {
      const engine = await factory.createEngine();
      const run = (code) => engine.doStringSync(code);
      return { root: '{}', run, collect: () => run('collectgarbage()'), end: () => engine.global.close() };
    };
  },
  /** A host with the five imports and nothing else, which keeps a Map of bytes for each table. */
  async documented() {
    const { compute, start } = await load('tests/js/support/documented-host.js');
    return async () => {
      const instance = start();
      const run = (code) => {
        const { resultLen, error } = compute(instance, code);
        if (resultLen < 0) throw new Error(error);
      };
      return { root: '_home', run, collect: () => run('ext.collect()'), end: () => instance.exports.deinit() };
    };
  },
};

async function inMachines() {
  const create = await MACHINES[contender]();
  const started = performance.now();
  let first = true;
  do {
    const machine = await create();
    machine.run(`ROOT = ${machine.root} N = ${size}`);
    for (const { row, code, does } of GROUPS[group]) {
      if (does !== 'memory') count(row, await timeOf(does === 'collect' ? machine.collect : () => machine.run(code)));
      else if (first) count(row, process.memoryUsage.rss());
    }
    machine.end();
    first = false;
  } while (performance.now() - started < budget);
}

function natively() {
  const { status, stdout, stderr } = spawnSync(request.native, ['-'], { input: standalone(group, size, budget), maxBuffer: 1 << 28 });
  for (const line of stdout.toString().split('\n').filter(Boolean)) {
    const [row, figure] = line.split('\t');
    count(row, Number(figure));
  }
  if (status !== 0) throw new Error(stderr.toString().split('\n')[0] || 'ended by a signal');
}

/** Records between two saves where a state is made in batches. */
const BATCH = 100_000;

async function opener() {
  const { Lua } = await load('web/lua-persistent.js');
  if (contender !== 'sqlite') return () => Lua.open(request.path);
  // Where Node has no SQLite of its own, there is a package beside the benchmark.
  const sqlite = await import('node:sqlite').catch(() => import('better-sqlite3')).catch(() => undefined);
  return () => Lua.open(request.path, { storage: 'sqlite', sqlite });
}

const RANDOM = 'seed = (seed * 1103515245 + 12345) & 0x7fffffff';

/** What is done with a state: `save` makes one, `reopen` goes on with it in a new process. */
const STATES = {
  async save() {
    const lua = await (await opener())();
    lua.compute('_home.list = {}');
    // A file is written whole by its first save anyway.
    const batch = contender === 'sqlite' ? BATCH : size;
    let saving = 0;
    for (let done = 0; done < size; done += batch) {
      lua.compute(`local list = _home.list
for i = ${done + 1}, ${Math.min(size, done + batch)} do list[i] = { id = i, name = "name " .. i, score = i * 0.5 } end`);
      saving += await timeOf(() => lua.save());
    }
    count('save all', saving);
    await lua.close();
    count('size on disk', statSync(request.path).size);
  },
  async reopen() {
    const open = await opener();
    let lua;
    count('open', await timeOf(async () => { lua = await open(); }));
    count('process memory, opened', process.memoryUsage.rss());
    for (let round = 0; round < 10; round++) {
      const code = `local list, seed, sum = _home.list, ${round * 7919 + 1}, 0
for i = 1, 1000 do ${RANDOM} sum = sum + list[seed % ${size} + 1].score end`;
      const each = (await timeOf(() => lua.compute(code))) / 1000;
      if (round === 0) count('read a random record, the first 1,000', each);
      count('read a random record', each);
    }
    for (let round = 0; round < 5; round++) {
      lua.compute(`local list, seed = _home.list, ${round * 104729 + 1}
for i = 1, 1000 do ${RANDOM} list[seed % ${size} + 1].score = ${round} + i end`);
      count('save 1,000 changed records', await timeOf(() => lua.save()));
    }
    count('process memory, used', process.memoryUsage.rss());
    await lua.close();
  },
};

let failure = null;
try {
  if (group in STATES) await STATES[group]();
  else if (contender === 'native') natively();
  else await inMachines();
} catch (error) {
  failure = String(error.message ?? error).split('\n')[0];
}
console.log(JSON.stringify({ figures, failure }));
process.exit(0);
