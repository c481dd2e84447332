// Tests that two tables never get the same id, whatever counter a host restores.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, MapStore } from '../../../web/lua-persistent.js';
import { random } from '../support/random.js';
import { compute, instantiate, start } from '../support/documented-host.js';

/** A host that has what another had. A table without entries is not among what is kept. */
function restored(tables, { homeTableId = 1, nextTableId }) {
  const instance = instantiate();
  for (const [id, entries] of tables) {
    if (entries.size > 0) instance.tables.set(id, new Map(entries));
  }
  assert.equal(instance.exports.init(), 0);
  instance.exports.attach_memory_table(homeTableId);
  if (nextTableId !== undefined) instance.exports.sync_external_table_counter(nextTableId);
  return instance;
}

/** Each way in which something refers to a table without entries. */
const EMPTY = {
  'a table of ext.table': '_home.e = ext.table()',
  'a plain table': '_home.e = {}',
  'a plain table in another': '_home.x = {y = {}} _home.e = _home.x.y',
  'a table that was emptied': '_home.e = {1} _home.e[1] = nil',
  'a table that was emptied by a walk': '_home.e = {a = 1, b = 2, c = 3} for k in pairs(_home.e) do _home.e[k] = nil end',
  'a table whose metatable was taken': '_home.e = setmetatable({}, {}) setmetatable(_home.e, nil)',
  'a table that was attached': '_home.e = ext.attach(500)',
  'a table with an empty metatable': 'local m = {} _home.e = setmetatable({}, m) setmetatable(_home.e, nil) _home.m = m _home.e = m',
};

for (const [name, code] of Object.entries(EMPTY)) {
  test(`${name} stays apart from new tables, without any counter`, () => {
    const first = start();
    compute(first, code);
    const recipes = { none: undefined, highest: Math.max(0, ...first.tables.keys()), recipe: Math.max(0, ...first.tables.keys()) + 1, one: 1 };
    for (const [recipe, nextTableId] of Object.entries(recipes)) {
      const second = restored(first.tables, { nextTableId });
      compute(second, 'for i = 1, 600 do _home[i] = ext.table() _home[i].own = i end for i = 601, 700 do _home[i] = {own = i} end');
      compute(second, '_home.e.mine = true');
      const { value } = compute(second, `
        local same = 0
        for i = 1, 700 do if rawequal(_home[i], _home.e) or _home[i].mine or _home[i].own ~= i then same = same + 1 end end
        return same + ext.size(_home.e) - 1
      `);
      assert.equal(value, 0n, recipe);
    }
  });
}

test('a variable that holds nil stays apart from new tables', () => {
  const first = start();
  compute(first, 'local n function _home.get() return n end function _home.set(v) n = v end');
  const second = restored(first.tables, {});
  compute(second, 'for i = 1, 50 do _home[i] = {own = i} end _home.set(7)');
  compute(second, 'for i = 51, 99 do _home[i] = {own = i} end');
  assert.equal(compute(second, 'for i = 1, 99 do assert(_home[i].own == i and ext.size(_home[i]) == 1) end return _home.get()').value, 7n);
});

test('an empty table that an older host never had is met before new tables take its number', () => {
  // Written before tables without entries were kept: the reference is there, the table is not.
  const tables = new Map([[1, new Map([['e', Uint8Array.of(7, 9, 0, 0, 0)]])]]);
  const second = restored(tables, {});
  assert.equal(compute(second, 'local e = _home.e e = nil collectgarbage() for i = 1, 20 do _home[i] = {i} end return ext.id(_home.e)').value, 9n);
  assert.equal(compute(second, 'for i = 1, 20 do assert(not rawequal(_home[i], _home.e)) end return ext.size(_home.e)').value, 0n);
});

test('whatever a random program stores, a restore without a counter makes no two tables one', () => {
  const next = random(4711);
  let raw = start();
  compute(raw, '_home.t = {} _home.n = 0');
  for (let round = 0; round < 40; round++) {
    for (let step = 0; step < 30; step++) {
      const key = `_home.t.k${next(12)}`;
      const other = `_home.t.k${next(12)}`;
      const make = '_home.n = _home.n + 1 ';
      const code = [
        `${make} ${key} = {}  `,
        `${make} ${key} = ext.table() `,
        `${make} ${key} = {id = _home.n, inner = {}} `,
        `${key} = ${other}`,
        `local t = ${key} if t then for k in pairs(t) do t[k] = nil end end`,
        `local t = ${key} if t then t.other = ${other} end`,
        `${key} = nil`,
        'ext.collect()',
      ][next(8)];
      const { error } = compute(raw, code);
      assert.equal(error, undefined, code);
    }
    // Each table of `_home.t` gets a mark of its own: whichever is found twice was two that became one.
    const shape = `
      local names, seen = {}, {}
      for i = 0, 11 do
        local t = _home.t['k' .. i]
        if t then
          if not seen[t] then seen[t] = 'k' .. i end
          names[#names + 1] = 'k' .. i .. '=' .. seen[t]
          if t.inner then
            if not seen[t.inner] then seen[t.inner] = 'inner' .. i end
            names[#names + 1] = seen[t.inner]
          end
        end
      end
      return table.concat(names, ' ')
    `;
    const before = compute(raw, shape).value;
    raw = restored(raw.tables, { nextTableId: next(3) === 0 ? next(20) : undefined });
    compute(raw, 'for i = 1, 30 do _home["new" .. i] = {ext.table()} end');
    assert.equal(compute(raw, shape).value, before);
    assert.equal(compute(raw, 'local seen = {} for i = 1, 30 do local n = _home["new" .. i] assert(not seen[n] and not seen[n[1]]) seen[n], seen[n[1]] = true, true end return 1').value, 1n);
    compute(raw, 'for i = 1, 30 do _home["new" .. i] = nil end');
  }
});

test('a machine over a store that another filled gives no number twice, whatever it is told', async () => {
  const store = new MapStore();
  const first = await Lua.create({ store });
  first.home.set('e', first.createTable());
  first.home.set('f', { g: {} });
  first.home.set('h', first.table(77));
  first.home.get('f').set('x', 1);
  first.home.get('f').delete('x');
  first.home.set('c', { d: 1 });
  first.home.get('c').clear();
  assert.equal(first.home.get('c').size, 0);
  await first.close();
  const copy = new MapStore();
  for (const id of store.tableIds()) for (const key of store.keys(id)) copy.set(id, key, store.get(id, key));
  const again = await Lua.create({ store: copy, nextTableId: 1 });
  const made = Array.from({ length: 100 }, () => again.createTable());
  again.compute('for i = 1, 100 do _home[i] = ext.table() end');
  const known = ['e', 'h', 'c'].map((name) => again.home.get(name).id).concat(again.home.get('f').get('g').id);
  const ids = known.concat(made.map((table) => table.id), Array.from({ length: 100 }, (_, i) => again.home.get(i + 1).id));
  assert.equal(new Set(ids).size, ids.length);
});

test('when the counter has been at the end, numbers that are free are given again, and no others', async () => {
  const lua = await Lua.create();
  lua.compute('_home.a = {1} _home.e = ext.table() held = ext.table()');
  lua.table(4294967290);
  const raw = start();
  compute(raw, '_home.a = {1} _home.e = ext.table() held = ext.table()');
  raw.exports.sync_external_table_counter(4294967290);
  assert.equal(compute(raw, 'local seen = {} for i = 1, 50 do local t = ext.table() t.x = i _home[i] = t assert(not seen[ext.id(t)]) seen[ext.id(t)] = true end for _, t in ipairs {_home.a, _home.e, held, _home, _io} do assert(not seen[ext.id(t)]) end return 1').value, 1n);
  assert.equal(compute(raw, 'held.y = 1 return _home.a[1] + ext.size(_home.e) + ext.size(held)').value, 2n);
  assert.equal(compute(raw, 'local keep = {} for i = 1, 3 do _home["g" .. i] = {{i}} end return _home.g3[1][1]').value, 3n);
});
