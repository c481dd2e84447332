/**
 * Performs a scenario on the page's own thread or in a module worker.
 */

import './complaints.js';
import * as scenarios from './scenarios.js';

/**
 * @param {'page' | 'worker'} place
 * @param {string} name of an export of scenarios.js
 * @param {...unknown} args
 * @returns {Promise<unknown>}
 */
globalThis.perform = (place, name, ...args) => (place === 'worker' ? inWorker(name, args) : scenarios[name](...args));

function inWorker(name, args) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message || 'it could not be loaded'}`));
  });
  worker.postMessage({ name, args });
  return answer.finally(() => worker.terminate());
}
