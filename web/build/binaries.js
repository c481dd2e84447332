/**
 * Lists the files that `cargo xtask build` makes for the package and the page: a module for each line of Lua, and what turns
 * it into the artifacts for other engines.
 */

import { readFileSync } from 'node:fs';

/** @type {{ artifacts: { name: string, unwind: string }[] }} */
const { artifacts } = JSON.parse(readFileSync(new URL('../abi.json', import.meta.url), 'utf8'));

/** Names of the artifacts, all of which can be downloaded beside the package. */
export const ARTIFACTS = artifacts.map(({ name }) => name);

/** Names of the files that the package and the page hold. */
export const BINARIES = artifacts.map(({ name, unwind }) => (unwind === 'legacy' ? name : name.replace(/wasm$/, 'delta')));
