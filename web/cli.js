#!/usr/bin/env node
/**
 * The command `lua-persistent`: runs Lua programs, and a prompt, with state that outlives them.
 *
 * What a program has put into external tables is saved also when it ends with an error or is stopped: its assignments have
 * been made by then, one by one, and are not undone.
 *
 * @import { Command } from './cli/arguments.js'
 */

import { readFileSync, realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

import { parseArguments, USAGE } from './cli/arguments.js';
import { CommandError, outputFailure, UsageError } from './cli/errors.js';
import { migrate } from './cli/migrate.js';
import { Prompt } from './cli/prompt.js';
import { readProgram } from './cli/source.js';
import { Thread } from './cli/thread.js';

/** @returns {string} */
function version() {
  return JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).version;
}

/**
 * Run what the command line says.
 *
 * @param {Command} command
 * @param {string[]} words
 * @returns {Promise<number>} exit code
 */
async function run(command, words) {
  if (command.file === undefined && !command.interactive && !command.first.some((step) => 'code' in step)) {
    if (process.stdin.isTTY) command.interactive = true;
    else command.file = '-';
  }
  const program = command.file === undefined ? null : readProgram(command.file);
  const thread = new Thread({ command, words, program });
  if (command.interactive) {
    const ready = await thread.next();
    if (ready !== null) await new Prompt(thread, `lua-persistent ${version()}, ${ready.language}; .help tells what there is`).run(ready.atLineStart);
  }
  return thread.ended;
}

/**
 * @param {string[]} words the command line
 * @returns {Promise<number>} exit code: 0; 1 if the program failed or could not be run; 2 if the command line is wrong; 128
 *   and the number of the signal that stopped it
 */
async function main(words) {
  try {
    if (words[0] === 'migrate') {
      process.stdout.write(await migrate(words.slice(1)));
      return 0;
    }
    const command = parseArguments(words);
    if (command === 'help') process.stdout.write(USAGE);
    else if (command === 'version') process.stdout.write(`lua-persistent ${version()}\n`);
    else return await run(command, words);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`lua-persistent: ${error.message}\n${USAGE}`);
      return 2;
    }
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`lua-persistent: ${error.message}\n`);
    return 1;
  }
}

// npm installs commands as symbolic links. Bundled, this file is loaded by the thread of Lua, too.
if (isMainThread && process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  let failed = false;
  process.stdout.on('error', (error) => {
    // Whoever reads the output may stop reading: that is no error.
    if (failed || /** @type {NodeJS.ErrnoException} */ (error).code === 'EPIPE') return;
    failed = true;
    process.exitCode = 1;
    process.stderr.write(`lua-persistent: ${outputFailure(error)}\n`);
  });
  // Where nothing can be said, the exit code has to do.
  process.stderr.on('error', () => {});
  const exitCode = await main(process.argv.slice(2));
  process.exitCode = failed && exitCode === 0 ? 1 : exitCode;
}
