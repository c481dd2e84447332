// Hosts that each break a promise, with the mistakes that hosts make: the conformance kit names the promise.

import assert from 'node:assert/strict';
import test from 'node:test';

import { complaints, runKit } from '../support/kit.js';
import { documentedHost } from '../support/documented-host.js';

const encoder = new TextEncoder();
const decode = (bytes) => new TextDecoder().decode(bytes);

/** The five functions by their handlers' names, over a documented host. */
function named(functions) {
  const { js_ext_table_set: set, js_ext_table_get: get, js_ext_table_delete: remove, js_ext_table_size: size, js_ext_table_keys: keys } = functions;
  return { set, get, delete: remove, size, keys };
}

/**
 * Defines a test: a host that is the documented one but for some functions breaks a promise.
 *
 * @param {string} mistake
 * @param {string} promise what the kit has to name
 * @param {(host: any) => Record<string, Function>} change gets the documented functions, its tables, the memory, and readers of it
 */
function breaks(mistake, promise, change) {
  test(`a host that ${mistake} breaks ${promise}`, () => {
    const report = runKit((_kit, memory) => {
      const { functions, tables } = documentedHost(memory);
      const bytes = (at, length) => memory().slice(at, at + length);
      const host = { ...named(functions), tables, memory, bytes, text: (at, length) => decode(bytes(at, length)) };
      const changed = Object.entries(change(host)).map(([name, run]) => [`js_ext_table_${name}`, run]);
      return { ...functions, ...Object.fromEntries(changed) };
    });
    assert.ok(report.failed.includes(promise), complaints(report).join('\n') || 'the kit finds nothing');
    const { says, message } = report.promises.find(({ name }) => name === promise);
    assert.ok(says.length > 10 && message.length > 10, 'with the sentence of the reference, and what was seen');
  });
}

/** Changes the text of each key, on its way to the documented host. */
const rewriting = (rewrite) => ({ tables, text, bytes, memory }) => {
  const key = (at, length) => rewrite(text(at, length));
  return {
    set: (id, at, length, value, size) => {
      if (!tables.has(id)) tables.set(id, new Map());
      tables.get(id).set(key(at, length), bytes(value, size));
      return 0;
    },
    get: (id, at, length, room, size) => {
      const value = tables.get(id)?.get(key(at, length));
      if (value === undefined || value.length > size) return -1;
      memory().set(value, room);
      return value.length;
    },
    delete: (id, at, length) => {
      tables.get(id)?.delete(key(at, length));
      return 0;
    },
  };
};

/** Keeps tables under other ids. */
const renumbering = (number) => ({ set, get, delete: remove, size, keys }) => ({
  set: (id, ...rest) => set(number(id), ...rest),
  get: (id, ...rest) => (id === 0 ? -1 : get(number(id), ...rest)),
  delete: (id, ...rest) => remove(number(id), ...rest),
  size: (id) => size(number(id)),
  keys: (id, ...rest) => keys(number(id), ...rest),
});

/** Writes a list of keys that the function makes of them. */
const listing = (list) => ({ tables, memory }) => ({
  keys: (id, room, size) => {
    const bytes = encoder.encode(list([...(tables.get(id)?.keys() ?? [])], id));
    if (bytes.length > size) return -1;
    memory().set(bytes, room);
    return bytes.length;
  },
});

// Ids.
breaks('takes ids with a sign, and those below zero for mistakes', 'id.without-sign', ({ set, get }) => ({
  set: (id, ...rest) => (id < 0 ? -1 : set(id, ...rest)),
  get: (id, ...rest) => (id < 0 ? -1 : get(id, ...rest)),
}));
breaks('keeps ids in 16 bits', 'id.range', renumbering((id) => id & 0xffff));
breaks('keeps ids in 31 bits', 'id.without-sign', renumbering((id) => id & 0x7fffffff));
breaks('keeps ids as floats of 32 bits', 'id.range', renumbering((id) => Math.fround(id >>> 0)));
breaks('takes the magnitude of an id', 'id.without-sign', renumbering((id) => Math.abs(id | 0)));
breaks('joins id and key without anything between', 'id.not-part-of-the-key', ({ tables, text, bytes, memory, set, delete: remove }) => {
  const all = new Map();
  return {
    set: (id, at, length, value, size) => {
      all.set(`${id}${text(at, length)}`, bytes(value, size));
      return set(id, at, length, value, size);
    },
    get: (id, at, length, room, size) => {
      const value = all.get(`${id}${text(at, length)}`);
      if (value === undefined || value.length > size) return -1;
      memory().set(value, room);
      return value.length;
    },
    delete: (id, at, length) => {
      if (tables.get(id)?.has(text(at, length))) all.delete(`${id}${text(at, length)}`);
      return remove(id, at, length);
    },
  };
});
breaks('has room for 200 tables', 'id.many', ({ set, tables }) => ({
  set: (id, ...rest) => (id >= 500_200 && id < 600_000 && !tables.has(id) ? -1 : set(id, ...rest)),
}));

// Storing.
breaks('keeps a view of the value', 'set.copies-value', ({ tables, text, memory, set }) => ({
  set: (id, at, length, value, size) => {
    set(id, at, length, value, size);
    // Of values in one place only: all others would change, too.
    if (size === 300 && text(at, length).length === 1) tables.get(id).set(text(at, length), memory().subarray(value, value + size));
    return 0;
  },
}));
breaks('remembers the text of a key by its address', 'set.copies-key', ({ text, ...host }) => {
  const known = new Map();
  const remembered = (at, length) => {
    const place = `${at} ${length}`;
    if (!known.has(place) || !/^key\d$/.test(known.get(place))) known.set(place, text(at, length));
    return known.get(place);
  };
  return rewriting((key) => key)({ ...host, text: remembered });
});
breaks('sets a key by deleting and inserting it', 'set.keeps-place', ({ set, delete: remove }) => ({
  set: (id, at, length, ...value) => {
    remove(id, at, length);
    return set(id, at, length, ...value);
  },
}));
breaks('keeps the place of a deleted key', 'set.last-again', ({ tables, ...host }) => {
  const places = new Map();
  const { set, delete: remove } = host;
  const listed = listing((keys, id) => (places.get(id) ?? []).filter((key) => keys.includes(key)).join('\n'));
  return {
    set: (id, at, length, ...value) => {
      const key = host.text(at, length);
      if (!places.has(id)) places.set(id, []);
      // Long tables are not what this is about.
      if (places.get(id).length > 100 || !places.get(id).includes(key)) places.get(id).push(key);
      return set(id, at, length, ...value);
    },
    delete: remove,
    keys: (id, ...room) => ((tables.get(id)?.size ?? 0) > 50 ? host.keys(id, ...room) : listed({ tables, ...host }).keys(id, ...room)),
  };
});
breaks('answers 1 where it overwrites', 'set.replaces', ({ set, tables, text }) => ({
  set: (id, at, length, ...value) => {
    const isNew = !tables.get(id)?.has(text(at, length));
    return set(id, at, length, ...value) || (isNew ? 0 : 1);
  },
}));
breaks('answers the number of entries in place of success', 'set.stores', ({ set, tables }) => ({
  set: (id, ...rest) => {
    set(id, ...rest);
    return tables.get(id).size > 1 && tables.get(id).size < 3 ? 2 : 0;
  },
}));
breaks('never overwrites', 'set.replaces', ({ tables, text, set }) => ({
  set: (id, at, length, ...value) => (text(at, length) === 'key' && tables.get(id)?.has('key') ? 0 : set(id, at, length, ...value)),
}));
breaks('keeps the end of a longer value that was there', 'set.replaces', ({ tables, text, bytes, set }) => ({
  set: (id, at, length, value, size) => {
    const old = tables.get(id)?.get(text(at, length));
    const answer = set(id, at, length, value, size);
    const isLonger = old !== undefined && old.length > size && old.length < 20;
    if (isLonger) tables.get(id).set(text(at, length), Uint8Array.of(...bytes(value, size), ...old.subarray(size)));
    return answer;
  },
}));
breaks('keeps values as text', 'set.any-bytes', ({ set, tables, text }) => ({
  set: (id, at, length, value, size) => {
    set(id, at, length, value, size);
    const key = text(at, length);
    tables.get(id).set(key, encoder.encode(decode(tables.get(id).get(key))));
    return 0;
  },
}));
breaks('ends values at a zero byte', 'set.any-bytes', ({ tables, text, set }) => ({
  set: (id, at, length, value, size) => {
    set(id, at, length, value, size);
    const key = text(at, length);
    const kept = tables.get(id).get(key);
    if (key.startsWith('value ') && kept.includes(0)) tables.get(id).set(key, kept.slice(0, kept.indexOf(0)));
    return 0;
  },
}));
breaks('takes the limit of strings for that of values', 'set.longest', ({ set }) => ({
  set: (id, at, length, value, size) => (size > 16_384 ? -1 : set(id, at, length, value, size)),
}));
breaks('cuts long values off, and says that they are stored', 'set.whole-or-not', ({ set }) => ({
  set: (id, at, length, value, size) => set(id, at, length, value, Math.min(size, 16_389)),
}));
breaks('loses the old value when it refuses the new', 'set.whole-or-not', ({ set, delete: remove }) => ({
  set: (id, at, length, value, size) => {
    if (size <= 16_389) return set(id, at, length, value, size);
    remove(id, at, length);
    return -1;
  },
}));

// Reading.
breaks('answers 0 for what is not there', 'get.absent-key', ({ get }) => ({
  get: (id, ...rest) => {
    const answer = get(id, ...rest);
    return answer === -1 && id !== 0 ? 0 : answer;
  },
}));
breaks('takes a value without bytes for a missing one', 'get.empty-value', ({ get }) => ({
  get: (...all) => get(...all) || -1,
}));
breaks('wants one byte more room than it uses', 'get.exact-room', ({ get }) => ({
  get: (id, at, length, room, size) => get(id, at, length, room, size - 1),
}));
breaks('writes one byte more than there is room for', 'get.too-small', ({ tables, text, get, memory }) => ({
  get: (id, at, length, room, size) => {
    const value = tables.get(id)?.get(text(at, length));
    if (value === undefined || value.length !== size + 1) return get(id, at, length, room, size);
    memory().set(value, room);
    return value.length;
  },
}));
breaks('fills the buffer with what fits', 'get.too-small', ({ tables, text, get, memory }) => ({
  get: (id, at, length, room, size) => {
    const value = tables.get(id)?.get(text(at, length));
    if (value === undefined || value.length <= size) return get(id, at, length, room, size);
    memory().set(value.subarray(0, size), room);
    return size;
  },
}));
for (const [mistake, answer] of [
  ['says how many bytes are missing in place of how many are needed', (needed, room) => room - needed],
  ['counts a zero at the end into the bytes that are needed', (needed) => -needed - 1],
  ['answers the positive number of bytes that are needed', (needed) => needed],
  ['answers -2 for every buffer that is too small', () => -2],
]) {
  breaks(mistake, 'get.too-small', ({ tables, text, get }) => ({
    get: (id, at, length, room, size) => {
      const value = tables.get(id)?.get(text(at, length));
      if (value === undefined || value.length <= size) return get(id, at, length, room, size);
      return answer(value.length, size);
    },
  }));
}
breaks('writes a zero behind the value', 'memory.get', ({ get, memory }) => ({
  get: (id, at, length, room, size) => {
    const answer = get(id, at, length, room, size);
    if (answer >= 0) memory()[room + answer] = 0;
    return answer;
  },
}));
breaks('writes the length in front of the value', 'memory.get', ({ get, memory }) => ({
  get: (id, at, length, room, size) => {
    const answer = get(id, at, length, room, size);
    if (answer >= 0) memory()[room - 4] = answer;
    return answer;
  },
}));
breaks('puts the key of each request at the start of the memory', 'memory.get', ({ set, get, bytes, memory }) => ({
  set: (id, at, length, ...rest) => {
    memory().set(bytes(at, Math.min(length, 64)), 64);
    return set(id, at, length, ...rest);
  },
  get: (id, at, length, ...rest) => {
    memory().set(bytes(at, Math.min(length, 64)), 64);
    return get(id, at, length, ...rest);
  },
}));
breaks('makes an entry of a key that is asked for', 'get.changes-nothing', ({ get, set, tables }) => ({
  get: (id, at, length, room, size) => {
    const answer = get(id, at, length, room, size);
    if (answer === -1 && id !== 0 && length === 1 && (tables.get(id)?.size ?? 0) < 3) set(id, at, length, at, 0);
    return answer;
  },
}));

breaks('takes the room of a value for a number of 16 bits', 'get.length', ({ get }) => ({
  get: (id, at, length, room, size) => get(id, at, length, room, size & 0xffff),
}));

// Deleting.
breaks('answers -1 where there is nothing to delete', 'delete.absent-key', ({ tables, text, delete: remove }) => ({
  delete: (id, at, length) => (tables.get(id)?.has(text(at, length)) ? remove(id, at, length) : -1),
}));
breaks('does not know the table of a key that is to be deleted', 'delete.absent-table', ({ tables, delete: remove }) => ({
  delete: (id, ...rest) => (tables.has(id) ? remove(id, ...rest) : -1),
}));
breaks('throws where there is no table', 'delete.absent-table', ({ tables, text }) => ({
  delete: (id, at, length) => {
    tables.get(id).delete(text(at, length));
    return 0;
  },
}));
breaks('drops a table with its last key, and knows it no more', 'delete.table-stays', ({ tables, delete: remove }) => ({
  delete: (id, at, length) => (tables.get(id)?.size === 0 ? -1 : remove(id, at, length)),
}));
breaks('deletes every key that begins with the one to be deleted', 'delete.nothing-else', ({ tables, text }) => ({
  delete: (id, at, length) => {
    for (const key of [...(tables.get(id)?.keys() ?? [])]) if (key.startsWith(text(at, length)) && key.length < 4) tables.get(id).delete(key);
    return 0;
  },
}));
breaks('deletes with LIKE', 'delete.nothing-else', ({ tables, text }) => ({
  delete: (id, at, length) => {
    const escaped = text(at, length).replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%/g, '.*').replace(/_/g, '.');
    const pattern = new RegExp(`^${escaped}$`);
    for (const key of [...(tables.get(id)?.keys() ?? [])]) if (pattern.test(key)) tables.get(id).delete(key);
    return 0;
  },
}));
breaks('moves the elements of a list up', 'delete.nothing-else', ({ tables, text, delete: remove }) => ({
  delete: (id, at, length) => {
    const table = tables.get(id);
    let index = Number(/^\[(\d+)\]$/.exec(text(at, length))?.[1] ?? NaN);
    if (table === undefined || !table.has(`[${index + 1}]`)) return remove(id, at, length);
    for (; table.has(`[${index + 1}]`); index++) table.set(`[${index}]`, table.get(`[${index + 1}]`));
    table.delete(`[${index}]`);
    return 0;
  },
}));
breaks('fills the place of a deleted key with the last one', 'delete.order', ({ tables, text, delete: remove }) => ({
  delete: (id, at, length) => {
    const table = tables.get(id);
    const keys = [...(table?.keys() ?? [])];
    const index = keys.indexOf(text(at, length));
    if (index < 0 || index >= keys.length - 2 || keys.length > 20) return remove(id, at, length);
    keys[index] = keys.pop();
    const entries = keys.map((key) => [key, table.get(key)]);
    table.clear();
    entries.forEach(([key, value]) => table.set(key, value));
    return 0;
  },
}));
breaks('keeps deleted values in a cache', 'delete.deletes', ({ tables, text, get, memory }) => {
  const cache = new Map();
  return {
    get: (id, at, length, room, size) => {
      const key = `${id} ${text(at, length)}`;
      const value = tables.get(id)?.get(text(at, length));
      if (value !== undefined) cache.set(key, value);
      if (value !== undefined || !/^\d+ [abc]$/.test(key) || !cache.has(key)) return get(id, at, length, room, size);
      memory().set(cache.get(key), room);
      return cache.get(key).length;
    },
  };
});

// Counting.
breaks('counts an overwritten key again', 'size.overwritten', ({ set, delete: remove, tables, text }) => {
  const counts = new Map();
  const add = (id, more) => counts.set(id, (counts.get(id) ?? 0) + more);
  return {
    set: (id, ...rest) => {
      add(id, 1);
      return set(id, ...rest);
    },
    delete: (id, at, length) => {
      if (tables.get(id)?.has(text(at, length))) add(id, -1);
      return remove(id, at, length);
    },
    size: (id) => counts.get(id) ?? 0,
  };
});
breaks('counts down for a key that is not there', 'size.deleted', ({ set, delete: remove, tables, text }) => {
  const counts = new Map();
  const add = (id, more) => counts.set(id, (counts.get(id) ?? 0) + more);
  return {
    set: (id, at, length, ...rest) => {
      if (!tables.get(id)?.has(text(at, length))) add(id, 1);
      return set(id, at, length, ...rest);
    },
    delete: (id, ...rest) => {
      if (tables.has(id)) add(id, -1);
      return remove(id, ...rest);
    },
    size: (id) => Math.max(0, counts.get(id) ?? 0),
  };
});
breaks('does not count down', 'size.deleted', ({ size, tables }) => {
  const most = new Map();
  return {
    size: (id) => {
      if ((tables.get(id)?.size ?? 0) === 0) return size(id);
      most.set(id, Math.max(most.get(id) ?? 0, size(id)));
      return most.get(id);
    },
  };
});
breaks('answers -1 for the size of what is not there', 'size.absent-table', ({ size, tables }) => ({
  size: (id) => (tables.has(id) ? size(id) : -1),
}));
breaks('does not count the metatable', 'size.metatable', ({ size, tables }) => ({
  size: (id) => size(id) - (tables.get(id)?.has('[meta]') ? 1 : 0),
}));
breaks('counts the elements of a list only', 'size.all-keys', ({ size, tables }) => ({
  size: (id) => {
    const keys = [...(tables.get(id)?.keys() ?? [])];
    return keys.includes('[1]') && keys.length < 20 ? keys.filter((key) => /^\[\d+\]$/.test(key)).length : size(id);
  },
}));
breaks('counts in one byte', 'size.many', ({ size }) => ({ size: (id) => size(id) & 0xff }));

// Listing.
breaks('joins keys by carriage return and line feed', 'keys.line-feeds', listing((keys) => keys.join('\r\n')));
breaks('joins keys by zero bytes', 'keys.line-feeds', listing((keys) => keys.join('\0')));
breaks('ends the list of keys with a line feed', 'keys.line-feeds', listing((keys) => keys.map((key) => `${key}\n`).join('')));
breaks('leaves the last key out', 'keys.lists', listing((keys) => keys.slice(0, -1).join('\n')));
breaks('leaves the last of several keys out', 'keys.line-feeds', listing((keys) => keys.slice(0, Math.max(1, keys.length - 1)).join('\n')));
breaks('sorts keys', 'keys.order', listing((keys) => (keys.length > 50 ? keys : keys.sort()).join('\n')));
breaks('lists the last key first', 'keys.order', listing((keys) => keys.reverse().join('\n')));
breaks('keeps entries in an object of JavaScript, which puts numbers first', 'keys.order-of-numbers', listing((keys) => Object.keys(Object.fromEntries(keys.map((key) => [key, true]))).join('\n')));
breaks('lists elements of a list first', 'keys.order-of-numbers', listing((keys) => [...keys.filter((key) => /^\[\d/.test(key)), ...keys.filter((key) => !/^\[\d/.test(key))].join('\n')));
breaks('lists at most 1000 keys', 'keys.all', listing((keys) => keys.slice(0, 1000).join('\n')));
breaks('hides the metatable', 'keys.metatable', listing((keys) => keys.filter((key) => key !== '[meta]').join('\n')));
breaks('hides keys whose values have no bytes', 'keys.empty-values', ({ tables, ...host }) => listing((keys, id) => keys.filter((key) => tables.get(id).get(key).length > 0).join('\n'))({ tables, ...host }));
breaks('lists keys as JSON', 'keys.lists', listing((keys) => (keys.length === 0 ? '' : JSON.stringify(keys))));
breaks('answers -1 where there are no keys', 'keys.none', ({ keys }) => ({ keys: (...all) => keys(...all) || -1 }));
breaks('answers the number of keys in place of the length of the list', 'keys.length', ({ keys, tables }) => ({
  keys: (id, ...room) => (keys(id, ...room) < 0 ? -1 : (tables.get(id)?.size ?? 0)),
}));
breaks('lists as many keys as there is room for', 'keys.too-small', ({ tables, memory }) => ({
  keys: (id, room, size) => {
    const bytes = encoder.encode([...(tables.get(id)?.keys() ?? [])].join('\n')).subarray(0, size);
    memory().set(bytes, room);
    return bytes.length;
  },
}));
breaks('measures the list in characters', 'keys.too-small', ({ tables, memory }) => ({
  keys: (id, room, size) => {
    const list = [...(tables.get(id)?.keys() ?? [])].join('\n');
    if (list.length > size) return -1;
    memory().set(encoder.encode(list), room);
    return encoder.encode(list).length;
  },
}));
breaks('answers the length of the list in characters', 'keys.exact-room', ({ keys, tables }) => ({
  keys: (id, ...room) => {
    const answer = keys(id, ...room);
    return answer < 0 ? answer : [...(tables.get(id)?.keys() ?? [])].join('\n').length;
  },
}));
breaks('wants room for one key more', 'keys.exact-room', ({ keys }) => ({ keys: (id, room, size) => keys(id, room, size - 1) }));
breaks('says that the list is shorter than it is', 'keys.too-small', ({ keys, tables }) => ({
  keys: (id, room, size) => {
    const length = encoder.encode([...(tables.get(id)?.keys() ?? [])].join('\n')).length;
    return length > size ? -Math.max(2, length - 1) : keys(id, room, size);
  },
}));
breaks('takes the room of a list for a number of 16 bits', 'keys.length', ({ keys }) => ({ keys: (id, room, size) => keys(id, room, size & 0xffff) }));
breaks('lists at most 65535 bytes of keys', 'keys.all', listing((keys) => (keys.join('\n').length > 65_535 ? keys.slice(0, 4000) : keys).join('\n')));
breaks('writes a zero behind the keys', 'memory.keys', ({ keys, memory }) => ({
  keys: (id, room, size) => {
    const answer = keys(id, room, size);
    if (answer >= 0) memory()[room + answer] = 0;
    return answer;
  },
}));
breaks('writes the keys before it looks at the room', 'memory.keys-too-small', ({ keys, tables, memory }) => ({
  keys: (id, room, size) => {
    const list = encoder.encode([...(tables.get(id)?.keys() ?? [])].join('\n'));
    if (list.length < 50) memory().set(list.subarray(0, memory().length - room), room);
    return keys(id, room, size);
  },
}));

// Texts of keys.
breaks('trims keys', 'key.spaces', rewriting((key) => key.trim() || key));
breaks('makes keys lower case', 'key.case', rewriting((key) => key.toLowerCase()));
breaks('brings keys into normal form C', 'key.unicode-forms', rewriting((key) => key.normalize('NFC')));
breaks('brings keys into normal form D', 'key.unicode-forms', rewriting((key) => key.normalize('NFD')));
breaks('brings keys into normal form KC', 'key.unicode-forms', rewriting((key) => key.normalize('NFKC')));
breaks('takes invisible characters away', 'key.invisible', rewriting((key) => key.replace(/[\u200b\ufeff\u00ad]/g, '')));
breaks('reads keys as Latin-1', 'key.utf8', ({ ...host }) => rewriting((key) => key)({ ...host, text: (at, length) => Buffer.from(host.bytes(at, length)).toString('latin1') }));
breaks('reads keys as ASCII', 'key.utf8', ({ ...host }) => rewriting((key) => key)({ ...host, text: (at, length) => Buffer.from(host.bytes(at, length)).toString('ascii') }));
breaks('replaces characters beyond 16 bits', 'key.utf8', rewriting((key) => key.replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd')));
breaks('takes keys of brackets for numbers', 'key.numbers', rewriting((key) => (/^\[-?\d+\]$/.test(key) ? `[${Number(key.slice(1, -1))}]` : key)));
breaks('takes keys of digits for numbers', 'key.numbers', rewriting((key) => (/^[+-]?\d/.test(key) && !Number.isNaN(Number(key)) ? String(Number(key)) : key)));
breaks('takes the brackets away', 'key.forms', rewriting((key) => (key.startsWith('[') && key.endsWith(']') && key !== '[meta]' ? key.slice(1, -1) : key)));
breaks('reads the escapes of keys', 'key.forms', rewriting((key) => (/^\["\\x[0-9A-F]{2}"\]$/.test(key) && !/0[AD]/.test(key) ? String.fromCharCode(parseInt(key.slice(4, 6), 16)) : key)));
breaks('keeps tables in objects with a prototype', 'key.names', ({ tables, text, memory }) => {
  const prototype = { constructor: new Uint8Array(3), toString: new Uint8Array(4) };
  return {
    get: (id, at, length, room, size) => {
      const value = tables.get(id)?.get(text(at, length)) ?? (tables.has(id) && Object.hasOwn(prototype, text(at, length)) ? prototype[text(at, length)] : undefined);
      if (value === undefined || value.length > size) return -1;
      memory().set(value, room);
      return value.length;
    },
  };
});
breaks('escapes keys for a query, and keeps them so', 'key.punctuation', rewriting((key) => key.replace(/'/g, "''")));
breaks('keeps keys as names of files', 'key.punctuation', rewriting((key) => key.replace(/[/\\:*?"<>|]/g, '_')));
breaks('decodes keys as parts of an address', 'key.punctuation', rewriting((key) => key.replace(/%20/g, ' ')));
breaks('cuts keys off at 255 bytes', 'key.lengths', rewriting((key) => (key.length < 10_000 ? key.slice(0, 255) : key)));
breaks('has room for keys of 16384 bytes', 'key.long', rewriting((key) => (key.length > 20_000 ? key.slice(0, 16_384) : key)));
breaks('has room for keys of 65535 bytes', 'key.long', ({ set }) => ({ set: (id, at, length, ...value) => (length > 65_535 ? -1 : set(id, at, length, ...value)) }));
breaks('refuses the metatable, as no key has that form', 'key.metatable', ({ text, set }) => ({
  set: (id, at, length, ...value) => (text(at, length) === '[meta]' ? -1 : set(id, at, length, ...value)),
}));

// Memory.
breaks('reads keys a word at a time, beyond the end of the memory', 'memory.ends', ({ get, memory }) => ({
  get: (id, at, length, ...rest) => {
    if (at + ((length + 7) & ~7) > memory().length) throw new RangeError('beyond the memory');
    return get(id, at, length, ...rest);
  },
}));
breaks('takes addresses for those of words', 'memory.odd-addresses', ({ get }) => ({
  get: (id, at, length, room, size) => get(id, at, length, room & ~3, size),
}));
breaks('takes the end of the memory for an address outside of it', 'memory.empty-ranges', ({ set, get, memory }) => ({
  set: (id, at, length, value, size) => (value >= memory().length ? -1 : set(id, at, length, value, size)),
  get: (id, at, length, room, size) => (room >= memory().length ? -1 : get(id, at, length, room, size)),
}));

// Table 0.
breaks('answers 0 to requests that it does not know', 'service.unknown', ({ get }) => ({
  get: (id, ...rest) => (id === 0 ? 0 : get(id, ...rest)),
}));
breaks('throws at table 0', 'service.unknown', ({ get }) => ({
  get: (id, ...rest) => {
    if (id === 0) throw new Error('no such table');
    return get(id, ...rest);
  },
}));
breaks('has table 0 from the start, with an entry', 'service.no-table', ({ size, keys }) => ({
  size: (id) => (id === 0 ? 1 : size(id)),
  keys: (id, ...room) => (id === 0 ? -1 : keys(id, ...room)),
}));
breaks('makes entries of requests', 'service.no-table', ({ tables, get, set }) => ({
  get: (id, at, length, ...room) => {
    if (id === 0 && tables.size > 0) set(0, at, length, at, length);
    return id === 0 ? -1 : get(id, at, length, ...room);
  },
}));
