/**
 * Runs a program in pieces of some milliseconds. `lua.run` has pieces of a fixed number of ticks; but a tick may be an empty
 * loop's or one that builds a string of a megabyte, so here each piece is as long as the ones before suggest. Between two of
 * them the worker takes its messages, such as the one that stops the program.
 *
 * @import { Lua, RunOptions } from '../lua-persistent.js'
 */

/** Milliseconds that a piece should take. */
const PIECE = 20;

const FEWEST = 500;
const MOST = 1e8;

/**
 * @typedef {object} Control
 * @property {() => boolean} stopped whether the program is to be left where it stands
 * @property {(ticks: number) => Promise<void> | void} pause is called between two pieces
 */

/**
 * @param {Lua} lua
 * @param {string} code
 * @param {RunOptions & { console?: boolean }} options
 * @param {Control} control
 * @returns {Promise<{ values: any[], ticks: number, done: boolean }>}
 */
export async function runInPieces(lua, code, options, control) {
  lua.start(code, options);
  let ticks = 0;
  let budget = 100000;
  for (;;) {
    const begun = performance.now();
    const step = lua.step(budget);
    const took = performance.now() - begun;
    ticks += step.ticks;
    if (step.done) return { values: step.values, ticks, done: true };
    if (took < PIECE / 2) budget = Math.min(MOST, budget * 2);
    else if (took > PIECE * 2) budget = Math.max(FEWEST, Math.round((budget * PIECE) / took));
    await control.pause(ticks);
    await turn();
    if (control.stopped()) return { values: [], ticks, done: false };
  }
}

/** Lets the thread take its messages. Timers would do that only after 4 ms. */
function turn() {
  return new Promise((resolve) => {
    waiting = resolve;
    channel.port2.postMessage(null);
  });
}

/** @type {(value?: unknown) => void} */
let waiting = () => {};

const channel = new MessageChannel();
channel.port1.onmessage = () => waiting();
