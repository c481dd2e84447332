// Tests how many bytes a MapStore reports for its values.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MapStore } from '../../../web/lua-persistent.js';

const SHORT = new Uint8Array(10);
const LONG = new Uint8Array(5000);

test('the bytes are those of all values, short and long, and go with them', () => {
  const store = new MapStore();
  assert.equal(store.bytes, 0);
  store.set(1, 'short', SHORT);
  assert.ok(store.bytes >= 10 && store.bytes < 20, String(store.bytes));
  store.set(2, 'long', LONG);
  store.set(2, 'other', LONG);
  assert.ok(store.bytes >= 10_010 && store.bytes < 10_020, String(store.bytes));
  store.set(2, 'long', SHORT);
  store.delete(2, 'other');
  assert.ok(store.bytes >= 20 && store.bytes < 40, String(store.bytes));
  store.drop(2);
  store.delete(1, 'short');
  assert.equal(store.bytes, 0);
});

test('values that are moved together take what they took before', () => {
  const store = new MapStore();
  store.set(1, 'long', LONG);
  for (let index = 0; index < 100_000; index++) store.set(2, `key${index}`, SHORT);
  const before = store.bytes;
  for (let index = 0; index < 100_000; index++) if (index % 10 !== 0) store.delete(2, `key${index}`);
  assert.equal(store.bytes, LONG.length + (before - LONG.length) / 10);
});
