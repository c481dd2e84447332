/**
 * Serves the repository's files on loopback as an ordinary web server would, with variations that a path's first part asks
 * for:
 *
 * - `/octet-stream/...`: `lua.wasm` is sent as bytes of no particular type, as servers do that do not know WebAssembly;
 * - `/strict/...`: pages get a content security policy that forbids everything but the site's own files and WebAssembly.
 *
 * A page says how far something has come by `POST /reached/NAME/NUMBER`; the last number of each name is in `reached`.
 *
 * @import { AddressInfo } from 'node:net'
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

/** Folders that pages may read. */
const SERVED = ['web/', 'tests/browser/'].map((folder) => fileURLToPath(new URL(folder, ROOT)));

/** What pages may read of installed packages: SQLite's wasm build, as a page without a bundler has it. */
const SQLITE = fileURLToPath(new URL('tests/browser/node_modules/@sqlite.org/sqlite-wasm/dist/', ROOT));

/** @type {Record<string, string>} */
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/**
 * @typedef {object} Served
 * @property {string} origin
 * @property {Map<string, number>} reached the highest number that was posted, by name
 * @property {() => Promise<void>} close
 */

/**
 * Start the server on a free port.
 *
 * @returns {Promise<Served>}
 */
export async function serve() {
  /** @type {Map<string, number>} */
  const reached = new Map();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url || '/', 'http://localhost');
    const posted = request.method === 'POST' && /^\/reached\/(\w+)\/(\d+)$/.exec(pathname);
    if (posted) {
      reached.set(posted[1], Math.max(Number(posted[2]), reached.get(posted[1]) || 0));
      response.writeHead(204).end();
      return;
    }
    answer(pathname).then(
      ({ headers, body }) => response.writeHead(200, { ...headers, 'Cache-Control': 'no-store' }).end(body),
      () => response.writeHead(404, { 'Content-Type': 'text/plain' }).end(`there is no ${pathname}\n`),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    reached,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {string} pathname
 * @returns {Promise<{ headers: Record<string, string>, body: Buffer }>} rejects if there is no such file
 */
async function answer(pathname) {
  const [, variation, rest] = /^\/(?:(octet-stream|strict)\/)?(.*)$/.exec(pathname) || ['', '', ''];
  const file = fileURLToPath(new URL(rest, ROOT));
  const own = SERVED.some((folder) => file.startsWith(folder)) && !file.includes(`${sep}node_modules${sep}`);
  if (!own && !file.startsWith(SQLITE)) throw new Error('not served');
  const type = TYPES[extname(file)] || 'application/octet-stream';
  /** @type {Record<string, string>} */
  const headers = { 'Content-Type': variation === 'octet-stream' && type === TYPES['.wasm'] ? 'application/octet-stream' : type };
  if (variation === 'strict') headers['Content-Security-Policy'] = STRICT;
  return { headers, body: await readFile(file) };
}
