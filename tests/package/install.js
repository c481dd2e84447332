/**
 * Packs the package and installs it into an empty project, as a new user would, for the tests. Nothing is taken from a
 * network: the package has no dependencies.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writeRelease } from '../../web/build/release.js';
import { FOLDER, PROJECT, RELEASE, TARBALL } from './project.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/**
 * @param {string[]} words
 * @param {string} folder
 */
function npm(words, folder) {
  execFileSync('npm', [...words, '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(PROJECT, { recursive: true });
writeRelease(RELEASE);
writeFileSync(join(PROJECT, 'package.json'), '{ "private": true, "type": "module" }\n');
npm(['install', '--offline', '--no-audit', '--no-fund', TARBALL], PROJECT);
cpSync(join(HERE, 'programs'), PROJECT, { recursive: true });
// How pages tell what went wrong in them.
cpSync(join(HERE, '../browser/complaints.js'), join(PROJECT, 'complaints.js'));
