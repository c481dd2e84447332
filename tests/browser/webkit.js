/**
 * Drives WebKit through WebKitGTK's WebDriver, in a display of Xvfb. Each browser has a driver, a display and a profile of
 * its own, which end with it.
 *
 * The few commands of WebDriver that are needed are spoken here: no library does more for WebKitGTK.
 *
 * @import { Browser, Tab } from './browsers.js'
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Milliseconds that a command may take; WebKit does not always notice that its display or its pages are gone. */
const PATIENCE = 60_000;

/**
 * WebDriver's codes for keys that are no characters.
 *
 * @type {Record<string, string>}
 */
const KEYS = {
  Backspace: '\ue003',
  Tab: '\ue004',
  Enter: '\ue007',
  Shift: '\ue008',
  Control: '\ue009',
  Escape: '\ue00c',
  End: '\ue010',
  Home: '\ue011',
  ArrowLeft: '\ue012',
  ArrowUp: '\ue013',
  ArrowRight: '\ue014',
  ArrowDown: '\ue015',
  Delete: '\ue017',
};

/** Script that checks whether the page at an address has run its scripts. */
const LOADED = 'return location.href === arguments[0] && document.readyState === "complete"';

/**
 * @param {string} driver the WebKitWebDriver program
 * @returns {() => Promise<Browser>}
 */
export function webkitBrowser(driver) {
  return async () => {
    const display = await startDisplay();
    const port = await freePort();
    const env = { ...process.env, DISPLAY: display.name, GDK_BACKEND: 'x11' };
    const program = spawn(driver, [`--port=${port}`, '--host=127.0.0.1'], { env, stdio: 'ignore' });
    const base = `http://127.0.0.1:${port}/session`;
    const end = () => {
      program.kill('SIGKILL');
      display.process.kill('SIGKILL');
    };
    try {
      const { sessionId } = await patiently(() => command('POST', base, { capabilities: {} }), program);
      const session = `${base}/${sessionId}`;
      return {
        pid: program.pid,
        open: (address) => open(session, address),
        close: () => command('DELETE', session).finally(end),
      };
    } catch (error) {
      end();
      throw error;
    }
  };
}

/**
 * @param {string} session
 * @param {string} address
 * @returns {Promise<Tab>}
 */
async function open(session, address) {
  // The tab of the command before may be closed; the one that the session began with stays.
  const [first] = await command('GET', `${session}/window/handles`);
  await command('POST', `${session}/window`, { handle: first });
  // A tab would be hidden behind the first one, and WebKit draws nothing that is hidden.
  const { handle } = await command('POST', `${session}/window/new`, { type: 'window' });
  const here = (method, path, body) =>
    command('POST', `${session}/window`, { handle }).then(() => command(method, session + path, body));
  await here('POST', '/url', { url: address });
  // In a new window WebKit's driver may answer before the page has replaced the empty one.
  while (!(await here('POST', '/execute/sync', { script: LOADED, args: [address] }))) await pause();

  async function evaluate(run, ...args) {
    const script = `
      const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => (${run})(...arguments[0])).then(
        (result) => done({ result }),
        (error) => done({ error: error + '; ' + (error && error.stack) }),
      );`;
    const answer = await here('POST', '/execute/async', { script, args: [args] });
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  }

  /** Presses keys: down and up in the order given. */
  const strokes = (list) => {
    const actions = list.map(([type, key]) => ({ type, value: KEYS[key] || key }));
    return here('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  };

  return {
    evaluate,
    reload: async () => {
      await here('POST', '/refresh', {});
      while (!(await here('POST', '/execute/sync', { script: LOADED, args: [address] }))) await pause();
    },
    type: (text) => strokes(Array.from(text.replace(/\n/g, KEYS.Enter), (key) => [['keyDown', key], ['keyUp', key]]).flat()),
    press: (...keys) => strokes([...keys.map((key) => ['keyDown', key]), ...keys.reverse().map((key) => ['keyUp', key])]),
    click: async (selector) => {
      const element = await here('POST', '/element', { using: 'css selector', value: selector });
      await here('POST', `/element/${Object.values(element)[0]}/click`, {});
    },
    resize: (width, height) => here('POST', '/window/rect', { width, height }),
    screenshot: async () => Buffer.from(await here('GET', '/screenshot'), 'base64'),
    // WebDriver has no word for the console, so the page itself takes note.
    complaints: () => evaluate(() => globalThis.complaints.splice(0)),
    close: () => here('DELETE', '/window'),
  };
}

/** A WebDriver command. */
async function command(method, address, body) {
  const signal = AbortSignal.timeout(PATIENCE);
  const response = await fetch(address, { method, signal, body: body && JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`WebDriver: ${value.error}: ${value.message}`);
  return value;
}

/** Try until a program that was just started listens. */
async function patiently(attempt, program) {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const refused = error instanceof TypeError;
      if (!refused || program.exitCode !== null || program.signalCode !== null) throw error;
      await pause();
    }
  }
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** An X server without a screen, which says its number when it is ready. It stays when the last window closes. */
async function startDisplay() {
  const process = spawn('Xvfb', ['-displayfd', '1', '-noreset', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const number = await new Promise((resolve, reject) => {
    process.stdout.once('data', resolve);
    process.once('error', reject);
    process.once('exit', () => reject(new Error('Xvfb ended before it was ready')));
  });
  return { process, name: `:${String(number).trim()}` };
}

/** A port that nothing listens on. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
