// Runs one Lua program at a time under a limit, in a thread that can be ended when the limit does not hold.

import { parentPort } from 'node:worker_threads';

import { Lua } from '../../../web/lua-persistent.js';

/** A clock by which each look takes a millisecond, so that time counts how often it was looked at. */
function countingClock() {
  let looks = 0;
  return () => ({ unixSeconds: 0, cpuSeconds: ++looks / 1000 });
}

parentPort.on('message', async ({ code, limits }) => {
  const lua = await Lua.create({ keepOutput: false, clock: countingClock(), functions: { host: () => {} } });
  /** @type {any} */
  let ended = null;
  try {
    lua.compute(code, limits);
  } catch (error) {
    ended = { limit: error.limit, message: error.message };
  }
  const usable = lua.eval('1 + 1').value === 2;
  lua.close();
  parentPort.postMessage({ ended, usable });
});
