// Tests which arguments the command accepts, and the messages for those that it refuses (web/cli/arguments.js).

import assert from 'node:assert/strict';
import test from 'node:test';

import { parseArguments } from '../../../web/cli/arguments.js';
import { UsageError } from '../../../web/cli/errors.js';
import { HEAP_LEAST } from '../../../web/loader.js';
import { argumentTable } from '../../../web/cli/source.js';

/** Read a command line that makes sense. */
function parse(line) {
  const command = parseArguments(line === '' ? [] : line.split(' '));
  assert.equal(typeof command, 'object', line);
  return command;
}

test('options stand before FILE, and what follows it is its own', () => {
  const { first, file, args, before, interactive } = parse('-i -e x=1 -lm -l g=m a.lua -i -e y -x');
  assert.deepEqual(first, [{ code: 'x=1' }, { module: 'm', global: 'm' }, { module: 'm', global: 'g' }]);
  assert.equal(file, 'a.lua');
  assert.deepEqual(args, ['-i', '-e', 'y', '-x']);
  assert.deepEqual(before, ['-i', '-e', 'x=1', '-lm', '-l', 'g=m']);
  assert.equal(interactive, true);
});

test('code may stand in the same word as -e', () => {
  assert.deepEqual(parse('-eprint(1)').first, [{ code: 'print(1)' }]);
});

test('files and limits are named before FILE and behind it', () => {
  for (const line of ['--state s a.lua x', '--state=s a.lua x', 'a.lua --state s x', 'a.lua x --state=s']) {
    const { file, args, state } = parse(line);
    assert.deepEqual({ file, args, state }, { file: 'a.lua', args: ['x'], state: 's' }, line);
  }
  assert.equal(parse('a.lua --snapshot s').snapshot, 's');
  assert.deepEqual(parse('a.lua --limit ms=5').limits, { milliseconds: 5 });
});

test('a line of Lua is named before FILE or behind it, once', () => {
  for (const line of ['--lua 5.5 a.lua x', '--lua=5.5 a.lua x', 'a.lua --lua 5.5 x']) {
    const { args, lua } = parse(line);
    assert.deepEqual({ args, lua }, { args: ['x'], lua: '5.5' }, line);
  }
  assert.equal(parse('a.lua').lua, undefined);
  const refused = (line, message) => assert.throws(() => parse(line), (error) => error instanceof UsageError && error.message === message, line);
  refused('--lua 5.3 a.lua', "--lua '5.3' is none that there is: it has to be 5.4 or 5.5");
  refused('--lua=', '--lua needs a line of Lua, 5.4 or 5.5');
  refused('--lua 5.4 --lua 5.5', '--lua is given twice');
});

test('a state or snapshot may be opened for reading only', () => {
  for (const line of ['--state s --read-only a.lua', 'a.lua --read-only --snapshot s']) assert.equal(parse(line).readOnly, true, line);
  assert.equal(parse('--state s').readOnly, false);
  assert.deepEqual(parse('--state s a.lua -- --read-only').args, ['--read-only']);
  assert.throws(() => parse('--read-only a.lua'), { message: '--read-only needs --state or --snapshot' });
});

test('a double dash ends the options', () => {
  assert.equal(parse('-- -odd.lua').file, '-odd.lua');
  assert.deepEqual(parse('-- a.lua --state s').args, ['--state', 's']);
  assert.deepEqual(parse('a.lua -- --state s').args, ['--state', 's']);
  assert.deepEqual(parse('a.lua -- -- x').args, ['--', 'x']);
  assert.equal(parse('--').file, undefined);
});

test('a dash alone is the standard input', () => {
  assert.equal(parse('-').file, '-');
});

test('limits add up, in numbers as people write them', () => {
  assert.deepEqual(parse('--limit instructions=1e6 --limit=ms=250,output-bytes=10k').limits, {
    instructions: 1e6,
    milliseconds: 250,
    outputBytes: 10_000,
  });
  assert.deepEqual(parse('--limit table-entries=1k,table-bytes=2M,heap=500k').limits, { tableEntries: 1000, tableBytes: 2e6, heapBytes: 500_000 });
  assert.deepEqual(parse('--limit heap-bytes=131072').limits, { heapBytes: 131072 });
  for (const [text, number] of [['5M', 5e6], ['1.5k', 1500], ['1.001k', 1001], ['2G', 2e9], ['3K', 3000], ['1', 1]]) {
    assert.equal(parse(`--limit instructions=${text}`).limits.instructions, number, text);
  }
});

test('what makes no sense is refused with what would', () => {
  for (const [line, message] of [
    ['--bogus', 'unknown option --bogus'],
    ['-x', 'unknown option -x'],
    ['--stat s', 'unknown option --stat'],
    ['-e', '-e needs CODE'],
    ['-l', '-l needs the NAME of a module'],
    ['a.lua --state', '--state needs a file'],
    ['--snapshot= a.lua', '--snapshot needs a file'],
    ['--limit', '--limit needs NAME=NUMBER'],
    ['--state a --state b', '--state is given twice'],
    ['--state a --snapshot b', '--state and --snapshot exclude each other: a snapshot holds the external tables, too'],
    ['--limit 5', "--limit needs NAME=NUMBER, not '5'"],
    ['--limit memory=5', "there is no limit 'memory' (there is: instructions, milliseconds, ms, output-bytes, table-entries, table-bytes, heap-bytes, heap)"],
    ['--limit heap=100k', `the limit of heap has to be a whole number from ${HEAP_LEAST} to 4294967295, as 250, 1e6, 10k or 5M, not '100k'`],
    ['--limit ms=1,milliseconds=2', 'the limit of milliseconds is given twice'],
    ...['0', '-1', '1.5', 'x', '', '1kk', '1e99', '5G', 'Infinity'].map((number) => [
      `--limit ms=${number}`,
      `the limit of ms has to be a whole number from 1 to 4294967295, as 250, 1e6, 10k or 5M, not '${number}'`,
    ]),
  ]) {
    assert.throws(() => parse(line), { message }, line);
  }
});

test('help and version are asked for before FILE only', () => {
  assert.equal(parseArguments(['-h']), 'help');
  assert.equal(parseArguments(['-i', '--help']), 'help');
  assert.equal(parseArguments(['--version']), 'version');
  assert.equal(parseArguments(['-v']), 'version');
  assert.deepEqual(parse('a.lua --help').args, ['--help']);
});

test('arg is numbered from FILE on, or from the command without one', () => {
  const table = (line) => argumentTable(parse(line), line.split(' '));
  assert.match(table('-i a.lua x'), /\[-2\] = "lua-persistent", \[-1\] = "-i", \[0\] = "a.lua", \[1\] = "x"\}/);
  assert.match(table('-e x'), /\[0\] = "lua-persistent", \[1\] = "-e", \[2\] = "x"\}/);
});
