// Makes folders in which the code of documents runs as it would in a reader's project.

import * as fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ROOT } from './markdown.js';

/**
 * An empty folder that is removed when the process ends.
 *
 * @returns {string}
 */
export function temporary() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-docs-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * The package as it is installed, but that what it ships are the files in `web/` before they are bundled.
 *
 * @param {string} folder where to put it
 */
export function makePackage(folder) {
  fs.mkdirSync(folder, { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'web/package.json'), path.join(folder, 'package.json'));
  fs.symlinkSync(path.join(ROOT, 'web'), path.join(folder, 'dist'), 'junction');
}

/**
 * A project in which the package is installed.
 *
 * @returns {string} its folder
 */
export function linkedProject() {
  const folder = temporary();
  makePackage(path.join(folder, 'node_modules/lua-persistent'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}
