// Hosts that each break a promise of a service: the package's host, with one mistake. The conformance kit names the promise.

import assert from 'node:assert/strict';
import test from 'node:test';

import { MapStore } from '../../../web/lua-persistent.js';
import { SERVICES } from '../../../web/loader.js';
import { complaints, packageHost, runKit } from '../support/kit.js';

/**
 * Defines a test: the package's host, but for what it answers to some requests, breaks a promise.
 *
 * @param {string} mistake
 * @param {string} promise what the kit has to name
 * @param {Record<string, (ask: (room?: number) => number, host: any) => number>} services replaces services: each gets the
 *   function that asks the one in its place, and where request and reply lie; `set` gets what stores, and the length of the value
 */
function breaks(mistake, promise, { set: storing = (set) => set(), ...services }) {
  test(`a host that ${mistake} breaks ${promise}`, () => {
    const store = new MapStore();
    const report = runKit((kit, memory) => {
      const env = packageHost(store)(kit, memory);
      const { js_ext_table_get: get, js_ext_table_set: set } = env;
      env.js_ext_table_set = (...all) => storing(() => set(...all), all[4]);
      const replaced = new Map(Object.entries(services).map(([name, answer]) => [SERVICES[name] ?? 0, answer]));
      env.js_ext_table_get = (id, at, length, room, size) => {
        const number = memory()[at];
        const answer = id === 0 && (replaced.get(number) ?? replaced.get(number > 15 ? 0 : -1));
        if (!answer) return get(id, at, length, room, size);
        const view = new DataView(memory().buffer);
        return answer((other = size) => get(id, at, length, room, other), { memory: memory(), view, at, length, room, size, env, store });
      };
      return env;
    });
    assert.ok(report.failed.includes(promise), complaints(report).join('\n') || 'the kit finds nothing');
  });
}

/** Adds a number to one of the words of a reply. */
const adding = (offset, change) => (ask, { view, room }) => {
  const length = ask();
  if (length > offset) view.setUint32(room + offset, change(view.getUint32(room + offset, true)), true);
  return length;
};

breaks('answers requests that there are not', 'service.unknown', { unknown: () => 0 });
breaks('names a service that it answers with -1', 'clock.unix-seconds', { clock: () => -1 });
breaks('answers a service that it does not name', 'service.not-offered', { negotiate: adding(0, (bits) => bits & ~(1 << SERVICES.clock)) });
breaks('names other services each time', 'negotiate.same-again', {
  negotiate: (() => {
    let count = 0;
    return adding(4, (longest) => longest - ++count);
  })(),
});
breaks('says that it takes longer values than it does', 'set.longest-negotiated', { set: (set, length) => (length > 100_000 ? -1 : set()) });
breaks('counts the head of a value into its limit', 'set.longest-negotiated', { set: (set, length) => (length > 1 << 20 ? -1 : set()) });
breaks('refuses versions that it does not know by an exception', 'negotiate.any-version', {
  negotiate: (ask, { view, at }) => {
    if (view.getUint32(at + 1, true) > 100) throw new Error('too new');
    return ask();
  },
});
breaks('answers -1 if there is no room for a reply', 'clock.too-small', { clock: (ask) => Math.max(-1, ask()) });
breaks('has a clock of milliseconds', 'clock.unix-seconds', {
  clock: (ask, { view, room }) => {
    const length = ask();
    if (length > 0) view.setFloat64(room, Date.now(), true);
    return length;
  },
});
breaks('has a clock whose bytes are in the other order', 'clock.unix-seconds', {
  clock: (ask, { view, room }) => {
    const length = ask();
    if (length > 0) view.setFloat64(room, view.getFloat64(room, true), false);
    return length;
  },
});
breaks('has a clock with one hand', 'clock.unix-seconds', { clock: (ask, { size }) => (size < 8 ? -8 : Math.min(8, ask(16))) });
breaks('has no number for the processor', 'clock.cpu-seconds', {
  clock: (ask, { view, room }) => {
    const length = ask();
    if (length > 0) view.setFloat64(room + 8, NaN, true);
    return length;
  },
});
breaks('tells the offset of local time in milliseconds', 'utc-offset.seconds', { utcOffset: adding(0, () => 3_600_000) });
breaks('throws at instants that it does not know', 'utc-offset.any-instant', {
  utcOffset: (ask, { view, at }) => {
    if (Math.abs(view.getFloat64(at + 1, true)) > 8.64e12) throw new RangeError('no such date');
    return ask();
  },
});
breaks('has the same random bits again', 'entropy.bits', {
  entropy: (ask, { memory, room }) => {
    const length = ask();
    if (length > 0) memory.fill(7, room, room + 16);
    return length;
  },
});
breaks('answers output with its length', 'output.taken', { output: (ask, { length }) => ask() + length - 1 });
breaks('takes output for UTF-8 only', 'output.any-bytes', {
  output: (ask, { memory, at, length }) => {
    new TextDecoder('utf-8', { fatal: true }).decode(memory.slice(at + 1, at + length));
    return ask();
  },
});
breaks('answers a line feed behind each page of keys', 'pages.one', {
  keys: (ask, { memory, room, size }) => {
    const length = ask();
    if (length < 5 || length >= size) return length;
    memory[room + length] = 0x0a;
    return length + 1;
  },
});
breaks('has no end of pages', 'pages.one', { keys: adding(0, (cursor) => cursor || 99) });
breaks('ends after the first page', 'pages.several', { keys: adding(0, () => 0) });
breaks('forgets the cursor in the size of a page', 'pages.room-for-one', { keys: (ask) => {
  const length = ask();
  return length < -5 ? length + 4 : length;
} });
breaks('does not know pages of no table', 'pages.no-table', { keys: (ask, { view, at, store }) => (store.size(view.getUint32(at + 1, true)) === 0 ? -1 : ask()) });
breaks('counts keys for cursors', 'pages.changes', {
  keys: (_ask, { view, memory, at, room, size, store }) => {
    const keys = [...store.keys(view.getUint32(at + 1, true))].map((key) => Buffer.from(key));
    let index = view.getUint32(at + 5, true);
    let end = 4;
    for (; index < keys.length; index++) {
      const from = end === 4 ? 4 : end + 1;
      if (from + keys[index].length > size) break;
      if (from > 4) memory[room + end] = 0x0a;
      memory.set(keys[index], room + from);
      end = from + keys[index].length;
    }
    if (end === 4 && index < keys.length) return -4 - keys[index].length;
    view.setUint32(room, index < keys.length ? index : 0, true);
    return end;
  },
});
breaks('has one cursor for all walks', 'pages.walks', {
  keys: (() => {
    let last = 0;
    return (ask, { view, at, room }) => {
      if (view.getUint32(at + 5, true) !== 0) view.setUint32(at + 5, last, true);
      const length = ask();
      if (length >= 4 && view.getUint32(room, true) !== 0) {
        last = view.getUint32(room, true);
        view.setUint32(room, 1, true);
      }
      return length;
    };
  })(),
});
breaks('closes all cursors with one', 'close-cursor.closes', {
  closeCursor: (ask, { view, at }) => {
    const cursor = view.getUint32(at + 1, true);
    for (let other = cursor + 3; other > Math.max(0, cursor - 3); other--) {
      view.setUint32(at + 1, other, true);
      ask();
    }
    return 0;
  },
});
breaks('does not drop', 'drop.drops', { drop: () => 0 });
breaks('answers the number of entries that it drops', 'drop.drops', { drop: (ask) => ask() + 3 });
breaks('drops the table with the next id, too', 'drop.nothing-else', {
  drop: (ask, { view, at }) => {
    const id = view.getUint32(at + 1, true);
    ask();
    view.setUint32(at + 1, id + 1, true);
    return ask();
  },
});
/** Lists ids in one page. */
const ids = (list) => (_ask, { view, room, size, store }) => {
  const all = list([...store.tableIds()]);
  if (4 + 4 * all.length > size) return -4 - 4 * all.length;
  view.setUint32(room, 0, true);
  all.forEach((id, index) => view.setInt32(room + 4 + 4 * index, id, true));
  return 4 + 4 * all.length;
};
breaks('lists ids below 2^31 only', 'tables.ids', { tables: ids((all) => all.filter((id) => id < 2 ** 31)) });
breaks('lists table 0', 'tables.ids', { tables: ids((all) => [0, ...all]) });
breaks('lists ids twice', 'tables.ids', { tables: ids((all) => [...all, ...all]) });
breaks('lists all ids at once, or none', 'tables.pages', { tables: ids((all) => all) });
breaks('makes tables by looking for them', 'tables.reading-creates-none', {
  // As if it had each of the ids that the kit uses.
  tables: ids((all) => [...new Set([...all, ...Array.from({ length: 3500 }, (_, index) => 109_000 + index)])]),
});
breaks('finds every function', 'find-function.unknown', {
  findFunction: (ask, { view, room }) => {
    const length = ask();
    if (length >= 0) return length;
    view.setUint32(room, 1, true);
    return 4;
  },
});
breaks('gives a function another number each time', 'find-function.finds', {
  findFunction: (() => {
    let count = 0;
    return adding(0, (number) => number + 100 * count++);
  })(),
});
breaks('reverses results', 'call.arguments', {
  call: (ask, { memory, room }) => {
    const length = ask();
    if (length > 5) [memory[room + 1], memory[room + 3]] = [memory[room + 3], memory[room + 1] ^ 1];
    return length;
  },
});
breaks('returns from functions that there are not', 'call.unknown', {
  call: (ask, { view, memory, at, room }) => {
    if (view.getUint32(at + 1, true) < 1e9) return ask();
    memory[room] = 0;
    return 1;
  },
});
breaks('keeps no rest', 'call.rest', { rest: () => -1 });
breaks('calls the function again for the rest', 'call.rest', { rest: (_ask, { memory, room }) => {
  memory[room] = 0;
  return 1;
} });
breaks('cannot be used while it answers', 'call.within', (() => {
  let isAnswering = false;
  return {
    set: (set) => (isAnswering ? -1 : set()),
    call: (ask) => {
      isAnswering = true;
      const length = ask();
      isAnswering = false;
      return length;
    },
  };
})());
breaks('answers -1 to the release of a function', 'release.taken', { release: (ask) => ask() - 1 });
breaks('answers the number of a released function', 'release.taken', { release: (_ask, { view, at }) => view.getUint32(at + 1, true) & 0xff });
breaks('has empty sources for all modules', 'module.unknown', { module: (ask) => Math.max(0, ask()) });
breaks('cuts sources of modules', 'module.too-small', { module: (ask, { size }) => {
  const length = ask(1000);
  return length > size ? size : length;
} });
breaks('ends sources of modules with a zero', 'module.source', { module: (ask, { memory, room }) => {
  const length = ask();
  if (length > 0) memory[room + length - 1] = 0;
  return length;
} });

/** Changes a byte of a reply, counted from its end. */
const flipping = (before) => (ask, { memory, room }) => {
  const length = ask();
  if (length >= before) memory[room + length - before] ^= 1;
  return length;
};

breaks('has another revision each time', 'revision.own-changes', {
  revision: (() => {
    let count = 0;
    return adding(0, (low) => low + ++count);
  })(),
});
breaks('gives other values in rows', 'read-rows.row', { readRows: flipping(1) });
breaks('has no rows of tables that there are not', 'read-rows.no-table', {
  readRows: (ask) => {
    const length = ask();
    return length === 14 ? -1 : length;
  },
});
breaks('gives rows that are too large', 'read-rows.large', {
  readRows: (ask, { view, at }) => {
    view.setUint32(at + 1, 4096, true);
    return ask();
  },
});
breaks('says nothing of the room that a row needs', 'read-rows.too-small', { readRows: (ask) => Math.max(ask(), -1) });
breaks('gives fewer values of a list than there are', 'read-list.values', {
  readList: (ask, { view, at }) => {
    view.setUint32(at + 9, view.getUint32(at + 9, true) - 1, true);
    return ask();
  },
});
breaks('gives a list without its tables', 'read-list.tables', { readList: (ask, { view, room }) => Math.min(ask(), 17 + view.getUint32(room + 13, true)) });
breaks('takes long values of a list for absent ones', 'read-list.long', { readList: flipping(1) });
breaks('has another page of entries behind the last one', 'read-entries.page', { readEntries: adding(0, () => 7) });
breaks('counts what it has written wrongly', 'write-rows.applies', { writeRows: adding(0, (done) => done + 1) });
breaks('adds rows to what their tables have', 'write-rows.whole', {
  writeRows: (ask, { view, at, store }) => {
    const length = ask();
    // The table of the row behind a shape of two keys.
    if (view.getUint8(at + 1) === 1) store.set(view.getUint32(at + 11, true), 'b', Uint8Array.of(1, 1));
    return length;
  },
});
breaks('says that it has written what it refuses', 'write-rows.refused', { writeRows: adding(0, (done) => Math.max(done, 3)) });
breaks('finds longer runs of free ids than there are', 'free-ids.run', { freeIds: adding(4, () => 5) });
