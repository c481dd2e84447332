/**
 * Serves the page from a cache, so that it works without a network.
 *
 * One cache holds one version, whole: it is filled before the version is used, each file is compared with the hash that the
 * build wrote here, and no file is ever taken from elsewhere. So whatever a server has at the moment, a page never gets parts of
 * two versions. A new version waits until no page uses the old one, or until a page asks for it.
 */

/* global VERSION, FILES -- set by the build: a name for this version, and the SHA-256 of each file by its path */

const PREFIX = 'lua-playground-';
const CACHE = PREFIX + VERSION;
const scope = /** @type {any} */ (self);

/** @type {Map<string, string>} the hashes by address */
const hashes = new Map(Object.entries(FILES).map(([path, hash]) => [new URL(path, location.href).href, hash]));

scope.addEventListener('install', (/** @type {any} */ event) => event.waitUntil(fill()));
scope.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(removeOld()));

scope.addEventListener('message', (/** @type {MessageEvent} */ { data }) => {
  if (data === 'take over') scope.skipWaiting();
});

scope.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  const address = request.url.replace(/[?#].*$/, '');
  if (request.method === 'GET' && hashes.has(address)) event.respondWith(answer(address));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    Array.from(hashes, async ([address, hash]) => {
      const response = await fetch(address, { cache: 'no-store' });
      if (!response.ok) throw new Error(`${address}: ${response.status}`);
      if ((await sha256(response.clone())) !== hash) throw new Error(`${address} is not of version ${VERSION}`);
      await cache.put(address, response);
    }),
  );
}

async function removeOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
}

/** @param {string} address */
async function answer(address) {
  const cached = await caches.match(address, { cacheName: CACHE });
  // The browser may have removed the cache to make room.
  return cached || fetch(address);
}

/** @param {Response} response */
async function sha256(response) {
  const digest = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
