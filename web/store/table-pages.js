/**
 * Gives the ids of a store's tables in pages, for the service `tables`.
 *
 * @import { Store } from './store.js'
 */

/** Bytes of a page's cursor. */
const CURSOR = 4;

/** Gives the ids of a store's tables in pages. */
export class TablePages {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /**
     * The ids as they were when the first page was asked for.
     *
     * @private
     */
    this.ids = new Uint32Array(0);
  }

  /**
   * @param {number} cursor how many ids have been given, 0 for the first page
   * @param {number} room bytes that the ids may take
   * @returns {{ cursor: number, ids: Uint8Array } | null} null for a cursor that was not given
   */
  page(cursor, room) {
    if (cursor === 0) this.ids = Uint32Array.from(this.store.tableIds());
    const { ids } = this;
    if (cursor > ids.length || room < CURSOR) return null;
    const end = Math.min(ids.length, cursor + Math.floor(room / 4));
    const bytes = new Uint8Array(4 * (end - cursor));
    const view = new DataView(bytes.buffer);
    for (let index = cursor; index < end; index++) view.setUint32(4 * (index - cursor), ids[index], true);
    if (end < ids.length) return { cursor: end, ids: bytes };
    this.ids = new Uint32Array(0);
    return { cursor: 0, ids: bytes };
  }
}
