/**
 * A module worker without a bundler: import maps are for pages only, so it names the file.
 */

import { Lua } from './node_modules/lua-persistent/dist/lua-persistent.js';

Lua.create().then(
  (lua) => postMessage(lua.eval('return 6 * 7').value),
  (error) => postMessage(String(error)),
);
