/**
 * Unpacks and compiles the module within the script, in place of `artifact.js`: for bundlers that leave files behind, and for
 * a program in one file. The script holds the module of one line alone; another line is a script of its own, which programs that
 * want it import.
 *
 * @import { LuaLine } from './loader.js'
 */

import { compile, LUA_LINES } from './loader.js';
import { unpack } from './module/unpack.js';

/** What addresses are relative to where there is no page: the worker's script, or nothing. */
export const BASE = typeof location === 'undefined' ? undefined : location.href;

/**
 * The module, once it was asked for: the second machine starts at once.
 *
 * @type {Promise<WebAssembly.Module> | null}
 */
let compiled = null;

/**
 * Compile the module.
 *
 * @param {LuaLine} line
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileArtifact(line) {
  if (line !== LUA_LINES[0]) {
    throw new Error(
      `lua-persistent/inline, which bundlers take, holds Lua ${LUA_LINES[0]} alone; Lua ${line} is a script of its own: ` +
        `Lua.create({ lua: '${line}', wasm: import('lua-persistent/lua-${line}') })`,
    );
  }
  if (compiled === null) compiled = unpack().then(compile);
  return compiled;
}

/** Gets the bytes of the first line's module. */
export const firstModule = unpack;
