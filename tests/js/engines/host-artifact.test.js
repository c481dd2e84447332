// Tests lua-host.wasm beside lua.wasm: which one an engine gets, that the memory of either goes on in the other, and what
// happens when the JavaScript stack, on which its protected calls lie, is exhausted.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Lua } from '../../../web/lua-persistent.js';
import { instantiateSync, REPLY_NONE } from '../../../web/loader.js';
import { compileFrom } from '../../../web/wasm.js';
import { artifact } from '../support/line.js';
import { finish, program } from '../support/programs.js';

const [LEGACY, HOST] = ['lua.wasm', 'lua-host.wasm'].map(
  (name) => new WebAssembly.Module(readFileSync(artifact(name))),
);

const unwindsByHost = (module) => WebAssembly.Module.imports(module).some(({ name }) => name === 'lua_try');

test('an engine gets the artifact whose features it validates', async () => {
  const { validate } = WebAssembly;
  try {
    for (const known of [true, false]) {
      WebAssembly.validate = () => known;
      assert.equal(unwindsByHost(await compileFrom()), !known);
    }
  } finally {
    WebAssembly.validate = validate;
  }
});

test('the artifacts differ in their boundary by the protected calls alone', () => {
  const names = (list) => list.map(({ module = '', name, kind }) => `${kind} ${module} ${name}`);
  const added = (list) => {
    const [legacy, host] = [LEGACY, HOST].map((module) => names(list(module)));
    assert.deepEqual(legacy.filter((name) => !host.includes(name)), []);
    return host.filter((name) => !legacy.includes(name)).sort();
  };
  assert.deepEqual(added(WebAssembly.Module.imports), ['function env lua_throw', 'function env lua_try']);
  assert.deepEqual(added(WebAssembly.Module.exports), ['table  __indirect_function_table']);
});

for (const [from, to, title] of [
  [LEGACY, HOST, 'a program that lua.wasm began goes on in lua-host.wasm'],
  [HOST, LEGACY, 'a program that lua-host.wasm began goes on in lua.wasm'],
]) {
  test(title, async () => {
    let resumed = 0;
    for (let seed = 1; resumed < 60; seed++) {
      const code = program(seed);
      const whole = await uncut(from, code);
      if (whole.error !== '' || whole.ticks < 2) continue;
      const ticks = 1 + (seed % (whole.ticks - 1));
      const lua = await Lua.create({ wasm: from });
      lua.start(code);
      const before = lua.step(ticks);
      if (before.done) {
        lua.close();
        continue;
      }
      const snapshot = await lua.snapshot({ compress: false });
      lua.close();
      const other = await Lua.restore(snapshot, { wasm: to });
      const after = finish(other);
      other.close();
      const where = `program ${seed} cut after ${ticks} ticks`;
      assert.equal(after.error, '', where);
      assert.deepEqual(after.values, whole.values, where);
      assert.equal(before.output + after.output, whole.output, where);
      resumed++;
    }
  });
}

/** Returns the result of a program that nothing interrupts. */
async function uncut(wasm, code) {
  const lua = await Lua.create({ wasm });
  lua.start(code);
  const outcome = finish(lua);
  lua.close();
  return outcome;
}

/** A hundred protected calls, each in the one before. */
const NESTED = 'local function f(n) if n == 0 then return 1 end local ok, v = pcall(f, n - 1) return ok and v + 1 end return f(100)';

/** Calls below this many frames of JavaScript. */
function below(frames, call) {
  return frames === 0 ? call() : below(frames - 1, call);
}

test('an exhausted JavaScript stack comes out as it is, and never as something that Lua caught', () => {
  const none = { set: () => REPLY_NONE, get: () => REPLY_NONE, delete: () => REPLY_NONE, size: () => REPLY_NONE, keys: () => REPLY_NONE };
  const code = new TextEncoder().encode(NESTED);
  // What runs out of its stack is of no more use: each call has a machine of its own, made where there is room.
  const prepare = () => {
    const lua = instantiateSync(HOST, none);
    assert.equal(lua.init(), 0);
    const at = lua.getBufferPtr();
    lua.bytes.set(code, at);
    return () => {
      const length = lua.compute(at, code.length);
      return length === 13 ? lua.view.getBigInt64(at + 5, true) : `length ${length}`;
    };
  };
  const outcome = (frames) => {
    const call = prepare();
    try {
      return below(frames, call);
    } catch (error) {
      return error instanceof RangeError ? 'exhausted' : error;
    }
  };
  let fits = 0;
  let exhausts = 1 << 20;
  assert.equal(outcome(fits), 101n);
  assert.equal(outcome(exhausts), 'exhausted');
  const outcomes = new Set();
  while (exhausts - fits > 16) {
    const frames = (fits + exhausts) >> 1;
    const found = outcome(frames);
    outcomes.add(found);
    if (found === 101n) fits = frames;
    else exhausts = frames;
  }
  // From where all fits to where not one call fits, most places run out somewhere among the protected calls.
  for (let frames = fits; frames < fits + 400; frames += 5) outcomes.add(outcome(frames));
  for (const found of outcomes) assert.ok(found === 101n || found === 'exhausted', `a call gave ${found}`);
});
