/**
 * Makes and applies images of a machine. All of its state is in its memory, and a machine of the same build that gets this
 * memory goes on where the other stopped. Two parts of the memory mean nothing between calls, and are left out: the C stack
 * and the I/O buffer.
 *
 * An image is what differs from the machine as `init` leaves it, in blocks of 256 bytes:
 *
 * | bytes     | what                                                  |
 * | --------- | ----------------------------------------------------- |
 * | u32       | number of runs                                        |
 * | u32, u32  | of each run: its first block and its number of blocks |
 * | blocks    | of all runs                                           |
 *
 * @import { LuaInstance } from '../loader.js'
 */

import { digest, hex } from '../bytes/digest.js';
import { AbiError, identify, instantiate, instantiateSync, IO_BUFFER_SIZE, REPLY_NONE } from '../loader.js';

/** Bytes at the start of the memory that are the C stack. */
export const STACK_SIZE = 0x40000;

const BLOCK = 256;
const BLOCK_WORDS = BLOCK / 4;

/** Blocks are counted from the end of the stack. */
const FIRST = STACK_SIZE / BLOCK;

/**
 * A build of the module, and its machines as they are after `init`.
 *
 * @typedef {object} Build
 * @property {string} id equal for two modules exactly if images of one go on in the other
 * @property {string} luaRelease for example `5.4.9`
 * @property {string} abiHash hash of the ABI
 * @property {Int32Array} words the memory after `init`, without the stack
 * @property {number} used words up to the last that is not 0
 */

/**
 * Runs of blocks that differ from the fresh memory.
 *
 * @typedef {object} Difference
 * @property {Uint32Array} runs first block and number of blocks of each
 * @property {number} size bytes of the image
 */

/** A host without anything. What `init` makes with it depends on the build alone. */
const NO_HOST = {
  set: () => REPLY_NONE,
  get: () => REPLY_NONE,
  delete: () => REPLY_NONE,
  size: () => REPLY_NONE,
  keys: () => REPLY_NONE,
};

/** @type {WeakMap<WebAssembly.Module, Build>} */
const builds = new WeakMap();

/**
 * Finds the build of a module, if `buildOf` has been called for it before.
 *
 * @param {WebAssembly.Module} module
 * @returns {Build | undefined}
 */
export function knownBuild(module) {
  return builds.get(module);
}

/**
 * Finds the build of a module.
 *
 * @param {WebAssembly.Module} module
 * @returns {Promise<Build>}
 */
export async function buildOf(module) {
  return builds.get(module) || examine(module, await instantiate(module, NO_HOST));
}

/**
 * As `buildOf`, at once. Some browsers refuse to instantiate at once on a page's main thread, unless `buildOf` has been
 * here before.
 *
 * @param {WebAssembly.Module} module
 * @returns {Build}
 */
export function buildOfSync(module) {
  return builds.get(module) || examine(module, instantiateSync(module, NO_HOST));
}

/**
 * @param {WebAssembly.Module} module
 * @param {LuaInstance} machine
 * @returns {Build}
 */
function examine(module, machine) {
  if (machine.init() !== 0) throw new AbiError('the module cannot be initialized');
  const words = meaningful(machine.bytes).slice();
  const stamp = identify(module);
  const id = hex(digest(words));
  // The fresh memory holds all static data and the places of all functions, but not their code: that is in the stamp.
  const linked = stamp === null ? '' : stamp.build;
  let used = words.length;
  while (used > 0 && words[used - 1] === 0) used--;
  const build = {
    id: linked === '' ? id : `${id}-${linked}`,
    luaRelease: stamp === null ? '' : stamp.luaRelease,
    abiHash: stamp === null ? '' : stamp.manifestHash,
    words,
    used,
  };
  builds.set(module, build);
  return build;
}

/**
 * Views a memory as words, without the stack, which means nothing between calls.
 *
 * @param {Uint8Array} memory all of it
 * @returns {Int32Array}
 */
function meaningful(memory) {
  return new Int32Array(memory.buffer, STACK_SIZE);
}

/**
 * Finds what differs from the fresh memory.
 *
 * @param {Uint8Array} memory of a machine
 * @param {number} buffer address of its I/O buffer
 * @param {Build} build
 * @returns {Difference}
 */
export function compare(memory, buffer, build) {
  const words = meaningful(memory);
  const fresh = build.words;
  const skipFrom = Math.ceil(buffer / BLOCK) - FIRST;
  const skipTo = Math.floor((buffer + IO_BUFFER_SIZE) / BLOCK) - FIRST;
  const count = words.length / BLOCK_WORDS;
  /** @type {number[]} */
  const runs = [];
  let blocks = 0;
  let end = -1;
  for (let block = 0; block < count; block++) {
    if (block === skipFrom) block = skipTo;
    const last = (block + 1) * BLOCK_WORDS;
    let at = block * BLOCK_WORDS;
    while (at < last && words[at] === fresh[at]) at++;
    if (at === last) continue;
    if (block === end) runs[runs.length - 1]++;
    else runs.push(block, 1);
    end = block + 1;
    blocks++;
  }
  return { runs: Uint32Array.from(runs), size: 4 + 4 * runs.length + BLOCK * blocks };
}

/**
 * Writes an image.
 *
 * @param {Uint8Array} memory of the machine
 * @param {Difference} difference
 * @param {Uint8Array} target as long as the image
 */
export function writeImage(memory, difference, target) {
  const view = new DataView(target.buffer, target.byteOffset, target.length);
  const { runs } = difference;
  view.setUint32(0, runs.length / 2, true);
  runs.forEach((value, index) => view.setUint32(4 + 4 * index, value, true));
  let at = 4 + 4 * runs.length;
  for (let run = 0; run < runs.length; run += 2) {
    const from = STACK_SIZE + runs[run] * BLOCK;
    const length = runs[run + 1] * BLOCK;
    target.set(memory.subarray(from, from + length), at);
    at += length;
  }
}

/**
 * Gives a machine the memory of an image.
 *
 * @param {Uint8Array} memory of a machine that is not initialized
 * @param {Build} build
 * @param {Uint8Array} image
 * @returns {boolean} false, and nothing done, if it is not an image
 */
export function applyImage(memory, build, image) {
  const runs = readRuns(image, build.words.length / BLOCK_WORDS);
  if (runs === null) return false;
  // Beyond this the memory is 0 already, and not touching it is quicker.
  meaningful(memory).set(build.words.subarray(0, build.used));
  let at = 4 + 4 * runs.length;
  for (let run = 0; run < runs.length; run += 2) {
    const length = runs[run + 1] * BLOCK;
    memory.set(image.subarray(at, at + length), STACK_SIZE + runs[run] * BLOCK);
    at += length;
  }
  return true;
}

/**
 * @param {Uint8Array} image
 * @param {number} blocks of the memory
 * @returns {Uint32Array | null} null unless the runs are in order, within the memory, and all of the image
 */
function readRuns(image, blocks) {
  if (image.length < 4) return null;
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const count = view.getUint32(0, true);
  if (count > (image.length - 4) / 8) return null;
  const runs = new Uint32Array(2 * count);
  let end = 0;
  let total = 0;
  for (let run = 0; run < runs.length; run += 2) {
    const first = view.getUint32(4 + 4 * run, true);
    const length = view.getUint32(8 + 4 * run, true);
    if (first < end || length === 0 || length > blocks - first) return null;
    runs[run] = first;
    runs[run + 1] = length;
    end = first + length;
    total += length;
  }
  return image.length === 4 + 8 * count + BLOCK * total ? runs : null;
}

/**
 * Longest image that a build can have, in bytes.
 *
 * @param {Build} build
 * @returns {number}
 */
export function longestImage(build) {
  return 4 + 4 * build.words.length + (8 * build.words.length) / BLOCK_WORDS;
}
