/**
 * Finds the modules that `require` loads in the command: as in `lua`, in the files that `package.path` leads to, which begins
 * with the folder of the program.
 *
 * @import { Lua } from '../lua-persistent.js'
 */

import fs from 'node:fs';
import path from 'node:path';

import { MultiReturn } from '../lua-persistent.js';
import { CommandError } from './errors.js';
import { readProgram } from './source.js';

/** What `;;` stands for in the environment variables. */
const HERE = './?.lua;./?/init.lua';

/**
 * The initial `package.path`.
 *
 * @param {string | undefined} file the program
 * @param {NodeJS.ProcessEnv} [environment] `LUA_PATH_5_4` or `LUA_PATH` is searched after the program's folder
 * @returns {string}
 */
export function modulePath(file, environment = process.env) {
  const folder = file === undefined || file === '-' ? '.' : path.dirname(file);
  const beside = folder === '.' ? HERE : ['?.lua', '?/init.lua'].map((template) => path.join(folder, template)).join(';');
  const given = environment.LUA_PATH_5_4 || environment.LUA_PATH || HERE;
  const templates = `${beside};${given.replace(';;', `;${HERE};`)}`.split(';');
  return templates.filter((template, index) => template !== '' && templates.indexOf(template) === index).join(';');
}

/**
 * `package.searchpath`, on the files of this machine.
 *
 * @param {unknown} name
 * @param {unknown} templates
 * @param {unknown} separator
 * @param {unknown} replacement
 * @returns {string | MultiReturn} the first file that can be read; else nil and the files that were tried
 */
function searchPath(name, templates, separator, replacement) {
  const [module, list] = [textOf(name, 1), textOf(templates, 2)];
  const dot = separator === null || separator === undefined ? '.' : textOf(separator, 3);
  const slash = replacement === null || replacement === undefined ? '/' : textOf(replacement, 4);
  const part = dot === '' ? module : module.split(dot).join(slash);
  const files = list.split(';').filter(Boolean).map((template) => template.replaceAll('?', () => part));
  const found = files.find(isReadable);
  return found === undefined ? MultiReturn.of(null, files.map((file) => `no file '${file}'`).join('\n\t')) : found;
}

/**
 * @param {unknown} value
 * @param {number} number of the argument
 * @returns {string}
 */
function textOf(value, number) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw new TypeError(`bad argument #${number} to 'searchpath' (string expected)`);
}

/**
 * @param {string} file
 * @returns {boolean}
 */
function isReadable(file) {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return !fs.statSync(file).isDirectory();
  } catch (_missing) {
    return false;
  }
}

/**
 * The source of a module.
 *
 * @param {string} file
 * @returns {Uint8Array | MultiReturn} or nil and why it cannot be read
 */
function readModule(file) {
  try {
    return readProgram(file);
  } catch (error) {
    if (error instanceof CommandError) return MultiReturn.of(null, error.message);
    throw error;
  }
}

/** The searcher: in place of the one that asks for the option `modules`, and of Lua's own, which has no files. */
const SEARCHER = `
local package, load, error, type = package, load, error, type
local read = package.readmodule
package.readmodule = nil
table.remove(package.searchers, 3)
package.searchers[2] = function(name)
  local path = package.path
  if type(path) ~= "string" then error("'package.path' must be a string", 0) end
  local file, problem = package.searchpath(name, path)
  if not file then return problem end
  local source, loader
  source, problem = read(file)
  if source then loader, problem = load(source, "@" .. file, "t") end
  if not loader then error("error loading module '" .. name .. "' from file '" .. file .. "':\\n\\t" .. problem, 0) end
  return loader, file
end`;

/** What a machine that goes on from a snapshot finds again by name. */
export const MODULE_FUNCTIONS = { package: { searchpath: searchPath, readmodule: readModule } };

/**
 * Give a new machine modules from files.
 *
 * @param {Lua} lua
 * @param {string} templates
 */
export function offerModules(lua, templates) {
  lua.set('package.path', templates);
  lua.set('package.searchpath', searchPath);
  lua.set('package.readmodule', readModule);
  lua.compute(SEARCHER, { name: '=[lua-persistent]' });
}
