// Tests the contents of the tarball: what package tools say of it, which syntax its scripts use, and which paths and names
// it must not contain.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { checkPackage, Package } from '@arethetypeswrong/core';
import { parse } from 'acorn';
import { full } from 'acorn-walk';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { ARTIFACTS, BINARIES } from '../../web/build/binaries.js';
import { INSTALLED, RELEASE, ROOT, TARBALL } from './project.js';

const DIST = join(INSTALLED, 'dist');

/** Scripts that browsers run. */
const BROWSERS = ['lua-persistent.js', 'core.js', 'persist.js', 'sqlite.js', 'loader.js', 'inline.js', 'lua-5.5.js'];

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
  const own = ['LICENSE', 'README.md', 'dist', 'docs', 'examples', 'hosts', 'package.json'];
  const files = readdirSync(INSTALLED).filter((name) => !/^(NOTICE|CHANGELOG|CONTRIBUTING)/.test(name));
  assert.deepEqual(files.map((name) => name.replace(/^LICENSE\.\w+$/, 'LICENSE')).sort(), own);
  assert.deepEqual(
    readdirSync(DIST).sort(),
    [...BROWSERS, ...BINARIES, 'cli.js', 'loader.d.ts', 'lua-5.5.d.ts', 'lua-persistent.d.ts', 'package.json', 'worker.js'].sort(),
  );
});

test('each module and each delta can be imported by its name, and no bundler takes a delta for text', () => {
  const { exports } = JSON.parse(readFileSync(join(INSTALLED, 'package.json'), 'utf8'));
  assert.equal(BINARIES.length, 6);
  for (const name of BINARIES) {
    assert.equal(exports[`./${name}`], `./dist/${name}`);
    assert.ok(statSync(join(DIST, name)).size > 4096, name);
  }
});

test('a release has the package, every artifact, the ABI file, its vectors and the conformance kit, with a checksum of each', () => {
  const kit = ['kit/README.md', 'kit/kit.wasm', 'kit/promises.json'];
  const vectors = readdirSync(join(ROOT, 'web/abi')).map((name) => `abi/${name}`);
  assert.ok(vectors.includes('abi/values.json'));
  const files = [basename(TARBALL), ...ARTIFACTS, 'abi.json', ...vectors, ...kit].sort();
  assert.equal(ARTIFACTS.length, 6);
  const lines = readFileSync(join(RELEASE, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  assert.deepEqual(lines.map((line) => line.slice(66)), files);
  assert.deepEqual(filesIn(RELEASE).sort(), [...files, 'SHA256SUMS'].sort());
  for (const line of lines) {
    const sum = createHash('sha256').update(readFileSync(join(RELEASE, line.slice(66)))).digest('hex');
    assert.equal(line, `${sum}  ${line.slice(66)}`);
  }
});

test('what a page loads to run Lua takes less than 180 KB, compressed as servers do', () => {
  const files = ['lua.wasm', 'lua-persistent.js', 'core.js', 'loader.js'];
  const sizes = files.map((name) => [name, gzipSync(readFileSync(join(DIST, name)), { level: 9 }).length]);
  const sum = sizes.reduce((total, [, size]) => total + Number(size), 0);
  assert.ok(sum < 180_000, `${sum}: ${sizes.map((size) => size.join(' ')).join(', ')}`);
});

test('what lua-persistent/inline loads takes less than 210 KB, and the tarball less than 800 KB', () => {
  assert.ok(gzipSync(readFileSync(join(DIST, 'inline.js')), { level: 9 }).length < 210_000);
  assert.ok(statSync(TARBALL).size < 800_000, String(statSync(TARBALL).size));
});

test('what turns the module into that of Lua 5.5 takes less than 70 KB, compressed', () => {
  assert.ok(gzipSync(readFileSync(join(DIST, 'lua-5.5.js')), { level: 9 }).length < 70_000);
});

test('every link in a document leads to a file of the package, or to another place on the Web', () => {
  // What the documents of hosts lead to is in the files of a release, or in the repository.
  const documents = filesIn(INSTALLED).filter((file) => file.endsWith('.md') && !file.startsWith('hosts/'));
  assert.ok(documents.includes('README.md') && documents.length > 5);
  const broken = [];
  for (const file of documents) {
    const prose = readFileSync(join(INSTALLED, file), 'utf8').replace(/^ *```[^]*?^ *```$/gm, '');
    for (const [, link] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      const [path] = link.split('#');
      if (!/^https:/.test(link) && path !== '' && !existsSync(join(INSTALLED, dirname(file), path))) broken.push(`${file}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
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
