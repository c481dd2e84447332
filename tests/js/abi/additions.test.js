// Names what is still missing where something was added: a value tag, a host service, a storage backend.
// CONTRIBUTING.md tells what belongs to each.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { inspect } from 'node:util';

import { Decoder, decodeValue } from '../../../web/values/decoder.js';
import { createHost } from '../../../web/machine/host.js';
import * as loader from '../../../web/loader.js';
import { MapStore } from '../../../web/store/map-store.js';
import { exportTables, importTables } from '../../../web/persist/tables-json.js';
import { compute, start } from '../support/documented-host.js';

const source = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** The bytes of each value tag, what they are in JavaScript, and the Lua that gives them as a result or in a table. */
const VALUES = JSON.parse(source('tests/fixtures/values.json')).map((value) => ({
  ...value,
  bytes: Uint8Array.from(Buffer.from(value.bytes.replace(/ /g, ''), 'hex')),
}));

/** The name of each value tag, and its number. */
const TAGS = Object.entries(loader).filter(([name]) => name.startsWith('TAG_'));

test('every value tag has its bytes in the vectors', () => {
  for (const [name, tag] of TAGS) {
    const vectors = VALUES.filter((value) => value.tag === name);
    assert.ok(vectors.length > 0, `tests/fixtures/values.json has no bytes of ${name}`);
    for (const { bytes } of vectors) assert.ok(bytes.includes(tag), `the bytes of ${name} have no 0x${hex([tag])}`);
  }
  for (const { tag } of VALUES) assert.ok(TAGS.some(([name]) => name === tag), `exports.toml declares no ${tag}`);
});

test('every value tag is in the table of values.js', () => {
  const rows = source('web/values/values.js');
  for (const [name, tag] of TAGS) {
    const row = `| 0x${hex([tag]).toUpperCase()} |`;
    assert.ok(rows.includes(row), `the table of web/values/values.js has no row ${row} for ${name}`);
  }
});

for (const { tag, bytes, javascript, result, stored } of VALUES) {
  const name = `${tag} ${hex(bytes)}`;

  test(`${name} is decoded (web/values/decoder.js)`, () => {
    const value = tag === 'TAG_MORE_RESULTS' ? new Decoder(bytes).results(0, bytes.length) : decodeValue(bytes);
    assert.equal(inspect(value, { breakLength: Infinity }), javascript);
  });

  if (result !== undefined) {
    test(`${name} is what the module gives for ${result} (src/codec.rs)`, () => {
      const machine = start();
      const { resultLen } = compute(machine, `return ${result}`);
      const at = machine.exports.get_buffer_ptr() + 4;
      assert.equal(hex(machine.memory.slice(at, at + resultLen - 4)), hex(bytes));
    });
  }

  if (stored !== undefined) {
    test(`${name} is what the module stores for ${stored}, and reads back (src/codec.rs, src/ext)`, () => {
      const machine = start();
      compute(machine, `_home.x = ${stored}`);
      const home = machine.tables.get(machine.exports.get_memory_table_id());
      assert.equal(hex(home.get('x')), hex(bytes));
      compute(machine, 'kept = _home.x _home.x = nil collectgarbage() _home.x = kept');
      assert.equal(hex(home.get('x')), hex(bytes));
    });

    test(`${name} has a form of its own in JSON (web/persist/tables-json.js)`, () => {
      const store = new MapStore();
      store.set(1, 'x', bytes);
      const text = exportTables(store, { homeTableId: 1, nextTableId: 9, abiHash: loader.MANIFEST_HASH });
      assert.doesNotMatch(text, /"raw"/);
      const copy = new MapStore();
      importTables(text, copy);
      assert.equal(hex(copy.get(1, 'x')), hex(bytes));
    });
  }
}

test('every service has a handler in createHost', () => {
  const environment = { modules: { some: 'return 1' } };
  const functions = { continues: false };
  const host = createHost(new MapStore(), () => {}, environment, /** @type {any} */ (functions));
  for (const name of Object.keys(loader.SERVICES).filter((service) => service !== 'negotiate')) {
    assert.equal(typeof host.services[name], 'function', `createHost in web/machine/host.js has no handler for the service ${name}`);
  }
  for (const name of Object.keys(host.services)) assert.ok(name in loader.SERVICES, `exports.toml declares no service ${name}`);
});

test('every storage backend runs the tests of all backends', () => {
  const files = readdirSync(new URL('../../../web/persist', import.meta.url));
  const backends = files.filter((file) => source(`web/persist/${file}`).includes('@implements {Backend}'));
  assert.ok(backends.length >= 4, String(backends));
  const [, kinds] = /const KINDS = {\n([^]*?)\n};/.exec(source('tests/js/persist/backends.test.js'));
  const [, storages] = /const STORAGES = \[(.*?)\]/.exec(source('tests/browser/persistence.test.js'));
  const tested = [...kinds.matchAll(/^ {2}(\w+): /gm), ...storages.matchAll(/'(\w+)'/g)].map(([, name]) => name.toLowerCase());
  for (const file of backends) {
    const missing = `web/persist/${file}: put it into KINDS of tests/js/persist/backends.test.js or STORAGES of tests/browser/persistence.test.js`;
    assert.ok(tested.includes(file.replace('.js', '').replace(/-/g, '')), missing);
  }
});
