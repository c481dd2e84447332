// Tests machines of each line of Lua side by side: which one a caller gets, which one a snapshot goes on with, and that
// what one line stores the others read, but for functions.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { Lua, LuaError, MapStore, MemoryBackend, readSnapshotTables, SnapshotError } from '../../../web/lua-persistent.js';
import { LUA_LINES } from '../../../web/loader.js';
import { LocalStorageBackend } from '../../../web/persist/local-storage.js';
import { artifactOf } from '../support/line.js';
import { FakeStorage } from '../support/states.js';

const [DEFAULT, OTHER] = LUA_LINES;
const COMMAND = new URL('../../../web/cli.js', import.meta.url).pathname;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What a machine says it is. */
const version = (lua) => lua.compute('return _VERSION').value;

/** Calls with a machine, and closes it. */
async function using(machine, call) {
  const lua = await machine;
  try {
    return await call(lua);
  } finally {
    await lua.close();
  }
}

for (const line of LUA_LINES) {
  test(`the option lua gives a machine of Lua ${line}, whose copies and snapshots go on with it`, async () => {
    const lua = await Lua.create({ lua: line });
    assert.equal(version(lua), `Lua ${line}`);
    lua.eval('local n = 41 function up() n = n + 1 return n end');
    const snapshot = await lua.snapshot();
    for (const copy of [await lua.fork(), await lua.fork({ lua: line }), await Lua.restore(snapshot), await Lua.restore(snapshot, { lua: line })]) {
      assert.deepEqual([version(copy), copy.call('up')], [`Lua ${line}`, 42]);
      copy.close();
    }
    lua.close();
    await using(Lua.open(new MemoryBackend(), { lua: line }), (open) => assert.equal(version(open), `Lua ${line}`));
  });

  test(`a module of Lua ${line} that is given may be named, too`, async () => {
    const wasm = artifactOf(line, 'lua.wasm');
    for (const options of [{ wasm }, { wasm, lua: line }]) {
      await using(Lua.create(options), (lua) => assert.equal(version(lua), `Lua ${line}`));
    }
  });
}

test(`without the option it is Lua ${DEFAULT}`, async () => {
  await using(Lua.create(), (lua) => assert.equal(version(lua), `Lua ${DEFAULT}`));
});

test('a line that is none is an error that lists those that there are, and nothing is opened', async () => {
  const file = path.join(folder, 'none.state');
  for (const make of [() => Lua.create({ lua: '5.3' }), () => Lua.open(file, { lua: '5.3' })]) {
    await assert.rejects(make, { name: 'RangeError', message: /^there is no module of Lua '5\.3' here: .* '5\.\d' or '5\.\d'$/ });
  }
  await assert.rejects(Lua.create({ lua: 5.5 }), { name: 'TypeError', message: /a string, '5\.\d' or '5\.\d', not the number 5\.5$/ });
  await assert.rejects(Lua.create({ lua: null }), TypeError);
  assert.equal(fs.existsSync(file), false);
});

test('a module of another line than the option asks for is an error that names both', async () => {
  const wrong = { name: 'TypeError', message: new RegExp(`^the module is Lua ${DEFAULT}\\.\\d+, and the option lua asks for Lua ${OTHER}:`) };
  await assert.rejects(Lua.create({ wasm: artifactOf(DEFAULT, 'lua.wasm'), lua: OTHER }), wrong);
  await using(Lua.create(), (lua) => assert.rejects(lua.fork({ lua: OTHER }), wrong));
});

test('a snapshot of one line is not restored in the other, and the error names both', async () => {
  const snapshot = await using(Lua.create({ lua: OTHER }), (lua) => lua.snapshot());
  const kind = (pattern) => (error) => error instanceof SnapshotError && error.kind === 'other-build' && pattern.test(error.message);
  await assert.rejects(Lua.restore(snapshot, { lua: DEFAULT }), kind(new RegExp(`made by Lua ${OTHER}\\.\\d+, and the option lua asks for Lua ${DEFAULT}`)));
  const wasm = artifactOf(DEFAULT, 'lua.wasm');
  await assert.rejects(Lua.restore(snapshot, { wasm }), kind(new RegExp(`Lua ${OTHER}\\.\\d+,.*Lua ${DEFAULT}\\.\\d+,`)));
});

/** Fills `_home` with every kind of value that it can hold, and with functions. */
const FILL = String.raw`
  _home.integers = { 0, -1, math.maxinteger, math.mininteger, [math.mininteger] = 2^53 }
  _home.floats = { 0.5, -0.0, 1e300, 1 / 0, -1 / 0, [1.5] = "x" }
  _home.strings = { "", "a\0b", "\xff\xfe", "ö€", ("long"):rep(20000), ["\n"] = "line", ["[1]"] = 1 }
  _home.booleans = { true, false, [true] = 1, [false] = 2 }
  local shared = { deep = { deeper = { 1, 2, 3 } } }
  shared.self = shared
  _home.tables = { shared, shared }
  _home.counted = setmetatable({ n = 3 }, { __index = { fallback = "yes" } })
  _home.library = { math.sin, string.format, ext.size, table }
  local n = 10
  local function up() n = n + 1 return n end
  _home.functions = { up = up, nested = { up } }`;

/** Checks all of it but the functions; returns how often it was wrong. */
const CHECK = String.raw`
  local wrong = 0
  local function is(ok) if not ok then wrong = wrong + 1 end end
  local i, f, s, b, t = _home.integers, _home.floats, _home.strings, _home.booleans, _home.tables
  is(i[1] == 0 and i[2] == -1 and i[3] == math.maxinteger and i[4] == math.mininteger and i[math.mininteger] == 2^53 and #i == 4)
  is(math.type(i[1]) == "integer" and math.type(i[math.mininteger]) == "float")
  is(f[1] == 0.5 and 1 / f[2] == -1 / 0 and f[3] == 1e300 and f[4] == 1 / 0 and f[5] == -1 / 0 and f[1.5] == "x")
  is(s[1] == "" and s[2] == "a\0b" and s[3] == "\xff\xfe" and s[4] == "ö€" and #s[5] == 80000 and s["\n"] == "line" and s["[1]"] == 1)
  is(b[1] == true and b[2] == false and b[true] == 1 and b[false] == 2)
  is(t[1] == t[2] and t[1].self == t[1] and #t[1].deep.deeper == 3 and t[1].deep.deeper[3] == 3)
  is(_home.counted.n == 3 and _home.counted.fallback == "yes")
  is(_home.library[1] == math.sin and _home.library[2] == string.format and _home.library[3] == ext.size and _home.library[4] == table)
  local n = 0
  for _ in pairs(_home) do n = n + 1 end
  is(n == 8 and ext.size(_home.functions) == 2)
  return wrong`;

/** Checks a machine that has opened what a machine of another line has stored. */
function check(lua, writer, reader) {
  assert.equal(lua.compute(CHECK).value, 0);
  const refused = new RegExp(`the stored function \\d+ is bytecode of Lua ${writer}, which Lua ${reader}\\.\\d+ cannot run: store it again`);
  for (const code of ['return _home.functions.up', 'return _home.functions.nested[1]', 'for _ in pairs(_home.functions) do end']) {
    assert.throws(() => lua.compute(code), (error) => error instanceof LuaError && refused.test(error.message), code);
  }
  // What cannot be read can be counted, replaced and deleted.
  lua.compute('_home.functions.up = "replaced" _home.functions.nested = nil _home.new = { 1.5 }');
  assert.equal(lua.compute('return _home.functions.up').value, 'replaced');
  assert.equal(lua.compute('local n = 0 for _ in pairs(_home.functions) do n = n + 1 end return n').value, 1);
}

/** For each way of keeping tables: writes them with one line, and opens them with another. */
const WAYS = {
  'a state in memory': () => {
    const backend = new MemoryBackend();
    return [(options) => Lua.open(backend, options), (options) => Lua.open(backend, options)];
  },
  'a state in localStorage': () => {
    const storage = new FakeStorage();
    const open = (options) => Lua.open(new LocalStorageBackend('lines', storage), options);
    return [open, open];
  },
  'a state in a file': () => {
    const file = path.join(folder, `${Math.random()}.state`);
    return [(options) => Lua.open(file, options), (options) => Lua.open(file, options)];
  },
  'a store that machines share': () => {
    const store = new MapStore();
    return [(options) => Lua.create({ ...options, store }), (options) => Lua.create({ ...options, store })];
  },
  'an export as JSON': () => {
    let text = '';
    const keep = async (options) => {
      const lua = await Lua.create(options);
      const { close } = lua;
      lua.close = () => {
        text = lua.exportTables();
        return close.call(lua);
      };
      return lua;
    };
    return [keep, (options) => Lua.open(new MemoryBackend(), { ...options, import: text })];
  },
  'the tables of a snapshot': () => {
    let bytes = new Uint8Array(0);
    const keep = async (options) => {
      const lua = await Lua.create(options);
      const { close } = lua;
      lua.close = async () => {
        bytes = await lua.snapshot();
        return close.call(lua);
      };
      return lua;
    };
    const open = async (options) => {
      const { tables, homeTableId, nextTableId } = await readSnapshotTables(bytes);
      const store = new MapStore();
      for (const [id, entries] of tables) for (const [key, value] of entries) store.set(id, key, value);
      return Lua.create({ ...options, store, homeTableId, nextTableId });
    };
    return [keep, open];
  },
};

for (const [way, make] of Object.entries(WAYS)) {
  for (const [writer, reader] of [[DEFAULT, OTHER], [OTHER, DEFAULT]]) {
    test(`${way}: what Lua ${writer} stored, Lua ${reader} reads, but functions, which say why not`, async () => {
      const [write, open] = make();
      await using(write({ lua: writer }), (lua) => lua.compute(FILL));
      await using(open({ lua: reader }), (lua) => check(lua, writer, reader));
    });
  }
}

test('a function is whole again where its own line opens the state, whoever has saved it meanwhile', async () => {
  const backend = new MemoryBackend();
  await using(Lua.open(backend, { lua: DEFAULT }), (lua) => lua.compute(FILL));
  await using(Lua.open(backend, { lua: OTHER }), (lua) => lua.compute('_home.more = 1 ext.collect()'));
  await using(Lua.open(backend, { lua: DEFAULT }), (lua) => assert.deepEqual(lua.compute('return _home.functions.up(), _home.functions.nested[1]()').values, [11, 12]));
});

test('the command runs the line that --lua names, and goes on with a snapshot of it without being told', () => {
  const run = (...words) => execFileSync(process.execPath, [COMMAND, ...words], { encoding: 'utf8', stdio: 'pipe' });
  const file = path.join(folder, 'lines.snapshot');
  assert.equal(run('--lua', OTHER, '-e', 'print(_VERSION)'), `Lua ${OTHER}\n`);
  assert.equal(run('-e', 'print(_VERSION)', `--lua=${DEFAULT}`), `Lua ${DEFAULT}\n`);
  run('--lua', OTHER, '--snapshot', file, '-e', 'n = 1');
  assert.equal(run('--snapshot', file, '-e', 'print(_VERSION, n)'), `Lua ${OTHER}\t1\n`);
  assert.throws(() => run('--lua', DEFAULT, '--snapshot', file, '-e', 'n = 2'), { status: 1, stderr: /cannot go on with '.*': the snapshot was made by Lua/ });
  const state = path.join(folder, 'lines.state');
  run('--lua', OTHER, '--state', state, '-e', '_home.n = 5');
  assert.equal(run('--state', state, '-e', 'print(_home.n, _VERSION)'), `5\tLua ${DEFAULT}\n`);
});
