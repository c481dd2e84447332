// Runs machines on the raw exports with the package's host, whose answers a test may change, and whose store may fail: what
// hosts do that are wrong.

import { createHost, rangesOf } from '../../../web/machine/host.js';
import { createImports } from '../../../web/loader.js';
import { Collector } from '../../../web/store/collector.js';
import { HostFunctions } from '../../../web/machine/host-functions.js';
import { UndoLog } from '../../../web/store/undo-log.js';
import { compute, instantiate, part } from './documented-host.js';
import { reading } from './table-trials.js';

/**
 * What comes between the guest and the host.
 *
 * @typedef {object} Between
 * @property {(service: number, reply: { memory: Uint8Array, view: DataView, at: number, room: number, length: number, request: Uint8Array }) => number} [answer]
 *   changes the answer to a request, of which the host gave `length` bytes at `at`; gives the length that the guest gets
 */

/**
 * Machines with all services that read and write batches, on a store that may fail.
 *
 * @param {any} store which has `batches` and `mutations`
 * @param {Between} [between]
 */
export const onBatchHost = (store, between = {}) => async () => {
  const log = new UndoLog(store, rangesOf(store));
  const host = createHost(log, () => {}, {}, new HostFunctions({}), new Collector(store, (id) => log.drop(id)), null, store);
  const { env } = createImports(host, () => instance.exports.memory).imports;
  const functions = { ...env };
  functions.js_ext_table_get = (id, keyAt, keyLength, at, room) => {
    const length = env.js_ext_table_get(id, keyAt, keyLength, at, room);
    if (id !== 0 || between.answer === undefined) return length;
    const { memory } = instance;
    const request = memory.slice(keyAt, keyAt + keyLength);
    return between.answer(request[0], { memory, view: new DataView(memory.buffer), at, room, length, request });
  };
  const instance = instantiate(functions);
  if (instance.exports.init() !== 0) throw new Error('the machine does not start');
  return {
    without: ['host'],
    instance,
    run(code) {
      const { error, value, resultLen } = compute(instance, code);
      if (resultLen < 0) throw new Error(part(instance, 2)?.toString() ?? error);
      return value;
    },
    entriesOf: (id) => reading(log)(id),
    alter(id, form, bytes) {
      if (bytes === null) log.delete(id, form);
      else log.set(id, form, bytes);
    },
    close: () => instance.exports.deinit(),
  };
};
