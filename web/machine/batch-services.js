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

/**
 * A store that refuses no entry, and reads and writes many tables at once in a way of its own. Its changes go through the layer
 * while that watches them.
 *
 * @typedef {Store & { batches?: (layer: UndoLog, pages: KeyPages) => Batches }} BatchStore
 */

/**
 * @param {UndoLog} store
 * @param {BatchStore} base the store that it lies over
 * @param {KeyPages} keyPages
 * @param {Changes} changes
 * @param {boolean} takesRows whether it refuses no entry: what is refused, Lua has to hear at the assignment
 * @returns {Services}
 */
export function batchServices(store, base, keyPages, changes, takesRows) {
  const batches = base.batches === undefined ? new Batches(store, keyPages) : base.batches(store, keyPages);
  /** @type {Services} */
  const services = {
    readRows: declining((memory, limit, idsStart, idsEnd, start, end) => batches.readRows(memory, limit, idsStart, idsEnd, start, end)),
    readList: declining((memory, table, first, count, limit, start, end) => batches.readList(memory, table, first, count, limit, start, end)),
    readEntries: declining((memory, table, cursor, limit, start, end) => batches.readEntries(memory, table, cursor, limit, start, end)),
    freeIds: (first, count) => batches.freeIds(first, count),
  };
  if (changes.areCounted) services.revision = () => changes.revision();
  if (takesRows) {
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
