/**
 * Keeps the values that stay in Lua and that JavaScript holds: a Lua function is a `LuaFunction` that can be called, a
 * coroutine or userdata a `LuaOpaque`. Lua keeps them until they are released, by hand or when JavaScript has collected them.
 *
 * @import { Writer } from '../values/encoder.js'
 * @import { LuaCallable } from '../values/values.js'
 */

import { EncodeError } from '../errors.js';
import { CheckpointLog } from '../values/checkpoint-log.js';
import { IdentityMap } from '../values/identity-map.js';
import { TAG_REFERENCE } from '../loader.js';
import { callable, LuaOpaque } from '../values/values.js';

/**
 * What held values need of their machine.
 *
 * @typedef {object} Machine
 * @property {(target: LuaCallable, args: any[]) => any} call
 * @property {(number: number) => void} release
 * @property {() => boolean} isOpen whether it can be told to release something
 */

/** Lua's type numbers of what can be referred to. */
const TYPES = new Map([
  ['light userdata', 2],
  ['function', 6],
  ['userdata', 7],
  ['thread', 8],
]);

/** How many values that JavaScript has are worth a look whether it has them still. */
export const MANY_HELD = 256;

/**
 * Every function that stands for one that lives in some machine.
 *
 * @type {WeakSet<object>}
 */
const LIVING = new WeakSet();

/** The held values of one machine. */
export class HeldValues {
  /** @param {Machine} machine */
  constructor(machine) {
    this.machine = machine;
    /**
     * The number behind each object, and the type.
     *
     * @private
     * @type {WeakMap<object, { type: number, number: number }>}
     */
    this.known = new WeakMap();
    /**
     * Numbers whose objects are gone. They are released when the machine is not in the middle of something.
     *
     * @private
     * @type {Set<number>}
     */
    this.dead = new Set();
    /** @private */
    this.objects = new IdentityMap((number) => this.dead.add(number));
    /** How many objects were made since `relieve` was last asked whether there are too many. */
    this.fresh = 0;
    /**
     * The numbers that were given in each scope that is open.
     *
     * @private
     * @type {Set<number>[]}
     */
    this.scopes = [];
    /**
     * The highest number that there has been.
     *
     * @private
     */
    this.last = 0;
    /**
     * Numbers that were released since the outermost checkpoint.
     *
     * @private
     */
    this.released = new CheckpointLog();
  }

  /**
   * Gives the object for a value of Lua; the same one for the same number.
   *
   * @param {string} type Lua's name of its type
   * @param {number} number
   * @param {string} text what `tostring` gives for it
   * @returns {any}
   */
  held(type, number, text) {
    this.dead.delete(number);
    const known = this.objects.get(number);
    if (known !== undefined) return known;
    const value = type === 'function' ? this.callable(text) : this.opaque(type, text);
    this.fresh++;
    if (this.scopes.length > 0) this.scopes[this.scopes.length - 1].add(number);
    if (number > this.last) this.last = number;
    this.known.set(value, { type: TYPES.get(type) || 0, number });
    this.objects.set(number, value);
    return value;
  }

  /**
   * @private
   * @param {string} text
   * @returns {LuaCallable}
   */
  callable(text) {
    const target = callable(this.machine.call, '');
    Object.defineProperty(target, 'release', { value: () => this.release(target) });
    Object.defineProperty(target, 'toString', { value: () => text });
    LIVING.add(target);
    return target;
  }

  /**
   * @private
   * @param {string} type
   * @param {string} text
   * @returns {LuaOpaque}
   */
  opaque(type, text) {
    const value = new LuaOpaque(type, text);
    Object.defineProperty(value, 'release', { value: () => this.release(value) });
    return value;
  }

  /** How many values Lua keeps for JavaScript. */
  get size() {
    return this.objects.size + this.dead.size;
  }

  /** @returns {boolean} whether so many are kept that it is worth a look whether JavaScript has them still */
  isMany() {
    return this.size >= MANY_HELD;
  }

  /**
   * Releases what JavaScript has no use for any more, when there is much of it or memory is short.
   *
   * @param {boolean} press whether the engine is made to collect its garbage first
   */
  reclaim(press) {
    if (press) this.objects.press();
    this.objects.sweep();
    this.sweep();
  }

  /**
   * Calls a function and releases what it has been given for the first time in its course, except what it returns.
   *
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  scope(call) {
    /** @type {Set<number>} */
    const numbers = new Set();
    this.scopes.push(numbers);
    const end = (/** @type {any} */ result) => {
      this.scopes.splice(this.scopes.indexOf(numbers), 1);
      const kept = this.known.get(result);
      numbers.forEach((number) => {
        if (kept !== undefined && kept.number === number) return;
        const value = this.objects.get(number);
        if (value !== undefined) this.release(value);
      });
      return result;
    };
    /** @type {any} */
    let result;
    try {
      result = call();
    } catch (error) {
      end(null);
      throw error;
    }
    if (typeof result !== 'object' || result === null || typeof result.then !== 'function') return end(result);
    const fail = (/** @type {unknown} */ error) => {
      end(null);
      throw error;
    };
    return result.then(end, fail);
  }

  /**
   * Writes a value of this machine.
   *
   * @param {Writer} writer
   * @param {any} value
   * @returns {boolean} false if it is none, and nothing was written
   * @throws {EncodeError} if it was one, or is one of another machine
   */
  encode(writer, value) {
    const reference = this.known.get(value);
    if (reference === undefined) {
      if (LIVING.has(value)) throw new EncodeError('this Lua function was released or rolled back, or belongs to another machine', 'value');
      return false;
    }
    writer.u8(TAG_REFERENCE);
    writer.u8(reference.type);
    writer.u32(reference.number);
    writer.u32(0);
    return true;
  }

  /**
   * Gives a value back to Lua, whose object is of no use from then on.
   *
   * @private
   * @param {any} value
   */
  release(value) {
    const reference = this.known.get(value);
    if (reference === undefined) return;
    this.known.delete(value);
    this.objects.delete(reference.number);
    this.dead.add(reference.number);
    if (this.machine.isOpen()) this.sweep();
  }

  /** @returns {number[]} the numbers of all values that Lua keeps */
  numbers() {
    return this.objects.numbers().concat(Array.from(this.dead));
  }

  /** Releases what JavaScript has no use for any more. The machine has to be open. */
  sweep() {
    if (this.dead.size === 0) return;
    this.dead.forEach((number) => {
      this.machine.release(number);
      this.released.add(number);
    });
    this.dead.clear();
  }

  /** Begins a checkpoint. */
  checkpoint() {
    this.released.checkpoint(this.last + 1);
  }

  /** Ends a checkpoint and keeps what has happened. */
  commit() {
    this.released.commit();
  }

  /** Ends a checkpoint and goes back to it: Lua keeps what was released since, and gives the numbers of since again. */
  rollback() {
    const { next, entries } = this.released.rollback();
    for (const number of this.numbers()) {
      if (number < next) continue;
      const value = this.objects.get(number);
      if (value !== undefined) this.known.delete(value);
      this.objects.delete(number);
      this.dead.delete(number);
    }
    this.last = next - 1;
    for (const number of entries) {
      if (number < next) this.dead.add(number);
    }
  }
}
