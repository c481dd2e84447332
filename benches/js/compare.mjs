// The comparison table of the README: lua-persistent beside wasmoon and fengari, measured in one run on this machine.
// `npm --prefix benches/js run compare` prints it, and with `-- --write` puts it into the README.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { CONTENDERS } from './contenders.mjs';
import { PROGRAMS } from './programs.mjs';

const README = new URL('../../README.md', import.meta.url);
const DIST = new URL('../../web/dist/', import.meta.url);
const BEGIN = '<!-- figures: npm --prefix benches/js run compare -- --write -->';
const END = '<!-- end of figures -->';

const NAMES = Object.keys(CONTENDERS);

/** Microseconds as a person reads them. */
function time(micros) {
  const [value, unit] = micros < 1000 ? [micros, 'µs'] : [micros / 1000, 'ms'];
  return `${value < 100 ? Number(value.toPrecision(2)) : Math.round(value)} ${unit}`;
}

/**
 * Microseconds per call of each of several functions, in the best of their rounds, in which they take turns: what else the
 * machine does makes it slower for all of them.
 *
 * @param {number} count calls of a round; as many go before the first
 * @param {(() => unknown)[]} calls
 */
async function race(count, calls) {
  const least = calls.map(() => Infinity);
  for (let round = 0; round < 15; round++) {
    for (const [index, call] of calls.entries()) {
      const begin = performance.now();
      for (let times = 0; times < count; times++) {
        const result = call();
        if (result instanceof Promise) await result;
      }
      if (round > 0) least[index] = Math.min(least[index], ((performance.now() - begin) * 1000) / count);
    }
  }
  return least;
}

/** A row of times, the best of which is set in bold. */
function row(name, figures) {
  const least = Math.min(...figures);
  return [name, ...figures.map((figure) => (figure <= least * 1.05 ? `**${time(figure)}**` : time(figure)))];
}

/** Race what is made of a machine of each. */
async function raceMachines(count, prepare) {
  const machines = await Promise.all(Object.values(CONTENDERS).map((create) => create()));
  const figures = await race(count, machines.map(prepare));
  for (const machine of machines) machine.close();
  return figures;
}

/** What programs print, in milliseconds, as microseconds: the least of several processes of each, which take turns. */
function inProcesses(program, lines) {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const figures = lines.map(() => Infinity);
  for (let round = 0; round < 10; round++) {
    lines.forEach((words, index) => {
      const micros = Number(execFileSync(process.execPath, [path, ...words])) * 1000;
      figures[index] = Math.min(figures[index], micros);
    });
  }
  return figures;
}

/** What a page loads to run Lua, compressed: the package as it is published, the others bundled and minified. */
function sizes() {
  const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const { resolve } = createRequire(import.meta.url);
  const esbuild = createRequire(new URL('../../web/package.json', import.meta.url))('esbuild');
  const options = { bundle: true, minify: true, format: 'esm', platform: 'browser', splitting: true, outdir: 'out', write: false, logLevel: 'silent' };
  // What only Node needs is not loaded by a page.
  const external = [...builtinModules, 'node:*', 'tmp', 'readline-sync'];
  const bundle = (entry) => {
    const { outputFiles } = esbuild.buildSync({ ...options, entryPoints: [entry], external, define: { 'process.env': '{}' } });
    return outputFiles.reduce((sum, { contents }) => sum + packed(contents), 0);
  };
  const wasmoon = resolve('wasmoon');
  const bytes = [
    ['lua-persistent.js', 'core.js', 'loader.js', 'lua.wasm'].reduce((sum, name) => sum + packed(readFileSync(new URL(name, DIST))), 0),
    bundle(wasmoon) + packed(readFileSync(wasmoon.replace(/index\.js$/, 'glue.wasm'))),
    bundle(resolve('fengari')),
  ];
  return bytes.map((count) => `${Math.round(count / 1000)} KB`);
}

/** A call of a program, whose result has to be the same for all. */
function runOf(code, results) {
  return (machine) => () => {
    results.add(machine.run(code));
    if (results.size > 1) throw new Error(`the results differ: ${[...results]}\n${code}`);
  };
}

async function table() {
  const rows = [['to load, compressed', ...sizes()]];
  const add = (name, figures) => rows.push(row(name, figures));
  const starts = [['here', new URL('lua-persistent.js', DIST).href], ['wasmoon'], ['fengari']];
  add('start in Node, from the import to the first result', inProcesses('cold-start.mjs', starts));
  // One after the other: collecting the memories of one would be charged to the next.
  const machines = [];
  for (const create of Object.values(CONTENDERS)) machines.push(...(await race(10, [async () => (await create()).close()])));
  add('another machine', machines);
  add('run `return 1`', await raceMachines(10_000, (machine) => () => machine.run('return 1')));
  add('JavaScript calls a Lua function of two numbers', await raceMachines(10_000, (machine) => {
    machine.run('function add(a, b) return a + b end');
    const sum = machine.get('add');
    return () => sum(1, 2);
  }));
  const calls = await raceMachines(10, (machine) => {
    machine.define('add', (a, b) => a + b);
    machine.run('function calls(n) for i = 1, n do add(1, i) end return n end');
    return () => machine.run('return calls(2000)');
  });
  add('Lua calls a JavaScript function of two numbers', calls.map((micros) => micros / 2000));
  add('a run that fails', await raceMachines(500, (machine) => () => {
    try {
      machine.run('error("x")');
    } catch {
      // That it fails is what is measured.
    }
  }));
  add('a loop of 10,000,000 rounds, first thing in a process', inProcesses('first-run.mjs', NAMES.map((name) => [name])));
  for (const [name, code] of Object.entries(PROGRAMS)) add(name, await raceMachines(1, runOf(code, new Set())));
  return [['', ...NAMES], NAMES.concat('').map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (!existsSync(DIST)) throw new Error('what is compared is the package: `npm --prefix web run dist` builds it');
const text = await table();
const setting = `${os.cpus().length} cores, Node ${process.versions.node}`;
console.log(`${setting}\n\n${text}`);

if (process.argv.includes('--write')) {
  const readme = readFileSync(README, 'utf8');
  const [before, rest] = readme.split(BEGIN);
  const after = rest.split(END)[1];
  writeFileSync(README, `${before}${BEGIN}\n\nOn ${setting}, measured in one run, each figure the best of several; the best of each row, and what is within 5 % of it, in bold:\n\n${text}\n\n${END}${after}`);
}
