/**
 * Runs Lua in a thread of its own. The main thread stays free to hear of signals and keys, so that a program can be stopped
 * wherever it is.
 *
 * @import { MessagePort } from 'node:worker_threads'
 * @import { Command } from './arguments.js'
 */

import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';

import { StateError } from '../lua-persistent.js';
import { LOOK_ONLY } from '../persist/state-error.js';
import { Console } from './console.js';
import { CommandError } from './errors.js';
import { Interrupt } from './interrupt.js';
import { Machine } from './machine.js';
import { argumentTable, literal } from './source.js';
import { Streams } from './streams.js';

/**
 * What the thread is started with.
 *
 * @typedef {object} Task
 * @property {Command} command
 * @property {string[]} words the whole command line
 * @property {Uint8Array | null} program contents of FILE
 * @property {Int32Array} interrupt
 */

/**
 * What the prompt asks.
 *
 * @typedef {{ ask: 'evaluate', text: string, final: boolean } | { ask: 'complete', line: string } | { ask: 'save' } |
 *   { ask: 'end' }} Request
 */

const port = /** @type {MessagePort} */ (parentPort);
const task = /** @type {Task} */ (workerData);
const interrupt = new Interrupt(task.interrupt);
const streams = new Streams(interrupt);

process.exit(await main());

/** @returns {Promise<number>} exit code */
async function main() {
  let failed = false;
  try {
    const machine = await Machine.open(task.command, interrupt, streams);
    try {
      failed = !runAll(machine);
      if (!failed && task.command.interactive) await converse(machine);
    } finally {
      await machine.close();
    }
  } catch (error) {
    complain(error);
    return 1;
  }
  if (interrupt.signal !== 0) return 128 + interrupt.signal;
  if (interrupt.exitCode !== null) return interrupt.exitCode;
  return failed ? 1 : 0;
}

/**
 * Run everything on the command line, up to what fails.
 *
 * @param {Machine} machine
 * @returns {boolean} whether all ended well
 */
function runAll(machine) {
  const { command, words, program } = task;
  machine.lua.compute(argumentTable(command, words));
  for (const step of command.first) {
    const ended =
      'code' in step
        ? machine.run(step.code, { name: '=(command line)' })
        : machine.run(`_G[${literal(step.global)}] = require(${literal(step.module)})`, { name: '=(command line)' });
    if (!ended) return false;
  }
  return program === null || machine.run(program, { name: command.file === '-' ? '=stdin' : `@${command.file}`, passArguments: true });
}

/**
 * Answer the prompt until it ends.
 *
 * @param {Machine} machine
 */
async function converse(machine) {
  const prompt = new Console(machine);
  port.postMessage({ atLineStart: streams.atLineStart, language: machine.language });
  for (;;) {
    const [request] = /** @type {[Request]} */ (await once(port, 'message'));
    if (request.ask === 'end') return;
    const message = await answer(machine, prompt, request);
    if (interrupt.exitCode !== null) return;
    port.postMessage(message);
  }
}

/**
 * @param {Machine} machine
 * @param {Console} prompt
 * @param {Exclude<Request, { ask: 'end' }>} request
 */
async function answer(machine, prompt, request) {
  switch (request.ask) {
    case 'evaluate': {
      streams.atLineStart = true;
      const whole = prompt.evaluate(request.text, request.final);
      return { whole, atLineStart: streams.atLineStart };
    }
    case 'complete':
      return { completions: prompt.complete(request.line) };
    case 'save':
      try {
        return { saved: await machine.save() };
      } catch (error) {
        complain(error);
        return { saved: false };
      }
  }
}

/**
 * @param {unknown} error
 * @throws what is no message for the user
 */
function complain(error) {
  if (!(error instanceof CommandError || error instanceof StateError)) throw error;
  streams.report(`lua-persistent: ${error.message.replace(LOOK_ONLY, 'open it with --read-only to look at it')}`);
}
