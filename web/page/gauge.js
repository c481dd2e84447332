/**
 * Shows the figures at the foot of the page: what the machine's memory and the external tables hold.
 *
 * @import { Stats } from './playground.js'
 */

import { byId } from './dom.js';
import { bytes, number } from './format.js';
import { showRelease } from './line.js';

/** @param {Stats} stats */
export function showStats({ heap, capacity, pages, tables, items, bytes: size, release }) {
  const gauge = byId('heap');
  const text = `${bytes(heap)} of ${bytes(capacity)}`;
  gauge.setAttribute('aria-valuemax', String(capacity));
  gauge.setAttribute('aria-valuenow', String(heap));
  gauge.setAttribute('aria-valuetext', text);
  const part = capacity === 0 ? 0 : heap / capacity;
  /** @type {HTMLElement} */ (gauge.firstElementChild).style.transform = `scaleX(${part})`;
  byId('heap-text').textContent = text;
  byId('pages').textContent = `${number(pages)} pages`;
  byId('tables-count').textContent = number(tables);
  byId('items').textContent = number(items);
  byId('bytes').textContent = bytes(size);
  showRelease(release);
}
