// Runs the model of external tables (tests/lua/model.lua) with the hosts of JavaScript: 100,000 random operations do the
// same to external tables as to plain ones, over twenty machines one after the other. tests/model.rs does it with the guest
// alone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { Lua, MapStore } from '../../../web/lua-persistent.js';
import { compute, instantiate, part } from '../support/documented-host.js';
import { contents, PlainStore } from '../support/stores.js';

const MODEL = readFileSync(new URL('../../lua/model.lua', import.meta.url), 'utf8');
const LIVES = 20;
const OPERATIONS = 5000;
const SEED = 88172645463325252n;

/** Run the model: `live` starts a machine on the same store and gives a function that computes there. */
async function run(seed, live) {
  let state = seed;
  let saved = 'nil';
  for (let life = 0; life < LIVES; life++) {
    const { call, end } = await live();
    call(MODEL);
    call(`begin(${state}, ${saved})`);
    for (let run = 0; run < 5; run++) state = call(`return run(${OPERATIONS / 5})`);
    saved = `[====[\n${call('return save()')}]====]`;
    end();
  }
  return state;
}

const onStore = (store) => async () => {
  const lua = await Lua.create({ store });
  return { call: (code) => lua.compute(code).value, end: () => lua.close() };
};

test('with the store in memory, and the same with the simplest store', async () => {
  const stores = [new MapStore(), new PlainStore()];
  const ends = [];
  for (const store of stores) ends.push(await run(SEED, onStore(store)));
  assert.equal(ends[0], ends[1]);
  assert.notEqual(ends[0], SEED);
  assert.deepEqual(contents(stores[0]), contents(stores[1]));
});

test('with machines on different stores by turns', async () => {
  // What one machine leaves is copied to a store of the other kind for the next.
  let store = new MapStore();
  await run(SEED ^ 12345n, async () => {
    const before = contents(store);
    const entries = [...store.tableIds()].map((id) => [id, [...store.keys(id)].map((key) => [key, store.get(id, key)])]);
    const other = store instanceof MapStore ? new PlainStore() : new MapStore();
    for (const [id, pairs] of entries) for (const [key, value] of pairs) other.set(id, key, value);
    assert.deepEqual(contents(other), before);
    store = other;
    return onStore(store)();
  });
});

test('with the five functions of the reference', async () => {
  const tables = new Map();
  await run(SEED, async () => {
    const instance = instantiate();
    // As the persistence example of the reference does.
    for (const [id, table] of tables) instance.tables.set(id, table);
    assert.equal(instance.exports.init(), 0);
    if (tables.size > 0) instance.exports.sync_external_table_counter(Math.max(...tables.keys()) + 1);
    return {
      call(code) {
        const { error, value, resultLen } = compute(instance, code);
        if (resultLen < 0) assert.fail(part(instance, 2)?.toString() ?? error);
        return value;
      },
      end() {
        instance.exports.deinit();
        for (const [id, table] of instance.tables) tables.set(id, table);
      },
    };
  });
});
