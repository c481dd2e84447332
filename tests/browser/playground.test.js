// Tests the page that `cargo xtask serve` serves with keyboard and mouse, in each browser.

/** @import { Tab } from './browsers.js' */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { buildPage } from '../../web/page/build.js';
import { servePage } from '../../web/page/serve.js';
import { BROWSERS } from './browsers.js';
import { Playground } from './playground.js';
import { inEach } from './suites.js';

const WIDE = [1280, 800];
const PHONE = [360, 740];

/** Milliseconds for all tests in one browser. A person takes her time, and so do they. */
const LIMIT = 900_000;

const built = buildPage();

/**
 * What the next version of a built page has in place of it: another folder, another page, and the service worker that names
 * them.
 *
 * @param {string} folder
 * @param {string} version
 */
async function laterVersion(folder, version) {
  const later = version.replace(/./g, (digit) => (digit === 'f' ? '0' : 'f'));
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  const script = await readFile(join(folder, 'service-worker.js'), 'utf8');
  const nextHtml = html.split(version).join(later);
  const hash = (content) => createHash('sha256').update(content).digest('hex');
  return {
    version: later,
    writeServiceWorker: () => writeFile(join(folder, 'service-worker.js'), script.split(version).join(later).replace(hash(html), hash(nextHtml))),
    async writePage() {
      await cp(join(folder, version), join(folder, later), { recursive: true });
      await writeFile(join(folder, 'index.html'), nextHtml);
    },
  };
}

/** Stores a state as a later release would. */
function storeLaterRelease(tab) {
  return tab.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open('lua-persistent:playground', 99);
        request.onsuccess = () => resolve(request.result.close());
        request.onerror = () => reject(request.error);
      }),
  );
}

inEach(BROWSERS, (kind) => {
  let browser;
  before(async () => {
    await built;
    browser = await kind.launch();
  });
  after(() => browser && browser.close());

  /**
   * A test that begins with the page as a first visitor sees it, since each has a server, and with it an origin, of its own. It
   * ends with a clean console.
   *
   * @param {string} title
   * @param {(page: Playground, server: { origin: string, close: () => Promise<void> }) => Promise<void>} body
   * @param {(tab: Tab) => Promise<void>} [prepare] is done in a tab of the same origin before
   */
  function onPage(title, body, prepare) {
    test(title, async () => {
      const server = await servePage(0);
      if (prepare !== undefined) {
        const tab = await browser.open(`${server.origin}/no-such-page`);
        await prepare(tab);
        await tab.close();
      }
      const page = await Playground.open(browser, kind.name, server.origin);
      try {
        await page.tab.resize(...WIDE);
        await body(page, server);
        assert.deepEqual(await page.tab.complaints(), []);
      } finally {
        await page.tab.close();
        await server.close();
      }
    });
  }

  onPage('a script runs with Ctrl-Enter and shows what it prints and what it returns', async (page) => {
    await page.checkAccessibility();
    await page.perform('for i = 1, 3 do print("line", i) end\nreturn { name = "Ada", list = { 1, 2.5, "x" } }');
    assert.equal(await page.output(), 'line\t1\nline\t2\nline\t3\n');
    assert.deepEqual(await page.rows('result'), ['table', 'list = list', 'name = "Ada"']);
    await page.screenshot('light');
    await page.checkAccessibility();
  });

  onPage('an expression gives its value, and locals are there for the next run', async (page) => {
    await page.perform('local n = 6');
    await page.perform('n * 7');
    assert.deepEqual(await page.rows('result'), ['42']);
  });

  onPage('the result is a tree that the keyboard opens, closes and copies from', async (page) => {
    await page.perform('return { list = { 1, { deep = true } } }, print, nil, math.huge');
    assert.deepEqual(await page.rows('result'), ['1 = table', '2 = print', '3 = nil', '4 = inf']);
    await page.tab.evaluate(() => document.querySelector('#result [role=treeitem]').focus());
    /** Presses keys, and waits until so many rows are seen. */
    const go = async (rows, ...keys) => {
      for (const key of keys) await page.press(key);
      await page.waitFor(`${rows} rows`, async () => (await page.rows('result')).length === rows);
    };
    await go(5, 'ArrowRight');
    await go(7, 'ArrowDown', 'ArrowRight');
    await go(8, 'ArrowRight', 'ArrowDown', 'Enter');
    assert.deepEqual(await page.rows('result'), ['1 = table', 'list = list', '[1] = 1', '[2] = table', 'deep = true', '2 = print', '3 = nil', '4 = inf']);
    await page.checkAccessibility();
    await page.press('Home');
    await page.press('ArrowLeft');
    assert.deepEqual(await page.rows('result'), ['1 = table', '2 = print', '3 = nil', '4 = inf']);
    await page.press('End');
    assert.equal(await page.focus(), '4 = inf');

    await page.tab.evaluate(() => {
      const clipboard = { writeText: async (text) => void (globalThis.copied = text) };
      Object.defineProperty(navigator, 'clipboard', { value: clipboard });
    });
    const copied = (text) => page.waitFor(text, async () => (await page.tab.evaluate(() => globalThis.copied)) === text);
    await page.press('Control', 'c');
    await copied('inf');
    await page.press('Home');
    await page.press('Control', 'c');
    await copied('{\n  list = {\n    1,\n    {\n      deep = true,\n    },\n  },\n}');
    await page.click('#result-copy');
    await copied('{\n  list = {\n    1,\n    {\n      deep = true,\n    },\n  },\n},\nprint,\nnil,\ninf');
  });

  onPage('Lua is highlighted, indented and completed', async (page) => {
    await page.write('local function f()\nreturn "text", 0x10 -- note\nend');
    assert.equal(await page.script(), 'local function f()\n  return "text", 0x10 -- note\nend');
    const parts = await page.tab.evaluate(() => {
      const line = document.querySelectorAll('.cm-line')[1];
      return Array.from(line.querySelectorAll('span'), (part) => [part.textContent, getComputedStyle(part).color]);
    });
    assert.deepEqual(parts.map(([text]) => text), ['return', '"text"', '0x10', '-- note']);
    assert.equal(new Set(parts.map(([, color]) => color)).size, 4);
    await page.press('Enter');
    await page.tab.type('coroutine.wr');
    await page.waitFor('the completion', async () => (await page.texts('.cm-tooltip-autocomplete li')).join() === 'coroutine.wrap');
    await page.checkAccessibility();
    await page.click('.cm-tooltip-autocomplete li');
    await page.waitFor('the word', async () => (await page.script()).endsWith('\ncoroutine.wrap'));
  });

  onPage('a counter counts each run, and goes on after a reload with the script that was there', async (page) => {
    await page.write('_home.counter = (_home.counter or 0) + 1\nreturn _home.counter');
    for (const count of ['1', '2', '3']) {
      await page.run();
      await page.waitFor(`count ${count}`, async () => (await page.rows('result'))[0] === count);
    }
    await page.reload();
    assert.match(await page.script(), /_home\.counter = /);
    assert.match(await page.text('#keeping'), /^Saved/);
    await page.run();
    assert.deepEqual(await page.rows('result'), ['4']);
  });

  onPage('a thousand items are kept over a reload, and the tables show them a page at a time', async (page) => {
    await page.perform('_home.items = {}\nfor i = 1, 1000 do _home.items["item_" .. i] = "value_" .. i end');
    assert.equal((await page.figures()).items, 1001);
    await page.reload();
    assert.equal((await page.figures()).items, 1001);
    await page.click('#tab-tables');
    await page.waitFor('the tables', async () => (await page.rows('tables')).length === 3);
    await page.click('#tables [role=group] .row');
    await page.waitFor('the first page', async () => (await page.rows('tables')).length === 104);
    const rows = await page.rows('tables');
    assert.deepEqual([rows[2], rows[101], rows[102]], ['item_1 = "value_1"', 'item_100 = "value_100"', 'Show 100 more of 1,000']);
    await page.checkAccessibility();
    await page.screenshot('tables');
    await page.click('#tables .more .row');
    await page.waitFor('the second page', async () => (await page.rows('tables')).length === 204);
    assert.equal(await page.focus(), 'item_101 = "value_101"');

    await page.press('Delete');
    await page.waitFor('the entry to go', async () => (await page.figures()).items === 1000);
    assert.ok(!(await page.rows('tables')).includes('item_101 = "value_101"'));
    await page.write('return _home.items.item_101, _home.items.item_102');
    await page.run();
    await page.click('#tab-output');
    assert.deepEqual(await page.rows('result'), ['1 = nil', '2 = "value_102"']);
  });

  onPage('an error shows its message and its traceback, and its line is marked until it is edited', async (page) => {
    await page.perform('print("before")\nlocal function f()\nlocal t = nil\nreturn t.x\nend\nf()', /^Failed/);
    assert.equal(await page.text('#failure-message'), "script:4: attempt to index a nil value (local 't')");
    assert.match(await page.tab.evaluate(() => document.getElementById('failure-traceback').textContent), /script:6: in main chunk/);
    assert.equal(await page.output(), 'before\n');
    assert.deepEqual(await page.texts('.error-line'), ['return t.x']);
    assert.deepEqual(await page.texts('.error-line-number'), ['4']);
    await page.screenshot('error');
    await page.checkAccessibility();

    await page.click('#failure-line');
    await page.press('End');
    await page.tab.type(' or 1');
    assert.deepEqual(await page.texts('.error-line'), []);
  });

  onPage('a syntax error marks its line too, and a run without one clears it', async (page) => {
    await page.perform('x = 1\ninvalid syntax here', /^Failed/);
    assert.match(await page.text('#failure-message'), /^script:2: syntax error near 'syntax'/);
    assert.deepEqual(await page.texts('.error-line-number'), ['2']);
    await page.perform('return x');
    assert.equal(await page.isSeen('#failure'), false);
    assert.deepEqual(await page.texts('.error-line'), []);
  });

  onPage('the figures tell what the memory and the tables hold', async (page) => {
    const empty = await page.figures();
    assert.deepEqual([empty.pages, empty.tables, empty.items], [32, 0, 0]);
    assert.ok(empty.heap > 0 && empty.heap < empty.capacity && empty.capacity <= 2 ** 21, JSON.stringify(empty));
    await page.perform('keep = string.rep("x", 500000)\n_home.a = string.rep("y", 10240)\n_home.t = { 1, 2, 3 }');
    const full = await page.figures();
    assert.ok(full.heap >= empty.heap + 500_000, `${full.heap} after ${empty.heap}`);
    assert.deepEqual([full.pages, full.tables, full.items], [32, 2, 5]);
    assert.match(full.size, /^10(\.\d)? KB$/);
  });

  onPage('a script without an end is stopped by the button and by Escape, while the page goes on', async (page) => {
    await page.write('n = 0\nwhile true do n = n + 1 end');
    await page.press('Control', 'Enter');
    await page.status(/^Running/);
    const ticks = async () => Number((await page.text('#elapsed')).replace(/^.*?, /, '').replace(/\D/g, ''));
    const first = await page.waitFor('progress', ticks);
    await page.waitFor('more progress', async () => (await ticks()) > first);
    await page.waitFor('the bar', () => page.isSeen('#progress'));
    await page.screenshot('running');
    await page.checkAccessibility();
    await page.click('#stop');
    await page.status(/^Stopped after/);

    await page.run(/^Running/);
    await page.press('Escape');
    await page.status(/^Stopped after/);
    await page.perform('return n > 0');
    assert.deepEqual(await page.rows('result'), ['true']);
  });

  onPage('of a hundred thousand printed lines the last thousands are shown', async (page) => {
    await page.perform('for i = 1, 100000 do print("line " .. i) end');
    const lines = (await page.output()).trimEnd().split('\n');
    assert.ok(lines.length <= 3000, `${lines.length} lines`);
    assert.equal(lines[lines.length - 1], 'line 100000');
    const skipped = Number((await page.text('#output-skipped')).replace(/\D/g, ''));
    assert.equal(skipped + lines.length, 100_000);
    assert.equal(lines[0], `line ${skipped + 1}`);
  });

  onPage('a button changes to Lua 5.5 and back, and the tables stay', async (page) => {
    await page.perform('_home.n = 5\nx = 1\nfunction _home.double(v) return 2 * v end');
    assert.match(await page.text('#line'), /^Lua 5\.4\.\d+$/);
    await page.click('#line');
    await page.status(/^Lua 5\.5 goes on with the tables/);
    assert.match(await page.text('#line'), /^Lua 5\.5\.\d+$/);
    await page.perform('return _VERSION, _home.n, x');
    assert.deepEqual(await page.rows('result'), ['1 = "Lua 5.5"', '2 = 5', '3 = nil']);
    await page.reload();
    await page.perform('_home.n = 6\nreturn _VERSION');
    assert.deepEqual(await page.rows('result'), ['"Lua 5.5"']);
    await page.click('#line');
    await page.status(/^Lua 5\.4 goes on with the tables/);
    await page.perform('return _VERSION, _home.double(_home.n)');
    assert.deepEqual(await page.rows('result'), ['1 = "Lua 5.4"', '2 = 12']);
    await page.checkAccessibility();
  });

  onPage('a snapshot is taken, downloaded, restored and loaded from its file', async (page) => {
    await page.catchDownloads();
    await page.perform('count = 1\nnext_count = function() count = count + 1 return count end\n_home.name = "first"');
    await page.click('#snapshot');
    await page.status(/^Snapshot taken/);
    await page.checkAccessibility();
    await page.screenshot('snapshots');
    await page.click('#snapshots li button:nth-of-type(2)');
    const file = await page.downloaded();
    assert.match(file.name, /\.snapshot$/);

    await page.perform('count = 50\n_home.name = "second"\n_home.other = {}');
    await page.click('#snapshots li button');
    await page.status(/restored/);
    await page.perform('return count, _home.name, _home.other, next_count()');
    await page.click('#tab-output');
    assert.deepEqual(await page.rows('result'), ['1 = 1', '2 = "first"', '3 = nil', '4 = 2']);

    await page.perform('count = 70\n_home.name = "third"');
    await page.choose('kept.snapshot', file.bytes);
    await page.status(/^kept\.snapshot loaded/);
    await page.perform('return next_count(), _home.name');
    assert.deepEqual(await page.rows('result'), ['1 = 2', '2 = "first"']);
    await page.reload();
    await page.perform('return _home.name');
    assert.deepEqual(await page.rows('result'), ['"first"']);
  });

  onPage('rollback undoes the last run, in the machine and in the tables', async (page) => {
    assert.equal(await page.tab.evaluate(() => document.getElementById('rollback').getAttribute('aria-disabled')), 'true');
    await page.perform('a = 1\n_home.a = 1');
    await page.perform('a = 2\n_home.a = 2\n_home.b = 3');
    await page.click('#rollback');
    await page.status(/^The last run is undone/);
    await page.perform('return a, _home.a, _home.b');
    assert.deepEqual(await page.rows('result'), ['1 = 1', '2 = 1', '3 = nil']);
  });

  onPage('tables are saved to a file and loaded from it', async (page) => {
    await page.catchDownloads();
    await page.perform('_home.list = { 1, 2, { deep = "ü" } }\nglobal = 1');
    await page.click('#save');
    const file = await page.downloaded();
    assert.match(file.name, /\.json$/);
    await page.perform('_home.list = nil\n_home.other = 1');
    await page.choose('tables.json', file.bytes);
    await page.status(/^tables\.json loaded/);
    await page.perform('return _home.list[3].deep, _home.other, global');
    assert.deepEqual(await page.rows('result'), ['1 = "ü"', '2 = nil', '3 = nil']);

    await page.choose('broken.json', Array.from(Buffer.from('{ "format": "other" }')));
    await page.status(/^Loading failed/);
    assert.match(await page.text('.notice'), /not an export of lua-persistent/);
    await page.reload();
    await page.perform('return _home.list[3].deep');
    assert.deepEqual(await page.rows('result'), ['"ü"']);
  });

  onPage('reset asks first, and what it deletes can be had back', async (page) => {
    await page.perform('a = 1\n_home.a = 1');
    await page.click('#reset');
    await page.waitFor('the question', () => page.isSeen('#question'));
    await page.checkAccessibility();
    await page.screenshot('question');
    await page.press('Escape');
    await page.waitFor('its end', async () => !(await page.isSeen('#question')));
    assert.equal((await page.figures()).items, 1);

    await page.click('#reset');
    await page.click('#question-ok');
    await page.status(/^The machine is as new/);
    assert.equal((await page.figures()).items, 0);
    await page.perform('return a, _home.a');
    assert.deepEqual(await page.rows('result'), ['1 = nil', '2 = nil']);
    await page.click('#tab-snapshots');
    await page.click('#snapshots li button');
    await page.status(/restored/);
    assert.equal((await page.figures()).items, 1);
  });

  onPage('an example is chosen from the menu with the keyboard, and undo brings the script back', async (page) => {
    await page.write('return "mine"');
    await page.tab.evaluate(() => document.getElementById('examples-button').focus());
    await page.press('ArrowDown');
    await page.waitFor('the menu', () => page.isSeen('#examples-menu'));
    await page.checkAccessibility();
    await page.screenshot('menu');
    await page.press('Escape');
    assert.equal(await page.focus(), 'examples-button');
    await page.press('Enter');
    await page.tab.type('co');
    await page.press('Enter');
    await page.waitFor('the example', async () => /_home\.count/.test(await page.script()));
    await page.run();
    assert.equal(await page.output(), 'This program has run 1 time.\n');
    await page.click('.cm-content');
    await page.press('Control', 'z');
    assert.equal(await page.script(), 'return "mine"');
  });

  onPage('everything is reached with the keyboard', async (page) => {
    await page.click('.cm-content');
    await page.press('Escape');
    await page.press('Tab');
    assert.equal(await page.focus(), 'tab-output');
    await page.press('ArrowRight');
    assert.equal(await page.focus(), 'tab-tables');
    assert.equal(await page.isSeen('#panel-tables'), true);
    await page.press('ArrowLeft');
    await page.press('Shift', 'Tab');
    assert.equal(await page.tab.evaluate(() => document.activeElement.className), 'cm-content cm-lineWrapping');
    const met = [];
    await page.press('Escape');
    for (let step = 0; step < 10; step++) {
      await page.press('Shift', 'Tab');
      met.push(await page.focus());
    }
    assert.deepEqual(met, ['theme', 'line', 'reset', 'rollback', 'snapshot', 'load', 'save', 'stop', 'run', 'examples-button']);
  });

  onPage('on a phone nothing is wider than the screen', async (page) => {
    await page.tab.resize(...PHONE);
    await page.perform('print(string.rep("wide ", 100))\nprint(string.rep("w", 300))\n_home.long = string.rep("v", 200)\nreturn string.rep("r", 200)');
    for (const tab of ['output', 'tables', 'snapshots']) {
      await page.click(`#tab-${tab}`);
      await page.checkWidth();
      await page.checkAccessibility();
    }
    await page.click('#tab-output');
    await page.screenshot('phone');
    await page.perform('error("an error with a message " .. string.rep("m", 100))', /^Failed/);
    await page.checkWidth();
  });

  onPage('dark is chosen with the button and stays', async (page) => {
    const background = () => page.tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    if (page.tab.prefer !== undefined) {
      await page.tab.prefer('dark');
      await page.waitFor('dark', async () => (await background()) !== light);
      await page.tab.prefer('light');
      await page.waitFor('light', async () => (await background()) === light);
    }
    await page.click('#theme');
    await page.click('#theme');
    assert.equal(await page.text('#theme'), 'Theme: dark');
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await background(), dark);
    await page.perform('print("dark")\nreturn { a = 1, b = "text", c = print }');
    await page.checkAccessibility();
    await page.screenshot('dark');
    await page.perform('error("dark", 0)', /^Failed/);
    await page.checkAccessibility();
  });

  onPage('a second tab shows the state, says that it saves nothing, and takes over when it can', async (page, server) => {
    await page.perform('_home.owner = "first"');
    const second = await Playground.open(browser, kind.name, server.origin);
    try {
      assert.match(await second.text('.notice'), /Another tab has this state open/);
      await second.checkAccessibility();
      await second.perform('local was = _home.owner\n_home.owner = "second"\nreturn was');
      assert.deepEqual(await second.rows('result'), ['"first"']);
    } finally {
      await page.tab.close();
      // It goes on alone, and is closed in place of the other.
      page.tab = second.tab;
    }
    await page.waitFor('the state', async () => {
      await page.click('.notice button');
      await page.waitFor('an answer', async () => /^Ready/.test(await page.text('#status')));
      return /^Saved/.test(await page.text('#keeping'));
    });
    await page.perform('return _home.owner');
    assert.deepEqual(await page.rows('result'), ['"first"']);
  });

  onPage('a state that cannot be read is left alone, and the page works without it', async (page) => {
    assert.match(await page.text('.notice'), /Nothing is saved: .*was written by a later release/);
    await page.perform('_home.a = 1\nreturn _home.a');
    assert.deepEqual(await page.rows('result'), ['1']);
  }, storeLaterRelease);

  onPage('once loaded, the page works without the server', async (page, server) => {
    await page.perform('_home.offline = 1');
    await page.tab.evaluate(async () => void (await navigator.serviceWorker.ready));
    await server.close();
    await page.reload();
    await page.perform('_home.offline = _home.offline + 1\nreturn _home.offline');
    assert.deepEqual(await page.rows('result'), ['2']);
  });

  test('a new version is offered once all of it is there, and is never mixed with the old one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lua-persistent-page-'));
    const { version } = await buildPage(folder);
    const server = await servePage(0, folder);
    const page = await Playground.open(browser, kind.name, server.origin);
    const shown = () => page.tab.evaluate(() => document.querySelector('script[src]').getAttribute('src').split('/')[0]);
    try {
      await page.tab.evaluate(async () => void (await navigator.serviceWorker.ready));
      await page.reload();
      const next = await laterVersion(folder, version);
      await next.writeServiceWorker();
      // It finds files that are not of its version, and is not installed.
      await page.tab.evaluate(() => navigator.serviceWorker.getRegistration().then((registration) => registration.update().catch(() => undefined)));
      await page.waitFor('the new worker to fail', () =>
        page.tab.evaluate(() => navigator.serviceWorker.getRegistration().then(({ installing, waiting }) => installing === null && waiting === null)),
      );
      await page.reload();
      assert.equal(await shown(), version);
      assert.equal(await page.isSeen('.notice'), false);

      await next.writePage();
      await page.tab.evaluate(() => navigator.serviceWorker.getRegistration().then((registration) => registration.update()));
      await page.waitFor('the notice', () => page.isSeen('.notice'));
      assert.match(await page.text('.notice'), /A new version/);
      await page.checkAccessibility();
      await page.click('.notice button');
      await page.waitFor('the new version', async () => (await shown().catch(() => '')) === next.version);
      await page.begin();
      await page.perform('return "new"');
      const caches = await page.tab.evaluate(() => globalThis.caches.keys());
      assert.deepEqual(caches, [`lua-playground-${next.version}`]);
    } finally {
      await page.tab.close();
      await server.close();
      await rm(folder, { recursive: true });
    }
  });

  // The last one: WebKit does not end the thread, which works on until the browser is closed.
  onPage('a C function that does not return is ended with its machine, and the tables are those saved last', async (page) => {
    await page.perform('_home.kept = "yes"');
    await page.write('return string.find(string.rep("a", 64), string.rep("a*", 32) .. "b")');
    await page.press('Control', 'Enter');
    await page.status(/^Running/);
    await page.click('#stop');
    await page.status(/started anew/);
    assert.match(await page.text('.notice'), /cannot be interrupted/);
    await page.checkAccessibility();
    await page.perform('return _home.kept');
    assert.deepEqual(await page.rows('result'), ['"yes"']);
  });
}, LIMIT);
