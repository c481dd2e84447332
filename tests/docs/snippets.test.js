// Runs every block of code in every Markdown file of the repository, or compares it with the file that it quotes. Each
// language has a file here that says how. A block of an unknown language fails.
//
// A comment in HTML on the line before a block says what is special about it:
//
//   <!-- file: NAME -->      the block is also written to that file of the document's folder, for the commands that follow
//   <!-- from: FILE -->      the block stands in that file of the repository, word for word
//   <!-- another run -->     Lua: a new machine with the external tables of the block before
//   <!-- with SQLite -->     the block runs in a Node that has node:sqlite, where there is one; a database is data.db
//   <!-- not run: WHY -->    nothing is done with it; there are few of these

/** @import { Block } from './markdown.js' */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { describe } from 'node:test';

import { MapStore } from '../../web/lua-persistent.js';
import { runPage } from './html.js';
import { runJavaScript } from './javascript.js';
import { runLua } from './lua.js';
import { blocksOf, documents, ROOT } from './markdown.js';
import { linkedProject, makePackage, temporary } from './project.js';
import * as reference from './reference.js';
import { runShell } from './shell.js';
import { nodeWithSqlite, runWithSqlite } from './sqlite.js';

/** Includes the documents whose blocks in Rust are its tests. */
const RUST = 'hosts/rust/src/lib.rs';

/** The number of blocks that may be exempt. */
const EXEMPT = 3;

const MARKERS = /^(file: \S+|from: \S+|another run|with SQLite|not run: .+)$/;

const sqlite = await nodeWithSqlite();

const all = documents().flatMap(blocksOf);

/** The package that `npm install lua-persistent` installs. */
const PACKAGE = path.join(temporary(), 'lua-persistent');
makePackage(PACKAGE);

/** The folder and values that the blocks of one document share. */
class Reading {
  constructor(file) {
    this.file = file;
    this.store = new MapStore();
  }

  /** A project in which the package is installed, for code. */
  get folder() {
    return (this.project ??= linkedProject());
  }

  /** An empty folder, for commands. */
  get place() {
    return (this.commands ??= temporary());
  }
}

/**
 * @param {Block} block
 * @param {Reading} reading
 */
async function check(block, reading) {
  const { language, marker, code } = block;
  const [, file] = /^file: (\S+)$/.exec(marker) || [];
  if (file !== undefined) for (const folder of [reading.folder, reading.place]) writeFileSync(path.join(folder, file), `${code}\n`);
  const [, source] = /^from: (\S+)$/.exec(marker) || [];
  if (source !== undefined) {
    assert.ok(readFileSync(path.join(ROOT, source), 'utf8').includes(code.trim()), `this does not stand in ${source}`);
    return;
  }
  switch (language) {
    case 'js':
      return runJavaScript(code, { folder: reading.folder });
    case 'lua':
      if (marker !== 'another run') reading.store = new MapStore();
      return runLua(code, reading.store);
    case 'sh':
      return runShell(code, reading.place, PACKAGE);
    case 'html':
      return runPage(code, reading.folder);
    case 'json':
      return void JSON.parse(code);
    case 'rust':
      return checkRust(block.file);
    case 'text':
      return;
    default:
      assert.fail(`nothing is known about the language '${language}'`);
  }
}

/**
 * Rust runs as a test of the crate for hosts, which includes the document.
 *
 * @param {string} file
 */
function checkRust(file) {
  const included = path.posix.relative(path.posix.dirname(RUST), file);
  assert.ok(readFileSync(path.join(ROOT, RUST), 'utf8').includes(`include_str!("${included}")`), `${RUST} does not include ${file}`);
}

for (const file of documents().filter((name) => name !== reference.REFERENCE)) {
  const blocks = all.filter((block) => block.file === file);
  if (blocks.length === 0) continue;
  describe(file, () => {
    const reading = new Reading(file);
    for (const block of blocks) {
      const name = `${file}:${block.line} ${block.language} (${block.heading})`;
      if (block.marker.startsWith('not run: ')) test.todo(name);
      else if (block.marker === 'with SQLite') test(name, { skip: sqlite === null }, () => runWithSqlite(block, reading.folder, sqlite));
      else test(name, () => check(block, reading));
    }
  });
}

describe(reference.REFERENCE, () => {
  const blocks = all.filter((block) => block.file === reference.REFERENCE);
  const folder = linkedProject();
  for (const { line, language, heading, code } of blocks) {
    if (language === 'text' || language === '' || (language === 'javascript' && reference.isMethod(code))) continue;
    test(`line ${line}: ${language} (${heading})`, () => {
      if (language === 'javascript') return reference.runExample(code, folder);
      if (language === 'wasm' || language === 'rust') return reference.checkSignature(language, code);
      if (language === 'mermaid') return reference.checkStates(code);
      return assert.fail(`nothing is known about the language '${language}'`);
    });
  }

  const methods = blocks.filter(({ language, code }) => language === 'javascript' && reference.isMethod(code)).map(({ code }) => code);

  test('the imports shown are a host', () => {
    reference.checkImports(methods.filter((code) => code.startsWith('js_')));
  });

  for (const code of methods.filter((text) => !text.startsWith('js_'))) {
    test(`the service shown answers: ${code.split(/[:(]/)[0]}`, () => reference.checkService(code));
  }
});

test('few blocks are exempt, and each says why', () => {
  const exempt = all.filter((block) => block.marker.startsWith('not run: '));
  assert.ok(exempt.length <= EXEMPT, exempt.map((block) => `${block.file}:${block.line}`).join(', '));
});

test('comments before blocks are ones that mean something', () => {
  for (const { file, line, marker } of all) assert.match(marker, new RegExp(`^$|${MARKERS.source}`), `${file}:${line}`);
});
