// Durable job from JavaScript: a program in steps, and a snapshot of the whole machine after each of them.
//
//   node durable-job.mjs job.snapshot
//
// Kill it at any moment and start it again: it goes on where it was, in the middle of a loop, with all its variables. Any
// program can be run in this way; it need not know. (In a project of your own, import from 'lua-persistent'.)

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { Lua } from '../web/lua-persistent.js';

const file = process.argv[2] || 'job.snapshot';
const options = { onPrint: (text) => process.stdout.write(text) };

let lua;
if (existsSync(file)) {
  lua = await Lua.restore(readFileSync(file), options);
  console.log('-- restored');
} else {
  lua = await Lua.create(options);
  lua.start(readFileSync(new URL('durable-job.lua', import.meta.url)), { name: '@durable-job.lua' });
}

let step;
do {
  step = lua.step(200_000);
  // Written beside the old one and put in its place, so that there is a whole snapshot at any time.
  writeFileSync(`${file}.new`, await lua.snapshot());
  renameSync(`${file}.new`, file);
} while (!step.done);
rmSync(file);

console.log(`-- the program returned ${step.value}`);
