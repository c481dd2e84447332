/**
 * Makes a browser profile that outlives one start of the browser.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Make a profile's folder. Whoever asked for it removes it with `removeProfile`.
 *
 * @returns {Promise<string>}
 */
export function createProfile() {
  return mkdtemp(join(tmpdir(), 'lua-persistent-browser-'));
}

/**
 * Remove a profile. The browser's helper processes may still write to it for a moment after its end.
 *
 * @param {string} profile
 */
export async function removeProfile(profile) {
  await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
