/**
 * Takes blocks of Lua's heap, measures it, and collects garbage when it fills up.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Guard } from './guard.js'
 * @import { HeldValues } from './held-values.js'
 * @import { IoBuffer } from './io-buffer.js'
 * @import { MemoryStats } from './options.js'
 */

import { LuaError } from '../errors.js';
import { STATUS_MEMORY_ERROR, WASM_PAGE_SIZE } from '../loader.js';

/** How many values that JavaScript holds are surely worth a look whether it has them still, however full the heap is. */
const MOST_HELD = 2000;

/** The heap of one machine. */
export class Heap {
  /**
   * @param {LuaInstance} instance
   * @param {IoBuffer} buffer
   * @param {Guard} guard
   * @param {HeldValues} held
   */
  constructor(instance, buffer, guard, held) {
    /** @private */
    this.instance = instance;
    /** @private */
    this.buffer = buffer;
    /** @private */
    this.guard = guard;
    /** @private */
    this.held = held;
    /**
     * Bytes that may be used before `relieve` does anything.
     *
     * @private
     */
    this.enough = instance.getHeapSize() / 2;
    /**
     * How many values JavaScript may hold before `relieve` does anything: Lua's list of them doubles in one piece.
     *
     * @private
     */
    this.enoughHeld = MOST_HELD;
    /**
     * How often in a row `relieve` has found little.
     *
     * @private
     */
    this.vain = 0;
  }

  /** Collects all garbage. */
  collect() {
    this.guard.run(() => this.instance.runGc());
  }

  /**
   * Takes a block.
   *
   * @param {number} size
   * @returns {number} its address
   * @throws {LuaError} if there is not so much memory
   */
  allocate(size) {
    const { instance } = this;
    let at = instance.luaAlloc(0, 0, 0, size);
    if (at === 0) {
      this.collect();
      at = instance.luaAlloc(0, 0, 0, size);
    }
    if (at === 0) throw new LuaError(`not enough memory for ${size} bytes of code or arguments`, { code: STATUS_MEMORY_ERROR });
    return at;
  }

  /**
   * Frees a block.
   *
   * @param {number} at its address
   * @param {number} size
   */
  free(at, size) {
    this.instance.luaAlloc(0, at, size, 0);
  }

  /** @returns {boolean} whether so much is used that `relieve` may help */
  isFull() {
    return this.used() >= this.enough || this.held.size >= this.enoughHeld;
  }

  /**
   * Releases Lua functions that JavaScript holds no longer: JavaScript's collector sees that they are small, and not what they
   * hold in Lua.
   */
  relieve() {
    const { held } = this;
    const size = this.instance.getHeapSize();
    this.collect();
    const before = held.size;
    if (this.used() >= size / 4 || before >= this.enoughHeld) {
      held.reclaim(true);
      this.collect();
    }
    // What the engine has not found this time it often finds in the next turn. Where it finds nothing again and again, a quarter
    // of what is free may be filled before this is done once more.
    this.vain = held.size > before * 0.75 ? this.vain + 1 : 0;
    const left = this.used();
    this.enoughHeld = Math.max(MOST_HELD, 2 * held.size);
    this.enough = Math.max(size / 2, left + (size - left) / (this.vain > 3 ? 4 : 16));
  }

  /** @returns {MemoryStats} */
  stats() {
    const { instance, buffer } = this;
    buffer.uses++;
    const stats = instance.getMemoryStats(buffer.address);
    return Object.assign(stats, { heapSize: instance.getHeapSize(), totalMemory: stats.wasmPages * WASM_PAGE_SIZE });
  }

  /**
   * @private
   * @returns {number} bytes in use, garbage included
   */
  used() {
    return this.instance.getMemoryStats(this.buffer.address).luaMemoryUsed;
  }
}
