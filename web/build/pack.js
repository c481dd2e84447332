/**
 * Builds `dist/`, which is what the package ships: few files, because each costs time at a cold start, and short ones. npm
 * runs this before it packs.
 *
 * - `lua-persistent.js`, `loader.js`, `cli.js`: the entry points; their comments are in the declarations
 * - `core.js`: the API, which the command works with, too
 * - `persist.js`: what only machines with a durable state need, loaded with the first of them
 * - `sqlite.js`: what only states in SQLite need
 * - `worker.js`: the thread of the command, found beside it
 * - `inline.js`: all that `lua-persistent.js` leads to and the module, in one file without imports
 * - `lua-5.5.js`: what turns the module into that of Lua 5.5, in one file without imports, for programs that take `inline.js`
 * - `lua-persistent.d.ts`, `loader.d.ts`, `lua-5.5.d.ts`: declarations, one file for each entry point that can be imported
 * - `lua.wasm`, `lua-5.5.wasm`, and the `.delta` files with which they become the artifacts for other engines
 *
 * README, licence and notice, and the documents and examples that the README leads to, are copied to where npm looks for them.
 *
 * @import { ManualChunkMeta, RollupLog } from 'rollup'
 */

import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { minify } from 'terser';

import { LUA_LINES } from '../loader.js';
import { BINARIES } from './binaries.js';
import { closeDeclarations, shortenDeclarations, uniteAliases } from './declarations.js';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const ROOT = join(WEB, '..');
const DIST = join(WEB, 'dist');

/** What `npm run declarations` writes: a declaration file for each module. */
const TYPES = join(WEB, 'types');

/** Entry points by their name in `dist/`. The worker's is what its address in the code becomes beside the command. */
const ENTRIES = { 'lua-persistent': 'lua-persistent.js', loader: 'loader.js', cli: 'cli.js', worker: 'cli/worker.js' };

/** The lines of Lua after the first, each with a module and a script of its own. */
const OTHER_LINES = LUA_LINES.slice(1);

/** Which text files of the repository belong to the package. */
const TEXTS = /^(README|LICENSE|NOTICE|CHANGELOG|CONTRIBUTING)(\.\w+)?$/;

/** Folders of the repository that its README leads to. */
const FOLDERS = ['docs', 'examples'];

/** What only states in SQLite need. */
const SQLITE = /^(sqlite[/\\]|persist[/\\](sqlite|opfs)-)/;

/** Minifies what rollup writes. */
const SHORTEN = { name: 'shorten', renderChunk: async (/** @type {string} */ code) => ({ code: await shorten(code), map: null }) };

/** Comments that bundlers read. */
const DIRECTIVES = /webpackIgnore|@vite-ignore/;

/**
 * Minifies a module. Whatever parses what goes in parses what comes out. Classes keep their names, which consoles show with
 * the values, and variables stay variables: bundlers for browsers would follow the name of a module of Node's.
 *
 * @param {string} code
 * @returns {Promise<string>}
 */
async function shorten(code) {
  const { code: short } = await minify(code, {
    module: true,
    ecma: 2017,
    keep_classnames: true,
    compress: { passes: 3, reduce_vars: false },
    format: { comments: DIRECTIVES },
  });
  return /** @type {string} */ (short);
}

/**
 * Finds the chunk that a module goes into.
 *
 * @param {string} id
 * @param {ManualChunkMeta} graph
 * @returns {string | null}
 */
function chunkOf(id, { getModuleInfo }) {
  const path = relative(WEB, id);
  if (path === ENTRIES.loader) return 'loader';
  if (path.startsWith('cli')) return path === ENTRIES.worker ? null : 'cli';
  const core = new Set([join(WEB, ENTRIES['lua-persistent'])]);
  for (const module of core) {
    const info = getModuleInfo(module);
    for (const imported of info === null ? [] : info.importedIds) core.add(imported);
  }
  if (core.has(id)) return 'core';
  return SQLITE.test(path) ? 'sqlite' : 'persist';
}

/** Bundles and minifies the scripts. */
async function buildScripts() {
  const bundle = await rollup({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(WEB, path)])),
    external: /^node:/,
    onwarn: refuse,
    plugins: [SHORTEN],
  });
  await bundle.write({
    dir: DIST,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    hoistTransitiveImports: false,
    manualChunks: chunkOf,
  });
  await bundle.close();
}

/**
 * Bundles and minifies what an entry point leads to, with a file of the build, into one script.
 *
 * @param {string} entry
 * @param {string} name of the script
 * @param {string} file
 */
async function buildInline(entry, name, file) {
  const content = await readFile(join(WEB, file));
  const text = deflateSync(content, { level: 9 }).toString('base64');
  const artifact = join(WEB, 'artifact.js');
  const bundle = await rollup({
    input: join(WEB, entry),
    onwarn: refuse,
    plugins: [
      {
        name: 'inline',
        resolveId: (source, importer) =>
          importer !== undefined && join(importer, '..', source) === artifact ? join(WEB, 'artifact-inline.js') : null,
        load: (id) => (id === join(WEB, 'module', 'inlined.js') ? `export const INLINED = { text: '${text}', length: ${content.length} };` : null),
      },
      SHORTEN,
    ],
  });
  await bundle.write({ dir: DIST, entryFileNames: name, inlineDynamicImports: true });
  await bundle.close();
}

/** Puts the declarations that an entry point leads to into one file. */
async function buildDeclarations() {
  for (const name of await readdir(TYPES, { recursive: true })) {
    const path = join(TYPES, name);
    if (name.endsWith('.d.ts')) await writeFile(path, closeDeclarations(await readFile(path, 'utf8')));
  }
  const bundle = await rollup({
    input: join(TYPES, 'lua-persistent.d.ts'),
    external: /\/loader\.js$/,
    onwarn: refuse,
    plugins: [dts(), { name: 'shorten', renderChunk: (code) => ({ code: shortenDeclarations(uniteAliases(code)), map: null }) }],
  });
  await bundle.write({ dir: DIST, entryFileNames: 'lua-persistent.d.ts', paths: () => './loader.js' });
  await bundle.close();
  await copyFile(join(WEB, 'loader.d.ts'), join(DIST, 'loader.d.ts'));
  for (const line of OTHER_LINES) {
    const text = `/** The module of Lua ${line}: a \`wasm\` for \`Lua.create\`. */\nexport default function moduleOfLine(first: () => Promise<Uint8Array>): Promise<Uint8Array>;\n`;
    await writeFile(join(DIST, `lua-${line}.d.ts`), text);
  }
}

/**
 * Refuses to pack a package that bundles with a warning.
 *
 * @param {RollupLog} warning
 */
function refuse(warning) {
  throw new Error(`rollup: ${warning.message}`);
}

/** Copies what is not made here. */
async function copyOthers() {
  for (const name of BINARIES) {
    await copyFile(join(WEB, name), join(DIST, name)).catch((error) => {
      throw new Error(`web/${name} cannot be copied; \`cargo xtask build\` makes it`, { cause: error });
    });
  }
  // The command reads its version beside itself.
  const { name, version, type, sideEffects } = JSON.parse(await readFile(join(WEB, 'package.json'), 'utf8'));
  await writeFile(join(DIST, 'package.json'), `${JSON.stringify({ name, version, type, sideEffects })}\n`);
  const texts = (await readdir(ROOT)).filter((text) => TEXTS.test(text));
  for (const text of texts) await copyFile(join(ROOT, text), join(WEB, text));
  for (const folder of FOLDERS) {
    await rm(join(WEB, folder), { recursive: true, force: true });
    await cp(join(ROOT, folder), join(WEB, folder), { recursive: true });
  }
  for (const host of await readdir(join(ROOT, 'hosts'))) {
    await mkdir(join(WEB, 'hosts', host), { recursive: true });
    await copyFile(join(ROOT, 'hosts', host, 'README.md'), join(WEB, 'hosts', host, 'README.md'));
  }
}

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST);
await buildScripts();
await buildInline('inline.js', 'inline.js', 'lua.wasm');
for (const line of OTHER_LINES) await buildInline('line.js', `lua-${line}.js`, `lua-${line}.delta`);
await buildDeclarations();
await copyOthers();
