// Makes this Node an engine whose WebAssembly has no exceptions, as far as feature detection goes, so that the tests of
// lua.wasm run with lua-host.wasm: `NODE_OPTIONS='--require .../old-engine.cjs' node --test ...`.

'use strict';

process.env.LUA_ARTIFACT = 'lua-host.wasm';
WebAssembly.validate = () => false;
