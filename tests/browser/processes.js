/**
 * Kills a browser's renderer processes at once, as a crash or a lack of memory would.
 *
 * The processes are found in Linux's /proc.
 *
 * @import { Browser } from './browsers.js'
 */

import { readdirSync, readFileSync } from 'node:fs';

/**
 * Kill every process of a browser that runs pages. The browser itself goes on.
 *
 * @param {Browser} browser
 * @returns {number} how many there were
 */
export function killRenderers(browser) {
  const renderers = descendants(browser.pid).filter((id) => isRenderer(commandLine(id)));
  for (const id of renderers) process.kill(id, 'SIGKILL');
  return renderers.length;
}

/** Chromium names the kind of a process in an option, Firefox in the last word. */
function isRenderer(words) {
  return words.includes('--type=renderer') || (words.includes('-contentproc') && words[words.length - 1] === 'tab');
}

/** All processes below one. */
function descendants(ancestor) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The parent's id is the second field behind the name, which is in brackets and may hold anything.
    const parent = Number(/^.*\) \S (\d+)/s.exec(read(name, 'stat'))?.[1]);
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(Number(name));
  }
  const found = [ancestor];
  for (const id of found) found.push(...(children.get(id) || []));
  return found.slice(1);
}

function commandLine(id) {
  // Chromium rewrites its processes' titles, with spaces in place of the terminators.
  return read(id, 'cmdline').split(/[\0 ]/).filter(Boolean);
}

/** A process's file; empty for a process that has ended meanwhile. */
function read(id, name) {
  try {
    return readFileSync(`/proc/${id}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
