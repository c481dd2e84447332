// Tests that what is stored in external tables outlives its machine: functions with the variables they share, metatables,
// keys of any bytes, tables under several names.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, LuaError, MapStore } from '../../../web/lua-persistent.js';
import { compute, instantiate, start } from '../support/documented-host.js';
import { PlainStore } from '../support/stores.js';

/** Run programs one after the other, each in a machine of its own; gives the values of the last. */
async function lives(programs, store = new MapStore()) {
  let values = [];
  for (const code of programs) {
    const lua = await Lua.create({ store });
    ({ values } = lua.compute(code));
    lua.close();
  }
  return values;
}

/** The message of the error that a program ends with. */
async function message(code, lua) {
  const own = lua ?? (await Lua.create());
  try {
    own.compute(code);
  } catch (error) {
    assert.ok(error instanceof LuaError, String(error));
    return error.message;
  } finally {
    if (lua === undefined) own.close();
  }
  return assert.fail('no error');
}

test('functions that share a variable share it in every machine', async () => {
  for (const store of [new MapStore(), new PlainStore()]) {
    const values = await lives([
      `do
         local n = 0
         _home.up = function() n = n + 1 return n end
         _home.down = function() n = n - 1 return n end
         _home.nested = {get = function() return n end}
       end
       _home.up()`,
      '_home.up() _home.up() _home.down()',
      'local first = _home.nested.get() _home.down() _home.down() return first, _home.nested.get(), _home.up()',
    ], store);
    assert.deepEqual(values, [2, 0, 1]);
  }
});

test('recursive functions, functions in variables and globals keep working', async () => {
  const values = await lives([
    `local function fact(n) return n < 2 and 1 or n * fact(n - 1) end
     _home.fact = fact
     local even, odd
     function even(n) return n == 0 or odd(n - 1) end
     function odd(n) return n ~= 0 and even(n - 1) end
     _home.even = even
     local log = {}
     _home.note = function(x) log[#log + 1] = x return #log end
     _home.log = log
     _home.global = function() return greeting end`,
    '_home.note("a") _home.note("b")',
    'greeting = "hello" return _home.fact(10), _home.even(10), _home.even(7), _home.note("c"), #_home.log, _home.log[2], _home.global()',
  ]);
  assert.deepEqual(values, [3_628_800, true, false, 3, 3, 'b', 'hello']);
});

test('a table assigned is the very table that is stored', async () => {
  const lua = await Lua.create();
  const code = `
    local p = {x = 1}
    _home.p = p
    p.x = 2
    p.y = {z = 3}
    local y = p.y
    y.z = 4
    return p == _home.p, _home.p.x, _home.p.y.z, rawequal(p, _home.p), next(_home.p)
  `;
  assert.deepEqual(lua.compute(code).values, [true, 2, 4, true, 'x', 2]);
  lua.close();
});

test('cycles and shared parts stay what they are', async () => {
  const values = await lives([
    'local a, b = {}, {} a.b, b.a, a.self = b, a, a _home.a = a _home.list = {b, b, a}',
    `local a = _home.a
     return a.self == a, a.b.a == a, _home.list[1] == _home.list[2], _home.list[1] == a.b, _home.list[3].self.b.a == a`,
  ]);
  assert.deepEqual(values, [true, true, true, true, true]);
});

test('metatables come back with what they do', async () => {
  const values = await lives([
    `local Account = {}
     Account.__index = Account
     function Account.new(n) return setmetatable({balance = n}, Account) end
     function Account:deposit(n) self.balance = self.balance + n return self end
     Account.__add = function(a, b) return Account.new(a.balance + b.balance) end
     Account.__tostring = function(a) return "account of " .. a.balance end
     Account.__eq = function(a, b) return a.balance == b.balance end
     Account.__lt = function(a, b) return a.balance < b.balance end
     Account.__len = function(a) return a.balance end
     Account.__call = function(a, n) return a.balance * n end
     Account.__concat = function(a, b) return "both" end
     Account.__newindex = function(a, k, v) rawset(a, k, v * 2) end
     _home.Account, _home.one, _home.two = Account, Account.new(1), Account.new(2)`,
    `local one, two = _home.one, _home.two
     one:deposit(10).extra = 4
     return getmetatable(one) == _home.Account, tostring(one), (one + two).balance, one == two, two < one, #two, one(3), one .. two, one.extra, ext.size(one)`,
  ]);
  assert.deepEqual(values, [true, 'account of 11', 13, false, true, 2, 33, 'both', 8, 2]);
});

test('keys of every byte value are told apart, and come back', async () => {
  const write = `
    local t = ext.table()
    _home.t = t
    for a = 0, 255 do
      t[string.char(a)] = a
      for b = 0, 255, 5 do t[string.char(a, b)] = a * 256 + b end
    end`;
  const read = `
    local t, n = _home.t, 0
    for a = 0, 255 do
      assert(t[string.char(a)] == a)
      for b = 0, 255, 5 do assert(t[string.char(a, b)] == a * 256 + b) end
    end
    for k, v in pairs(t) do
      n = n + 1
      local a, b = k:byte(1, 2)
      assert(v == (b and a * 256 + b or a))
    end
    return n, ext.size(t)`;
  const count = 256 + 256 * 52;
  assert.deepEqual(await lives([write, read]), [count, count]);
  assert.equal(compute(start(), `${write} ${read}`).value, BigInt(count));
});

test('keys that look alike are different keys', async () => {
  const lua = await Lua.create();
  const code = `
    local t = ext.table()
    local keys = {1, "1", 1.5, "1.5", true, "true", "[1]", "[true]", "[meta]", '["x"]', "x", "", 0, -1, 2^53, 2^53 + 1 | 0, math.maxinteger, math.mininteger, 1/0, -1/0, "inf"}
    for i, k in ipairs(keys) do t[k] = i end
    for i, k in ipairs(keys) do assert(t[k] == i or k == 2^53, tostring(k)) end
    t[1.0] = "one" t[-0.0] = "zero"
    return ext.size(t), t[1], t[0], (pcall(function() t[0/0] = 1 end)), t[0/0], t[nil]
  `;
  assert.deepEqual(lua.compute(code).values, [20, 'one', 'zero', false, null, null]);
  lua.close();
});

test('what is no key, or too long for one, is an error that says so', async () => {
  const lua = await Lua.create();
  assert.match(await message('_home[nil] = 1', lua), /index is nil/);
  assert.match(await message('_home[0/0] = 1', lua), /index is NaN/);
  assert.match(await message('_home[{}] = 1', lua), /a table cannot be a key of an external table/);
  assert.match(await message('_home[print] = 1', lua), /a function cannot be a key of an external table/);
  assert.match(await message('_home[("k"):rep(16385)] = 1', lua), /at most 16384 bytes, this one has 16385/);
  assert.equal(lua.compute('_home[("k"):rep(16384)] = 1 _home[("\\0"):rep(16384)] = 2 return _home[("\\0"):rep(16384)]').value, 2);
  lua.close();
});

test('what cannot be stored is named by its path, and the assignment changes nothing', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  lua.compute('_home.jobs = "before"');
  const tables = [...store.tableIds()].length;
  const cases = [
    ['_home.jobs = {{}, {}, {co = coroutine.create(print)}}', /_home\.jobs\[3\]\.co: cannot store a coroutine/],
    ['_home.jobs = coroutine.create(print)', /_home\.jobs: cannot store a coroutine/],
    ['_home.jobs = {file = io.stdout}', /_home\.jobs\.file: cannot store a userdata/],
    ['_home.jobs = {["odd key"] = {[true] = coroutine.create(print)}}', /_home\.jobs\["odd key"\]\[true\]: cannot store a coroutine/],
    ['local co = coroutine.create(print) _home.jobs = {f = function() return co end}', /_home\.jobs\.f.*cannot store a coroutine/],
    ['_home.jobs = setmetatable({}, {__index = {co = coroutine.create(print)}})', /_home\.jobs.*metatable.*co: cannot store a coroutine/],
    ['_home.jobs = {[{}] = 1}', /_home\.jobs: a table cannot be a key of an external table/],
    ['_home.jobs = setmetatable({}, {__gc = print})', /_home\.jobs: cannot store a table with a finaliser/],
    ['local t = ext.table() _home.t = nil t.x = {coroutine.create(print)}', /external table \d+\.x\[1\]: cannot store a coroutine/],
  ];
  for (const [code, expected] of cases) assert.match(await message(code, lua), expected, code);
  assert.equal(lua.compute('return _home.jobs').value, 'before');
  assert.equal([...store.tableIds()].filter((id) => store.size(id) > 0).length, tables);
  const plain = lua.compute('local t = {1, {2}, coroutine.create(print)} pcall(function() _home.t = t end) t[2][1] = 3 return ext.id(t), ext.id(t[2]), t[2][1], #t');
  assert.deepEqual(plain.values, [null, null, 3, 3], 'a table whose assignment failed is as plain as before');
  lua.close();
});

test('library tables and the globals are kept by name', async () => {
  const values = await lives([
    '_home.string, _home.g, _home.format, _home.print = string, _G, string.format, print',
    'marker = 7 return _home.string == string, _home.g == _G, _home.g.marker, _home.format == string.format, _home.print == print',
  ]);
  assert.deepEqual(values, [true, true, 7, true, true]);
});

test('values of all plain types are the same in the next machine', async () => {
  const values = await lives([
    `_home.v = {true, false, 0, -1, math.maxinteger, math.mininteger, 0.5, -0.0, 1/0, -1/0, 2^53, "", "text", "\\0\\xff\\n", ("long"):rep(10000)}`,
    `local v = _home.v
     return v[1], v[2], math.type(v[3]), v[5] == math.maxinteger, v[6] == math.mininteger, v[7], 1 / v[8], v[9], v[10], math.type(v[11]), v[12], v[13], v[14] == "\\0\\xff\\n", #v[15]`,
  ]);
  assert.deepEqual(values, [true, false, 'integer', true, true, 0.5, -Infinity, Infinity, -Infinity, 'float', '', 'text', true, 40_000]);
});

test('functions and metatables survive on the five functions of the reference', () => {
  const first = start();
  assert.ok(compute(first, 'local n = 5 _home.f = function() n = n + 1 return n end _home.t = setmetatable({}, {__index = function(_, k) return k .. "!" end}) return _home.f()').value === 6n);
  first.exports.deinit();
  const second = instantiate();
  for (const [id, table] of first.tables) second.tables.set(id, table);
  second.exports.init();
  second.exports.sync_external_table_counter(Math.max(...first.tables.keys()) + 1);
  assert.equal(compute(second, 'return _home.f()').value, 7n);
  assert.equal(compute(second, 'return _home.t.hey').value, 'hey!');
});

test('collect keeps what each way of holding reaches', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  lua.compute(`
    local hidden = ext.table({n = 1})
    _home.f = function() return hidden end
    _home.m = setmetatable({}, {__index = {inherited = true}})
    local up = ext.table({n = 2})
    holder = function() return up end
    co = coroutine.wrap(function() local t = ext.table({n = 3}) coroutine.yield() return t end)
    co()
    weak = setmetatable({ext.table({n = 4})}, {__mode = "v"})
  `);
  assert.equal(lua.compute('return ext.collect()').value, 1, 'only what is held weakly is freed');
  assert.deepEqual(lua.compute('return _home.f().n, _home.m.inherited, holder().n, co().n, #weak').values, [1, true, 2, 3, 0]);
  lua.close();
  const again = await Lua.create({ store });
  assert.equal(again.collect(), 2, 'the next machine holds neither of the two');
  assert.deepEqual(again.compute('return _home.f().n, _home.m.inherited').values, [1, true]);
  again.close();
});
