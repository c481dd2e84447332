/**
 * Lets the page save and open files.
 */

import { byId, make } from './dom.js';

/**
 * Give a file to whoever uses the page.
 *
 * @param {string} name
 * @param {string} type
 * @param {BlobPart} content
 */
export function download(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = /** @type {HTMLAnchorElement} */ (make('a', { href: address, download: name }));
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/**
 * Call something with each file that is chosen.
 *
 * @param {(file: File) => void} onFile
 * @returns {() => void} lets a file be chosen
 */
export function fileChooser(onFile) {
  const input = /** @type {HTMLInputElement} */ (byId('file'));
  input.addEventListener('change', () => {
    const file = input.files && input.files[0];
    if (file) onFile(file);
    // So that the same file can be chosen again.
    input.value = '';
  });
  return () => input.click();
}

/** @returns {string} the time as part of a file's name */
export function timestamp() {
  return new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-');
}
