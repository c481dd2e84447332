/**
 * Keeps the objects that stand for something that lives elsewhere, by its number (tables and functions of a store, values of a
 * machine): one object for a number, for as long as someone has it.
 *
 * Engines older than `WeakRef` (before Chrome 84) keep every object until its machine goes.
 */

/** @typedef {object} Handle */

const IS_WEAK = typeof WeakRef === 'function' && typeof FinalizationRegistry === 'function';

/** Bytes that are taken to make the engine collect, each time, and how often. */
const BLOCK = 1 << 27;
const BLOCKS = 16;

/** Objects by id. */
export class IdentityMap {
  /** @param {(id: number) => void} [gone] is told when nobody has the object of an id any more */
  constructor(gone = () => {}) {
    /** @private */
    this.gone = gone;
    /**
     * @private
     * @type {Map<number, WeakRef<Handle> | { deref: () => Handle | undefined }>}
     */
    this.references = new Map();
    /** @private */
    this.registry = IS_WEAK ? new FinalizationRegistry((/** @type {number} */ id) => this.forget(id)) : null;
  }

  /**
   * @param {number} id
   * @returns {Handle | undefined}
   */
  get(id) {
    const reference = this.references.get(id);
    return reference === undefined ? undefined : reference.deref();
  }

  /**
   * @param {number} id
   * @param {Handle} handle
   */
  set(id, handle) {
    this.references.set(id, IS_WEAK ? new WeakRef(handle) : { deref: () => handle });
    if (this.registry !== null) this.registry.register(handle, id);
  }

  /**
   * Forgets an object that is of no use any more.
   *
   * @param {number} id
   */
  delete(id) {
    this.references.delete(id);
  }

  /** How many ids there are whose objects someone may still have. */
  get size() {
    return this.references.size;
  }

  /** Forgets the objects that the engine has collected, without waiting for it to say so. */
  sweep() {
    this.references.forEach((reference, id) => {
      if (reference.deref() === undefined) this.forget(id);
    });
  }

  /**
   * Makes the engine collect its garbage, as far as JavaScript code can: to it, objects that hold much elsewhere look small.
   * Memory that is taken for a moment, and never touched, makes it look.
   */
  press() {
    if (!IS_WEAK) return;
    // A collection that was under way spares what came since it began, so there have to be several. Whether there were cannot be
    // looked at: an object that is taken out stays to the end of the turn.
    try {
      for (let count = 0; count < BLOCKS; count++) {
        if (new ArrayBuffer(BLOCK).byteLength === 0) return;
      }
    } catch (_noMemory) {
      // The engine has collected before it said so.
    }
  }

  /** @returns {number[]} the ids of all objects that someone may still have */
  numbers() {
    return Array.from(this.references.keys());
  }

  /** @param {(handle: Handle) => void} visit called for each object that someone may still have */
  forEach(visit) {
    this.references.forEach((reference) => {
      const handle = reference.deref();
      if (handle !== undefined) visit(handle);
    });
  }

  /**
   * @private
   * @param {number} id whose object is gone; another may have taken its place
   */
  forget(id) {
    if (!this.references.has(id) || this.get(id) !== undefined) return;
    this.references.delete(id);
    this.gone(id);
  }
}
