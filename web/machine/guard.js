/**
 * Tells whether Lua code can run now, and marks a machine as running or crashed.
 *
 * @import { Output } from './output.js'
 */

import { LuaStateError } from '../errors.js';

/** @type {Record<'closed' | 'running' | 'crashed', string>} */
const OBSTACLES = {
  closed: 'this Lua machine is closed; make another with Lua.create()',
  running: 'this Lua machine is running: a function that it calls cannot call it',
  crashed: 'this Lua machine has crashed; make another with Lua.create(): what is in its store is not lost',
};

const INSIDE = 'this Lua machine is running: a function that it calls can call it, but not stop, copy or roll back what is running';

/** Guards the calls into one module instance. */
export class Guard {
  /** @param {Output} output of the machine */
  constructor(output) {
    /** @private */
    this.output = output;
    /**
     * Why no code can run now, if so.
     *
     * @type {'' | 'closed' | 'running' | 'crashed'}
     */
    this.obstacle = '';
    /** How many JavaScript functions run that Lua has called. */
    this.depth = 0;
  }

  /** @throws {LuaStateError} if no code can run now */
  check() {
    if (this.obstacle !== '') throw new LuaStateError(OBSTACLES[this.obstacle], this.obstacle);
  }

  /** @throws {LuaStateError} if no code can run now, or what is asked for cannot be done while Lua runs */
  checkOutside() {
    this.check();
    if (this.depth > 0) throw new LuaStateError(INSIDE, 'running');
  }

  /** Lets a JavaScript function that Lua has called use the machine. */
  enter() {
    this.output.suspend();
    this.depth++;
    this.obstacle = '';
  }

  /** Goes back to Lua when the function has ended. */
  leave() {
    this.depth--;
    // A machine that crashed inside the function stays so.
    if (this.obstacle === '') this.obstacle = 'running';
    this.output.resume();
  }

  /**
   * Calls into the module where it may call back.
   *
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  run(call) {
    this.obstacle = 'running';
    let ended = false;
    let result;
    try {
      result = call();
      ended = true;
    } finally {
      // What unwinds through the module (a trap, an exhausted JavaScript stack) leaves it in an unknown state.
      const { obstacle } = this;
      this.obstacle = ended && obstacle === 'running' ? '' : 'crashed';
    }
    // It may have crashed inside a function that went on.
    this.check();
    return result;
  }
}
