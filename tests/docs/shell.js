// Checks shell commands in documents. Commands about the package run in an empty project, `npm install` included. Of the
// commands about the repository, `cargo xtask run` runs what it would run after the build; of the others, words and options
// have to exist. `# => text` behind a command is the last line that it prints.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { ROOT } from './markdown.js';
import { pattern } from './pattern.js';

/** The usage of `cargo xtask`, verb -> options; those of every verb under the empty name. */
function xtaskUsage() {
  const source = readFileSync(path.join(ROOT, 'xtask/src/arguments.rs'), 'utf8');
  const [, text] = /USAGE: &str = "\\\n([^]*?)\n";/.exec(source);
  const usage = new Map();
  let options = null;
  for (const line of text.split('\n')) {
    const [, verb, option] = /^ {2}([a-z]+)\b|^ +(--[a-z-]*)/.exec(line) || [];
    if (line.startsWith('options of every verb')) usage.set('', (options = new Set()));
    else if (verb !== undefined) usage.set(verb, (options = new Set()));
    else if (option !== undefined) options.add(option);
  }
  return usage;
}

/** Names and tags of the steps of `cargo xtask test`. */
function xtaskSteps() {
  const source = readFileSync(path.join(ROOT, 'xtask/src/verbs/test/steps.rs'), 'utf8');
  const [, tags] = /TAGS: \[.*?\] = \[(.*?)\]/.exec(source);
  return new Set([...source.matchAll(/name: ("[a-z-]+")/g)].map((match) => match[1]).concat(tags.split(', ')).map((word) => JSON.parse(word)));
}

function checkXtask(words) {
  const usage = xtaskUsage();
  const [verb, ...rest] = words;
  assert.ok(usage.has(verb), `there is no verb ${verb}: ${[...usage.keys()]}`);
  if (verb === 'run') return runCommand(rest);
  for (const word of rest) {
    const [name] = word.split('=');
    if (word.startsWith('--')) assert.ok(usage.get(verb).has(name) || usage.get('').has(name), `${verb} has no option ${name}`);
    else if (verb === 'test') assert.ok(xtaskSteps().has(word), `there is no step ${word}`);
    else if (verb === 'abi') assert.ok(word === 'diff' || existsSync(path.join(ROOT, word)), `there is no ${word}`);
    else if (verb === 'lua') assert.ok(readFileSync(path.join(ROOT, 'vendor/Cargo.toml'), 'utf8').includes(`"${word}" = {`), `Lua ${word} is not pinned`);
    else assert.ok(['rustup', 'debian'].includes(word), `what is '${word}'?`);
  }
  return null;
}

/** What `cargo xtask run` hands over to. */
function runCommand(words) {
  const state = words.indexOf('--state');
  const inFolder = words.map((word, index) => (index === state + 1 && state >= 0 ? path.basename(word) : word));
  const file = inFolder.find((word) => word.endsWith('.lua'));
  assert.ok(file === undefined || existsSync(path.join(ROOT, file)), `there is no ${file}`);
  return [process.execPath, path.join(ROOT, 'web/cli.js'), ...inFolder.map((word) => (word === file ? path.join(ROOT, word) : word))];
}

/** `npm ... run SCRIPT`: the script has to be there. */
function checkScript(words) {
  const at = words.indexOf('--prefix');
  const folder = at < 0 ? 'web' : words[at + 1];
  const script = words[words.indexOf('run') + 1];
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'));
  assert.ok(script in scripts, `${folder}/package.json has no script ${script}`);
  return null;
}

/** The words of a command line. */
function split(line) {
  return (line.match(/'[^']*'|"[^"]*"|\S+/g) || []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
}

/**
 * Returns the program and arguments to run for a command line.
 *
 * @param {string[]} words
 * @param {string} source what is installed as the package
 * @returns {string[] | null} nothing where checking is all
 * @throws for a command that nothing is known about
 */
function planned(words, source) {
  const [program, first, ...rest] = words;
  if (program === 'cargo' && first === 'xtask') return checkXtask(rest);
  if (program === 'npm' && first === 'install') {
    assert.deepEqual(rest, ['lua-persistent']);
    return ['npm', 'install', '--offline', '--no-audit', '--no-fund', source];
  }
  if (program === 'npm' && words.includes('run')) return checkScript(words);
  if (program === 'npx' && first === 'lua-persistent') return ['npx', '--no-install', ...words.slice(1)];
  if (program === 'node' && existsSync(path.join(ROOT, first))) return [process.execPath, path.join(ROOT, first), ...rest];
  throw new assert.AssertionError({ message: `nothing is known about the command '${program} ${first}'` });
}

/**
 * Run or check the commands of a block.
 *
 * @param {string} code
 * @param {string} folder of a project
 * @param {string} source what is installed as the package
 */
export function runShell(code, folder, source) {
  for (const line of code.replace(/\\\n/g, ' ').split('\n')) {
    const [, command, promise] = /^(.*?)(?:\s+# => (.*)|\s+#.*)?$/.exec(line);
    if (command.trim() === '' || command.startsWith('#')) continue;
    const plan = planned(split(command), source);
    if (plan === null) {
      assert.equal(promise, undefined, `${command}: is not run, so that nothing can be said about what it prints`);
      continue;
    }
    const { status, stdout, stderr } = spawnSync(plan[0], plan.slice(1), { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, `${command}\n${stdout}${stderr}`);
    if (promise !== undefined) assert.match(stdout.trimEnd().split('\n').pop(), pattern(promise));
  }
}
