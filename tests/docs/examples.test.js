// Tests the examples: what they print on the first run and on the next, and that the durable job loses nothing when it is
// killed.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { Lua } from '../../web/lua-persistent.js';
import { ROOT } from './markdown.js';
import { temporary } from './project.js';

const COMMAND = process.env.LUA_PERSISTENT_COMMAND || path.join(ROOT, 'web/cli.js');
const PRIMES = 17_984; // up to 200,000

const example = (name) => path.join(ROOT, 'examples', name);

/** Runs an example with a state of its own. */
class Runs {
  constructor(name) {
    this.name = name;
    this.folder = temporary();
  }

  /** Run it with arguments; the lines that it prints. */
  run(...words) {
    const line = [COMMAND, example(this.name), '--state', path.join(this.folder, 'it.state'), ...words];
    const { status, stdout, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trimEnd().split('\n');
  }
}

test('every example in Lua says what it shows in its first line', () => {
  const files = fs.readdirSync(path.join(ROOT, 'examples')).filter((name) => name.endsWith('.lua'));
  assert.deepEqual(files.sort(), ['counter.lua', 'data-processing.lua', 'durable-job.lua', 'state-machine.lua', 'todo-list.lua']);
  for (const name of files) assert.match(fs.readFileSync(example(name), 'utf8'), /^-- [A-Z][^\n:]*: [a-z][^\n]*\n--\n/, name);
});

test('every example in Lua runs twice without a state, and without a command line', async () => {
  for (const name of fs.readdirSync(path.join(ROOT, 'examples')).filter((file) => file.endsWith('.lua'))) {
    const lua = await Lua.create();
    for (let run = 0; run < 2; run++) assert.notEqual((await lua.run(fs.readFileSync(example(name)), { name: `@${name}` })).output, '', name);
    await lua.close();
  }
});

test('counter.lua counts its runs', () => {
  const counter = new Runs('counter.lua');
  assert.deepEqual(counter.run(), ['This program has run 1 time.']);
  assert.deepEqual(counter.run(), ['This program has run 2 times.']);
});

test('todo-list.lua takes commands', () => {
  const list = new Runs('todo-list.lua');
  assert.deepEqual(list.run('list'), ['Nothing to do.']);
  assert.deepEqual(list.run('add', 'Buy', 'milk'), ['1. [ ] Buy milk']);
  assert.deepEqual(list.run('add', 'Drink it'), ['1. [ ] Buy milk', '2. [ ] Drink it']);
  assert.deepEqual(list.run('done', '1'), ['1. [x] Buy milk', '2. [ ] Drink it']);
  assert.deepEqual(list.run('clear'), ['The list is empty.']);
  assert.deepEqual(list.run('list'), ['Nothing to do.']);
});

test('todo-list.lua without a command goes through its list', () => {
  const list = new Runs('todo-list.lua');
  assert.equal(list.run().length, 3);
  assert.equal(list.run()[0], 'Doing: Learn Lua');
  assert.equal(list.run()[0], 'Doing: Write a program');
  assert.deepEqual(list.run(), ['Doing: Run it again', '1. [x] Learn Lua', '2. [x] Write a program', '3. [x] Run it again']);
  assert.deepEqual(list.run(), ['The list is empty.']);
});

test('todo-list.lua takes commands from _io.input', async () => {
  const lua = await Lua.create();
  lua.setInput('add Call home');
  assert.deepEqual(lua.compute(fs.readFileSync(example('todo-list.lua'))).lines, ['1. [ ] Call home']);
  await lua.close();
});

test('data-processing.lua makes more data than the memory holds, and finds them again', () => {
  const data = new Runs('data-processing.lua');
  const [made, ...first] = data.run();
  const [found, ...second] = data.run();
  assert.equal(made, 'Made 100000 sales.');
  assert.equal(found, 'Found 100000 sales.');
  const figures = (lines) => lines.slice(0, -1);
  assert.deepEqual(figures(second), figures(first));
  assert.match(first[3], /^west +\d+ sales +\d+\.\d\d in all$/);
  const sales = first.slice(0, 4).map((line) => Number(line.split(/ +/)[1]));
  assert.equal(sales.reduce((sum, count) => sum + count), 100_000);
  const [, bytes, heap] = /^(\d+) bytes of notes alone, with (\d+) KiB of heap$/.exec(first.at(-1));
  assert.ok(Number(bytes) > 2 * 1024 * 1024 && Number(heap) < 1024, first.at(-1));
});

test('state-machine.lua goes on with its functions, their variable and its metatable', () => {
  const machine = new Runs('state-machine.lua');
  const runs = Array.from({ length: 6 }, () => machine.run());
  assert.deepEqual(runs[1].slice(0, 3), ['order 1 is on its way, attempt 1', 'order 1: ship, so it is shipped', 'order 1: cannot pay what is shipped']);
  assert.equal(runs[2][0], 'order 1 was lost');
  assert.equal(runs[3][0], 'order 1 is on its way, attempt 2');
  assert.equal(runs[4][0], 'order 1 has arrived after 2 attempts');
  assert.equal(runs[4].at(-1), 'placed -> paid, paid -> shipped, shipped -> paid, paid -> shipped, shipped -> delivered');
  assert.equal(runs[5][0], 'order 2: pay, so it is paid');
});

test('durable-job.lua does its work in as many runs as it is given', () => {
  const job = new Runs('durable-job.lua');
  assert.equal(job.run('3').at(-1), '3245 primes up to 30000');
  assert.equal(job.run('1')[0], 'Going on at 30001.');
  assert.equal(job.run().at(-1), `${PRIMES} primes up to 200000`);
  assert.deepEqual(job.run(), ['This job is finished.', `${PRIMES} primes up to 200000`]);
});

/** A program that does five pieces of the job, saves, does one more, and is killed. */
const KILLED = `
  import { readFileSync } from 'node:fs';
  import { Lua } from ${JSON.stringify(new URL('../../web/lua-persistent.js', import.meta.url).href)};
  const lua = await Lua.open('job.state');
  lua.start(readFileSync(process.env.EXAMPLE));
  for (let piece = 0; piece < 5; piece++) lua.step();
  await lua.save();
  lua.step();
  process.kill(process.pid, 'SIGKILL');
`;

test('durable-job.lua, killed with -9, loses what was not saved, and nothing else', async () => {
  const code = example('durable-job.lua');
  const cwd = temporary();
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', KILLED], { cwd, env: { ...process.env, EXAMPLE: code }, encoding: 'utf8' });
  assert.equal(signal, 'SIGKILL', stderr);
  const lua = await Lua.open(path.join(cwd, 'job.state'));
  const { output, value } = await lua.run(fs.readFileSync(code));
  await lua.close();
  assert.match(output, /^Going on at 50001\.\n/);
  assert.equal(value, PRIMES);
});

test('durable-job.mjs goes on after each kill -9 where it was', async () => {
  const folder = temporary();
  const file = path.join(folder, 'job.snapshot');
  let output = '';
  let kills = 0;
  for (;;) {
    const child = spawn(process.execPath, [example('durable-job.mjs'), file]);
    let printed = '';
    child.stdout.on('data', (piece) => {
      printed += piece;
      // Killed at its second sign of progress, so that each run makes some.
      if (kills < 3 && printed.split('so far').length > 3) child.kill('SIGKILL');
    });
    const [status, signal] = await once(child, 'close');
    output += printed;
    if (signal !== 'SIGKILL') {
      assert.equal(status, 0);
      break;
    }
    kills += 1;
  }
  assert.equal(kills, 3);
  assert.equal(output.split('-- restored').length, 4);
  assert.match(output, new RegExp(`-- the program returned ${PRIMES}\\n$`));
  for (let piece = 1; piece <= 20; piece++) assert.match(output, new RegExp(`to ${String(piece * 10_000).padStart(6)}:`));
  assert.ok(!fs.existsSync(file));
});
