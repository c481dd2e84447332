// Batches over every kind of store: rows, lists, pages of entries and writes, against a Map of Maps.

import assert from 'node:assert/strict';
import test from 'node:test';

import { decode, encode, randomFrom } from '../support/layout-codec.js';
import { Changes } from '../../../web/machine/changes.js';
import { Batches } from '../../../web/store/batches.js';
import { KeyPages } from '../../../web/store/key-pages.js';
import { MapStore } from '../../../web/store/map-store.js';
import { UndoLog } from '../../../web/store/undo-log.js';
import { keyBytes } from '../../../web/bytes/text.js';

const ROOM = 60_000;

/** A store as a user writes one, by the documented interface alone. */
class OwnStore {
  tables = new Map();

  get(id, key) {
    return this.tables.get(id)?.get(key)?.slice();
  }

  set(id, key, value) {
    if (key === 'refused') throw new RangeError('not this one');
    if (!this.tables.has(id)) this.tables.set(id, new Map());
    this.tables.get(id).set(key, value);
  }

  delete(id, key) {
    return this.tables.get(id)?.delete(key) ?? false;
  }

  size(id) {
    return this.tables.get(id)?.size ?? 0;
  }

  keys(id) {
    return this.tables.get(id)?.keys() ?? [];
  }

  tableIds() {
    return this.tables.keys();
  }
}

const STORES = {
  MapStore: () => new MapStore(),
  'a store of the user': () => new OwnStore(),
  'a MapStore with changes to undo': () => {
    const store = new MapStore();
    const log = new UndoLog(store, store);
    log.begin();
    return log;
  },
};

const integer = (number) => Uint8Array.from(encode('entry', { value: { tag: 'TAG_INTEGER', number: BigInt(number) } }));
const float = (number) => Uint8Array.from(encode('entry', { value: { tag: 'TAG_FLOAT', number } }));
const string = (text) => Uint8Array.from(encode('entry', { value: { tag: 'TAG_STRING', length: Buffer.byteLength(text), string: Buffer.from(text) } }));
const reference = (id) => Uint8Array.from(encode('entry', { value: { tag: 'TAG_EXTERNAL_TABLE', id } }));
const truth = Uint8Array.of(1, 1);

const key = (text) => ({ length: keyBytes(text).length, key: keyBytes(text) });
const shapeOp = (keys) => ({ tag: 'OP_SHAPE', n: keys.length, keys: keys.map(key) });
const rowOp = (table, shape, values) => ({ tag: 'OP_ROW', table, shape, length: Buffer.concat(values).length, values: Buffer.concat(values) });
const setOp = (table, text, value) => ({ tag: 'OP_SET', table, key_length: keyBytes(text).length, value_length: value.length, key: keyBytes(text), value });
const deleteOp = (table, text) => ({ tag: 'OP_DELETE', table, key_length: keyBytes(text).length, key: keyBytes(text) });

/** Requests of a module to a host with a store. */
class Client {
  constructor(store) {
    this.store = store;
    this.pages = new KeyPages((id) => store.keys(id));
    this.batches = store.batches ? store.batches(new UndoLog(store, store), this.pages) : new Batches(store, this.pages);
    this.memory = new Uint8Array(2 * ROOM);
  }

  /** What an answer in the second half of the memory consists of; a number if there was no room, or the answer was null. */
  read(length, head = 0) {
    return length === null || length < 0 ? length : decode('ops', this.memory.slice(ROOM + head, ROOM + length)).ops;
  }

  rows(ids, { limit = 4096, room = ROOM } = {}) {
    const bytes = new Uint8Array(Uint32Array.from(ids).buffer);
    this.memory.set(bytes, 1);
    return this.read(this.batches.readRows(this.memory, limit, 1, 1 + bytes.length, ROOM, ROOM + room));
  }

  list(id, first, count, { limit = 4096, room = ROOM } = {}) {
    return this.read(this.batches.readList(this.memory, id, first, count, limit, ROOM, ROOM + room));
  }

  page(id, cursor, { limit = 4096, room = ROOM } = {}) {
    const length = this.batches.readEntries(this.memory, id, cursor, limit, ROOM, ROOM + room);
    return { cursor: Buffer.from(this.memory.buffer).readUInt32LE(ROOM), ops: this.read(length, 4) };
  }

  write(ops) {
    return this.writeBytes(encode('ops', { ops }));
  }

  writeBytes(bytes) {
    this.memory.set(bytes, 1);
    assert.equal(this.batches.writeRows(this.memory, 1, 1 + bytes.length, ROOM, ROOM + 64), 4);
    const reason = this.batches.takeReason();
    return { done: Buffer.from(this.memory.buffer).readUInt32LE(ROOM), reason: reason && Buffer.from(reason.reason).toString() };
  }
}

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const text = (bytes) => Buffer.from(bytes).toString();

/** Tables by id, each as its entries in order, from ops with rows. */
function tablesOf(ops) {
  const shapes = [];
  const tables = new Map();
  for (const op of ops) {
    if (op.tag === 'OP_SHAPE') shapes.push(op.keys.map((one) => text(one.key)));
    if (op.tag !== 'OP_ROW') continue;
    const values = split(op.values);
    assert.equal(values.length, shapes[op.shape].length);
    tables.set(op.table, shapes[op.shape].map((name, index) => [name, values[index]]));
  }
  return tables;
}

/** Values that follow one another, in hexadecimal. */
function split(bytes) {
  const values = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    const length = tag === 0 || tag === 0xff ? 1 : tag === 1 ? 2 : tag === 7 ? 5 : tag === 4 ? 5 + Buffer.from(bytes).readUInt32LE(at + 1) : 9;
    values.push(hex(bytes.subarray(at, at + length)));
    at += length;
  }
  return values;
}

for (const [name, make] of Object.entries(STORES)) {
  test(`${name}: whole tables are read in the order in which they are asked for, with each shape once`, () => {
    const client = new Client(make());
    const { store } = client;
    for (const id of [5, 6]) {
      store.set(id, 'name', string(`n${id}`));
      store.set(id, 'score', float(id / 2));
    }
    store.set(7, '[meta]', reference(5));
    store.set(7, 'long', string('x'.repeat(5000)));
    store.set(8, 'damaged', Uint8Array.of(4, 9, 0, 0, 0));
    const ops = client.rows([6, 7, 5, 9, 8]);
    assert.deepEqual(ops.map(({ tag, table }) => [tag, table]), [
      ['OP_SHAPE', undefined],
      ['OP_ROW', 6],
      ['OP_LARGE', 7],
      ['OP_ROW', 5],
      ['OP_SHAPE', undefined],
      ['OP_ROW', 9],
      ['OP_LARGE', 8],
    ]);
    assert.deepEqual(ops.filter(({ tag }) => tag === 'OP_LARGE').map(({ entries }) => entries), [2, 1]);
    assert.deepEqual([...tablesOf(ops)], [
      [6, [['name', hex(string('n6'))], ['score', hex(float(3))]]],
      [5, [['name', hex(string('n5'))], ['score', hex(float(2.5))]]],
      [9, []],
    ]);
    const all = encode('ops', { ops: client.rows([6, 5]) }).length;
    assert.equal(client.rows([6, 5], { room: all }).length, 3);
    assert.equal(client.rows([6, 5], { room: all - 1 }).length, 2);
    assert.equal(client.rows([6, 5], { room: 10 }), -encode('ops', { ops: client.rows([6]) }).length);
  });

  test(`${name}: a list is read with the tables that it refers to, each once, as many as there is room for`, () => {
    const client = new Client(make());
    const { store } = client;
    for (const id of [20, 21, 22]) store.set(id, 'id', integer(id));
    store.set(22, 'text', string('y'.repeat(900)));
    const list = [reference(20), reference(21), reference(20), string('z'.repeat(2000)), reference(22), Uint8Array.of(3, 1)];
    list.forEach((value, index) => store.set(3, `[${index + 1}]`, value));
    store.delete(3, '[2]');
    const [head, ...others] = client.list(3, 1, 8, { limit: 500 });
    assert.equal(head.n, 8);
    assert.deepEqual(split(head.values), [hex(reference(20)), '00', hex(reference(20)), 'ff', hex(reference(22)), 'ff', '00', '00']);
    assert.deepEqual([...tablesOf(others).keys()], [20]);
    assert.deepEqual([...tablesOf(client.list(3, 1, 8)).keys()], [20, 22]);
    assert.deepEqual([...tablesOf(client.list(3, 1, 8, { room: 200 })).keys()], [20]);
    assert.equal(client.list(3, 5, 8, { room: 17 + 7 })[0].n, 3);
    assert.ok(client.list(3, 1, 8, { room: 20 }) < -20);
    assert.equal(client.list(99, 1, 2)[0].n, 2);
    assert.equal(client.list(3, 1, 0)[0].n, 0);
  });

  test(`${name}: the pages of a table give each entry once, in order, and the tables that it refers to`, () => {
    const client = new Client(make());
    const { store } = client;
    for (let index = 0; index < 300; index++) {
      store.set(100 + index, 'index', integer(index));
      store.set(3, `entry ${index}`, index % 3 === 0 ? reference(100 + index) : string('s'.repeat(index % 50)));
    }
    store.set(3, 'long', string('x'.repeat(2000)));
    const seen = [];
    const rows = new Map();
    let cursor = 0;
    do {
      const page = client.page(3, cursor, { room: 800 });
      for (const op of page.ops) if (op.tag === 'OP_SET' || op.tag === 'OP_KEY') seen.push([text(op.key), op.tag === 'OP_SET' ? hex(op.value) : null]);
      for (const [id, row] of tablesOf(page.ops)) rows.set(id, row);
      ({ cursor } = page);
      store.delete(3, 'entry 299');
    } while (cursor !== 0);
    assert.deepEqual(seen.map(([text]) => text), Array.from(store.keys(3)));
    for (const [text, value] of seen) assert.equal(value, text === 'long' ? null : hex(store.get(3, text)));
    assert.equal(rows.size, 100);
    for (const [id, row] of rows) assert.deepEqual(row, [['index', hex(integer(id - 100))]]);
    const { cursor: open } = client.page(3, 0, { room: 100 });
    client.pages.close(open);
    assert.equal(client.page(3, open).ops, null);
    assert.ok(client.page(3, 0, { room: 20 }).ops < -20);
    assert.deepEqual(client.page(99, 0), { cursor: 0, ops: [] });
  });

  test(`${name}: a row that is written is all that its table has, in the order of its shape`, () => {
    const client = new Client(make());
    const { store } = client;
    store.set(5, 'b', truth);
    store.set(5, 'c', truth);
    const written = [shapeOp(['a', 'b']), rowOp(5, 0, [integer(1), string('é')]), rowOp(6, 0, [truth, reference(5)]), setOp(6, '[1]', truth), deleteOp(6, 'a'), deleteOp(6, 'none')];
    assert.deepEqual(client.write(written), { done: 6, reason: null });
    assert.deepEqual(Array.from(store.keys(5)), ['a', 'b']);
    assert.equal(hex(store.get(5, 'b')), hex(string('é')));
    assert.deepEqual(Array.from(store.keys(6)), ['b', '[1]']);
    assert.deepEqual(client.write([shapeOp([]), rowOp(5, 0, [])]), { done: 2, reason: null });
    assert.equal(store.size(5), 0);
  });

  test(`${name}: what is no batch is refused where it goes wrong, and what was in front of it stays`, () => {
    const client = new Client(make());
    const { store } = client;
    const good = [setOp(5, 'a', truth), shapeOp(['k'])];
    const bad = {
      'a row with fewer values than keys': [rowOp(6, 0, [])],
      'a row with more values than keys': [rowOp(6, 0, [truth, truth])],
      'a row names a shape that is not there': [rowOp(6, 3, [])],
      'a shape has a key twice': [shapeOp(['x', 'x'])],
      '0 is no table': [setOp(0, 'a', truth)],
      '5 is no op that writes': [{ tag: 'OP_LIST', table: 5, first: 1, n: 0, length: 0, values: new Uint8Array() }],
    };
    for (const [reason, ops] of Object.entries(bad)) {
      const answer = client.write([...good, ...ops, setOp(5, 'behind', truth)]);
      assert.equal(answer.done, 2, reason);
      assert.match(answer.reason, new RegExp(reason.replace(/^a row with fewer/, 'a row has fewer').replace(/^a row with more/, 'a row has more')));
    }
    const bytes = encode('ops', { ops: good });
    for (let length = 0; length < bytes.length; length++) {
      const { done } = client.writeBytes(bytes.subarray(0, length));
      assert.equal(done, length < encode('ops', { ops: good.slice(0, 1) }).length ? 0 : 1);
    }
    assert.deepEqual(Array.from(store.keys(5)), ['a']);
    assert.equal(store.size(6), 0);
  });

  test(`${name}: the first run of free ids is found`, () => {
    const { store, batches } = new Client(make());
    for (const id of [1, 2, 4, 5, 6, 4294967294]) store.set(id, 'k', truth);
    assert.deepEqual(batches.freeIds(1, 5), { first: 3, count: 1 });
    assert.deepEqual(batches.freeIds(0, 1), { first: 3, count: 1 });
    assert.deepEqual(batches.freeIds(4, 5), { first: 7, count: 5 });
    assert.deepEqual(batches.freeIds(4294967292, 5), { first: 4294967292, count: 2 });
    assert.equal(batches.freeIds(4294967294, 5).count, 0);
  });

  test(`${name}: random requests, by entry and in batches, agree with a Map of Maps`, () => {
    for (let seed = 1; seed <= 12; seed++) agreeWithModel(make(), randomFrom(seed));
  });
}

test('a row that a store refuses leaves its table as it was', () => {
  const client = new Client(new OwnStore());
  client.store.set(5, 'b', truth);
  client.store.set(5, 'c', integer(2));
  const answer = client.write([shapeOp(['c', 'b', 'refused']), rowOp(5, 0, [truth, truth, truth])]);
  assert.deepEqual(answer, { done: 1, reason: 'not this one' });
  assert.deepEqual(Array.from(client.store.keys(5)), ['b', 'c']);
  assert.equal(hex(client.store.get(5, 'c')), hex(integer(2)));
});

test('the revision is another one after changes of others, and only then', () => {
  const store = new MapStore();
  const changes = new Changes(store);
  const { revision } = changes.revision();
  changes.counting(() => store.set(1, 'a', truth))();
  assert.equal(changes.revision().revision, revision);
  store.set(1, 'a', truth);
  const later = changes.revision().revision;
  assert.notEqual(later, revision);
  store.delete(1, 'a');
  store.drop(1);
  assert.notEqual(changes.revision().revision, later);
  assert.notEqual(new Changes(store).revision().revision, changes.revision().revision);
  assert.equal(new Changes(new OwnStore()).areCounted, false);
  assert.equal(new Changes(new (class extends MapStore {})()).areCounted, false);
});

/** Random requests, after each of which one table is compared with the model, and all at the end. */
function agreeWithModel(store, random) {
  const client = new Client(store);
  const model = new Map();
  const pick = (list) => list[random(list.length)];
  const names = ['a', 'b', 'c', 'é', '[meta]', '["\\n"]', '[0]', '[-3]', '[1.5]', 'a long key of more than twenty-four bytes', '[true]'];
  const makeKey = () => pick([() => pick(names), () => `[${1 + random(6)}]`, () => `k${random(60)}`])();
  const makeValue = () => pick([
    () => integer(random(1e6) - 5e5), () => float(random(1000) / 8), () => string('v'.repeat(random(40))), () => string('w'.repeat(random(400))),
    () => reference(1 + random(12)), () => truth, () => Uint8Array.of(pick([0, 9, 200]), 7), () => string('l'.repeat(random(2) * 1500)),
  ])();
  const whole = (value) => ![0, 9, 200].includes(value[0]);
  const table = (id) => model.get(id) ?? new Map();
  const set = (id, name, value) => {
    if (!model.has(id)) model.set(id, new Map());
    model.get(id).set(name, value);
  };
  const actions = [
    () => {
      const [id, name, value] = [1 + random(12), makeKey(), makeValue()];
      store.set(id, name, value.slice());
      set(id, name, value);
    },
    () => {
      const id = 1 + random(12);
      for (let index = table(id).size + 1, end = index + random(20); index < end; index++) {
        const value = pick([() => reference(1 + random(12)), () => integer(index), () => float(index)])();
        store.set(id, `[${index}]`, value.slice());
        set(id, `[${index}]`, value);
      }
    },
    () => {
      const id = 1 + random(12);
      const name = table(id).size > 0 && random(2) === 0 ? pick([...table(id).keys()]) : makeKey();
      assert.equal(store.delete(id, name), table(id).delete(name));
    },
    () => {
      const id = 1 + random(12);
      if (random(4) > 0) return;
      store.drop ? store.drop(id) : Array.from(store.keys(id)).forEach((name) => store.delete(id, name));
      model.delete(id);
    },
    () => {
      const ops = [];
      const shapes = [];
      for (let count = random(8); count > 0; count--) {
        if (shapes.length === 0 || random(3) === 0) {
          shapes.push([...new Set(Array.from({ length: random(5) }, makeKey))]);
          ops.push(shapeOp(shapes.at(-1)));
        }
        const id = 1 + random(12);
        const shape = random(shapes.length);
        const values = shapes[shape].map(() => {
          let value = makeValue();
          while (!whole(value)) value = makeValue();
          return value;
        });
        ops.push(rowOp(id, shape, values));
        model.delete(id);
        shapes[shape].forEach((name, index) => set(id, name, values[index]));
        const [other, name, value] = [1 + random(12), makeKey(), makeValue()];
        ops.push(setOp(other, name, value), deleteOp(id, name));
        set(other, name, value);
        table(id).delete(name);
      }
      assert.deepEqual(client.write(ops), { done: ops.length, reason: null });
    },
  ];
  const expect = (id) => [...table(id)].map(([name, value]) => [name, hex(value)]);
  const check = (id) => {
    assert.equal(store.size(id), table(id).size);
    assert.deepEqual(Array.from(store.keys(id)), [...table(id).keys()]);
    assert.deepEqual(Array.from(store.keys(id), (name) => [name, hex(store.get(id, name))]), expect(id));
    const fits = [...table(id)].every(([, value]) => whole(value));
    const ops = client.rows([id], { limit: ROOM });
    if (fits) assert.deepEqual(tablesOf(ops).get(id), expect(id));
    else assert.deepEqual(ops, [{ tag: 'OP_LARGE', table: id, entries: table(id).size }]);
    const [head] = client.list(id, 1, 10);
    const listed = Array.from({ length: 10 }, (_, index) => table(id).get(`[${index + 1}]`));
    assert.deepEqual(split(head.values), listed.map((value) => (value === undefined ? '00' : whole(value) && value.length <= 1024 ? hex(value) : 'ff')));
    const entries = client.page(id, 0, { limit: random(300) }).ops.filter(({ tag }) => tag === 'OP_SET' || tag === 'OP_KEY');
    assert.deepEqual(entries.map((op) => [text(op.key), op.tag === 'OP_KEY' ? '' : hex(op.value)]), [...table(id)].map(([name, value]) => [name, value.length > 1024 ? '' : hex(value)]));
  };
  for (let round = 0; round < 60; round++) {
    pick(actions)();
    check(1 + random(12));
  }
  for (let id = 1; id <= 12; id++) check(id);
}
