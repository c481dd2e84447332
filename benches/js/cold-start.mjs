// One cold start, for cold.mjs: the time from before the import to after the first result, in milliseconds, on standard output.

const [, , name, address] = process.argv;

/** What a program has to write to have the result of a line of Lua. */
const STARTS = {
  async here() {
    const { Lua } = await import(address);
    const lua = await Lua.create();
    return lua.eval('return 6 * 7').value;
  },
  async wasmoon() {
    const { LuaFactory } = await import('wasmoon');
    const engine = await new LuaFactory().createEngine();
    return engine.doStringSync('return 6 * 7');
  },
  async fengari() {
    const { lua, lauxlib, lualib, to_luastring } = (await import('fengari')).default;
    const state = lauxlib.luaL_newstate();
    lualib.luaL_openlibs(state);
    lauxlib.luaL_dostring(state, to_luastring('return 6 * 7'));
    return lua.lua_tonumber(state, -1);
  },
};

const begin = performance.now();
const value = await STARTS[name]();
const milliseconds = performance.now() - begin;
if (value !== 42) throw new Error(`${name} gave ${value}`);
process.stdout.write(String(milliseconds));
