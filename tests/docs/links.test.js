// Tests that links in documents lead to a file of the repository and to a heading that it has.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { documents, ROOT } from './markdown.js';

/** The text of a document without its code. */
function prose(file) {
  return readFileSync(path.join(ROOT, file), 'utf8').replace(/^ *```[^]*?^ *```$/gm, '');
}

/** The anchors that headings get. */
function anchors(file) {
  const headings = prose(file).match(/^#+ .*$/gm) || [];
  return headings.map((heading) => heading.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));
}

for (const file of documents()) {
  const links = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]).filter((link) => !/^https?:/.test(link));
  if (links.length === 0) continue;
  test(file, () => {
    for (const link of links) {
      const [target, anchor] = link.split('#');
      const to = target === '' ? file : path.join(path.dirname(file), target);
      assert.ok(existsSync(path.join(ROOT, to)), `${link}: there is no ${to}`);
      if (anchor !== undefined) assert.ok(anchors(to).includes(anchor), `${link}: ${to} has no heading for it`);
    }
  });
}
