/**
 * Makes the functions that tests of durable states call reachable from the driver.
 */

import './complaints.js';
import * as image from './image-page.js';
import * as state from './persist-page.js';

/** Tell the server how far something has come. */
function report(name, number) {
  fetch(`/reached/${name}/${number}`, { method: 'POST', keepalive: true });
}

globalThis.state = state;
globalThis.image = image;

/** Save a state and an image, both over and over, until the page ends. */
globalThis.saveForever = (name) => {
  state.saveForever(
    () => {},
    (number) => report('state', number),
  );
  image.saveForever(name, (number) => report('image', number));
};

let worker = null;
let last = 0;

/**
 * Have a worker do something with a state in SQLite, see sqlite-worker.js.
 *
 * @returns {Promise<{ result: any } | { error: { name: string, kind: string, message: string } }>}
 */
globalThis.inWorker = (name, ...args) => {
  if (worker === null) worker = new Worker(new URL('./sqlite-worker.js', import.meta.url), { type: 'module' });
  const id = ++last;
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => data.id === id && resolve(data));
    worker.addEventListener('error', (event) => reject(new Error(`the worker failed: ${event.message || 'it could not be loaded'}`)));
    worker.postMessage({ id, name, args });
  });
};

/** End the worker, as a page that is left does. */
globalThis.endWorker = () => {
  worker.terminate();
  worker = null;
};
