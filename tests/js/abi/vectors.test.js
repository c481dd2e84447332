// Compares the module and the JavaScript library with the test vectors for all hosts (web/abi/*.json).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { inspect } from 'node:util';

import { Decoder, decodeValue } from '../../../web/values/decoder.js';
import { DecodeError } from '../../../web/errors.js';
import { encodeValue } from '../../../web/values/encoder.js';
import { keyForm, keyOfForm } from '../../../web/values/key.js';
import { MANIFEST_HASH } from '../../../web/loader.js';
import { Lua, MapStore } from '../../../web/lua-persistent.js';
import { exportTables, importTables } from '../../../web/persist/tables-json.js';
import { compute, read, start } from '../support/documented-host.js';

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../../web/abi/${name}.json`, import.meta.url), 'utf8'));
const keys = vectors('keys');
const values = vectors('values');
const STATUS = { ok: 0, argument: 17 };

/** Write bytes into the I/O buffer from an offset on; where they are. */
function put({ exports, memory }, bytes, offset = 0) {
  const at = exports.get_buffer_ptr() + offset;
  memory.set(bytes, at);
  return at;
}

/** Set an entry of `_home` by the export; the answer and the status. */
function setEntry(instance, key, value) {
  const { exports } = instance;
  const form = Buffer.from(key);
  const answer = exports.ext_table_set(1, put(instance, form), form.length, put(instance, value, form.length), value.length);
  return [answer, exports.get_status()];
}

test('a key has in the module the form that its vector gives, and is found by it', () => {
  for (const { lua, form } of keys.keys) {
    const instance = start();
    assert.equal(compute(instance, `_home[${lua}] = 'from Lua'`).error, undefined, lua);
    assert.deepEqual([...instance.tables.get(1).keys()], [form], lua);
    assert.deepEqual(setEntry(instance, form, Uint8Array.of(0x02, 7, 0, 0, 0, 0, 0, 0, 0)), [0, STATUS.ok], form);
    const code = `local k, v = next(_home) return _home[${lua}] == 7 and v == 7 and rawequal(k, ${lua}) and (math.type(k) == math.type(${lua}) or math.tointeger(k) ~= nil)`;
    assert.equal(compute(instance, code).value, true, lua);
  }
});

test('JavaScript has the same form for the key, and the same key for the form', async () => {
  const lua = await Lua.create();
  for (const { lua: expression, form } of keys.keys) {
    const { value } = lua.compute(`return ${expression}`);
    assert.equal(keyForm(value, 't'), form, expression);
    assert.equal(keyForm(keyOfForm(form), 't'), form, expression);
  }
  lua.close();
});

test('a text that is no form of a key is refused by the exports and by JavaScript', () => {
  const instance = start();
  for (const { form } of keys.refused) {
    assert.deepEqual(setEntry(instance, form, Uint8Array.of(0x01, 1)), [-1, STATUS.argument], JSON.stringify(form));
    assert.throws(() => keyOfForm(form), DecodeError, JSON.stringify(form));
    if (form === '[meta]') continue;
    const text = Buffer.from(form);
    assert.equal(instance.exports.ext_table_get(1, put(instance, text), text.length, put(instance, [], 100), 100), -1);
    assert.equal(instance.exports.get_status(), STATUS.argument, JSON.stringify(form));
  }
  assert.equal(instance.tables.has(1), false, 'nothing was stored');
});

test('a text that is no form, stored by a host, is an error of pairs and next that says what it should be', () => {
  for (const { form, right } of keys.refused) {
    // What stands in a list of keys is never empty and has no line feed.
    if (form === '' || form === '[meta]' || form.includes('\n')) continue;
    const instance = start();
    instance.tables.set(1, new Map([[form, Uint8Array.of(0x01, 1)]]));
    const { error } = compute(instance, 'for _ in pairs(_home) do end');
    assert.match(error, /external table 1 has a damaged entry '/, form);
    assert.ok(right === undefined ? error.endsWith('no key is written so') : error.endsWith(`this key is written '${right}'`), `${error} for ${right}`);
    assert.equal(compute(instance, 'next(_home)').error === undefined, false);
    assert.equal(compute(instance, 'return ext.size(_home)').value, 1n);
    // The decoder of this host takes a byte order mark away.
    if (form.startsWith('\ufeff')) continue;
    const text = Buffer.from(form);
    assert.equal(instance.exports.ext_table_delete(1, put(instance, text), text.length), 0);
    assert.equal(compute(instance, 'return next(_home)').value, null, 'it can be deleted');
  }
});

/** Lua code that compares the global `f` with the value of an expression: numbers with their types, tables by what is in them. */
const compare = (expression) => `local a, b = f, ${expression} f = nil
  local function equal(a, b)
    if type(a) ~= 'table' or ext.id(a) or a == b then return rawequal(a, b) and math.type(a) == math.type(b) and (a ~= 0 or 1 / a == 1 / b) end
    for k, v in pairs(a) do if v ~= a and not equal(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
  end
  return equal(a, b)`;

for (const { case: name, lua, bytes: hex, where, tag, javascript } of values.values) {
  const title = [tag, name || lua].filter(Boolean).join(': ');
  const bytes = Buffer.from(hex, 'hex');
  /** Whether the expression gives the same value each time. */
  const isSame = name === undefined;
  /** Defines a test of this vector where it may stand, if the vector has what the test needs. */
  const testWhere = (place, can, what, run) => where.includes(place) && can && test(`${title}, ${what}`, run);

  testWhere('result', lua !== undefined, 'as a result (src/values/write.rs)', () => {
    assert.equal(Buffer.from(compute(start(), `return ${lua}`).serialized).toString('hex'), hex);
  });

  testWhere('argument', isSame, 'as an argument (src/values/read.rs)', () => {
    const instance = start();
    const sent = Buffer.concat([Buffer.from([4, 1, 0, 0, 0]), Buffer.from('f'), bytes]);
    assert.equal(read(instance, instance.exports.set_global(put(instance, sent), sent.length)).error, undefined);
    assert.equal(compute(instance, compare(lua)).value, true);
  });

  testWhere('entry', lua !== undefined, 'in an external table (src/values/write.rs, src/ext/)', () => {
    const instance = start();
    assert.equal(compute(instance, `_home.x = ${lua}`).error, undefined);
    const home = instance.tables.get(1);
    assert.equal(Buffer.from(home.get('x')).toString('hex'), hex);
    assert.equal(compute(instance, 'local kept = _home.x _home.x = nil collectgarbage() _home.x = kept').error, undefined);
    assert.equal(Buffer.from(home.get('x')).toString('hex'), hex, 'read and written again');
    if (!isSame) return;
    home.set('x', Uint8Array.from(bytes));
    assert.equal(compute(instance, `f = _home.x ${compare(lua)}`).value, true, 'as a host writes it');
  });

  test(`${title}, from a host, is ${where.includes('host-entry') ? 'taken' : 'refused'}`, () => {
    assert.equal(where.includes('host-entry'), where.includes('entry'));
    assert.deepEqual(setEntry(start(), 'x', bytes), where.includes('host-entry') ? [0, STATUS.ok] : [-1, STATUS.argument]);
  });

  if (javascript !== undefined) {
    test(`${title}, in JavaScript (web/values/decoder.js)`, () => {
      const value = tag === 'TAG_MORE_RESULTS' ? new Decoder(bytes).results(0, bytes.length) : decodeValue(bytes);
      assert.equal(inspect(value, { breakLength: Infinity }), javascript);
    });
  }

  testWhere('host-entry', javascript !== undefined, 'from JavaScript (web/values/encoder.js)', () => {
    assert.equal(Buffer.from(encodeValue(decodeValue(bytes))).toString('hex'), hex);
  });

  testWhere('entry', true, 'in JSON, has a form of its own (web/persist/tables-json.js)', () => {
    const store = new MapStore();
    store.set(1, 'x', bytes);
    const text = exportTables(store, { homeTableId: 1, nextTableId: 9, abiHash: MANIFEST_HASH });
    assert.doesNotMatch(text, /"raw"/);
    const copy = new MapStore();
    importTables(text, copy);
    assert.equal(Buffer.from(copy.get(1, 'x')).toString('hex'), hex);
  });
}

test('bytes that are refused are an error wherever they may not stand, and JavaScript refuses the same entries', () => {
  for (const { case: name, bytes: hex, where } of values.refused) {
    const bytes = Buffer.from(hex, 'hex');
    if (where.includes('argument')) {
      const instance = start();
      const sent = Buffer.concat([Buffer.from([4, 1, 0, 0, 0]), Buffer.from('f'), bytes]);
      assert.match(read(instance, instance.exports.set_global(put(instance, sent), sent.length)).error, /malformed values/, name);
    }
    if (!where.includes('entry')) continue;
    const instance = start();
    // A host that is asked for an entry of no bytes cannot tell it from none, unless it answers 0.
    instance.tables.set(1, new Map([['x', Uint8Array.from(bytes)]]));
    for (const code of ['return _home.x', 'for _ in pairs(_home) do end', 'return next(_home)', 'return rawget(_home, "x")']) {
      assert.match(compute(instance, code).error, /external table 1 has a damaged entry 'x'/, `${name}: ${code}`);
    }
    assert.equal(compute(instance, 'return ext.size(_home)').value, 1n, name);
    instance.tables.get(1).set('[1]', Uint8Array.from(bytes));
    assert.match(compute(instance, 'return #_home').error, /external table 1 has a damaged entry '\[1\]'/, name);
    assert.equal(compute(instance, '_home.x = 5 _home[1] = 6 return _home.x').value, 5n, 'an assignment mends it');
    assert.deepEqual(setEntry(start(), 'x', bytes), [-1, STATUS.argument], name);
    assert.throws(() => new Decoder(bytes).stored(0, bytes.length), DecodeError, name);
  }
});

test('a nil that a host stored is damaged for JavaScript, too', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  store.set(lua.homeTableId, 'x', Uint8Array.of(0));
  assert.throws(() => lua.home.get('x'), DecodeError);
  assert.throws(() => lua.compute('return _home.x'), /nil: delete the key/);
  lua.close();
});
