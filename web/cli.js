#!/usr/bin/env node
/**
 * The command: run a Lua file, with state that outlives it.
 *
 * What a program has put into external tables is saved also when it ends with an error: its assignments have been made by
 * then, one by one, and are not undone.
 */

import { readFileSync, realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { Lua, LuaError, StateError } from './lua-persistent.js';

const USAGE = `usage: lua-persistent FILE [--state STATE] [--] [args...]

Runs a Lua file. FILE and the args are in the global table 'arg', and the args in '...', as with the command 'lua'.

  --state STATE  keep external tables (_home and all that it leads to) in the file STATE
  --help         show this text
  --version      show the version
`;

/** The command line makes no sense. */
class UsageError extends Error {}

/** The command cannot do its work, for a reason outside the program. */
class CommandError extends Error {}

/**
 * @typedef {object} Command
 * @property {string} file
 * @property {string | undefined} state
 * @property {string[]} args
 */

/**
 * Read the command line. Options end at `--`; whatever follows the file and is none of ours belongs to the program.
 *
 * @param {string[]} words
 * @returns {Command | 'help' | 'version'}
 * @throws {UsageError}
 */
export function parseArguments(words) {
  /** @type {string | undefined} */
  let file;
  /** @type {string | undefined} */
  let state;
  /** @type {string[]} */
  const args = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (word === '--') {
      const [first, ...rest] = words.slice(index + 1);
      if (file !== undefined && first !== undefined) args.push(first);
      file ??= first;
      args.push(...rest);
      break;
    } else if (word === '--state' || word.startsWith('--state=')) {
      if (state !== undefined) throw new UsageError('--state is given twice');
      state = word === '--state' ? words[++index] : word.slice('--state='.length);
      if (!state) throw new UsageError('--state needs a file');
    } else if (file !== undefined) {
      args.push(word);
    } else if (word === '--help' || word === '-h') {
      return 'help';
    } else if (word === '--version') {
      return 'version';
    } else if (word.startsWith('-') && word !== '-') {
      throw new UsageError(`unknown option ${word}`);
    } else {
      file = word;
    }
  }
  if (file === undefined) throw new UsageError('no FILE is given');
  return { file, state, args };
}

/**
 * Read a program. As in `lua`, a first line that begins with `#` is for the shell, not for Lua.
 *
 * @param {string} file path, or `-` for the standard input
 * @returns {Uint8Array}
 * @throws {CommandError}
 */
function readProgram(file) {
  let code;
  try {
    code = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const { code: reason, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const why = reason === 'ENOENT' ? 'there is no such file' : message.split(', ')[0];
    throw new CommandError(`cannot read '${file}': ${why}`);
  }
  if (code[0] === 0xef && code[1] === 0xbb && code[2] === 0xbf) code = code.subarray(3);
  if (code[0] === 0x23) {
    // Blanked, so that line numbers stay right.
    const end = code.indexOf(0x0a);
    code.fill(0x20, 0, end < 0 ? code.length : end);
  }
  return code;
}

/**
 * A Lua string literal of any text.
 *
 * @param {string} text
 * @returns {string}
 */
function literal(text) {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return `"${text.replace(/[\u0000-\u001f"\\\u007f]/g, (character) => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`)}"`;
}

/**
 * Run a program to its end.
 *
 * @param {Command} command
 * @returns {Promise<number>} exit code
 */
async function run({ file, state, args }) {
  const code = readProgram(file);
  /** @type {import('./lua-persistent.js').LuaOptions} */
  const options = { onPrint: (_text, bytes) => process.stdout.write(bytes), keepOutput: false };
  const lua = await (state === undefined ? Lua.create(options) : Lua.open(state, options));
  lua.compute(`arg = {[0] = ${literal(file)}${args.map((word) => `, ${literal(word)}`).join('')}}`);

  let exitCode = 0;
  try {
    lua.compute(code, { name: file === '-' ? '=stdin' : `@${file}`, passArguments: true });
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    process.stderr.write(`lua-persistent: ${error.message}\n${error.traceback === '' ? '' : `${error.traceback}\n`}`);
    exitCode = 1;
  }

  await lua.close();
  return exitCode;
}

/** @returns {string} */
function version() {
  return JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).version;
}

/**
 * @param {string[]} words the command line
 * @returns {Promise<number>} exit code: 0; 1 if the program failed or could not be run; 2 if the command line is wrong
 */
export async function main(words) {
  try {
    const command = parseArguments(words);
    if (command === 'help') process.stdout.write(USAGE);
    else if (command === 'version') process.stdout.write(`lua-persistent ${version()}\n`);
    else return await run(command);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`lua-persistent: ${error.message}\n${USAGE}`);
      return 2;
    }
    if (!(error instanceof CommandError || error instanceof StateError)) throw error;
    process.stderr.write(`lua-persistent: ${error.message}\n`);
    return 1;
  }
}

// npm installs commands as symbolic links.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  // Whoever reads the output may stop reading: that is no error.
  process.stdout.on('error', (error) => {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
  });
  process.exitCode = await main(process.argv.slice(2));
}
