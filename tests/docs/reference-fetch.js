// Replaces `fetch` for the examples of the reference, which load `lua.wasm` from beside the page.

import { readFileSync } from 'node:fs';

globalThis.fetch = async (address) => {
  const file = new URL(address.replace('./', '../../web/'), import.meta.url);
  return new Response(readFileSync(file), { headers: { 'content-type': 'application/wasm' } });
};
