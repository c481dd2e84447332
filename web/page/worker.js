/**
 * Starts the machine in a worker, so that nothing that a script does can freeze the page: neither a loop without an end,
 * which is left between two pieces, nor a C function that takes for ever, such as a pattern that backtracks. The page ends the
 * worker then, and starts another with the state as it was last saved.
 *
 * A message to the worker is `{ id, type, args }`, with a method of `Playground` as its type; the answer is `{ id, result }`
 * or
 * `{ id, failure }`. A message without an id is `stop`. What the worker tells by itself is `{ event, detail }`.
 */

import { failureOf, Playground } from './playground.js';

const playground = new Playground((event, detail) => self.postMessage({ event, detail }));

self.onmessage = async ({ data: { id, type, args } }) => {
  if (type === 'stop') {
    playground.stop();
    return;
  }
  try {
    const method = /** @type {any} */ (playground)[type];
    self.postMessage({ id, result: await method.apply(playground, args) });
  } catch (error) {
    self.postMessage({ id, failure: failureOf(error) });
  }
};
