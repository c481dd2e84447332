// Tests states in SQLite databases (web/sqlite, web/persist/sqlite-*.js): against a model, with libraries that fail, killed
// processes, other readers, and the way from state files and back.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test as plainTest } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Lua, LuaError } from '../../../web/lua-persistent.js';
import { migrateState, storageOf } from '../../../web/persist/migrate.js';
import { openState } from '../../../web/persist/open.js';
import { StateError } from '../../../web/persist/state-error.js';
import { findSqlite } from '../../../web/persist/sqlite-node.js';
import { MapStore } from '../../../web/store/map-store.js';
import { Database } from '../../../web/sqlite/database.js';
import { SqliteStore } from '../../../web/sqlite/sqlite-store.js';
import { killAfter } from '../support/kill.js';
import { random } from '../support/random.js';
import { sqliteLibrary } from '../support/sqlite.js';
import { contents, integer } from '../support/states.js';

const CHILD = fileURLToPath(new URL('./sqlite-child.js', import.meta.url));
const sqlite = await sqliteLibrary();
const skip = sqlite === null && 'this Node has no node:sqlite, and better-sqlite3 is not installed';
const test = (name, run) => plainTest(name, { skip }, run);

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
plainTest.after(() => fs.rmSync(directory, { recursive: true, force: true }));

let count = 0;
const fresh = () => path.join(directory, `${++count}.db`);
const kind = (name) => (error) => error instanceof StateError && error.kind === name;
const open = (file, options = {}) => Lua.open(file, { storage: 'sqlite', sqlite, ...options });
const META = { homeTableId: 1, nextTableId: 9, abiHash: 'abc' };

/** Opens the store of a file, as sessions do. */
async function openStore(file, cacheBytes, change = (driver) => driver) {
  const driver = change((await findSqlite('test', sqlite))(file, { readOnly: false }));
  return { driver, store: new SqliteStore(Database.open(driver, { readOnly: false, cacheBytes }), { cacheBytes, readOnly: false }) };
}

/** A connection of another program. */
async function connect(file) {
  return (await findSqlite('test', sqlite))(file, { readOnly: true });
}

plainTest('without a library the error says what to install', { skip: sqlite !== null && 'there is one' }, async () => {
  await assert.rejects(() => Lua.open(fresh(), { storage: 'sqlite' }), /use Node 22.13 or later, or run: npm install better-sqlite3/);
});

test('tables of every kind, functions, identity and metatables live on in the next machine', async () => {
  const file = fresh();
  const first = await open(file);
  assert.equal(first.storage, 'sqlite');
  first.compute(`
    _home.list = {} for i = 1, 300 do _home.list[i] = { id = i, name = "name " .. i } end
    _home.map = {} for i = 1, 300 do _home.map["k" .. i] = i * 0.5 end
    _home.odd = { [1.5] = 1, [true] = 2, [-3] = 3, ["\\0"] = 4, ["gr\\u{fc}n"] = 5 }
    _home.values = { 1, 1.0, -0.0, 1/0, math.maxinteger, math.mininteger, "\\xff", "a\\0b", 'say "x\\\\"', true, 0.1, 1e300 }
    _home.self = _home
    local n = 0
    function _home.up() n = n + 1 return n end
    _home.up()
    _home.object = setmetatable({}, { __index = { kind = "thing" } })
  `);
  await first.close();
  assert.deepEqual(fs.readdirSync(directory).filter((name) => name.startsWith(path.basename(file))), [path.basename(file)]);

  const second = await open(file);
  const { values } = second.compute(`
    local sum = 0
    for i, record in ipairs(_home.list) do assert(record.id == i and record.name == "name " .. i) sum = sum + i end
    for key, value in pairs(_home.map) do assert(key == "k" .. math.tointeger(value * 2)) sum = sum + 1 end
    assert(#_home.list == 300 and _home.self == _home and _home.up() == 2 and _home.object.kind == "thing")
    local o, v = _home.odd, _home.values
    assert(o[1.5] == 1 and o[true] == 2 and o[-3] == 3 and o["\\0"] == 4 and o["gr\\u{fc}n"] == 5)
    assert(math.type(v[1]) == "integer" and math.type(v[2]) == "float" and 1 / v[3] == -1/0 and v[4] == 1/0)
    assert(v[5] == math.maxinteger and v[6] == math.mininteger and v[7] == "\\xff" and v[8] == "a\\0b" and v[9] == 'say "x\\\\"')
    return sum, v[10], v[11], v[12]
  `);
  assert.deepEqual(values, [45_450, true, 0.1, 1e300].map((value, index) => (index === 0 ? 45_450 : value)).map((value, index) => (index === 0 ? 45_150 + 300 : value)));
  await second.close();
});

/** Changes a store and a model at random, and compares them. */
function randomStep(next, model, store, many) {
  const table = 1 + next(6);
  const key = () => {
    const what = next(10);
    if (what < 4) return `[${1 + next(many)}]`;
    if (what < 5) return `[${model.size(table) + 1}]`;
    if (what < 8) return `k${next(many)}`;
    return [`[${-next(9)}]`, `\u00fc${next(30)}`, '["\\x00"]', '[1.5]', `a"b\\c${next(5)}`, '[meta]'][next(6)];
  };
  const value = () => {
    const bytes = (length, head) => Uint8Array.from([...head, ...Array.from({ length }, () => next(256))]);
    return [
      () => bytes(0, [7, 1 + next(200), 0, 0, 0]),
      () => bytes(8, [2]),
      () => bytes(8, [3]),
      () => bytes(0, [1, next(3)]),
      () => Uint8Array.from([4, 5, 0, 0, 0, ...Array.from({ length: 5 }, () => 32 + next(100))]),
      () => bytes(next(12), []),
      () => integer(next(1000)),
      () => bytes(0, [5, 4, 0, 0, 0, 1 + next(9), 0, 0, 0]),
    ][next(8)]();
  };
  const both = (change) => assert.deepEqual(change(store), change(model));
  const what = next(20);
  if (what < 9) {
    const [name, bytes] = [key(), value()];
    both((each) => each.set(table, name, bytes.slice()));
  } else if (what < 11) {
    for (let steps = next(150); steps > 0; steps--) {
      const [name, bytes] = [`[${model.size(table) + 1}]`, value()];
      both((each) => each.set(table, name, bytes.slice()));
    }
  } else if (what < 14) {
    const name = key();
    both((each) => each.delete(table, name));
  } else if (what < 15) {
    for (let steps = next(80); steps > 0; steps--) both((each) => each.delete(table, `[${model.size(table)}]`));
  } else if (what < 16 && next(4) === 0) {
    both((each) => each.drop(table));
  } else {
    const name = key();
    both((each) => each.get(table, name));
    both((each) => each.size(table));
    both((each) => [...each.keys(table)]);
  }
}

/** The same tables in a store in memory. */
function modelOf(tables) {
  const entries = Object.entries(tables).map(([id, list]) => [Number(id), list.map(([key, hex]) => [key, new Uint8Array(Buffer.from(hex, 'hex'))])]);
  return new MapStore(entries);
}

test('random changes with little memory, saves, and processes that end are those of a store in memory', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const next = random(seed);
    const file = fresh();
    const cacheBytes = [2000, 20_000, 1 << 20][next(3)];
    let { driver, store } = await openStore(file, cacheBytes);
    let model = new MapStore();
    let saved = {};
    for (let step = 0; step < 400; step++) {
      randomStep(next, model, store, [3, 80, 400][seed % 3]);
      if (next(30) === 0) {
        store.save(META);
        saved = contents(model);
      } else if (next(60) === 0) {
        driver.close();
        ({ driver, store } = await openStore(file, cacheBytes));
        model = modelOf(saved);
        assert.deepEqual(contents(store), saved, `seed ${seed}, step ${step}`);
      }
    }
    assert.deepEqual(contents(store), contents(model), `seed ${seed}`);
    driver.close();
  }
});

test('a statement that fails while saving leaves the database as it was, and the next save has everything', async () => {
  for (let stop = 0, ended = false; !ended; stop += 3) {
    const next = random(5);
    const file = fresh();
    let left = Infinity;
    const failing = (driver) => ({
      ...driver,
      prepare: (sql) => {
        const statement = driver.prepare(sql);
        return {
          ...statement,
          run: (...parameters) => {
            left -= 1;
            if (left < 0 && sql !== 'ROLLBACK') throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' });
            return statement.run(...parameters);
          },
        };
      },
    });
    const { driver, store } = await openStore(file, 1 << 22, failing);
    const model = new MapStore();
    for (let step = 0; step < 30; step++) randomStep(next, model, store, 80);
    store.save(META);
    const before = contents(model);
    for (let step = 0; step < 30; step++) randomStep(next, model, store, 80);
    left = stop;
    let failed = false;
    try {
      store.save(META);
    } catch (error) {
      failed = true;
      assert.match(error.message, /disk I\/O error/);
    }
    left = Infinity;
    assert.deepEqual(contents(store), contents(model));
    const other = await openStore(file, 1 << 20);
    assert.deepEqual(contents(other.store), failed ? before : contents(model), `statement ${stop}`);
    other.driver.close();
    store.save(META);
    driver.close();
    const after = await openStore(file, 1 << 20);
    assert.deepEqual(contents(after.store), contents(model), `statement ${stop}`);
    after.driver.close();
    ended = !failed;
  }
});

test('changes that outgrew memory and could not be written are an error from then on, and the last save is there', async () => {
  const file = fresh();
  let fails = false;
  const failing = (driver) => ({
    ...driver,
    prepare: (sql) => {
      const statement = driver.prepare(sql);
      return { ...statement, run: (...parameters) => (fails && sql === 'COMMIT' ? assert.fail('no room') : statement.run(...parameters)) };
    },
  });
  const { driver, store } = await openStore(file, 4000, failing);
  store.set(1, 'x', integer(1));
  store.save(META);
  for (let index = 1; index < 1000; index++) store.set(2, `[${index}]`, integer(index));
  fails = true;
  assert.throws(() => store.save(META), /no room/);
  assert.throws(() => store.get(1, 'x'), /no room/);
  driver.close();
  const after = await openStore(file, 4000);
  assert.deepEqual(Object.keys(contents(after.store)), ['1']);
  after.driver.close();
});

test('kill -9 at random instants: the last acknowledged state, or the one that was being saved', async () => {
  const next = random(9);
  const file = fresh();
  let known = 0;
  for (let round = 0; round < Number(process.env.SQLITE_KILLS || 12); round++) {
    const told = await killAfter(CHILD, file, 1000 + round, next(30), next(8));
    const last = (word) => Math.max(0, ...[...told.matchAll(new RegExp(`${word} (\\d+)\n`, 'g'))].map((match) => Number(match[1])));
    const { driver, store } = await openStore(file, 1 << 20);
    const numbers = [1, 2, 3, 4, 5].map((table) => Number(Buffer.from(store.get(table, 'save') || integer(0)).readBigInt64LE(1)));
    assert.ok(numbers.every((number) => number === numbers[0]), `parts of different saves: ${numbers}`);
    const acknowledged = Math.max(last('done'), known);
    assert.ok(numbers[0] >= acknowledged && numbers[0] <= Math.max(acknowledged, last('begin')), `${numbers[0]}, told: ${told.slice(-60)}`);
    assert.equal(driver.prepare('PRAGMA integrity_check').get()[0], 'ok');
    known = numbers[0];
    driver.close();
  }
  assert.ok(known > 5, `${known} saves`);
});

test('other programs read the last save while a machine works, as JSON, with cycles and in lists', async () => {
  const file = fresh();
  const lua = await open(file);
  lua.compute('_home.list = { 1, 2.5, { name = "a", up = _home } } for i = 1, 100 do _home["k" .. i] = i end _home.text = "}\\u{1e}]"');
  await lua.save();
  lua.compute('_home.list[1] = 5 _home.later = true');
  const other = await connect(file);
  const json = JSON.parse(other.prepare('SELECT json FROM home_json').get()[0]);
  assert.deepEqual(json.list, [1, 2.5, { name: 'a', up: { table: 1 } }]);
  assert.equal(json.k100, 100);
  assert.equal(json.text, '}\u001e]');
  assert.equal('later' in json, false);
  assert.equal(other.prepare("SELECT value FROM home WHERE key = 'k7'").get()[0], '7');
  await lua.save();
  assert.equal(JSON.parse(other.prepare('SELECT json FROM home_json').get()[0]).list[0], 5);
  other.close();
  await lua.close();
});

test('a second writer is refused, a reader sees what was saved when it began, and keeps nothing', async () => {
  const file = fresh();
  const lua = await open(file);
  lua.home.set('x', 1);
  await lua.save();
  await assert.rejects(() => open(file), kind('locked'));
  const reader = await open(file, { readOnly: true });
  lua.home.set('x', 2);
  await lua.save();
  reader.home.set('y', 3);
  assert.deepEqual([reader.home.get('x'), reader.home.get('y')], [1, 3]);
  await assert.rejects(() => reader.save(), kind('read-only'));
  await reader.close();
  await lua.close();
  const again = await open(file);
  assert.deepEqual([...again.home.keys()], ['x']);
  await again.close();
});

test('what is rolled back or not saved is not in the state, and a checkpoint outlives a save', async () => {
  const file = fresh();
  const lua = await open(file, { cacheBytes: 65_536 });
  lua.compute('_home.a = { 1, 2, 3 } _home.n = 1');
  lua.checkpoint();
  lua.compute('_home.a = nil _home.n = 2 _home.t = {} for i = 1, 3000 do _home.t[i] = { i } end');
  await lua.save();
  lua.rollback();
  assert.equal(lua.compute('return #_home.a + _home.n').value, 4);
  await lua.save();
  lua.home.set('n', 9);
  await lua.machine.lifetime.session.abandon();
  const after = await open(file);
  assert.equal(after.compute('return #_home.a + _home.n').value, 4);
  await after.close();
});

test('a snapshot without tables goes on with the revision of the database that it names, and no other', async () => {
  const file = fresh();
  const lua = await open(file);
  lua.compute('x = 5 _home.list = { 1, 2, 3 }');
  const early = await lua.snapshot({ tables: false });
  await lua.save();
  const snapshot = await lua.snapshot({ tables: false });
  await lua.close();
  const { driver, store } = await openStore(file, 1 << 20);
  const on = await Lua.restore(snapshot, { store });
  assert.equal(on.compute('return x + #_home.list').value, 8);
  await Lua.restore(early, { store });
  store.set(1, 'more', integer(1));
  await assert.rejects(() => Lua.restore(snapshot, { store }), /belongs to revision/);
  driver.close();
});

test('from a state file into a database and back: the same tables, in the same order, and never over another file', async () => {
  const [file, database, back] = [fresh(), fresh(), fresh()];
  const lua = await Lua.open(file);
  lua.compute('_home.list = {} for i = 1, 500 do _home.list[i] = { i, name = "n" .. i } end _home.z = 1 _home.a = "\\xff" function _home.f() return 7 end');
  await lua.close();
  const look = async (name) => {
    const session = await openState(name, undefined, { storage: await storageOf(name), sqlite, readOnly: true });
    const seen = { meta: session.meta, tables: contents(session.store) };
    await session.close();
    return seen;
  };
  assert.equal(await migrateState(file, database, { sqlite }), 'sqlite');
  assert.equal(await migrateState(database, back, { sqlite }), 'file');
  const wanted = await look(file);
  assert.deepEqual(await look(database), wanted);
  assert.deepEqual(await look(back), wanted);
  await assert.rejects(() => migrateState(file, database, { sqlite }), kind('exists'));
  await assert.rejects(() => migrateState(`${file}.none`, fresh(), { sqlite }), /there is no such file/);
  const busy = await open(database);
  const target = fresh();
  await assert.rejects(() => migrateState(database, target, { sqlite }), kind('locked'));
  assert.equal(busy.compute('return _home.f()').value, 7);
  await busy.close();
  assert.equal(fs.existsSync(target), false);
});

test('files that are no such database are named, and left alone', async () => {
  const file = fresh();
  fs.writeFileSync(file, 'this is not a database, but it is long enough to be one'.repeat(20));
  await assert.rejects(() => open(file), kind('foreign'));
  const other = fresh();
  const driver = (await findSqlite('test', sqlite))(other, { readOnly: false });
  driver.exec('CREATE TABLE mine (x)');
  driver.close();
  await assert.rejects(() => open(other), kind('foreign'));
  const newer = fresh();
  await (await open(newer)).close();
  const change = (await findSqlite('test', sqlite))(newer, { readOnly: false });
  change.exec('PRAGMA user_version = 99');
  change.close();
  await assert.rejects(() => open(newer), kind('newer'));
  await assert.rejects(() => open(fresh(), { store: new MapStore() }), RangeError);
  await assert.rejects(() => open(fresh(), { cacheBytes: 5 }), /cacheBytes has to be a whole number from 65536 on/);
});

test('a database that is removed or changed by another program while it is open is not saved to', async () => {
  const file = fresh();
  const lua = await open(file);
  lua.home.set('x', 1);
  await lua.save();
  const other = (await findSqlite('test', sqlite))(file, { readOnly: false });
  other.exec("UPDATE meta SET value = 'zz' WHERE name = 'abi'");
  other.close();
  lua.home.set('x', 2);
  await assert.rejects(() => lua.save(), kind('conflict'));
  await lua.machine.lifetime.session.abandon();

  const again = await open(file);
  fs.renameSync(file, `${file}.moved`);
  again.home.set('x', 3);
  await assert.rejects(() => again.save(), kind('conflict'));
  await again.machine.lifetime.session.abandon();
});

test('a value that cannot be read is an error that names the table, in Lua, too', async () => {
  const file = fresh();
  const lua = await open(file);
  lua.compute('_home.t = { name = "x", size = 1 } _home.u = { name = "y", size = 2 }');
  const { id } = lua.home.get('t');
  await lua.close();
  const other = (await findSqlite('test', sqlite))(file, { readOnly: false });
  other.exec(`UPDATE tables SET data = '[1, }' WHERE id = ${id}`);
  other.close();
  const again = await open(file);
  assert.throws(() => again.compute('return _home.t.name'), (error) => error instanceof LuaError && /table \d+ cannot be read/.test(String(error.cause)));
  assert.equal(again.compute('return _home.u.name').value, 'y');
  await again.close();
});
