// Finds a SQLite library for tests: Node's own, or the package better-sqlite3 where it is installed.

import { createRequire } from 'node:module';

/** The module, or null if there is none. */
export async function sqliteLibrary() {
  const own = await import('node:sqlite').catch(() => null);
  if (own !== null) return own;
  for (const folder of [import.meta.url, new URL('../../package/', import.meta.url), `${process.cwd()}/`]) {
    try {
      return createRequire(folder)('better-sqlite3');
    } catch (_missing) {
      // It may be elsewhere.
    }
  }
  return null;
}
