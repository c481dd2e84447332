/**
 * Tells which line of Lua releases is asked for, and whether a module is of it.
 *
 * @import { LuaLine } from '../loader.js'
 */

/**
 * What makes the module of a line from that of the first, whose bytes it asks for: the default export of
 * `lua-persistent/lua-5.5`.
 *
 * @typedef {(first: () => Promise<Uint8Array>) => Promise<Uint8Array>} WasmScript
 */

import { identify, LUA_LINES } from '../loader.js';

/**
 * Checks the name of a line.
 *
 * @param {unknown} name
 * @returns {LuaLine} the default one for undefined
 * @throws {TypeError | RangeError}
 */
export function lineOf(name) {
  if (name === undefined) return LUA_LINES[0];
  const line = LUA_LINES.find((known) => known === name);
  if (line !== undefined) return line;
  const known = LUA_LINES.map((each) => `'${each}'`).join(' or ');
  if (typeof name !== 'string') throw new TypeError(`the option lua has to be a string, ${known}, not the ${typeof name} ${String(name)}`);
  throw new RangeError(`there is no module of Lua '${name}' here: the option lua has to be ${known}`);
}

/**
 * Finds the line of a release.
 *
 * @param {string} release as `5.4.9`
 * @returns {LuaLine | undefined} undefined if it is of none that there is
 */
export function lineOfRelease(release) {
  return LUA_LINES.find((line) => release.startsWith(`${line}.`));
}

/**
 * Checks that a module is of a line.
 *
 * @param {WebAssembly.Module} module
 * @param {LuaLine} line
 * @throws {TypeError}
 */
export function checkLine(module, line) {
  const stamp = identify(module);
  if (stamp !== null && lineOfRelease(stamp.luaRelease) === line) return;
  const found = stamp === null ? 'is of no release that it tells' : `is Lua ${stamp.luaRelease}`;
  throw new TypeError(`the module ${found}, and the option lua asks for Lua ${line}: leave the option out, or give the module of that line`);
}
