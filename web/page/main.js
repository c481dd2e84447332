/**
 * Wires the parts of the page to the machine.
 *
 * @import { Failure, Keeping } from './playground.js'
 * @import { Item } from './tree.js'
 * @import { Reference } from './values.js'
 */

import { ask } from './dialog.js';
import { byId, copy, enable, isEnabled, onUse } from './dom.js';
import { Editor } from './editor.js';
import { download, fileChooser, timestamp } from './files.js';
import { duration, number, plural } from './format.js';
import { showStats } from './gauge.js';
import { Machine, MachineError, Terminated } from './machine.js';
import { chosenLine, initLine } from './line.js';
import { makeMenu } from './menu.js';
import { notify } from './notices.js';
import { initOffline } from './offline.js';
import { OutputPane } from './output-pane.js';
import { remember, remembered } from './preferences.js';
import { Snapshots } from './snapshots.js';
import { Tabs } from './tabs.js';
import { initTheme } from './theme.js';
import { Tree } from './tree.js';

/** Name of the state in IndexedDB. */
const STATE = 'playground';

/** Milliseconds without a key until the script is remembered. */
const REMEMBER = 300;

/** Milliseconds that something may take before the page says that it is under way. */
const SOON = 300;

/** What there is of a value that is gone, with its run or with its worker. */
const NOTHING = { entries: [], size: 0 };

const KEEPING = {
  saved: 'Saved in this browser',
  locked: 'Not saved: open in another tab',
  memory: 'Not saved',
};

/** Buttons that need a machine at rest. */
const AT_REST = ['run', 'save', 'load', 'snapshot', 'rollback', 'reset', 'line'];

/** @typedef {'starting' | 'idle' | 'running' | 'working'} Mode */

/** @typedef {{ title: string, detail: string, code: string }} Example */

/** @type {Mode} */
let mode = 'starting';
let canRollBack = false;
/** The line of the last error; 0 if there is none. */
let errorLine = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let soon = undefined;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let remembering = undefined;

const progress = /** @type {HTMLProgressElement} */ (byId('progress'));
const output = new OutputPane();

const machine = new Machine(STATE, {
  output: (detail) => output.add(detail),
  progress({ ticks, milliseconds, stats }) {
    byId('elapsed').textContent = `${duration(milliseconds)}, ${number(ticks)} ticks`;
    showStats(stats);
  },
  transfer({ phase, done, total }) {
    if (phase !== 'load' || total === 0) return;
    progress.max = total;
    progress.value = done;
    progress.hidden = done >= total;
  },
});

const textarea = /** @type {HTMLTextAreaElement} */ (byId('code'));
const editor = new Editor(textarea, {
  text: remembered('script') || textarea.value.trim(),
  describedBy: 'editor-help',
  onChange() {
    clearTimeout(remembering);
    remembering = setTimeout(rememberScript, REMEMBER);
  },
});

const fetchEntries = (/** @type {Reference} */ reference, /** @type {number} */ from, /** @type {number} */ count) =>
  machine.call('page', reference, from, count).catch(() => NOTHING);

const copyItem = async (/** @type {Item} */ { entry: { node } }) => {
  await copy(node.reference === undefined ? node.text : await machine.call('text', node.reference));
  say('Copied');
};

const resultTree = new Tree(byId('result'), { label: 'Result', fetch: fetchEntries, onCopy: copyItem });
const tablesTree = new Tree(byId('tables'), {
  label: 'External tables',
  fetch: fetchEntries,
  onCopy: copyItem,
  onSelect: (item) => enable(byId('tables-delete'), item !== null && tableOf(item) !== null),
  onDelete: deleteEntry,
});
tablesTree.open.add('_home');

const tabs = new Tabs(['output', 'tables', 'snapshots'], (name) => {
  if (name === 'tables' && mode !== 'starting') showTables();
});

const snapshots = new Snapshots(({ name, content }) => {
  if (mode === 'idle') work('Restoring', () => machine.call('restore', content), `${name} restored`);
});

/**
 * Say what is going on, on the page and to a screen reader.
 *
 * @param {string} text
 */
function say(text) {
  byId('status').textContent = text;
}

/** @param {Mode} next */
function setMode(next) {
  mode = next;
  for (const id of AT_REST) enable(byId(id), mode === 'idle' && (id !== 'rollback' || canRollBack));
  enable(byId('stop'), mode === 'running');
  byId('panel-output').setAttribute('aria-busy', String(mode === 'running'));
  clearTimeout(soon);
  progress.hidden = true;
  progress.removeAttribute('value');
  if (mode !== 'idle') soon = setTimeout(() => (progress.hidden = false), SOON);
  else byId('elapsed').textContent = '';
}

/** Start the worker, and the machine with the state as it was last saved. */
async function open() {
  setMode('starting');
  say('Opening the state…');
  try {
    const { keeping, problem, stats } = await machine.open(chosenLine());
    canRollBack = false;
    showKeeping(keeping, problem);
    showStats(stats);
    setMode('idle');
    say('Ready');
    await refresh();
  } catch (error) {
    setMode('starting');
    clearTimeout(soon);
    say('The machine could not be started');
    notify('machine', `The machine could not be started: ${messageOf(error)}`, { text: 'Try again', act: reopen });
  }
}

/** @returns {Promise<void>} */
function reopen() {
  notify('machine', '');
  notify('state', '');
  return open();
}

/**
 * @param {Keeping} keeping
 * @param {string} problem
 */
function showKeeping(keeping, problem) {
  const element = byId('keeping');
  element.textContent = KEEPING[keeping];
  element.className = `keeping ${keeping}`;
  const again = { text: 'Try again', act: reopen };
  if (keeping === 'locked') {
    notify('state', 'Another tab has this state open. This one shows what was saved last, and saves nothing.', again);
  } else if (keeping === 'memory') {
    notify('state', `Nothing is saved: ${problem}. What is stored is left as it is; this page begins with an empty state.`, again);
  } else {
    notify('state', '');
  }
}

async function run() {
  if (mode !== 'idle') return;
  rememberScript();
  setMode('running');
  say('Running…');
  output.clear();
  showFailure(null);
  await showResults([]);
  try {
    const outcome = await machine.run(editor.text);
    output.flush();
    canRollBack = true;
    if (outcome.stats !== undefined) showStats(outcome.stats);
    setMode('idle');
    const spent = `${duration(outcome.milliseconds)}, ${plural(outcome.ticks, 'tick')}`;
    if (outcome.failure !== undefined) {
      showFailure(outcome.failure);
      say(`Failed after ${duration(outcome.milliseconds)}`);
    } else {
      say(outcome.done ? `Done in ${spent}` : `Stopped after ${spent}`);
    }
    await showResults(outcome.values);
    if (outcome.unsaved) notify('save', `The state could not be saved: ${outcome.unsaved}`);
    if (outcome.stats === undefined) await open();
    else if (tabs.chosen === 'tables') await showTables();
  } catch (error) {
    output.flush();
    await open();
    say('Stopped; the machine was started anew');
    const reason = error instanceof Terminated ? 'The script was in a function that cannot be interrupted.' : `${messageOf(error)}.`;
    notify('machine', `${reason} The machine was started anew, with the tables as they were last saved.`);
  }
}

function stop() {
  if (mode !== 'running') return;
  say('Stopping…');
  machine.stop();
}

/**
 * Do something with the machine at rest.
 *
 * @param {string} doing
 * @param {() => Promise<unknown>} action
 * @param {string} done
 * @returns {Promise<boolean>} false if it failed, which is shown
 */
async function work(doing, action, done) {
  if (mode !== 'idle') return false;
  setMode('working');
  say(`${doing}…`);
  try {
    await action();
    say(done);
    return true;
  } catch (error) {
    say(`${doing} failed`);
    notify('machine', `${doing} failed: ${messageOf(error)}`);
    return false;
  } finally {
    await recover();
  }
}

/** Let the machine be used again, or start another if it cannot be. */
async function recover() {
  try {
    canRollBack = await machine.call('reverts');
    setMode('idle');
    await refresh();
  } catch (_crashed) {
    await open();
  }
}

/** Show the figures and tables as they are now. */
async function refresh() {
  showStats(await machine.call('stats'));
  if (tabs.chosen === 'tables') await showTables();
}

async function showTables() {
  await tablesTree.show(await machine.call('roots').catch(() => []));
}

/** @param {import('./values.js').Node[]} values */
async function showResults(values) {
  enable(byId('result-copy'), values.length > 0);
  const named = values.length > 1;
  // The first level of a single table is what one wants to see.
  if (!named) resultTree.open.add('');
  await resultTree.show(values.map((node, index) => ({ name: named ? String(index + 1) : '', key: index, node })));
}

/** @param {Failure | null} failure */
function showFailure(failure) {
  byId('failure').hidden = failure === null;
  errorLine = failure === null ? 0 : failure.line;
  editor.mark(errorLine);
  if (failure === null) return;
  byId('failure-message').textContent = failure.message;
  byId('failure-line').hidden = failure.line === 0;
  byId('failure-line').textContent = `Go to line ${failure.line}`;
  byId('failure-details').hidden = failure.traceback === '';
  byId('failure-traceback').textContent = failure.traceback;
  tabs.choose('output');
}

/**
 * @param {Item} item
 * @returns {number | null} the id of the external table that it is an entry of
 */
function tableOf({ parent }) {
  const reference = parent === null ? undefined : parent.entry.node.reference;
  return reference !== undefined && 'table' in reference ? reference.table : null;
}

/** @param {Item} item */
async function deleteEntry(item) {
  const id = tableOf(item);
  if (mode !== 'idle' || id === null || item.entry.node.type === 'more') return;
  await work('Deleting', () => machine.call('remove', id, item.entry.key), `${item.entry.name} deleted`);
}

/**
 * Keep the whole machine before it is replaced.
 *
 * @param {string} name
 */
async function keepBefore(name) {
  snapshots.add(await machine.call('snapshot'), name);
}

/** @param {File} file */
async function load(file) {
  const content = new Uint8Array(await new Response(file).arrayBuffer());
  const isText = content[0] === '{'.charCodeAt(0);
  await work(
    'Loading',
    async () => {
      await keepBefore(`Before ${file.name}`);
      await (isText ? machine.call('importTables', new TextDecoder().decode(content)) : machine.call('restore', content));
    },
    `${file.name} loaded`,
  );
}

function rememberScript() {
  clearTimeout(remembering);
  remember('script', editor.text);
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
  return error instanceof MachineError ? error.failure.message : error instanceof Error ? error.message : String(error);
}

onUse('run', run);
onUse('stop', stop);
onUse('save', () =>
  work(
    'Saving',
    async () => download(`lua-tables-${timestamp()}.json`, 'application/json', await machine.call('exportTables')),
    'Tables saved as a file',
  ),
);
onUse('load', fileChooser(load));
onUse('snapshot', () =>
  work(
    'Taking a snapshot',
    async () => {
      snapshots.add(await machine.call('snapshot'));
      tabs.choose('snapshots');
    },
    'Snapshot taken',
  ),
);
onUse('rollback', () => work('Rolling back', () => machine.call('rollback'), 'The last run is undone'));
onUse('reset', async () => {
  const title = 'Reset the machine?';
  const text = 'All globals and all external tables are deleted. A snapshot of what is there now is kept until the page is closed.';
  if (!(await ask(title, text, 'Reset'))) return;
  await work(
    'Resetting',
    async () => {
      await keepBefore('Before the reset');
      await machine.call('reset');
    },
    'The machine is as new',
  );
  output.clear();
  showFailure(null);
  await showResults([]);
});
onUse('output-copy', async () => {
  await copy(output.text);
  say('Output copied');
});
onUse('result-copy', async () => {
  await copy(await machine.call('text'));
  say('Result copied');
});
onUse('tables-delete', () => tablesTree.current !== null && deleteEntry(tablesTree.current));
onUse('failure-line', () => editor.goTo(errorLine));

document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (isEnabled(byId('run'))) run();
  } else if (event.key === 'Escape') {
    stop();
  }
});

// A page that is hidden may never be shown again.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'hidden') return;
  rememberScript();
  if (mode !== 'starting') machine.call('save').catch(() => undefined);
});
addEventListener('pagehide', rememberScript);

/** @type {Example[]} */
const examples = JSON.parse(byId('examples').textContent || '[]');
makeMenu('examples-button', 'examples-menu', examples, ({ title, code }) => {
  editor.replace(code);
  editor.focus();
  say(`${title}: undo brings your script back`);
});

initLine((line) =>
  work(
    `Changing to Lua ${line}`,
    async () => {
      await keepBefore(`Before Lua ${line}`);
      await machine.call('changeLine', line);
    },
    `Lua ${line} goes on with the tables; the machine before is kept as a snapshot`,
  ),
);
initTheme();
initOffline();
open();
