// Runs each block of JavaScript in documents as a module, in a Node of its own, in a folder where `lua-persistent` is
// installed.
//
// What a comment behind a statement promises is checked:
//
//   expression;            // => value    deeply equal to this JavaScript expression
//   const name = value;    // => value    the same for what was declared
//   console.log(value);    // => value    the same for what was logged
//   expression;            // throws NAME: message
//
// In a message `...` stands for anything. Any other comment is prose. A block that imports nothing has the exports of the
// package, and a new machine `lua` unless it declares one.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const ts = createRequire(new URL('../../web/package.json', import.meta.url))('typescript');

const EXPECT = new URL('./expect.js', import.meta.url).href;
const PROMISE = /^\/\/ (=>|throws) (.*)$/;

/**
 * Turn the promises of a block into checks. Lines keep their numbers.
 *
 * @param {string} code
 * @returns {{ code: string, checks: number, thrown: string[] }} `thrown`: what the block says that it throws
 * @throws {SyntaxError} for code that is not JavaScript, and a promise that belongs to no statement
 */
export function instrument(code) {
  const source = ts.createSourceFile('block.mjs', code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const [mistake] = source.parseDiagnostics;
  if (mistake !== undefined) throw new SyntaxError(ts.flattenDiagnosticMessageText(mistake.messageText, '\n'));
  const edits = [];
  const thrown = [];
  const visit = (node) => {
    ts.forEachChild(node, visit);
    const promise = promiseBehind(code, node);
    if (promise === null) return;
    const { kind, text } = promise;
    const start = node.getStart(source);
    if (ts.isExpressionStatement(node)) {
      const expression = node.expression.getText(source);
      if (kind === '=>') edits.push({ start, end: node.end, text: `__equal((${expression}), (${text}), ${edits.length});` });
      else edits.push({ start, end: node.end, text: `await __throws(async () => (${expression}), ${JSON.stringify(text)}, ${edits.length});` });
      if (kind === 'throws') thrown.push(text);
    } else if (ts.isVariableStatement(node) && kind === '=>') {
      const [declaration] = node.declarationList.declarations;
      const name = declaration.name.getText(source);
      edits.push({ start: node.end, end: node.end, text: ` __equal((${name}), (${text}), ${edits.length});` });
    }
  };
  visit(source);
  const promised = code.split('\n').filter((line) => /(^|\s)\/\/ (=>|throws [A-Z]\w*: )/.test(line)).length;
  if (promised !== edits.length) throw new SyntaxError(`${promised} promises, of which ${edits.length} stand behind a statement`);
  let checked = code;
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start)) checked = checked.slice(0, start) + text + checked.slice(end);
  return { code: checked, checks: edits.length, thrown };
}

/** The promise in the comment that follows a node on its line. */
function promiseBehind(code, node) {
  if (!ts.isExpressionStatement(node) && !ts.isVariableStatement(node)) return null;
  for (const { pos, end } of ts.getTrailingCommentRanges(code, node.end) || []) {
    const [, kind, text] = PROMISE.exec(code.slice(pos, end)) || [];
    if (kind === '=>' || /^[A-Z]\w*: /.test(text || '')) return { kind, text };
  }
  return null;
}

/**
 * Run a block, and make its checks.
 *
 * @param {string} code
 * @param {{ folder: string, before?: string, after?: string, environment?: Record<string, string> }} setting the folder of a
 *   project, and code that is run around the block
 */
export async function runJavaScript(code, { folder, before = '', after = '', environment = {}, program = process.execPath }) {
  const { code: body, checks } = instrument(code);
  let prelude = `import { equal as __equal, throws as __throws, expectChecks as __expect } from ${JSON.stringify(EXPECT)};`;
  if (before !== '') {
    prelude += before;
  } else if (!/^import /m.test(code)) {
    prelude += `import { ${exportsUsedIn(code).join(', ')} } from 'lua-persistent';`;
    if (!/\b(const|let) lua\b/.test(code)) prelude += 'const lua = await Lua.create();';
  }
  prelude += `__expect(${checks});`;
  const file = path.join(folder, 'block.mjs');
  writeFileSync(file, `${prelude} ${body}\n${after}\n`);
  const { status, output } = await runNode([file], folder, environment, program);
  assert.equal(status, 0, output);
}

/** Names that blocks may use without importing them. */
const EXPORTS = ['Lua', 'LuaError', 'LuaStateError', 'EncodeError', 'DecodeError', 'StateError', 'ImportError', 'SnapshotError',
  'ExternalTable', 'MapStore', 'MemoryBackend', 'MultiReturn', 'LuaFunction', 'LuaLibrary', 'LuaOpaque', 'decodeValue',
  'encodeValue', 'readSnapshotTables'];

function exportsUsedIn(code) {
  return EXPORTS.filter((name) => name === 'Lua' || new RegExp(`\\b${name}\\b`).test(code));
}

/**
 * Run Node to its end.
 *
 * @param {string[]} words
 * @param {string} folder
 * @param {Record<string, string>} [environment] in addition
 * @returns {Promise<{ status: number | null, output: string }>}
 */
export async function runNode(words, folder, environment = {}, program = process.execPath) {
  const child = spawn(program, words, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '', ...environment } });
  let output = '';
  child.stdout.on('data', (piece) => (output += piece));
  child.stderr.on('data', (piece) => (output += piece));
  child.stdin.end();
  const [status] = await once(child, 'close');
  return { status, output };
}
