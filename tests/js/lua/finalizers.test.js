// Tests Lua code that runs at the edges of a call (finalizers, `__tostring` of an error) and calls JavaScript functions.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Lua, LuaError } from '../../../web/lua-persistent.js';
import { collector } from '../support/line.js';

test('finalizers and the __tostring of an error may call functions that run Lua', async () => {
  const lua = await Lua.create({ functions: { f: () => lua.eval('return "from Lua"').value } });
  lua.eval('setmetatable({}, {__gc = function() seen = f() end})');
  lua.gc();
  assert.equal(lua.get('seen'), 'from Lua');
  assert.throws(() => lua.eval('error(setmetatable({}, {__tostring = f}))'), /^LuaError: from Lua$/);
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.close();
});

/** Makes garbage whose finalizers run as often as can be, and make it anew. */
const TRASH = `
  ${collector('pause', 10)} ${collector('stepmul', 400)}
  function trash() setmetatable({}, {__gc = function() finalize() trash() end}) end
  for i = 1, 30 do trash() end`;

test('finalizers that call functions with long replies leave the values around them alone', async () => {
  const lua = await Lua.create({
    functions: { finalize: () => lua.eval('print("in between") return {"some", "table"}').value && 'y'.repeat(600), id: (x) => x, long: () => 'x'.repeat(3000) },
  });
  lua.eval(TRASH);
  for (let i = 0; i < 500; i++) {
    const { values } = lua.eval(`local t = {${i}, {string.rep("s", 300)}, print} return id(t), #long(), t`);
    assert.deepEqual([values[0][0], values[0][1][0].length, values[1], values[2][0]], [i, 300, 3000, i]);
  }
  lua.close();
});

test('finalizers cannot change a table while it is converted', async () => {
  const lua = await Lua.create({ functions: { id: (x) => x } });
  lua.eval(`T, n = {}, 0 function finalize() n = n + 1 T = T for k in pairs(T) do T[k] = nil end for i = 1, n % 7 do T["k" .. i] = print T[i] = {i} end print("x") end ${TRASH}`);
  // What one finalizer made of it: as many lists [i] as functions under "k" .. i.
  const whole = (table) => {
    const entries = table instanceof Map ? table : new Map(Object.entries(table));
    const count = entries.size / 2;
    for (let i = 1; i <= count; i++) {
      assert.deepEqual(entries.get(i), [i]);
      assert.equal(entries.get(`k${i}`).name, 'print');
    }
    assert.ok(Number.isInteger(count) && count < 7, `${entries.size} entries`);
  };
  for (let i = 0; i < 1000; i++) {
    const { values } = lua.eval('return T, id(T), {T}');
    [values[0], values[1], values[2][0], lua.get('T')].forEach(whole);
  }
  assert.ok(lua.get('n') > 0, 'no finalizer ran');
  lua.close();
});

test('what an error and finalizers run at the end of a call is limited, too', async () => {
  const lua = await Lua.create({ instructions: 10000 });
  for (const code of [
    'error(setmetatable({}, {__tostring = function() while true do end end}))',
    'setmetatable({}, {__gc = function() while true do end end}) local t = {} while true do t[#t + 1] = ("x"):rep(1e5) .. #t end',
  ]) {
    assert.throws(() => lua.eval(code), (error) => error instanceof LuaError && error.limit === 'instructions');
    assert.equal(lua.eval('1 + 1').value, 2);
  }
  lua.close();
});

test('a limit that is reached inside a function is one to the function, too', async () => {
  /** @type {any} */
  let seen;
  const lua = await Lua.create({
    functions: {
      f: () => {
        try {
          lua.eval('while true do end');
        } catch (error) {
          seen = error;
        }
      },
    },
  });
  assert.throws(() => lua.eval('f()', { instructions: 1000 }), LuaError);
  assert.deepEqual([seen.status, seen.limit], ['limit', 'instructions']);
  lua.close();
});

test('a function that a restored machine has found again is that very function', async () => {
  const add = (a, b) => a + b;
  const lua = await Lua.create({ functions: { add } });
  const other = await Lua.restore(await lua.snapshot(), { functions: { add } });
  assert.equal(other.get('add'), add);
  other.set('again', add);
  assert.equal(other.eval('again == add').value, true);
  lua.close();
  other.close();
});

test('calls alone do not keep the collector from running', async () => {
  const lua = await Lua.create({ functions: { take: () => {} } });
  lua.eval('K = {1, 2, 3} function loop(n) for i = 1, n do take(K) end end');
  lua.call('loop', 50000);
  assert.ok(lua.stats().luaMemoryUsed < 500000, String(lua.stats().luaMemoryUsed));
  lua.close();
});
