// Checks values and errors of JavaScript blocks in documents, in the process that runs them.

import assert from 'node:assert/strict';

import { pattern } from './pattern.js';

const made = new Set();

/** Say how many checks the block has: it fails if it ends before all of them were made. */
export function expectChecks(count) {
  process.on('exit', (code) => {
    if (code === 0 && made.size !== count) {
      console.error(`only ${made.size} of ${count} checks were reached`);
      process.exitCode = 1;
    }
  });
}

export function equal(actual, expected, number) {
  made.add(number);
  assert.deepEqual(actual, expected);
}

export async function throws(call, promise, number) {
  made.add(number);
  let thrown;
  try {
    await call();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown !== undefined, `nothing was thrown, but should have been: ${promise}`);
  assert.match(`${thrown.name}: ${thrown.message}`, pattern(promise));
}

// What is logged is the value of the call, so that it can be checked.
const { log } = console;
console.log = (...values) => {
  log(...values);
  return values.length === 1 ? values[0] : values;
};
