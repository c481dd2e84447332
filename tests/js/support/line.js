/**
 * Says which line of Lua the tests run, and finds its files: `LUA_LINE`, which other-line.js takes for the default, or the first.
 */

import { readFileSync } from 'node:fs';

import { LUA_LINES } from '../../../web/loader.js';

const abi = JSON.parse(readFileSync(new URL('../../../web/abi.json', import.meta.url), 'utf8'));

/** The line that machines have unless a test says otherwise. */
export const LINE = LUA_LINES[0];

/** What the error value nil is for who catches it: 5.5 has a message in its place. */
export const NO_ERROR_OBJECT = LINE === '5.4' ? null : '<no error object>';

/**
 * Lua code that sets a parameter of the collector.
 *
 * @param {'pause' | 'stepmul'} name
 * @param {number} value
 * @returns {string}
 */
export function collector(name, value) {
  return LINE === '5.4' ? `collectgarbage("set${name}", ${value})` : `collectgarbage("param", "${name}", ${value})`;
}

/**
 * The address of an artifact of that line, by its name in the first: `lua-host.wasm` is `lua-5.5-host.wasm`.
 *
 * @param {string} name
 * @returns {URL}
 */
export function artifact(name) {
  return artifactOf(LINE, name);
}

/**
 * The address of an artifact of any line.
 *
 * @param {string} line
 * @param {string} name in the first line
 * @returns {URL}
 */
export function artifactOf(line, name) {
  return new URL(`../../../web/${line === abi.lua ? name : name.replace(/^lua/, `lua-${line}`)}`, import.meta.url);
}
