/**
 * Writes the files of a release into a folder: the package as npm takes it, every artifact, the ABI file, its test vectors, the
 * conformance kit for hosts, and the SHA-256 of each.
 *
 * ```sh
 * node web/build/release.js target/release-files
 * ```
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ARTIFACTS } from './binaries.js';

const WEB = fileURLToPath(new URL('..', import.meta.url));

/** The conformance kit, which a host in any language runs. */
const KIT = join(WEB, '../hosts/kit');

/** The list of checksums, in the form that `sha256sum --check` reads. */
const SUMS = 'SHA256SUMS';

/**
 * Makes the folder, and everything in it.
 *
 * @param {string} folder is emptied
 * @returns {string[]} the files, by their paths in the folder
 */
export function writeRelease(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], {
    cwd: WEB,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  for (const name of [...ARTIFACTS, 'abi.json']) copyFileSync(join(WEB, name), join(folder, name));
  cpSync(KIT, join(folder, 'kit'), { recursive: true });
  cpSync(join(WEB, 'abi'), join(folder, 'abi'), { recursive: true });
  const files = filesIn(folder);
  writeFileSync(join(folder, SUMS), files.map((file) => `${sha256(join(folder, file))}  ${file}\n`).join(''));
  return [...files, SUMS];
}

/**
 * @param {string} folder
 * @returns {string[]} paths below it, in order
 */
function filesIn(folder) {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile());
  return paths.map((path) => path.split(sep).join('/')).sort();
}

/**
 * @param {string} path
 * @returns {string}
 */
function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2]);
  for (const file of writeRelease(folder)) console.log(`${file}: ${statSync(join(folder, file)).size} bytes`);
}
