// All benchmarks, with figures of wasmoon beside them where it is installed (`npm install` in this folder).

import { readFile } from 'node:fs/promises';

import { calls } from './calls.mjs';
import { coldStarts } from './cold.mjs';
import { images, imageSizes } from './images.mjs';
import { show } from './measure.mjs';
import { tables } from './tables.mjs';

/** wasmoon, or null where it is not installed. */
async function loadWasmoon() {
  try {
    return await import('wasmoon');
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return null;
  }
}

const module = await WebAssembly.compile(await readFile(new URL('../../web/lua.wasm', import.meta.url)));
const wasmoon = await loadWasmoon();

console.log(`Node ${process.version}${wasmoon ? '; wasmoon beside it' : '; wasmoon is not installed'}`);
show('from import to the first eval, in a new process', [''], coldStarts(wasmoon));
show('calls', ['here', 'wasmoon'], await calls(module, wasmoon));
show('external tables, per operation', ['here', 'by hand', 'wasmoon'], await tables(module, wasmoon));
show('images', ['here'], await images(module));
console.log('\nbytes of a snapshot: state, compressed, raw');
for (const row of await imageSizes(module)) console.log(row.join('  '));
