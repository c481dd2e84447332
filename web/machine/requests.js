/**
 * Writes what is sent to Lua: the name of a global or a function, and values behind it.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Live } from '../values/encoder.js'
 * @import { Guard } from './guard.js'
 * @import { IoBuffer } from './io-buffer.js'
 * @import { Target } from './options.js'
 */

import { encodeUtf8 } from '../bytes/text.js';
import { TAG_STRING } from '../loader.js';
import { encodeValues, Writer } from '../values/encoder.js';

/** How many names of globals are kept as bytes. */
const REMEMBERED = 64;

/** Bytes in front of a path that was written as a string: its tag and length. */
export const PATH_HEAD = 5;

/** Writes the requests of one machine. */
export class Requests {
  /**
   * @param {LuaInstance} instance
   * @param {IoBuffer} buffer
   * @param {Live} live what can be sent to the machine
   * @param {Guard} guard
   */
  constructor(instance, buffer, live, guard) {
    /** @private */
    this.instance = instance;
    /** @private */
    this.buffer = buffer;
    /** @private */
    this.live = live;
    /** @private */
    this.guard = guard;
    /** @private */
    this.writer = new Writer();
    /**
     * The bytes of names that functions were called by.
     *
     * @private
     * @type {Map<string, Uint8Array>}
     */
    this.names = new Map();
  }

  /**
   * Writes a request, in the I/O buffer if it fits there.
   *
   * @param {Target | null} target or a path; null for values alone
   * @param {any[]} values
   * @returns {Writer}
   */
  write(target, values) {
    const { writer, buffer, instance } = this;
    const { uses, address } = buffer;
    writer.into(instance.bytes, instance.view, address, address + buffer.bytes.length);
    this.writeTo(writer, target, values);
    if (buffer.uses === uses) return writer;
    // A getter among the values has used the machine, and with it the buffer.
    const own = new Writer();
    this.writeTo(own, target, values);
    this.guard.check();
    return own;
  }

  /**
   * @private
   * @param {Writer} writer
   * @param {Target | null} target
   * @param {any[]} values
   */
  writeTo(writer, target, values) {
    if (typeof target === 'string') this.writeName(writer, target);
    else if (target !== null) encodeValues(writer, [target], this.live);
    encodeValues(writer, values, this.live);
  }

  /**
   * Writes the name of a global as a string.
   *
   * @private
   * @param {Writer} writer
   * @param {string} name
   */
  writeName(writer, name) {
    const { names } = this;
    let bytes = names.get(name);
    if (bytes === undefined) {
      if (names.size >= REMEMBERED) names.clear();
      bytes = encodeUtf8(name);
      names.set(name, bytes);
    }
    writer.u8(TAG_STRING);
    writer.block(bytes);
  }
}

/**
 * Refuses what names no global.
 *
 * @param {unknown} path
 * @throws {TypeError}
 */
export function checkPath(path) {
  if (typeof path !== 'string') throw new TypeError(`the name of a global has to be a string, not ${path === null ? 'null' : typeof path}`);
}
