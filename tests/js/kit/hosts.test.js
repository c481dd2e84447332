// Runs the conformance kit (hosts/kit/) on every host in JavaScript: the documented one, and the package's over each kind of
// store and each storage backend.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';

import { SERVICES } from '../../../web/loader.js';
import { FileBackend } from '../../../web/persist/file.js';
import { LocalStorageBackend } from '../../../web/persist/local-storage.js';
import { MapStore } from '../../../web/store/map-store.js';
import { MemoryBackend } from '../../../web/persist/memory.js';
import { observable } from '../../../web/persist/observed-store.js';
import { complaints, packageHost, runKit } from '../support/kit.js';
import { contents, FakeStorage, look, open } from '../support/states.js';
import { documentedHost } from '../support/documented-host.js';
import { PlainStore } from '../support/stores.js';

const LIST = JSON.parse(fs.readFileSync(new URL('../../../hosts/kit/promises.json', import.meta.url), 'utf8'));

test('the documented host keeps every promise, and offers no service', () => {
  const report = runKit((_kit, memory) => documentedHost(memory).functions);
  assert.deepEqual(complaints(report), []);
  assert.deepEqual(report.notOffered, LIST.promises.filter(({ service }) => service !== undefined).map(({ name }) => name));
});

test('the list of promises is that of the module, and the counters are those of the outcomes', () => {
  const report = runKit((_kit, memory) => documentedHost(memory).functions);
  assert.deepEqual(report.promises.map(({ name, says }) => ({ name, says })), LIST.promises.map(({ name, says }) => ({ name, says })));
  const { tested, passed, failed, notOffered } = report.counters;
  assert.deepEqual([passed, failed, notOffered], [report.passed.length, 0, report.notOffered.length]);
  assert.equal(tested, passed);
  assert.equal(tested + notOffered, LIST.promises.length);
  assert.ok(report.promises.every(({ message }) => message === ''), 'what is kept has no message');
});

for (const [title, store, options] of [
  ['a MapStore', () => new MapStore()],
  ['a store that knows texts only', () => new PlainStore()],
  ['a MapStore with quotas that are not reached', () => new MapStore(), { tableEntries: 1e6, tableBytes: 1e8 }],
  ['a MapStore within a checkpoint', () => new MapStore(), { isInCheckpoint: true }],
  ['a store of others that is observed', () => observable(new PlainStore())],
]) {
  test(`the package's host keeps every promise over ${title}`, () => {
    const own = store();
    const report = runKit(packageHost(own, options));
    assert.deepEqual(complaints(report), []);
    // What can refuse entries takes no rows, and a store of others does not count its changes.
    const rows = LIST.promises.filter(({ service }) => service === 'write_rows').map(({ name }) => name);
    const isOwn = own instanceof MapStore;
    const unasked = options?.tableEntries !== undefined ? rows : isOwn ? [] : ['failure.reason', 'revision.own-changes', ...rows];
    assert.deepEqual(report.notOffered, unasked, 'each service is tested');
  });
}

test('every service is tested by the kit', () => {
  const tested = new Set(LIST.promises.map(({ service }) => service));
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  // Collections have tests of their own: tests/js/tables/collect-steps.test.js.
  assert.deepEqual(Object.keys(SERVICES).map(snake).filter((name) => !tested.has(name)), ['roots', 'collect']);
});

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

const memoryBackend = new MemoryBackend();
const storage = new FakeStorage();
const file = path.join(directory, 'kit.state');
for (const [name, backend] of [
  ['memory', async () => memoryBackend],
  ['file', () => FileBackend.at(file)],
  ['localStorage', async () => new LocalStorageBackend('kit', storage)],
]) {
  test(`the package's host keeps every promise over a state in ${name}, which has all tables when it is read again`, async () => {
    const session = await open(await backend());
    const report = runKit(packageHost(session.store));
    assert.deepEqual(complaints(report), []);
    const tables = contents(session.store);
    await session.close();
    assert.ok(Object.keys(tables).length > 100);
    assert.deepEqual((await look(await backend())).tables, tables);
  });
}
