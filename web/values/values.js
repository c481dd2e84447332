/**
 * The encoding of Lua values, and the classes of those that JavaScript has no form for.
 *
 * | tag  | bytes after the tag               | Lua                        | JavaScript                                        |
 * | ---- | --------------------------------- | -------------------------- | ------------------------------------------------- |
 * | 0x00 | none                              | nil                        | `null` (`undefined` is encoded as nil too)        |
 * | 0x01 | u8, 0 or 1                        | boolean                    | `boolean`                                         |
 * | 0x02 | i64                               | integer                    | `number` if safe (within ±(2^53 - 1)), else `BigInt` |
 * | 0x03 | f64                               | float                      | `number`                                          |
 * | 0x04 | u32 length, bytes                 | string                     | `string` if valid UTF-8, else `Uint8Array`        |
 * | 0x05 | u32 4, u32 id                     | stored Lua function        | `LuaFunction` with its id                         |
 * | 0x06 | u32 length, name                  | library function           | `LuaFunction` with its name                       |
 * | 0x07 | u32 id                            | external table             | `ExternalTable`; `TableReference` without a machine |
 * | 0x08 | u32 n, u32 m, n values, m pairs   | table: keys 1..n, then m others | array, object or `Map`, see below            |
 * | 0x09 | u32 number                        | a table seen before        | the same object again                             |
 * | 0x0A | u8 type, u32 length, text         | what has no value form     | `LuaOpaque` with type and `tostring` text         |
 * | 0x0B | u32 n, n - 1 values               | all results, after the last | only after the first value of a result           |
 * | 0x0C | u32 length, name                  | library table              | `LuaLibrary` with its name                        |
 * | 0x0D | u8 type, u32 number, u32 length, text | what stays in Lua      | a `LuaFunction` that can be called, else `LuaOpaque` |
 * | 0x0E | u32 number, u32 length, name      | a JavaScript function      | the function itself                               |
 *
 * All numbers are little-endian. Tables are numbered from 0 in the order of their 0x08 tags. Tags 0x08 to 0x0B, 0x0D and
 * 0x0E are never in external tables, 0x0C only there.
 *
 * A table becomes an array if its keys are exactly 1..n with n > 0; a plain object if all its keys are strings of valid
 * UTF-8 (also if it is empty); else a `Map`. In a `Map`, keys convert as values do; a string that is not UTF-8 is a
 * `Uint8Array` there, which `Map` compares by identity.
 *
 * In the other direction a `number` becomes an integer if it is a safe one (-0 is not), else a float; a `BigInt` an integer
 * of 64 bits; arrays, plain objects and `Map`s become tables (containers.js), where `null` and `undefined` are, as in Lua,
 * absent. What would be lost (a date, a lone surrogate, two keys that are one in Lua) is an `EncodeError`, and in external
 * tables a JavaScript function. docs/CONVERSIONS.md tells the same from the side of those who use it.
 *
 * decoder.js and encoder.js do the work; here are the classes of values that JavaScript has no form for.
 *
 * @import { Store } from '../store/store.js'
 */

/**
 * Leaves a property out when its object is shown, compared or written as JSON.
 *
 * @param {object} object
 * @param {string} name
 */
export function hide(object, name) {
  Object.defineProperty(object, name, { enumerable: false });
}

/** The number of an external table. */
export class TableReference {
  /**
   * @param {number} id
   * @param {Store | null} [store]
   */
  constructor(id, store = null) {
    /** The table's id in the store. */
    this.id = id;
    /** Where the table is, if that is known. */
    this.store = store;
    hide(this, 'store');
  }
}

/**
 * A function of Lua: of its libraries, known by its name; stored in an external table, known by its id; or one that lives in
 * a machine. What a machine gives can be called, and is a function to JavaScript, too; without a machine it is only a name or
 * a number. It can be given to Lua again, and stored if it has a name or an id.
 */
export class LuaFunction {
  /**
   * @param {string} name for example `string.format`; empty for any other than a library's
   * @param {number} [id] of the table that describes a stored function
   * @param {Store | null} [store]
   */
  constructor(name, id = 0, store = null) {
    /** Lua's type of the value. */
    this.type = 'function';
    /** Where the function is found from the globals; empty for any other than a library's. */
    this.name = name;
    /** The id in the store of the table that describes a stored function; 0 for any other. */
    this.id = id;
    /** Where a stored function is, if that is known. */
    this.store = store;
    hide(this, 'store');
  }

  /**
   * Let go of a function that lives in a machine: Lua keeps it no longer for JavaScript, and it cannot be called any more.
   * For any other, this does nothing.
   */
  release() {}
}

// Those that can be called are functions, with all that functions have.
Object.setPrototypeOf(LuaFunction.prototype, Function.prototype);
Object.defineProperty(LuaFunction.prototype, 'name', { value: '', writable: true, configurable: true });

/**
 * A function of Lua that can be called.
 *
 * @typedef {((...args: any[]) => any) & LuaFunction} LuaCallable
 */

/**
 * Makes a function of Lua that can be called.
 *
 * @param {(target: LuaCallable, args: any[]) => any} call
 * @param {string} name as for `LuaFunction`
 * @param {number} [id]
 * @param {Store | null} [store]
 * @returns {LuaCallable}
 */
export function callable(call, name, id = 0, store = null) {
  /** @type {any} */
  const target = (/** @type {any[]} */ ...args) => call(target, args);
  Object.setPrototypeOf(target, LuaFunction.prototype);
  Object.defineProperty(target, 'name', { value: name, enumerable: true, configurable: true });
  target.type = 'function';
  target.id = id;
  target.store = store;
  hide(target, 'store');
  return target;
}

/** A table of Lua's libraries, known by its name, for example `string` or `_G`. It can be stored again elsewhere. */
export class LuaLibrary {
  /** @param {string} name */
  constructor(name) {
    /** Lua's type of the value. */
    this.type = 'table';
    /** The library's name. */
    this.name = name;
  }
}

/** A Lua value that exists only inside the Lua state: a Lua function, a coroutine, a userdata. */
export class LuaOpaque {
  /**
   * @param {string} type Lua's name of the value's type
   * @param {string} text what `tostring` gives for it
   */
  constructor(type, text) {
    /** Lua's name of the value's type. */
    this.type = type;
    /** What `tostring` gives for the value. */
    this.text = text;
  }

  /** Let go of a value that lives in a machine: Lua keeps it no longer for JavaScript. Without a machine, this does nothing. */
  release() {}

  toString() {
    return this.text;
  }
}

// Engines that know `using` release what is held at the end of its scope.
if (typeof Symbol.dispose === 'symbol') {
  for (const held of [LuaFunction, LuaOpaque]) {
    Object.defineProperty(held.prototype, Symbol.dispose, {
      value() {
        this.release();
      },
    });
  }
}
