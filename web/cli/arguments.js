/**
 * Reads the command line.
 *
 * @import { LuaLine } from '../lua-persistent.js'
 * @import { Limits } from './limits.js'
 */

import { LUA_LINES } from '../loader.js';
import { UsageError } from './errors.js';
import { addLimits } from './limits.js';

export const USAGE = `usage: lua-persistent [options] [FILE [args...]]
       lua-persistent migrate STATE NEW

Runs the Lua program FILE. FILE and the args are in the global table 'arg', and the args in '...', as with the command
'lua'. Without FILE and -e there is a prompt, or the standard input is run if it is no terminal.

'migrate' copies the state file STATE into a SQLite database NEW, or such a database into a state file.

  -e CODE              run CODE first; may be given several times
  -l NAME, -l G=NAME   first load the module NAME into a global of that name, or into the global G
  -i                   give a prompt at the end
  -                    as FILE: the standard input
  --lua LINE           run Lua of that line, 5.4 (by default) or 5.5
  --state STATE        keep external tables (_home and all that it leads to) in the file STATE, which may
                       be a SQLite database
  --snapshot SNAPSHOT  go on with the machine in the file SNAPSHOT, if it is there, and put it there at the end
  --read-only          only look at STATE or SNAPSHOT, which another process may have open: nothing is saved
  --limit NAME=N       stop FILE, each CODE and each input at the prompt when it goes beyond N, a number as 250, 1e6, 10k
                       or 5M. NAME: instructions (rounds of loops and calls of functions), milliseconds (or ms),
                       output-bytes. Also for all that is run: table-entries and table-bytes of external tables, and heap
                       (bytes of Lua's heap). May be given several times, or several with commas between them
  --                   end of the options
  -h, --help           show this text
  -v, --version        show the version

--lua, --state, --snapshot, --read-only and --limit may also stand behind FILE; all else there is the program's, as is all behind
'--'.
`;

/**
 * What is run before FILE: code, or a module that is loaded into a global.
 *
 * @typedef {{ code: string } | { module: string, global: string }} Preliminary
 */

/**
 * @typedef {object} Command
 * @property {Preliminary[]} first
 * @property {string | undefined} file
 * @property {string[]} before the words before FILE
 * @property {string[]} args
 * @property {boolean} interactive
 * @property {LuaLine | undefined} lua
 * @property {string | undefined} state
 * @property {string | undefined} snapshot
 * @property {boolean} readOnly
 * @property {Limits} limits
 */

/** @typedef {'lua' | 'state' | 'snapshot' | 'limit'} LongOption */

const LINES = LUA_LINES.join(' or ');

/** @type {Record<LongOption, string>} */
const NEEDS = { lua: `a line of Lua, ${LINES}`, state: 'a file', snapshot: 'a file', limit: 'NAME=NUMBER' };

/**
 * Read the command line.
 *
 * @param {string[]} words
 * @returns {Command | 'help' | 'version'}
 * @throws {UsageError}
 */
export function parseArguments(words) {
  /** @type {Command} */
  const command = { first: [], file: undefined, before: [], args: [], interactive: false, lua: undefined, state: undefined, snapshot: undefined, readOnly: false, limits: {} };
  let at = 0;
  let ended = false;

  /**
   * @param {string} name
   * @param {string} inline what follows the name in the same word
   * @param {string} needed
   */
  const valueOf = (name, inline, needed) => {
    const value = inline === '' ? words[++at] : inline;
    if (!value) throw new UsageError(`${name} needs ${needed}`);
    return value;
  };

  /** @param {string} word */
  const takeLong = (word) => {
    if (word === '--read-only') {
      command.readOnly = true;
      return true;
    }
    const [, name, equals, inline] = /^--(lua|state|snapshot|limit)(=?)([^]*)$/.exec(word) || [];
    if (name === undefined || (equals === '' && inline !== '')) return false;
    const key = /** @type {LongOption} */ (name);
    if (equals !== '' && inline === '') throw new UsageError(`--${name} needs ${NEEDS[key]}`);
    const value = valueOf(`--${name}`, inline, NEEDS[key]);
    if (key === 'limit') {
      addLimits(command.limits, value);
    } else {
      if (command[key] !== undefined) throw new UsageError(`--${name} is given twice`);
      if (key === 'lua') command.lua = lineOf(value);
      else command[key] = value;
    }
    return true;
  };

  for (; at < words.length && command.file === undefined; at++) {
    const word = words[at];
    if (ended || word === '-' || !word.startsWith('-')) {
      command.file = word;
      command.before = words.slice(0, at);
    } else if (word === '--') ended = true;
    else if (word === '-h' || word === '--help') return 'help';
    else if (word === '-v' || word === '--version') return 'version';
    else if (word === '-i') command.interactive = true;
    else if (word.startsWith('-e')) command.first.push({ code: valueOf('-e', word.slice(2), 'CODE') });
    else if (word.startsWith('-l')) command.first.push(moduleOf(valueOf('-l', word.slice(2), 'the NAME of a module')));
    else if (!takeLong(word)) throw new UsageError(`unknown option ${word}`);
  }
  for (; at < words.length; at++) {
    if (!ended && words[at] === '--') ended = true;
    else if (ended || !takeLong(words[at])) command.args.push(words[at]);
  }

  checkTogether(command);
  return command;
}

/**
 * Refuses options that do not go together.
 *
 * @param {Command} command
 * @throws {UsageError}
 */
function checkTogether({ state, snapshot, readOnly }) {
  if (state !== undefined && snapshot !== undefined) {
    throw new UsageError('--state and --snapshot exclude each other: a snapshot holds the external tables, too');
  }
  if (readOnly && state === undefined && snapshot === undefined) throw new UsageError('--read-only needs --state or --snapshot');
}

/**
 * @param {string} text
 * @returns {LuaLine}
 * @throws {UsageError}
 */
function lineOf(text) {
  const line = LUA_LINES.find((known) => known === text);
  if (line === undefined) throw new UsageError(`--lua '${text}' is none that there is: it has to be ${LINES}`);
  return line;
}

/**
 * @param {string} text `NAME` or `GLOBAL=NAME`
 * @returns {Preliminary}
 */
function moduleOf(text) {
  const equals = text.indexOf('=');
  return equals < 0 ? { module: text, global: text } : { module: text.slice(equals + 1), global: text.slice(0, equals) };
}
