// Tests `require` of modules whose sources are in JavaScript.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Lua } from '../../../web/lua-persistent.js';

test('modules are found by name, run once, and get their name', async () => {
  const lua = await Lua.create({
    modules: {
      greet: 'local name, where = ... loads = (loads or 0) + 1 return { name = name, where = where, hello = function(x) return "hello " .. x end }',
      'deep.er': 'return "deeper"',
      bytes: new TextEncoder().encode('return "from bytes"'),
      empty: '',
      short: ';',
      long: `return "${'x'.repeat(100000)}"`,
    },
  });
  assert.deepEqual(lua.eval('local g = require "greet" return g.hello("you"), g.name, require("greet") == g, loads').values, ['hello you', 'greet', true, 1]);
  assert.equal(lua.eval('(require("deep.er"))').value, 'deeper');
  assert.equal(lua.eval('(require("bytes"))').value, 'from bytes');
  assert.deepEqual(lua.eval('return (require("empty")), (require("short"))').values, [true, true]);
  assert.equal(lua.eval('#require("long")').value, 100000);
  lua.close();
});

test('modules can require each other, and package.preload goes first', async () => {
  const lua = await Lua.create({ modules: { a: 'return "a" .. require("b")', b: 'return "b"', c: 'return "host"' } });
  lua.eval('package.preload.c = function() return "preloaded" end');
  assert.deepEqual(lua.eval('return (require("a")), (require("c"))').values, ['ab', 'preloaded']);
  lua.close();
});

test('a function gives modules, too', async () => {
  const asked = [];
  const lua = await Lua.create({
    modules: (name) => {
      asked.push(name);
      return name.startsWith('x') ? `return "${name}"` : undefined;
    },
  });
  assert.deepEqual(lua.eval('return (require("x1")), (require("x1"))').values, ['x1', 'x1']);
  assert.deepEqual(asked, ['x1']);
  assert.throws(() => lua.eval('require("y")'), /module 'y' not found:/);
  lua.close();
});

test('what is not there, and what is no Lua, is an error that says so', async () => {
  const lua = await Lua.create({ modules: { bad: 'x x', fails: 'error("no")' } });
  assert.throws(() => lua.eval('require("toString")'), /module 'toString' not found:\n\tno field package.preload\['toString'\]\n\tno module 'toString' of the host/);
  assert.throws(() => lua.eval('require("bad")'), /error loading module 'bad':\n\tbad:1: syntax error near 'x'/);
  assert.throws(() => lua.eval('require("fails")'), /fails:1: no/);
  assert.throws(() => lua.eval(`require("${'n'.repeat(300)}")`), /no module of the host has a name that long/);
  await assert.rejects(Lua.create({ modules: /** @type {any} */ ('x') }), /the option modules has to be an object/);
  const wrong = await Lua.create({ modules: { n: /** @type {any} */ (5) } });
  assert.throws(() => wrong.eval('require("n")'), (error) => /must|has to be a string or a Uint8Array, not number/.test(String(error.cause)));
  const none = await Lua.create();
  assert.throws(() => none.eval('require("n")'), /the host offers no modules/);
  [lua, wrong, none].forEach((machine) => machine.close());
});

test('a module that there was no memory for is not taken for the next one', async () => {
  const lua = await Lua.create({ modules: { big: `return "${'x'.repeat(1900000)}"`, small: 'return "small"' } });
  lua.eval('kept = string.rep("y", 600000)');
  assert.throws(() => lua.eval('require("big")'), /not enough memory/);
  assert.equal(lua.eval('(require("small"))').value, 'small');
  lua.close();
});
