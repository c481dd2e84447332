/**
 * Runs programs in steps, and in pieces between which the thread does what else it has to.
 *
 * @import { Calls } from './calls.js'
 * @import { Limits } from './limits.js'
 * @import { CodeOptions } from './options.js'
 */

import { LuaStateError } from '../errors.js';
import { checkCode, flagsOf } from './calls.js';
import { MultiReturn } from './host-functions.js';
import { limitsOf } from './limits.js';
import { PROGRAM_NONE, PROGRAM_PAUSED, PROGRAM_YIELDED } from '../loader.js';
import { Result } from './result.js';
import { hide } from '../values/values.js';

/** What a step of a program gave. */
export class Step extends Result {
  /**
   * @param {number} state of the program: `PROGRAM_*`
   * @param {any[]} values
   * @param {string} output
   * @param {number} ticks
   * @param {number} overrun
   */
  constructor(state, values, output, ticks, overrun) {
    super(state === PROGRAM_PAUSED ? [] : values, output);
    /** Whether the program has ended. Its values come with the last step. */
    this.done = state === PROGRAM_NONE;
    /** Whether the program waits in `coroutine.yield`. What it has passed to that is the step's values. */
    this.yielded = state === PROGRAM_YIELDED;
    /** What the program waits for: a `PROGRAM_` constant. */
    this.state = state;
    hide(this, 'state');
    /** Ticks that the step ran: rounds of loops and calls of Lua functions. */
    this.ticks = ticks;
    /** By how many of them it went beyond its budget because the program was where it cannot pause. */
    this.overrun = overrun;
  }
}

/**
 * @typedef {object} ResumeOptions
 * @property {any[]} [resume] what the `coroutine.yield` returns that the program waits in; of a program that has not begun,
 *   its arguments
 */

/** @typedef {Limits & ResumeOptions} StepOptions */

/** @typedef {CodeOptions & { console?: boolean }} StartOptions */

/**
 * @typedef {object} PiecesOptions
 * @property {number} [ticks] budget of each piece; by default 1,000,000, about a hundredth of a second
 * @property {(step: Step) => unknown} [onTick] is told after each piece; if it returns false, the program stays paused
 * @property {(...values: any[]) => any} [onYield] gets what the program yields; what it returns, or a promise of it gives, is
 *   what `coroutine.yield` returns (several values as a `MultiReturn`). Without it, that is nothing
 */

/** @typedef {StartOptions & Limits & PiecesOptions} ProgramOptions */

const PIECE = 1000000;
const LONGEST = 0xffffffff;

/**
 * Reads the budget of a step as the module takes it.
 *
 * @param {unknown} budget
 * @returns {number} 0 for no limit
 */
function ticksOf(budget) {
  if (budget === undefined || budget === Infinity) return 0;
  if (typeof budget === 'number' && Number.isInteger(budget) && budget > 0 && budget <= LONGEST) return budget;
  throw new RangeError(`a budget has to be a whole number of ticks from 1 to ${LONGEST}, or Infinity, not ${String(budget)}`);
}

/**
 * Reads the values that a step hands to the program.
 *
 * @param {ResumeOptions | undefined} options
 * @returns {any[]}
 */
function resumeOf(options) {
  const resume = options === undefined ? undefined : options.resume;
  if (resume === undefined) return [];
  if (Array.isArray(resume)) return resume;
  throw new TypeError(`the option resume has to be an array of values, not ${String(resume)}`);
}

/**
 * Asks what a program gets for what it has yielded.
 *
 * @param {Step} step
 * @param {PiecesOptions['onYield']} onYield
 * @returns {Promise<any[]>}
 */
async function answerTo(step, onYield) {
  if (!step.yielded || onYield === undefined) return [];
  const answer = await onYield(...step.values);
  return answer instanceof MultiReturn ? Array.from(answer) : [answer];
}

/** Lets the thread do what else it has to. */
function turn() {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The programs of one machine, one at a time. */
export class Programs {
  /** @param {Calls} calls */
  constructor(calls) {
    /** @private */
    this.calls = calls;
    /**
     * How many have been started.
     *
     * @private
     */
    this.started = 0;
  }

  /**
   * Compiles code as the program, in place of the one before.
   *
   * @param {string | Uint8Array} code
   * @param {StartOptions} options
   */
  start(code, options) {
    const { calls } = this;
    calls.guard.checkOutside();
    checkCode(code);
    calls.attempt(() => {
      calls.begin();
      const flags = flagsOf(options.passArguments, options.console);
      const left = calls.place(code, options.name, (at, length, name, nameLength) =>
        calls.instance.programStart(at, length, name, nameLength, flags),
      );
      if (left < 0) calls.replies.read(left);
    });
    this.started++;
  }

  /**
   * Goes on with the program.
   *
   * @param {number | undefined} budget ticks
   * @param {StepOptions | undefined} options
   * @returns {Step}
   */
  step(budget, options) {
    const { calls } = this;
    const { instance } = calls;
    calls.guard.checkOutside();
    const ticks = ticksOf(budget);
    const handed = resumeOf(options);
    calls.relieve();
    const step = calls.attempt(() => {
      const left = calls.send(calls.requests.write(null, handed), (at, length) => instance.programResume(at, length, ticks), options);
      const state = instance.programState();
      const spent = instance.programTicks();
      const { values, output } = calls.replies.read(left);
      const overrun = ticks === 0 ? 0 : Math.max(0, spent - ticks);
      return new Step(state, values, output, spent, overrun);
    });
    calls.idle();
    return step;
  }

  /**
   * Runs a program to its end, in pieces.
   *
   * @param {string | Uint8Array} code
   * @param {ProgramOptions} options
   * @returns {Promise<Step>} the last step, with the ticks and the output of all
   */
  async run(code, options) {
    const budget = options.ticks === undefined ? PIECE : options.ticks;
    ticksOf(budget);
    // Wrong limits are refused before anything runs.
    limitsOf(options, [0, 0, 0]);
    this.start(code, options);
    const number = this.started;
    /** @type {any[]} */
    let resume = [];
    let output = '';
    let ticks = 0;
    for (;;) {
      if (this.started !== number) throw new LuaStateError('another program was started in place of this one', 'replaced');
      const step = this.step(budget, Object.assign({}, options, { resume }));
      output += step.output;
      ticks += step.ticks;
      const stopped = options.onTick !== undefined && options.onTick(step) === false;
      if (step.done || stopped) return new Step(step.state, step.values, output, ticks, step.overrun);
      resume = await answerTo(step, options.onYield);
      await turn();
    }
  }
}
