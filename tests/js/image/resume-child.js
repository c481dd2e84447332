// Restores each snapshot of the file named in its arguments, runs its program to the end and prints, as a line of JSON, how
// that ended. resume.test.js starts it as another process.

import { readFileSync } from 'node:fs';

import { Lua } from '../../../web/lua-persistent.js';
import { finish } from '../support/programs.js';

const file = readFileSync(process.argv[2]);
for (let at = 0; at < file.length; ) {
  const length = file.readUInt32LE(at);
  const lua = await Lua.restore(new Uint8Array(file.subarray(at + 4, at + 4 + length)));
  console.log(JSON.stringify(finish(lua)));
  lua.close();
  at += 4 + length;
}
