/**
 * Evaluates the inputs of the prompt: finds whether one is whole, runs it, shows its values and completes names.
 *
 * @import { Machine } from './machine.js'
 */

import { LuaError } from '../lua-persistent.js';
import { Completer } from './completion.js';

/** How Lua names inputs in messages. */
const NAME = { name: '=stdin' };

/** A machine as the prompt uses it. */
export class Console {
  /** @param {Machine} machine */
  constructor(machine) {
    this.machine = machine;
    /** @private */
    this.completer = new Completer(machine.lua);
  }

  /**
   * Run an input. An expression prints its values, whatever it is, as `lua` does.
   *
   * @param {string} text
   * @param {boolean} final whether nothing can follow
   * @returns {boolean} false if it is the beginning of an input, of which more has to follow
   */
  evaluate(text, final) {
    const { machine } = this;
    try {
      if (this.attempt(expression(text)) !== '') machine.lua.eval(text, NAME);
      this.completer.learn(text);
    } catch (error) {
      const unfinished = error instanceof LuaError && error.status === 'syntax' && (isAtEnd(error.message) || this.isBegun(text));
      if (unfinished && !final) return false;
      machine.report(error, '');
    }
    return true;
  }

  /**
   * @private
   * @param {string} text
   * @returns {boolean} whether it is the beginning of an expression
   */
  isBegun(text) {
    // Compiled, but not run.
    return isAtEnd(this.attempt(`do return end return ${text}`));
  }

  /**
   * @param {string} line up to the cursor
   * @returns {[string[], string]} what the end of the line may become, and that end
   */
  complete(line) {
    return this.completer.complete(line);
  }

  /**
   * Run code if it is code.
   *
   * @private
   * @param {string} code
   * @returns {string} the message if it does not compile, else nothing
   */
  attempt(code) {
    try {
      this.machine.lua.eval(code, NAME);
      return '';
    } catch (error) {
      if (error instanceof LuaError && error.status === 'syntax') return error.message;
      throw error;
    }
  }
}

/**
 * @param {string} message
 * @returns {boolean} whether what is wrong is that the code ends
 */
function isAtEnd(message) {
  return message.endsWith('<eof>');
}

/**
 * Code that prints the values of an expression, if there are any. Its lines are where they were.
 *
 * @param {string} text
 * @returns {string} code that does not compile if the text is no expression
 */
function expression(text) {
  return `(function(...) if select("#", ...) > 0 then print(...) end end)(${text.replace(/;\s*$/, '')}\n)`;
}
