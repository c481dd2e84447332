/**
 * Lists the snapshots that were taken since the page was loaded.
 */

import { byId, make, makeButton } from './dom.js';
import { download, timestamp } from './files.js';
import { bytes } from './format.js';

/** As many as are kept; the oldest goes first. */
const MOST = 20;

/**
 * @typedef {object} Kept
 * @property {string} name
 * @property {Uint8Array} content
 * @property {string} time
 */

export class Snapshots {
  /** @param {(snapshot: Kept) => void} onRestore */
  constructor(onRestore) {
    this.onRestore = onRestore;
    /** @type {Kept[]} */
    this.kept = [];
    this.taken = 0;
    this.show();
  }

  /**
   * @param {Uint8Array} content
   * @param {string} [name]
   * @returns {Kept}
   */
  add(content, name = `Snapshot ${++this.taken}`) {
    const snapshot = { name, content, time: new Date().toLocaleTimeString('en', { hour12: false }) };
    this.kept.unshift(snapshot);
    this.kept.length = Math.min(this.kept.length, MOST);
    this.show();
    return snapshot;
  }

  /** @private */
  show() {
    const cards = this.kept.map((snapshot) => {
      const { name, content, time } = snapshot;
      return make(
        'li',
        {},
        make('span', { class: 'title' }, name),
        make('span', { class: 'detail' }, `${time}, ${bytes(content.length)}`),
        makeButton('Restore', () => this.onRestore(snapshot), { 'aria-label': `Restore ${name}` }),
        makeButton('Download', () => download(`lua-${timestamp()}.snapshot`, 'application/octet-stream', /** @type {any} */ (content)), {
          'aria-label': `Download ${name}`,
        }),
        makeButton('Remove', () => this.remove(snapshot), { class: 'plain', 'aria-label': `Remove ${name}` }),
      );
    });
    byId('snapshots').replaceChildren(...(cards.length > 0 ? cards : [make('li', { class: 'empty' }, 'There are no snapshots yet.')]));
  }

  /**
   * @private
   * @param {Kept} snapshot
   */
  remove(snapshot) {
    this.kept = this.kept.filter((each) => each !== snapshot);
    this.show();
    byId('tab-snapshots').focus();
  }
}
