/**
 * Reads programs, and writes what Lua is told about the command line.
 *
 * @import { Command } from './arguments.js'
 */

import { readFileSync } from 'node:fs';

import { CommandError, reasonOf } from './errors.js';

/**
 * Read a program. As in `lua`, a first line that begins with `#` is for the shell, not for Lua.
 *
 * @param {string} file path, or `-` for the standard input
 * @returns {Uint8Array}
 * @throws {CommandError}
 */
export function readProgram(file) {
  let code;
  try {
    code = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new CommandError(`cannot read '${file}': ${reasonOf(error)}`);
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
export function literal(text) {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return `"${text.replace(/[\u0000-\u001f"\\\u007f]/g, (character) => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`)}"`;
}

/**
 * Code that makes the global table `arg` as `lua` does: the program at 0, its arguments from 1 on, what stands before it
 * below 0. Without a program, the name of the command is at 0.
 *
 * @param {Command} command
 * @param {string[]} words the whole command line
 * @returns {string}
 */
export function argumentTable({ file, before, args }, words) {
  const all = ['lua-persistent', ...(file === undefined ? words : [...before, file, ...args])];
  const zero = file === undefined ? 0 : before.length + 1;
  // A machine that goes on with a snapshot may have a metatable on _G that minds new globals.
  return `rawset(_G, "arg", {${all.map((word, index) => `[${index - zero}] = ${literal(word)}`).join(', ')}})`;
}
