/**
 * Turns this Node into what a worker of Chrome 74 is for the package: it gets what Chrome 74 has and Node 12 lacks, and loses
 * what is Node's own. The engine underneath, V8 7.4, is the same.
 */

import { Buffer } from 'buffer';
import { readFile } from 'fs';
import { performance } from 'perf_hooks';
import { promisify } from 'util';

const { argv, stdout } = process;

/** What the test gave. */
export const argument = JSON.parse(argv[2]);

/** Paths that were fetched, from the package's folder. */
export const fetched = [];

const PACKAGE = new URL('../../web/', import.meta.url).href;

/** A file, as a response with the type that servers send it with. */
async function fetchFile(address) {
  const { href } = new URL(address);
  fetched.push(href.startsWith(PACKAGE) ? href.slice(PACKAGE.length) : href);
  const bytes = await promisify(readFile)(new URL(href));
  return {
    [Symbol.toStringTag]: 'Response',
    ok: true,
    url: href,
    headers: { get: (name) => (name === 'Content-Type' ? 'application/wasm' : null) },
    arrayBuffer: async () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  };
}

/** As Chrome 74 has it: characters that do not fit whole are left out. */
function encodeInto(text, target) {
  let read = 0;
  let written = 0;
  for (const character of text) {
    const bytes = Buffer.from(character);
    if (written + bytes.length > target.length) break;
    target.set(bytes, written);
    read += character.length;
    written += bytes.length;
  }
  return { read, written };
}

/** @implements {Partial<Storage>} */
class LocalStorage {
  constructor() {
    this.items = new Map();
  }

  get length() {
    return this.items.size;
  }

  key(index) {
    const keys = Array.from(this.items.keys());
    return index < keys.length ? keys[index] : null;
  }

  getItem(key) {
    return this.items.has(key) ? this.items.get(key) : null;
  }

  setItem(key, value) {
    this.items.set(key, String(value));
  }

  removeItem(key) {
    this.items.delete(key);
  }
}

Object.assign(globalThis, {
  // The page is never left here.
  addEventListener() {},
  removeEventListener() {},
  atob: (text) => Buffer.from(text, 'base64').toString('latin1'),
  btoa: (text) => Buffer.from(text, 'latin1').toString('base64'),
  fetch: fetchFile,
  localStorage: new LocalStorage(),
  performance,
  self: globalThis,
});
TextEncoder.prototype.encodeInto = encodeInto;
delete globalThis.process;
delete globalThis.Buffer;
delete globalThis.global;

/**
 * Say how it went, to the test in a newer Node.
 *
 * @param {unknown} result
 */
export function report(result) {
  stdout.write(JSON.stringify(result, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value)));
}
