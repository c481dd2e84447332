// Makes states for the tests of persistence, with every kind of key and value, and reads a store as plain data.

import { MapStore } from '../../../web/store/map-store.js';
import { Session } from '../../../web/persist/session.js';

/** Bytes of a Lua integer. */
export function integer(number) {
  const bytes = new Uint8Array(9);
  bytes[0] = 0x02;
  new DataView(bytes.buffer).setBigInt64(1, BigInt(number), true);
  return bytes;
}

/** Reads a store as plain data: entries by table id, in order, without empty tables. */
export function contents(store) {
  const tables = {};
  for (const id of [...store.tableIds()].sort((a, b) => a - b)) {
    const entries = [...store.keys(id)].map((key) => [key, Buffer.from(store.get(id, key)).toString('hex')]);
    if (entries.length > 0) tables[id] = entries;
  }
  return tables;
}

/** Open a state in a fresh store. */
export async function open(backend, options = {}) {
  const session = await Session.open(backend, new MapStore(), options);
  let meta = session.meta || { homeTableId: 1, nextTableId: 9, abiHash: 'abc123' };
  session.currentMeta = () => meta;
  session.setMeta = (more) => {
    meta = { ...meta, ...more };
  };
  return session;
}

/** Reads a saved state. */
export async function look(backend) {
  const session = await open(backend, { readOnly: true });
  const seen = { found: session.found, meta: session.meta, tables: contents(session.store) };
  await session.close();
  return seen;
}

/** A `localStorage` with a quota, in UTF-16 units. */
export class FakeStorage {
  constructor(quota = Infinity) {
    this.quota = quota;
    this.items = new Map();
  }

  get length() {
    return this.items.size;
  }

  key(index) {
    return [...this.items.keys()][index] ?? null;
  }

  getItem(name) {
    return this.items.get(name) ?? null;
  }

  setItem(name, value) {
    let used = name.length + value.length;
    for (const [other, text] of this.items) if (other !== name) used += other.length + text.length;
    if (used > this.quota) throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
    this.items.set(name, value);
  }

  removeItem(name) {
    this.items.delete(name);
  }
}
