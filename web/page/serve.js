/**
 * Builds the page and serves it on this machine, until it is interrupted.
 *
 * ```sh
 * node web/page/serve.js --port 8000
 * ```
 *
 * @import { AddressInfo } from 'node:net'
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildPage, FOLDER } from './build.js';

const PORT = 8000;

/** @type {Record<string, string>} */
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serve the built page on loopback.
 *
 * @param {number} port 0 for one that is free
 * @param {string} [folder]
 * @returns {Promise<{ origin: string, port: number, close: () => Promise<void> }>}
 */
export async function servePage(port, folder = FOLDER) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url || '/', 'http://localhost');
    // No file of the page has a name that would have to be decoded.
    const file = join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    const inside = file.startsWith(folder + sep) ? readFile(file) : Promise.reject(new Error('not served'));
    inside.then(
      (body) => {
        const type = TYPES[extname(file)] || 'application/octet-stream';
        // What is in the folder of a version never changes.
        const caching = /^\/[0-9a-f]{12}\//.test(pathname) ? 'max-age=31536000, immutable' : 'no-cache';
        response.writeHead(200, { 'Content-Type': type, 'Cache-Control': caching, 'X-Content-Type-Options': 'nosniff' }).end(body);
      },
      () => response.writeHead(404, { 'Content-Type': 'text/plain' }).end(`there is no ${pathname}\n`),
    );
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(undefined));
  });
  const { port: actual } = /** @type {AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${actual}`,
    port: actual,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {string[]} words of the command line
 * @returns {number}
 */
function readPort(words) {
  if (words.length === 0) return PORT;
  const port = Number(words[1]);
  if (words[0] !== '--port' || words.length !== 2 || !/^\d+$/.test(words[1]) || port > 65535) {
    throw new Error('usage: node web/page/serve.js [--port N], with a number of at most 65535');
  }
  return port;
}

async function main() {
  const port = readPort(process.argv.slice(2));
  await buildPage();
  const { origin, close } = await servePage(port);
  console.log(`${origin}/ is the page; Ctrl-C ends this`);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, close);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    const taken = error.code === 'EADDRINUSE';
    console.error(taken ? `port ${error.port} is taken: end what uses it, or choose another with --port N` : error.message);
    process.exitCode = 1;
  });
}
