/**
 * Programs that run in steps: what a step gives, and running one in pieces so that whatever else the thread has to do gets
 * its turn.
 */

import { LuaStateError } from '../errors.js';
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

/** @typedef {import('./limits.js').Limits & ResumeOptions} StepOptions */

/**
 * @typedef {object} PiecesOptions
 * @property {number} [ticks] budget of each piece; by default 1,000,000, about a hundredth of a second
 * @property {(step: Step) => unknown} [onTick] is told after each piece; if it returns false, the program stays paused
 * @property {(...values: any[]) => any} [onYield] gets what the program yields; what it returns, or a promise of it gives, is
 *   what `coroutine.yield` returns (several values as a `MultiReturn`). Without it, that is nothing
 */

/** @typedef {import('../lua-persistent.js').RunOptions & PiecesOptions & { console?: boolean }} ProgramOptions */

const PIECE = 1000000;
const LONGEST = 0xffffffff;

/**
 * The ticks of a budget as the module wants them.
 *
 * @param {unknown} budget
 * @returns {number} 0 for no limit
 */
export function ticksOf(budget) {
  if (budget === undefined || budget === Infinity) return 0;
  if (typeof budget === 'number' && Number.isInteger(budget) && budget > 0 && budget <= LONGEST) return budget;
  throw new RangeError(`a budget has to be a whole number of ticks from 1 to ${LONGEST}, or Infinity, not ${String(budget)}`);
}

/**
 * The values that a step hands to the program.
 *
 * @param {ResumeOptions | undefined} options
 * @returns {any[]}
 */
export function resumeOf(options) {
  const resume = options === undefined ? undefined : options.resume;
  if (resume === undefined) return [];
  if (Array.isArray(resume)) return resume;
  throw new TypeError(`the option resume has to be an array of values, not ${String(resume)}`);
}

/**
 * What a program gets for what it has yielded.
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

/**
 * Run a program to its end, in pieces.
 *
 * @param {import('../lua-persistent.js').Lua} lua
 * @param {string | Uint8Array} code
 * @param {ProgramOptions} options
 * @param {{ limits: [number, number, number], started: () => number }} state the limits of calls without their own, and how
 *   many programs have been started
 * @returns {Promise<Step>} the last step, with the ticks and the output of all
 */
export async function runInPieces(lua, code, options, state) {
  const budget = options.ticks === undefined ? PIECE : options.ticks;
  ticksOf(budget);
  // Wrong limits are refused before anything runs.
  limitsOf(options, state.limits);
  lua.start(code, options);
  const number = state.started();
  /** @type {any[]} */
  let resume = [];
  let output = '';
  let ticks = 0;
  for (;;) {
    if (state.started() !== number) throw new LuaStateError('another program was started in place of this one', 'replaced');
    const step = lua.step(budget, Object.assign({}, options, { resume }));
    output += step.output;
    ticks += step.ticks;
    const stopped = options.onTick !== undefined && options.onTick(step) === false;
    if (step.done || stopped) return new Step(step.state, step.values, output, ticks, step.overrun);
    resume = await answerTo(step, options.onYield);
    await turn();
  }
}
