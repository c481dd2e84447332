/**
 * Gathers output on its way to the page, and cuts it where a program prints faster than anybody could read.
 */

/** Characters that go to the page at once. */
const MOST = 1 << 16;

export class OutputBuffer {
  constructor() {
    /** @type {string[]} */
    this.pieces = [];
    this.length = 0;
    /** Lines that were cut since the last time. */
    this.skipped = 0;
  }

  /** @param {string} text */
  add(text) {
    this.pieces.push(text);
    this.length += text.length;
    if (this.length > 4 * MOST) this.cut();
  }

  /** @returns {{ text: string, skipped: number } | null} what has come since the last time; null if nothing has */
  take() {
    if (this.length === 0) return null;
    if (this.length > MOST) this.cut();
    const taken = { text: this.pieces.join(''), skipped: this.skipped };
    this.pieces = [];
    this.length = 0;
    this.skipped = 0;
    return taken;
  }

  /** Keeps the end, from the beginning of a line where there is one. */
  cut() {
    const text = this.pieces.join('');
    const lineEnd = text.indexOf('\n', text.length - MOST);
    const start = lineEnd < 0 ? text.length - MOST : lineEnd + 1;
    for (let at = text.indexOf('\n'); at >= 0 && at < start; at = text.indexOf('\n', at + 1)) this.skipped++;
    this.pieces = [text.slice(start)];
    this.length = text.length - start;
  }
}
