/**
 * Drives the playground page as a user does: reads what it shows, moves the mouse, types.
 *
 * @import { Browser, Tab } from './browsers.js'
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const COMPLAINTS = readFileSync(new URL('complaints.js', import.meta.url), 'utf8');
const SCREENSHOTS = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));

/** Milliseconds until something that should come is missing: far more than it takes on a busy machine. */
const PATIENCE = 60_000;

export class Playground {
  /**
   * Open the page.
   *
   * @param {Browser} browser
   * @param {string} browserName for the names of screenshots
   * @param {string} origin
   * @returns {Promise<Playground>}
   */
  static async open(browser, browserName, origin) {
    const page = new Playground(await browser.open(`${origin}/`), browserName);
    await page.begin();
    return page;
  }

  /**
   * @param {Tab} tab
   * @param {string} browserName
   */
  constructor(tab, browserName) {
    this.tab = tab;
    this.browserName = browserName;
  }

  /** Wait until the page is there, and listen to what it complains about. */
  async begin() {
    // Drivers that cannot tell what is on the console need the page to take note; it is all the same to the others.
    await this.tab.evaluate((source) => {
      if (globalThis.complaints === undefined) (0, eval)(source);
    }, COMPLAINTS);
    await this.waitFor('the machine', () => this.tab.evaluate(() => document.getElementById('run').getAttribute('aria-disabled') === null));
  }

  async reload() {
    await this.tab.reload();
    await this.begin();
  }

  /**
   * Wait until something holds.
   *
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} check
   * @returns {Promise<T>} what the check gave in the end
   */
  async waitFor(what, check) {
    for (const end = Date.now() + PATIENCE; ; ) {
      const result = await check();
      if (result) return result;
      if (Date.now() > end) throw new Error(`${what} did not come; the status is '${await this.text('#status')}'`);
      await sleep(20);
    }
  }

  /** @returns {Promise<string>} the text of an element, as it is seen */
  text(selector) {
    return this.tab.evaluate((s) => document.querySelector(s).innerText.trim(), selector);
  }

  /** @returns {Promise<boolean>} whether an element is seen */
  isSeen(selector) {
    return this.tab.evaluate((s) => {
      const element = document.querySelector(s);
      return element !== null && element.getClientRects().length > 0;
    }, selector);
  }

  /** @returns {Promise<string[]>} the texts of all elements that are seen */
  texts(selector) {
    return this.tab.evaluate(
      (s) => Array.from(document.querySelectorAll(s)).filter((each) => each.getClientRects().length > 0).map((each) => each.innerText.trim()),
      selector,
    );
  }

  /** Wait for a status that matches. */
  status(pattern) {
    return this.waitFor(`status ${pattern}`, async () => pattern.test(await this.text('#status')));
  }

  click(selector) {
    return this.tab.click(selector);
  }

  press(...keys) {
    return this.tab.press(...keys);
  }

  /** Write a script into the editor, in place of what is there. */
  async write(code) {
    await this.click('.cm-content');
    await this.press('Control', 'a');
    await this.press('Delete');
    await this.tab.type(code);
    // Brackets that the editor closed by itself behind the cursor are none of the script's.
    const squeeze = (text) => text.replace(/\s+/g, '');
    await this.waitFor('the script', async () => squeeze(await this.script()) === squeeze(code));
  }

  /** The script in the editor. */
  script() {
    return this.tab.evaluate(() => Array.from(document.querySelectorAll('.cm-line'), (line) => line.textContent).join('\n'));
  }

  /** Run the script with the keyboard and wait for its end. */
  async run(pattern = /^Done/) {
    await this.press('Control', 'Enter');
    await this.status(pattern);
  }

  /** Write a script and run it. */
  async perform(code, pattern) {
    await this.write(code);
    await this.run(pattern);
  }

  /** Reads the printed output. */
  output() {
    return this.tab.evaluate(() => document.getElementById('output').textContent);
  }

  /** The rows of a tree that are seen, without the figures on them. */
  rows(tree) {
    return this.tab.evaluate((id) => {
      const rows = Array.from(document.querySelectorAll(`#${id} .row`)).filter((row) => row.getClientRects().length > 0);
      return rows.map((row) => Array.from(row.childNodes).filter((part) => part.className !== 'size').map((part) => part.textContent).join(''));
    }, tree);
  }

  /** The figures at the foot of the page. */
  async figures() {
    const number = async (id) => Number((await this.text(`#${id}`)).replace(/[^\d.]/g, ''));
    return {
      heap: await this.tab.evaluate(() => Number(document.getElementById('heap').getAttribute('aria-valuenow'))),
      capacity: await this.tab.evaluate(() => Number(document.getElementById('heap').getAttribute('aria-valuemax'))),
      pages: await number('pages'),
      tables: await number('tables-count'),
      items: await number('items'),
      size: await this.text('#bytes'),
    };
  }

  /** The id or the text of the element that has the focus. */
  focus() {
    return this.tab.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  }

  /** Take the files that the page gives, instead of having the browser store them. */
  async catchDownloads() {
    await this.tab.evaluate(() => {
      globalThis.downloads = [];
      const create = URL.createObjectURL;
      let last = null;
      URL.createObjectURL = (blob) => {
        last = blob;
        return create.call(URL, blob);
      };
      document.addEventListener('click', (event) => {
        if (!event.target.download) return;
        event.preventDefault();
        globalThis.downloads.push({ name: event.target.download, blob: last });
      });
    });
  }

  /** The file that the page gave last: its name, and its bytes as numbers. */
  async downloaded() {
    await this.waitFor('the file', () => this.tab.evaluate(() => globalThis.downloads.length > 0));
    return this.tab.evaluate(async () => {
      const { name, blob } = globalThis.downloads.pop();
      return { name, bytes: Array.from(new Uint8Array(await blob.arrayBuffer())) };
    });
  }

  /** Choose a file, as the dialog of the browser does. */
  async choose(name, bytes) {
    await this.tab.evaluate(
      (fileName, content) => {
        const files = new DataTransfer();
        files.items.add(new File([new Uint8Array(content)], fileName));
        const input = document.getElementById('file');
        input.files = files.files;
        input.dispatchEvent(new Event('change'));
      },
      name,
      bytes,
    );
  }

  /** Keep a picture of the page. */
  async screenshot(name) {
    await mkdir(SCREENSHOTS, { recursive: true });
    await writeFile(join(SCREENSHOTS, `${name}-${this.browserName.toLowerCase()}.png`), await this.tab.screenshot());
  }

  /** Let the accessibility checker look at the page as it is. */
  async checkAccessibility() {
    const found = await this.tab.evaluate(async (source) => {
      if (globalThis.axe === undefined) (0, eval)(source);
      // Colours that are on their way are nobody's choice.
      const changes = document.getAnimations().filter((each) => each instanceof CSSTransition);
      await Promise.all(changes.map(({ finished }) => finished.catch(() => undefined)));
      const { violations } = await globalThis.axe.run(document);
      return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, any }) => `${html} ${any.map((each) => each.message)}`).join(' | ')}`);
    }, AXE);
    assert.deepEqual(found, []);
  }

  /** Make sure that nothing is wider than the page. */
  async checkWidth() {
    const { page, window } = await this.tab.evaluate(() => ({ page: document.documentElement.scrollWidth, window: innerWidth }));
    assert.ok(page <= window, `the page is ${page} wide in a window of ${window}`);
  }
}
