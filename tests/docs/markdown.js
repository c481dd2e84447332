// Finds the code blocks of the Markdown files in this repository.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * @typedef {object} Block
 * @property {string} file path in the repository
 * @property {number} line of its first line of code, from 1
 * @property {string} language the word behind the fence, empty if there is none
 * @property {string} marker what an HTML comment on the line before the fence says, else empty
 * @property {string} heading the last one before it
 * @property {string} code
 */

/** Every Markdown file that git knows or would take. */
export function documents() {
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: ROOT, encoding: 'utf8' });
  return names.split('\n').filter((name) => name !== '');
}

/**
 * @param {string} file path in the repository
 * @returns {Block[]}
 */
export function blocksOf(file) {
  return parse(file, readFileSync(ROOT + file, 'utf8'));
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {Block[]}
 * @throws {SyntaxError} for a fence that is not closed
 */
export function parse(file, text) {
  const blocks = [];
  /** @type {(Block & { fence: string, indent: number, lines: string[] }) | null} */
  let open = null;
  let marker = '';
  let heading = '';
  text.split('\n').forEach((line, index) => {
    const [, indent, fence, language] = /^( *)(`{3,}|~{3,})\s*(\S*)/.exec(line) || [];
    if (open !== null) {
      if (fence !== undefined && fence.startsWith(open.fence) && language === '') {
        const { lines, fence: _fence, indent: _indent, ...block } = open;
        blocks.push({ ...block, code: lines.join('\n') });
        open = null;
      } else {
        open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/))));
      }
      return;
    }
    if (fence !== undefined) {
      open = { file, line: index + 2, language, marker, heading, code: '', fence, indent: indent.length, lines: [] };
    }
    if (/^#+ /.test(line)) heading = line.replace(/^#+ /, '');
    if (line.trim() !== '') marker = (/^\s*<!--\s*(.*?)\s*-->\s*$/.exec(line) || ['', ''])[1];
  });
  if (open !== null) throw new SyntaxError(`${file}:${/** @type {any} */ (open).line - 1}: this code block is not closed`);
  return blocks;
}
