// State files (web/state-file.js): what is written comes back, what is wrong is named, and nothing is ever half written.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';

import { MapStore } from '../../web/map-store.js';
import { decodeState, encodeState, readStateFile, StateFileError, writeStateFile } from '../../web/state-file.js';
import { keyText } from '../../web/text.js';
import { random } from './random.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

let count = 0;
const fresh = () => path.join(directory, `${++count}.state`);

const binaryKey = keyText(Uint8Array.of(0xff, 0x00, 0x80), 0, 3);
const state = {
  abiHash: 'abc123',
  homeTableId: 1,
  nextTableId: 7,
  store: new MapStore([
    [1, new Map([['counter', Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0, 0)], ['h\u00e9', Uint8Array.of(0)], [binaryKey, new Uint8Array(0)]])],
    [6, [['[1]', Uint8Array.of(1, 1)], ['[2]', Uint8Array.of(1, 0)]]],
  ]),
};

/** What a state has, in a form that can be compared. */
const contents = ({ store, ...rest }) => ({
  ...rest,
  tables: [...store.tableIds()].map((id) => [id, [...store.keys(id)].map((key) => [key, store.get(id, key)])]),
});

/** Matches a StateFileError of a problem whose message names the file. */
const problem = (file, name) => (error) => {
  assert.ok(error instanceof StateFileError, String(error));
  assert.equal(error.problem, name);
  assert.ok(error.message.includes(`'${file}'`), error.message);
  return true;
};

test('a state comes back from its file, keys of any bytes included', () => {
  const file = fresh();
  writeStateFile(file, state);
  assert.deepEqual(contents(readStateFile(file)), contents(state));
});

test('the order of keys is kept', () => {
  const file = fresh();
  const keys = ['z', '10', 'a', '2', '1'];
  writeStateFile(file, { ...state, store: new MapStore([[1, keys.map((key) => [key, Uint8Array.of(0)])]]) });
  assert.deepEqual([...readStateFile(file).store.keys(1)], keys);
});

test('a file that is not there is no error', () => {
  assert.equal(readStateFile(path.join(directory, 'absent.state')), null);
});

test('every prefix of a state file is refused as truncated', () => {
  const whole = encodeState(state);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeState(whole.subarray(0, length), 'f'), problem('f', 'truncated'), `${length} bytes`);
  }
});

test('no change of a single byte goes unnoticed', () => {
  const whole = encodeState(state);
  for (let at = 0; at < whole.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const damaged = whole.slice();
      damaged[at] ^= flip;
      assert.throws(() => decodeState(damaged, 'f'), StateFileError, `byte ${at}`);
    }
  }
});

test('random damage is refused', () => {
  const whole = encodeState(state);
  const next = random(23);
  for (let round = 0; round < 10_000; round++) {
    const damaged = whole.slice();
    for (let hits = 1 + next(8); hits > 0; hits--) damaged[next(damaged.length)] ^= 1 + next(255);
    if (Buffer.compare(damaged, whole) !== 0) assert.throws(() => decodeState(damaged, 'f'), StateFileError);
  }
});

test('bytes after the end are damage', () => {
  assert.throws(() => decodeState(Buffer.concat([encodeState(state), Buffer.from('x')]), 'f'), problem('f', 'damaged'));
});

test('a foreign file is named as such and left alone', () => {
  const file = fresh();
  fs.writeFileSync(file, 'My precious notes\n');
  assert.throws(() => readStateFile(file), problem(file, 'foreign'));
  assert.equal(fs.readFileSync(file, 'utf8'), 'My precious notes\n');
});

test('a file of a newer format says which version it has', () => {
  const file = fresh();
  const newer = encodeState(state);
  new DataView(newer.buffer).setUint32(8, 9, true);
  fs.writeFileSync(file, newer);
  assert.throws(() => readStateFile(file), (error) => problem(file, 'newer')(error) && /version 9/.test(error.message));
  assert.deepEqual(fs.readFileSync(file), Buffer.from(newer));
});

test('a directory in place of a file is unreadable and unwritable', () => {
  const file = fresh();
  fs.mkdirSync(file);
  assert.throws(() => readStateFile(file), problem(file, 'unreadable'));
  assert.throws(() => writeStateFile(file, state), problem(file, 'unwritable'));
});

test('a write that fails leaves the old state and nothing else', () => {
  const folder = path.join(directory, 'full');
  fs.mkdirSync(folder);
  const file = path.join(folder, 'old.state');
  writeStateFile(file, state);
  const before = fs.readFileSync(file);
  const broken = new MapStore([[1, [['bad\ud800', Uint8Array.of(0)]]]]);
  assert.throws(() => writeStateFile(file, { ...state, store: broken }));
  const missing = path.join(folder, 'nowhere', 'new.state');
  assert.throws(() => writeStateFile(missing, state), problem(missing, 'unwritable'));
  assert.deepEqual(fs.readFileSync(file), before);
  assert.deepEqual(fs.readdirSync(folder), ['old.state']);
});

test('a file is replaced as a whole: who has the old one open goes on reading it', () => {
  const file = fresh();
  writeStateFile(file, state);
  const before = fs.readFileSync(file);
  const handle = fs.openSync(file, 'r');
  writeStateFile(file, { ...state, nextTableId: 99 });
  assert.deepEqual(fs.readFileSync(handle), before);
  fs.closeSync(handle);
  assert.equal(readStateFile(file).nextTableId, 99);
  assert.deepEqual(fs.readdirSync(directory).filter((name) => name.endsWith('.tmp')), []);
});

test('permissions and symbolic links are kept', { skip: process.platform === 'win32' }, () => {
  const file = fresh();
  const link = fresh();
  writeStateFile(file, state);
  fs.chmodSync(file, 0o600);
  fs.symlinkSync(file, link);
  writeStateFile(link, { ...state, nextTableId: 50 });
  assert.ok(fs.lstatSync(link).isSymbolicLink());
  assert.equal(readStateFile(file).nextTableId, 50);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
});
