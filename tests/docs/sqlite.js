// Runs the blocks of documents that need a database, in a Node that has `node:sqlite`.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { runJavaScript, runNode } from './javascript.js';
import { ROOT } from './markdown.js';

/** The Node that npm brings for the tests of the package. */
const OTHER = path.join(ROOT, 'tests/package/node_modules/node24/bin/node');

/**
 * Finds a Node with `node:sqlite`.
 *
 * @returns {Promise<string | null>} its program, null if there is none
 */
export async function nodeWithSqlite() {
  const own = await import('node:sqlite').catch(() => null);
  if (own !== null) return process.execPath;
  return existsSync(OTHER) ? OTHER : null;
}

/**
 * Runs a block.
 *
 * @param {{ language: string, code: string }} block
 * @param {string} folder
 * @param {string} program
 */
export async function runWithSqlite({ language, code }, folder, program) {
  if (language === 'js') return runJavaScript(code, { folder, program });
  assert.equal(language, 'sql');
  const script = "const { DatabaseSync } = await import('node:sqlite'); console.log(new DatabaseSync('data.db').prepare(process.argv[1]).all().length);";
  const { status, output } = await runNode(['--no-warnings', '--input-type=module', '-e', script, '--', code], folder, {}, program);
  assert.equal(status, 0, output);
  assert.ok(Number(output) > 0, 'the query finds nothing');
  return undefined;
}
