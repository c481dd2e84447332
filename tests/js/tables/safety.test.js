// Tests that Lua code cannot change the inside of external tables: whatever it reaches for, memory stays whole.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua } from '../../../web/lua-persistent.js';

/** Stores the table that its caller is constructing, and returns 1. */
const GRAB = `
  local function grab()
    for i = 1, 250 do
      local name, value = debug.getlocal(2, i)
      if not name then break end
      if type(value) == "table" and name == "(temporary)" then _home.x = value return 1 end
    end
    error("no table is under construction")
  end
`;

/** Constructors, by what is special in them, and how long the list is that they make. */
const CONSTRUCTORS = {
  'a short list': ['{grab(), 2, 3}', 3],
  'fields and a list': ['{a = 1, grab(), 2, b = 2}', 2],
  'all values of a call': ['{grab(), (function() return 2, 3, 4 end)()}', 4],
  'several batches': [`{grab(), ${Array.from({ length: 172 }, (_, n) => n + 2).join(', ')}}`, 173],
  'a batch before it': [`{${Array.from({ length: 60 }, (_, n) => n + 1).map((n) => `${n}, `).join('')}(grab() and 61), 62}`, 62],
  'nested lists': ['{(grab() and 1), {2}, {3}}', 3],
};

for (const [name, [constructor, length]] of Object.entries(CONSTRUCTORS)) {
  test(`a table that becomes external while its constructor runs has all its values: ${name}`, async () => {
    const lua = await Lua.create();
    lua.compute(`${GRAB} local t = ${constructor}
      assert(t == _home.x, "the same table") assert(#t == ${length}, #t)
      for i = 1, ${length} do local v = t[i] if type(v) == "table" then v = v[1] end assert(v == i, i) end
      collectgarbage() collectgarbage()`);
    assert.equal(lua.compute('return #_home.x').value, length);
    lua.close();
  });
}
