// Compares the results of random expressions with those of a native Lua of the same release.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';

import { Lua } from '../../../web/lua-persistent.js';
import { expressions, PRELUDE } from '../support/expressions.js';

// `os.time` of a table is in local time.
process.env.TZ = 'UTC';

const COUNT = 20_000;
const BATCH = 250;

/** A Lua string literal of any text. */
const quoted = (text) => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;

test(`${COUNT} generated expressions give the same text as native Lua`, async () => {
  const native = process.env.LUA_NATIVE;
  assert.ok(
    native && fs.existsSync(native),
    'LUA_NATIVE must be the path of a native Lua interpreter of the same release; `cargo xtask test` builds one and sets it',
  );

  const list = expressions(COUNT, 20_250_101);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
  try {
    fs.writeFileSync(path.join(directory, 'expressions.lua'), `${PRELUDE}\n${list.map((source) => `try(${quoted(source)})`).join('\n')}\n`);
    const run = spawnSync(path.resolve(native), ['expressions.lua'], {
      cwd: directory,
      encoding: 'latin1',
      maxBuffer: 1 << 28,
      timeout: 60_000,
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    assert.equal(run.status, 0, run.stderr);
    const expected = run.stdout.split('\n').slice(0, -1);
    assert.equal(expected.length, COUNT, 'the native Lua printed one line for each expression');

    const pieces = [];
    const lua = await Lua.create({ onPrint: (_text, bytes) => pieces.push(Buffer.from(bytes)), keepOutput: false });
    lua.compute(PRELUDE, { name: '@expressions.lua' });
    for (let at = 0; at < COUNT; at += BATCH) {
      lua.compute(list.slice(at, at + BATCH).map((source) => `try(${quoted(source)})`).join('\n'));
    }
    lua.close();
    const actual = Buffer.concat(pieces).toString('latin1').split('\n').slice(0, -1);

    const different = [];
    for (let index = 0; index < COUNT; index++) {
      if (actual[index] !== expected[index]) {
        different.push(`${list[index]}\n    native: ${expected[index]}\n    here:   ${actual[index]}`);
      }
    }
    assert.equal(different.length, 0, `${different.length} of ${COUNT} differ:\n  ${different.slice(0, 40).join('\n  ')}`);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
});
