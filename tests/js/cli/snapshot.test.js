// Tests the option --snapshot of the command: the whole machine goes on from one run to the next.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../web/cli.js', import.meta.url));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** Run code over a snapshot. */
function run(snapshot, code) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, '--snapshot', snapshot, '-e', code], { cwd: directory, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('globals, closures, suspended coroutines and external tables go on', () => {
  const make = `
    local count = 0
    function next_one() count = count + 1 return count end
    walk = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end)
    _home.list = { 1, 2 }
    print(next_one(), walk())`;
  assert.deepEqual(run('whole', make), { status: 0, stdout: '1\t1\n', stderr: '' });
  assert.equal(run('whole', 'print(next_one(), walk(), #_home.list)').stdout, '2\t2\t2\n');
  assert.equal(run('whole', 'print(next_one(), walk())').stdout, '3\t3\n');
});

test('each run has its own arg', () => {
  run('arg', 'setmetatable(_G, { __newindex = function(_, name) error("new global " .. name) end })');
  assert.equal(run('arg', 'print(arg[4])').stdout, 'print(arg[4])\n');
});

test('a program that fails leaves the machine as it is then', () => {
  assert.equal(run('failed', 'x = "kept" error("stop")').status, 1);
  assert.equal(run('failed', 'print(x)').stdout, 'kept\n');
});

test('a snapshot that cannot be gone on with is named and left as it is, and nothing runs', () => {
  const file = path.join(directory, 'bad');
  run('bad', 'x = 1');
  const good = fs.readFileSync(file);
  const damaged = Buffer.from(good);
  damaged[damaged.length - 1] ^= 1;
  for (const [contents, message] of [
    [damaged, 'the snapshot is damaged: its checksum does not match its contents'],
    [good.subarray(0, 80), `the snapshot is truncated: 80 bytes, where at least ${good.length} belong`],
    [Buffer.from('plain text'), 'the snapshot is not one of lua-persistent'],
  ]) {
    fs.writeFileSync(file, contents);
    assert.deepEqual(run('bad', 'print("ran")'), { status: 1, stdout: '', stderr: `lua-persistent: cannot go on with 'bad': ${message}\n` });
    assert.deepEqual(fs.readFileSync(file), contents);
  }
});

test('a snapshot has one user at a time', () => {
  const owner = { token: 'x', pid: process.pid, host: os.hostname(), boot: '', started: '' };
  fs.writeFileSync(path.join(directory, 'busy.lock'), JSON.stringify(owner));
  const { status, stderr } = run('busy', 'print("ran")');
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`^lua-persistent: snapshot file 'busy' is open for writing in process ${process.pid}`));
});

test('a snapshot that cannot be written is named, and the exit code is 1', () => {
  const { status, stdout, stderr } = run(path.join('absent', 'x'), 'print("ran")');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^lua-persistent: snapshot file 'absent\/x' cannot be written/);
});

test('nothing but the snapshot is left in its folder', () => {
  fs.mkdirSync(path.join(directory, 'clean'));
  run('clean/x', 'y = 1');
  run('clean/x', 'y = 2');
  assert.deepEqual(fs.readdirSync(path.join(directory, 'clean')), ['x']);
});
