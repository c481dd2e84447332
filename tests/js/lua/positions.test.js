// Tests that positions and sizes beyond 32 bits mean what they mean to a native Lua of 64 bits.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Lua } from '../../../web/lua-persistent.js';

// `os.time` of a table is in local time.
process.env.TZ = 'UTC';

const FOLDER = fileURLToPath(new URL('../../lua/', import.meta.url));

for (const [what, file] of [['position', 'positions.lua'], ['size, count or level', 'sizes.lua']]) {
  test(`no ${what} is cut to 32 bits`, async () => {
    const program = FOLDER + file;
    const native = process.env.LUA_NATIVE;
    assert.ok(native, 'LUA_NATIVE must be the path of a native Lua interpreter of the same release; `cargo xtask test` builds one and sets it');
    const run = spawnSync(native, [program], { encoding: 'latin1', maxBuffer: 1 << 28 });
    assert.equal(run.status, 0, run.stderr);

    const pieces = [];
    const lua = await Lua.create({ onPrint: (_text, bytes) => pieces.push(Buffer.from(bytes)), keepOutput: false });
    lua.compute(fs.readFileSync(program));
    lua.close();
    const [expected, actual] = [run.stdout, Buffer.concat(pieces).toString('latin1')].map((text) => text.split('\n'));
    assert.ok(expected.length > 1000);
    // A memory of 64 bits has none left where one of 32 bits cannot be asked for so much.
    const said = (line) => line?.replace('resulting string too large', 'not enough memory');
    const different = expected.flatMap((line, index) => (said(actual[index]) === said(line) ? [] : [`native: ${line}\n    here:   ${actual[index]}`]));
    assert.equal(different.length, 0, `${different.length} of ${expected.length} differ:\n  ${different.slice(0, 30).join('\n  ')}`);
  });
}
