/**
 * Serves the page from a cache, so that it works without a network.
 *
 * One cache holds one version, whole: it is filled before the version is used, each file is compared with the hash that the
 * build wrote here, and no file is ever taken from elsewhere. So whatever a server has at the moment, a page never gets parts of
 * two versions. A new version waits until no page uses the old one, or until a page asks for it.
 */

/* global VERSION, FILES, LATER -- set by the build: a name for this version, the SHA-256 of each file by its path, and the
   paths of those that are kept when they are first asked for */

const PREFIX = 'lua-playground-';
const CACHE = PREFIX + VERSION;
const scope = /** @type {any} */ (self);

const addressOf = (/** @type {string} */ path) => new URL(path, location.href).href;

/** @type {Map<string, string>} the hashes by address */
const hashes = new Map(Object.entries(FILES).map(([path, hash]) => [addressOf(path), hash]));
const later = new Set(LATER.map(addressOf));

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
  const addresses = Array.from(hashes.keys()).filter((address) => !later.has(address));
  await Promise.all(
    addresses.map(async (address) => {
      const response = await fetch(address, { cache: 'no-store' });
      if (!response.ok) throw new Error(`${address}: ${response.status}`);
      await keep(cache, address, response);
    }),
  );
}

/**
 * @param {Cache} cache
 * @param {string} address
 * @param {Response} response
 * @throws {Error} if it is of another version
 */
async function keep(cache, address, response) {
  if ((await sha256(response.clone())) !== hashes.get(address)) throw new Error(`${address} is not of version ${VERSION}`);
  await cache.put(address, response);
}

async function removeOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
}

/** @param {string} address */
async function answer(address) {
  const cached = await caches.match(address, { cacheName: CACHE });
  if (cached) return cached;
  // The browser may have removed the cache to make room, or the file is one of those that most visitors do not need.
  const response = await fetch(address);
  if (response.ok && later.has(address)) await keep(await caches.open(CACHE), address, response.clone());
  return response;
}

/** @param {Response} response */
async function sha256(response) {
  const digest = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
