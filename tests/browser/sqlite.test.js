// Tests states in SQLite: in workers, where browsers have files that can be read at once, and what becomes of them elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { BROWSERS, WITH_PROFILES } from './browsers.js';
import { killRenderers } from './processes.js';
import { createProfile, removeProfile } from './profile.js';
import { inEach } from './suites.js';

const ITEMS = 2000;
const KILLS = 3;

/** Calls a function of persist-page.js on the page's own thread. */
const onPage = (tab, name, ...args) => tab.evaluate((n, a) => globalThis.state[n](...a), name, args);

/** The error of such a call; null if it succeeds. */
const failureOnPage = (tab, name, ...args) =>
  tab.evaluate((n, a) => globalThis.state.failure(() => globalThis.state[n](...a)), name, args);

/** Calls a function of sqlite-worker.js in the page's worker. */
async function call(tab, name, ...args) {
  const { error, result } = await tab.evaluate((n, a) => globalThis.inWorker(n, ...a), name, args);
  if (error) throw new Error(`${name}: ${error.name} ${error.kind}: ${error.message}`);
  return result;
}

/** The error of such a call. */
async function failure(tab, name, ...args) {
  const { error } = await tab.evaluate((n, a) => globalThis.inWorker(n, ...a), name, args);
  assert.ok(error, `${name} should fail`);
  return error;
}

const endWorker = (tab) => tab.evaluate(() => globalThis.endWorker());

/** Makes a closed state with one change. */
async function makeState(tab, name) {
  await call(tab, 'open', name);
  await call(tab, 'begin', 100);
  await call(tab, 'change');
  await call(tab, 'close');
}

inEach(WITH_PROFILES, (kind, context) => {
  let profile;
  let browser;
  before(async () => {
    profile = await createProfile();
    browser = await kind.launch(profile);
  });
  after(async () => {
    if (browser) await browser.close();
    if (profile) await removeProfile(profile);
  });

  const open = () => browser.open(`${context.server.origin}/tests/browser/keeping.html`);

  /** Opens a tab after a kill. Chromium may give it the process that is ending, and then never answers. */
  async function openAnew() {
    for (;;) {
      const tab = await Promise.race([open().catch(() => null), sleep(5000, null, { ref: false })]);
      if (tab !== null) return tab;
    }
  }

  /** Opens a state whose last worker was ended: the browser may need a moment to free its files. */
  async function reopen(tab, name) {
    for (;;) {
      const { error, result } = await tab.evaluate((n) => globalThis.inWorker('open', n), name);
      if (!error) return result;
      assert.equal(error.kind, 'locked', error.message);
      await sleep(20);
    }
  }

  test(`a counter, ${ITEMS} items and a function survive a reload and a closed browser, in a file that SQLite reads`, async () => {
    let tab = await open();
    assert.equal(await call(tab, 'open', 'survivor'), 0);
    assert.equal(await call(tab, 'storage'), 'sqlite');
    await call(tab, 'begin', ITEMS);
    for (let change = 1; change <= 3; change++) assert.equal(await call(tab, 'change'), change);
    assert.equal(await call(tab, 'save'), 3);
    assert.equal(await call(tab, 'change'), 4, 'a change that is not saved');

    await tab.reload();
    assert.equal(await reopen(tab, 'survivor'), 3);
    assert.equal(await call(tab, 'call'), 4, 'the function goes on counting');
    await call(tab, 'change');
    await call(tab, 'close');
    assert.match(await call(tab, 'digest', 'survivor'), /^SQLite format 3 /);
    assert.deepEqual(await tab.complaints(), []);

    await browser.close();
    browser = await kind.launch(profile);
    tab = await open();
    assert.equal(await call(tab, 'open', 'survivor'), 4);
    await call(tab, 'close');
    assert.deepEqual(await call(tab, 'indexedNames'), []);
    assert.deepEqual(await tab.complaints(), []);
    await tab.close();
  });

  test('a second worker is told that the state is open, and gets it when the first has ended', async () => {
    const [first, second] = [await open(), await open()];
    await call(first, 'open', 'shared');
    await call(first, 'begin', 10);
    await call(first, 'change');
    await call(first, 'save');
    for (const options of [{}, { readOnly: true }]) {
      const refused = await failure(second, 'open', 'shared', options);
      assert.equal(refused.kind, 'locked');
      assert.match(refused.message, /^SQLite state 'shared' is open in another tab or worker/);
    }
    await endWorker(first);
    assert.equal(await reopen(second, 'shared'), 1);
    await call(second, 'close');

    assert.equal(await call(second, 'open', 'shared', { readOnly: true }), 1);
    assert.equal((await failure(second, 'save')).kind, 'read-only');
    await call(second, 'close');
    await first.close();
    await second.close();
  });

  test('what is no SQLite is refused, and no state is begun', async () => {
    const tab = await open();
    for (const sqlite of [{}, 5, 'sqlite3']) {
      const { name, message } = await failure(tab, 'open', 'nothing', { sqlite });
      assert.equal(`${name}: ${message}`, "RangeError: the option sqlite has to be SQLite's wasm build, the default export of '@sqlite.org/sqlite-wasm'");
    }
    assert.equal(await onPage(tab, 'open', 'sqlite', 'nothing'), 0);
    await onPage(tab, 'close');
    await tab.close();
  });

  test('what is damaged, newer or foreign is refused and left alone', async () => {
    const tab = await open();
    const text = Array.from(Buffer.from('no database at all '.repeat(400)));
    for (const [kindOfProblem, at, content] of [
      ['damaged', 100, new Array(3000).fill(0xee)],
      ['newer', 60, [0, 0, 0x70, 0]],
      ['foreign', 68, [1, 2, 3, 4]],
      ['foreign', 0, text],
    ]) {
      await makeState(tab, 'spoilt');
      await call(tab, 'overwrite', 'spoilt', at, content);
      const before = await call(tab, 'digest', 'spoilt');
      const problem = await failure(tab, 'open', 'spoilt');
      assert.equal(problem.name, 'StateError', problem.message);
      assert.equal(problem.kind, kindOfProblem, problem.message);
      assert.match(problem.message, /'spoilt'/);
      assert.equal(await call(tab, 'digest', 'spoilt'), before);
      await call(tab, 'remove', 'spoilt');
    }
    await tab.close();
  });

  test('a save that finds no room says so, and the next one has its changes', async () => {
    const tab = await open();
    await call(tab, 'open', 'large');
    await call(tab, 'begin', 100);
    await call(tab, 'change');
    await call(tab, 'save');
    await call(tab, 'change');
    await call(tab, 'fillDisk', true);
    const problem = await failure(tab, 'save');
    assert.equal(problem.kind, 'full', problem.message);
    await endWorker(tab);
    assert.equal(await reopen(tab, 'large'), 1);

    await call(tab, 'change');
    await call(tab, 'fillDisk', true);
    assert.equal((await failure(tab, 'save')).kind, 'full');
    await call(tab, 'fillDisk', false);
    assert.equal(await call(tab, 'save'), 2);
    await endWorker(tab);
    assert.equal(await reopen(tab, 'large'), 2);
    await call(tab, 'close');

    await call(tab, 'fillDisk', true);
    assert.equal((await failure(tab, 'open', 'new')).kind, 'full', 'no room for a new state');
    while (await call(tab, 'has', 'new')) await sleep(20);
    await call(tab, 'fillDisk', false);
    assert.equal(await call(tab, 'open', 'new'), 0);
    await call(tab, 'close');
    await tab.close();
  });

  test('on the thread of a page the state falls back to IndexedDB; a worker moves it, and then the page is refused', async () => {
    const tab = await open();
    assert.equal(await onPage(tab, 'open', 'sqlite', 'moved'), 0);
    assert.equal(await onPage(tab, 'storage'), 'indexedDB');
    await onPage(tab, 'begin', 100);
    await onPage(tab, 'change');
    await onPage(tab, 'save');
    assert.equal((await failure(tab, 'open', 'moved')).kind, 'locked', 'the page has it open');
    await onPage(tab, 'close');

    assert.equal(await call(tab, 'open', 'moved'), 1);
    assert.equal(await call(tab, 'storage'), 'sqlite');
    assert.equal((await failureOnPage(tab, 'open', 'sqlite', 'moved')).kind, 'locked', 'the worker has it open');
    assert.equal(await call(tab, 'call'), 2, 'the function was moved, too');
    await call(tab, 'change');
    await call(tab, 'close');
    assert.ok(!(await call(tab, 'indexedNames')).includes('lua-persistent:moved'));
    const refused = await failureOnPage(tab, 'open', 'sqlite', 'moved');
    assert.equal(refused.kind, 'unreadable');
    assert.match(refused.message, /^SQLite state 'moved' can be opened only in a worker/);
    assert.equal(await call(tab, 'open', 'moved'), 2);
    await call(tab, 'close');
    assert.deepEqual(await tab.complaints(), []);
    await tab.close();
  });

  test(`renderers killed amid saves, ${KILLS} times, lose no acknowledged save`, async () => {
    const { reached } = context.server;
    for (let round = 0; round <= KILLS; round++) {
      const tab = await openAnew();
      const state = await reopen(tab, 'killed');
      const saved = reached.get('sqlite') || 0;
      assert.ok(state >= saved, `round ${round}: change ${saved} was saved, and the state is of change ${state}`);
      if (round === 0) await call(tab, 'begin', ITEMS);
      if (round === KILLS) break;
      await call(tab, 'saveForever');
      while ((reached.get('sqlite') || 0) <= state) await sleep(1);
      await sleep(Math.random() * 20);
      assert.ok(killRenderers(browser) > 0);
      await tab.close().catch(() => undefined);
    }
    assert.ok(reached.get('sqlite') >= KILLS);
  });
});

// WebKitGTK has no files that can be read at once.
const WITHOUT_FILES = BROWSERS.filter((kind) => !WITH_PROFILES.includes(kind));

inEach(WITHOUT_FILES, (kind, context) => {
  test('a worker of a browser without such files has its state in IndexedDB', async () => {
    const browser = await kind.launch();
    try {
      const tab = await browser.open(`${context.server.origin}/tests/browser/keeping.html`);
      assert.equal(await call(tab, 'hasFiles'), false);
      assert.equal(await call(tab, 'open', 'anywhere'), 0);
      assert.equal(await call(tab, 'storage'), 'indexedDB');
      await call(tab, 'begin', 100);
      await call(tab, 'change');
      await call(tab, 'close');
      await endWorker(tab);
      assert.equal(await call(tab, 'open', 'anywhere'), 1);
      await call(tab, 'close');
      assert.deepEqual(await tab.complaints(), []);
    } finally {
      await browser.close();
    }
  });
});
