/**
 * Keeps the state of a machine with the session of `Lua.open`, and closes the machine.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Storage } from '../persist/backend.js'
 * @import { Meta } from '../persist/operations.js'
 * @import { Session } from '../persist/session.js'
 * @import { Guard } from './guard.js'
 * @import { LimitSetter } from './limits.js'
 */

import { LuaStateError } from '../errors.js';
import { MANIFEST_HASH } from '../loader.js';

/** The end of one machine, and what of it lasts. */
export class Lifetime {
  /**
   * @param {LuaInstance} instance
   * @param {Guard} guard
   * @param {LimitSetter} limits
   */
  constructor(instance, guard, limits) {
    /** @private */
    this.instance = instance;
    /** @private */
    this.guard = guard;
    /** @private */
    this.limits = limits;
    /**
     * What keeps the external tables, if anything does.
     *
     * @type {Session | null}
     */
    this.session = null;
    /**
     * What is stored with the external tables, while the machine was not closed yet.
     *
     * @private
     * @type {Meta | null}
     */
    this.lastMeta = null;
    /**
     * Whether the machine is closed but its finalizers have not run yet.
     *
     * @private
     */
    this.deinitDue = false;
  }

  /** @returns {Storage | 'other' | null} where the external tables are kept; null if they are not */
  get storage() {
    return this.session === null ? null : this.session.storage;
  }

  /** @returns {Meta} what is stored with the external tables */
  meta() {
    const { instance } = this;
    if (this.lastMeta === null || this.guard.obstacle !== 'closed') {
      this.lastMeta = {
        homeTableId: instance.getMemoryTableId(),
        nextTableId: instance.getExternalTableCounter(),
        abiHash: MANIFEST_HASH,
      };
    }
    return this.lastMeta;
  }

  /** Saves what has changed since the last save. */
  async save() {
    if (this.session === null) throw new LuaStateError('this Lua machine keeps nothing: only one made by Lua.open() can be saved', 'transient');
    await this.session.save();
  }

  /**
   * Closes the machine, and the session if there is one.
   *
   * @returns {Promise<void>}
   */
  close() {
    const { guard } = this;
    if (guard.obstacle === 'running') guard.check();
    if (guard.depth > 0) guard.checkOutside();
    if (guard.obstacle !== 'closed') {
      this.meta();
      this.deinitDue = guard.obstacle === '';
      guard.obstacle = 'closed';
    }
    if (this.session !== null) return this.closeSession(this.session);
    this.deinit();
    return Promise.resolve();
  }

  /**
   * @private
   * @param {Session} session
   */
  async closeSession(session) {
    // Finalizers may run as long as the limits allow, or the process be ended meanwhile: what there is is safe before that.
    if (this.deinitDue && !session.readOnly) await session.save();
    try {
      this.deinit();
    } finally {
      await session.close();
    }
  }

  /**
   * Lets finalizers run, and the machine go.
   *
   * @private
   */
  deinit() {
    const { guard, instance } = this;
    if (!this.deinitDue) return;
    this.deinitDue = false;
    this.limits.apply(undefined);
    try {
      guard.run(() => instance.deinit());
    } finally {
      guard.obstacle = 'closed';
    }
    // Finalizers may have made tables.
    if (this.lastMeta !== null) this.lastMeta.nextTableId = instance.getExternalTableCounter();
  }
}
