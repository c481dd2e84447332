// Holds the layouts and the grammar of abi.json to the encoders and decoders that are written by hand: those of JavaScript
// (web/values/) and those of the module (src/values/, src/plain/, src/ext/), on vectors, on made-up values, and on bytes with
// mistakes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { inspect } from 'node:util';

import { compute, read, start, wasmModule, write } from '../support/documented-host.js';
import { abi } from '../support/export-calls.js';
import { decode, encode, LayoutError, makeUp, makeUpKey, matches, randomFrom } from '../support/layout-codec.js';
import { Decoder } from '../../../web/values/decoder.js';
import { keyOfForm } from '../../../web/values/key.js';

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../../web/abi/${name}.json`, import.meta.url), 'utf8'));
const values = vectors('values');
const keys = vectors('keys');

/** The layout of a single value at each place. */
const PLACES = { result: 'results', argument: 'values', entry: 'entry', 'host-entry': 'host_entry' };

/** Whether bytes are one value at a place. */
function isOne(place, bytes) {
  try {
    const made = decode(PLACES[place], bytes);
    return place !== 'argument' || made.values.length === 1;
  } catch (error) {
    assert.ok(error instanceof LayoutError, error);
    return false;
  }
}

test('the layouts allow each vector of a value exactly where it may stand, and give its bytes again', () => {
  for (const { lua, case: name, bytes: hex, where } of values.values) {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    for (const place of Object.keys(PLACES)) {
      assert.equal(isOne(place, bytes), where.includes(place), `${lua ?? name} at ${place}`);
      if (where.includes(place)) assert.equal(Buffer.from(encode(PLACES[place], decode(PLACES[place], bytes))).toString('hex'), hex);
    }
  }
});

test('the layouts refuse each vector of bytes that are refused, where they are', () => {
  for (const { case: name, bytes: hex, where } of values.refused) {
    for (const place of where) assert.equal(isOne(place, Buffer.from(hex, 'hex')), false, `${name} at ${place}`);
  }
});

test('the grammar matches each key that Lua can have, and of the texts that are none only numbers and quoted strings in another form', () => {
  for (const { form } of keys.keys) assert.ok(matches('form', form), form);
  for (const { form } of keys.refused) {
    if (matches('form', form)) assert.match(form, /^\[-?[0-9.einf-]+\]$|^\["/, JSON.stringify(form));
    assert.equal(matches('stored', form), matches('form', form) || form === '[meta]', form);
  }
});

test('JavaScript takes no text for a key that the grammar does not match, and all made-up ones but numbers and strings in another form', () => {
  const random = randomFrom(7);
  const takes = (form) => {
    try {
      keyOfForm(form);
      return true;
    } catch {
      return false;
    }
  };
  for (let round = 0; round < 3000; round++) {
    const form = makeUpKey('form', random);
    assert.ok(matches('form', form), form);
    if (!takes(form)) assert.match(form, /^\[-?[0-9.einf-]+\]$|^\["/, JSON.stringify(form));
    const characters = [...form];
    characters.splice(random(characters.length + 1), random(2), ['[', ']', '"', '\n', '1', '\ufeff'][random(6)]);
    const changed = characters.join('');
    if (takes(changed)) assert.ok(matches('form', changed), JSON.stringify(changed));
  }
});

/** Values as one can compare them: tables as lists of their entries, in order. */
function canonical(value) {
  if (value.tag !== 'TAG_TABLE') return inspect({ ...value, ...(value.string && { string: Buffer.from(value.string).toString('hex') }), ...(value.name && { name: String(Buffer.from(value.name)) }) });
  const entries = new Map();
  const add = (key, entry) => (entry.tag === 'TAG_NIL' ? entries.delete(key) : entries.set(key, canonical(entry)));
  value.elements.forEach((entry, index) => add(canonical({ tag: 'TAG_INTEGER', number: BigInt(index + 1) }), entry));
  for (const { key, value: entry } of value.pairs) {
    const whole = key.tag === 'TAG_FLOAT' && Number.isInteger(key.number) && Math.abs(key.number) < 2 ** 63;
    add(canonical(whole ? { tag: 'TAG_INTEGER', number: BigInt(key.number) } : key), entry);
  }
  return `{${[...entries].map(([key, entry]) => `${key}: ${entry}`).sort().join(', ')}}`;
}

test('what the layouts encode, the module reads, and what it writes, they decode to the same', () => {
  const random = randomFrom(11);
  const instance = start();
  compute(instance, 't = {}');
  // What depends on the machine, or has no value of its own to come back as.
  const without = ['TAG_SAME_TABLE', 'TAG_REFERENCE', 'TAG_HOST_FUNCTION', 'TAG_FUNCTION', 'TAG_LIBRARY', 'TAG_EXTERNAL_TABLE'];
  const strings = { TAG_LIBRARY_FUNCTION: ['print', 'string.format', 'math.max'] };
  for (let round = 0; round < 400; round++) {
    const sent = makeUp('global_values', random, { without, strings });
    sent.path.string = Buffer.from('t.f');
    sent.path.length = 3;
    const bytes = encode('global_values', sent);
    if (bytes.length > 60_000) continue;
    const { pointer } = write(instance, bytes);
    assert.equal(read(instance, instance.exports.set_global(pointer, bytes.length)).error, undefined);
    const { pointer: path } = write(instance, 't.f');
    const length = instance.exports.get_global(path, 3);
    const { results } = decode('success', instance.memory.slice(path, path + length));
    assert.equal(canonical(results.last), canonical(sent.value));
    assert.equal(results.more, null);
  }
});

test('what the module writes for a run with several results and output follows the layouts', () => {
  const instance = start();
  const { pointer, length } = write(instance, 'io.write("said") return 1, {x = {2.5}}, print, ext.table(), coroutine.create(print)');
  const count = instance.exports.compute(pointer, length);
  const { output, results } = decode('success', instance.memory.slice(pointer, pointer + count));
  assert.equal(Buffer.from(output).toString(), 'said');
  assert.equal(results.last.tag, 'TAG_OPAQUE');
  assert.deepEqual(results.more.others.map(({ tag }) => tag), ['TAG_INTEGER', 'TAG_TABLE', 'TAG_LIBRARY_FUNCTION', 'TAG_EXTERNAL_TABLE']);
  const failed = write(instance, 'error("h\\u{E9}" .. ("x"):rep(300), 0)');
  const answer = -instance.exports.compute(failed.pointer, failed.length) - 1;
  assert.ok(decode('failure', instance.memory.slice(failed.pointer, failed.pointer + answer)).message.length > 100);
});

test('what the layouts encode as results, JavaScript decodes', () => {
  const random = randomFrom(13);
  for (let round = 0; round < 400; round++) {
    const bytes = encode('results', makeUp('results', random));
    assert.doesNotThrow(() => new Decoder(bytes).results(0, bytes.length), Buffer.from(bytes).toString('hex'));
    assert.doesNotThrow(() => decode('results', bytes));
  }
});

test('of entries with mistakes, JavaScript and the module take those that the layouts allow, and no others', () => {
  const random = randomFrom(17);
  const instance = start();
  const strings = { TAG_LIBRARY_FUNCTION: ['print', 'string.format'] };
  let [taken, refused] = [0, 0];
  for (let round = 0; round < 3000; round++) {
    const bytes = [...encode('host_entry', makeUp('host_entry', random, { strings }))];
    for (let changes = random(3); changes > 0; changes--) bytes.splice(random(bytes.length + 1), random(2), ...(random(2) ? [random(16)] : []));
    const entry = Uint8Array.from(bytes);
    const allowed = isOne('host-entry', entry);
    const { pointer } = write(instance, Uint8Array.of(0x6b, ...entry));
    assert.equal(instance.exports.ext_table_set(1, pointer, 1, pointer + 1, entry.length) === 0, allowed, `module: ${Buffer.from(entry).toString('hex')}`);
    let decodes = true;
    try {
      new Decoder(entry).stored(0, entry.length);
    } catch {
      decodes = false;
    }
    assert.equal(decodes, allowed, `JavaScript: ${Buffer.from(entry).toString('hex')}`);
    if (allowed) taken++;
    else refused++;
  }
  assert.ok(taken > 500 && refused > 500, `${taken} taken, ${refused} refused`);
});

test('of values with mistakes, the module takes none that the layouts do not allow', () => {
  const random = randomFrom(19);
  const instance = start();
  let [taken, refused] = [0, 0];
  for (let round = 0; round < 2000; round++) {
    const bytes = [...encode('values', makeUp('values', random, { without: ['TAG_FUNCTION', 'TAG_REFERENCE'] }))];
    for (let changes = random(3); changes > 0; changes--) bytes.splice(random(bytes.length + 1), random(2), ...(random(2) ? [random(16)] : []));
    const sent = Uint8Array.of(4, 1, 0, 0, 0, 0x66, ...bytes);
    if (sent.length > 60_000) continue;
    const { pointer } = write(instance, sent);
    const { error } = read(instance, instance.exports.set_global(pointer, sent.length));
    if (error === undefined) {
      taken++;
      assert.ok(isOne('argument', Uint8Array.from(bytes)), Buffer.from(bytes).toString('hex'));
    } else refused++;
  }
  assert.ok(taken > 100 && refused > 100, `${taken} taken, ${refused} refused`);
});

test('a stored function, its cells and a metatable follow the layouts', () => {
  const instance = start();
  assert.equal(compute(instance, 'local n, s = 0, "s" function up() n = n + 1 return s end _home.up = up setmetatable(_home, {__index = {}})').error, undefined);
  const stored = new Map(abi.stored.map((table) => [table.name, table.entries]));
  const check = (id, name) => {
    const table = instance.tables.get(id);
    for (const [key, value] of table) {
      const entry = stored.get(name).find((each) => (each.rule === undefined ? each.key === key : matches(each.rule, key)));
      assert.ok(entry !== undefined, `${name} has ${key}`);
      assert.doesNotThrow(() => decode(entry.layout, value), `${name} ${key}`);
    }
    for (const { key, optional } of stored.get(name)) assert.ok(key === undefined || optional || table.has(key), `${name} lacks ${key}`);
    return table;
  };
  const home = check(1, 'any_table');
  assert.ok(home.has('[meta]'));
  const described = check(decode('entry', home.get('up')).value.id, 'function_table');
  assert.deepEqual([...described.keys()].sort(), ['[1]', '[2]', 'code']);
  const { value } = decode('upvalue_entry', described.get('[1]'));
  check(value.id, 'cell');
});

test('the names of libraries are those that the module knows', () => {
  const names = abi.constants.find(({ name }) => name === 'TAG_LIBRARY').items.find(({ name }) => name === 'name').known;
  const instance = start();
  for (const name of names) {
    instance.tables.set(1, new Map([['x', encode('entry', { value: { tag: 'TAG_LIBRARY', length: name.length, name: Buffer.from(name) } })]]));
    assert.equal(compute(instance, `return _home.x == ${name}`).value, true, name);
  }
  const missing = compute(instance, 'local n = 0 for _, v in pairs(_G) do if type(v) == "table" and not ext.id(v) then n = n + 1 end end return n').value;
  assert.equal(BigInt(names.length - 1), missing, 'package.loaded is the one that is no global');
});

test('the stamp of the module follows its layout', () => {
  const [section] = WebAssembly.Module.customSections(wasmModule, abi.section);
  const stamp = decode('stamp', new Uint8Array(section));
  assert.equal(stamp.abi_version, abi.abi_version);
  assert.match(Buffer.from(stamp.release).toString(), /^5\.\d\.\d$/);
  assert.equal(Buffer.from(stamp.hash).toString(), abi.manifest_hash);
});
