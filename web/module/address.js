/**
 * Gets files by their address, as pages and Node do, and compiles those that are modules.
 *
 * Node has no `fetch` for files, so its `fs` is imported there, and only there: nothing built into Node is named in a form
 * that a bundler or a browser would try to resolve.
 */

import { compile } from '../loader.js';

/**
 * Modules that were compiled from an address, by that address: the second machine starts at once.
 *
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * Compiles the module that an address names, once.
 *
 * @param {string} href absolute
 * @returns {Promise<WebAssembly.Module>}
 */
export function compileAddress(href) {
  return once(href, async () => {
    if (!isFile(href)) return compile(fetchFile(href));
    // At once: handing so small a module to other threads costs more than it saves, and a start has nothing else to do.
    return new WebAssembly.Module(await readFile(href));
  });
}

/**
 * Compiles what has not been compiled before.
 *
 * @param {string} href stands for it
 * @param {() => Promise<WebAssembly.Module>} compileIt
 * @returns {Promise<WebAssembly.Module>}
 */
export function once(href, compileIt) {
  let promise = compiled.get(href);
  if (promise === undefined) {
    promise = compileIt();
    compiled.set(href, promise);
    // A failure is not remembered: the next attempt may find the file.
    promise.catch(() => compiled.delete(href));
  }
  return promise;
}

/**
 * Fetches a file. Servers for development, and those of pages that do their own routing, send a page in place of what is not
 * there.
 *
 * @param {string} href
 * @returns {Promise<Response>}
 */
async function fetchFile(href) {
  const response = await fetch(href);
  if (!response.ok) throw new Error(`${href} could not be fetched: ${response.status} ${response.statusText}`);
  if (/html/.test(String(response.headers.get('Content-Type')))) throw new Error(`${href} is not there: the server sent a page`);
  return response;
}

/**
 * Reads a file in Node, or fetches it.
 *
 * @param {string} href absolute
 * @returns {Promise<Uint8Array>}
 */
export async function bytesOf(href) {
  if (isFile(href)) return readFile(href);
  return new Uint8Array(await (await fetchFile(href)).arrayBuffer());
}

/**
 * @param {string} href
 * @returns {boolean} whether it is to be read as Node reads files
 */
function isFile(href) {
  return typeof process !== 'undefined' && Boolean(process.versions && process.versions.node) && href.startsWith('file:');
}

/**
 * Reads a file in Node. To import `node:fs` loads all of its streams, which is a fifth of a start; newer releases give the
 * module itself.
 *
 * @param {string} href
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readFile(href) {
  const address = new URL(href);
  if (typeof process.getBuiltinModule === 'function') return process.getBuiltinModule('node:fs').readFileSync(address);
  const name = 'node:fs/promises';
  /** @type {typeof import('node:fs/promises')} */
  const { readFile: read } = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
  return /** @type {Uint8Array<ArrayBuffer>} */ (await read(address));
}
