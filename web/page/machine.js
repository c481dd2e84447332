/**
 * Calls the machine in the worker, and starts a new worker when the old one does not listen any more.
 *
 * @import { LuaLine } from '../lua-persistent.js'
 * @import { Failure, Outcome, Stats } from './playground.js'
 */

/** Milliseconds that a script has to stop by itself. Only a C function that does not return takes longer. */
const PATIENCE = 1500;

/** How many seconds to wait for the worker of this very page, as it was before a reload, to give the state back. */
const PATIENT = 10;

/**
 * @typedef {object} Listeners
 * @property {(detail: { text: string, skipped: number }) => void} output
 * @property {(detail: { ticks: number, milliseconds: number, stats: Stats }) => void} progress
 * @property {(detail: { phase: string, done: number, total: number }) => void} transfer
 */

/** What the worker could not do. */
export class MachineError extends Error {
  /** @param {Failure} failure */
  constructor(failure) {
    super(failure.message);
    this.name = 'MachineError';
    this.failure = failure;
  }
}

/** A call ended because the worker was ended. */
export class Terminated extends Error {
  constructor() {
    super('the machine was ended');
    this.name = 'Terminated';
  }
}

export class Machine {
  /**
   * @param {string} name of the state
   * @param {Listeners} listeners
   */
  constructor(name, listeners) {
    this.name = name;
    this.listeners = listeners;
    /** @type {Worker | null} */
    this.worker = null;
    /** Whether the state was open in a worker that was ended. */
    this.orphaned = false;
    /** @type {Map<number, { resolve: (result: any) => void, reject: (error: unknown) => void }>} */
    this.calls = new Map();
    this.lastCall = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.deadline = undefined;
  }

  /**
   * Start the worker and open the state.
   *
   * @param {LuaLine} line of Lua
   * @returns {Promise<{ keeping: import('./playground.js').Keeping, problem: string, stats: Stats }>}
   */
  open(line) {
    this.end();
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    worker.onmessage = ({ data }) => this.receive(data);
    worker.onerror = (event) => this.abandon(new Error(`the worker failed: ${event.message || 'it could not be loaded'}`));
    this.worker = worker;
    const orphaned = this.orphaned;
    this.orphaned = false;
    return this.call('open', this.name, { attempts: orphaned || isReload() ? PATIENT : 2, orphaned }, line);
  }

  /**
   * @param {string} code
   * @returns {Promise<Outcome>}
   * @throws {Terminated} if the script had to be ended with its worker
   */
  run(code) {
    return this.call('run', code).finally(() => clearTimeout(this.deadline));
  }

  /** Stop the script that runs; if it does not listen, end its worker. */
  stop() {
    if (this.worker === null) return;
    this.worker.postMessage({ type: 'stop' });
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.end(), PATIENCE);
  }

  /**
   * Call a method of the playground in the worker.
   *
   * @param {string} type
   * @param {...any} args
   * @returns {Promise<any>}
   * @throws {MachineError}
   */
  call(type, ...args) {
    const { worker } = this;
    if (worker === null) return Promise.reject(new Terminated());
    const id = ++this.lastCall;
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject });
      worker.postMessage({ id, type, args });
    });
  }

  /** @private */
  end() {
    if (this.worker === null) return;
    this.worker.terminate();
    this.worker = null;
    this.orphaned = true;
    this.abandon(new Terminated());
  }

  /**
   * @private
   * @param {Error} error
   */
  abandon(error) {
    const calls = Array.from(this.calls.values());
    this.calls.clear();
    for (const { reject } of calls) reject(error);
  }

  /**
   * @private
   * @param {any} message
   */
  receive({ id, result, failure, event, detail }) {
    if (event !== undefined) {
      /** @type {any} */ (this.listeners)[event](detail);
      return;
    }
    const call = this.calls.get(id);
    if (call === undefined) return;
    this.calls.delete(id);
    if (failure === undefined) call.resolve(result);
    else call.reject(new MachineError(failure));
  }
}

/** @returns {boolean} whether this page was here before, and its state may still be open in a worker that is ending */
function isReload() {
  const [navigation] = performance.getEntriesByType('navigation');
  return navigation !== undefined && /** @type {PerformanceNavigationTiming} */ (navigation).type === 'reload';
}
