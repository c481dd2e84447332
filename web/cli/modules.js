/**
 * Where `require` finds modules: as `lua` does by its `package.path`, but beside the program first.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What `;;` stands for in the environment variables. */
const HERE = './?.lua;./?/init.lua';

/**
 * What `require` asks.
 *
 * @param {string | undefined} file the program
 * @param {NodeJS.ProcessEnv} [environment] `LUA_PATH_5_4` or `LUA_PATH` is searched after the program's folder
 * @returns {(name: string) => Uint8Array | undefined}
 */
export function moduleFinder(file, environment = process.env) {
  const folder = file === undefined || file === '-' ? '.' : path.dirname(file);
  const given = environment.LUA_PATH_5_4 || environment.LUA_PATH || HERE;
  const beside = ['?.lua', '?/init.lua'].map((template) => path.join(folder, template));
  const templates = [...beside, ...given.replace(';;', `;${HERE};`).split(';').filter(Boolean)];
  return (name) => {
    const part = name.replaceAll('.', '/');
    for (const template of templates) {
      try {
        return readFileSync(template.replaceAll('?', () => part));
      } catch (error) {
        const { code } = /** @type {NodeJS.ErrnoException} */ (error);
        if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') throw error;
      }
    }
    return undefined;
  };
}
