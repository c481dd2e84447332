/**
 * Names the folders of the packed package and of the project that uses it. `install.js` makes both.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const WEB = join(ROOT, 'web');
export const FOLDER = join(ROOT, 'target', 'package');

const { name, version } = JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8'));

/** The files of a release. */
export const RELEASE = join(FOLDER, 'release');

/** The tarball that `npm pack` makes. */
export const TARBALL = join(RELEASE, `${name}-${version}.tgz`);

/** A project that the tarball is installed into, with the files of `programs/`. */
export const PROJECT = join(FOLDER, 'project');

/** The package there. */
export const INSTALLED = join(PROJECT, 'node_modules', name);
