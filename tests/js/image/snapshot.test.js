// Tests snapshots of a whole machine, and machines that go on from them (web/image/image.js, web/image/snapshot.js).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { Lua, LuaStateError, MapStore, readSnapshotTables, SnapshotError } from '../../../web/lua-persistent.js';
import { random } from '../support/random.js';
import { WASM } from '../support/documented-host.js';

/** A module that behaves as the artifact does, but is another build: one character of its static data differs. */
function otherBuild() {
  const bytes = Buffer.from(readFileSync(WASM));
  const at = bytes.indexOf('cannot resume dead coroutine');
  assert.ok(at > 0);
  bytes[at] = 'C'.charCodeAt(0);
  return new WebAssembly.Module(bytes);
}

/** The rejection of a promise, which is a SnapshotError. */
async function refusal(promise) {
  const error = await promise.then(() => assert.fail('nothing was thrown'), (reason) => reason);
  assert.ok(error instanceof SnapshotError, String(error.stack));
  return error;
}

const FORMS = [{ compress: true }, { compress: false }];

test('closures, shared upvalues, metatables, coroutines and tables go on where they were', async () => {
  const lua = await Lua.create();
  lua.compute(`
    local n = 10
    up = function() n = n + 1 return n end
    get = function() return n end
    list = setmetatable({1, 2, 3}, {__index = function(_, k) return k .. '?' end, __len = function() return 99 end})
    co = coroutine.create(function(a) local b = coroutine.yield(a + 1) coroutine.yield(b * 2) return 'end' end)
    coroutine.resume(co, 1)
    wrapped = coroutine.wrap(function() for word in ('a b c'):gmatch('%a') do coroutine.yield(word) end end)
    wrapped()
    cycle = {} cycle.self = cycle
    big, small, text = math.maxinteger, -0.0, '\\0\\255'
  `);
  lua.eval('local kept = 7');
  lua.compute('up()');
  for (const form of FORMS) {
    const again = await Lua.restore(await lua.snapshot(form));
    assert.deepEqual(again.compute('up() return get(), list[1], list.x, #list').values, [12, 1, 'x?', 99]);
    assert.deepEqual(again.compute('return coroutine.resume(co, 21)').values, [true, 42]);
    assert.deepEqual(again.compute('return coroutine.resume(co)').values, [true, 'end']);
    assert.deepEqual(again.compute('return wrapped(), wrapped(), cycle.self == cycle').values, ['b', 'c', true]);
    assert.deepEqual(again.compute('return big, 1 / small, #text').values, [2n ** 63n - 1n, -Infinity, 2]);
    assert.equal(again.eval('kept').value, 7);
    again.close();
  }
  assert.equal(lua.compute('return get()').value, 11);
});

test('external tables come along, and functions in them keep their variables', async () => {
  const lua = await Lua.create();
  lua.compute(`
    local n = 0
    _home.add = function() n = n + 1 return n end
    _home.get = function() return n end
    _home.add()
    _home.list = {3, 1, {deep = true}}
    _home[2^53] = 'ü'
    _home['\\255\\n'] = _home.list
    reference = _home.list
  `);
  for (const form of FORMS) {
    const again = await Lua.restore(await lua.snapshot(form));
    assert.deepEqual(again.compute('_home.add() return _home.get(), #_home.list, _home.list[3].deep, _home[2^53]').values, [2, 3, true, 'ü']);
    assert.equal(again.compute("return reference == _home.list and rawequal(reference, _home['\\255\\n'])").value, true);
    assert.equal(again.nextTableId, lua.nextTableId);
    assert.equal(again.homeTableId, lua.homeTableId);
  }
  assert.equal(lua.compute('return _home.get()').value, 1);
});

test('a restored machine uses its own host', async () => {
  const heard = [];
  const lua = await Lua.create({ clock: () => ({ unixSeconds: 1, cpuSeconds: 1 }), onPrint: (text) => heard.push(`old ${text}`) });
  const again = await Lua.restore(await lua.snapshot(), { clock: () => ({ unixSeconds: 2, cpuSeconds: 2 }), onPrint: (text) => heard.push(`new ${text}`) });
  assert.equal(again.compute('print("x") return os.time()').value, 2);
  assert.equal(lua.compute('return os.time()').value, 1);
  assert.deepEqual(heard, ['new x\n']);
});

test('random numbers go on as they would have', async () => {
  const lua = await Lua.create();
  const again = await Lua.restore(await lua.snapshot());
  const draw = 'local t = {} for i = 1, 10 do t[i] = math.random(0) end return t';
  assert.deepEqual(again.compute(draw).value, lua.compute(draw).value);
});

test('a snapshot goes on in another process', async () => {
  const lua = await Lua.create();
  lua.compute('co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) co() _home.x = 5');
  const snapshot = Buffer.from(await lua.snapshot()).toString('base64');
  const script = `
    import { Lua } from ${JSON.stringify(new URL('../../../web/lua-persistent.js', import.meta.url).href)};
    const lua = await Lua.restore(new Uint8Array(Buffer.from(${JSON.stringify(snapshot)}, 'base64')));
    console.log(lua.compute('return co(), co(), _home.x').values.join());
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.equal(output, '2,3,5\n');
});

test('a snapshot is of the moment of the call', async () => {
  const lua = await Lua.create({ wasm: new WebAssembly.Module(readFileSync(WASM)) });
  lua.compute('x = 1 _home.x = 1');
  const first = lua.snapshot();
  lua.compute('x = 2 _home.x = 2');
  const second = lua.snapshot();
  lua.compute('x = 3 _home.x = 3');
  for (const [snapshot, expected] of [[await first, 1], [await second, 2]]) {
    assert.deepEqual((await Lua.restore(snapshot)).compute('return x, _home.x').values, [expected, expected]);
  }
});

test('a fresh state takes less than 16 KB, and a state as much as it holds', async () => {
  const lua = await Lua.create();
  for (const form of FORMS) assert.ok((await lua.snapshot(form)).length < 16384);
  lua.compute('s = {} for i = 1, 1000 do s[i] = ("%d"):format(i):rep(25) end');
  lua.gc();
  assert.ok(lua.snapshot({ compress: false }).length < 400000);
  lua.compute('s = nil');
  lua.gc();
  const emptied = (await lua.snapshot()).length;
  assert.ok(emptied < 65536, String(emptied));
});

test('equal states of one build are equal bytes', async () => {
  const entropy = () => ({ low: 1n, high: 2n });
  const snapshots = [];
  for (let round = 0; round < 2; round++) {
    const lua = await Lua.create({ entropy });
    lua.compute('x = {1, 2, 3} _home.x = x');
    snapshots.push(lua.snapshot({ compress: false }));
  }
  assert.deepEqual(snapshots[0], snapshots[1]);
});

test('a store that is given gets the tables of the snapshot in place of its own', async () => {
  const lua = await Lua.create();
  lua.compute('_home.x = 1');
  const store = new MapStore();
  store.set(1, 'y', Uint8Array.of(0));
  store.set(9, 'z', Uint8Array.of(0));
  const again = await Lua.restore(await lua.snapshot(), { store });
  assert.deepEqual(again.compute('return _home.x, _home.y').values, [1, null]);
  assert.equal(store.size(9), 0);
});

test('a snapshot without tables goes on with those of the store', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  lua.compute('_home.x = 1 kept = _home');
  const snapshot = await lua.snapshot({ tables: false });
  lua.compute('_home.x = 2');
  assert.equal((await refusal(Lua.restore(snapshot))).kind, 'other-tables');
  const again = await Lua.restore(snapshot, { store });
  assert.equal(again.compute('return kept.x').value, 2);
  assert.equal((await readSnapshotTables(snapshot)).tables, null);
});

test('a snapshot without tables is refused by a store at another revision', async () => {
  class Revised extends MapStore {
    constructor(revision) {
      super();
      this.revision = revision;
    }
  }
  const lua = await Lua.create({ store: new Revised(7) });
  const snapshot = await lua.snapshot({ tables: false });
  await Lua.restore(snapshot, { store: new Revised(7) });
  const error = await refusal(Lua.restore(snapshot, { store: new Revised(8) }));
  assert.equal(error.kind, 'other-tables');
  assert.match(error.message, /revision 7 .* revision 8/);
});

test('a snapshot of another build is refused with both builds named, and its tables can be read', async () => {
  const other = await Lua.create({ wasm: otherBuild() });
  other.compute('_home.x = 1 _home.t = {2}');
  const snapshot = await other.snapshot();
  const store = new MapStore();
  store.set(1, 'mine', Uint8Array.of(1, 1));
  const error = await refusal(Lua.restore(snapshot, { store }));
  assert.equal(error.kind, 'other-build');
  const builds = error.message.match(/Lua 5\.\d\.\d+, ABI [0-9a-f]{16}, build [0-9a-f-]+/g);
  assert.equal(builds.length, 2);
  assert.notEqual(builds[0], builds[1]);
  assert.deepEqual([...store.keys(1)], ['mine']);

  const { tables, homeTableId, nextTableId } = await readSnapshotTables(snapshot);
  const lua = await Lua.create({ store: new MapStore(tables), homeTableId, nextTableId });
  assert.deepEqual(lua.compute('return _home.x, _home.t[1]').values, [1, 2]);
  assert.equal((await Lua.restore(snapshot, { wasm: otherBuild() })).compute('return _home.x').value, 1);
});

test('a running or closed machine has no snapshot', async () => {
  let refused;
  const lua = await Lua.create({
    onPrint() {
      try {
        lua.snapshot();
      } catch (error) {
        refused = error;
      }
    },
  });
  lua.compute('print(1)');
  assert.ok(refused instanceof LuaStateError);
  lua.close();
  assert.throws(() => lua.snapshot(), LuaStateError);
});

test('what is no snapshot is refused as foreign, and what is no bytes as a mistake', async () => {
  for (const bytes of [Buffer.from('hello, world, this is no snapshot at all'), new Uint8Array(100), readFileSync(WASM)]) {
    assert.equal((await refusal(Lua.restore(new Uint8Array(bytes)))).kind, 'foreign');
  }
  await assert.rejects(Lua.restore('text'), TypeError);
});

test('a newer format and unknown flags are refused as newer', async () => {
  const lua = await Lua.create();
  const snapshot = await lua.snapshot();
  snapshot[8] = 2;
  const error = await refusal(Lua.restore(snapshot));
  assert.equal(error.kind, 'newer');
  assert.match(error.message, /version 2/);
});

test('every prefix of a snapshot is refused as truncated', async () => {
  const lua = await Lua.create();
  lua.compute('_home.x = {1, 2, 3} y = "z"');
  for (const form of FORMS) {
    const snapshot = await lua.snapshot(form);
    for (let length = 0; length < snapshot.length; length++) {
      assert.equal((await refusal(Lua.restore(snapshot.subarray(0, length)))).kind, 'truncated', `${length} bytes`);
    }
  }
});

/** The bytes with some damage: bits or bytes that changed, a piece that is gone, doubled, moved or of zeros. */
function damage(bytes, below) {
  const from = below(bytes.length);
  const to = Math.min(bytes.length, from + 1 + below(64));
  const piece = bytes.subarray(from, to);
  const copy = bytes.slice();
  switch (below(7)) {
    case 0:
      copy[from] ^= 1 << below(8);
      return copy;
    case 1:
      for (let count = 0; count < 8; count++) copy[below(copy.length)] = below(256);
      return copy;
    case 2:
      return copy.fill(0, from, to);
    case 3:
      return copy.fill(0xff, from, to);
    case 4:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
    default:
      copy.set(piece, below(copy.length - piece.length));
      return copy;
  }
}

test('10,000 random corruptions of a snapshot are refused, and nothing else happens', async () => {
  const lua = await Lua.create();
  lua.compute('_home.x = {1, 2, 3} for i = 1, 50 do _home[i] = "value " .. i end y = "z"');
  const below = random(4);
  const kinds = new Set();
  for (const form of FORMS) {
    const snapshot = await lua.snapshot(form);
    for (let round = 0; round < 5000; round++) {
      const damaged = new Uint8Array(damage(snapshot, below));
      if (Buffer.compare(damaged, snapshot) === 0) continue;
      const store = new MapStore();
      kinds.add((await refusal(Lua.restore(damaged, { store }))).kind);
      await refusal(readSnapshotTables(damaged));
      assert.equal([...store.tableIds()].length, 0);
    }
  }
  assert.deepEqual([...kinds].sort(), ['damaged', 'foreign', 'newer', 'truncated']);
});

test('damage under a checksum that holds is refused, or changes no more than what it says', async () => {
  const { digest } = await import('../../../web/bytes/digest.js');
  const lua = await Lua.create();
  lua.compute('for i = 1, 20 do _home[i] = "value " .. i end');
  const below = random(5);
  let refused = 0;
  for (const form of FORMS) {
    const snapshot = await lua.snapshot(form);
    for (let round = 0; round < 2000; round++) {
      const sealed = snapshot.slice();
      for (let count = 0; count < 3; count++) sealed[24 + below(sealed.length - 24)] = below(256);
      new Uint32Array(sealed.buffer).set(digest(new Int32Array(sealed.buffer), 6), 4);
      const read = readSnapshotTables(sealed);
      if (!(await read.then(() => true, () => false))) refused++;
      await read.catch((error) => assert.ok(error instanceof SnapshotError, String(error.stack)));
    }
  }
  assert.ok(refused > 100, String(refused));
});
