/**
 * Performs the steps of the tests in the old engine. Results are plain data, which the test in a newer Node checks.
 *
 * @import { Lua } from '../../web/lua-persistent.js'
 */

import { argument, fetched, report } from './chrome.js';

/** Returns the result of a call, or its error. */
function attempt(call) {
  try {
    const { values, output } = call();
    return { values, output };
  } catch (error) {
    if (error.name !== 'LuaError') throw error;
    const { message, traceback, status, value, output } = error;
    return { error: { message, traceback, status, value, output } };
  }
}

/**
 * Run pieces of code in one machine, one after the other.
 *
 * @param {typeof Lua} Lua
 * @param {Record<string, string>} codes by what they are to show
 */
async function results(Lua, codes) {
  const lua = await Lua.create();
  const all = {};
  for (const [name, code] of Object.entries(codes)) all[name] = attempt(() => lua.eval(code));
  lua.close();
  return all;
}

/** A program that is paused in the middle of a coroutine, in a snapshot and out of it again. */
async function resumed(Lua) {
  const lua = await Lua.create();
  lua.start(`
    local squares = coroutine.wrap(function() for i = 1, 5000 do coroutine.yield(i * i) end end)
    local sum = 0
    for i = 1, 5000 do sum = sum + squares() end
    local ok, message = pcall(error, 'caught afterwards', 0)
    _home.sum = sum
    return sum, message`);
  const { done } = lua.step(1000);
  const snapshot = await lua.snapshot();
  lua.close();
  const other = await Lua.restore(snapshot);
  const { values } = other.step();
  const stored = other.home.get('sum');
  other.close();
  return { pausedBefore: !done, values, stored };
}

/** A state that is opened, changed and closed twice. */
async function kept(Lua) {
  const values = [];
  for (let round = 0; round < 2; round++) {
    const lua = await Lua.open('notes', { storage: 'localStorage' });
    values.push(lua.eval('_home.n = (_home.n or 0) + 1 _home.list = { "a", { deep = _home.n } } return _home.n, _home.list[2].deep').values);
    await lua.close();
  }
  return values;
}

/** Tests what a rollback to a checkpoint restores. */
async function rolledBack(Lua) {
  const lua = await Lua.create();
  lua.eval('x = 1 _home.x = 1');
  lua.checkpoint();
  lua.eval('x = 2 _home.x = 2');
  lua.rollback();
  const { values } = lua.eval('return x, _home.x');
  lua.close();
  return values;
}

// The package is imported when the globals are as they are to be.
(async () => {
  const { Lua } = await import('../../web/lua-persistent.js');
  report({
    results: await results(Lua, argument),
    resumed: await resumed(Lua),
    kept: await kept(Lua),
    rolledBack: await rolledBack(Lua),
    fetched,
  });
})().catch((error) => report({ failed: String(error && error.stack) }));
