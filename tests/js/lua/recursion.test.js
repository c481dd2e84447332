// Tests endless recursion wherever Lua lets a program recurse: it is always a Lua error, never a trap, and the next call
// works.

import assert from 'node:assert/strict';
import test from 'node:test';

import { paint, STACK_SIZE, usedStack } from '../support/c-stack.js';
import { compute, part, start } from '../support/documented-host.js';
import { LINE } from '../support/line.js';

const PART_MESSAGE = 2;

/** The errors of endless recursion: of Lua's own limits, or of the heap's. */
const OVERFLOW = /stack overflow|not enough memory|chain too long|error in error handling/;

const RUNTIME = {
  'a Lua function': 'local function f() return 1 + f() end f()',
  'functions in turn': 'local g local function f() g() end function g() f() end f()',
  'many arguments': 'local function f(...) return 1 + f(1, ...) end f()',
  'gsub callbacks': 'local function f() return (("x"):gsub(".", f)) end f()',
  'gsub in a pcall': 'local function f() local _, e = pcall(string.gsub, "x", ".", f) error(e, 0) end f()',
  'sort comparators': 'local function f() table.sort({1, 2, 3}, f) end f()',
  'an __index function': 'local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k .. "x"] end return t.a',
  'an __index chain': 'local t = {} setmetatable(t, {__index = t}) return t.x',
  'a __newindex chain': 'local t = {} setmetatable(t, {__newindex = t}) t.x = 1',
  'arithmetic metamethods': 'local m = {} m.__add = function(a, b) return a + b end local t = setmetatable({}, m) return t + t',
  'comparison metamethods': 'local m = {} m.__lt = function(a, b) return a < b end local t = setmetatable({}, m) return t < t',
  'equality metamethods': 'local m = {} m.__eq = function(a, b) return a == b end return setmetatable({}, m) == setmetatable({}, m)',
  'concatenation metamethods': 'local m = {} m.__concat = function(a, b) return a .. b end return setmetatable({}, m) .. "x"',
  'length metamethods': 'local m = {} m.__len = function(a) return #a end return #setmetatable({}, m)',
  'call metamethods': 'local m = {} m.__call = function(a) return 1 + a() end return setmetatable({}, m)()',
  __tostring: 'local m = {} m.__tostring = function(t) return tostring(t) end return tostring(setmetatable({}, m))',
  'close metamethods': 'local function f() local x <close> = setmetatable({}, {__close = function() f() end}) end f()',
  'pcall chains': 'local function f() local ok, e = pcall(f) error(e, 0) end f()',
  'pcall of pcall': 'local function f() local a, b, c = pcall(pcall, f) if not a then error(b, 0) elseif not b then error(c, 0) end end f()',
  'xpcall handlers': 'local function h() return error("again") end local _, e = xpcall(error, h) error(tostring(e), 0)',
  'coroutines inside coroutines': 'local function f() coroutine.wrap(f)() end f()',
  'resume inside resume': 'local function f() local ok, e = coroutine.resume(coroutine.create(f)) error(e, 0) end f()',
  'load inside load': 'local function f() return assert(load(f))() end f()',
  'a reader that loads': 'local function f() assert(load(function() f() return nil end)) end f()',
  'pairs metamethods': 'local m = {} m.__pairs = function(t) return pairs(t) end pairs(setmetatable({}, m))',
  'table.concat through __index': 'local t = setmetatable({}, {}) getmetatable(t).__index = function() return table.concat(t, "", 1, 2) end return table.concat(t, "", 1, 2)',
  'metamethods of external tables': 'local m = {} m.__index = function(t, k) return t[k .. "x"] end _home.t = setmetatable({}, m) return _home.t.a',
  'gsub inside external metamethods': 'local m = {} _home.t = setmetatable({}, m) m.__index = function(t, k) return (("x"):gsub(".", function() return t[k] end)) end return _home.t.a',
  'string.format through __tostring': 'local m = {} m.__tostring = function(t) return string.format("%s%s", t, t) end return tostring(setmetatable({}, m))',
  'a require that requires': 'package.preload.a = function() package.loaded.a = nil return require("a") end require("a")',
};

/** Texts that nest, by how a level begins, what is inside, and how it ends. */
const NESTED = {
  parentheses: ['return ', '(', '1', ')'],
  tables: ['return ', '{', '', '}'],
  'table fields': ['return ', '{a=', '1', '}'],
  functions: ['return ', 'function() return ', '1', ' end'],
  'function statements': ['', 'function f() ', '', ' end '],
  blocks: ['', 'do ', '', ' end '],
  loops: ['', 'while x do ', '', ' end '],
  conditions: ['', 'if x then ', '', ' end '],
  'else branches': ['', 'if x then else ', '', ' end '],
  indexing: ['return ', 'a[', '1', ']'],
  calls: ['return ', 'f(', '1', ')'],
  'unary operators': ['return ', '- ', '1', ''],
  'not operators': ['return ', 'not ', '1', ''],
  concatenation: ['return ', '"a" .. ', '"b"', ''],
  powers: ['return ', '2 ^ ', '2', ''],
  additions: ['return ', '1 + (', '1', ')'],
  assignments: ['', 'a, ', 'a = 1', ''],
  'else-if chains': ['if x then ', 'elseif x then ', 'end', ''],
  suffixes: ['return a', '.b', '', ''],
  'long brackets': ['return [', '=', '[x]', '='],
  'repeat blocks': ['', 'repeat ', '', ' until x '],
  'goto labels': ['', 'do goto l ', '', ' ::l:: end '],
  strings: ['return ', 'f"', '" .. f"', '"'],
};

/** The deepest use of the C stack so far, in bytes, and by what. */
let deepest = { bytes: 0, by: 'nothing' };

/** Run what recurses, and note how much of the C stack that took. */
function measured(instance, by, run) {
  paint(instance);
  const result = run();
  const bytes = usedStack(instance);
  if (bytes > deepest.bytes) deepest = { bytes, by };
  return result;
}

for (const [name, code] of Object.entries(RUNTIME)) {
  test(`endless recursion through ${name} is an error`, () => {
    const instance = start();
    for (let round = 0; round < 2; round++) {
      assert.ok(measured(instance, name, () => compute(instance, code)).resultLen < 0);
      assert.match(part(instance, PART_MESSAGE).toString(), OVERFLOW);
      assert.equal(compute(instance, 'return 1 + 1').value, 2n);
    }
  });
}

for (const [name, [head, open, inside, close]] of Object.entries(NESTED)) {
  test(`nested ${name} never trap the parser`, () => {
    const instance = start();
    for (const depth of [10, 150, 190, 199, 200, 201, 250, 1000, 5000, 20_000]) {
      const code = head + open.repeat(depth) + inside + close.repeat(depth);
      if (code.length > 65_536) continue;
      const chunk = `if true then return 0 end ${code}`.replace(/^if true then return 0 end return/, 'return');
      const { resultLen } = measured(instance, `nested ${name}`, () => compute(instance, chunk));
      assert.notEqual(resultLen, 0, `depth ${depth}`);
      assert.equal(compute(instance, 'return 1 + 1').value, 2n, `after depth ${depth}`);
    }
  });
}

test('a long chain of __call is walked to its end', () => {
  const instance = start();
  const code = 'local t = function() return select("#") end for i = 1, 2000 do t = setmetatable({}, {__call = t}) end return pcall(t)';
  assert.notEqual(compute(instance, code).resultLen, 0);
  assert.equal(compute(instance, 'return 1').value, 1n);
});

test('recursion limits do not shrink what plain programs may do', () => {
  const instance = start();
  assert.equal(compute(instance, 'local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(15000)').value, 15_000n);
  assert.equal(compute(instance, 'local function f(n) if n == 0 then return 0 end return f(n - 1) end return f(1000000)').value, 0n);
  const gsub = 'local function f(n) if n == 0 then return "0" end return (("x"):gsub(".", function() return f(n - 1) end)) end return f(150)';
  assert.equal(compute(instance, gsub).value, '0');
  const pcalls = 'local function f(n) if n == 0 then return 0 end return select(2, pcall(f, n - 1)) + 1 end return f(150)';
  assert.equal(compute(instance, pcalls).value, 150n);
  assert.equal(compute(instance, `return ${'('.repeat(150)}7${')'.repeat(150)}`).value, 7n);
});

test('patterns that recurse deeply are errors, not traps', () => {
  const instance = start();
  assert.match(compute(instance, 'return ("x"):rep(300000):match(("x?"):rep(300000))').error ?? 'no error', /pattern too complex|not enough memory/);
  assert.match(compute(instance, 'return ("a"):rep(100000):find((".-"):rep(100000) .. "b")').error ?? 'no error', /pattern too complex|not enough memory/);
  assert.match(compute(instance, 'return ("("):rep(100):find(("("):rep(100))').error ?? 'no error', /too many captures/);
  assert.match(compute(instance, 'return string.format(("%d"):rep(300), table.unpack({}, 1, 300))').error ?? 'no error', /number expected, got nil/);
  assert.match(compute(instance, 'return table.unpack({}, 1, 1e7)').error ?? 'no error', /too many results to unpack/);
  assert.match(compute(instance, 'return ("x"):byte(1, -1), string.char(table.unpack({}, 1, 1e6))').error ?? 'no error', /too many results/);
  assert.equal(compute(instance, 'return 1').value, 1n);
});

test('an external table nested by reference is no recursion', () => {
  const instance = start();
  assert.equal(compute(instance, 'local t = ext.table() t.x = 1 return t.x').value, 1n);
});

test('deeply nested results are encoded or refused, never a trap', () => {
  const instance = start();
  for (const depth of [10, 100, 190, 250, 1000, 5000, 15_000]) {
    const { resultLen } = compute(instance, `local t = {} for i = 1, ${depth} do t = {t} end return t`);
    assert.notEqual(resultLen, 0);
    assert.equal(compute(instance, 'return 1').value, 1n, `after depth ${depth}`);
    compute(instance, `local t = {} for i = 1, ${depth} do t = {t} end error(t)`);
    assert.equal(compute(instance, 'return 1').value, 1n, `after an error value of depth ${depth}`);
  }
});

/** How much of the C stack is left, in percent: frames of Lua 5.5 are larger by 32 bytes. */
const LEFT = LINE === '5.4' ? 25 : 22;

test(`the deepest of these leaves ${LEFT} % of the C stack`, (t) => {
  const percent = Math.round((100 * (STACK_SIZE - deepest.bytes)) / STACK_SIZE);
  t.diagnostic(`deepest use of the C stack: ${deepest.bytes} of ${STACK_SIZE} bytes, by ${deepest.by}; margin ${percent} %`);
  assert.ok(deepest.bytes > 4096, 'the stack was not measured');
  assert.ok(deepest.bytes <= STACK_SIZE * (1 - LEFT / 100), `${deepest.by} uses ${deepest.bytes} bytes`);
});
