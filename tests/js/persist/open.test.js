// Tests Lua.open: machines whose external tables outlive them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { ImportError, Lua, LuaError, LuaStateError, MapStore, MemoryBackend, StateError } from '../../../web/lua-persistent.js';
import { contents, look } from '../support/states.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

let count = 0;
const fresh = () => path.join(directory, `${++count}.state`);
const kind = (name) => (error) => error instanceof StateError && error.kind === name;

/** Run a program that uses the package, in a process of its own. */
function run(code) {
  const options = { cwd: fileURLToPath(new URL('../../../web/', import.meta.url)), encoding: 'utf8' };
  return spawnSync(process.execPath, ['--input-type=module', '-e', `import { Lua } from './lua-persistent.js';\n${code}`], options);
}

test('a counter, a large table and functions with variables live on in the next machine', async () => {
  const file = fresh();
  for (let round = 1; round <= 3; round++) {
    const lua = await Lua.open(file);
    const { value } = lua.compute(`
      if not _home.counter then
        _home.counter = 0
        _home.items = {}
        for i = 1, 10000 do _home.items[i] = { id = i, name = "item " .. i } end
        local n = 0
        _home.up = function() n = n + 1 return n end
        _home.get = function() return n end
      end
      _home.counter = _home.counter + 1
      assert(#_home.items == 10000 and _home.items[9999].name == "item 9999")
      assert(_home.up() == _home.counter and _home.get() == _home.counter)
      return _home.counter
    `);
    assert.equal(value, round);
    await lua.close();
  }
});

test('a machine tells where its tables are kept', async () => {
  const [file, other, none] = [await Lua.open(fresh()), await Lua.open(new MemoryBackend()), await Lua.create()];
  assert.deepEqual([file.storage, other.storage, none.storage], ['file', 'other', null]);
  await Promise.all([file.close(), other.close(), none.close()]);
});

test('states of older formats go on, with the functions in them', async () => {
  for (const [version, counter] of [[1, 41], [2, 42]]) {
    const file = fresh();
    fs.copyFileSync(new URL(`../../fixtures/state-v${version}/tables.bin`, import.meta.url), file);
    for (const calls of [9, 10]) {
      const lua = await Lua.open(file);
      assert.deepEqual(lua.eval('return _home.counter, _home.bump(1), _home.sin == math.sin').values, [counter, calls, true]);
      await lua.close();
    }
  }
});

test('what JavaScript changes is saved like what Lua changes', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend);
  lua.home.set('list', [1, 2, { x: 'y' }]);
  await lua.save();
  lua.home.set('more', true);
  lua.home.get('list').delete(3);
  await lua.close();
  const again = await Lua.open(backend);
  assert.deepEqual(again.eval('return #_home.list, _home.more').values, [2, true]);
  await again.close();
});

test('tables that are collected are gone from the state', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend);
  lua.compute('_home.t = {} for i = 1, 100 do _home.t[i] = {i} end');
  await lua.save();
  lua.compute('_home.t = nil');
  lua.gc();
  assert.equal(lua.collect(), 101);
  await lua.close();
  const again = await Lua.open(backend);
  assert.deepEqual(contents(again.store), {});
  await again.close();
});

test('what was stored before a program failed is kept', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend);
  assert.throws(() => lua.compute('_home.x = 1 error("stop")'), LuaError);
  await lua.close();
  const again = await Lua.open(backend);
  assert.equal(again.eval('return _home.x').value, 1);
  await again.close();
});

test('what a finalizer stores while the machine closes is kept', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend);
  lua.compute('setmetatable({}, { __gc = function() _home.last = "words" end })');
  await lua.close();
  const again = await Lua.open(backend);
  assert.equal(again.eval('return _home.last').value, 'words');
  await again.close();
});

test('what was rolled back is not in the state, whether it was saved meanwhile or not', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend);
  lua.compute('_home.a = 1 _home.b = 2 _home.c = 3');
  await lua.save();
  const before = contents(lua.store);
  for (const isSaved of [false, true]) {
    lua.checkpoint();
    lua.compute('_home.b = nil _home.d = {1} _home.b = 5 _home.a = nil');
    if (isSaved) await lua.save();
    lua.rollback();
    await lua.save();
    const { tables } = await look(backend);
    assert.deepEqual(tables, before);
  }
  await lua.close();
});

test('the steps of a program count as calls for autosave', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend, { autosave: { calls: 2 } });
  lua.start('for i = 1, 1e6 do _home.i = i end');
  lua.step(1000);
  lua.step(1000);
  await new Promise(setImmediate);
  const { tables } = await look(backend);
  assert.deepEqual(tables, contents(lua.store));
  await lua.close();
});

test('a store of the user is filled and observed like any other', async () => {
  class Plain {
    constructor() {
      this.inner = new MapStore();
    }
    get(...words) { return this.inner.get(...words); }
    set(...words) { this.inner.set(...words); }
    delete(...words) { return this.inner.delete(...words); }
    size(...words) { return this.inner.size(...words); }
    keys(...words) { return this.inner.keys(...words); }
    tableIds() { return this.inner.tableIds(); }
  }
  const backend = new MemoryBackend();
  for (let round = 1; round <= 3; round++) {
    const lua = await Lua.open(backend, { store: new Plain() });
    assert.equal(lua.compute('_home.n = (_home.n or 0) + 1 _home.t = {_home.n} return _home.n').value, round);
    await lua.save();
    lua.compute('_home.t[2] = 2');
    await lua.close();
    assert.equal((await Lua.open(backend, { readOnly: true })).eval('return #_home.t').value, 2);
  }
});

test('a second writer is refused, a reader may look', async () => {
  const file = fresh();
  const lua = await Lua.open(file);
  lua.compute('_home.x = 1');
  await lua.save();
  await assert.rejects(() => Lua.open(file), kind('locked'));
  const reader = await Lua.open(file, { readOnly: true });
  assert.equal(reader.eval('return _home.x').value, 1);
  reader.compute('_home.x = 2');
  await assert.rejects(() => reader.save(), kind('read-only'));
  await reader.close();
  await lua.close();
  assert.equal((await Lua.open(file, { readOnly: true })).eval('return _home.x').value, 1);
});

test('a state that cannot be opened leaves no lock behind', async () => {
  const file = fresh();
  fs.writeFileSync(file, 'notes');
  await assert.rejects(() => Lua.open(file), kind('foreign'));
  await assert.rejects(() => Lua.open(fresh(), { wasm: new Uint8Array(3) }));
  assert.deepEqual(fs.readdirSync(directory).filter((name) => name.endsWith('.lock')), []);
});

test('autosave saves after calls, and when the process exits; without it nothing is saved', () => {
  const file = fresh();
  const look = () => run(`console.log((await Lua.open(${JSON.stringify(file)}, { readOnly: true })).eval('return _home.x').value)`).stdout;
  const change = (options, then) => run(`
    const lua = await Lua.open(${JSON.stringify(file)}, ${options});
    lua.compute('_home.x = (_home.x or 0) + 1');
    ${then}
  `);
  assert.equal(change('{ autosave: true }', 'process.exit()').status, 0);
  assert.equal(look(), '1\n');
  assert.equal(change('{ autosave: { idle: 1000 } }', '').stderr, '');
  assert.equal(look(), '2\n');
  change('{}', '');
  assert.equal(look(), '2\n');
  change('{ autosave: { calls: 1, exit: false } }', '');
  assert.equal(look(), '3\n');
  assert.equal(fs.existsSync(`${file}.lock`), false);
});

test('an export begins a new state, and never replaces one', async () => {
  const lua = await Lua.create();
  lua.compute('_home.n = 1.0 _home.t = { "a", [true] = 2 } local up = 5 _home.f = function() up = up + 1 return up end _home.f() _io.x = 1');
  const text = lua.exportTables();
  lua.close();
  const file = fresh();
  const imported = await Lua.open(file, { import: text });
  assert.equal(imported.eval('assert(_io.x == nil) return math.type(_home.n) .. _home.t[1] .. _home.t[true] .. _home.f()').value, 'floata27');
  await imported.close();
  await assert.rejects(() => Lua.open(file, { import: text }), kind('exists'));
  await assert.rejects(() => Lua.open(fresh(), { import: '{}' }), ImportError);
  const again = await Lua.open(file);
  assert.equal(again.eval('return _home.f()').value, 8);
  await again.close();
});

test('a machine that keeps nothing says so when it is to be saved', async () => {
  const lua = await Lua.create();
  await assert.rejects(() => lua.save(), (error) => error instanceof LuaStateError && /Lua\.open\(\)/.test(error.message));
  lua.close();
});

test('a name, a storage or a store that makes no sense is refused', async () => {
  await assert.rejects(() => Lua.open(new MemoryBackend(), { store: new MapStore([[7, [['x', Uint8Array.of(0)]]]]) }), /has entries in table 7/);
  await assert.rejects(() => Lua.open(''), RangeError);
  await assert.rejects(() => Lua.open('x', { storage: 'tape' }), /'file', 'sqlite', 'indexedDB' or 'localStorage', not 'tape'/);
});
