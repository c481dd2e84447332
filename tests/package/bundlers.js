/**
 * Bundles programs as users of each tool would, with what the tool does by default.
 *
 * @import { OutputOptions } from 'rollup'
 * @import { UserConfig } from 'vite'
 * @import { Configuration } from 'webpack'
 */

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import resolve from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import * as vite from 'vite';
import * as vite6 from 'vite6';
import webpack from 'webpack';

import { PROJECT } from './project.js';

/** Vite bundles by Rolldown since version 8, by esbuild and Rollup before. */
export const VITES = /** @type {[string, typeof vite][]} */ ([
  ['Vite 8', vite],
  ['Vite 6', vite6],
]);

/** Let a tool choose its mode: Vite sets this variable for the process, and its next run takes it for a wish of the user's. */
function forgetMode() {
  delete process.env.NODE_ENV;
}

/**
 * @param {typeof vite} tool
 * @param {string} folder for what is built
 * @param {UserConfig} [options]
 */
export async function buildWithVite(tool, folder, options) {
  forgetMode();
  await tool.build({ configFile: false, root: PROJECT, base: './', logLevel: 'error', build: { outDir: folder, emptyOutDir: true }, ...options });
}

/**
 * Vite's server for development.
 *
 * @param {typeof vite} tool
 * @param {string} cacheDir for what it bundles beforehand; within the project, as by default
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serveWithVite(tool, cacheDir) {
  forgetMode();
  const server = await tool.createServer({
    configFile: false,
    root: PROJECT,
    cacheDir,
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await server.listen();
  const [origin] = server.resolvedUrls.local;
  return { origin: origin.replace(/\/$/, ''), close: () => server.close() };
}

/**
 * @param {string} folder
 * @param {Configuration} options
 * @returns {Promise<string[]>} warnings
 */
export async function buildWithWebpack(folder, options) {
  const compiler = webpack({ context: PROJECT, mode: 'production', performance: false, ...options, output: { path: folder, ...options.output } });
  const stats = await new Promise((done, reject) => compiler.run((error, result) => (error ? reject(error) : done(result))));
  await new Promise((done) => compiler.close(done));
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  return warnings.map(({ message }) => message);
}

/**
 * @param {esbuild.BuildOptions} options
 * @returns {Promise<string[]>} warnings
 */
export async function buildWithEsbuild(options) {
  const { warnings } = await esbuild.build({ absWorkingDir: PROJECT, bundle: true, logLevel: 'silent', ...options });
  return warnings.map(({ text }) => text);
}

/**
 * @param {string} input
 * @param {OutputOptions} output
 * @returns {Promise<string[]>} warnings
 */
export async function buildWithRollup(input, output) {
  /** @type {string[]} */
  const warnings = [];
  forgetMode();
  const bundle = await rollup({ input: join(PROJECT, input), plugins: [resolve()], onwarn: ({ message }) => warnings.push(message) });
  await bundle.write(output);
  await bundle.close();
  return warnings;
}

/**
 * Put the page beside its script.
 *
 * @param {string} folder
 */
export function copyPage(folder) {
  return copyFile(join(PROJECT, 'index.html'), join(folder, 'index.html'));
}
