/**
 * Drives the browsers under test through one small interface: a browser opens tabs, a tab runs functions and reports its
 * errors and warnings.
 *
 * @typedef {object} Browser
 * @property {(address: string) => Promise<Tab>} open
 * @property {() => Promise<void>} close
 * @property {number | undefined} pid of the browser's first process
 *
 * @typedef {object} Tab
 * @property {(run: Function, ...args: any[]) => Promise<any>} evaluate run a function there; what goes in and out is JSON
 * @property {() => Promise<string[]>} complaints errors and warnings since the last time: on the console, uncaught, failed
 *   requests
 * @property {() => Promise<void>} reload
 * @property {(text: string) => Promise<void>} type on the keyboard; a line feed is Enter
 * @property {(...keys: string[]) => Promise<void>} press a key, as `KeyboardEvent.key` calls it, while the ones before it are down
 * @property {(selector: string) => Promise<void>} click with the mouse
 * @property {(width: number, height: number) => Promise<void>} resize the page; a window of WebKit stays at least 450 wide
 * @property {() => Promise<Uint8Array>} screenshot as PNG
 * @property {(scheme: 'light' | 'dark') => Promise<void>} [prefer] dark or light, as the system would; not every driver can
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Kind
 * @property {string} name for titles of tests
 * @property {(profile?: string) => Promise<Browser>} launch with a profile folder, or one of its own
 */

import { puppeteerBrowser } from './puppeteer.js';
import { webkitBrowser } from './webkit.js';

/** Chromium's sandbox refuses to be set up by root. */
const UNSANDBOXED = typeof process.getuid === 'function' && process.getuid() === 0 ? ['--no-sandbox'] : [];

/**
 * No processes in reserve: those that exist run open pages, so that when they are killed the next page gets one that lives.
 */
const ONE_PAGE_ONE_PROCESS = {
  chromium: '--disable-features=SpareRendererForSitePerProcess',
  firefox: { 'dom.ipc.processPrelaunch.enabled': false },
};

/**
 * Browsers whose profiles outlive them. The programs are Debian's unless the environment names others; `cargo xtask test
 * browsers` sets both variables to what it found or installed.
 *
 * @type {Kind[]}
 */
export const WITH_PROFILES = [
  {
    name: 'Chromium',
    launch: puppeteerBrowser({
      browser: 'chrome',
      executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
      args: [
        ...UNSANDBOXED,
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ONE_PAGE_ONE_PROCESS.chromium,
      ],
    }),
  },
  {
    name: 'Firefox',
    launch: puppeteerBrowser({
      browser: 'firefox',
      executablePath: process.env.FIREFOX || '/usr/bin/firefox-esr',
      extraPrefsFirefox: ONE_PAGE_ONE_PROCESS.firefox,
    }),
  },
];

/**
 * All browsers. WebKit is that of WebKitGTK, which is at home on Linux only.
 *
 * @type {Kind[]}
 */
export const BROWSERS = [
  ...WITH_PROFILES,
  ...(process.platform === 'linux'
    ? [{ name: 'WebKit', launch: webkitBrowser(process.env.WEBKIT_DRIVER || '/usr/bin/WebKitWebDriver') }]
    : []),
];
