/**
 * Lets the page work without a network, by its service worker, and offers a new version when there is one.
 */

import { notify } from './notices.js';

export function initOffline() {
  const { serviceWorker } = navigator;
  // There is none where the page is not served securely.
  if (serviceWorker === undefined) return;
  let asked = false;
  serviceWorker.addEventListener('controllerchange', () => {
    if (asked) location.reload();
  });
  const offer = (/** @type {ServiceWorker} */ worker) => {
    const act = () => {
      asked = true;
      worker.postMessage('take over');
    };
    notify('version', 'A new version of this page is ready.', { text: 'Use it', act });
  };
  serviceWorker.register('service-worker.js').then(
    (registration) => {
      if (registration.waiting !== null && serviceWorker.controller !== null) offer(registration.waiting);
      registration.addEventListener('updatefound', () => {
        const worker = registration.installing;
        if (worker === null) return;
        worker.addEventListener('statechange', () => {
          if (worker.state === 'installed' && serviceWorker.controller !== null) offer(worker);
        });
      });
    },
    () => {
      // The page works as long as there is a network.
    },
  );
}
