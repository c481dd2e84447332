/**
 * The prompt: reads inputs, of one or more lines, and has the thread of Lua run them.
 *
 * @import { EndingSignal, Thread } from './thread.js'
 */

import readline from 'node:readline';

import { History, HISTORY_SIZE, historyFile } from './history.js';

const FIRST = '> ';
const NEXT = '>> ';

const HELP = `Type Lua: an expression prints its values, and locals stay visible. An input that is not whole goes on in the next line.
Tab completes names. Ctrl-C drops the input, or stops what runs; Ctrl-D or .exit ends.
  .exit  end
  .help  show this text
  .save  write the file of --state or --snapshot now
`;

/** A session at the prompt. */
export class Prompt {
  /**
   * @param {Thread} thread
   * @param {string} banner
   */
  constructor(thread, banner) {
    const { stdin, stdout } = process;
    /** @private */
    this.thread = thread;
    /** Without a terminal there is nothing but the output: no prompts, no banner, no history. */
    this.terminal = Boolean(stdin.isTTY && stdout.isTTY);
    /** @private */
    this.banner = this.terminal ? `${banner}\n` : '';
    /** @private */
    this.history = new History(this.terminal ? historyFile(process.env) : null);
    /**
     * Lines of an input that is not whole yet.
     * @private
     * @type {string[]}
     */
    this.lines = [];
    /** Whether Lua runs. */
    this.busy = false;
    /** Whether everything is to end. */
    this.over = false;
    /** @private */
    this.reader = readline.createInterface({
      input: stdin,
      output: this.terminal ? stdout : undefined,
      terminal: this.terminal,
      prompt: FIRST,
      history: this.history.load(),
      historySize: HISTORY_SIZE,
      removeHistoryDuplicates: true,
      completer: (/** @type {string} */ line, /** @type {(error: null, result: [string[], string]) => void} */ answer) => {
        this.complete(line).then((result) => answer(null, result));
      },
    });
  }

  /**
   * Read and run inputs until there are no more.
   *
   * @param {boolean} atLineStart whether what was printed before ended with a line
   */
  async run(atLineStart) {
    const { reader, thread } = this;
    if (this.terminal) process.stdout.write(atLineStart ? this.banner : `\n${this.banner}`);
    thread.onSignal = (signal) => this.signalled(signal);
    reader.on('SIGINT', () => this.interrupted());
    thread.ended.then(() => reader.close());
    this.ask();
    for await (const line of reader) {
      await this.take(line);
      if (this.over) break;
      this.ask();
    }
    if (this.lines.length > 0 && !this.over) await this.evaluate(true);
    if (this.terminal && !this.over) process.stdout.write('\n');
    reader.close();
    thread.onSignal = null;
    thread.end();
  }

  /** @private */
  ask() {
    if (!this.terminal) return;
    this.reader.setPrompt(this.lines.length === 0 ? FIRST : NEXT);
    this.reader.prompt();
  }

  /**
   * @private
   * @param {string} line
   */
  async take(line) {
    this.history.add(line);
    if (this.lines.length === 0 && /^\.[a-z]+\s*$/.test(line)) return this.command(line.trim());
    this.lines.push(line);
    return this.evaluate(false);
  }

  /**
   * @private
   * @param {string} name
   */
  async command(name) {
    switch (name) {
      case '.exit':
        this.over = true;
        return;
      case '.help':
        process.stdout.write(HELP);
        return;
      case '.save': {
        const { saved } = (await this.thread.ask({ ask: 'save' })) || {};
        if (saved) process.stdout.write('saved\n');
        return;
      }
      default:
        process.stderr.write(`there is no ${name} (there is: .exit, .help, .save)\n`);
    }
  }

  /**
   * Run the input.
   *
   * @private
   * @param {boolean} final whether no line can follow
   */
  async evaluate(final) {
    this.busy = true;
    const answer = await this.thread.ask({ ask: 'evaluate', text: this.lines.join('\n'), final });
    this.busy = false;
    if (answer === null) {
      this.over = true;
      return;
    }
    if (answer.whole) this.lines = [];
    if (!this.over) this.thread.interrupt.clear();
    // The prompt would overwrite an unfinished line.
    if (this.terminal && !answer.atLineStart) process.stdout.write('\n');
  }

  /**
   * @private
   * @param {string} line
   * @returns {Promise<[string[], string]>}
   */
  async complete(line) {
    if (this.busy) return [[], line];
    const answer = await this.thread.ask({ ask: 'complete', line });
    return answer === null ? [[], line] : answer.completions;
  }

  /**
   * Ctrl-C: stop what runs, or drop what was typed.
   *
   * @private
   */
  interrupted() {
    if (this.busy) {
      this.thread.stop('SIGINT');
      return;
    }
    this.lines = [];
    // As the terminal does by itself where a program reads lines from it.
    process.stdout.write('^C\n');
    this.reader.write(null, { ctrl: true, name: 'e' });
    this.reader.write(null, { ctrl: true, name: 'u' });
    this.ask();
  }

  /**
   * @private
   * @param {EndingSignal} signal
   */
  signalled(signal) {
    if (signal === 'SIGINT' && this.terminal) {
      this.interrupted();
      return;
    }
    this.over = true;
    this.thread.stop(signal);
    this.reader.close();
  }
}
