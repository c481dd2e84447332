// `fetch` as a page beside `lua.wasm` has it, for the examples of the reference.

import { readFileSync } from 'node:fs';

globalThis.fetch = async (address) => {
  const file = new URL(address.replace('./', '../../web/'), import.meta.url);
  return new Response(readFileSync(file), { headers: { 'content-type': 'application/wasm' } });
};
