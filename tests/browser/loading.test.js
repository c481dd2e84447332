// Tests how browsers load lua.wasm: beside the package's own files, whatever MIME type the server sends, under a strict
// content security policy.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { BROWSERS } from './browsers.js';
import { inEach } from './suites.js';

inEach(BROWSERS, (kind, context) => {
  let browser;
  before(async () => {
    browser = await kind.launch();
  });
  after(() => browser && browser.close());

  /** Performs a scenario in a tab of its own, whose console has to stay clean. */
  async function perform(path, place, name, ...args) {
    const tab = await browser.open(context.server.origin + path);
    const result = await tab.evaluate((...all) => globalThis.perform(...all), place, name, ...args);
    assert.deepEqual(await tab.complaints(), []);
    await tab.close();
    return result;
  }

  for (const place of ['page', 'worker']) {
    test(`${place}: lua.wasm is compiled while it arrives when it is sent as application/wasm`, async () => {
      const result = await perform('/tests/browser/page.html', place, 'countStreaming', '/web/lua-persistent.js');
      assert.deepEqual(result, { streamed: 1, value: 42 });
    });

    test(`${place}: lua.wasm is taken from a server that sends it as bytes of no type`, async () => {
      const address = '/octet-stream/web/lua-persistent.js';
      const result = await perform('/tests/browser/page.html', place, 'countStreaming', address);
      assert.deepEqual(result, { streamed: 0, value: 42 });
    });

    test(`${place}: a browser that knows WebAssembly exceptions fetches lua.wasm alone`, async () => {
      assert.deepEqual(await perform('/tests/browser/page.html', place, 'fetchedModules'), ['lua.wasm']);
    });

    test(`${place}: lua-host.wasm, for older browsers, runs here as well`, async () => {
      const codes = [
        'local ok, e = pcall(error, { 1 }) return ok, e[1], select(2, pcall(error, "inner", 0))',
        'local co = coroutine.wrap(function() pcall(function() coroutine.yield(1) error("x") end) error("dead", 0) end) return co(), pcall(co)',
        'local n = 0 for i = 1, 1000 do if not pcall(error) then n = n + 1 end end return n',
        'local function f() local ok, e = pcall(f) error(e, 0) end f()',
        'error("to JavaScript", 0)',
        '_home.t = { 1, 2 } return #_home.t',
      ];
      const { results } = await perform('/tests/browser/page.html', place, 'session', codes, 'eval', '/web/lua-host.wasm');
      assert.deepEqual(results[0].values, [false, 1, 'inner']);
      assert.deepEqual(results[1].values, [1, false, 'dead']);
      assert.deepEqual(results[2].values, [1000]);
      assert.match(results[3].error.message, /stack overflow/);
      assert.equal(results[4].error.message, 'to JavaScript');
      assert.deepEqual(results[5].values, [2]);
    });

    test(`${place}: Lua 5.5 is fetched when it is asked for, and goes on with the state of Lua 5.4`, async () => {
      const code = '_home.seen = (_home.seen or "") .. _VERSION:sub(5) .. " " return _home.seen';
      const seen = await perform('/tests/browser/page.html', place, 'lines', code);
      const modules = ['lua.wasm', 'lua-5.5.wasm'];
      assert.deepEqual(seen, [{ value: '5.4 ', modules: modules.slice(0, 1) }, { value: '5.4 5.5 ', modules }]);
    });

    test(`${place}: an engine that knows the newer exceptions alone makes lua-exnref.wasm of lua.wasm`, async () => {
      const code = 'local co = coroutine.wrap(function() pcall(function() coroutine.yield(1) error("x") end) error("dead", 0) end) return co(), pcall(co)';
      const { values, deltas, newer } = await perform('/tests/browser/page.html', place, 'withoutLegacy', code);
      assert.deepEqual({ values, deltas }, { values: [1, false, 'dead'], deltas: [newer ? 'lua-exnref.delta' : 'lua-host.delta'] });
    });

    test(`${place}: a content security policy without eval does not stand in the way`, async () => {
      const { results } = await perform('/strict/tests/browser/page.html', place, 'session', ['return 6 * 7']);
      assert.equal(results[0].value, 42);
    });
  }

  test('a lua.wasm that is not there is an error that says so', async () => {
    const tab = await browser.open(`${context.server.origin}/tests/browser/page.html`);
    const message = await tab.evaluate(async () => {
      const { Lua } = await import('/web/lua-persistent.js');
      return Lua.create({ wasm: '/web/no-such.wasm' }).then(
        () => 'created',
        (error) => error.message,
      );
    });
    assert.match(message, /\/web\/no-such\.wasm could not be fetched: 404/);
    await tab.close();
  });
});
