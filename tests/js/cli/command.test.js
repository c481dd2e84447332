// Tests the command (web/cli.js): exit codes, messages, and state that outlives the process.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../web/cli.js', import.meta.url));
const COUNTER = fileURLToPath(new URL('../../../examples/counter.lua', import.meta.url));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A command that does not stop is ended, so that its test fails. */
const BOUNDED = { timeout: 60_000, killSignal: 'SIGKILL' };

/** Run the command in the temporary directory. */
function run(...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], { cwd: directory, encoding: 'latin1', input: run.input, ...BOUNDED });
  return { status, stdout, stderr };
}

/** Write a program to a file of its own. */
let count = 0;
function program(code) {
  const name = `program${++count}.lua`;
  fs.writeFileSync(path.join(directory, name), code, 'latin1');
  return name;
}

test('a program runs, and its output is the output', () => {
  assert.deepEqual(run(program('print("hello") io.write("\\xff\\0")')), { status: 0, stdout: 'hello\n\xff\0', stderr: '' });
});

test('the command runs through a symbolic link, as npm installs it', { skip: process.platform === 'win32' }, () => {
  const link = path.join(directory, 'lua-persistent');
  fs.symlinkSync(CLI, link);
  const { stdout } = spawnSync(process.execPath, [link, program('print("linked")')], { cwd: directory, encoding: 'utf8' });
  assert.equal(stdout, 'linked\n');
});

test('the arguments are in arg, and what the program gets as its own', () => {
  assert.equal(run(program('print(select("#", ...), ...)'), 'a', 'b').stdout, '2\ta\tb\n');
  const name = program('print(arg[0], #arg, table.concat(arg, "|"))');
  assert.equal(run(name, 'a', '-x', 'b c', '"q"\\\n').stdout, `${name}\t4\ta|-x|b c|"q"\\\n\n`);
  assert.equal(run('--', name, '--state').stdout, `${name}\t1\t--state\n`);
  assert.equal(run(name, '--', '--state', 'x').stdout, `${name}\t2\t--state|x\n`);
});

test('a Lua error is on standard error with its traceback, and the exit code is 1', () => {
  const name = program('print("before")\nlocal function inner() error("broken") end\ninner()');
  const { status, stdout, stderr } = run(name);
  assert.equal(status, 1);
  assert.equal(stdout, 'before\n');
  assert.match(stderr, new RegExp(`^lua-persistent: ${name}:2: broken\nstack traceback:\n`));
  assert.match(stderr, /inner/);
  const syntax = run(program('x = = 1'));
  assert.equal(syntax.status, 1);
  assert.match(syntax.stderr, /program\d+\.lua:1: unexpected symbol near '='/);
});

test('a first line for the shell, and a byte order mark, are skipped', () => {
  assert.equal(run(program('#!/usr/bin/env lua-persistent\nprint("ran")')).stdout, 'ran\n');
  assert.equal(run(program('\xef\xbb\xbfprint("ran")')).stdout, 'ran\n');
  assert.match(run(program('#!x\nerror("here")')).stderr, /:2: here/);
});

test('a program may be longer than the I/O buffer', () => {
  assert.equal(run(program(`--${'x'.repeat(200_000)}\nprint("long")`)).stdout, 'long\n');
});

test('a program that prints much prints it all', () => {
  const { stdout } = run(program('for i = 1, 100000 do print(i) end'));
  assert.equal(stdout.split('\n').length, 100_001);
  assert.match(stdout, /99999\n100000\n$/);
});

test('a program can come from the standard input', () => {
  run.input = 'print("from input") error("x")';
  const { stdout, stderr } = run('-');
  run.input = undefined;
  assert.equal(stdout, 'from input\n');
  assert.match(stderr, /stdin:1: x/);
});

test('without FILE the standard input is the program', () => {
  run.input = 'print("piped", ..., arg[0])';
  const { status, stdout } = run();
  run.input = undefined;
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'piped\tnil\t-\n' });
});

test('code of the command line runs in order, before the program', () => {
  const name = program('print(x, ...)');
  assert.equal(run('-e', 'x = 1', '-e', 'x = x + 1 print(select("#", ...))', name, 'a').stdout, '0\n2\ta\n');
  assert.equal(run('-e', 'print(arg[0], arg[1], arg[2] ~= nil, arg[3])').stdout, 'lua-persistent\t-e\ttrue\tnil\n');
  assert.equal(run('-e', 'x = 1', program('print(arg[-3], arg[-2], arg[-1])')).stdout, 'lua-persistent\t-e\tx = 1\n');
});

test('nothing runs after code that fails', () => {
  const { status, stdout, stderr } = run('-e', 'print(1)', '-e', 'error("x")', '-e', 'print(2)', program('print(3)'));
  assert.equal(status, 1);
  assert.equal(stdout, '1\n');
  assert.match(stderr, /^lua-persistent: \(command line\):1: x\nstack traceback:\n/);
});

test('modules are found beside the program, and then from where the command runs', () => {
  fs.mkdirSync(path.join(directory, 'app', 'package'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'app', 'main.lua'), 'print(require("near").name, (require("package.part")), (require("far")))');
  fs.writeFileSync(path.join(directory, 'app', 'near.lua'), 'return { name = "near" }');
  fs.writeFileSync(path.join(directory, 'near.lua'), 'return { name = "wrong" }');
  fs.writeFileSync(path.join(directory, 'app', 'package', 'part.lua'), 'return ...');
  fs.mkdirSync(path.join(directory, 'far'));
  fs.writeFileSync(path.join(directory, 'far', 'init.lua'), 'return "far"');
  assert.equal(run('app/main.lua').stdout, 'near\tpackage.part\tfar\n');
});

test('require honours package.path, whatever the program makes of it', () => {
  fs.mkdirSync(path.join(directory, 'lib', 'deep'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'lib', 'mm.lua'), '#!/usr/bin/lua\nreturn { name = ..., file = select(2, ...) }');
  fs.writeFileSync(path.join(directory, 'lib', 'deep', 'er.lua'), 'return "deeper"');
  fs.writeFileSync(path.join(directory, 'lib', 'bad.lua'), 'x x');
  const changed = program('package.path = "./lib/?.lua" local m = require("mm") print(m.name, m.file, (require("deep.er")))');
  assert.deepEqual(run(changed), { status: 0, stdout: 'mm\t./lib/mm.lua\tdeeper\n', stderr: '' });
  const before = program('package.path = package.path .. ";lib/?.lua" print(require("mm").file)');
  assert.equal(run(before).stdout, 'lib/mm.lua\n');
  assert.match(run(program('package.path = "lib/?.lua" require("bad")')).stderr, /: error loading module 'bad' from file 'lib\/bad\.lua':\n\tlib\/bad\.lua:1: syntax error near 'x'/);
  assert.match(
    run(program('package.path = "a/?.lua;b/?" require("no.such")')).stderr,
    /: module 'no\.such' not found:\n\tno field package\.preload\['no\.such'\]\n\tno file 'a\/no\/such\.lua'\n\tno file 'b\/no\/such'\n/,
  );
  assert.match(run(program('package.path = nil require("mm")')).stderr, /: 'package\.path' must be a string\n/);
});

test('package.searchpath looks for files', () => {
  const name = program(`print(package.searchpath("mm", "x/?.lua;lib/?.lua"), package.searchpath("deep-er", "lib/?.lua", "-"))
    print(package.searchpath("a.b", "?;x/?", ".", "_"))
    print(package.searchpath("deep", "lib/?"), (pcall(package.searchpath)))`);
  assert.equal(run(name).stdout, "lib/mm.lua\tlib/deep/er.lua\nnil\tno file 'a_b'\n\tno file 'x/a_b'\nnil\tfalse\n");
});

test('a machine that goes on from a snapshot finds modules, too', () => {
  const words = ['--snapshot', 'modules.image', '-e'];
  run(...words, 'package.path = "lib/?.lua" print(require("mm").file) find, leave = package.searchpath, os.exit');
  const { status, stdout } = run(...words, 'package.loaded.mm = nil print(require("mm").file, find("mm", "lib/?.lua")) leave(3)');
  assert.deepEqual({ status, stdout }, { status: 3, stdout: 'lib/mm.lua\tlib/mm.lua\n' });
});

test('--read-only looks at a state that another process has open, and saves nothing', () => {
  run('--state', 'looked', '-e', '_home.x = 1');
  fs.writeFileSync(path.join(directory, 'looked.lock'), JSON.stringify({ token: 'elsewhere', pid: 1, host: 'elsewhere', boot: '', started: '' }));
  const refused = run('--state', 'looked', '-e', 'print(_home.x)');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^lua-persistent: state file 'looked' is open for writing in process 1 on 'elsewhere'; open it with --read-only to look at it, or remove /);
  const bytes = fs.readFileSync(path.join(directory, 'looked'));
  assert.deepEqual(run('--state', 'looked', '--read-only', '-e', '_home.x = _home.x + 1 print(_home.x)'), { status: 0, stdout: '2\n', stderr: '' });
  assert.deepEqual(fs.readFileSync(path.join(directory, 'looked')), bytes);
  fs.rmSync(path.join(directory, 'looked.lock'));
});

test('--read-only goes on with a snapshot and leaves it as it is', () => {
  run('--snapshot', 'looked.image', '-e', 'x = 1');
  const bytes = fs.readFileSync(path.join(directory, 'looked.image'));
  assert.equal(run('--snapshot', 'looked.image', '--read-only', '-e', 'x = x + 1 print(x)').stdout, '2\n');
  assert.deepEqual(fs.readFileSync(path.join(directory, 'looked.image')), bytes);
});

test('--read-only begins nothing', () => {
  for (const option of ['state', 'snapshot']) {
    const { status, stderr } = run(`--${option}`, 'not-there', '--read-only', '-e', 'print(1)');
    assert.equal(status, 1);
    assert.equal(stderr, `lua-persistent: ${option} file 'not-there' cannot be read: there is no such file, and --read-only begins none\n`);
    assert.equal(fs.existsSync(path.join(directory, 'not-there')), false);
  }
});

test('an output that cannot be written is said, with exit code 1, and the state is saved', { skip: !fs.existsSync('/dev/full') }, () => {
  const full = fs.openSync('/dev/full', 'w');
  const message = 'lua-persistent: cannot write the output: ENOSPC: no space left on device\n';
  const into = (...words) => {
    const { status, stderr } = spawnSync(process.execPath, [CLI, ...words], { cwd: directory, encoding: 'utf8', stdio: ['ignore', full, 'pipe'], ...BOUNDED });
    return { status, stderr };
  };
  assert.deepEqual(into('-e', 'print(1)'), { status: 1, stderr: message });
  assert.deepEqual(into('--state', 'full', '-e', '_home.x = "kept" while true do print("more") end', '-e', '_home.x = "went on"'), { status: 1, stderr: message });
  assert.equal(run('--state', 'full', '-e', 'print(_home.x)').stdout, 'kept\n');
  assert.deepEqual(into('--help'), { status: 1, stderr: message });
  assert.deepEqual(into('--version'), { status: 1, stderr: message });
  assert.deepEqual(into('-e', 'error("x", 0)').status, 1);
  fs.closeSync(full);
});

test('where nothing can be said, the exit code says it', { skip: !fs.existsSync('/dev/full') }, () => {
  const full = fs.openSync('/dev/full', 'w');
  const status = (...words) => spawnSync(process.execPath, [CLI, ...words], { cwd: directory, stdio: ['ignore', full, full], ...BOUNDED }).status;
  assert.equal(status('-e', 'print(1)'), 1);
  assert.equal(status('-e', 'error("x")'), 1);
  assert.equal(status('--no-such-option'), 2);
  assert.equal(status('-e', 'os.exit(7)'), 7);
  fs.closeSync(full);
});

test('a state that its disk has no room for is said, with exit code 1, and is as it was', { skip: process.platform === 'win32' }, () => {
  run('--state', 'grown', '-e', '_home.x = "before"');
  const script = `ulimit -f 64; exec "${process.execPath}" "${CLI}" --state grown -e '_home.x = ("x"):rep(200000) print("ran")'`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8', ...BOUNDED });
  assert.deepEqual({ status, stdout, stderr }, {
    status: 1,
    stdout: 'ran\n',
    stderr: "lua-persistent: state file 'grown' cannot be written: EFBIG: file too large\n",
  });
  assert.equal(run('--state', 'grown', '-e', 'print(_home.x)').stdout, 'before\n');
  assert.deepEqual(fs.readdirSync(directory).filter((name) => name.includes('grown')), ['grown']);
});

test('a module can be loaded into a global before the program', () => {
  fs.writeFileSync(path.join(directory, 'greet.lua'), 'return { hello = "hello" }');
  assert.equal(run('-l', 'greet', '-l', 'g=greet', '-e', 'print(greet.hello, g == greet)').stdout, 'hello\ttrue\n');
  const { status, stderr } = run('-l', 'nowhere', '-e', 'print("ran")');
  assert.equal(status, 1);
  assert.match(stderr, /^lua-persistent: .*module 'nowhere' not found/);
});

test('an error in a module names the module and the line', () => {
  fs.writeFileSync(path.join(directory, 'bad.lua'), 'local x\nx.y = 1');
  fs.writeFileSync(path.join(directory, 'worse.lua'), 'local = 1');
  assert.match(run('-l', 'bad').stderr, /^lua-persistent: \.\/bad\.lua:2: attempt to index a nil value/);
  assert.match(run('-l', 'worse').stderr, /error loading module 'worse' from file '\.\/worse\.lua':\n\t\.\/worse\.lua:1: <name> expected near '='/);
});

test('what goes beyond a limit is stopped, with exit code 1', () => {
  for (const [limit, code, message] of [
    ['instructions=1k', 'while true do end', /\(command line\):1: the limit of 1000 instructions is reached\nstack traceback:/],
    ['ms=50', 'while true do pcall(error) end', /the limit of 50 milliseconds is reached/],
    ['output-bytes=4', 'print("123") print("5")', /the limit of 4 bytes of output is reached/],
    ['table-entries=5', 'for i = 1, 6 do _home[i] = i end', /the limit of 5 entries in external tables is reached/],
    ['table-bytes=500', '_home.x = ("x"):rep(600)', /the limit of 500 bytes in external tables is reached/],
    ['heap=200k', 'local t = {} for i = 1, 1e5 do t[i] = {} end', /not enough memory/],
  ]) {
    const { status, stdout, stderr } = run('--limit', limit, '-e', code, '-e', 'print("went on")');
    assert.equal(status, 1, limit);
    assert.match(stderr, message);
    assert.doesNotMatch(stdout, /went on/);
  }
});

test('each program has the limit for itself', () => {
  const code = 'for i = 1, 600 do end';
  assert.equal(run('--limit', 'instructions=1k', '-e', code, '-e', code, program(code)).status, 0);
});

test('os.exit ends the program with its code, wherever it is called, and the state is saved', () => {
  const state = path.join(directory, 'exit.state');
  for (const [code, expected] of [['', 0], ['true', 0], ['false', 1], ['3', 3], ['256 + 7', 7]]) {
    assert.equal(run('-e', `os.exit(${code})`).status, expected, code);
  }
  const { status, stdout, stderr } = run('--state', state, '-e', '_home.x = "kept" pcall(os.exit, 5) while true do pcall(error) end', '-e', 'print("ran")');
  assert.deepEqual({ status, stdout, stderr }, { status: 5, stdout: '', stderr: '' });
  assert.equal(run('--state', state, '-e', 'print(_home.x)').stdout, 'kept\n');
});

test('a missing or unreadable file is named in a sentence', () => {
  assert.deepEqual(run('absent.lua'), { status: 1, stdout: '', stderr: "lua-persistent: cannot read 'absent.lua': there is no such file\n" });
  fs.mkdirSync(path.join(directory, 'folder'));
  assert.match(run('folder').stderr, /^lua-persistent: cannot read 'folder': EISDIR/);
});

test('a wrong command line gets the usage and exit code 2', () => {
  for (const [words, message] of [
    [['--bogus'], /^lua-persistent: unknown option --bogus\n/],
    [['x.lua', '--limit', 'memory=5'], /^lua-persistent: there is no limit 'memory' \(there is: instructions, /],
  ]) {
    const { status, stderr } = run(...words);
    assert.equal(status, 2);
    assert.match(stderr, message);
    assert.match(stderr, /usage: lua-persistent \[options\] \[FILE \[args\.\.\.\]\]/);
  }
});

test('help and version are on standard output', () => {
  assert.match(run('--help').stdout, /usage: lua-persistent \[options\] \[FILE \[args\.\.\.\]\]/);
  assert.match(run('--version').stdout, /^lua-persistent \d+\.\d+\.\d+\n$/);
});

test('the counter counts from one process to the next', () => {
  const state = path.join(directory, 'counter.state');
  assert.match(run(COUNTER, '--state', state).stdout, /\b1\b/);
  assert.match(run(COUNTER, `--state=${state}`).stdout, /\b2\b/);
  assert.match(run('--state', state, COUNTER).stdout, /\b3\b/);
  assert.match(run(COUNTER).stdout, /\b1\b/, 'without a state it starts anew');
});

test('what was stored before an error is kept', () => {
  const state = path.join(directory, 'error.state');
  assert.equal(run(program('_home.x = "kept" error("stop")'), '--state', state).status, 1);
  assert.equal(run(program('print(_home.x)'), '--state', state).stdout, 'kept\n');
});

test('a table that nothing was put into keeps its id', () => {
  const state = path.join(directory, 'empty.state');
  run(program('_home.t = ext.table()'), '--state', state);
  run(program('local other = ext.table() other.x = 1'), '--state', state);
  assert.equal(run(program('print(_home.t.x)'), '--state', state).stdout, 'nil\n');
});

test('the contents of _io do not outlive the run', () => {
  const state = path.join(directory, 'io.state');
  run(program('_io.x = 1 _home.x = 2'), '--state', state);
  assert.equal(run(program('print(_io.x, _home.x)'), '--state', state).stdout, 'nil\t2\n');
});

test('a state file that is damaged or foreign is named and left as it is, and the program does not run', () => {
  const state = path.join(directory, 'bad.state');
  const name = program('print("ran") _home.x = 1');
  run(name, '--state', state);
  const good = fs.readFileSync(state);
  const damaged = Buffer.from(good);
  damaged[damaged.length - 1] ^= 1;
  for (const [contents, message] of [
    [damaged, /is damaged/],
    [good.subarray(0, 30), /is truncated/],
    [Buffer.from('plain text'), /is not a state of lua-persistent/],
    [Buffer.alloc(0), /is truncated/],
  ]) {
    fs.writeFileSync(state, contents);
    const { status, stdout, stderr } = run(name, '--state', state);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.ok(stderr.includes(`'${state}'`), stderr);
    assert.deepEqual(fs.readFileSync(state), contents);
  }
});

test('a state that cannot be written is named, and the exit code is 1', () => {
  const state = path.join(directory, 'absent', 'x.state');
  const { status, stderr } = run(program('_home.x = 1'), '--state', state);
  assert.equal(status, 1);
  assert.match(stderr, /cannot be written/);
  assert.ok(stderr.includes(`'${state}'`), stderr);
});
