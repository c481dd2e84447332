// What a cold start costs in Node: from before the import to after the first eval, in processes of their own that take turns.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { median } from './measure.mjs';

const PROGRAM = fileURLToPath(new URL('cold-start.mjs', import.meta.url));
const SOURCES = new URL('../../web/lua-persistent.js', import.meta.url).href;
const PACKAGE = new URL('../../web/dist/lua-persistent.js', import.meta.url);

const ROUNDS = 21;

/** Rows: name, microseconds. The package is measured as it is published, if `npm run dist` in `web/` has built it. */
export function coldStarts(wasmoon) {
  const starts = [
    ...(existsSync(PACKAGE) ? [{ title: 'the package', words: ['here', PACKAGE.href], figures: [] }] : []),
    { title: 'its sources', words: ['here', SOURCES], figures: [] },
    ...(wasmoon ? [{ title: 'wasmoon', words: ['wasmoon'], figures: [] }] : []),
  ];
  for (let round = 0; round < ROUNDS; round++) {
    for (const { words, figures } of starts) figures.push(Number(execFileSync(process.execPath, [PROGRAM, ...words])) * 1000);
  }
  return starts.map(({ title, figures }) => [title, median(figures)]);
}
