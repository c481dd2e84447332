/**
 * Answers the service by which `require` in Lua gets the source of a module.
 *
 * @import { Services } from '../loader.js'
 */

import { decodeLossy, encodeUtf8 } from '../bytes/text.js';

/**
 * Sources of modules by name, or a function that gives them. It is asked once for each `require` that Lua has not answered
 * already; what is not a string or bytes means that there is no such module.
 *
 * @typedef {{ [name: string]: string | Uint8Array } | ((name: string) => string | Uint8Array | null | undefined)} Modules
 */

/**
 * @param {Modules} modules
 * @param {string} name
 * @returns {string | Uint8Array | null | undefined}
 */
function find(modules, name) {
  if (typeof modules === 'function') return modules(name);
  return Object.prototype.hasOwnProperty.call(modules, name) ? modules[name] : null;
}

/**
 * Makes the service.
 *
 * @param {Modules} modules
 * @returns {NonNullable<Services['module']>}
 * @throws {TypeError} if they are neither an object nor a function
 */
export function moduleService(modules) {
  if (typeof modules !== 'function' && (typeof modules !== 'object' || modules === null)) {
    throw new TypeError(`the option modules has to be an object with sources or a function that gives them, not ${String(modules)}`);
  }
  /** @type {{ name: string, bytes: Uint8Array } | null} the source whose size was asked for */
  let pending = null;
  return (memory, nameStart, nameEnd, sourceStart, sourceEnd) => {
    const name = decodeLossy(memory.subarray(nameStart, nameEnd));
    // Lua may have had no memory for the one that it asked for last.
    const isKnown = pending !== null && pending.name === name && sourceEnd > sourceStart;
    let bytes = isKnown && pending !== null ? pending.bytes : null;
    pending = null;
    if (bytes === null) {
      const source = find(modules, name);
      if (source === null || source === undefined) return null;
      if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
        throw new TypeError(`the module '${name}' has to be a string or a Uint8Array, not ${typeof source}`);
      }
      bytes = typeof source === 'string' ? encodeUtf8(source) : source;
    }
    // The line feed behind it is for the reply, which says with a size of at least 2 that it needs room.
    const size = bytes.length + 1;
    if (size > sourceEnd - sourceStart) {
      pending = { name, bytes };
      return -Math.max(size, 2);
    }
    memory.set(bytes, sourceStart);
    memory[sourceStart + bytes.length] = 0x0a;
    return size;
  };
}
