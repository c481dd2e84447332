// Tests that a state file has one writer (web/persist/lock-file.js): locks of processes that have ended are taken over,
// others hold.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { FileBackend } from '../../../web/persist/file.js';
import { FileLock } from '../../../web/persist/lock-file.js';
import { nodeModules } from '../../../web/persist/node.js';
import { StateError } from '../../../web/persist/state-error.js';
import { integer, look, open } from '../support/states.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

const node = await nodeModules();
let count = 0;
const fresh = () => path.join(directory, `${++count}.state`);
const take = (file) => FileLock.take(node, file, `state file '${file}'`);
const kind = (name) => (error) => error instanceof StateError && error.kind === name;

/** The lock that this process would write, with some of it changed. */
function forge(file, changes) {
  const lock = take(file);
  const owner = { ...JSON.parse(fs.readFileSync(`${file}.lock`, 'utf8')), token: '1-forged', ...changes };
  lock.release();
  fs.writeFileSync(`${file}.lock`, JSON.stringify(owner));
}

/** The id of a process that has ended. */
const ended = () => spawnSync(process.execPath, ['--version']).pid;

test('a lock is there with all of its contents, and gone after its release', () => {
  const file = fresh();
  const lock = take(file);
  const owner = JSON.parse(fs.readFileSync(`${file}.lock`, 'utf8'));
  assert.equal(owner.pid, process.pid);
  assert.equal(owner.host, os.hostname());
  lock.check();
  lock.release();
  assert.deepEqual(fs.readdirSync(directory).filter((name) => name.startsWith(path.basename(file))), []);
});

test('a process that runs holds its lock, and is named', async () => {
  const file = fresh();
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { FileBackend } from './persist/file.js';
    await (await FileBackend.at(${JSON.stringify(file)})).open({ readOnly: false });
    console.log('locked');
    process.stdin.resume();
  `], { cwd: fileURLToPath(new URL('../../../web/', import.meta.url)), stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.throws(() => take(file), (error) => kind('locked')(error) && error.message.includes(`in process ${child.pid};`));
  const exit = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await exit;
  assert.equal(fs.existsSync(`${file}.lock`), true);
  take(file).release();
});

test('a stale lock is taken over: no such process, another start of the process, another start of the machine', { skip: !fs.existsSync('/proc/self/stat') }, () => {
  for (const changes of [{ pid: ended() }, { started: '1' }, { boot: '00000000-0000-0000-0000-000000000000' }]) {
    const file = fresh();
    forge(file, changes);
    const lock = take(file);
    lock.check();
    lock.release();
  }
});

test('what may be alive holds its lock: another machine, an unknown start; and so does what is no lock of ours', () => {
  for (const [changes, message] of [
    [{ host: 'elsewhere', pid: ended() }, /on 'elsewhere'.*remove '.*\.lock'/],
    [{ started: '' }, /in this process/],
  ]) {
    const file = fresh();
    forge(file, changes);
    assert.throws(() => take(file), (error) => kind('locked')(error) && message.test(error.message));
    assert.match(fs.readFileSync(`${file}.lock`, 'utf8'), /forged/);
  }
  for (const text of ['', 'mine', '{}']) {
    const file = fresh();
    fs.writeFileSync(`${file}.lock`, text);
    assert.throws(() => take(file), (error) => kind('locked')(error) && /no lock of lua-persistent/.test(error.message));
    assert.equal(fs.readFileSync(`${file}.lock`, 'utf8'), text);
  }
});

/** All files that belong to a state's lock. */
const lockFiles = (file) => fs.readdirSync(directory).filter((name) => name.startsWith(`${path.basename(file)}.lock`));

/** The modules of Node with functions of `fs` in place of its own. */
const faulty = (changes) => ({ ...node, fs: { ...fs, ...changes } });

test('a disk that is full while a lock is taken has nothing left of it', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const half = (name, data, options) => {
    fs.writeFileSync(name, data.slice(0, 10), options);
    throw full;
  };
  const file = fresh();
  assert.throws(() => FileLock.take(faulty({ writeFileSync: half }), file, 'state'), (error) => kind('full')(error) && /ENOSPC/.test(error.message));
  assert.deepEqual(lockFiles(file), []);
  // A file system without hard links, and no room for a second copy.
  const linkSync = () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
  };
  const copyFileSync = (from, to) => {
    fs.writeFileSync(to, '', { flag: 'wx' });
    throw full;
  };
  assert.throws(() => FileLock.take(faulty({ linkSync, copyFileSync }), file, 'state'), kind('full'));
  assert.deepEqual(lockFiles(file), []);
  take(file).release();
});

test('whatever call fails while a lock is taken, nothing is left that holds', () => {
  const failing = ['writeFileSync', 'linkSync', 'readFileSync', 'readdirSync', 'renameSync', 'rmSync'];
  for (const stale of [false, true]) {
    for (const name of failing) {
      const file = fresh();
      if (stale) forge(file, { pid: ended(), started: '1' });
      let left = 1;
      const fail = (...args) => {
        if (left-- > 0) throw Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO' });
        return fs[name](...args);
      };
      try {
        FileLock.take(faulty({ [name]: fail }), file, 'state').release();
      } catch (error) {
        assert.ok(error instanceof StateError || error.code === 'EIO', String(error));
      }
      take(file).release();
    }
  }
});

test('what processes have left that were killed while they took the lock is removed', () => {
  const file = fresh();
  const owner = (changes) => {
    forge(file, changes);
    const text = fs.readFileSync(`${file}.lock`, 'utf8');
    fs.rmSync(`${file}.lock`);
    return text;
  };
  const old = new Date(Date.now() - 3_600_000);
  fs.writeFileSync(`${file}.lock.11-dead`, owner({ pid: ended(), started: '1' }));
  fs.writeFileSync(`${file}.lock.12-alive`, owner({}));
  fs.writeFileSync(`${file}.lock.13-elsewhere`, owner({ host: 'elsewhere' }));
  fs.writeFileSync(`${file}.lock.14-begun`, '');
  fs.writeFileSync(`${file}.lock.15-empty`, '');
  fs.utimesSync(`${file}.lock.15-empty`, old, old);
  fs.writeFileSync(`${file}.lock.backup`, '');
  fs.utimesSync(`${file}.lock.backup`, old, old);
  fs.writeFileSync(`${file}.lock.16-text`, 'mine');
  fs.utimesSync(`${file}.lock.16-text`, old, old);
  take(file).release();
  const kept = ['12-alive', '13-elsewhere', '14-begun', '16-text', 'backup'].map((name) => `${path.basename(file)}.lock.${name}`);
  assert.deepEqual(lockFiles(file).sort(), kept.sort());
});

test('a lock that was never finished does not hold for ever', () => {
  for (const bytes of [[], [0, 0, 0, 0]]) {
    const file = fresh();
    fs.writeFileSync(`${file}.lock`, Uint8Array.from(bytes));
    assert.throws(() => take(file), (error) => kind('locked')(error) && /no lock of lua-persistent; remove it if nothing uses the state/.test(error.message));
    const old = new Date(Date.now() - 3_600_000);
    fs.utimesSync(`${file}.lock`, old, old);
    take(file).release();
    assert.deepEqual(lockFiles(file), []);
  }
});

test('a process that is killed while it takes the lock is in nobody\'s way', { skip: !fs.existsSync('/proc/self/stat') }, () => {
  // Killed at each of its calls in turn.
  const program = `
    import { FileLock } from './persist/lock-file.js';
    import { nodeModules } from './persist/node.js';
    const node = await nodeModules();
    let left = Number(process.argv[2]);
    const fs = new Proxy(node.fs, { get: (target, name) => typeof target[name] !== 'function' ? target[name] : (...args) => {
      if (left-- === 0) process.kill(process.pid, 'SIGKILL');
      return target[name](...args);
    } });
    FileLock.take({ ...node, fs }, process.argv[1], 'state');
    console.log('taken');
  `;
  const cwd = fileURLToPath(new URL('../../../web/', import.meta.url));
  for (const stale of [false, true]) {
    for (let calls = 0, taken = false; !taken; calls++) {
      assert.ok(calls < 40);
      const file = fresh();
      if (stale) forge(file, { pid: ended(), started: '1' });
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program, file, String(calls)], { cwd, encoding: 'utf8' });
      taken = stdout === 'taken\n';
      take(file).release();
      assert.deepEqual(lockFiles(file), [], `killed at call ${calls}`);
    }
  }
});

test('a lock that is taken away stops the saves, and is not released', async () => {
  const file = fresh();
  const session = await open(await FileBackend.at(file));
  session.store.set(1, 'x', integer(1));
  await session.save();
  forgeOver(file);
  session.store.set(1, 'x', integer(2));
  await assert.rejects(() => session.save(), kind('conflict'));
  await session.abandon();
  assert.match(fs.readFileSync(`${file}.lock`, 'utf8'), /forged/);
  assert.equal((await look(await FileBackend.at(file))).tables[1][0][1], Buffer.from(integer(1)).toString('hex'));
});

function forgeOver(file) {
  const owner = JSON.parse(fs.readFileSync(`${file}.lock`, 'utf8'));
  fs.writeFileSync(`${file}.lock`, JSON.stringify({ ...owner, token: '1-forged' }));
}

test('of many processes that find a stale lock at once, one gets it', async () => {
  const program = `
    import { FileLock } from './persist/lock-file.js';
    import { nodeModules } from './persist/node.js';
    const node = await nodeModules();
    const fs = node.fs;
    console.log('ready');
    process.stdin.once('data', () => {
      let held = 0;
      let lost = 0;
      for (let round = 0; round < 40; round++) {
        const file = process.argv[1] + round;
        try {
          const lock = FileLock.take(node, file, 'state');
          held += 1;
          try { lock.check(); } catch { lost += 1; continue; }
          fs.appendFileSync(file + '.holders', 'x');
        } catch (error) {
          if (error.kind !== 'locked') throw error;
        }
      }
      console.log(held, lost);
      process.stdin.once('data', () => process.exit());
    });
  `;
  const base = fresh();
  for (let round = 0; round < 40; round++) forge(`${base}${round}`, { pid: ended() });
  const options = { cwd: fileURLToPath(new URL('../../../web/', import.meta.url)), stdio: ['pipe', 'pipe', 'inherit'] };
  const children = Array.from({ length: 4 }, () => spawn(process.execPath, ['--input-type=module', '-e', program, base], options));
  const line = (child) => new Promise((resolve) => child.stdout.once('data', resolve));
  await Promise.all(children.map(line));
  const results = children.map(line);
  for (const child of children) child.stdin.write('go\n');
  await Promise.all(results);
  for (let round = 0; round < 40; round++) assert.equal(fs.readFileSync(`${base}${round}.holders`, 'utf8'), 'x', `round ${round}`);
  const ends = children.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.stdin.write('end\n');
  await Promise.all(ends);
});
