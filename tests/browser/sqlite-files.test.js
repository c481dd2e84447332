// Tests what SQLite's wasm build does with files of a browser, on a disk in memory that can fail and lose what was not flushed.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import sqlite3InitModule from '@sqlite.org/sqlite-wasm';

import { decodeValue, encodeValue } from '../../web/lua-persistent.js';
import { JoinedWrites } from '../../web/persist/opfs-files.js';
import { SqliteSession } from '../../web/persist/sqlite-session.js';
import { StateError } from '../../web/persist/state-error.js';
import { resultCode } from '../../web/sqlite/driver.js';
import { WasmDriver } from '../../web/sqlite/wasm-driver.js';

const NAME = 'state.db';
const TABLES = 12;
const CRASHES = 30;

let sqlite3;
before(async () => {
  sqlite3 = await sqlite3InitModule();
});

/** Gives the same random numbers from 0 to 1 for the same seed. */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

/** A disk. What was written since a file's last flush may be lost when its machine stops. */
class Disk {
  constructor() {
    this.files = new Map([NAME, `${NAME}-wal`, `${NAME}-journal`].map((name) => [name, new DiskFile(this)]));
    /** How many changes it still makes, and how it refuses the next. */
    this.left = Infinity;
    this.problem = 'QuotaExceededError';
    this.changes = 0;
  }

  /** Counts a change, which may be the one that fails. */
  change() {
    this.changes++;
    if (this.left-- <= 0) throw Object.assign(new Error('the disk refuses'), { name: this.problem });
  }

  /** Stops the machine: of what was not flushed, any part may have been written, and anything in it. */
  crash(chance) {
    for (const file of this.files.values()) file.crash(chance);
    this.left = Infinity;
  }

  /** The files as a worker opens them. */
  open() {
    return new Map(Array.from(this.files, ([name, file]) => [name, name.endsWith('-wal') ? new JoinedWrites(file) : file]));
  }
}

class DiskFile {
  constructor(disk) {
    this.disk = disk;
    this.content = new Content();
    /** What it surely has, and what was written since. */
    this.safe = new Content();
    this.pending = [];
  }

  getSize() {
    return this.content.size;
  }

  read(into, { at }) {
    const part = this.content.bytes.subarray(at, Math.min(this.content.size, at + into.length));
    into.set(part);
    return part.length;
  }

  write(from, { at }) {
    const part = from.slice();
    this.change((content) => content.write(part, at));
    return part.length;
  }

  truncate(size) {
    this.change((content) => content.resize(size));
  }

  change(make) {
    this.disk.change();
    this.pending.push(make);
    make(this.content);
  }

  flush() {
    this.disk.change();
    for (const make of this.pending) make(this.safe);
    this.pending = [];
  }

  close() {}

  crash(chance) {
    for (const make of this.pending) if (chance() < 0.5) make(this.safe);
    this.pending = [];
    this.content = this.safe.copy();
  }
}

/** The bytes of a file. */
class Content {
  constructor(bytes = new Uint8Array(0)) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  resize(size) {
    if (size > this.bytes.length) {
      const larger = new Uint8Array(2 * size);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }

  write(part, at) {
    if (at + part.length > this.size) this.resize(at + part.length);
    this.bytes.set(part, at);
  }

  copy() {
    return new Content(this.bytes.slice(0, this.size));
  }
}

/** Opens the state of a disk. With a small cache, changes go to the disk before they are saved. */
function open(disk, cacheBytes = 1 << 22) {
  const driver = new WasmDriver(sqlite3, disk.open(), NAME);
  driver.exec('PRAGMA locking_mode = EXCLUSIVE');
  return SqliteSession.begin({ source: 'state', driver, check: () => {}, close: () => driver.close() }, { cacheBytes });
}

/** Makes one change to many tables. */
function change({ store }, number) {
  const value = encodeValue(number);
  const text = encodeValue(`${number} `.repeat(700));
  for (let id = 1; id <= TABLES; id++) {
    store.set(id, 'number', value);
    store.set(id, `[${1 + ((number * 7 + id) % 90)}]`, id % 4 === 0 ? text : value);
  }
}

/** The number of the last change; all tables have to agree. */
function check({ store }) {
  const numbers = Array.from({ length: TABLES }, (_, index) => {
    const bytes = store.get(index + 1, 'number');
    return bytes === undefined ? 0 : decodeValue(bytes);
  });
  assert.deepEqual(new Set(numbers).size, 1, `parts of several changes: ${numbers}`);
  for (let id = 1; id <= TABLES; id++) for (const key of store.keys(id)) assert.ok(store.get(id, key) !== undefined);
  return numbers[0];
}

/** What is left when a worker ends: SQLite's memory is gone with it, and nothing is closed. */
function drop(session) {
  session.closed = true;
  session.stopTimer();
}

test(`machines that stop amid saves, ${CRASHES} times, lose no acknowledged save`, async () => {
  const chance = random(42);
  const disk = new Disk();
  let [begun, saved] = [0, 0];
  for (let round = 0; round < CRASHES; round++) {
    const session = open(disk, round % 2 === 0 ? 1 << 16 : undefined);
    const found = check(session);
    assert.ok(found >= saved && found <= begun, `round ${round}: of change ${found}, and ${saved} was saved, ${begun} begun`);
    begun = found;
    saved = found;
    disk.left = Math.floor(chance() * 40);
    try {
      for (;;) {
        change(session, ++begun);
        session.saveSync();
        saved = begun;
        if (chance() < 0.2) session.database.moveLog();
        if (begun > found + 6) break;
      }
    } catch (error) {
      assert.ok(error instanceof StateError || resultCode(error) === 'SQLITE_FULL', String(error && error.stack));
    }
    drop(session);
    disk.crash(chance);
  }
  assert.ok(saved > CRASHES / 4, `${saved} saves`);
});

/** A disk with the same files. */
function copyOf(disk) {
  const copy = new Disk();
  for (const [name, { content }] of disk.files) Object.assign(copy.files.get(name), { content: content.copy(), safe: content.copy() });
  return copy;
}

for (const [problem, kind] of [['QuotaExceededError', 'full'], ['InvalidStateError', 'unwritable']]) {
  test(`whichever change of a save the disk refuses (${problem}), it fails with '${kind}', is not half done, and can be made again`, async () => {
    const made = new Disk();
    const first = open(made);
    change(first, 1);
    first.saveSync();
    await first.close();
    let refused = 0;
    for (let left = 0; ; left++) {
      const disk = copyOf(made);
      const session = open(disk);
      change(session, 2);
      Object.assign(disk, { problem, left });
      let failed = null;
      try {
        session.saveSync();
      } catch (error) {
        failed = error;
      }
      disk.left = Infinity;
      if (failed === null) break;
      refused++;
      assert.ok(failed instanceof StateError, String(failed.stack));
      assert.equal(failed.kind, kind, failed.message);
      assert.equal(failed.cause.cause.message, 'the disk refuses');
      const dead = open(copyOf(disk));
      assert.ok([1, 2].includes(check(dead)));
      await dead.close();
      session.saveSync();
      drop(session);
      const after = open(disk);
      assert.equal(check(after), 2);
      await after.close();
    }
    assert.ok(refused > 1, `${refused} changes were refused`);
  });
}

test('blobs, texts and numbers of SQL come back as they were given', () => {
  const driver = new WasmDriver(sqlite3, new Disk().open(), NAME);
  driver.exec('CREATE TABLE cells (number INTEGER PRIMARY KEY, cell)');
  const add = driver.prepare('INSERT INTO cells (cell) VALUES (?)');
  const cells = [0, -1, 2 ** 31, -(2 ** 53) + 1, 2 ** 53 - 1, 0.5, -1e300, '', 'gr\u00fc\u00dfe\0\ufeffx', '\ufeffmark', 'x'.repeat(20_000), Uint8Array.of(0, 255), new Uint8Array(0), new Uint8Array(9000).fill(7), null];
  for (const cell of cells) assert.equal(add.run(cell), 1);
  assert.deepEqual(driver.prepare('SELECT cell FROM cells ORDER BY number').all(), cells.map((cell) => [cell]));
  assert.equal(driver.prepare('SELECT cell FROM cells WHERE number = ?').get(99), undefined);
  assert.throws(() => driver.prepare('INSERT INTO cells (number) VALUES (?)').run(1), { resultCode: 19 });
  assert.throws(() => driver.exec('SELECT * FROM nowhere'), { resultCode: 1, message: /no such table: nowhere/ });
  assert.throws(() => driver.prepare('SELEKT'), { resultCode: 1 });
  driver.close();
});
