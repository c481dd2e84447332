// Tests that the artifacts for other engines are made from lua.wasm and the deltas that the package ships.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { applyDelta } from '../../../web/module/delta.js';
import { artifact } from '../support/line.js';

const file = (name) => new Uint8Array(readFileSync(artifact(name)));

for (const [name, part] of [['lua-host', 1 / 6], ['lua-exnref', 1 / 50]]) {
  test(`lua.wasm and ${name}.delta give ${name}.wasm to the byte`, () => {
    assert.deepEqual(applyDelta(file('lua.wasm'), file(`${name}.delta`)), file(`${name}.wasm`));
  });

  test(`${name}.delta is a small part of what it stands for`, () => {
    assert.ok(file(`${name}.delta`).length < file(`${name}.wasm`).length * part);
  });
}

test('a delta of another build, or one that is cut off or damaged, is an error', () => {
  const [wasm, delta] = [file('lua.wasm'), file('lua-host.delta')];
  const refused = (from, by) => assert.throws(() => applyDelta(from, by), /does not belong to the \.wasm|bounds|length/i);
  const other = wasm.slice();
  other[1000] ^= 1;
  refused(other, delta);
  for (const length of [0, 7, 8, 9, 1000, delta.length >> 1]) refused(wasm, delta.subarray(0, length));
  for (const at of [4, 8, 100, 5000, 20000]) {
    const damaged = delta.slice();
    damaged[at] ^= 0x55;
    refused(wasm, damaged);
  }
});
