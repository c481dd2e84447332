// Tests the package in browsers, unbundled, on the page's own thread and in a module worker.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { BROWSERS } from './browsers.js';
import { inEach } from './suites.js';

const PAGE_SIZE = 65536;

inEach(BROWSERS, (kind, context) => {
  let browser;
  let tab;
  before(async () => {
    browser = await kind.launch();
    tab = await browser.open(`${context.server.origin}/tests/browser/page.html`);
  });
  after(() => browser && browser.close());

  for (const place of ['page', 'worker']) {
    const perform = (name, ...args) => tab.evaluate((...all) => globalThis.perform(...all), place, name, ...args);
    const run = async (...codes) => perform('session', codes);
    /** A test at whose end the console has to be clean. */
    const check = (title, body) =>
      test(`${place}: ${title}`, async () => {
        await body();
        assert.deepEqual(await tab.complaints(), []);
      });

    check('basic code execution prints 8 and gives 8', async () => {
      const { results } = await run('local x = 5 + 3\nprint("Result: " .. x)');
      assert.deepEqual(results, [{ value: 8, values: [8], output: 'Result: 8\n', lines: ['Result: 8'] }]);
    });

    check('an external table keeps Alice in JavaScript', async () => {
      const { results, tables } = await run(
        'local data = ext.table()\ndata["name"] = "Alice"\ndata["age"] = 30\nreturn data["name"]',
      );
      assert.equal(results[0].value, 'Alice');
      const kept = tables.map(([, entries]) => entries);
      assert.deepEqual(kept.find((entries) => entries.length > 0), [['name', 'Alice'], ['age', 30]]);
    });

    check('state stays from one call to the next', async () => {
      const count = 'local counter = (counter or 0) + 1\nprint("Count: " .. counter)';
      const { results } = await run(count, count);
      assert.deepEqual(results.map(({ lines }) => lines), [['Count: 1'], ['Count: 2']]);
    });

    check('a syntax error names its line, and the next call works', async () => {
      const { results } = await run('x = 1\ninvalid syntax here', 'return x');
      assert.equal(results[0].error.status, 'syntax');
      assert.match(results[0].error.message, /:2: syntax error near 'syntax'$/);
      assert.equal(results[1].value, null);
    });

    check('a thousand items go to JavaScript and come back', async () => {
      const { results, tables } = await run(
        'items = ext.table()\nfor i = 1, 1000 do\n  items["item_" .. i] = "value_" .. i\nend\nreturn "Stored 1000 items"',
        `local n, wrong = 0, 0
        for key, value in pairs(items) do
          n = n + 1
          if value ~= "value_" .. key:match("%d+") then wrong = wrong + 1 end
        end
        return n, wrong, #items, items.item_500`,
      );
      assert.equal(results[0].value, 'Stored 1000 items');
      assert.deepEqual(results[1].values.slice(0, 2), [1000, 0]);
      assert.equal(results[1].value, 'value_500');
      const entries = tables.map(([, list]) => list).find((list) => list.length === 1000);
      assert.deepEqual(entries[999], ['item_1000', 'value_1000']);
    });

    check('runtime errors carry message, traceback, value and what was printed before', async () => {
      const { results } = await run(
        'print("before")\nlocal t = nil\nreturn t.field',
        'local function inner() error({ code = 7 }) end\ninner()',
        'error("plain", 0)',
        'return "goes on"',
      );
      const [indexing, object, plain, next] = results;
      assert.match(indexing.error.message, /:3: attempt to index a nil value \(local 't'\)$/);
      assert.match(indexing.error.traceback, /^stack traceback:\n/);
      assert.equal(indexing.error.status, 'runtime');
      assert.equal(indexing.error.output, 'before\n');
      assert.deepEqual(object.error.value, { code: 7 });
      assert.equal(plain.error.message, 'plain');
      assert.equal(next.value, 'goes on');
    });

    check('a full heap and endless recursion are errors, and the machine goes on', async () => {
      const { results } = await run(
        'local t = {}\nfor i = 1, math.huge do t[i] = { i } end',
        'local function down(n) return 1 + down(n + 1) end\nreturn down(1)',
        'return string.rep("x", 10, ("x"):rep(3))',
        'local s = "x"\nreturn (s:gsub("x", function() return select(2, pcall(error, "inside")) end))',
      );
      assert.equal(results[0].error.status, 'memory');
      assert.match(results[0].error.message, /not enough memory/);
      // The stack of Lua functions is limited by the heap that it grows in.
      assert.match(results[1].error.message, /stack overflow|not enough memory/);
      assert.equal(results[2].value.length, 37);
      assert.equal(results[3].value, 'inside');
    });

    check('errors unwind through protected calls, callbacks, coroutines and closing variables', async () => {
      const { results } = await run(`
        local caught = 0
        for i = 1, 1000 do
          if not pcall(error, i) then caught = caught + 1 end
        end
        local log = {}
        local ok, message = pcall(function()
          local guard <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = "closed:" .. tostring(e) end })
          table.sort({ 3, 2, 1 }, function() error("in sort", 0) end)
        end)
        local co = coroutine.wrap(function()
          local ok, e = pcall(function() coroutine.yield("yielded") error("after", 0) end)
          coroutine.yield(e)
          error("dead", 0)
        end)
        local first, second = co(), co()
        local _, third = pcall(co)
        return caught, message, log[1], first, second, third
      `);
      assert.deepEqual(results[0].values, [1000, 'in sort', 'closed:in sort', 'yielded', 'after', 'dead']);
    });

    check('values keep their types', async () => {
      const { results } = await run(
        'return 1, 1.5, true, nil, "żółć", "\\xff", math.maxinteger, { 1, 2, { deep = "er" } }, ext.table()',
      );
      const { values } = results[0];
      assert.deepEqual(values.slice(0, 8), [
        1, 1.5, true, null, 'żółć', { bytes: [255] }, { integer: '9223372036854775807' }, [1, 2, { deep: 'er' }],
      ]);
      assert.equal(typeof values[8].external, 'number');
    });

    check('output comes in lines and, as it is printed, to onPrint', async () => {
      const { results, printed } = await run(
        'print("one", 2)\nio.write("no newline ", "€", "\\n")\nprint()\nprint("last")',
        'for i = 1, 20000 do print(i) end\nreturn "long"',
      );
      assert.deepEqual(results[0].lines, ['one\t2', 'no newline €', '', 'last']);
      assert.equal(results[1].lines.length, 20000);
      assert.equal(results[1].lines[19999], '20000');
      assert.equal(printed.join(''), results[0].output + results[1].output);
    });

    check('statistics are those of 32 pages, grow with use and fall with collection', async () => {
      const { before: first, after: last } = await run('big = string.rep("x", 300000)', 'big = nil');
      assert.equal(first.wasmPages, 32);
      assert.equal(first.totalMemory, 32 * PAGE_SIZE);
      assert.equal(first.ioBufferSize, PAGE_SIZE);
      assert.ok(first.luaMemoryUsed > 0 && first.luaMemoryUsed < 200_000, `${first.luaMemoryUsed} bytes at the start`);
      assert.ok(last.luaMemoryUsed < first.luaMemoryUsed + 50_000, `${last.luaMemoryUsed} bytes at the end`);
      const { after: full } = await run('big = string.rep("x", 300000)');
      assert.ok(full.luaMemoryUsed > first.luaMemoryUsed + 300_000, `${full.luaMemoryUsed} bytes with the string`);
    });

    check('external tables hold tables, are walked in order, and lose what is set to nil', async () => {
      const { results, tables } = await run(
        '_home.config = { depth = { 1, 2, 3 } }\n_home.gone = 1\n_home.kept = 2\n_home[5] = "five"\n_home.gone = nil',
        'local keys = {}\nfor key in pairs(_home) do keys[#keys + 1] = tostring(key) end\nreturn table.concat(keys, " ")',
        'return _home.config.depth[3], _home.gone, _home.kept, _home[5], Memory.kept',
      );
      assert.equal(results[1].value, 'config kept 5');
      assert.deepEqual(results[2].values, [3, null, 2, 'five', 2]);
      const home = tables.find(([id]) => id === 1);
      assert.deepEqual(home[1].map(([key]) => key), ['config', 'kept', '[5]']);
    });

    check('the clock, the time zone and the seed come from the browser', async () => {
      const { results } = await run('return os.time(), os.clock() >= 0, os.date("%Y"), math.random(1 << 40)');
      const [seconds, clock, year, random] = results[0].values;
      assert.ok(Math.abs(seconds - Date.now() / 1000) < 600, `os.time() is ${seconds}`);
      assert.equal(clock, true);
      assert.ok(Math.abs(Number(year) - new Date().getFullYear()) <= 1, year);
      const again = await run('return math.random(1 << 40)');
      assert.notEqual(again.results[0].value, random);
    });

    check('a host with the five functions and nothing else runs Lua', async () => {
      const { results, sizes, pages } = await perform('raw', [
        'return 1 + 1',
        'print("hello", "browser") return _VERSION',
        'local t = ext.table() for i = 1, 1000 do t["item_" .. i] = i end return t.item_1000',
        'local ok, message = pcall(error, "caught", 0) return message',
        'error("text", 0)',
        'return math.maxinteger',
      ]);
      assert.deepEqual(results, [
        { output: '', value: '2' },
        { output: 'hello\tbrowser\n', value: 'Lua 5.4' },
        { output: '', value: '1000' },
        { output: '', value: 'caught' },
        { error: 'text' },
        { output: '', value: '9223372036854775807' },
      ]);
      assert.ok(sizes.some(([, size]) => size === 1000));
      assert.equal(pages, 32);
    });
  }
});
