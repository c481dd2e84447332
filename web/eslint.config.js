/**
 * ESLint for everything written in JavaScript here. What browsers run keeps to the syntax of Chrome 74 and Firefox 79.
 */

import js from '@eslint/js';
import globals from 'globals';

const NODE_FILES = ['web/cli.js', 'web/cli/**/*.js', 'web/page/{build,serve}.js', 'web/eslint.config.js', 'web/build/*.js', 'tests/{docs,js}/**/*.{js,cjs}', 'benches/js/**/*.mjs'];

/** What runs in the oldest engines that are supported. */
const BROWSER_FILES = ['web/**/*.js', 'tests/old-engine/*.js'];

/** Parsed by ECMAScript 2020, but not by the oldest browsers that are supported. */
const TOO_NEW = [
  { selector: 'ChainExpression', message: 'Chrome 74 does not know optional chaining.' },
  { selector: "LogicalExpression[operator='??']", message: 'Chrome 74 does not know nullish coalescing.' },
  { selector: 'ExportAllDeclaration[exported]', message: 'Firefox 79 does not know `export * as`.' },
];

/** What only browsers have, or only Node, and code finds out about before it is used. */
const PLATFORM = { document: 'readonly', indexedDB: 'readonly', localStorage: 'readonly', location: 'readonly', process: 'readonly', self: 'readonly' };

/** Globals that are used only where they are. */
const LATER = { FinalizationRegistry: 'readonly', WeakRef: 'readonly' };

const unused = { argsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', varsIgnorePattern: '^_' };

export default [
  { ignores: ['**/node_modules/**', 'web/{dist,types,docs,examples,hosts}/**', 'web/loader.js', 'web/loader.d.ts'] },
  js.configs.recommended,
  {
    rules: {
      'no-unused-vars': ['error', unused],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: BROWSER_FILES,
    ignores: NODE_FILES,
    languageOptions: { ecmaVersion: 2020, globals: { ...globals['shared-node-browser'], ...globals.es2020, ...LATER, ...PLATFORM } },
    rules: { 'no-restricted-syntax': ['error', ...TOO_NEW] },
  },
  {
    files: ['web/**/*.js'],
    rules: { 'max-lines': ['error', 500], 'max-lines-per-function': ['error', 60] },
  },
  { files: ['web/persist/**/*.js'], languageOptions: { globals: { indexedDB: 'readonly', self: 'readonly' } } },
  {
    // What it is bundled with turns its syntax into what the oldest browsers parse.
    files: ['web/page/**/*.js'],
    ignores: NODE_FILES,
    languageOptions: { ecmaVersion: 2022, globals: { ...globals.browser, ...globals.serviceworker } },
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: NODE_FILES, languageOptions: { ecmaVersion: 2022, globals: globals.node } },
  {
    files: ['tests/{browser,package}/**/*.js'],
    languageOptions: { ecmaVersion: 2022, globals: { ...globals.browser, ...globals.worker, ...globals.node } },
    rules: { 'no-restricted-syntax': 'off' },
  },
];
