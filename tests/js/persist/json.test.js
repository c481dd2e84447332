// Tests export and import of external tables (web/persist/tables-json.js): nothing is lost, and mistakes are named.

import assert from 'node:assert/strict';
import test from 'node:test';

import { MapStore } from '../../../web/store/map-store.js';
import { exportTables, ImportError, importTables } from '../../../web/persist/tables-json.js';
import { keyText } from '../../../web/bytes/text.js';
import { contents, integer } from '../support/states.js';
import { random } from '../support/random.js';

const META = { homeTableId: 1, nextTableId: 7, abiHash: 'abc' };

/** A float's bytes as a value. */
function float(number) {
  const bytes = new Uint8Array(9);
  bytes[0] = 0x03;
  new DataView(bytes.buffer).setFloat64(1, number, true);
  return bytes;
}

/** A value of a tag, a length and contents. */
const block = (tag, ...content) => Uint8Array.of(tag, content.length, 0, 0, 0, ...content);

/** Values and what they look like in an export. */
const VALUES = [
  [Uint8Array.of(0), 'null'],
  [Uint8Array.of(1, 0), 'false'],
  [Uint8Array.of(1, 1), 'true'],
  [integer(-3), '-3'],
  [integer(2 ** 53 - 1), '9007199254740991'],
  [integer(2n ** 53n), '{"integer":"9007199254740992"}'],
  [integer(-(2n ** 63n)), '{"integer":"-9223372036854775808"}'],
  [float(0.1), '0.1'],
  [float(-5e-324), '-5e-324'],
  [float(3), '{"float":"3"}'],
  [float(0), '{"float":"0"}'],
  [float(-0), '{"float":"-0"}'],
  [float(2 ** 70), '{"float":"1.1805916207174113e+21"}'],
  [float(Infinity), '{"float":"inf"}'],
  [float(-Infinity), '{"float":"-inf"}'],
  [Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0xf8, 0xff), '{"nan":"fff8000000000001"}'],
  [block(4), '""'],
  [block(4, 0x68, 0xc3, 0xa9, 0x0a), '"hé\\n"'],
  [block(4, 0xff, 0x00), '{"bytes":"/wA="}'],
  [block(4, 0xed, 0xa0, 0x80), '{"bytes":"7aCA"}'],
  [block(4, 0xef, 0xbb, 0xbf), '"\ufeff"'],
  [Uint8Array.of(7, 3, 0, 0, 0), '{"table":3}'],
  [block(5, 4, 0, 0, 0), '{"function":4}'],
  [block(6, 0x73), '{"libraryFunction":"s"}'],
  [block(0x0c, 0x5f, 0x47), '{"library":"_G"}'],
  [Uint8Array.of(), '{"raw":""}'],
  [Uint8Array.of(0, 0), '{"raw":"AAA="}'],
  [Uint8Array.of(1, 2), '{"raw":"AQI="}'],
  [Uint8Array.of(4, 9, 0, 0, 0, 65), '{"raw":"BAkAAABB"}'],
  [Uint8Array.of(7, 0, 0, 0, 0), '{"raw":"BwAAAAA="}'],
  [Uint8Array.of(0x77, 1), '{"raw":"dwE="}'],
];

test('each kind of value is readable, and comes back byte by byte', () => {
  const store = new MapStore();
  VALUES.forEach(([bytes], index) => store.set(1, `v${index}`, bytes.slice()));
  const text = exportTables(store, META);
  VALUES.forEach(([, json], index) => assert.ok(text.includes(`\n      ["v${index}", ${json}]`), `${json} in ${text}`));
  const back = new MapStore();
  assert.deepEqual(importTables(text, back), META);
  assert.deepEqual(contents(back), contents(store));
});

test('keys of any bytes, the order of keys, and ids of tables are kept', () => {
  const store = new MapStore();
  const binary = keyText(Uint8Array.of(0xff, 0x22, 0x80), 0, 3);
  for (const key of ['z', '', '[10]', '10', '[2]', '__proto__', '"\\', 'é', '\u2028', binary]) store.set(4000000000, key, integer(1));
  store.set(2, 'x', integer(2));
  const text = exportTables(store, META);
  const back = new MapStore();
  assert.deepEqual(importTables(Buffer.from(text, 'utf8').toString('utf8'), back), { ...META, nextTableId: 4000000001 });
  assert.deepEqual(contents(back), contents(store));
});

test('values of random bytes come back', () => {
  const next = random(3);
  const store = new MapStore();
  for (let index = 0; index < 5000; index++) {
    const bytes = Uint8Array.from({ length: next(14) }, () => next(256));
    if (bytes.length > 0) bytes[0] = next(14);
    if (bytes.length > 5 && next(2) === 0) bytes.set([bytes.length - 5, 0, 0, 0], 1);
    store.set(1, `[${index}]`, bytes);
  }
  const back = new MapStore();
  importTables(exportTables(store, META), back);
  assert.deepEqual(contents(back), contents(store));
});

test('no tables are an export too', () => {
  const text = exportTables(new MapStore(), META);
  const back = new MapStore();
  assert.deepEqual(importTables(text, back), META);
  assert.deepEqual(contents(back), {});
});

test('what is wrong is named by its place, and nothing is imported', () => {
  const good = { format: 'lua-persistent tables', version: 1, abi: '', home: 1, next: 3, tables: { 1: [['a', 1]] } };
  const entry = (value) => ({ ...good, tables: { 1: [['a', 1], ['b', value]] } });
  for (const [file, place, message] of [
    [{ ...good, format: 'x' }, 'format', /not an export of lua-persistent/],
    [[], 'format', /not an export/],
    [{ ...good, version: 2 }, 'version', /reads version 1, not 2/],
    [{ ...good, home: 0 }, 'home', /id of a table/],
    [{ ...good, next: 1.5 }, 'next', /id of a table/],
    [{ ...good, abi: 1 }, 'abi', /a string/],
    [{ ...good, tables: [] }, 'tables', /object of tables/],
    [{ ...good, tables: { x: [] } }, 'tables.x', /id of a table/],
    [{ ...good, tables: { 1: {} } }, 'tables.1', /list of entries/],
    [{ ...good, tables: { 1: [['a']] } }, 'tables.1[0]', /a key and a value/],
    [{ ...good, tables: { 1: [['a', 1], ['a', 2]] } }, 'tables.1[1]', /key "a" already/],
    [{ ...good, tables: { 1: [['\ud800', 1]] } }, 'tables.1[0]', /a key/],
    ...[[1], {}, { integer: 1 }, { integer: '9223372036854775808' }, { float: '0x1' }, { float: 'nan' }, { nan: '7ff0000000000000' }, { bytes: '=' },
      { table: 0 }, { function: 'x' }, { library: null }, { raw: 3 }, { integer: '1', float: '1' }, { constructor: 1 }].map((value) => [entry(value), 'tables.1[1]', /is no value/]),
    [entry('\udc80'), 'tables.1[1]', /is no value/],
  ]) {
    const store = new MapStore();
    assert.throws(() => importTables(JSON.stringify(file), store), (error) => {
      assert.ok(error instanceof ImportError, String(error));
      assert.equal(error.place, place);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(contents(store), {});
  }
  assert.throws(() => importTables('{', new MapStore()), (error) => error instanceof ImportError && /not JSON/.test(error.message));
});
