// Makes the line of Lua that the variable LUA_LINE names the default one, so that the tests of the first line run with
// another: `LUA_LINE=5.5 NODE_OPTIONS='--import .../other-line.js' node --test ...`.

import { register } from 'node:module';

register('./other-line-hooks.js', import.meta.url);
