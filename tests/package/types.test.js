// Compiles programs in TypeScript against the package's declarations, with every check of the compiler on, those of
// declarations too.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

import { INSTALLED, PROJECT } from './project.js';

const STRICT = {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
};

const LIBRARY = ['lib.es2022.d.ts'];

/** The types of Node, which those who do not run in a browser often have. */
const NODE_TYPES = fileURLToPath(new URL('../../web/node_modules/@types', import.meta.url));

const WAYS = {
  'Node and its resolution': { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] },
  'a bundler': { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] },
  'a worker': { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts', 'lib.webworker.d.ts'] },
  'an engine without a library of the platform': { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, lib: LIBRARY },
  'Node with its types and no other': { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, lib: LIBRARY, types: ['node'], typeRoots: [NODE_TYPES] },
};

/** The entry points that can be imported, by the name of their declarations. */
const ENTRIES = ['lua-persistent', 'loader'];

for (const [title, way] of Object.entries(WAYS)) {
  test(`a program that uses all exports compiles for ${title}`, () => {
    const platform = way.lib.length > LIBRARY.length ? [join(PROJECT, 'typed-platform.ts')] : [];
    const program = ts.createProgram([join(PROJECT, 'typed.ts'), ...platform], { ...STRICT, ...way });
    const problems = ts.getPreEmitDiagnostics(program).map((problem) => ts.formatDiagnostic(problem, ts.createCompilerHost({})));
    assert.deepEqual(problems, []);
  });
}

test('the program names every export', async () => {
  const program = ts.createProgram([join(PROJECT, 'typed.ts')], { ...STRICT, ...WAYS['a bundler'] });
  const { text } = program.getSourceFile(join(PROJECT, 'typed.ts'));
  const exported = Object.keys(await import(join(INSTALLED, 'dist/lua-persistent.js')));
  assert.deepEqual(exported.filter((name) => !new RegExp(`\\b${name}\\b`).test(text)), []);
});

test('every type that an export is declared with is exported', () => {
  const files = ENTRIES.map((name) => join(INSTALLED, 'dist', `${name}.d.ts`));
  const program = ts.createProgram(files, { ...STRICT, ...WAYS['a bundler'] });
  const checker = program.getTypeChecker();
  const original = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const sources = files.map((file) => program.getSourceFile(file));
  const exported = new Set(sources.flatMap((source) => checker.getExportsOfModule(checker.getSymbolAtLocation(source))).map(original));
  const hidden = new Set();
  let seen = 0;
  const visit = (node) => {
    if (ts.canHaveModifiers(node) && ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) return;
    const name = ts.isTypeReferenceNode(node) ? node.typeName : ts.isExpressionWithTypeArguments(node) ? node.expression : null;
    if (name !== null) {
      const symbol = original(checker.getSymbolAtLocation(name));
      const own = (symbol.declarations || []).some((declaration) => sources.includes(declaration.getSourceFile()));
      seen += own ? 1 : 0;
      if (own && !(symbol.flags & ts.SymbolFlags.TypeParameter) && !exported.has(symbol)) hidden.add(name.getText());
    }
    ts.forEachChild(node, visit);
  };
  for (const symbol of exported) for (const declaration of symbol.declarations) visit(declaration);
  assert.ok(seen > 100, 'types are looked at');
  assert.deepEqual([...hidden].sort(), []);
});

test('the declarations name no file that the package does not carry', () => {
  const carried = new Set(readdirSync(INSTALLED, { recursive: true }).map((path) => basename(path)));
  const missing = ENTRIES.flatMap((name) => readFileSync(join(INSTALLED, 'dist', `${name}.d.ts`), 'utf8').match(/\w[\w.-]*\.(?:wasm|delta|js|md|json|lua)\b/g) || []).filter((name) => !carried.has(name));
  assert.deepEqual([...new Set(missing)], []);
});
