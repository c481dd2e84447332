/**
 * Shortens bundled declarations: what a user cannot reach keeps its shape, which the compiler compares, but not its comments.
 */

import ts from 'typescript';

/**
 * Take away the comments of private members, and all those in classes that are not exported.
 *
 * @param {string} code of a `.d.ts` file
 * @returns {string}
 */
export function shortenDeclarations(code) {
  const file = ts.createSourceFile('bundle.d.ts', code, ts.ScriptTarget.Latest, true);
  const exported = new Set(file.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => namesIn(exportClause)));
  /** @type {ts.Node[]} */
  const undocumented = [];
  for (const statement of file.statements.filter(ts.isClassDeclaration)) {
    const reachable = statement.name !== undefined && exported.has(statement.name.text);
    if (!reachable) undocumented.push(statement);
    undocumented.push(...statement.members.filter((member) => !reachable || isPrivate(member)));
  }
  const ranges = undocumented.flatMap((node) => ts.getLeadingCommentRanges(code, node.pos) || []);
  let short = '';
  let from = 0;
  for (const { pos, end } of ranges.sort((a, b) => a.pos - b.pos)) {
    short += code.slice(from, pos).replace(/[ \t]+$/, '');
    from = end + (code[end] === '\n' ? 1 : 0);
  }
  return short + code.slice(from);
}

/**
 * @param {ts.NamedExportBindings | undefined} clause
 * @returns {string[]}
 */
function namesIn(clause) {
  return clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(({ name, propertyName }) => (propertyName || name).text) : [];
}

/**
 * @param {ts.ClassElement} member
 * @returns {boolean}
 */
function isPrivate(member) {
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;
}
