// Tests that a file has one writer under all its names (web/persist/file-identity.js, file-place.js): hard links, symbolic
// links, renamed folders, and changes that no lock sees.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { FileBackend } from '../../../web/persist/file.js';
import { FileIdentity } from '../../../web/persist/file-identity.js';
import { nodeModules } from '../../../web/persist/node.js';
import { StateError } from '../../../web/persist/state-error.js';
import { integer, look, open } from '../support/states.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lua-persistent-'));
test.after(() => fs.rmSync(directory, { recursive: true, force: true }));

const node = await nodeModules();
const kind = (name) => (error) => error instanceof StateError && error.kind === name;
const at = (file) => FileBackend.at(file);

/** Links are told apart on every system, processes where the system knows names that it forgets with them. */
const skip = process.platform === 'win32';
const skipProcesses = process.platform !== 'linux';

let count = 0;
/** A folder of its own with the state `one` in it. */
async function folder() {
  const place = path.join(directory, String(++count));
  fs.mkdirSync(place);
  const session = await open(await at(path.join(place, 'one')));
  session.store.set(1, 'x', integer(1));
  await session.close();
  return place;
}

/** Reads the entry `x` of table 1 of a state. */
async function x(file) {
  return (await look(await at(file))).tables[1].find(([key]) => key === 'x')[1];
}

const hex = (number) => Buffer.from(integer(number)).toString('hex');

test('a file that has two names has one writer', { skip }, async () => {
  const place = await folder();
  fs.mkdirSync(path.join(place, 'elsewhere'));
  const [one, two, three] = ['one', 'two', 'elsewhere/three'].map((name) => path.join(place, name));
  fs.linkSync(one, two);
  fs.linkSync(one, three);
  const session = await open(await at(one));
  for (const other of [two, three]) {
    await assert.rejects(open(await at(other)), (error) => kind('locked')(error) && /under another name of the file; open it with \{ readOnly: true \}/.test(error.message));
    assert.equal(await x(other), hex(1));
    assert.equal(fs.existsSync(`${other}.lock`), false);
  }
  session.store.set(1, 'x', integer(2));
  await session.close();
  // All names have what was saved under one.
  for (const other of [one, two, three]) assert.equal(await x(other), hex(2));
  const next = await open(await at(two));
  next.store.set(1, 'x', integer(3));
  await next.close();
  for (const other of [one, two, three]) assert.equal(await x(other), hex(3));
});

test('processes know a file under another name, too, until they end', { skip: skipProcesses }, async () => {
  const place = await folder();
  const [one, two] = ['one', 'two'].map((name) => path.join(place, name));
  fs.linkSync(one, two);
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { FileBackend } from './persist/file.js';
    await (await FileBackend.at(${JSON.stringify(one)})).open({ readOnly: false });
    console.log('locked');
    process.stdin.resume();
  `], { cwd: fileURLToPath(new URL('../../../web/', import.meta.url)), stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await assert.rejects(open(await at(two)), kind('locked'));
  const exit = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await exit;
  await (await open(await at(two))).close();
});

test('a file that is replaced by a save is held as the new one', { skip }, async () => {
  const place = await folder();
  const [one, two] = ['one', 'two'].map((name) => path.join(place, name));
  const session = await open(await at(one));
  for (let round = 0; round < 6; round++) {
    session.store.set(1, 'much', new Uint8Array(100_000 + round));
    await session.save();
  }
  fs.linkSync(one, two);
  await assert.rejects(open(await at(two)), kind('locked'));
  await session.close();
  await (await open(await at(two))).close();
});

test('a save never parts the names of a file', { skip }, async () => {
  const place = await folder();
  const [one, two] = ['one', 'two'].map((name) => path.join(place, name));
  fs.linkSync(one, two);
  const session = await open(await at(one));
  for (let round = 0; round < 6; round++) {
    session.store.set(1, 'much', new Uint8Array(100_000 + round));
    session.store.set(1, 'x', integer(round));
    await session.save();
    assert.equal(fs.statSync(one).ino, fs.statSync(two).ino);
    assert.equal(await x(two), hex(round));
  }
  await session.close();
  fs.rmSync(one);
  const alone = await open(await at(two));
  alone.store.set(1, 'much', new Uint8Array(1));
  await alone.save();
  assert.ok(fs.statSync(two).size < 10_000);
  await alone.close();
});

test('what no lock sees is found out before it does harm', { skip }, async () => {
  const place = await folder();
  const [one, two] = ['one', 'two'].map((name) => path.join(place, name));
  fs.linkSync(one, two);
  const session = await open(await at(one));
  // As if the other writer were in another container.
  session.backend.identity.release();
  const other = await open(await at(two));
  other.store.set(1, 'x', integer(2));
  await other.close();
  session.store.set(1, 'x', integer(3));
  await assert.rejects(session.save(), kind('conflict'));
  await session.abandon();
  assert.equal(await x(one), hex(2));
});

test('a symbolic link stays what it is, also when its file is not there yet', { skip }, async () => {
  const place = await folder();
  fs.mkdirSync(path.join(place, 'data'));
  fs.symlinkSync('data/real', path.join(place, 'link'));
  fs.symlinkSync('link', path.join(place, 'again'));
  fs.symlinkSync('data', path.join(place, 'folder'));
  const session = await open(await at(path.join(place, 'again')));
  session.store.set(1, 'x', integer(5));
  await session.save();
  for (const name of ['data/real', 'link', 'folder/real']) await assert.rejects(open(await at(path.join(place, name))), kind('locked'), name);
  await session.close();
  for (const name of ['again', 'link']) assert.equal(fs.lstatSync(path.join(place, name)).isSymbolicLink(), true, name);
  assert.equal(await x(path.join(place, 'data/real')), hex(5));
  assert.deepEqual(fs.readdirSync(path.join(place, 'data')), ['real']);
});

test('names that will be one file are locked as one', { skip }, async () => {
  const place = await folder();
  fs.mkdirSync(path.join(place, 'data'));
  fs.symlinkSync('data', path.join(place, 'folder'));
  fs.symlinkSync('data/new', path.join(place, 'link'));
  const session = await open(await at(path.join(place, 'data/new')));
  for (const name of ['link', 'folder/new']) await assert.rejects(open(await at(path.join(place, name))), kind('locked'), name);
  await session.close();
});

test('links that lead nowhere are errors that say so', { skip }, async () => {
  const place = await folder();
  fs.symlinkSync('round', path.join(place, 'round'));
  await assert.rejects(open(await at(path.join(place, 'round'))), (error) => kind('unreadable')(error) && /ELOOP/.test(error.message));
  fs.symlinkSync('no/such/folder', path.join(place, 'far'));
  await assert.rejects(open(await at(path.join(place, 'far'))), (error) => kind('unwritable')(error) && /cannot be locked: ENOENT/.test(error.message));
  assert.equal(fs.lstatSync(path.join(place, 'far')).isSymbolicLink(), true);
});

test('a folder that is renamed takes its lock along, and what it leaves is not written', { skip }, async () => {
  const place = await folder();
  const session = await open(await at(path.join(place, 'one')));
  session.store.set(1, 'x', integer(2));
  const moved = `${place}-moved`;
  fs.renameSync(place, moved);
  await assert.rejects(open(await at(path.join(moved, 'one'))), kind('locked'));
  await assert.rejects(session.save(), kind('conflict'));
  fs.mkdirSync(place);
  const fresh = await open(await at(path.join(place, 'one')));
  fresh.store.set(1, 'x', integer(9));
  await fresh.save();
  await assert.rejects(session.save(), kind('conflict'));
  await session.abandon();
  await fresh.close();
  assert.equal(await x(path.join(place, 'one')), hex(9));
  assert.equal(await x(path.join(moved, 'one')), hex(1));
});

test('where the system knows no such names, a thread still tells its own files apart', () => {
  const file = path.join(directory, 'plain');
  fs.writeFileSync(file, '');
  fs.linkSync(file, `${file}-two`);
  const broken = { ...node, net: { createServer: () => { throw new Error('ERR_ACCESS_DENIED'); } } };
  const held = FileIdentity.take(broken, file);
  assert.notEqual(held, null);
  assert.equal(FileIdentity.take(broken, `${file}-two`), null);
  held.release();
  const again = FileIdentity.take(node, `${file}-two`);
  assert.notEqual(again, null);
  again.release();
});
