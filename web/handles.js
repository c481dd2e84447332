/**
 * The objects that stand for tables and functions of a store, by id: one object for an id, for as long as someone has it.
 *
 * Engines older than `WeakRef` (before Chrome 84) keep every object until its machine goes.
 */

/** @typedef {import('./values.js').TableReference | import('./values.js').LuaFunction} Handle */

const IS_WEAK = typeof WeakRef === 'function' && typeof FinalizationRegistry === 'function';

/** Objects by id. */
export class Handles {
  constructor() {
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
    if (this.get(id) === undefined) this.references.delete(id);
  }
}
