// Names what is still missing where something was added: a value tag, a host service, a storage backend, a browser test.
// CONTRIBUTING.md has a paragraph on each.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { createHost } from '../../web/machine/host.js';
import { Quota } from '../../web/machine/quotas.js';
import * as loader from '../../web/loader.js';
import { MapStore } from '../../web/store/map-store.js';

const source = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The name of each value tag, and its number. */
const TAGS = Object.entries(loader).filter(([name]) => name.startsWith('TAG_'));

test('every value tag has its bytes in the vectors, and what JavaScript makes of them', () => {
  const { values } = JSON.parse(source('web/abi/values.json'));
  const { constants } = JSON.parse(source('web/abi.json'));
  for (const [name, tag] of TAGS) {
    const vectors = values.filter((vector) => vector.tag === name);
    assert.equal(vectors.length, 1, `web/abi/values.json needs one vector with "tag": "${name}", bytes and "javascript"`);
    const [{ lua, bytes, where, javascript }] = vectors;
    assert.ok(Buffer.from(bytes, 'hex').includes(tag), `the bytes of ${name} have no 0x${tag.toString(16).padStart(2, '0')}`);
    assert.equal(typeof javascript, 'string', `the vector of ${name} needs "javascript": the value as util.inspect shows it`);
    if (where.includes('entry')) assert.equal(typeof lua, 'string', `the vector of ${name} needs "lua": an expression that gives the value`);
    assert.deepEqual(where, constants.find((constant) => constant.name === name).where, `"where" of ${name} is another in exports.toml`);
  }
  for (const { tag } of values) assert.ok(tag === undefined || tag in loader, `exports.toml declares no ${tag}`);
});

test('every value tag is in the table of values.js', () => {
  const rows = source('web/values/values.js');
  for (const [name, tag] of TAGS) {
    const row = `| 0x${tag.toString(16).toUpperCase().padStart(2, '0')} |`;
    assert.ok(rows.includes(row), `the table of web/values/values.js has no row ${row} for ${name}`);
  }
});

test('every service has a handler in createHost', () => {
  const environment = { modules: { some: 'return 1' } };
  const functions = { continues: false };
  const store = new MapStore();
  // Of these, a host with a quota offers one and a host without the other.
  const hostWith = (quota) => createHost(store, () => {}, environment, /** @type {any} */ (functions), /** @type {any} */ ({}), quota, store);
  const host = { services: { ...hostWith(null).services, failure: hostWith(Quota.of({ tableEntries: 1 }, store)).services.failure } };
  for (const name of Object.keys(loader.SERVICES).filter((service) => service !== 'negotiate')) {
    assert.equal(typeof host.services[name], 'function', `createHost in web/machine/host.js has no handler for the service ${name}`);
  }
  for (const name of Object.keys(host.services)) assert.ok(name in loader.SERVICES, `exports.toml declares no service ${name}`);
});

test('every storage backend runs the tests of all backends', () => {
  const files = readdirSync(new URL('../../web/persist', import.meta.url));
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

test('every test in browsers runs in each of them, and holds the page to a clean console', () => {
  const files = readdirSync(new URL('../browser', import.meta.url)).filter((file) => file.endsWith('.test.js'));
  const launching = files.filter((file) => source(`tests/browser/${file}`).includes('.launch('));
  assert.ok(launching.length >= 4, String(launching));
  for (const file of launching) {
    const text = source(`tests/browser/${file}`);
    assert.match(text, /^inEach\(/m, `tests/browser/${file}: define its tests within inEach (tests/browser/suites.js)`);
    assert.match(text, /assert\.deepEqual\(await [\w.]+\.complaints\(\), \[\]\)/, `tests/browser/${file}: end with assert.deepEqual(await tab.complaints(), [])`);
  }
});
