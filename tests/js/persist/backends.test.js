// Tests durable states on each storage backend (web/persist): what is saved is read again, whatever changed it.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';

import { FileBackend } from '../../../web/persist/file.js';
import { LocalStorageBackend } from '../../../web/persist/local-storage.js';
import { MemoryBackend } from '../../../web/persist/memory.js';
import { StateError } from '../../../web/persist/state-error.js';
import { keyText } from '../../../web/bytes/text.js';
import { contents, FakeStorage, integer, look, open } from '../support/states.js';
import { random } from '../support/random.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

let count = 0;
const fresh = () => path.join(directory, `${++count}.state`);
const kind = (name) => (error) => error instanceof StateError && error.kind === name;

/** Each gives a function that makes backends of one and the same state. */
const KINDS = {
  file: () => {
    const file = fresh();
    return () => FileBackend.at(file);
  },
  memory: () => {
    const backend = new MemoryBackend();
    return async () => backend;
  },
  localStorage: () => {
    const storage = new FakeStorage();
    return async () => new LocalStorageBackend('a:b', storage);
  },
};

for (const [name, make] of Object.entries(KINDS)) {
  test(`${name}: a new state is created by its first save, and comes back`, async () => {
    const backend = make();
    const first = await open(await backend());
    assert.equal(first.found, false);
    first.store.set(1, 'counter', integer(1));
    first.store.set(1, 'gr\u00fc\u00dfe', new Uint8Array(0));
    first.store.set(1, keyText(Uint8Array.of(0xff, 0x80), 0, 2), Uint8Array.of(0));
    first.store.set(6, '[1]', Uint8Array.of(1, 1));
    first.setMeta({ homeTableId: 1, nextTableId: 7, abiHash: 'abc' });
    await first.close();
    assert.deepEqual(await look(await backend()), {
      found: true,
      meta: { homeTableId: 1, nextTableId: 7, abiHash: 'abc' },
      tables: contents(first.store),
    });
  });

  test(`${name}: thousands of random changes over many saves and reopenings end in the same tables, in the same order`, async () => {
    const backend = make();
    const next = random(77);
    let session = await open(await backend());
    let wanted = {};
    for (let round = 0; round < 300; round++) {
      for (let steps = next(40); steps > 0; steps--) {
        const table = 1 + next(4);
        const key = next(2) === 0 ? `k${next(30)}` : `[${1 + next(20)}]`;
        const what = next(20);
        if (what === 0) session.store.drop(table);
        else if (what < 7) session.store.delete(table, key);
        else session.store.set(table, key, integer(next(1000)));
      }
      await session.save();
      wanted = contents(session.store);
      if (next(5) === 0) {
        assert.deepEqual((await look(await backend())).tables, wanted, `round ${round}`);
        await session.close();
        session = await open(await backend());
        assert.deepEqual(contents(session.store), wanted, `round ${round}`);
      }
    }
    await session.close();
  });

  test(`${name}: a second writer is refused, a reader sees what was saved and cannot save`, async () => {
    const backend = make();
    const writer = await open(await backend());
    writer.store.set(1, 'x', integer(1));
    await writer.save();
    writer.store.set(1, 'x', integer(2));
    if (name !== 'localStorage') await assert.rejects(async () => open(await backend()), kind('locked'));
    const reader = await open(await backend(), { readOnly: true });
    assert.deepEqual(contents(reader.store), { 1: [['x', Buffer.from(integer(1)).toString('hex')]] });
    await assert.rejects(() => reader.save(), kind('read-only'));
    await reader.close();
    await writer.close();
    const again = await open(await backend());
    assert.deepEqual(contents(again.store), contents(writer.store));
    await again.close();
  });

  test(`${name}: progress goes up to the total, for saves and loads of several chunks`, async () => {
    const backend = make();
    const seen = [];
    const onProgress = ({ phase, done, total }) => seen.push([phase, done, total]);
    const session = await open(await backend(), { onProgress });
    for (let index = 0; index < 5; index++) session.store.set(1, `big${index}`, new Uint8Array(700_000));
    await session.close();
    await (await open(await backend(), { onProgress, readOnly: true })).close();
    for (const phase of ['save', 'load']) {
      const steps = seen.filter(([name]) => name === phase);
      assert.ok(steps.length > (name === 'memory' && phase === 'save' ? 0 : 2), `${steps.length} steps of ${phase}`);
      steps.reduce((before, [, done, total]) => {
        assert.ok(done > before && done <= total);
        return done;
      }, 0);
      assert.equal(steps.at(-1)[1], steps.at(-1)[2]);
    }
  });
}

test('a save while another is under way takes what the store has when its turn comes', async () => {
  const backend = new MemoryBackend();
  const session = await open(backend);
  session.store.set(1, 'x', integer(1));
  const first = session.save();
  session.store.set(1, 'y', integer(2));
  await Promise.all([first, session.save()]);
  assert.deepEqual((await look(backend)).tables, contents(session.store));
});

test('changes that could not be saved are saved with the next save, merged with what came since', async () => {
  const next = random(5);
  const backend = new MemoryBackend();
  const session = await open(backend);
  session.store.set(1, 'first', integer(0));
  await session.save();
  const { commit } = backend;
  for (let round = 0; round < 200; round++) {
    const change = () => {
      for (let steps = next(12); steps > 0; steps--) {
        const key = `k${next(8)}`;
        const what = next(12);
        if (what === 0) session.store.drop(2);
        else if (what < 5) session.store.delete(2, key);
        else session.store.set(2, key, integer(next(100)));
      }
    };
    change();
    // The changes of a save that is under way have been taken out: more come before it fails.
    backend.commit = async () => {
      change();
      throw new StateError('full', 'test', 'is full');
    };
    session.store.set(3, 'round', integer(round));
    await assert.rejects(() => session.save(), kind('full'));
    backend.commit = commit;
    await session.save();
    assert.deepEqual((await look(backend)).tables, contents(session.store), `round ${round}`);
  }
});

test('a save without changes writes nothing', async () => {
  const file = fresh();
  const session = await open(await FileBackend.at(file));
  session.store.set(1, 'x', integer(1));
  await session.save();
  const before = fs.readFileSync(file);
  await session.save();
  await session.close();
  assert.deepEqual(fs.readFileSync(file), before);
});

test('a table that is not kept is left out, and its changes are none', async () => {
  const backend = new MemoryBackend();
  const session = await open(backend);
  session.skippedId = 2;
  session.store.set(1, 'x', integer(1));
  session.store.set(2, 'y', integer(1));
  await session.save();
  const { series } = backend;
  session.store.set(2, 'z', integer(1));
  await session.save();
  assert.equal(backend.series, series);
  assert.deepEqual(Object.keys((await look(backend)).tables), ['1']);
});

test('autosave: after so many calls', async () => {
  const backend = new MemoryBackend();
  const session = await open(backend, { autosave: { calls: 3 } });
  session.store.set(1, 'x', integer(1));
  session.called();
  session.called();
  await session.queue;
  assert.equal(backend.series, null);
  session.called();
  await session.queue;
  assert.deepEqual((await look(backend)).tables, contents(session.store));
  await session.close();
});

test('autosave: when nothing has been called for a while', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const backend = new MemoryBackend();
  const session = await open(backend, { autosave: { idle: 100 } });
  session.store.set(1, 'x', integer(1));
  session.called();
  context.mock.timers.tick(99);
  session.called();
  context.mock.timers.tick(1);
  await session.queue;
  assert.equal(backend.series, null, 'a call came meanwhile');
  context.mock.timers.tick(100);
  await session.queue;
  assert.notEqual(backend.series, null);
  await session.close();
});

test('autosave: a failure goes to onError, and wrong settings are refused', async () => {
  const errors = [];
  const backend = new MemoryBackend();
  const session = await open(backend, { autosave: { calls: 1 }, onError: (error) => errors.push(error) });
  backend.commit = async () => {
    throw new StateError('full', 'test', 'is full');
  };
  session.called();
  await session.queue;
  await new Promise(setImmediate);
  assert.equal(errors.length, 1);
  assert.ok(kind('full')(errors[0]));
  await assert.rejects(() => open(new MemoryBackend(), { autosave: { calls: -1 } }), /autosave\.calls has to be/);
});

test('a close whose save fails leaves the state open, so that it can be tried again', async () => {
  const backend = new MemoryBackend();
  const session = await open(backend);
  session.store.set(1, 'x', integer(1));
  const { commit } = backend;
  backend.commit = async () => {
    throw new StateError('full', 'test', 'is full');
  };
  await assert.rejects(() => session.close(), kind('full'));
  backend.commit = commit;
  await session.close();
  assert.deepEqual((await look(backend)).tables, contents(session.store));
  await session.close();
});

test('a progress listener that throws does not harm the save, and is heard of', async () => {
  const errors = [];
  const backend = new MemoryBackend();
  const session = await open(backend, {
    onProgress: () => {
      throw new Error('listener');
    },
    onError: (error) => errors.push(error.message),
  });
  session.store.set(1, 'x', integer(1));
  await session.close();
  assert.equal((await look(backend)).found, true);
  assert.deepEqual(errors, ['listener']);
});

test('localStorage: at the quota a clear error, and the old state intact', async () => {
  const storage = new FakeStorage(20_000);
  const session = await open(new LocalStorageBackend('small', storage));
  session.store.set(1, 'x', new Uint8Array(3000));
  await session.save();
  const before = contents(session.store);
  const items = new Map(storage.items);
  session.store.set(1, 'y', new Uint8Array(20_000));
  await assert.rejects(() => session.save(), (error) => kind('full')(error) && /exceed the browser's quota/.test(error.message));
  assert.deepEqual(storage.items, items);
  assert.deepEqual((await look(new LocalStorageBackend('small', storage))).tables, before);
  session.store.delete(1, 'y');
  await session.close();
  assert.deepEqual((await look(new LocalStorageBackend('small', storage))).tables, before);
});

test('localStorage: a save that stops at any item leaves the old state or the new', async () => {
  for (let stop = 0; ; stop++) {
    const storage = new FakeStorage();
    const session = await open(new LocalStorageBackend('s', storage));
    session.store.set(1, 'x', integer(1));
    await session.save();
    const old = contents(session.store);
    session.store.set(1, 'y', new Uint8Array(100_000));
    let left = stop;
    const crash = new FakeStorage();
    crash.items = storage.items;
    for (const method of ['setItem', 'removeItem']) {
      crash[method] = (...words) => {
        if (left-- <= 0) throw new Error('gone');
        FakeStorage.prototype[method].apply(crash, words);
      };
    }
    session.backend.given = crash;
    const saved = await session.save().then(() => true, () => false);
    const { tables } = await look(new LocalStorageBackend('s', storage));
    assert.ok([old, contents(session.store)].some((whole) => JSON.stringify(whole) === JSON.stringify(tables)), `stopped at ${stop}`);
    if (saved) {
      assert.deepEqual(tables, contents(session.store));
      break;
    }
  }
});

test('localStorage: damage, newer, foreign and missing items are named, and nothing is changed', async () => {
  const storage = new FakeStorage();
  const session = await open(new LocalStorageBackend('s', storage));
  session.store.set(1, 'x', integer(1));
  await session.save();
  session.store.set(1, 'x', integer(2));
  await session.close();
  const good = new Map(storage.items);
  const names = [...good.keys()];
  const frame = names.at(-1);
  const cases = [
    ['damaged', (items) => items.set(frame, items.get(frame).replace(/.$/, 'A'))],
    ['damaged', (items) => items.set(frame, '\u20ac')],
    ['truncated', (items) => items.delete(frame)],
    ['damaged', (items) => items.delete(names[0])],
    ['damaged', (items) => items.set(names[0], items.get(names[0]).replace('"save":2', '"save":1'))],
    ['damaged', (items) => items.set(names[0], '{')],
    ['foreign', (items) => items.set(names[0], '{"mine":1}')],
    ['newer', (items) => items.set(names[0], items.get(names[0]).replace('"version":2', '"version":9'))],
  ];
  for (const [problem, damage] of cases) {
    storage.items = new Map(good);
    damage(storage.items);
    const before = new Map(storage.items);
    await assert.rejects(() => open(new LocalStorageBackend('s', storage)), kind(problem), problem);
    assert.deepEqual(storage.items, before);
  }
  assert.ok(names[0].length > 0 && good.size === 3);
});

test('localStorage: a save over what another tab has saved meanwhile is refused', async () => {
  const storage = new FakeStorage();
  const one = await open(new LocalStorageBackend('s', storage));
  const other = await open(new LocalStorageBackend('s', storage));
  one.store.set(1, 'x', integer(1));
  await one.save();
  other.store.set(1, 'x', integer(2));
  await assert.rejects(() => other.save(), kind('conflict'));
  assert.deepEqual((await look(new LocalStorageBackend('s', storage))).tables, contents(one.store));
});
