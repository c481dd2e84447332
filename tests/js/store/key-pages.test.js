// Tests pages of keys (web/store/key-pages.js).

import assert from 'node:assert/strict';
import test from 'node:test';

import { KeyPages } from '../../../web/store/key-pages.js';
import { random } from '../support/random.js';

const text = (bytes) => new TextDecoder().decode(bytes);

/** All keys, page by page, and how long the pages were. */
function walk(cursors, table, room) {
  const keys = [];
  const lengths = [];
  let cursor = 0;
  do {
    const page = cursors.page(table, cursor, room);
    assert.notEqual(page, null);
    if (page.keys.length > 0) keys.push(...text(page.keys).split('\n'));
    lengths.push(page.keys.length);
    ({ cursor } = page);
  } while (cursor !== 0);
  return { keys, lengths };
}

test('pages hold all keys in their order, and as many as fit', () => {
  const next = random(6);
  for (let round = 0; round < 300; round++) {
    const keys = Array.from({ length: next(60) }, (_, n) => ['k', '\u00e9', '\u{1f600}', 'long'.repeat(3)][next(4)] + n);
    const cursors = new KeyPages(() => keys);
    const room = 20 + next(60);
    const { keys: walked, lengths } = walk(cursors, 1, room);
    assert.deepEqual(walked, keys);
    assert.ok(lengths.every((length) => length <= room));
    assert.ok(lengths.length <= Math.ceil(Buffer.byteLength(keys.join('\n')) / (room - 17)) + 1);
    assert.equal(cursors.walks.size, 0, 'a finished walk leaves nothing');
  }
});

test('an empty table has one empty page', () => {
  const { keys, lengths } = walk(new KeyPages(() => []), 1, 100);
  assert.deepEqual([keys, lengths], [[], [0]]);
});

test('a key longer than the page is given whole, and asked for again', () => {
  for (const long of ['x'.repeat(50), '\u20ac'.repeat(20)]) {
    const cursors = new KeyPages(() => ['a', long, 'b']);
    const first = cursors.page(1, 0, 10);
    assert.equal(text(first.keys), 'a');
    const tooLong = cursors.page(1, first.cursor, 10);
    assert.equal(text(tooLong.keys), long);
    const again = cursors.page(1, first.cursor, 64);
    assert.equal(text(again.keys), `${long}\nb`);
    assert.equal(again.cursor, 0);
    assert.equal(text(new KeyPages(() => [long]).page(1, 0, 5).keys), long, 'at the start too');
  }
});

test('a cursor of another table, or none, is refused', () => {
  const cursors = new KeyPages(() => ['aaaaaaaa', 'bbbbbbbb']);
  const { cursor } = cursors.page(1, 0, 8);
  assert.equal(cursors.page(2, cursor, 8), null);
  assert.equal(cursors.page(1, cursor + 1, 8), null);
  cursors.close(cursor + 1);
  cursors.close(cursor);
  cursors.close(cursor);
  assert.equal(cursors.page(1, cursor, 8), null);
});

test('of too many cursors the one that waited longest is closed', () => {
  let open = 0;
  const cursors = new KeyPages(function* keys() {
    open++;
    try {
      for (let n = 0; n < 1000; n++) yield `key${n}`;
    } finally {
      open--;
    }
  });
  const all = Array.from({ length: 64 }, () => cursors.page(1, 0, 10).cursor);
  assert.notEqual(cursors.page(1, all[0], 10), null);
  for (let n = 0; n < 30; n++) cursors.page(1, 0, 10);
  assert.equal(open, 64);
  assert.notEqual(cursors.page(1, all[0], 10), null, 'it was used meanwhile');
  assert.equal(cursors.page(1, all[1], 10), null);
});
