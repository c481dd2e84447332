// Tests stored bytes whose checksums are right and whose contents are wrong, as a faulty or hostile writer makes them.
// Opening such a state is a StateError that names the place (a snapshot a SnapshotError, an import an ImportError), or
// succeeds; an entry that then cannot be read is an error that names the table and the key. Nothing else is ever thrown.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';

import { crc32 } from '../../../web/bytes/crc32.js';
import { digest } from '../../../web/bytes/digest.js';
import { DecodeError, ImportError, Lua, LuaError, MemoryBackend, readSnapshotTables, SnapshotError, StateError } from '../../../web/lua-persistent.js';
import { FileBackend } from '../../../web/persist/file.js';
import { LocalStorageBackend } from '../../../web/persist/local-storage.js';
import { OperationWriter } from '../../../web/persist/operations.js';
import { FakeStorage, integer } from '../support/states.js';
import { random } from '../support/random.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));
let count = 0;

/** Something of each kind that holds a state, with saves of these chunks. */
const BACKENDS = {
  memory: async () => new MemoryBackend(),
  file: async () => FileBackend.at(path.join(directory, `${++count}.state`)),
  localStorage: async () => new LocalStorageBackend('x', new FakeStorage()),
};

async function holding(make, chunks) {
  const backend = await make();
  await backend.open({ readOnly: false });
  await backend.commit(chunks, true, () => {});
  await backend.close();
  return backend;
}

/** A chunk with a state, changed by what writes it. */
function chunk(write) {
  const writer = new OperationWriter();
  writer.reset();
  write(writer);
  return writer.finish()[0];
}

const META = { homeTableId: 1, nextTableId: 9, abiHash: 'abc' };

/** Reads all that a machine has, and says what cannot be read. */
function walk(lua) {
  for (const id of Array.from(lua.store.tableIds())) {
    if (id === lua.ioTableId) continue;
    const table = lua.table(id);
    for (const read of [() => Array.from(table.entries()), () => Array.from(table.keys()), () => table.size]) {
      try {
        read();
      } catch (error) {
        assert.ok(error instanceof DecodeError, error.stack);
        assert.match(error.message, /^(_home|external table \d+)\[".*"\]: malformed value at byte \d+: /s);
      }
    }
  }
  try {
    lua.compute('local seen = {} local function walk(t) if seen[t] then return end seen[t] = true for k, v in pairs(t) do if type(v) == "table" then walk(v) end end end walk(_home)');
  } catch (error) {
    assert.ok(error instanceof LuaError, error.stack);
  }
}

test('ids that no table can have are found where they stand', async () => {
  const wrong = [
    [(writer) => (writer.meta({ ...META, homeTableId: 0 })), 'byte 1 of a save says that _home is table 0, which is never one'],
    [(writer) => (writer.meta({ ...META, homeTableId: 0xffffffff })), 'byte 1 of a save says that _home is table 4294967295, which is never one'],
    [(writer) => (writer.meta({ ...META, nextTableId: 0 })), 'byte 1 of a save says that the next table is 0, which is never one'],
    [(writer) => (writer.meta(META), writer.set(0xffffffff, 'x', integer(1), false)), 'byte 17 of a save names table 4294967295, which is never one'],
    [(writer) => (writer.meta(META), writer.set(1, 'x', integer(1), false), writer.drop(0)), 'byte 41 of a save names table 0, which is never one'],
  ];
  for (const [name, make] of Object.entries(BACKENDS)) {
    for (const [write, message] of wrong) {
      const backend = await holding(make, [chunk(write)]);
      await assert.rejects(Lua.open(backend), (error) => {
        assert.ok(error instanceof StateError, error.stack);
        assert.equal(error.kind, 'damaged');
        assert.ok(error.message.includes(message), `${name}: ${error.message}`);
        return true;
      });
    }
  }
});

test('the highest ids that there can be are no error', async () => {
  const high = 0xfffffffe;
  const backend = await holding(BACKENDS.memory, [chunk((writer) => (writer.meta({ ...META, homeTableId: high, nextTableId: 0xffffffff }), writer.set(high, 'x', integer(7), false)))]);
  const lua = await Lua.open(backend);
  assert.equal(lua.home.get('x'), 7);
  assert.equal(lua.compute('return _home.x').value, 7);
  await lua.close();
});

test('values and keys that are none are named where they are read, and the rest is there', async () => {
  const backend = await holding(BACKENDS.memory, [chunk((writer) => {
    writer.meta(META);
    writer.set(1, 'good', integer(5), false);
    writer.set(1, 'bad', Uint8Array.of(0x77), false);
    writer.set(1, 'none', Uint8Array.of(0x07, 0, 0, 0, 0), false);
    writer.set(5, '[1e', integer(1), false);
  })]);
  const lua = await Lua.open(backend);
  assert.equal(lua.home.get('good'), 5);
  assert.throws(() => lua.home.get('bad'), { name: 'DecodeError', message: '_home["bad"]: malformed value at byte 0: unknown tag 0x77' });
  assert.throws(() => lua.home.get('none'), { name: 'DecodeError', message: '_home["none"]: malformed value at byte 5: a reference to table 0, which is never one' });
  assert.throws(() => Array.from(lua.table(5).keys()), { name: 'DecodeError', message: /^external table 5\["\[1e"\]: / });
  lua.home.delete('none');
  lua.home.set('bad', 6);
  assert.deepEqual(lua.home.toObject(), { good: 5, bad: 6 });
  await lua.close();
});

/** A state with some of everything. */
async function sample() {
  const lua = await Lua.create();
  lua.compute(`local n = 0
    _home.list = { 1, 2.5, "three", { deep = true } } _home.count = function() n = n + 1 return n end
    _home.object = setmetatable({ name = "object" }, { __index = { x = string.format } }) _home[1] = -1 _home[2.5] = false _home["\\0"] = "odd" _home.self = _home`);
  return lua;
}

test('whatever bytes a save has, opening it is a StateError or goes well', async () => {
  const lua = await sample();
  const writer = new OperationWriter();
  writer.reset();
  writer.meta({ homeTableId: lua.homeTableId, nextTableId: lua.nextTableId, abiHash: 'abc' });
  for (const id of lua.store.tableIds()) for (const key of lua.store.keys(id)) writer.set(id, key, lua.store.get(id, key), false);
  const [good] = writer.finish();
  const next = random(11);
  const outcomes = { opened: 0, refused: 0 };
  const makers = Object.values(BACKENDS);
  for (let round = 0; round < 240; round++) {
    const bytes = mutated(good, next);
    const backend = await holding(makers[round % 3], [bytes]);
    let opened;
    try {
      opened = await Lua.open(backend, { readOnly: true, instructions: 1e6 });
    } catch (error) {
      assert.ok(error instanceof StateError, error.stack);
      assert.match(error.message, /byte \d+ of a save/);
      outcomes.refused++;
      continue;
    }
    outcomes.opened++;
    walk(opened);
    await opened.close();
  }
  assert.ok(outcomes.opened > 20 && outcomes.refused > 20, JSON.stringify(outcomes));
  lua.close();
});

/** Bytes with some changed, and sometimes some more or fewer. */
function mutated(bytes, next) {
  const copy = Uint8Array.from(bytes);
  for (let times = 1 + (next(3)); times > 0; times--) {
    const at = next(copy.length);
    copy[at] = [0, 1, 0x7f, 0x80, 0xff, next(256)][next(6)];
  }
  const cut = next(5);
  if (cut === 0) return copy.subarray(0, next(copy.length));
  return cut === 1 ? Uint8Array.from([...copy, next(256)]) : copy;
}

test('so it is with states of the first format', async () => {
  const folder = new URL('../../fixtures/state-v1', import.meta.url);
  const file = fs.statSync(folder).isDirectory() ? path.join(folder.pathname, fs.readdirSync(folder)[0]) : folder;
  const good = new Uint8Array(fs.readFileSync(file));
  const next = random(12);
  for (let round = 0; round < 100; round++) {
    const body = mutated(good.subarray(24), next);
    const bytes = new Uint8Array(24 + body.length);
    bytes.set(good.subarray(0, 24));
    bytes.set(body, 24);
    const view = new DataView(bytes.buffer);
    view.setUint32(12, crc32(body), true);
    view.setBigUint64(16, BigInt(body.length), true);
    const name = path.join(directory, `${++count}.v1`);
    fs.writeFileSync(name, bytes);
    try {
      const lua = await Lua.open(name, { readOnly: true, instructions: 1e6 });
      walk(lua);
      await lua.close();
    } catch (error) {
      assert.ok(error instanceof StateError, error.stack);
      assert.match(error.message, /is damaged: .*byte \d+/);
    }
  }
});

test('so it is with the heads that localStorage keeps', async () => {
  const fields = ['version', 'generation', 'frames', 'wholeLength', 'length', 'save', 'check'];
  for (const field of fields) {
    for (const value of [-1, 1.5, 1e300, 1e10, null, 'x', '1', [], {}, true]) {
      const storage = new FakeStorage();
      const backend = new LocalStorageBackend('x', storage);
      await backend.open({ readOnly: false });
      await backend.commit([chunk((writer) => writer.meta(META))], true, () => {});
      await backend.close();
      const head = JSON.parse(storage.getItem('lua-persistent:x'));
      head[field] = value;
      head.sum = crc32(new TextEncoder().encode(fields.map((name) => String(head[name])).join()));
      storage.setItem('lua-persistent:x', JSON.stringify(head));
      await assert.rejects(Lua.open(new LocalStorageBackend('x', storage)).then((lua) => lua.close()), (error) => {
        assert.ok(error instanceof StateError, `${field} ${String(value)}: ${error.stack}`);
        return true;
      }, `${field} ${JSON.stringify(value)}`);
    }
  }
});

test('so it is with the tables of snapshots', async () => {
  const lua = await sample();
  const good = lua.snapshot({ compress: false });
  const view = new DataView(good.buffer, good.byteOffset, good.length);
  const tablesLength = view.getUint32(52, true);
  const tablesAt = good.length - ((tablesLength + 3) & ~3);
  const fixed = (bytes) => {
    const [low, high] = digest(new Int32Array(bytes.buffer), 6);
    new DataView(bytes.buffer).setUint32(16, low, true);
    new DataView(bytes.buffer).setUint32(20, high, true);
    return bytes;
  };
  for (const [at, value, message] of [
    [28, 0, /its header says that _home is table 0/],
    [28, 0xffffffff, /its header says that _home is table 4294967295/],
    [32, 0, /its header says that the next table is 0/],
    [tablesAt + 4, 0, /byte 12 of its tables/],
    [tablesAt + 4, 0xffffffff, /byte 12 of its tables/],
  ]) {
    const bytes = Uint8Array.from(good);
    new DataView(bytes.buffer).setUint32(at, value, true);
    fixed(bytes);
    for (const read of [readSnapshotTables, Lua.restore]) await assert.rejects(read(bytes), (error) => error instanceof SnapshotError && error.kind === 'damaged' && message.test(error.message));
  }
  const next = random(13);
  for (let round = 0; round < 60; round++) {
    const bytes = Uint8Array.from(good);
    for (let times = 1 + (next(3)); times > 0; times--) bytes[tablesAt + (next(tablesLength))] = next(256);
    try {
      const restored = await Lua.restore(fixed(bytes), { instructions: 1e6 });
      walk(restored);
    } catch (error) {
      assert.ok(error instanceof SnapshotError, error.stack);
    }
  }
});

test('so it is with imports', async () => {
  const lua = await sample();
  const good = JSON.parse(lua.exportTables());
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  const hostile = [null, true, -1, 0, 4294967295, 4294967296, 1e300, 'x', '\ud800', [], {}, deep, { table: 4294967295 }, { function: 0 }, { library: '\ud800' },
    { integer: '9'.repeat(100_000) }, { raw: 'AA==' }, { bytes: '!' }, { float: '9'.repeat(1000) }, 'x'.repeat((1 << 20) + 1)];
  const replaced = (at, value) => {
    const copy = structuredClone(good);
    let holder = copy;
    for (const step of at.slice(0, -1)) holder = holder[step];
    holder[at[at.length - 1]] = value;
    return copy;
  };
  const tables = Object.keys(good.tables);
  const places = [['format'], ['version'], ['abi'], ['home'], ['next'], ['tables'], ['tables', tables[0]], ['tables', '4294967295'], ['tables', '0'], ['tables', '__proto__'],
    ['tables', tables[0], 0], ['tables', tables[0], 0, 0], ['tables', tables[0], 0, 1], ['tables', tables[1], 0, 1]];
  for (const at of places) {
    for (const value of hostile) {
      if (value === deep && at.length > 3) continue;
      let text;
      try {
        text = JSON.stringify(replaced(at, value));
      } catch (_tooDeep) {
        text = JSON.stringify(replaced(at, 'DEEP')).replace('"DEEP"', () => `${'['.repeat(100_000)}${']'.repeat(100_000)}`);
      }
      try {
        const imported = await Lua.open(new MemoryBackend(), { import: text, instructions: 1e6 });
        walk(imported);
        await imported.close();
      } catch (error) {
        assert.ok(error instanceof ImportError, `${at}: ${error.stack}`);
        assert.ok(error.message.length < 300, error.message);
      }
    }
  }
  lua.close();
});
