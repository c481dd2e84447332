/**
 * Holds one writer per state among the tabs and workers of an origin: a Web Lock, which the browser takes back when its holder
 * ends.
 */

import { LOOK_ONLY, StateError } from './state-error.js';

/** Milliseconds to wait for a lock: a page that was closed or reloaded just now gives its lock back a moment later. */
const PATIENCE = 1000;

/**
 * Take the lock of a state.
 *
 * @param {string} name
 * @param {string} source the state's name in messages
 * @param {string} [detail] what is said if somebody else has it
 * @returns {Promise<(() => void) | null>} gives the lock back; null in browsers that have no Web Locks (Chrome 68, Firefox
 *   95 and older), where a second writer is found out by what it changed
 * @throws {StateError} `locked`
 */
export function takeWebLock(name, source, detail = `is open for writing in another tab; ${LOOK_ONLY}`) {
  if (typeof navigator === 'undefined' || !navigator.locks) return Promise.resolve(null);
  const { locks } = navigator;
  return new Promise((resolve, reject) => {
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), PATIENCE);
    /** @returns {Promise<void>} settled when the lock is given back */
    const hold = () => {
      clearTimeout(timer);
      return new Promise((release) => resolve(release));
    };
    locks.request(`lua-persistent:${name}`, { signal: waiting.signal }, hold).catch((error) => {
      reject(waiting.signal.aborted ? new StateError('locked', source, detail) : error);
    });
  });
}
