// Tests state files (web/persist/file.js): older formats are read, damage is named, and nothing that was acknowledged is
// lost.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';

import { crc32 } from '../../../web/bytes/crc32.js';
import { MapStore } from '../../../web/store/map-store.js';
import { FileBackend } from '../../../web/persist/file.js';
import { LocalStorageBackend } from '../../../web/persist/local-storage.js';
import { StateError } from '../../../web/persist/state-error.js';
import { exportTables, importTables } from '../../../web/persist/tables-json.js';
import { contents, FakeStorage, integer, look, open } from '../support/states.js';
import { random } from '../support/random.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

const fixture = (name) => new URL(`../../fixtures/${name}`, import.meta.url);
let count = 0;
const fresh = () => path.join(directory, `${++count}.state`);

/** Matches a StateError of a kind whose message names the file. */
const problem = (file, ...kinds) => (error) => {
  assert.ok(error instanceof StateError, String(error));
  assert.ok(kinds.includes(error.kind), `${error.kind}: ${error.message}`);
  assert.ok(error.message.startsWith(`state file '${file}' `), error.message);
  return true;
};

/** A file of several saves, and the contents after each. */
async function severalSaves(file) {
  const session = await open(await FileBackend.at(file));
  session.setMeta({ nextTableId: 12 });
  const states = [];
  for (let save = 0; save < 4; save++) {
    for (let index = 0; index < 5; index++) session.store.set(1 + index, `key${save}`, integer(1000 * save + index));
    session.store.set(1, 'last', integer(save));
    await session.save();
    states.push(contents(session.store));
  }
  await session.close();
  return states;
}

/** The end of the newest mark and of the one before, in bytes. */
function marks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return [16, 36].map((at) => Number(view.getBigUint64(at, true))).sort((a, b) => b - a);
}

for (const version of [1, 2]) {
  test(`a file of format version ${version} is read, left alone by readers, and brought up to date by the next save`, async () => {
    const file = fresh();
    fs.copyFileSync(fixture(`state-v${version}/tables.bin`), file);
    const before = fs.readFileSync(file);
    const wanted = fs.readFileSync(fixture(`state-v${version}/tables.json`), 'utf8');

    const reader = await open(await FileBackend.at(file), { readOnly: true });
    assert.equal(exportTables(reader.store, reader.meta), wanted);
    await reader.close();
    assert.deepEqual(fs.readFileSync(file), before);

    const writer = await open(await FileBackend.at(file));
    assert.deepEqual(fs.readFileSync(file), before);
    writer.store.set(1, 'added', integer(1));
    await writer.close();
    const after = await open(await FileBackend.at(file), { readOnly: true });
    assert.deepEqual(contents(after.store), contents(writer.store));
    assert.deepEqual(after.meta, reader.meta);
    assert.equal(fs.readFileSync(file).readUInt32LE(8), 2);
  });
}

test('a localStorage state of format version 2 is read', async () => {
  const storage = new FakeStorage();
  const items = JSON.parse(fs.readFileSync(fixture('state-v2/local-storage.json'), 'utf8'));
  for (const name of Object.keys(items)) storage.setItem(name, items[name]);
  const reader = await open(new LocalStorageBackend('fixture', storage), { readOnly: true });
  assert.equal(exportTables(reader.store, reader.meta), fs.readFileSync(fixture('state-v2/tables.json'), 'utf8'));
});

test('the tables in the fixtures can be exported and imported', () => {
  const text = fs.readFileSync(fixture('state-v1/tables.json'), 'utf8');
  const store = new MapStore();
  assert.equal(exportTables(store, importTables(text, store)), text);
});

test('every prefix of a state file is refused as truncated', async () => {
  const whole = fresh();
  await severalSaves(whole);
  const bytes = fs.readFileSync(whole);
  for (const name of [whole, fixture('state-v1/tables.bin')]) {
    const all = name === whole ? bytes : fs.readFileSync(name);
    const file = fresh();
    for (let length = 0; length < all.length; length++) {
      fs.writeFileSync(file, all.subarray(0, length));
      await assert.rejects(async () => look(await FileBackend.at(file)), problem(file, 'truncated'), `${length} of ${all.length} bytes`);
    }
  }
});

test('10,000 random corruptions: an error, or what was acknowledged last', async () => {
  const whole = fresh();
  const states = await severalSaves(whole);
  const good = fs.readFileSync(whole);
  const file = fresh();
  const next = random(41);
  let errors = 0;
  for (let round = 0; round < 10_000; round++) {
    let damaged = Buffer.from(good);
    for (let hits = 1 + next(4); hits > 0; hits--) {
      const what = next(10);
      const at = next(2) === 0 ? next(80) : next(damaged.length);
      if (what < 6) damaged[at] ^= 1 + next(255);
      else if (what < 8) damaged.copyWithin(at, next(damaged.length), at + 1 + next(40));
      else if (what < 9) damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + 1 + next(20))]);
      else damaged = Buffer.concat([damaged.subarray(0, at), good.subarray(next(good.length)), damaged.subarray(at)]);
    }
    fs.writeFileSync(file, damaged);
    try {
      const { tables } = await look(await FileBackend.at(file));
      assert.deepEqual(tables, states.at(-1), `round ${round}`);
    } catch (error) {
      problem(file, 'foreign', 'newer', 'truncated', 'damaged')(error);
      errors += 1;
    }
    assert.deepEqual(fs.readFileSync(file), damaged);
  }
  assert.ok(errors > 9000, `${errors} errors`);
});

test('no change of a single byte gives anything but an error or the last acknowledged state', async () => {
  const whole = fresh();
  const states = await severalSaves(whole);
  const good = fs.readFileSync(whole);
  const file = fresh();
  const harmless = [];
  for (let at = 0; at < good.length; at++) {
    const damaged = Buffer.from(good);
    damaged[at] ^= 0x10;
    fs.writeFileSync(file, damaged);
    try {
      assert.deepEqual((await look(await FileBackend.at(file))).tables, states.at(-1), `byte ${at}`);
      harmless.push(at);
    } catch (error) {
      problem(file, 'foreign', 'truncated', 'damaged')(error);
    }
  }
  // The newest mark can be found again, since the save that it announces is there.
  assert.deepEqual(harmless, Array.from({ length: 20 }, (_, index) => 16 + index));
});

test('what lies beyond the last acknowledged save is ignored, whole or not, and the next save goes there', async () => {
  const file = fresh();
  const states = await severalSaves(file);
  const good = fs.readFileSync(file);
  const [, before] = marks(good);
  // As if the process had died before the mark of the last save was written.
  const unmarked = Buffer.from(good);
  unmarked.copy(unmarked, 16, 36, 56);
  for (let length = before; length <= unmarked.length; length++) {
    fs.writeFileSync(file, unmarked.subarray(0, length));
    assert.deepEqual((await look(await FileBackend.at(file))).tables, states.at(-2), `${length} bytes`);
  }
  const session = await open(await FileBackend.at(file));
  session.store.set(1, 'x', integer(5));
  await session.close();
  assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store));
});

test('a mark that was cut short is made good by the save that it announces, or the file is damaged', async () => {
  const file = fresh();
  const states = await severalSaves(file);
  const good = fs.readFileSync(file);
  const [, before] = marks(good);
  for (let written = 0; written < 20; written++) {
    const torn = Buffer.from(good);
    torn.fill(0xee, 16 + written, 36);
    fs.writeFileSync(file, torn);
    assert.deepEqual((await look(await FileBackend.at(file))).tables, states.at(-1), `${written} bytes`);
    fs.writeFileSync(file, torn.subarray(0, before));
    await assert.rejects(async () => look(await FileBackend.at(file)), problem(file, 'damaged'));
  }
  const torn = Buffer.from(good);
  torn.fill(0xee, 20, 36);
  fs.writeFileSync(file, torn);
  const session = await open(await FileBackend.at(file));
  session.store.set(1, 'x', integer(5));
  await session.close();
  assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store));
});

test('a foreign file, a newer one and a directory are named and left alone', async () => {
  const newer = Buffer.from(fs.readFileSync(fixture('state-v2/tables.bin')));
  newer.writeUInt32LE(9, 8);
  newer.writeUInt32LE(crc32(newer.subarray(0, 12)), 12);
  for (const [kind, bytes, message] of [
    ['foreign', Buffer.from('My precious notes\n'), /is not a state of lua-persistent/],
    ['newer', newer, /format version 9, newer than 2/],
    ['truncated', Buffer.alloc(0), /0 bytes/],
  ]) {
    const file = fresh();
    fs.writeFileSync(file, bytes);
    for (const readOnly of [false, true]) {
      const opening = open(await FileBackend.at(file), { readOnly });
      await assert.rejects(() => opening, (error) => problem(file, kind)(error) && message.test(error.message));
    }
    assert.deepEqual(fs.readFileSync(file), bytes);
    assert.equal(fs.existsSync(`${file}.lock`), false);
  }
  await assert.rejects(async () => open(await FileBackend.at(directory)), problem(directory, 'unreadable'));
});

test('a file that was removed, replaced or cut since it was opened gets no save that would be lost', async () => {
  for (const harm of [
    (file) => fs.rmSync(file),
    (file) => {
      fs.copyFileSync(file, `${file}.copy`);
      fs.renameSync(`${file}.copy`, file);
    },
    (file) => fs.truncateSync(file, 30),
  ]) {
    const file = fresh();
    const session = await open(await FileBackend.at(file));
    session.store.set(1, 'x', integer(1));
    await session.save();
    harm(file);
    session.store.set(1, 'x', integer(2));
    await assert.rejects(() => session.close(), problem(file, 'conflict'));
    await session.abandon();
  }
});

test('permissions and symbolic links are kept, and one lock serves both names', { skip: process.platform === 'win32' }, async () => {
  const file = fresh();
  const link = fresh();
  const first = await open(await FileBackend.at(file));
  first.store.set(1, 'x', integer(1));
  await first.close();
  fs.chmodSync(file, 0o600);
  fs.symlinkSync(file, link);
  const session = await open(await FileBackend.at(link));
  await assert.rejects(async () => open(await FileBackend.at(file)), problem(file, 'locked'));
  session.store.set(1, 'big', new Uint8Array(100_000));
  await session.save();
  session.store.set(1, 'big', new Uint8Array(100_001));
  await session.save();
  await session.close();
  assert.ok(fs.lstatSync(link).isSymbolicLink());
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store));
});

test('a file is written anew when its changes outweigh it, and stays small', async () => {
  const file = fresh();
  const session = await open(await FileBackend.at(file));
  let largest = 0;
  for (let round = 0; round < 3000; round++) {
    session.store.set(1, 'counter', integer(round));
    session.store.set(1, `k${round % 7}`, new Uint8Array(100));
    await session.save();
    largest = Math.max(largest, fs.statSync(file).size);
  }
  await session.close();
  assert.ok(largest > 65_536 && largest < 140_000, `${largest} bytes`);
  assert.deepEqual((await look(await FileBackend.at(file))).tables, contents(session.store));
  assert.deepEqual(fs.readdirSync(directory).filter((name) => name.endsWith('.tmp')), []);
});
