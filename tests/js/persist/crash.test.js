// Tests state files under failures from outside: killed processes, failing system calls, full disks, read-only folders.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { FileBackend } from '../../../web/persist/file.js';
import { StateError } from '../../../web/persist/state-error.js';
import { killAfter } from '../support/kill.js';
import { contents, integer, look, open } from '../support/states.js';
import { random } from '../support/random.js';

const fs = { ...nodeFs };
const CHILD = fileURLToPath(new URL('./crash-child.js', import.meta.url));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

let count = 0;
const fresh = () => path.join(directory, `${++count}.state`);
const kind = (name) => (error) => error instanceof StateError && error.kind === name;

/** The number of the save that a state is of, having checked that all of it is. */
async function saveOf(file) {
  const { tables } = await look(await FileBackend.at(file));
  const numbers = Object.values(tables).map((entries) => entries.find(([key]) => key === 'save')[1]);
  assert.ok(numbers.every((number) => number === numbers[0]), `parts of different saves: ${numbers}`);
  return numbers.length === 0 ? 0 : Number(Buffer.from(numbers[0], 'hex').readBigInt64LE(1));
}

test('kill -9 at random instants, 200 times: the last acknowledged state, or the one that was being saved', async () => {
  const next = random(9);
  let saves = 0;
  // Two at a time: the machine has other things to do than waiting for Node to start.
  const lane = async (seed) => {
    const file = fresh();
    let known = 0;
    for (let round = 0; round < 100; round++) {
      const told = await killAfter(CHILD, file, seed + round, next(40), next(4));
      const last = (word) => Math.max(0, ...[...told.matchAll(new RegExp(`${word} (\\d+)\n`, 'g'))].map((match) => Number(match[1])));
      const state = await saveOf(file);
      // Before its first save a process has the state that the one before it left.
      const acknowledged = Math.max(last('done'), known);
      assert.ok(state >= acknowledged && state <= Math.max(acknowledged, last('begin')), `${state}, told: ${told.slice(-60)}`);
      known = state;
      saves += told.split('done').length - 1;
    }
  };
  await Promise.all([lane(1000), lane(2000)]);
  assert.ok(saves > 1000, `${saves} saves`);
});

/** The system calls that change files. */
const CALLS = ['openSync', 'writeSync', 'fsyncSync', 'fdatasyncSync', 'ftruncateSync', 'renameSync', 'linkSync', 'writeFileSync', 'rmSync', 'closeSync'];

/** Let system calls go through `intercept` while a function runs. */
async function intercepting(intercept, run) {
  for (const name of CALLS) nodeFs[name] = (...words) => intercept(name, () => fs[name](...words), words);
  try {
    return await run();
  } finally {
    for (const name of CALLS) nodeFs[name] = fs[name];
  }
}

/** Saves of every kind: a small one, one of several frames, one that writes the file anew. */
const SAVES = {
  'a small save': (store) => store.set(1, 'x', integer(2)),
  'a save of several frames': (store) => [1, 2, 3].forEach((index) => store.set(2, `big${index}`, new Uint8Array(700_000))),
};

/** A file with a first save, or with changes that make the next save write it anew. */
async function prepare(rewrite) {
  const file = fresh();
  const session = await open(await FileBackend.at(file));
  session.store.set(1, 'x', integer(1));
  await session.save();
  session.store.set(1, 'waste', new Uint8Array(rewrite ? 80_000 : 8));
  await session.save();
  return { file, session };
}

for (const rewrite of [false, true]) {
  for (const [name, change] of Object.entries(SAVES)) {
    const title = `${name}${rewrite ? ' that writes the file anew' : ''}`;

    test(`${title}: a process that ends at any system call, or in the middle of a write, leaves the old state or the new`, async () => {
      for (let stop = 0, ended = false; !ended; stop++) {
        for (const part of [0, 0.5]) {
          const { file, session } = await prepare(rewrite);
          const old = contents(session.store);
          change(session.store);
          let left = stop;
          await intercepting(
            (call, make, words) => {
              if (left-- > 0) return make();
              if (left === -1 && call === 'writeSync' && part > 0) fs.writeSync(words[0], words[1], words[2], Math.floor(words[3] * part), words[4]);
              throw new Error('this process has ended');
            },
            () => session.save().then(
              () => {
                ended = true;
              },
              () => {},
            ),
          );
          const { tables } = await look(await FileBackend.at(file));
          const wanted = ended ? [contents(session.store)] : [old, contents(session.store)];
          assert.ok(wanted.some((state) => JSON.stringify(state) === JSON.stringify(tables)), `stopped at call ${stop}`);
          await session.abandon();
        }
      }
    });

    test(`${title}: a system call that fails gives an error, and the next save saves everything`, async () => {
      for (let stop = 0, ended = false; !ended; stop++) {
        const { file, session } = await prepare(rewrite);
        const old = contents(session.store);
        change(session.store);
        let left = stop;
        let error = null;
        await intercepting(
          (_call, make) => {
            if (left-- !== 0) return make();
            throw Object.assign(new Error('EIO: i/o error, test'), { code: 'EIO' });
          },
          () => session.save().catch((caught) => {
            error = caught;
          }),
        );
        // What is removed without need, and the folder's synchronisation, may fail unnoticed.
        ended = left >= 0;
        const { tables } = await look(await FileBackend.at(file));
        if (error === null) assert.deepEqual(tables, contents(session.store));
        else {
          assert.ok(kind('unwritable')(error) && /EIO/.test(error.message), String(error));
          assert.ok([old, contents(session.store)].some((state) => JSON.stringify(state) === JSON.stringify(tables)), `call ${stop}`);
        }
        session.store.set(1, 'later', integer(3));
        await session.close();
        assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store), `call ${stop}`);
      }
    });
  }
}

/** Run a program in a process of its own, under a limit of the shell. */
function limited(limit, code) {
  const words = ['-c', `${limit} && exec "$0" --input-type=module -e "$1"`, process.execPath, code];
  return spawnSync('bash', words, { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) });
}

test('a limit on the size of files: an error, and the old state intact', { skip: process.platform === 'win32' }, async () => {
  const file = fresh();
  const session = await open(await FileBackend.at(file));
  session.store.set(1, 'x', integer(1));
  await session.close();
  const before = fs.readFileSync(file);
  const { status, stdout, stderr } = limited('ulimit -f 64', `
    process.on('SIGXFSZ', () => {});
    import { FileBackend } from '../../../web/persist/file.js';
    import { open } from '../support/states.js';
    const session = await open(await FileBackend.at(${JSON.stringify(file)}));
    session.store.set(1, 'y', new Uint8Array(200_000));
    await session.save().catch((error) => console.log(error.name, error.kind));
    await session.abandon();
  `);
  assert.equal(stdout, 'StateError full\n', stderr);
  assert.equal(status, 0);
  assert.deepEqual(fs.readFileSync(file), before);
});

/** Mount a small file system, if this machine lets us. */
function mount(options) {
  const folder = fs.mkdtempSync(path.join(directory, 'mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch (_forbidden) {
    return null;
  }
  return { folder, unmount: () => execFileSync('umount', ['-l', folder], { stdio: 'ignore' }) };
}

test('a full disk: an error, the old state intact, and room made for it is enough', async (context) => {
  const disk = mount('size=256k');
  if (disk === null) return context.skip('only root can mount file systems');
  try {
    const file = path.join(disk.folder, 'x.state');
    const session = await open(await FileBackend.at(file));
    session.store.set(1, 'x', new Uint8Array(50_000));
    await session.save();
    const old = contents(session.store);
    session.store.set(1, 'y', new Uint8Array(300_000));
    for (let again = 0; again < 3; again++) {
      await assert.rejects(() => session.save(), (error) => kind('full')(error) && /ENOSPC/.test(error.message));
      assert.deepEqual((await look(await FileBackend.at(file))).tables, old);
    }
    assert.deepEqual(fs.readdirSync(disk.folder).sort(), ['x.state', 'x.state.lock']);
    session.store.set(1, 'y', new Uint8Array(20_000));
    await session.close();
    assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store));
  } finally {
    disk.unmount();
  }
  return undefined;
});

test('a read-only folder: an error for writers, the old state for readers', async (context) => {
  const disk = process.getuid && process.getuid() !== 0 ? null : mount('size=256k');
  const folder = disk === null ? fs.mkdtempSync(path.join(directory, 'folder-')) : disk.folder;
  if (disk === null && process.getuid && process.getuid() === 0) return context.skip('root may write everywhere');
  try {
    const file = path.join(folder, 'x.state');
    const session = await open(await FileBackend.at(file));
    session.store.set(1, 'x', integer(1));
    await session.close();
    if (disk === null) fs.chmodSync(folder, 0o555);
    else execFileSync('mount', ['-o', 'remount,ro', folder]);
    const error = await open(await FileBackend.at(file)).catch((caught) => caught);
    assert.ok(kind('unwritable')(error), String(error));
    assert.match(error.message, /cannot be locked: E/);
    assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store));
  } finally {
    if (disk === null) fs.chmodSync(folder, 0o755);
    else disk.unmount();
  }
  return undefined;
});

test('10 changed keys cost the same among 1,000 and among 100,000: bytes written and system calls', async () => {
  const costs = [];
  for (const size of [1000, 100_000]) {
    const session = await open(await FileBackend.at(fresh()));
    for (let index = 0; index < size; index++) session.store.set(1, `key${100_000 + index}`, integer(index));
    await session.save();
    for (let index = 0; index < 10; index++) session.store.set(1, `key${100_000 + 37 * index}`, integer(-1));
    const cost = { calls: 0, bytes: 0 };
    await intercepting(
      (call, make) => {
        const result = make();
        cost.calls += 1;
        if (call === 'writeSync') cost.bytes += result;
        return result;
      },
      () => session.save(),
    );
    await session.close();
    costs.push(cost);
  }
  assert.deepEqual(costs[0], costs[1]);
  assert.ok(costs[0].bytes < 600 && costs[0].calls <= 5, JSON.stringify(costs));
});
