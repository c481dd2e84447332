// Runs the command in a pseudo-terminal, for tests of the prompt: `script` of util-linux makes it, and passes on what is
// typed and shown.

/** @import { SpawnOptionsWithoutStdio } from 'node:child_process' */

import { spawn, spawnSync } from 'node:child_process';

const { stdout = '' } = spawnSync('script', ['--version'], { encoding: 'utf8' });

/** Why there is no terminal here, false if there is one. */
export const missing = String(stdout).includes('util-linux') ? false : 'there is no `script` of util-linux';

/* eslint-disable no-control-regex -- escape sequences begin with a control character */
/** The codes by which `node:readline` clears a line to draw it again. */
const REDRAWN = /[^\n]*\x1b\[1G\x1b\[0J/g;
/** The codes that move the cursor or colour text. */
const ESCAPES = /\x1b\[[\d;?]*[A-Za-z]/g;
/* eslint-enable no-control-regex */

/** @param {string} word */
const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** A program in a terminal. */
export class Terminal {
  /**
   * @param {string[]} words the program and its arguments
   * @param {SpawnOptionsWithoutStdio} options
   */
  constructor(words, options = {}) {
    /** The text shown since the last `see`. */
    this.shown = '';
    /** All that was shown. */
    this.all = '';
    this.over = false;
    this.wake = () => {};
    const command = `stty cols 200; exec ${words.map(quoted).join(' ')}`;
    this.process = spawn('script', ['-qefc', command, '/dev/null'], { ...options, env: { ...options.env, TERM: 'xterm', SHELL: '/bin/sh' } });
    this.process.stdout.setEncoding('utf8');
    this.process.stdout.on('data', (text) => {
      this.shown += text;
      this.all += text;
      this.wake();
    });
    /** Exit code of the program: `script -e` passes it on. */
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code) => {
        this.over = true;
        resolve(code);
        this.wake();
      });
    });
  }

  /**
   * Wait until something is shown.
   *
   * @param {RegExp | string} pattern
   * @returns {Promise<string>} what was shown since the call before, without escape sequences
   */
  async see(pattern) {
    for (;;) {
      const text = this.shown.replace(REDRAWN, '').replace(ESCAPES, '').replace(/\r/g, '');
      const at = typeof pattern === 'string' ? text.indexOf(pattern) : text.search(pattern);
      if (at >= 0) {
        this.shown = '';
        return text;
      }
      if (this.over) throw new Error(`${pattern} was never shown in ${JSON.stringify(this.all)}`);
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined);
      });
    }
  }

  /** @param {string} keys */
  type(keys) {
    this.process.stdin.write(keys);
  }
}
