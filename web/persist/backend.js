/**
 * The interface of storage backends, which hold a durable state, and what all of them agree on.
 *
 * A backend keeps a series of saves. Each is a list of chunks; the first, and every one that is marked
 * *whole*, gives a complete state, the others what changed. A save is atomic: whatever happens meanwhile, the state that
 * is read afterwards is that before it or that after it, and once `commit` has ended well it is the one after.
 *
 * @typedef {object} Backend
 * @property {string} source what holds the state, for messages: `state file 'jobs.state'`
 * @property {Storage} [kind] the storage that it is, if it is one of those that `Lua.open` knows by name
 * @property {(mode: { readOnly: boolean }) => Promise<void>} open take the lock, unless the state is only read
 * @property {(sink: Sink, progress: ProgressListener) => Promise<boolean>} load give the state to
 *   a sink; false if there is none. What a sink was given before an error is worth nothing
 * @property {() => boolean} wantsWhole whether the next save has to be a whole one: the first, one that brings an old format
 *   up to date, one after changes have piled up to more than the state itself
 * @property {(chunks: Uint8Array[], whole: boolean, progress: ProgressListener) => Promise<void>} commit one save; called
 *   again only after it has ended
 * @property {(chunks: Uint8Array[], whole: boolean, progress: ProgressListener) => void} [commitSync] the same at once, where
 *   the platform allows it: for the end of a process or page
 * @property {() => Promise<void>} close give the lock back
 */

/**
 * @import { Sink } from './operations.js'
 */

/** @typedef {'file' | 'sqlite' | 'indexedDB' | 'localStorage'} Storage */

/**
 * How far a load or a save has come, in bytes.
 *
 * @typedef {object} Progress
 * @property {'load' | 'save'} phase
 * @property {number} done
 * @property {number} total
 */

/** @typedef {(progress: Progress) => void} ProgressListener */

/** Bytes of changes that are never worth writing everything anew. */
const SMALL = 1 << 16;

/**
 * Whether the changes since the last whole save take more room than that save: writing everything anew then costs no more
 * than has been written since, so a save costs what its changes cost, times two at most.
 *
 * @param {number} whole bytes of the last whole save
 * @param {number} all bytes of it and of all saves since
 * @returns {boolean}
 */
export function outgrown(whole, all) {
  return all - whole > Math.max(whole, SMALL);
}
