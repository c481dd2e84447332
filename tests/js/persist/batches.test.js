// Tests that states keep what batches write, and what is written by entry between them: a save notes a row as a whole.

import assert from 'node:assert/strict';
import test from 'node:test';

import { MemoryBackend } from '../../../web/persist/memory.js';
import { KeyPages } from '../../../web/store/key-pages.js';
import { UndoLog } from '../../../web/store/undo-log.js';
import { encode } from '../support/layout-codec.js';
import { random } from '../support/random.js';
import { contents, look, open } from '../support/states.js';

const bytes = (text) => Buffer.from(text);
const integer = (number) => Buffer.from([2, number & 255, (number >> 8) & 255, 0, 0, 0, 0, 0, 0]);

/** Writes rows in one batch: each is the id of a table and its entries. */
function write(store, rows) {
  const batches = store.batches(new UndoLog(store, store), new KeyPages((id) => store.keys(id)));
  const ops = rows.flatMap(([table, entries], shape) => {
    const values = Buffer.concat(Object.values(entries).map(integer));
    const keys = Object.keys(entries).map((key) => ({ length: key.length, key: bytes(key) }));
    return [
      { tag: 'OP_SHAPE', n: keys.length, keys },
      { tag: 'OP_ROW', table, shape, length: values.length, values },
    ];
  });
  const memory = new Uint8Array(60_000);
  const sent = encode('ops', { ops });
  memory.set(sent);
  batches.writeRows(memory, 0, sent.length, 59_000, 60_000);
  assert.equal(new DataView(memory.buffer).getUint32(59_000, true), ops.length);
}

test('what rows, entries and drops leave is saved, whatever order they come in', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const next = random(seed);
    const backend = new MemoryBackend();
    const session = await open(backend);
    const { store } = session;
    for (let round = 0; round < 120; round++) {
      const id = 1 + next(6);
      const key = `k${next(5)}`;
      const action = next(8);
      if (action < 3) write(store, [[id, Object.fromEntries(Array.from({ length: next(4) }, () => [`k${next(5)}`, next(60_000)]))], [7 + next(2), { a: round }]]);
      else if (action < 6) store.set(id, key, integer(next(60_000)));
      else if (action === 6) store.delete(id, key);
      else store.drop(id);
      if (next(12) > 0) continue;
      await session.save();
      assert.deepEqual((await look(backend)).tables, contents(store));
    }
    await session.close();
    assert.deepEqual((await look(backend)).tables, contents(store));
  }
});

test('rows whose save has failed are saved with the next one, with what has changed since', async () => {
  const backend = new MemoryBackend();
  const session = await open(backend);
  const { store } = session;
  write(store, [[1, { a: 1, b: 2 }]]);
  await session.save();
  write(store, [[1, { b: 3, c: 4 }], [2, { x: 1 }]]);
  const commit = backend.commit.bind(backend);
  backend.commit = () => Promise.reject(new Error('no room'));
  await assert.rejects(session.save(), /no room/);
  backend.commit = commit;
  store.set(1, 'd', integer(5));
  write(store, [[2, { y: 2 }]]);
  await session.save();
  assert.deepEqual((await look(backend)).tables, contents(store));
  await session.close();
});
