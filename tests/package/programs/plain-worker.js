/**
 * Takes the tour in a module worker without a bundler. It names the file, since import maps work in pages only.
 */

import { Lua } from './node_modules/lua-persistent/dist/lua-persistent.js';

Lua.create().then(
  (lua) => postMessage(lua.eval('return 6 * 7').value),
  (error) => postMessage(String(error)),
);
