// The Luas that are compared, behind one interface: what a program does to have each of them run code.

import { readFileSync } from 'node:fs';

import { Lua } from '../../web/lua-persistent.js';

/**
 * A machine of one of them.
 *
 * @typedef {object} Machine
 * @property {(code: string) => unknown} run a chunk; gives its first result
 * @property {(name: string, target: (a: number, b: number) => number) => void} define a global function
 * @property {(name: string) => (a: number, b: number) => number} get a global function as one of JavaScript
 * @property {() => void} close
 */

const module = new WebAssembly.Module(readFileSync(new URL('../../web/lua.wasm', import.meta.url)));

async function here() {
  const lua = await Lua.create({ wasm: module });
  return {
    run: (code) => lua.compute(code).value,
    define: (name, target) => lua.set(name, target),
    get: (name) => lua.get(name),
    close: () => lua.close(),
  };
}

async function wasmoon() {
  const { LuaFactory } = await import('wasmoon');
  const engine = await new LuaFactory().createEngine();
  return {
    run: (code) => engine.doStringSync(code),
    define: (name, target) => engine.global.set(name, target),
    get: (name) => engine.global.get(name),
    close: () => engine.global.close(),
  };
}

async function fengari() {
  const { lua, lauxlib, lualib, to_luastring } = (await import('fengari')).default;
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  const check = (status) => {
    if (status !== lua.LUA_OK) throw new Error(lua.lua_tojsstring(state, -1));
    const value = lua.lua_isnumber(state, -1) ? lua.lua_tonumber(state, -1) : null;
    lua.lua_settop(state, 0);
    return value;
  };
  return {
    run: (code) => check(lauxlib.luaL_dostring(state, to_luastring(code))),
    define(name, target) {
      lua.lua_pushjsfunction(state, (thread) => {
        lua.lua_pushnumber(thread, target(lua.lua_tonumber(thread, 1), lua.lua_tonumber(thread, 2)));
        return 1;
      });
      lua.lua_setglobal(state, to_luastring(name));
    },
    get: (name) => (a, b) => {
      lua.lua_getglobal(state, to_luastring(name));
      lua.lua_pushnumber(state, a);
      lua.lua_pushnumber(state, b);
      return check(lua.lua_pcall(state, 2, 1, 0));
    },
    close: () => lua.lua_close(state),
  };
}

/** How to make a machine of each. @type {Record<string, () => Promise<Machine>>} */
export const CONTENDERS = { 'lua-persistent': here, 'wasmoon 1.16': wasmoon, 'fengari 0.1.5': fengari };
