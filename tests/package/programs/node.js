/**
 * Takes the tour with the module in every form in which it can be given, and the loader without the rest.
 *
 * @import { LuaOptions } from 'lua-persistent'
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { instantiate } from 'lua-persistent/loader';

import { EXPECTED } from './expected.js';
import { tour } from './tour.js';

const path = createRequire(import.meta.url).resolve('lua-persistent/lua.wasm');
const bytes = await readFile(path);
const module = await WebAssembly.compile(bytes);
const address = pathToFileURL(path);

/** @type {Record<string, () => LuaOptions['wasm']>} */
const forms = {
  nothing: () => undefined,
  bytes: () => bytes,
  'a buffer': () => new Uint8Array(bytes).buffer,
  'a module': () => module,
  'a response': () => new Response(bytes, { headers: { 'Content-Type': 'application/wasm' } }),
  'a response of no type': () => new Response(bytes),
  'a promise': () => Promise.resolve(bytes),
  'a URL': () => address,
  'an address': () => address.href,
};
for (const [form, wasm] of Object.entries(forms)) assert.deepEqual(await tour(wasm), EXPECTED, form);

const machine = await instantiate(bytes, { set: () => -1, get: () => -1, delete: () => -1, size: () => -1, keys: () => -1 });
assert.equal(machine.init(), 0);
