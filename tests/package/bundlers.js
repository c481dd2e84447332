/**
 * Builds the project's page as users of each bundler would. Only the server of Vite is told of the package: what it bundles
 * beforehand it moves away from its `lua.wasm`.
 */

import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import * as esbuild from 'esbuild';
import { build as viteBuild, createServer as viteServer } from 'vite';
import webpack from 'webpack';

import { INSTALLED, PROJECT } from './project.js';

/**
 * @param {string} folder
 */
export async function buildWithVite(folder) {
  await viteBuild({
    root: PROJECT,
    base: './',
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true },
  });
}

/**
 * Vite's server for development.
 *
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serveWithVite() {
  const server = await viteServer({
    root: PROJECT,
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
    optimizeDeps: { exclude: ['lua-persistent'] },
  });
  await server.listen();
  const [origin] = server.resolvedUrls.local;
  return { origin: origin.replace(/\/$/, ''), close: () => server.close() };
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>} warnings
 */
export async function buildWithWebpack(folder) {
  const compiler = webpack({
    context: PROJECT,
    entry: './main.js',
    mode: 'production',
    output: { path: folder, filename: 'main.js' },
    performance: false,
  });
  const stats = await new Promise((resolve, reject) => compiler.run((error, result) => (error ? reject(error) : resolve(result))));
  await new Promise((resolve) => compiler.close(resolve));
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  await copyFile(join(PROJECT, 'index.html'), join(folder, 'index.html'));
  return warnings.map(({ message }) => message);
}

/**
 * esbuild leaves the address of a file as it is, so the module is copied to where the scripts go.
 *
 * @param {string} folder
 * @param {esbuild.BuildOptions} options
 */
export async function buildWithEsbuild(folder, options) {
  const { warnings } = await esbuild.build({
    absWorkingDir: PROJECT,
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    logLevel: 'silent',
    ...options,
  });
  await mkdir(folder, { recursive: true });
  await copyFile(join(INSTALLED, 'dist/lua.wasm'), join(folder, 'lua.wasm'));
  await copyFile(join(PROJECT, 'index.html'), join(folder, 'index.html'));
  return warnings.map(({ text }) => text);
}
