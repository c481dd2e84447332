// The declarations, as programs in TypeScript meet them, with every check of the compiler on, its check of declarations too.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

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

const WAYS = {
  'Node and its resolution': { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] },
  'a bundler': { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] },
  'a worker': { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts', 'lib.webworker.d.ts'] },
};

for (const [title, way] of Object.entries(WAYS)) {
  test(`a program that uses all exports compiles for ${title}`, () => {
    const program = ts.createProgram([join(PROJECT, 'typed.ts')], { ...STRICT, ...way });
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
