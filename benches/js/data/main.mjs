// The benchmark of data: what records, lists, maps and states cost in `_home`, beside plain tables here, in wasmoon and in
// native Lua, from 1,000 to 10,000,000 entries. Every figure is the least of several; each group of rows runs in processes of
// its own, in which the contenders take turns. What cannot be done is shown with its reason.
//
//   npm --prefix benches/js run data                                    sizes up to 1,000,000, as Markdown
//   npm --prefix benches/js run data -- --sizes 1000,100000 --only here,wasmoon
//   npm --prefix benches/js run data -- --before ../other-checkout      the same of another build of this project, in turn
//   npm --prefix benches/js run data -- --full --write                  all sizes, into README.md and growth.svg beside this file

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { growth } from './plot.mjs';
import { GROUPS, STATE_GROUPS } from './programs.mjs';
import { findings, summary } from './report.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = path.resolve(HERE, '../../..');
const MOST = 10_000_000;

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,2000,10000,100000,1000000' },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    budget: { type: 'string', default: '700' },
    limit: { type: 'string', default: '600' },
    only: { type: 'string' },
    groups: { type: 'string' },
    before: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

/** Figures by size, contender and row; and why a group of rows ended, by size, contender and group. */
const results = { setting: `${os.cpus().length} cores, Node ${process.versions.node}`, figures: {}, failures: {} };

/** The native Lua that tests compare with: `LUA_NATIVE`, or the one of the default line that has been built. */
function nativeLua() {
  if (process.env.LUA_NATIVE) return process.env.LUA_NATIVE;
  const pins = readFileSync(path.join(ROOT, 'vendor/Cargo.toml'), 'utf8');
  const program = path.join(ROOT, 'target/native', `lua-${/"?5\.4"?\s*=\s*"(5\.4\.\d+)"/.exec(pins)?.[1]}`, 'lua');
  return existsSync(program) ? program : null;
}

const native = nativeLua();
if (native === null) console.error('native Lua is left out: `cargo xtask test native` builds it');

/** Whoever is measured: which of the contenders of measure-one.mjs it is, and of which checkout. */
const CONTENDERS = {
  here: { contender: 'here', tree: ROOT },
  ...(options.before && { before: { contender: 'here', tree: path.resolve(options.before) } }),
  plain: { contender: 'plain', tree: ROOT },
  wasmoon: { contender: 'wasmoon', tree: ROOT },
  ...(native && { native: { contender: 'native', tree: ROOT } }),
  documented: { contender: 'documented', tree: ROOT },
  ...(options.before && { 'documented, before': { contender: 'documented', tree: path.resolve(options.before) } }),
};

const STORES = { file: { contender: 'file', tree: ROOT }, sqlite: { contender: 'sqlite', tree: ROOT } };

const chosen = (all, text) => Object.keys(all).filter((name) => text === undefined || text.split(',').includes(name));

/** Measures a group with a contender in a new process. */
function measure(name, contender, group, size, place) {
  const request = { ...contender, group, size, budget: Number(options.budget), native, path: place };
  const script = path.join(HERE, 'measure-one.mjs');
  const { stdout, stderr, signal } = spawnSync(process.execPath, [script, JSON.stringify(request)], { timeout: Number(options.limit) * 1000, maxBuffer: 1 << 28 });
  let answer;
  try {
    answer = JSON.parse(stdout.toString());
  } catch {
    const heap = stderr.toString().includes('heap out of memory');
    answer = { figures: {}, failure: heap ? "out of JavaScript's memory" : signal === 'SIGTERM' ? `longer than ${options.limit} s` : `the process ended: ${signal}` };
  }
  const figures = ((results.figures[size] ??= {})[name] ??= {});
  for (const [row, figure] of Object.entries(answer.figures)) figures[row] = Math.min(figures[row] ?? Infinity, figure);
  if (answer.failure !== null) ((results.failures[size] ??= {})[name] ??= {})[group] = answer.failure;
  return answer.failure === null;
}

const sizes = options.full ? [1000, 2000, 10_000, 100_000, 1_000_000, MOST] : options.sizes.split(',').map(Number);
/** Groups that a contender could not do with fewer entries. */
const beyond = new Set();
const folder = mkdtempSync(path.join(os.tmpdir(), 'data-'));

for (const size of sizes) {
  const rounds = size >= MOST ? 1 : Number(options.rounds);
  for (const group of chosen({ ...GROUPS, states: null }, options.groups)) {
    for (let round = 0; round < rounds; round++) {
      const contenders = group === 'states' ? STORES : CONTENDERS;
      for (const name of chosen(contenders, options.only)) {
        if (beyond.has(`${name} ${group}`)) continue;
        console.error(`${size} ${group} ${name}, round ${round + 1} of ${rounds}`);
        let fine;
        if (group === 'states') {
          const place = path.join(folder, `${name}-${size}`);
          fine = Object.keys(STATE_GROUPS).every((step) => measure(name, contenders[name], step, size, place));
          for (const end of ['', '-wal', '-shm']) rmSync(place + end, { force: true });
        } else {
          fine = measure(name, contenders[name], group, size);
        }
        if (!fine) beyond.add(`${name} ${group}`);
      }
    }
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}
rmSync(folder, { recursive: true });

const text = summary(results);
console.log(text);
if (options.write) {
  writeFileSync(path.join(HERE, 'README.md'), findings(results));
  writeFileSync(path.join(HERE, 'growth.svg'), growth(results));
}
