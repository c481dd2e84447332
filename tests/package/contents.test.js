// What the tarball holds: what tools for packages say of it, what its scripts need of an engine, what it must not tell.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { checkPackage, Package } from '@arethetypeswrong/core';
import { parse } from 'acorn';
import { full } from 'acorn-walk';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { INSTALLED, ROOT } from './project.js';

const DIST = join(INSTALLED, 'dist');

/** Scripts that browsers run. */
const BROWSERS = ['lua-persistent.js', 'core.js', 'persist.js', 'loader.js'];

/** Paths of all files in a folder. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true }).map((path) => path.split(sep).join('/')).filter((path) => statSync(join(folder, path)).isFile());
}

test('publint has nothing to say', async () => {
  const { messages, pkg } = await publint({ pkgDir: INSTALLED, pack: false, strict: true });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), []);
});

test('the types are right for every resolution of modules that knows ES modules', async () => {
  const files = Object.fromEntries(filesIn(INSTALLED).map((file) => [`/node_modules/lua-persistent/${file}`, new Uint8Array(readFileSync(join(INSTALLED, file)))]));
  const checked = await checkPackage(new Package(files, 'lua-persistent', '0.0.0'), { excludeEntrypoints: [/\.(wasm|delta)$/] });
  assert.ok(checked.types, 'the package has types');
  // TypeScript's oldest resolution does not know `exports`, and `require` is not offered.
  const problems = checked.problems.filter(({ resolutionKind }) => !['node10', 'node16-cjs'].includes(resolutionKind));
  assert.deepEqual(problems, []);
});

test('the tarball holds what is needed, and nothing else', () => {
  const own = ['LICENSE', 'README.md', 'dist', 'package.json'];
  const files = readdirSync(INSTALLED).filter((name) => !/^(NOTICE|CHANGELOG)/.test(name));
  assert.deepEqual(files.map((name) => name.replace(/^LICENSE\.\w+$/, 'LICENSE')).sort(), own);
  assert.deepEqual(
    readdirSync(DIST).sort(),
    [...BROWSERS, 'cli.js', 'loader.d.ts', 'lua-host.delta', 'lua-persistent.d.ts', 'lua.wasm', 'package.json', 'worker.js'].sort(),
  );
});

test('what a page loads to run Lua takes less than 150 KB, compressed as servers do', () => {
  const files = ['lua.wasm', 'lua-persistent.js', 'core.js', 'loader.js'];
  const sizes = files.map((name) => [name, gzipSync(readFileSync(join(DIST, name)), { level: 9 }).length]);
  const sum = sizes.reduce((total, [, size]) => total + Number(size), 0);
  assert.ok(sum < 150_000, `${sum}: ${sizes.map((size) => size.join(' ')).join(', ')}`);
});

for (const name of BROWSERS) {
  test(`${name} keeps to the syntax of Chrome 74 and Firefox 79, and needs nothing of Node`, () => {
    const tooNew = [];
    full(parse(readFileSync(join(DIST, name), 'utf8'), { ecmaVersion: 2020, sourceType: 'module' }), (node) => {
      if (node.type === 'ChainExpression' || (node.type === 'LogicalExpression' && node.operator === '??')) tooNew.push(node);
      if (node.type === 'ExportAllDeclaration' && node.exported) tooNew.push(node);
      if (node.type === 'ImportDeclaration' && !String(node.source.value).startsWith('./')) tooNew.push(node);
    });
    assert.deepEqual(tooNew, []);
  });
}

test('no file names a folder of the machine that built it', () => {
  for (const file of filesIn(INSTALLED)) {
    const text = readFileSync(join(INSTALLED, file), 'latin1');
    for (const folder of [ROOT, `${homedir()}/`]) assert.ok(!text.includes(folder), `${file} names ${folder}`);
  }
});
