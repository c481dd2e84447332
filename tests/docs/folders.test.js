// What documents say of files and folders is there: the README's table has each folder at the top, that of
// docs/IMPLEMENTATION.md each folder, and paths that documents for engineers name exist.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { ROOT } from './markdown.js';

/** Every folder that holds a file that git knows or would take, as `src/heap/`. */
function folders() {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  const found = new Set();
  for (const file of list.split('\0')) {
    for (let folder = path.posix.dirname(file); folder !== '.'; folder = path.posix.dirname(folder)) found.add(`${folder}/`);
  }
  return [...found].sort();
}

/** The names in the first column of the tables below a heading, as far as they end with a slash. */
function named(document, heading) {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  const from = text.indexOf(`\n${heading}\n`);
  assert.ok(from >= 0, `${document} has no heading '${heading}'`);
  const level = heading.indexOf(' ');
  const section = text.slice(from + heading.length + 2).split(new RegExp(`^#{1,${level}} `, 'm'))[0];
  const cells = section.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|')[1]);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([^`]*\/)`/g)].map((match) => match[1]));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  assert.deepEqual(twice, [], `${document} names a folder twice`);
  return names.sort();
}

function compare(document, heading, expected) {
  const names = named(document, heading);
  const missing = expected.filter((folder) => !names.includes(folder));
  const gone = names.filter((folder) => !expected.includes(folder));
  const advice = `say what each folder holds in ${document}, '${heading}'`;
  assert.deepEqual({ missing, gone }, { missing: [], gone: [] }, `${advice}: missing ${missing.join(', ') || 'none'}; gone ${gone.join(', ') || 'none'}`);
}

test('the README names every folder at the top, and nothing else', () => {
  compare('README.md', '## From the sources', folders().filter((folder) => folder.split('/').length === 2));
});

test('docs/IMPLEMENTATION.md names every folder, and nothing else', () => {
  compare('docs/IMPLEMENTATION.md', '## Folders', folders());
});

for (const document of ['README.md', 'CONTRIBUTING.md', 'docs/IMPLEMENTATION.md', 'docs/TABLE_PARTS.md']) {
  test(`each path that ${document} names exists`, () => {
    const text = readFileSync(path.join(ROOT, document), 'utf8').replace(/^ *```[^]*?^ *```$/gm, '');
    const tops = new Set(folders().map((folder) => folder.split('/')[0]));
    const paths = [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map((match) => match[1]).filter((name) => tops.has(name.split('/')[0]));
    // Capital letters stand for a name: `tests/browser/NAME.test.js`.
    const gone = paths.filter((name) => !/\bNAME\b/.test(name) && !existsSync(path.join(ROOT, name)));
    assert.deepEqual(gone, [], `${document} names what is not there`);
  });
}
