/**
 * Shows what a script prints. The document holds the end of it: a script may print a million lines, and a browser that lays
 * them all out is one that nobody can use.
 */

import { byId, make } from './dom.js';
import { plural } from './format.js';

/** Characters and lines that are shown. */
const MOST = 60000;
const MOST_LINES = 2000;

/** Characters of a block: as a whole they leave at the top. */
const BLOCK = 8192;

/**
 * @typedef {object} Block
 * @property {HTMLElement} element
 * @property {number} length
 * @property {number} lines
 */

export class OutputPane {
  constructor() {
    this.element = byId('output');
    this.note = byId('output-skipped');
    /** @type {Block[]} */
    this.blocks = [];
    this.length = 0;
    this.lines = 0;
    this.skipped = 0;
    this.pending = '';
    this.frame = 0;
  }

  /** All that is shown. */
  get text() {
    this.flush();
    return this.element.textContent || '';
  }

  clear() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.pending = '';
    this.blocks = [];
    this.length = 0;
    this.lines = 0;
    this.skipped = 0;
    this.element.textContent = '';
    this.note.hidden = true;
  }

  /** @param {{ text: string, skipped: number }} output */
  add({ text, skipped }) {
    this.pending += text;
    this.skipped += skipped;
    if (this.pending.length > 2 * MOST) this.flush();
    else if (this.frame === 0) this.frame = requestAnimationFrame(() => this.flush());
  }

  /** Show what has come. */
  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { element } = this;
    if (this.pending === '') return;
    // What would leave again at once need not come.
    const start = this.pending.length > MOST ? this.pending.indexOf('\n', this.pending.length - MOST) + 1 : 0;
    this.skipped += countLines(this.pending.slice(0, start));
    const pending = this.pending.slice(start);
    this.pending = '';
    const follows = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    for (const piece of inBlocks(pending)) this.append(piece);
    while (this.blocks.length > 1 && (this.length > MOST || this.lines > MOST_LINES)) this.dropFirst();
    this.note.hidden = this.skipped === 0;
    if (this.skipped > 0) this.note.textContent = `${plural(this.skipped, 'earlier line')} not shown`;
    if (follows) element.scrollTop = element.scrollHeight;
  }

  /**
   * @private
   * @param {string} text
   */
  append(text) {
    const last = this.blocks[this.blocks.length - 1];
    const lines = countLines(text);
    if (last !== undefined && last.length + text.length <= BLOCK) {
      last.element.append(text);
      last.length += text.length;
      last.lines += lines;
    } else {
      const element = make('span', {}, text);
      this.element.append(element);
      this.blocks.push({ element, length: text.length, lines });
    }
    this.length += text.length;
    this.lines += lines;
  }

  /** @private */
  dropFirst() {
    const first = this.blocks.shift();
    if (first === undefined) return;
    first.element.remove();
    this.length -= first.length;
    this.lines -= first.lines;
    this.skipped += first.lines;
  }
}

/**
 * Text in parts that end at a line's end where one is near.
 *
 * @param {string} text
 * @returns {Iterable<string>}
 */
function* inBlocks(text) {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(text.length, start + BLOCK);
    const lineEnd = end < text.length ? text.lastIndexOf('\n', end) : -1;
    if (lineEnd > start) end = lineEnd + 1;
    yield text.slice(start, end);
    start = end;
  }
}

/**
 * @param {string} text
 * @returns {number}
 */
function countLines(text) {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
