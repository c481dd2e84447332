// Tests that the licence and the notices exist and name everything that is linked into lua.wasm.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { ROOT } from './markdown.js';

const read = (file) => readFileSync(path.join(ROOT, file), 'utf8');
const notice = read('NOTICE');

test('the licence is the one that the packages name', () => {
  assert.match(read('LICENSE'), /^MIT License\n/);
  assert.equal(JSON.parse(read('web/package.json')).license, 'MIT');
  assert.match(read('Cargo.toml'), /^license = "MIT"$/m);
});

test('the notice has that of each Lua release that is built', () => {
  const [, lines] = /\[package\.metadata\.lua\.lines\]\n([^]*?)\n\n/.exec(read('vendor/Cargo.toml'));
  const releases = [...lines.matchAll(/^"[\d.]+" = "([\d.]+)"/gm)].map((match) => match[1]);
  assert.ok(releases.length > 0);
  for (const release of releases) assert.ok(notice.includes(`Lua ${release}`), `NOTICE does not name Lua ${release}`);
  assert.match(notice, /^Copyright \(C\) 1994-\d{4} Lua\.org, PUC-Rio\.$/m);
});

test('the notice names every crate that the guest links', () => {
  const [, dependencies] = /\n\[dependencies\]\n([^]*?)\n\[/.exec(read('Cargo.toml'));
  const names = [...dependencies.matchAll(/^([\w-]+) =/gm)].map((match) => match[1]);
  assert.ok(names.length > 0);
  for (const name of names) assert.ok(notice.includes(name), `NOTICE does not name ${name}`);
});

test('the package ships the notice', () => {
  assert.ok(JSON.parse(read('web/package.json')).files.includes('NOTICE'));
});

test('the changelog has the release of the package, and the same stands everywhere', () => {
  const { version } = JSON.parse(read('web/package.json'));
  assert.match(read('CHANGELOG.md'), new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b`, 'm'));
  assert.match(read('Cargo.toml'), new RegExp(`^version = "${version.replaceAll('.', '\\.')}"$`, 'm'));
});
