/**
 * Chooses the line of Lua that the page runs, by a button that shows the release.
 *
 * @import { LuaLine } from '../lua-persistent.js'
 */

import { LUA_LINES } from '../loader.js';
import { byId, onUse } from './dom.js';
import { remember, remembered } from './preferences.js';

/** @returns {LuaLine} the line that was chosen last */
export function chosenLine() {
  const last = remembered('line');
  return LUA_LINES.find((line) => line === last) || LUA_LINES[0];
}

/** Number of the line that runs. */
let current = 0;

/**
 * Let the button choose the next line.
 *
 * @param {(line: LuaLine) => unknown} change
 */
export function initLine(change) {
  onUse('line', () => change(LUA_LINES[(current + 1) % LUA_LINES.length]));
}

/**
 * Show which release runs. Its line is the one that the page begins with next time: a snapshot may have brought it.
 *
 * @param {string} release
 */
export function showRelease(release) {
  const shown = `Lua ${release}`;
  const button = byId('line');
  if (button.textContent === shown) return;
  button.textContent = shown;
  current = LUA_LINES.findIndex((line) => release.startsWith(`${line}.`));
  remember('line', LUA_LINES[current]);
}
