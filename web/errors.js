/**
 * The errors that this package throws, each a class of its own so that callers can tell them apart.
 */

import {
  STATUS_BAD_ARGUMENT,
  STATUS_BUSY,
  STATUS_HANDLER_ERROR,
  STATUS_INSTRUCTION_LIMIT,
  STATUS_MEMORY_ERROR,
  STATUS_NO_PROGRAM,
  STATUS_NOT_INITIALIZED,
  STATUS_OUTPUT_LIMIT,
  STATUS_RUNTIME_ERROR,
  STATUS_SYNTAX_ERROR,
  STATUS_TIME_LIMIT,
  STATUS_TOO_LARGE,
} from './loader.js';

/**
 * How a call ended, by the number that the export `get_status` answers.
 *
 * @typedef {'runtime' | 'syntax' | 'memory' | 'handler' | 'limit' | 'too-large' | 'argument' | 'uninitialized' | 'busy' | 'unknown'} LuaStatus
 */

/** @type {ReadonlyMap<number, LuaStatus>} */
const STATUS_NAMES = new Map([
  [STATUS_RUNTIME_ERROR, 'runtime'],
  [STATUS_SYNTAX_ERROR, 'syntax'],
  [STATUS_MEMORY_ERROR, 'memory'],
  [STATUS_HANDLER_ERROR, 'handler'],
  [STATUS_INSTRUCTION_LIMIT, 'limit'],
  [STATUS_TIME_LIMIT, 'limit'],
  [STATUS_OUTPUT_LIMIT, 'limit'],
  [STATUS_TOO_LARGE, 'too-large'],
  [STATUS_BAD_ARGUMENT, 'argument'],
  [STATUS_NOT_INITIALIZED, 'uninitialized'],
  [STATUS_BUSY, 'busy'],
  [STATUS_NO_PROGRAM, 'argument'],
]);

/**
 * The name of a status number.
 *
 * @param {number} code
 * @returns {LuaStatus}
 */
export function statusName(code) {
  return STATUS_NAMES.get(code) || 'unknown';
}

/**
 * An option that is a limit.
 *
 * @typedef {'instructions' | 'milliseconds' | 'outputBytes' | 'tableEntries' | 'tableBytes'} LimitName
 */

/**
 * The option whose limit a call has reached, by the number that the export `get_status` answers.
 *
 * @type {ReadonlyMap<number, LimitName>}
 */
const LIMITS = new Map([
  [STATUS_INSTRUCTION_LIMIT, 'instructions'],
  [STATUS_TIME_LIMIT, 'milliseconds'],
  [STATUS_OUTPUT_LIMIT, 'outputBytes'],
]);

/** A Lua program ended with an error. */
export class LuaError extends Error {
  /**
   * @param {string} message the whole message, as Lua gives it
   * @param {object} [details]
   * @param {number} [details.code] status number of the ABI
   * @param {string} [details.traceback] Lua's stack traceback
   * @param {unknown} [details.value] the error value, converted as results are
   * @param {string} [details.output] what the program printed before the error
   * @param {unknown} [details.cause] the JavaScript exception behind the error, if the host raised one
   * @param {LimitName} [details.limit] what is used up, where no status says it
   */
  constructor(message, details = {}) {
    super(message);
    this.name = 'LuaError';
    /** Status number of the ABI (`STATUS_*`). */
    this.code = details.code === undefined ? STATUS_RUNTIME_ERROR : details.code;
    /** How the program failed. */
    this.status = statusName(this.code);
    /**
     * Which limit the program has reached, null if the error is another.
     *
     * @type {LimitName | null}
     */
    this.limit = details.limit || LIMITS.get(this.code) || null;
    /** Lua's stack traceback, empty where there is none (syntax errors). */
    this.traceback = details.traceback || '';
    /** The error value that the program raised, converted as results are. */
    this.value = details.value === undefined ? message : details.value;
    /** What the program printed before the error. */
    this.output = details.output || '';
    // Set only where there is one, as the `cause` option of `Error` does (which the oldest supported browsers lack).
    if (details.cause !== undefined) {
      /** @type {unknown} */
      this.cause = details.cause;
    }
  }
}

/** Bytes that should be a value or a result are not. */
export class DecodeError extends Error {
  /**
   * @param {string} problem what is wrong
   * @param {number} offset where, in bytes from the start of what was decoded
   */
  constructor(problem, offset) {
    super(`malformed value at byte ${offset}: ${problem}`);
    this.name = 'DecodeError';
    /** Offset of the byte that is wrong. */
    this.offset = offset;
  }
}

/** A JavaScript value has no Lua form. */
export class EncodeError extends TypeError {
  /**
   * @param {string} problem what is wrong
   * @param {string} path where in the value, for example `value.jobs[3]`
   */
  constructor(problem, path) {
    super(`${path}: ${problem}`);
    this.name = 'EncodeError';
    /** Where in the value the part lies that cannot be encoded. */
    this.path = path;
  }
}

/** A machine cannot do what it is asked in the state that it is in. */
export class LuaStateError extends Error {
  /**
   * @param {string} message
   * @param {'closed' | 'running' | 'crashed' | 'replaced' | 'rolled back' | 'transient'} state
   */
  constructor(message, state) {
    super(message);
    this.name = 'LuaStateError';
    /** What the machine is. */
    this.state = state;
  }
}
