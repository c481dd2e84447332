/**
 * Performs one scenario in a module worker and posts its result.
 */

import * as scenarios from './scenarios.js';

globalThis.onmessage = async ({ data: { name, args } }) => {
  try {
    globalThis.postMessage({ result: await scenarios[name](...args) });
  } catch (error) {
    globalThis.postMessage({ error: `${error}\n${error && error.stack}` });
  }
};
