// What bundlers make of the package runs in pages, their module workers, and Node.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { WITH_PROFILES } from '../browser/browsers.js';
import { buildWithEsbuild, buildWithVite, buildWithWebpack, serveWithVite } from './bundlers.js';
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
  return readdirSync(folder).filter((name) => name.endsWith('.wasm')).length;
}

test('Vite builds a page that runs', async () => {
  const folder = join(FOLDER, 'vite');
  await buildWithVite(folder);
  await visitBuilt(folder);
});

test("Vite's server for development runs the page", async () => {
  const server = await serveWithVite();
  await visit(`${server.origin}/index.html`).finally(() => server.close());
});

test('webpack builds a page that runs, without a warning', async () => {
  const folder = join(FOLDER, 'webpack');
  assert.deepEqual(await buildWithWebpack(folder), []);
  assert.equal(modulesIn(folder), modulesIn(join(INSTALLED, 'dist')));
  await visitBuilt(folder);
});

test('esbuild builds a page that runs, with lua.wasm beside it', async () => {
  const folder = join(FOLDER, 'esbuild');
  assert.deepEqual(await buildWithEsbuild(folder, { entryPoints: ['main.js', 'worker.js'], platform: 'browser' }), []);
  await visitBuilt(folder);
});

test('esbuild takes lua.wasm into the program as bytes', async () => {
  const folder = join(FOLDER, 'esbuild-node');
  const file = join(PROJECT, 'with-bytes.js');
  writeFileSync(
    file,
    "import bytes from 'lua-persistent/lua.wasm';\nimport { tour } from './tour.js';\nconsole.log(JSON.stringify(await tour(() => bytes)));\n",
  );
  assert.deepEqual(await buildWithEsbuild(folder, { entryPoints: [file], platform: 'node', loader: { '.wasm': 'binary' } }), []);
  const output = execFileSync(process.execPath, [join(folder, 'with-bytes.js')], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), EXPECTED);
});
