// Implements stores that tests use in place of the MapStore.

/** The simplest store there is: a Map for each table, keys as texts. */
export class PlainStore {
  constructor() {
    this.tables = new Map();
  }

  get(tableId, key) {
    const value = this.tables.get(tableId)?.get(key);
    return value && value.slice();
  }

  set(tableId, key, value) {
    if (!this.tables.has(tableId)) this.tables.set(tableId, new Map());
    this.tables.get(tableId).set(key, value);
  }

  delete(tableId, key) {
    return this.tables.get(tableId)?.delete(key) ?? false;
  }

  size(tableId) {
    return this.tables.get(tableId)?.size ?? 0;
  }

  keys(tableId) {
    return this.tables.get(tableId)?.keys() ?? [];
  }

  tableIds() {
    return this.tables.keys();
  }
}

/** All that a store holds, in order. */
export function contents(store) {
  return [...store.tableIds()]
    .sort((a, b) => a - b)
    .map((id) => [id, [...store.keys(id)].map((key) => [key, Buffer.from(store.get(id, key)).toString('hex')])])
    .filter(([, entries]) => entries.length > 0);
}
