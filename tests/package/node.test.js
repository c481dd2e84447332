// Tests the installed package in Node: the oldest release that it supports, the newest, and the one that runs this.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { runJavaScript } from '../docs/javascript.js';
import { blocksOf } from '../docs/markdown.js';
import { nodeWithSqlite, runWithSqlite } from '../docs/sqlite.js';
import { PROJECT } from './project.js';

const COMMAND = join(PROJECT, 'node_modules/.bin/lua-persistent');

/** Programs by title. Those that npm brings are there on Linux. */
const PROGRAMS = [
  ['Node 18', 'node_modules/node18/bin/node'],
  ['Node 24', 'node_modules/node24/bin/node'],
].map(([title, path]) => ({ title, program: fileURLToPath(new URL(path, import.meta.url)) }));

const NODES = [{ title: `Node ${process.versions.node}`, program: process.execPath }, ...PROGRAMS.filter(({ program }) => existsSync(program))];

for (const { title, program } of NODES) {
  describe(title, () => {
    let folder;
    before(() => {
      folder = mkdtempSync(join(PROJECT, 'run-'));
    });
    after(() => rmSync(folder, { recursive: true }));

    const run = (words) => spawnSync(program, words, { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });

    test('the API, the loader and the module in every form', () => {
      const { status, stdout, stderr } = run([join(PROJECT, 'node.js')]);
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
    });

    test('lua-persistent/inline', () => {
      writeFileSync(join(folder, 'inline.js'), "import { Lua } from 'lua-persistent/inline';\nconsole.log((await Lua.create()).eval('6 * 7').value);\n");
      const { stdout, stderr } = run(['inline.js']);
      assert.deepEqual({ stdout, stderr }, { stdout: '42\n', stderr: '' });
    });

    test('Lua 5.5 as a file and as a script', () => {
      const code = `
        import { Lua } from 'lua-persistent';
        import { Lua as Inline } from 'lua-persistent/inline';
        const wasm = () => import('lua-persistent/lua-5.5');
        const all = [Lua.create({ lua: '5.5' }), Lua.create({ lua: '5.5', wasm: wasm() }), Inline.create({ wasm: wasm() }), Lua.create()];
        console.log(...(await Promise.all(all)).map((lua) => lua.eval('_VERSION').value));\n`;
      writeFileSync(join(folder, 'lines.js'), code);
      const { stdout, stderr } = run(['lines.js']);
      assert.deepEqual({ stdout, stderr }, { stdout: 'Lua 5.5 Lua 5.5 Lua 5.5 Lua 5.4\n', stderr: '' });
    });

    test('require, where Node can require ES modules', () => {
      const code = "if (process.features.require_module === undefined) console.log(42);\nelse require('lua-persistent').Lua.create().then((lua) => console.log(lua.eval('6 * 7').value));\n";
      writeFileSync(join(folder, 'required.cjs'), code);
      const { stdout, stderr } = run(['required.cjs']);
      assert.deepEqual({ stdout, stderr }, { stdout: '42\n', stderr: '' });
    });

    test('a state in a file, and the command on the same', () => {
      writeFileSync(join(folder, 'count.lua'), '_home.n = (_home.n or 0) + 1\nprint(_home.n, ...)\n');
      writeFileSync(
        join(folder, 'count.js'),
        "import { Lua } from 'lua-persistent';\nconst lua = await Lua.open('n.state');\nlua.eval('_home.n = 41');\nawait lua.close();\n",
      );
      const first = run(['count.js']);
      assert.equal(first.status, 0, first.stderr);
      const second = run([COMMAND, 'count.lua', '--state', 'n.state', 'more']);
      assert.deepEqual([second.status, second.stdout, second.stderr], [0, '42\tmore\n', '']);
    });

    test('the command says its version', () => {
      assert.match(run([COMMAND, '--version']).stdout, /^lua-persistent \d+\.\d+\.\d+\n$/);
    });
  });
}

test('the command runs by its name', { skip: process.platform === 'win32' && 'a script of another kind there' }, () => {
  assert.match(execFileSync(COMMAND, ['--help'], { encoding: 'utf8' }), /^usage: lua-persistent /);
});

for (const { code, line } of blocksOf('README.md').filter(({ language, marker }) => language === 'js' && marker !== 'with SQLite')) {
  test(`the example in line ${line} of the README runs`, () => runJavaScript(code, { folder: PROJECT }));
}

describe('SQLite', async () => {
  const sqlite = await nodeWithSqlite();
  const skip = sqlite === null && 'npm has brought no Node with node:sqlite';
  const folder = mkdtempSync(join(PROJECT, 'sqlite-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const block of ['README.md', 'docs/SQLITE.md'].flatMap(blocksOf).filter(({ marker }) => marker === 'with SQLite')) {
    test(`the example in line ${block.line} of ${block.file} runs`, { skip }, () => runWithSqlite(block, folder, sqlite));
  }

  test('a state file becomes a database, with which the command goes on, and a state file again', { skip }, () => {
    const run = (words) => spawnSync(sqlite, ['--no-warnings', COMMAND, ...words], { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
    writeFileSync(join(folder, 'count.lua'), '_home.n = (_home.n or 0) + 1\nprint(_home.n)\n');
    const outputs = [
      ['count.lua', '--state', 'n.state'],
      ['migrate', 'n.state', 'n.db'],
      ['count.lua', '--state', 'n.db'],
      ['migrate', 'n.db', 'back.state'],
      ['count.lua', '--state', 'back.state'],
    ].map((words) => {
      const { status, stdout, stderr } = run(words);
      assert.equal(status, 0, stderr);
      return stdout;
    });
    assert.deepEqual(outputs, [
      '1\n',
      "'n.db' is a SQLite database with the state of 'n.state', which is as it was\n",
      '2\n',
      "'back.state' is a state file with the state of 'n.db', which is as it was\n",
      '3\n',
    ]);
    const again = run(['migrate', 'n.state', 'n.db']);
    assert.deepEqual([again.status, again.stderr], [1, "lua-persistent: state 'n.db' exists already: a state is moved into a new file only\n"]);
    assert.equal(run(['migrate', 'n.state']).status, 2);
  });

  test('the tests of databases, in that Node', { skip: skip || (sqlite === process.execPath && 'this Node runs them anyway') }, () => {
    const file = fileURLToPath(new URL('../js/persist/sqlite.test.js', import.meta.url));
    const { status, stdout } = spawnSync(sqlite, ['--no-warnings', '--test', file], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' } });
    assert.equal(status, 0, stdout);
  });
});
