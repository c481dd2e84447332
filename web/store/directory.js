/**
 * Finds numbers by the ids of tables: ids that lie close together, as those that are given one after another, in pages, so
 * that each takes four bytes; others in a Map.
 */

/** Ids of a page, as a power of two. */
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
const PAGE_MASK = PAGE - 1;

/** Ids below this have pages in any case, and those below as many times the number of tables. */
const LOW = 1 << 16;
const SPARSE = 16;

/** Numbers by id. */
export class Directory {
  constructor() {
    /** @private @type {(Int32Array | undefined)[]} */
    this.pages = [];
    /** @private @type {Map<number, number>} */
    this.others = new Map();
    /** How many ids have a number. */
    this.size = 0;
  }

  /**
   * @param {number} id
   * @returns {number} 0 if it has none
   */
  get(id) {
    const page = this.pages[id >>> PAGE_BITS];
    const number = page === undefined ? 0 : page[id & PAGE_MASK];
    return number !== 0 || this.others.size === 0 ? number : this.others.get(id) || 0;
  }

  /**
   * @param {number} id
   * @param {number} number 0: it has none any more
   */
  set(id, number) {
    const page = this.pages[id >>> PAGE_BITS];
    if (page !== undefined && page[id & PAGE_MASK] !== 0) {
      if (number === 0) this.size--;
      page[id & PAGE_MASK] = number;
    } else if (this.others.size > 0 && this.others.has(id)) {
      if (number !== 0) this.others.set(id, number);
      else if (this.others.delete(id)) this.size--;
    } else if (number !== 0) {
      this.add(id, number);
    }
  }

  /**
   * @private
   * @param {number} id that has no number
   * @param {number} number
   */
  add(id, number) {
    this.size++;
    let page = this.pages[id >>> PAGE_BITS];
    if (page === undefined) {
      if (id >= LOW && id >= SPARSE * this.size) {
        this.others.set(id, number);
        return;
      }
      while (this.pages.length < id >>> PAGE_BITS) this.pages.push(undefined);
      page = new Int32Array(PAGE);
      this.pages[id >>> PAGE_BITS] = page;
    }
    page[id & PAGE_MASK] = number;
  }

  /** The highest id that has a number; 0 if none has. */
  get highest() {
    let highest = 0;
    for (const id of this.others.keys()) highest = Math.max(highest, id);
    for (let index = this.pages.length - 1; index >= 0; index--) {
      const page = this.pages[index];
      if (page === undefined) continue;
      for (let low = PAGE - 1; low >= 0; low--) if (page[low] !== 0) return Math.max(highest, index * PAGE + low);
    }
    return highest;
  }

  /** @returns {Iterable<number>} all ids that have a number; some may lose it meanwhile */
  *ids() {
    for (let index = 0; index < this.pages.length; index++) {
      const page = this.pages[index];
      if (page === undefined) continue;
      for (let low = 0; low < PAGE; low++) if (page[low] !== 0) yield index * PAGE + low;
    }
    yield* this.others.keys();
  }

  /**
   * Calls a function with each number, and puts what it returns in its place.
   *
   * @param {(number: number) => number} replace returns no 0
   */
  replaceAll(replace) {
    for (const page of this.pages) {
      if (page === undefined) continue;
      for (let low = 0; low < PAGE; low++) if (page[low] !== 0) page[low] = replace(page[low]);
    }
    this.others.forEach((number, id) => this.others.set(id, replace(number)));
  }
}
