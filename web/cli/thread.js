/**
 * Starts the thread that runs Lua, and passes requests to it from the main thread.
 *
 * @import { Request, Task } from './worker.js'
 */

import { Worker } from 'node:worker_threads';

import { Interrupt } from './interrupt.js';

/** Signals that end the command. */
const ENDING = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @typedef {typeof ENDING[number]} EndingSignal */

/** The thread that runs Lua. */
export class Thread {
  /** @param {Omit<Task, 'interrupt'>} task */
  constructor(task) {
    this.interrupt = new Interrupt();
    /** @private */
    this.worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { ...task, interrupt: this.interrupt.shared } });
    /**
     * Who waits for the next message.
     * @private
     * @type {((message: any) => void) | null}
     */
    this.waiting = null;
    this.over = false;
    /**
     * Its exit code, when it has ended.
     * @type {Promise<number>}
     */
    this.ended = new Promise((resolve, reject) => {
      this.worker.on('exit', resolve);
      this.worker.on('error', reject);
    });
    this.worker.on('message', (message) => this.pass(message));
    this.worker.on('exit', () => {
      this.over = true;
      this.pass(null);
    });
    /**
     * Who is told of signals instead of the thread.
     * @type {((signal: EndingSignal) => void) | null}
     */
    this.onSignal = null;
    for (const signal of ENDING) process.on(signal, () => (this.onSignal === null ? this.stop(signal) : this.onSignal(signal)));
  }

  /**
   * Stop what runs, so that the thread saves what there is to save and ends. What does not stop, a call of a C function that
   * takes forever, is ended by the second signal with the whole process.
   *
   * @param {EndingSignal} signal
   */
  stop(signal) {
    if (this.interrupt.signal === 0) {
      this.interrupt.raise(signal);
      return;
    }
    process.stderr.write('lua-persistent: killed; what was not saved yet is lost\n');
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }

  /**
   * The next message of the thread. It sends one when the prompt may begin, and an answer to each question.
   *
   * @returns {Promise<any>} null if it has ended
   */
  next() {
    return new Promise((resolve) => {
      if (this.over) resolve(null);
      else this.waiting = resolve;
    });
  }

  /**
   * @private
   * @param {any} message
   */
  pass(message) {
    const { waiting } = this;
    this.waiting = null;
    if (waiting !== null) waiting(message);
  }

  /**
   * @param {Request} request
   * @returns {Promise<any>} the answer; null if the thread has ended
   */
  ask(request) {
    this.worker.postMessage(request);
    return this.next();
  }

  /** Let the thread end when it has done what it was asked to. */
  end() {
    this.worker.postMessage({ ask: 'end' });
  }
}
