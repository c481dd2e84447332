/**
 * Shortens declarations: what a user cannot reach keeps its place, but neither its type nor its comments.
 */

import ts from 'typescript';

/**
 * Take away the types of private members, and of constructors that are marked `@hideconstructor`, which become private: TypeScript
 * declares a private member of TypeScript's by its name alone, one of JavaScript's with all that its type leads to.
 *
 * @param {string} code of a `.d.ts` file
 * @returns {string}
 */
export function closeDeclarations(code) {
  const file = ts.createSourceFile('module.d.ts', code, ts.ScriptTarget.Latest, true);
  let short = '';
  let from = 0;
  const replace = (/** @type {number} */ start, /** @type {number} */ end, /** @type {string} */ text) => {
    short += code.slice(from, start) + text;
    from = end;
  };
  for (const { members } of file.statements.filter(ts.isClassDeclaration)) {
    const named = new Set();
    for (const member of members) {
      if (ts.isConstructorDeclaration(member)) {
        const hidden = ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'hideconstructor');
        if (hidden) replace(member.pos, member.end, '\n    private constructor();');
      } else if (isPrivate(member) && member.name !== undefined) {
        // An overload has a declaration already; an accessor cannot do without its parentheses.
        const name = member.name.getText();
        if (ts.isGetAccessor(member)) replace(member.name.end, member.end, '(): any;');
        else if (ts.isSetAccessor(member)) replace(member.name.end, member.end, '(value: any);');
        else if (named.has(name)) replace(member.pos, member.end, '');
        else replace(member.name.end, member.end, ';');
        named.add(name);
      }
    }
  }
  return short + code.slice(from);
}

/**
 * Give each type one name. A `@typedef` that imports another is bundled as a second name for the same, with a number behind it.
 *
 * @param {string} code of a bundle
 * @returns {string}
 */
export function uniteAliases(code) {
  const file = ts.createSourceFile('bundle.d.ts', code, ts.ScriptTarget.Latest, true);
  const plain = (/** @type {string} */ name) => name.replace(/\$\d+$/, '');
  const aliases = file.statements.filter(ts.isTypeAliasDeclaration).filter(({ name, type }) => {
    return ts.isTypeReferenceNode(type) && type.typeArguments === undefined && plain(type.typeName.getText()) === plain(name.text);
  });
  const names = new Set(aliases.flatMap(({ name, type }) => [name.text, type.getText()]));
  let short = '';
  let from = 0;
  const visit = (/** @type {ts.Node} */ node) => {
    const alias = aliases.some((statement) => statement === node);
    if (alias || (ts.isIdentifier(node) && names.has(node.text))) {
      short += code.slice(from, alias ? node.pos : node.getStart()) + (alias ? '' : plain(/** @type {ts.Identifier} */ (node).text));
      from = node.end;
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(file);
  return short + code.slice(from);
}

/**
 * Take away the comments of private members, and all those in classes that are not exported. In the others, the name of a type is
 * enough: what file it came from is not known here.
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
  short += code.slice(from);
  return short.replace(/^ *(\/\*)?\* .*$/gm, (line) => line.replace(/import\('[^']*'\)\./g, ''));
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
