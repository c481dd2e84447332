// Tests the installed package in plain pages, without a bundler, in every browser.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { BROWSERS } from '../browser/browsers.js';
import { EXPECTED } from './programs/expected.js';
import { PROJECT } from './project.js';
import { serve } from './server.js';

for (const kind of BROWSERS) {
  describe(kind.name, () => {
    let browser;
    let server;
    let tab;
    before(async () => {
      [browser, server] = await Promise.all([kind.launch(), serve(PROJECT)]);
      tab = await browser.open(`${server.origin}/plain.html`);
    });
    after(async () => {
      if (browser) await browser.close();
      if (server) server.close();
    });

    test('a page with an import map takes the tour', async () => {
      assert.deepEqual(await tab.evaluate(() => globalThis.outcome), EXPECTED);
    });

    test('a module worker runs Lua', async () => {
      const value = await tab.evaluate(async () => {
        const worker = new Worker('./plain-worker.js', { type: 'module' });
        const { data } = await new Promise((resolve, reject) => Object.assign(worker, { onmessage: resolve, onerror: reject }));
        worker.terminate();
        return data;
      });
      assert.equal(value, 42);
    });

    test('lua-persistent/inline needs no other file', async () => {
      const { value, files } = await tab.evaluate(async () => {
        performance.clearResourceTimings();
        const { Lua } = await import('./node_modules/lua-persistent/dist/inline.js');
        const lua = await Lua.open('inline');
        const { value } = lua.eval('return 6 * 7');
        await lua.close();
        return { value, files: performance.getEntriesByType('resource').map(({ name }) => name.replace(/.*\//, '')) };
      });
      assert.deepEqual({ value, files }, { value: 42, files: ['inline.js'] });
    });

    test('Lua 5.5 is fetched by who asks for it', async () => {
      const fetched = await tab.evaluate(async () => {
        const { Lua } = await import('lua-persistent');
        const files = [];
        for (const lua of ['5.4', '5.5']) {
          performance.clearResourceTimings();
          const machine = await Lua.create({ lua });
          files.push([machine.eval('_VERSION').value, ...performance.getEntriesByType('resource').map(({ name }) => name.replace(/.*\//, ''))]);
          machine.close();
        }
        return files;
      });
      // The module of 5.4 has been there since the tour.
      assert.deepEqual(fetched, [['Lua 5.4'], ['Lua 5.5', 'lua-5.5.wasm']]);
    });

    test('the module is taken in every form', async () => {
      const outcomes = await tab.evaluate(async () => {
        const { tour } = await import('./tour.js');
        const path = './node_modules/lua-persistent/dist/lua.wasm';
        const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
        const module = await WebAssembly.compile(bytes);
        const forms = {
          bytes: () => bytes,
          buffer: () => bytes.buffer,
          module: () => module,
          response: () => fetch(path),
          url: () => new URL(path, location.href),
          address: () => path,
        };
        const outcomes = {};
        for (const [form, wasm] of Object.entries(forms)) outcomes[form] = await tour(wasm);
        return outcomes;
      });
      assert.equal(Object.keys(outcomes).length, 6);
      for (const [form, outcome] of Object.entries(outcomes)) assert.deepEqual(outcome, EXPECTED, form);
    });

    test('nothing has been complained of', async () => {
      assert.deepEqual(await tab.complaints(), []);
    });
  });
}
