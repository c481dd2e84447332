/**
 * The module worker under test: performs one scenario and posts what it gave.
 */

import * as scenarios from './scenarios.js';

globalThis.onmessage = async ({ data: { name, args } }) => {
  try {
    globalThis.postMessage({ result: await scenarios[name](...args) });
  } catch (error) {
    globalThis.postMessage({ error: `${error}\n${error && error.stack}` });
  }
};
