/**
 * Builds the page into `target/page/`:
 *
 * - `index.html`, with the examples in it;
 * - a folder named after the version, with all that it refers to: scripts, style, icon and the WebAssembly modules. The version
 *   is a hash of all files, so a page never meets parts of another version;
 * - `service-worker.js`, which has the list of all files with their hashes.
 *
 * ```sh
 * node web/page/build.js
 * ```
 *
 * @import { BuildOptions } from 'esbuild'
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build as bundle } from 'esbuild';

import { BINARIES } from '../build/binaries.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const WEB = join(ROOT, 'web');
const PAGE = join(WEB, 'page');

/** The oldest browsers that the page is for. */
const BROWSERS = ['chrome74', 'firefox79', 'safari14'];

/** What a visitor needs who does not choose another Lua. The other files are kept when they are first asked for. */
const FIRST = ['lua.wasm', 'lua-host.delta'];

/** Where the page is built. */
export const FOLDER = join(ROOT, 'target', 'page');

/**
 * Build the page.
 *
 * @param {string} [folder]
 * @returns {Promise<{ version: string, sizes: Record<string, { bytes: number, gzipped: number }> }>}
 */
export async function buildPage(folder = FOLDER) {
  /** @type {Map<string, Uint8Array>} contents of the version's folder by name */
  const parts = new Map([
    ['main.js', await script('main.js', { format: 'esm' })],
    // Module workers are younger than the oldest browsers; so the worker is a classic script, which knows its own address.
    ['worker.js', await script('worker.js', { format: 'iife', define: { 'import.meta.url': 'self.location.href' } })],
    ['style.css', await script('style.css', {})],
    ['icon.svg', await readFile(join(PAGE, 'icon.svg'))],
  ]);
  for (const name of BINARIES) {
    const content = await readFile(join(WEB, name)).catch((error) => {
      throw new Error(`web/${name} cannot be read; \`cargo xtask build\` makes it`, { cause: error });
    });
    parts.set(name, content);
  }

  const source = await readFile(join(WEB, 'index.html'), 'utf8');
  const examples = JSON.stringify(await readExamples()).replace(/</g, '\\u003c');
  const version = hash(Buffer.concat([...parts.values(), Buffer.from(source + examples)])).slice(0, 12);
  const html = source
    .replace('<script type="application/json" id="examples">[]</script>', () => `<script type="application/json" id="examples">${examples}</script>`)
    .replace(/(href|src)="page\//g, `$1="${version}/`);

  /** @type {Record<string, string>} */
  const hashes = { './': hash(html) };
  for (const [name, content] of parts) hashes[`${version}/${name}`] = hash(content);
  const serviceWorker = await script('service-worker.js', {
    format: 'iife',
    define: {
      VERSION: JSON.stringify(version),
      FILES: JSON.stringify(hashes),
      LATER: JSON.stringify(BINARIES.filter((name) => !FIRST.includes(name)).map((name) => `${version}/${name}`)),
    },
  });

  // What refers to other files is written after them.
  await mkdir(join(folder, version), { recursive: true });
  for (const [name, content] of parts) await replace(join(folder, version, name), content);
  await replace(join(folder, 'index.html'), html);
  await replace(join(folder, 'service-worker.js'), serviceWorker);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== version) await rm(join(folder, entry.name), { recursive: true });
  }

  const all = [['index.html', Buffer.from(html)], ...parts, ['service-worker.js', serviceWorker]];
  const sizes = Object.fromEntries(all.map(([name, content]) => [name, { bytes: content.length, gzipped: gzipSync(content).length }]));
  return { version, sizes };
}

/**
 * Bundle one entry point.
 *
 * @param {string} name
 * @param {BuildOptions} options
 * @returns {Promise<Uint8Array>}
 */
async function script(name, options) {
  const { outputFiles = [] } = await bundle({
    entryPoints: [join(PAGE, name)],
    bundle: true,
    minify: true,
    write: false,
    target: BROWSERS,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  });
  return outputFiles[0].contents;
}

/**
 * The examples. The first line of each is a comment with its title and, behind a colon, what it shows.
 *
 * @returns {Promise<{ title: string, detail: string, code: string }[]>}
 */
async function readExamples() {
  const folder = join(ROOT, 'examples');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.lua')).sort();
  return Promise.all(
    names.map(async (name) => {
      const code = await readFile(join(folder, name), 'utf8');
      const [, title, detail] = /^-- ([^:\n]+)(?:: (.*))?/.exec(code) || ['', basename(name, '.lua'), ''];
      return { title, detail: detail || '', code };
    }),
  );
}

/**
 * @param {string | Uint8Array} content
 * @returns {string} SHA-256
 */
function hash(content) {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Write a file so that whoever reads it gets the old or the new one.
 *
 * @param {string} path
 * @param {string | Uint8Array} content
 */
async function replace(path, content) {
  // Another process may be building the same.
  const next = join(dirname(path), `.new.${process.pid}.${basename(path)}`);
  await writeFile(next, content);
  await rename(next, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version, sizes } = await buildPage();
  console.log(`target/page, version ${version}`);
  for (const [name, { bytes, gzipped }] of Object.entries(sizes)) console.log(`${name}: ${bytes} bytes, ${gzipped} gzipped`);
}
