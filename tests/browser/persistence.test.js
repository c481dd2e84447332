// Tests that saved states survive reloads, closed browsers, killed renderers and second tabs, and that damaged ones are
// refused.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { WITH_PROFILES } from './browsers.js';
import { killRenderers } from './processes.js';
import { createProfile, removeProfile } from './profile.js';
import { inEach } from './suites.js';

const STORAGES = ['indexedDB', 'localStorage'];
const ITEMS = 10_000;
const KILLS = 50;

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

  async function restart() {
    await browser.close();
    browser = await kind.launch(profile);
  }

  /** Calls a function of persist-page.js. */
  const call = (tab, name, ...args) => tab.evaluate((n, a) => globalThis.state[n](...a), name, args);

  /** Calls a function of persist-page.js and returns its error; null if it succeeds. */
  const failure = (tab, name, ...args) =>
    tab.evaluate((n, a) => globalThis.state.failure(() => globalThis.state[n](...a)), name, args);

  /** Opens a state whose last tab is gone: the browser may need a moment to notice that, and to free its lock. */
  async function reopen(tab, storage, name) {
    for (;;) {
      const problem = await failure(tab, 'open', storage, name);
      if (problem === null) return call(tab, 'check');
      assert.equal(problem.kind, 'locked', problem.message);
      await sleep(20);
    }
  }

  for (const storage of STORAGES) {
    test(`${storage}: a counter, ${ITEMS} items and a function survive a reload and a closed browser`, async () => {
      let tab = await open();
      assert.equal(await call(tab, 'open', storage, 'survivor'), 0);
      await call(tab, 'begin', ITEMS);
      for (let change = 1; change <= 3; change++) assert.equal(await call(tab, 'change'), change);
      assert.equal(await call(tab, 'save'), 3);
      assert.equal(await call(tab, 'change'), 4, 'a change that is not saved');

      await tab.reload();
      assert.equal(await reopen(tab, storage, 'survivor'), 3);
      assert.equal(await call(tab, 'call'), 4, 'the function goes on counting');
      await call(tab, 'change');
      await call(tab, 'close');
      assert.deepEqual(await tab.complaints(), []);

      await restart();
      tab = await open();
      assert.equal(await call(tab, 'open', storage, 'survivor'), 4);
      await call(tab, 'close');
      assert.deepEqual(await tab.complaints(), []);
      await tab.close();
    });

    test(`${storage}: a second tab is told that the state is open, and may look at it`, async () => {
      const [first, second] = [await open(), await open()];
      await call(first, 'open', storage, 'shared');
      await call(first, 'begin', 10);
      await call(first, 'change');
      await call(first, 'save');

      const refused = await failure(second, 'open', storage, 'shared');
      assert.equal(refused.name, 'StateError');
      assert.equal(refused.kind, 'locked');
      assert.match(refused.message, /'shared' is open for writing in another tab/);
      assert.equal(await call(second, 'open', storage, 'shared', { readOnly: true }), 1);
      await call(second, 'change');
      assert.equal((await failure(second, 'save')).kind, 'read-only');

      await first.close();
      assert.equal(await reopen(second, storage, 'shared'), 1, 'the first tab is gone');
      await call(second, 'change');
      await call(second, 'close');
      await second.close();
    });

    test(`${storage}: what is damaged, truncated, newer or foreign is refused and left alone`, async () => {
      const tab = await open();
      for (const [spoil, kindOfProblem] of [
        ['damage', 'damaged'],
        ['truncate', 'truncated'],
        ['makeNewer', 'newer'],
        ['makeForeign', 'foreign'],
      ]) {
        await call(tab, 'open', storage, 'spoilt');
        await call(tab, 'begin', 10);
        await call(tab, 'change');
        await call(tab, 'close');
        await call(tab, spoil, storage, 'spoilt');
        const before = await call(tab, 'bytes', storage, 'spoilt');
        const problem = await failure(tab, 'open', storage, 'spoilt');
        assert.equal(problem.name, 'StateError', spoil);
        assert.equal(problem.kind, kindOfProblem, spoil);
        assert.match(problem.message, /'spoilt'/);
        assert.equal(await call(tab, 'bytes', storage, 'spoilt'), before);
        await call(tab, 'remove', storage, 'spoilt');
      }
      await tab.close();
    });
  }

  test('localStorage: a save beyond the quota says so and leaves the state as it was saved before', async () => {
    const tab = await open();
    await call(tab, 'open', 'localStorage', 'large');
    await call(tab, 'begin', 10);
    await call(tab, 'change');
    await call(tab, 'save');
    await call(tab, 'grow', 12_000_000);
    const problem = await failure(tab, 'save');
    assert.equal(problem.kind, 'full');
    await tab.reload();
    assert.equal(await reopen(tab, 'localStorage', 'large'), 1);
    await call(tab, 'close');
    await call(tab, 'remove', 'localStorage', 'large');
    await tab.close();
  });

  test('an image with shared variables and a suspended coroutine survives a reload and a closed browser', async () => {
    let tab = await open();
    const go = (name, ...args) => tab.evaluate((n, a) => globalThis.image[n](...a), name, args);
    assert.equal(await go('open', 'walker'), 0);
    assert.equal(await go('step'), 1);
    await go('save', 'walker');
    await tab.reload();
    assert.equal(await go('open', 'walker'), 1);
    assert.equal(await go('step'), 2);
    await go('save', 'walker');
    await restart();
    tab = await open();
    assert.equal(await go('open', 'walker'), 2);
    assert.equal(await go('step'), 3);
    assert.deepEqual(await tab.complaints(), []);
    await tab.close();
  });

  test(`renderers killed amid saves, ${KILLS} times, lose no acknowledged save`, async () => {
    const { reached } = context.server;
    for (let round = 0; round <= KILLS; round++) {
      const tab = await openAnew();
      const state = await reopen(tab, 'indexedDB', 'killed');
      const image = await tab.evaluate(() => globalThis.image.open('killed'));
      const saved = { state: reached.get('state') || 0, image: reached.get('image') || 0 };
      assert.ok(state >= saved.state, `round ${round}: change ${saved.state} was saved, and the state is of change ${state}`);
      assert.ok(image >= saved.image, `round ${round}: step ${saved.image} was saved, and the image is of step ${image}`);
      if (round === 0) await call(tab, 'begin', ITEMS);
      if (round === KILLS) break;
      await tab.evaluate(() => void globalThis.saveForever('killed'));
      // Saves follow each other without a pause, so whatever the instant it lies amid one.
      while ((reached.get('state') || 0) <= state || (reached.get('image') || 0) <= image) await sleep(1);
      await sleep(Math.random() * 20);
      assert.ok(killRenderers(browser) > 0);
      // Once the browser knows what happened it gives the next tab a process that lives.
      await tab.close().catch(() => undefined);
    }
    assert.ok(reached.get('state') >= KILLS && reached.get('image') >= KILLS);
  });
});
