/**
 * Drives headless Chromium and Firefox with puppeteer: Chromium by the DevTools protocol, Firefox by WebDriver BiDi.
 *
 * @import { Browser as PuppeteerBrowser, LaunchOptions } from 'puppeteer-core'
 * @import { Browser, Tab } from './browsers.js'
 */

import puppeteer from 'puppeteer-core';

/** Milliseconds that a browser may take to answer: far more than it needs on a busy machine. */
const PATIENCE = 60_000;

/**
 * @param {LaunchOptions} options
 * @returns {(profile?: string) => Promise<Browser>}
 */
export function puppeteerBrowser(options) {
  return async (profile) => {
    const browser = await puppeteer.launch({ ...options, headless: true, userDataDir: profile, protocolTimeout: PATIENCE, timeout: PATIENCE });
    return {
      open: (address) => open(browser, address, options.browser === 'chrome'),
      close: () => browser.close(),
      pid: browser.process()?.pid,
    };
  };
}

/**
 * @param {PuppeteerBrowser} browser
 * @param {string} address
 * @param {boolean} canPrefer whether the browser can be told which colours its user prefers
 * @returns {Promise<Tab>}
 */
async function open(browser, address, canPrefer) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warn', 'assert'].includes(message.type())) complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error instanceof Error ? error.stack : String(error)}`));
  page.on('requestfailed', (request) => complaints.push(`request failed: ${request.url()}`));
  await page.goto(address);
  return {
    evaluate: (run, ...args) => page.evaluate(run, ...args),
    complaints: async () => complaints.splice(0),
    reload: async () => void (await page.reload()),
    type: (text) => page.keyboard.type(text),
    press: async (...keys) => {
      const last = keys.pop();
      for (const key of keys) await page.keyboard.down(key);
      await page.keyboard.press(last);
      for (const key of keys.reverse()) await page.keyboard.up(key);
    },
    click: (selector) => page.click(selector),
    resize: (width, height) => page.setViewport({ width, height }),
    screenshot: () => page.screenshot(),
    prefer: canPrefer ? (scheme) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]) : undefined,
    close: () => page.close(),
  };
}
