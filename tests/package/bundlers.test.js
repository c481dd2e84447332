// Tests bundles of the package in pages, their module workers and Node: with each tool's defaults, or with the line that the
// README gives.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { WITH_PROFILES } from '../browser/browsers.js';
import { buildWithEsbuild, buildWithRollup, buildWithVite, buildWithWebpack, copyPage, serveWithVite, VITES } from './bundlers.js';
import { LUA_LINES } from '../../web/loader.js';
import { EXPECTED } from './programs/expected.js';
import { FOLDER, INSTALLED, PROJECT } from './project.js';
import { serve } from './server.js';

const [CHROMIUM] = WITH_PROFILES;

let browser;
before(async () => {
  browser = await CHROMIUM.launch();
});
after(() => browser && browser.close());

/** Opens the page, which takes the tour and lets a worker take it. */
async function visit(address) {
  const tab = await browser.open(address);
  const outcome = await tab.evaluate(() => globalThis.outcome);
  const complaints = await tab.complaints();
  await tab.close();
  assert.deepEqual(complaints, []);
  assert.deepEqual(outcome, [EXPECTED, EXPECTED]);
}

async function visitBuilt(folder) {
  const server = await serve(folder);
  await visit(`${server.origin}/index.html`).finally(() => server.close());
}

function modulesIn(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.wasm')).length;
}

/** Runs a bundle for Node that has been put into a folder where there is nothing else. */
function runAlone(file) {
  const folder = join(FOLDER, 'alone', file.replace(/\W+/g, '-'));
  mkdirSync(folder, { recursive: true });
  const name = file.endsWith('.js') ? 'program.cjs' : `program${file.slice(-4)}`;
  copyFileSync(file, join(folder, name));
  return spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
}

function takesTheTour(file) {
  const { status, stdout, stderr } = runAlone(file);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.deepEqual(JSON.parse(stdout), EXPECTED);
}

for (const [title, vite] of VITES) {
  const name = title.replace(' ', '-').toLowerCase();

  test(`the server for development of ${title} runs the page`, async () => {
    const server = await serveWithVite(vite, join(PROJECT, 'node_modules', `.${name}`));
    await visit(`${server.origin}/index.html`).finally(() => server.close());
  });

  test(`${title} builds a page whose module worker imports lua-persistent/inline`, async () => {
    const folder = join(FOLDER, `${name}-inline`);
    await buildWithVite(vite, folder, { root: inlineProject() });
    await visitBuilt(folder);
  });
}

test('Vite 8 builds a page with a module worker, and the modules are files beside them', async () => {
  const folder = join(FOLDER, 'vite-8');
  await buildWithVite(VITES[0][1], folder);
  assert.equal(modulesIn(folder), LUA_LINES.length);
  await visitBuilt(folder);
});

test('Vite 6 builds a page with a module worker of the format es', async () => {
  const folder = join(FOLDER, 'vite-6');
  await buildWithVite(VITES[1][1], folder, { worker: { format: 'es' } });
  assert.equal(modulesIn(folder), LUA_LINES.length);
  await visitBuilt(folder);
});

/** The project with `lua-persistent/inline` in place of `lua-persistent`. */
function inlineProject() {
  const folder = join(PROJECT, 'inline');
  mkdirSync(folder, { recursive: true });
  for (const name of ['index.html', 'main.js', 'worker.js', 'tour.js']) {
    const text = readFileSync(join(PROJECT, name), 'utf8');
    writeFileSync(join(folder, name), text.replaceAll("from 'lua-persistent'", "from 'lua-persistent/inline'"));
  }
  return folder;
}

for (const mode of /** @type {const} */ (['production', 'development'])) {
  test(`webpack builds a page for ${mode}, without a warning`, async () => {
    const folder = join(FOLDER, `webpack-${mode}`);
    assert.deepEqual(await buildWithWebpack(folder, { entry: './main.js', mode, output: { filename: 'main.js' } }), []);
    assert.equal(modulesIn(folder), mode === 'production' ? LUA_LINES.length : 0);
    await copyPage(folder);
    await visitBuilt(folder);
  });
}

test('esbuild builds a page, without a warning', async () => {
  const outdir = join(FOLDER, 'esbuild');
  assert.deepEqual(await buildWithEsbuild({ entryPoints: ['main.js', 'worker.js'], format: 'esm', minify: true, outdir }), []);
  await copyPage(outdir);
  await visitBuilt(outdir);
});

for (const [extension, format] of /** @type {const} */ ([['cjs', 'cjs'], ['mjs', 'esm']])) {
  test(`esbuild makes one file for Node, in the format ${format}`, async () => {
    const outfile = join(FOLDER, `esbuild-node.${extension}`);
    assert.deepEqual(await buildWithEsbuild({ entryPoints: ['print-tour.js'], platform: 'node', format, outfile }), []);
    takesTheTour(outfile);
  });

  test(`Rollup makes one file for Node, in the format ${format}`, async () => {
    const file = join(FOLDER, `rollup-node.${extension}`);
    assert.deepEqual(await buildWithRollup('print-tour.js', { file, format }), []);
    takesTheTour(file);
  });
}

test('webpack makes one file for Node', async () => {
  // To minify the module's text takes many seconds; the page for production has no such text.
  const folder = join(FOLDER, 'webpack-node');
  assert.deepEqual(await buildWithWebpack(folder, { entry: './print-tour.js', target: 'node', optimization: { minimize: false }, output: { filename: 'main.js' } }), []);
  takesTheTour(join(folder, 'main.js'));
});

test('a program of CommonJS is bundled for Node', async () => {
  const outfile = join(FOLDER, 'required.cjs');
  const contents = "require('lua-persistent').Lua.create().then((lua) => console.log(lua.eval('6 * 7').value));";
  await buildWithEsbuild({ stdin: { contents, resolveDir: PROJECT }, platform: 'node', outfile });
  assert.equal(runAlone(outfile).stdout, '42\n');
});

test('the file lua-persistent/inline is all that a program needs', () => {
  const folder = join(FOLDER, 'one-file');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(INSTALLED, 'dist/inline.js'), join(folder, 'lua.mjs'));
  writeFileSync(join(folder, 'tour.mjs'), readFileSync(join(PROJECT, 'tour.js'), 'utf8').replaceAll("'lua-persistent'", "'./lua.mjs'"));
  writeFileSync(join(folder, 'main.mjs'), readFileSync(join(PROJECT, 'print-tour.js'), 'utf8').replace('./tour.js', './tour.mjs'));
  const { stdout, stderr } = spawnSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), EXPECTED);
});

/** A program with Lua 5.5 from a script of its own, which the first line's module is in already. */
const WITH_5_5 = "import { tour } from './tour.js';\nimport lua55 from 'lua-persistent/lua-5.5';\nconsole.log(JSON.stringify(await tour(() => lua55)));\n";

test('one file for Node runs Lua 5.5 when it imports it, and says how when it does not', async () => {
  writeFileSync(join(PROJECT, 'with-5.5.js'), WITH_5_5);
  const [byEsbuild, byRollup] = [join(FOLDER, 'esbuild-5.5.mjs'), join(FOLDER, 'rollup-5.5.mjs')];
  assert.deepEqual(await buildWithEsbuild({ entryPoints: ['with-5.5.js'], platform: 'node', format: 'esm', outfile: byEsbuild }), []);
  assert.deepEqual(await buildWithRollup('with-5.5.js', { file: byRollup, format: 'esm' }), []);
  for (const file of [byEsbuild, byRollup]) takesTheTour(file);

  const outfile = join(FOLDER, 'without-5.5.mjs');
  const contents = "import { Lua } from 'lua-persistent';\nawait Lua.create({ lua: '5.5' });\n";
  await buildWithEsbuild({ stdin: { contents, resolveDir: PROJECT }, platform: 'node', format: 'esm', outfile });
  const { status, stderr } = runAlone(outfile);
  assert.equal(status, 1);
  assert.match(stderr, /holds Lua 5\.4 alone; Lua 5\.5 is a script of its own: Lua\.create\(\{ lua: '5\.5', wasm: import\('lua-persistent\/lua-5\.5'\) \}\)/);
});

test('a program that was taken away from its lua.wasm says what to do', async () => {
  const outfile = join(FOLDER, 'left-behind.mjs');
  // Conditions of its own take from esbuild the one that tells the package of a bundler.
  await buildWithEsbuild({ entryPoints: ['print-tour.js'], platform: 'node', format: 'esm', conditions: ['own'], outfile });
  const { status, stderr } = runAlone(outfile);
  assert.equal(status, 1);
  assert.match(stderr, /lua\.wasm cannot be loaded \(ENOENT: .*\): .* import 'lua-persistent\/inline' in place of 'lua-persistent'/);
});

test('esbuild takes lua.wasm into the program as bytes', async () => {
  const outfile = join(FOLDER, 'with-bytes.mjs');
  const contents = "import bytes from 'lua-persistent/lua.wasm';\nimport { tour } from './tour.js';\nconsole.log(JSON.stringify(await tour(() => bytes)));\n";
  const stdin = { contents, resolveDir: PROJECT };
  assert.deepEqual(await buildWithEsbuild({ stdin, platform: 'node', format: 'esm', target: 'node18', outfile, loader: { '.wasm': 'binary' } }), []);
  takesTheTour(outfile);
});
