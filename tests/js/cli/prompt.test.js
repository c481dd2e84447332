// Tests the prompt of the command: in a pseudo-terminal, and as a filter.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { missing, Terminal } from '../support/terminal.js';

const CLI = fileURLToPath(new URL('../../../web/cli.js', import.meta.url));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

const UP = '\x1b[A';
const CONTROL_C = '\x03';
const CONTROL_D = '\x04';

/** A command that does not stop is ended, so that its test fails. */
const BOUNDED = { timeout: 60_000, killSignal: 'SIGKILL' };

/** Run a prompt without a terminal. */
function filter(input, ...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, '-i', ...words], { cwd: directory, encoding: 'utf8', input, ...BOUNDED });
  return { status, stdout, stderr };
}

/** Start a prompt in a terminal, up to where it asks. */
async function open(words = [], environment = {}, line = '5.4') {
  const env = { ...process.env, LUA_PERSISTENT_HISTORY: '', ...environment };
  const terminal = new Terminal([process.execPath, CLI, '-i', ...words], { cwd: directory, env, ...BOUNDED });
  const [, shown] = /lua-persistent \d+\.\d+\.\d+, (.*); \.help tells what there is\n> $/.exec(await terminal.see(/^> $/m)) || [];
  assert.equal(shown, `Lua ${line}`);
  return terminal;
}

/** Type a line and wait for the next prompt; what was shown between. */
async function enter(terminal, line, prompt = /^> $/m) {
  terminal.type(`${line}\r`);
  const shown = await terminal.see(prompt);
  return shown.slice(shown.indexOf('\n') + 1).replace(/>+ $/, '');
}

async function end(terminal) {
  terminal.type(CONTROL_D);
  assert.equal(await terminal.ended, 0);
}

test('as a filter it prints values and nothing else', () => {
  assert.deepEqual(filter('1 + 1, "two", nil\nlocal x = 5\nx\nprint(x)\n(function() end)()\n'), {
    status: 0,
    stdout: '2\ttwo\tnil\n5\n5\n',
    stderr: '',
  });
});

test('an input goes on as long as it is not whole', () => {
  assert.equal(filter('for i = 1, 2 do\nprint(i)\nend\nmath.max(1,\n2)\nx = [[a\nb]]\n#x --[[\n]]\n1 +\n4;\n').stdout, '1\n2\n2\n3\n5\n');
});

test('an input that never becomes whole is an error', () => {
  assert.deepEqual(filter('if x then\n'), { status: 0, stdout: '', stderr: "stdin:1: 'end' expected near <eof>\n" });
});

test('errors have tracebacks and do not end it', () => {
  const { status, stdout, stderr } = filter('x = = 1\nlocal function f() error("broken") end f()\nerror({})\n"still"\n');
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'still\n' });
  assert.match(stderr, /^stdin:1: unexpected symbol near '='\nstdin:1: broken\nstack traceback:\n/);
  assert.match(stderr, /\n\(error object is a table value\)\n/);
});

test('values are printed by their own __tostring', () => {
  assert.equal(filter('setmetatable({}, { __tostring = function() return "mine" end })\n').stdout, 'mine\n');
});

test('it comes after the program, with its globals, and not after one that fails', () => {
  fs.writeFileSync(path.join(directory, 'first.lua'), 'x = ...');
  assert.equal(filter('x\n', 'first.lua', 'given').stdout, 'given\n');
  assert.equal(filter('x\n', '-e', 'x = 1').stdout, '1\n');
  assert.equal(filter('print("asked")\n', '-e', 'error()').stdout, '');
});

test('each input has the limits for itself', () => {
  const { stdout, stderr } = filter('while true do end\nfor i = 1, 600 do end\nfor i = 1, 600 do end\n"on"\n', '--limit', 'instructions=1k');
  assert.match(stderr, /^stdin:1: the limit of 1000 instructions is reached\nstack traceback:\n[^]*$/);
  assert.equal(stderr.match(/limit/g).length, 1);
  assert.equal(stdout, 'on\n');
});

test('os.exit ends it', () => {
  assert.deepEqual(filter('print(1)\nos.exit(4)\nprint(2)\n'), { status: 4, stdout: '1\n', stderr: '' });
});

test('what is stored at the prompt is kept', () => {
  filter('_home.x = "kept"\n', '--state', 'prompt.state');
  assert.equal(filter('_home.x\n', '--state', 'prompt.state').stdout, 'kept\n');
});

test('in a terminal it asks, also for the rest of an input', { skip: missing }, async () => {
  const terminal = await open();
  assert.equal(await enter(terminal, '6 * 7'), '42\n');
  assert.equal(await enter(terminal, 'for i = 1, 2 do', /^>> $/m), '');
  assert.equal(await enter(terminal, 'print(i) end'), '1\n2\n');
  assert.match(await enter(terminal, 'error("broken")'), /^stdin:1: broken\nstack traceback:\n/);
  await end(terminal);
});

test('it names the Lua that runs', { skip: missing }, async () => {
  const terminal = await open(['--lua', '5.5'], {}, '5.5');
  assert.equal(await enter(terminal, '_VERSION'), 'Lua 5.5\n');
  await end(terminal);
});

test('a prompt does not hide a line that has no end', { skip: missing }, async () => {
  const terminal = await open();
  assert.match(await enter(terminal, 'io.write("no end") ; (nil)()'), /no end/);
  await end(terminal);
});

test('Tab completes keywords, globals, locals, fields and methods', { skip: missing }, async () => {
  const terminal = await open(['-e', '_home.notes = {} Upper = { lower = 1 }']);
  await enter(terminal, 'local subject <const>, other = "text", Upper');
  for (const [typed, whole] of [
    ['func', 'function'],
    ['Upp', 'Upper'],
    ['subj', 'subject'],
    ['x = string.rev', 'x = string.reverse'],
    ['_home.no', '_home.notes'],
    ['subject:rev', 'subject:reverse'],
    ['other.lo', 'other.lower'],
    ['print(math.hu', 'print(math.huge'],
  ]) {
    terminal.type(typed);
    await terminal.see(typed);
    terminal.type('\t');
    await terminal.see(whole.slice(typed.length));
    terminal.type(CONTROL_C);
    await terminal.see(/\^C\n> $/);
  }
  await end(terminal);
});

test('Tab shows what there is to choose from', { skip: missing }, async () => {
  const terminal = await open();
  terminal.type('string.r');
  await terminal.see('string.r');
  terminal.type('\t');
  await terminal.see('e');
  terminal.type('\t');
  assert.match(await terminal.see('string.reverse'), /string\.rep\s+string\.reverse/);
  terminal.type(CONTROL_C);
  await terminal.see(/\^C\n> $/);
  await end(terminal);
});

test('completing calls nothing', { skip: missing }, async () => {
  const terminal = await open(['-e', 'trap = setmetatable({}, { __index = function() print("called") end, __pairs = error })']);
  terminal.type('trap.field.x');
  await terminal.see('trap.field.x');
  terminal.type('\t');
  terminal.type('yz');
  assert.doesNotMatch(await terminal.see('yz'), /called/);
  terminal.type(CONTROL_C);
  await terminal.see(/\^C\n> $/);
  await end(terminal);
});

test('Ctrl-C drops the input', { skip: missing }, async () => {
  const terminal = await open();
  await enter(terminal, 'if true then', /^>> $/m);
  terminal.type('print("dropped")');
  await terminal.see('dropped');
  terminal.type(CONTROL_C);
  await terminal.see(/\^C\n> $/);
  assert.equal(await enter(terminal, '"next"'), 'next\n');
  await end(terminal);
});

test('Ctrl-C stops what runs, and the prompt goes on with what there was', { skip: missing }, async () => {
  const terminal = await open();
  await enter(terminal, 'x = "kept"');
  terminal.type('io.write("runs\\n") io.flush() while true do end\r');
  await terminal.see(/^runs$/m);
  terminal.type(CONTROL_C);
  assert.match(await terminal.see(/^> $/m), /stdin:1: interrupted!\nstack traceback:\n/);
  assert.equal(await enter(terminal, 'x'), 'kept\n');
  terminal.type('io.write("again\\n") io.flush() while true do end\r');
  await terminal.see(/^again$/m);
  terminal.type(CONTROL_C);
  assert.match(await terminal.see(/^> $/m), /interrupted!/);
  await end(terminal);
});

test('the history goes on in the next session', { skip: missing }, async () => {
  const environment = { LUA_PERSISTENT_HISTORY: path.join(directory, 'deep', 'history') };
  let terminal = await open([], environment);
  await enter(terminal, '"first line"');
  await enter(terminal, '"second line"');
  await end(terminal);
  terminal = await open([], environment);
  terminal.type(UP);
  await terminal.see('"second line"');
  terminal.type(UP);
  await terminal.see('"first line"');
  assert.equal(await enter(terminal, ''), 'first line\n');
  await end(terminal);
  assert.equal(fs.readFileSync(environment.LUA_PERSISTENT_HISTORY, 'utf8'), '"first line"\n"second line"\n"first line"\n');
  if (process.platform !== 'win32') assert.equal(fs.statSync(environment.LUA_PERSISTENT_HISTORY).mode & 0o777, 0o600);
});

test('a history that cannot be written is none', { skip: missing }, async () => {
  const terminal = await open([], { LUA_PERSISTENT_HISTORY: path.join(directory, 'first.lua', 'history') });
  assert.equal(await enter(terminal, '1'), '1\n');
  await end(terminal);
});

test('commands with a dot help, save and end', { skip: missing }, async () => {
  const terminal = await open(['--state', 'dot.state']);
  assert.match(await enter(terminal, '.help'), /Tab completes names/);
  assert.match(await enter(terminal, '.bogus'), /there is no \.bogus \(there is: \.exit, \.help, \.save\)/);
  await enter(terminal, '_home.x = 1');
  assert.equal(fs.existsSync(path.join(directory, 'dot.state')), false);
  assert.equal(await enter(terminal, '.save'), 'saved\n');
  assert.equal(fs.existsSync(path.join(directory, 'dot.state')), true);
  terminal.type('.exit\r');
  assert.equal(await terminal.ended, 0);
});
