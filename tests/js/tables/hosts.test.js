// Tests hosts that fail, in every way a host can: Lua gets an error, and what was stored is still there.

import assert from 'node:assert/strict';
import test from 'node:test';

import { DecodeError, ExternalTable, Lua, LuaError, LuaFunction, LuaLibrary, MapStore } from '../../../web/lua-persistent.js';
import { random } from '../support/random.js';
import { compute, instantiate, start } from '../support/documented-host.js';
import { contents, PlainStore } from '../support/stores.js';

/** Programs that use external tables in every way; each either works or is an error. */
const PROGRAMS = [
  'return _home.x', '_home.x = 1', '_home.x = nil', '_home.t = {a = {b = 1}}', 'return #_home', 'return next(_home)', 'for k, v in pairs(_home) do local _ = v end', 'return ext.size(_home)',
  '_home.f = function() return x end', '_home.f = nil', 'local t = ext.table({1, 2, 3}) return #t', 'return ext.collect()', 'table.insert(_home, 1)', 'return table.concat(_home)', 'table.sort(_home)',
  'setmetatable(_home, {__index = print})', 'setmetatable(_home, nil)', 'rawset(_home, 1, 2) return rawget(_home, 1)', 'return ext.attach(77).x', '_io.input = {1, 2}',
  'return _home.f and _home.f()', '_home[("k"):rep(100)] = ("v"):rep(10000)', 'return _home == _home', 'local n = 0 for _ in ipairs(_home) do n = n + 1 end return n',
];

const FAILING = {
  'answer -1': () => -1,
  'answer the smallest number': () => -2147483648,
  throw: () => {
    throw new Error('out of order');
  },
  'throw no error': () => {
    throw undefined;
  },
};

for (const [name, fail] of Object.entries(FAILING)) {
  test(`a host whose functions all ${name} makes Lua errors and nothing else`, () => {
    const names = ['set', 'get', 'delete', 'size', 'keys'].map((method) => `js_ext_table_${method}`);
    const instance = instantiate(Object.fromEntries(names.map((method) => [method, fail])));
    const { exports } = instance;
    assert.equal(exports.init(), 0);
    let errors = 0;
    for (let round = 0; round < 3; round++) {
      for (const code of PROGRAMS) {
        const { resultLen } = compute(instance, code);
        if (resultLen < 0) errors++;
        assert.equal(compute(instance, 'return 1 + 1').value, 2n, `after ${code}`);
      }
    }
    assert.ok(errors >= 3 * 8, `${errors} errors`);
    assert.equal(exports.clear_io_table(), -1);
    assert.equal(exports.ext_table_size(1), -1);
    exports.run_gc();
    exports.deinit();
    assert.equal(exports.init(), 0);
    assert.equal(compute(instance, 'return 1').value, 1n);
  });
}

test('each way to fail names what the host failed to do', () => {
  const works = start();
  compute(works, '_home.x = 1 _home.t = {1, 2}');
  const cases = [
    ['set', '_home.x = 2', /the host failed to (store in|change) an external table/],
    ['set', '_home.deep = {a = {}}', /the host failed to store in an external table/],
    ['delete', '_home.x = nil', /the host failed to (delete from|change) an external table/],
    ['size', 'return ext.size(_home)', /the host failed to count an external table/],
    ['keys', 'return next(_home)', /the host failed to list the keys|cannot walk the external table/],
  ];
  for (const [method, code, message] of cases) {
    for (const fail of [FAILING['answer -1'], FAILING.throw]) {
      const broken = start({ [`js_ext_table_${method}`]: fail });
      for (const [id, table] of works.tables) broken.tables.set(id, new Map(table));
      const result = compute(broken, code);
      assert.match(result.error ?? 'no error', message, code);
    }
  }
  const throwing = start({ js_ext_table_get: FAILING.throw });
  assert.match(compute(throwing, 'return _home.x').error, /the host failed to read an external table/);
});

/** A store that fails by chance: what it did not do has changed nothing. */
class Unreliable extends PlainStore {
  constructor(next) {
    super();
    this.next = next;
    this.rate = 0;
  }

  risk() {
    if (this.rate > 0 && this.next(this.rate) === 0) throw new Error('the disk is tired');
  }

  get(...args) {
    this.risk();
    return super.get(...args);
  }

  set(...args) {
    this.risk();
    super.set(...args);
  }

  delete(...args) {
    this.risk();
    return super.delete(...args);
  }

  size(...args) {
    this.risk();
    return super.size(...args);
  }

  keys(...args) {
    this.risk();
    return super.keys(...args);
  }
}

test('a host that throws now and then makes errors, and nothing stored is lost or half there', async () => {
  const next = random(99);
  const store = new Unreliable(next);
  const lua = await Lua.create({ store });
  // What should be in `_home`: an assignment that failed changed nothing.
  const model = new Map();
  let errors = 0;
  for (let round = 0; round < 4000; round++) {
    const key = `k${next(30)}`;
    store.rate = 6;
    try {
      switch (next(4)) {
        case 0:
          lua.compute(`_home.${key} = ${round}`);
          model.set(key, round);
          break;
        case 1:
          lua.compute(`_home.${key} = {n = ${round}, list = {${round}, {x = ${round}}}}`);
          model.set(key, { n: round, list: [round, { x: round }] });
          break;
        case 2:
          lua.compute(`_home.${key} = nil`);
          model.delete(key);
          break;
        default:
          lua.compute('local n = 0 for k, v in pairs(_home) do n = n + 1 end return n, ext.size(_home)');
      }
    } catch (error) {
      assert.ok(error instanceof LuaError, String(error));
      assert.equal(error.cause?.message, 'the disk is tired');
      errors++;
    }
    store.rate = 0;
    if (round % 50 === 0) {
      assert.deepEqual(lua.home.toObject(), Object.fromEntries(model));
      assert.equal(lua.compute('local n = 0 for k, v in pairs(_home) do n = n + 1 end return n').value, model.size);
    }
  }
  assert.ok(errors > 500, `${errors} errors`);
  lua.close();
  // What was written for assignments that failed is gone, or can be found: another machine keeps only what is reached.
  const again = await Lua.create({ store });
  again.collect();
  const reached = [...model.values()].filter((value) => typeof value === 'object').length * 3;
  assert.equal(contents(store).length, reached + 1);
  assert.deepEqual(again.home.toObject(), Object.fromEntries(model));
  again.close();
});

test('a failing read raises, and the table is whole when the host works again', async () => {
  const store = new Unreliable(() => 0);
  const lua = await Lua.create({ store });
  lua.compute(`
    _home.t = setmetatable({x = 1}, {__index = function(_, k) return k end})
    local n = 0
    _home.f = function() n = n + 1 return n end
    return _home.f()
  `);
  lua.close();
  const again = await Lua.create({ store });
  for (const code of ['return _home.t.x', 'return _home.t.absent', 'return _home.f()', 'for k in pairs(_home) do end', 'return #_home']) {
    store.rate = 1;
    assert.throws(() => again.compute(code), LuaError, code);
    store.rate = 0;
  }
  assert.deepEqual(again.compute('return _home.t.x, _home.t.absent, _home.f()').values, [1, 'absent', 2]);
  again.close();
});

test('bytes that are no values give an error, never a wrong value', async () => {
  const next = random(5);
  const store = new MapStore();
  const lua = await Lua.create({ store });
  const attempt = (call) => {
    try {
      return call();
    } catch (error) {
      assert.ok(error instanceof LuaError || error instanceof DecodeError, String(error));
      return 'an error';
    }
  };
  const code = 'local x = _home.x if type(x) == "table" then return ext.id(x) and "table " .. ext.id(x) or "a library" end return type(x) == "function" and "function" or x';
  let values = 0;
  for (let round = 0; round < 20_000; round++) {
    const tag = next(16);
    const length = [1, 2, 9, 9, 5 + next(4), 9, 5 + next(4), 5][tag] ?? next(12);
    const bytes = new Uint8Array(next(4) > 0 ? length : next(12));
    for (let at = 1; at < bytes.length; at++) bytes[at] = next(3) === 0 ? next(256) : at === 1 && next(3) > 0 ? bytes.length - 5 : 0;
    if (bytes.length > 0) bytes[0] = tag;
    store.set(1, 'x', bytes);
    const seen = attempt(() => lua.home.get('x'));
    const inLua = attempt(() => lua.compute(code).value);
    const hex = Buffer.from(bytes).toString('hex');
    // Whether there is such a function or library only Lua knows.
    if (seen instanceof LuaFunction || seen instanceof LuaLibrary) continue;
    assert.deepEqual(seen instanceof ExternalTable ? `table ${seen.id}` : seen, inLua, hex);
    if (seen !== 'an error') values++;
  }
  assert.ok(values > 3000, `${values} values`);
  lua.close();
});
