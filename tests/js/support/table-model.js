// Models external tables in JavaScript: what Lua tables hold, in the order in which keys were first set, with metatables that
// are tables. What a store holds is compared with it.
//
// Lua values are: null, booleans, BigInt for integers, numbers for floats, strings with one character for each byte, `Table`
// and `Counter`.

import assert from 'node:assert/strict';

import { keyForm } from '../../../web/values/key.js';

/** A key as Lua has it: floats with the value of an integer are that integer. */
export function normal(key) {
  return typeof key === 'number' && Number.isInteger(key) && Math.abs(key) < 2 ** 63 ? BigInt(key) : key;
}

/** The text under which a store has a key. */
export function formOf(key) {
  const known = normal(key);
  return keyForm(typeof known === 'string' ? Buffer.from(known, 'latin1') : known, 'a table');
}

/** A table, plain or external. */
export class Table {
  constructor(name, isExternal = false) {
    this.name = name;
    this.isExternal = isExternal;
    /** Form of the key -> key and value. @type {Map<string, [any, any]>} */
    this.entries = new Map();
    this.meta = null;
    /** Whether nobody knows the order: a plain table that became external has that of Lua's hash. */
    this.isUnordered = false;
    /** Whether nobody knows what it holds, after an operation that failed half-way. */
    this.isUnknown = false;
    /** Keys that were added since it exists: walks that are under way may or may not come to them. */
    this.additions = 0;
  }

  get(key) {
    return this.entries.get(formOf(key))?.[1] ?? null;
  }

  set(key, value) {
    const form = formOf(key);
    if (value === null) {
      this.entries.delete(form);
      return;
    }
    const entry = this.entries.get(form);
    if (entry === undefined) {
      this.additions++;
      this.entries.set(form, [normal(key), value]);
    } else {
      entry[1] = value;
    }
    if (this.isExternal) makeExternal(value);
  }

  setMeta(meta) {
    this.meta = meta;
    if (this.isExternal) makeExternal(meta);
  }

  /** The length if its integer keys are 1 to n, else null. */
  get length() {
    let count = 0n;
    let most = 0n;
    for (const [key] of this.entries.values()) {
      if (typeof key !== 'bigint') continue;
      if (key < 1n) return null;
      count++;
      if (key > most) most = key;
    }
    return count === most ? Number(count) : null;
  }

  isBorder(length) {
    return (length === 0n || this.get(length) !== null) && this.get(length + 1n) === null;
  }

  values() {
    return Array.from(this.entries.values(), ([, value]) => value);
  }

  /** The entry behind a key, or the first; undefined at the end. */
  after(form) {
    let isNext = form === null;
    for (const [other, entry] of this.entries) {
      if (isNext) return entry;
      isNext = other === form;
    }
    return undefined;
  }
}

/** A stored function that adds to a variable, which others may share. */
export class Counter {
  constructor(variable) {
    /** @type {{ value: bigint }} */
    this.variable = variable;
  }
}

/** Makes a value and all that it leads to external, as an assignment to an external table does. */
export function makeExternal(value) {
  const left = [value];
  while (left.length > 0) {
    const table = left.pop();
    if (!(table instanceof Table) || table.isExternal) continue;
    table.isExternal = true;
    table.isUnordered = table.entries.size > 1;
    left.push(...table.values(), table.meta);
  }
}

/** All that values lead to. */
export function reachable(values) {
  const seen = new Set();
  const left = [...values];
  while (left.length > 0) {
    const table = left.pop();
    if (!(table instanceof Table) || seen.has(table)) continue;
    seen.add(table);
    left.push(...table.values(), table.meta);
  }
  return seen;
}

/** A copy of everything that is reached from values, as one graph: gives the function that finds the copy of a value. */
export function copyOf(values) {
  const copies = new Map();
  const copy = (value) => {
    if (value instanceof Counter) {
      if (!copies.has(value)) copies.set(value, new Counter(copyVariable(value.variable)));
      return copies.get(value);
    }
    return value instanceof Table ? (copies.get(value) ?? value) : value;
  };
  const copyVariable = (variable) => {
    if (!copies.has(variable)) copies.set(variable, { ...variable });
    return copies.get(variable);
  };
  const tables = reachable(values);
  for (const table of tables) copies.set(table, Object.assign(new Table(table.name), table, { entries: new Map() }));
  for (const table of tables) {
    const other = copies.get(table);
    other.meta = copy(table.meta);
    for (const [form, [key, value]] of table.entries) other.entries.set(form, [key, copy(value)]);
  }
  return copy;
}

// What a store holds.

/** The bytes of a plain value. */
export function encode(value) {
  const bytes = Buffer.alloc(9);
  if (typeof value === 'boolean') return Uint8Array.of(0x01, Number(value));
  if (typeof value === 'string') {
    const text = Buffer.from(value, 'latin1');
    const head = Buffer.alloc(5);
    head[0] = 0x04;
    head.writeUInt32LE(text.length, 1);
    return new Uint8Array(Buffer.concat([head, text]));
  }
  bytes[0] = typeof value === 'bigint' ? 0x02 : 0x03;
  if (typeof value === 'bigint') bytes.writeBigInt64LE(value, 1);
  else bytes.writeDoubleLE(value, 1);
  return new Uint8Array(bytes);
}

/** A stored value: a plain one, or `{ table: id }` or `{ function: id }`. */
export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (bytes[0]) {
    case 0x01: return bytes[1] === 1;
    case 0x02: return view.getBigInt64(1, true);
    case 0x03: return view.getFloat64(1, true);
    case 0x04: return Buffer.from(bytes.subarray(5, 5 + view.getUint32(1, true))).toString('latin1');
    case 0x05: return { function: view.getUint32(5, true) };
    case 0x07: return { table: view.getUint32(1, true) };
    default: throw new Error(`what is stored begins with ${bytes[0]}`);
  }
}

const META = '[meta]';

/** Ids of tables of the model, as far as they are known. */
export class Ids {
  /** @param {(table: Table) => boolean} isAlive whether anything leads to a table: the id of another may be given again */
  constructor(isAlive) {
    this.isAlive = isAlive;
    this.byTable = new Map();
    this.byId = new Map();
    /** Variables of functions that were found in a store, by the ids of their cells. */
    this.cells = new Map();
  }

  /** Notes the id of a table, which has to be the one that it has. */
  bind(table, id, where) {
    const [known, other] = [this.byTable.get(table), this.byId.get(id)];
    if (known === id && other === table) return;
    assert.equal(known, undefined, `${where}: table ${known} has become ${id}`);
    if (other !== undefined) {
      assert.ok(!this.isAlive(other), `${where}: table ${id} is two tables, ${other.name} and ${table.name}`);
      this.byTable.delete(other);
    }
    this.byTable.set(table, id);
    this.byId.set(id, table);
  }
}

/**
 * Compares what a store holds with the model, from `_home` on. Order and contents that nobody knows are taken from the store.
 *
 * @param {(id: number) => [string, Uint8Array][]} entriesOf the entries of a table, in order
 * @param {Table} home
 * @param {Ids} ids
 * @param {object} [options]
 * @param {number} [options.homeId]
 * @param {boolean} [options.variables] whether variables of stored functions are stored yet, as at the end of a call
 */
export function compareWithStore(entriesOf, home, ids, { homeId = 1, variables = true } = {}) {
  ids.bind(home, homeId, '_home');
  const seen = new Set();
  const left = [[home, homeId, '_home']];
  const sameValue = (value, stored, where) => {
    if (value instanceof Table) {
      assert.ok(stored?.table, `${where} should be a table, and is ${String(stored)} in the store`);
      ids.bind(value, stored.table, where);
      left.push([value, stored.table, where]);
    } else if (value instanceof Counter) {
      assert.ok(stored?.function, `${where} should be a function`);
      if (!variables) return;
      const cell = decode(new Map(entriesOf(stored.function)).get('[1]'));
      assert.equal(decode(new Map(entriesOf(cell.table)).get('value')), value.variable.value, `${where}: the variable of the function`);
    } else {
      assert.ok(Object.is(stored, value), `${where} should be ${String(value)}, and is ${JSON.stringify(stored, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))} in the store`);
    }
  };
  while (left.length > 0) {
    const [table, id, where] = left.pop();
    if (seen.has(table)) continue;
    seen.add(table);
    const stored = entriesOf(id);
    assert.ok(stored.length > 0 || id === homeId, `${where}: the store has no table ${id}`);
    const meta = stored.find(([form]) => form === META);
    const entries = stored.filter(([form]) => form !== META);
    if (table.isUnknown) adopt(table, entries, meta, ids, entriesOf);
    if (table.isUnordered) sort(table, entries, where);
    assert.deepEqual(entries.map(([form]) => form), [...table.entries.keys()], `${where} (table ${id}): keys in their order`);
    assert.equal(meta === undefined || decode(meta[1]) === false, table.meta === null, `${where} (table ${id}): metatable`);
    if (table.meta !== null) sameValue(table.meta, decode(meta[1]), `getmetatable(${where})`);
    for (const [form, bytes] of entries) sameValue(table.entries.get(form)[1], decode(bytes), `${where}.${form}`);
  }
  return seen;
}

/** Puts the entries of a table into the order of the store. */
function sort(table, stored, where) {
  const forms = stored.map(([form]) => form);
  assert.deepEqual([...forms].sort(), [...table.entries.keys()].sort(), `${where}: keys`);
  table.entries = new Map(forms.map((form) => [form, table.entries.get(form)]));
  table.isUnordered = false;
}

/** Takes what a table holds from the store. */
function adopt(table, stored, meta, ids, entriesOf) {
  const valueOf = (bytes) => {
    const value = decode(bytes);
    if (value?.table !== undefined) {
      if (!ids.byId.has(value.table)) {
        const found = new Table(`id ${value.table}`, true);
        found.isUnknown = true;
        ids.bind(found, value.table, 'a table that was found');
      }
      return ids.byId.get(value.table);
    }
    if (value?.function === undefined) return value;
    const cell = decode(new Map(entriesOf(value.function)).get('[1]')).table;
    if (!ids.cells.has(cell)) ids.cells.set(cell, { value: decode(new Map(entriesOf(cell)).get('value')) });
    return new Counter(ids.cells.get(cell));
  };
  table.additions++;
  table.entries = new Map(stored.map(([form, bytes]) => [form, [keyOf(form), valueOf(bytes)]]));
  table.meta = meta === undefined || decode(meta[1]) === false ? null : valueOf(meta[1]);
  table.isUnknown = false;
  table.isUnordered = false;
}

/** The key of a form, as far as the programs of the tests have such keys. */
function keyOf(form) {
  if (form[0] !== '[') return Buffer.from(form).toString('latin1');
  const inner = form.slice(1, -1);
  if (/^-?\d+$/.test(inner)) return BigInt(inner);
  if (inner === 'true' || inner === 'false') return inner === 'true';
  if (inner[0] !== '"') return inner === 'inf' ? Infinity : inner === '-inf' ? -Infinity : Number(inner);
  const bytes = [];
  const text = inner.slice(1, -1);
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') bytes.push(...Buffer.from(text[at]));
    else if (text[at + 1] === '\\') { bytes.push(0x5c); at++; }
    else { bytes.push(parseInt(text.slice(at + 2, at + 4), 16)); at += 3; }
  }
  return Buffer.from(bytes).toString('latin1');
}
