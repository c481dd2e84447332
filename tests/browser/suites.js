/**
 * Runs the same tests in several browsers: one after another within a browser, in parallel across browsers.
 *
 * @import { Kind } from './browsers.js'
 * @import { Served } from './server.js'
 */

import { after, before, describe } from 'node:test';

import { serve } from './server.js';

/** Milliseconds for all tests of one file in one browser: one that hangs is a failure, and no reason to wait for ever. */
const LIMIT = 300_000;

/**
 * @typedef {object} Context
 * @property {Served} server of this browser alone, set before the tests
 */

/**
 * @param {Kind[]} kinds
 * @param {(kind: Kind, context: Context) => void} define defines the tests
 * @param {number} [limit] milliseconds for those of one browser
 */
export function inEach(kinds, define, limit = LIMIT) {
  describe('in browsers', { concurrency: true, timeout: limit }, () => {
    for (const kind of kinds) {
      describe(kind.name, { concurrency: 1, timeout: limit }, () => {
        const context = /** @type {Context} */ ({});
        before(async () => {
          context.server = await serve();
        });
        after(() => context.server.close());
        define(kind, context);
      });
    }
  });
}
