// Tests that every message that heads a section of docs/TROUBLESHOOTING.md is thrown by the code below it. The blocks run in
// snippets.test.js; here each heading is compared with what they say that they throw.

import assert from 'node:assert/strict';
import test from 'node:test';

import { instrument } from './javascript.js';
import { blocksOf } from './markdown.js';
import { pattern } from './pattern.js';

const FILE = 'docs/TROUBLESHOOTING.md';

const thrown = new Map();
for (const { heading, code } of blocksOf(FILE)) thrown.set(heading, [...(thrown.get(heading) || []), ...instrument(code).thrown]);

const headings = [...thrown.keys()].filter((heading) => /^`\w+Error: .*`$/.test(heading));

test('there are messages', () => {
  assert.ok(headings.length >= 15);
});

for (const heading of headings) {
  test(heading, () => {
    const messages = thrown.get(heading);
    assert.ok(messages.length > 0, 'nothing below this heading throws');
    for (const message of messages) assert.match(message, pattern(heading.slice(1, -1)));
  });
}
