// Tests how the command ends: by signals, and when the reader of its output closes the pipe.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../web/cli.js', import.meta.url));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A command that does not stop is ended, so that its test fails. */
const BOUNDED = { timeout: 60_000, killSignal: 'SIGKILL' };

/** Where there are no signals, there is nothing to test. */
const skip = process.platform === 'win32';

/** Start the command; `begun` is fulfilled when it has printed something, `ended` when it has ended. */
function start(...words) {
  const child = spawn(process.execPath, [CLI, ...words], { cwd: directory, ...BOUNDED });
  const shown = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (shown.stdout += data));
  child.stderr.on('data', (data) => (shown.stderr += data));
  const ended = once(child, 'close').then(([status, signal]) => ({ status, signal, ...shown }));
  const early = ended.then(() => {
    throw new Error(`the command has ended before it printed anything: ${shown.stderr}`);
  });
  return { child, begun: Promise.race([once(child.stdout, 'data'), early]), ended };
}

/** Print something at once, in front of what follows. */
const BEGIN = 'print("begun") io.flush(); ';

/** Reads `_home.x` of a state. */
function kept(state) {
  return spawnSync(process.execPath, [CLI, '--state', state, '-e', 'io.write(tostring(_home.x))'], { cwd: directory, encoding: 'utf8' }).stdout;
}

test('Ctrl-C stops a program wherever it is, with a traceback, and what it has stored is saved', { skip }, async () => {
  for (const [name, loop] of Object.entries({
    loop: 'while true do end',
    caught: 'while true do pcall(function() while true do end end) end',
    coroutine: 'coroutine.wrap(function() while true do end end)()',
    comparator: 'table.sort({ 3, 1, 2 }, function() while true do end end)',
  })) {
    const { child, begun, ended } = start('--state', name, '-e', `_home.x = "kept" ${BEGIN} ${loop}`, '-e', 'print("went on")');
    await begun;
    child.kill('SIGINT');
    const { status, stdout, stderr } = await ended;
    assert.equal(status, 130, name);
    assert.equal(stdout, 'begun\n', name);
    assert.match(stderr, /^lua-persistent: (\(command line\):1: )+interrupted!\nstack traceback:\n\t/, name);
    assert.equal(kept(name), 'kept', name);
  }
});

test('a request to end does the same, and is told as what it is', { skip }, async () => {
  for (const [signal, code] of [['SIGTERM', 143], ['SIGHUP', 129]]) {
    const { child, begun, ended } = start('--state', signal, '-e', `_home.x = "kept" ${BEGIN} while true do end`);
    await begun;
    child.kill(signal);
    const { status, stderr } = await ended;
    assert.equal(status, code);
    assert.match(stderr, new RegExp(`^lua-persistent: \\(command line\\):1: stopped by ${signal}\n`));
    assert.equal(kept(signal), 'kept');
  }
});

test('a prompt that is told to end saves what there is', { skip }, async () => {
  const { child, begun, ended } = start('-i', '--state', 'prompt');
  child.stdin.write('_home.x = "kept"\n"begun"\n');
  await begun;
  child.kill('SIGTERM');
  assert.equal((await ended).status, 143);
  assert.equal(kept('prompt'), 'kept');
});

test('a snapshot is written when the program is stopped', { skip }, async () => {
  const { child, begun, ended } = start('--snapshot', 'image', '-e', `x = "kept" ${BEGIN} while true do end`);
  await begun;
  child.kill('SIGINT');
  assert.equal((await ended).status, 130);
  const { stdout } = spawnSync(process.execPath, [CLI, '--snapshot', 'image', '-e', 'print(x)'], { cwd: directory, encoding: 'utf8' });
  assert.equal(stdout, 'kept\n');
});

test('a signal ends what runs in C, and finalizers that never end', { skip }, async () => {
  for (const [name, signal, code, endless] of /** @type {const} */ ([
    ['pattern', 'SIGINT', 130, '("a"):rep(1000):find((".-"):rep(10) .. "b")'],
    ['move', 'SIGTERM', 143, 'table.move({}, 1, math.maxinteger - 1, 2)'],
    ['finalizer', 'SIGHUP', 129, 'setmetatable({}, {__gc = function() while true do end end}) collectgarbage()'],
    ['closing', 'SIGTERM', 143, 'setmetatable({}, {__gc = function() while true do end end})'],
    ['closing by Ctrl-C', 'SIGINT', 130, 'setmetatable({}, {__gc = function() while true do end end})'],
  ])) {
    const { child, begun, ended } = start('--state', name, '-e', `_home.x = "kept" ${BEGIN} ${endless}`);
    await begun;
    child.kill(signal);
    const { status } = await ended;
    assert.equal(status, code, name);
    assert.equal(kept(name), 'kept', name);
  }
});

test('a call of the system that cannot be stopped ends with the second signal', { skip }, async () => {
  spawnSync('mkfifo', [path.join(directory, 'endless.lua')]);
  fs.writeFileSync(path.join(directory, 'blocked.lua'), `${BEGIN} require("endless")`);
  const { child, begun, ended } = start('blocked.lua');
  await begun;
  child.kill('SIGINT');
  // The second is sent when the first has arrived: they would count as one.
  const again = setInterval(() => child.kill('SIGINT'), 20);
  const { signal, stderr } = await ended;
  clearInterval(again);
  assert.equal(signal, 'SIGINT');
  assert.match(stderr, /^lua-persistent: killed; what was not saved yet is lost\n/);
});

test('a program whose output nobody reads any more is stopped, and its state is saved', { skip }, async () => {
  const { child, begun, ended } = start('--state', 'pipe', '-e', '_home.x = "kept" while true do print("more") end');
  await begun;
  child.stdout.destroy();
  const { status, stderr } = await ended;
  assert.deepEqual({ status, stderr }, { status: 141, stderr: '' });
  assert.equal(kept('pipe'), 'kept');
});

test('a reader that is slow gets everything', async () => {
  const { child, begun, ended } = start('-e', 'for i = 1, 200000 do print(i) end');
  await begun;
  child.stdout.pause();
  setTimeout(() => child.stdout.resume(), 100);
  const { status, stdout } = await ended;
  assert.equal(status, 0);
  assert.ok(stdout.endsWith('199999\n200000\n'));
});
