/**
 * Makes the handlers of the services that read and write many tables at once.
 *
 * @import { Services } from '../loader.js'
 * @import { KeyPages } from '../store/key-pages.js'
 * @import { Store } from '../store/store.js'
 * @import { UndoLog } from '../store/undo-log.js'
 * @import { Changes } from './changes.js'
 */

import { Batches } from '../store/batches.js';
import { isPlain, MapStore } from '../store/map-store.js';

/**
 * @param {UndoLog} store
 * @param {Store} base the store that it lies over
 * @param {KeyPages} keyPages
 * @param {Changes} changes
 * @param {boolean} hasQuota
 * @returns {Services}
 */
export function batchServices(store, base, keyPages, changes, hasQuota) {
  // A class that extends MapStore may have methods of its own, which batches would pass by.
  const hasBatches = base.batches !== undefined && (!(base instanceof MapStore) || isPlain(base));
  const batches = hasBatches && base.batches !== undefined ? base.batches(store, keyPages) : new Batches(store, keyPages);
  /** @type {Services} */
  const services = {
    readRows: declining((memory, limit, idsStart, idsEnd, start, end) => batches.readRows(memory, limit, idsStart, idsEnd, start, end)),
    readList: declining((memory, table, first, count, limit, start, end) => batches.readList(memory, table, first, count, limit, start, end)),
    readEntries: declining((memory, table, cursor, limit, start, end) => batches.readEntries(memory, table, cursor, limit, start, end)),
    freeIds: (first, count) => batches.freeIds(first, count),
  };
  if (changes.areCounted) services.revision = () => changes.revision();
  // What a store refuses, Lua has to hear at the assignment.
  if (hasBatches && !hasQuota) {
    services.writeRows = changes.counting((memory, start, end, replyStart, replyEnd) => batches.writeRows(memory, start, end, replyStart, replyEnd));
    services.failure = () => batches.takeReason();
  }
  return services;
}

/**
 * Declines a request that fails: the module then asks for each entry by itself, and the one that fails tells why.
 *
 * @template {any[]} T
 * @template R
 * @param {(...args: T) => R} read
 * @returns {(...args: T) => R | null}
 */
function declining(read) {
  return (...args) => {
    try {
      return read(...args);
    } catch (_error) {
      return null;
    }
  };
}
