// Saves to a database without end, for sqlite.test.js to kill. It reports each save twice, before it begins and when it is
// acknowledged, with one write to the standard output each, which outlives the process.
//
// usage: node sqlite-child.js FILE SEED

import * as fs from 'node:fs';

import { openState } from '../../../web/persist/open.js';
import { random } from '../support/random.js';
import { sqliteLibrary } from '../support/sqlite.js';
import { integer } from '../support/states.js';

const [file, seed] = process.argv.slice(2);
const next = random(Number(seed));
// So little memory that some saves are larger: their changes are on the disk before they are saved.
const session = await openState(file, undefined, { storage: 'sqlite', sqlite: await sqliteLibrary(), cacheBytes: 65_536 });
const { store } = session;
const number = store.get(1, 'save');
let save = number === undefined ? 0 : Number(new DataView(number.buffer, number.byteOffset).getBigInt64(1, true));

for (;;) {
  save += 1;
  // Every part of a save says which save it is, so that half a save shows.
  store.set(1, 'save', integer(save));
  const size = next(4) === 0 ? 1500 : next(30);
  for (let table = 2; table < 6; table++) {
    store.set(table, 'save', integer(save));
    for (let entry = 0; entry < size; entry++) store.set(table, table % 2 === 0 ? `[${1 + next(2000)}]` : `k${next(500)}`, integer(save));
  }
  for (let table = 10; table < 200; table++) if (next(4) === 0) store.set(table, 'name', integer(next(1000)));
  fs.writeSync(1, `begin ${save}\n`);
  await session.save();
  fs.writeSync(1, `done ${save}\n`);
}
