// Checks HTML pages in documents: the files that they name exist, and their module runs on a browser that has only elements
// with text.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { runJavaScript } from './javascript.js';

const DOCUMENT = `
const elements = new Map();
globalThis.document = {
  querySelector(selector) {
    if (!elements.has(selector)) elements.set(selector, { textContent: '', append(...parts) { this.textContent += parts.join(''); } });
    return elements.get(selector);
  },
};
document.body = document.querySelector('body');
`;

/**
 * @param {string} code
 * @param {string} folder of a project
 */
export async function runPage(code, folder) {
  const maps = [...code.matchAll(/<script type="importmap">([^]*?)<\/script>/g)].map((match) => JSON.parse(match[1]));
  for (const file of maps.flatMap((map) => Object.values(map.imports))) assert.ok(existsSync(path.join(folder, file)), `there is no ${file}`);
  const modules = [...code.matchAll(/<script type="module">([^]*?)<\/script>/g)].map((match) => match[1]);
  assert.ok(modules.length > 0, 'a page without a module shows nothing');
  for (const module of modules) await runJavaScript(module, { folder, before: DOCUMENT.replace(/\n/g, ' ') });
}
