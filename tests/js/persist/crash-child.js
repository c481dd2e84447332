// Saves without end, for crash.test.js to kill. It reports each save twice, before it begins and when it is acknowledged,
// with one write to the standard output each, which outlives the process.
//
// usage: node crash-child.js FILE SEED

import * as fs from 'node:fs';

import { FileBackend } from '../../../web/persist/file.js';
import { integer, open } from '../support/states.js';
import { random } from '../support/random.js';

const [file, seed] = process.argv.slice(2);
const next = random(Number(seed));
const session = await open(await FileBackend.at(file));
const number = session.store.get(1, 'save');
let save = number === undefined ? 0 : Number(new DataView(number.buffer, number.byteOffset).getBigInt64(1, true));

for (;;) {
  save += 1;
  // Every part of a save says which save it is, so that half a save shows. Large ones make the file be written anew.
  session.store.set(1, 'save', integer(save));
  const size = next(8) === 0 ? 20_000 : next(300);
  for (let table = 2; table < 6; table++) {
    session.store.set(table, `[${1 + next(5)}]`, new Uint8Array(size));
    session.store.set(table, 'save', integer(save));
  }
  fs.writeSync(1, `begin ${save}\n`);
  await session.save();
  fs.writeSync(1, `done ${save}\n`);
}
