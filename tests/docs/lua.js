// Runs each block of Lua in documents in a new machine. What the block prints is written behind it:
//
//   print(1 + 1)  --> 2
//
// The lines that a block prints and those behind its `-->` have to be the same, all of them and in their order; `...` stands
// for anything. A block may end with an error, which is written as `--> error: message`. The marker
// `<!-- another run -->` gives a block the external tables of the block before it, in a new machine.

/** @import { Store } from '../../web/store/store.js' */

import assert from 'node:assert/strict';

import { Lua, LuaError } from '../../web/lua-persistent.js';
import { pattern } from './pattern.js';

/**
 * Returns the lines that a block says it prints.
 *
 * @param {string} code
 * @returns {string[]}
 */
export function promised(code) {
  return code.split('\n').flatMap((line) => (/--> ?(.*)$/.exec(line) || []).slice(1));
}

/**
 * Run a block and compare what it prints.
 *
 * @param {string} code
 * @param {Store} store
 */
export async function runLua(code, store) {
  const lines = [];
  const lua = await Lua.create({ store });
  try {
    lines.push(...lua.compute(code, { name: '=example' }).lines);
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    const printed = error.output.split('\n');
    printed.pop();
    lines.push(...printed, `error: ${error.message}`);
  }
  await lua.close();
  const expected = promised(code);
  const shown = `printed:\n${lines.join('\n')}\n\npromised:\n${expected.join('\n')}`;
  assert.equal(lines.length, expected.length, shown);
  lines.forEach((line, index) => assert.match(line, pattern(expected[index]), shown));
}
