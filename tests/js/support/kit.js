// Runs the conformance kit for hosts (hosts/kit/README.md) on hosts in JavaScript.

import { readFileSync } from 'node:fs';

/** The kit's module, compiled once for all hosts of a test file. */
const kitModule = new WebAssembly.Module(readFileSync(new URL('../../../hosts/kit/kit.wasm', import.meta.url)));

const OUTCOMES = ['untested', 'passed', 'failed', 'not offered', 'not judged'];

/**
 * Makes a host and runs the kit on it, as the README of the kit says.
 *
 * @param {(kit: () => any, memory: () => Uint8Array) => Record<string, Function>} makeImports makes the five functions; it
 *   gets functions that give the kit's exports and its memory, once there is a kit
 */
export function runKit(makeImports) {
  const env = makeImports(() => exports, () => memory);
  const { exports } = new WebAssembly.Instance(kitModule, { env });
  const memory = new Uint8Array(exports.memory.buffer);
  for (let isDone = false; !isDone; ) {
    try {
      exports.run();
      isDone = true;
    } catch (_thrown) {
      // The promise that was under test counts as broken; the next call goes on.
    }
  }
  const text = (address) => {
    const length = new DataView(memory.buffer).getUint32(address, true);
    return new TextDecoder().decode(memory.slice(address + 4, address + 4 + length));
  };
  const promises = Array.from({ length: exports.promise_count() }, (_, number) => ({
    name: text(exports.promise_name(number)),
    says: text(exports.promise_text(number)),
    outcome: OUTCOMES[exports.promise_outcome(number)],
    message: text(exports.promise_message(number)),
  }));
  const counters = { tested: exports.tested(), passed: exports.passed(), failed: exports.failed(), notOffered: exports.not_offered() };
  const named = (outcome) => promises.filter((promise) => promise.outcome === outcome).map(({ name }) => name);
  return { promises, counters, failed: named('failed'), passed: named('passed'), notOffered: named('not offered') };
}

/** The broken promises of a report, for messages. */
export function complaints({ promises }) {
  return promises.filter(({ outcome }) => outcome === 'failed').map(({ name, message }) => `${name}: ${message}`);
}
