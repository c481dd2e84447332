/**
 * Takes the tour in the page and in a module worker.
 */

import { tour } from './tour.js';

async function tourInWorker() {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const outcome = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.terminate();
  return outcome;
}

globalThis.outcome = Promise.all([tour(), tourInWorker()]);
