// Runs the conformance kit for hosts (hosts/kit/README.md) on hosts in JavaScript.

import { readFileSync } from 'node:fs';

import { Collector } from '../../../web/store/collector.js';
import { createHost, rangesOf } from '../../../web/machine/host.js';
import { createImports } from '../../../web/loader.js';
import { Decoder } from '../../../web/values/decoder.js';
import { HostFunctions, MultiReturn } from '../../../web/machine/host-functions.js';
import { Quota } from '../../../web/machine/quotas.js';
import { UndoLog } from '../../../web/store/undo-log.js';

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

/** The package's host over a store, as a machine makes it, with what the kit's README names. */
export function packageHost(store, options = {}) {
  return (kit, memory) => {
    const quota = Quota.of(options, store);
    const log = quota === null ? new UndoLog(store, rangesOf(store)) : new UndoLog(quota.counted, quota.counted, quota);
    if (options.isInCheckpoint) log.begin();
    const functions = new HostFunctions({ kit_echo: (...values) => MultiReturn.of(...values), kit_again: () => kit().again() });
    functions.machine = {
      get view() {
        return new DataView(memory().buffer);
      },
      live: { store, encode: () => false },
      decode: (start, end) => new Decoder(memory()).all(start, end),
      enter: () => {},
      leave: () => {},
      lastError: () => undefined,
    };
    const collector = new Collector(store, (id) => log.drop(id));
    const host = createHost(log, () => {}, { modules: { kit: 'return "kit"' } }, functions, collector, quota, store);
    return createImports(host, () => kit().memory).imports.env;
  };
}
