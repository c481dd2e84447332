/**
 * The objects that stand for something that lives elsewhere, by its number (tables and functions of a store, values of a
 * machine): one object for a number, for as long as someone has it.
 *
 * Engines older than `WeakRef` (before Chrome 84) keep every object until its machine goes.
 */

/** @typedef {object} Handle */

const IS_WEAK = typeof WeakRef === 'function' && typeof FinalizationRegistry === 'function';

/** Objects by id. */
export class Handles {
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
   * Forget an object that is of no use any more.
   *
   * @param {number} id
   */
  delete(id) {
    this.references.delete(id);
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
