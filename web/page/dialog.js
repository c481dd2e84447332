/**
 * Asks before something cannot be undone.
 */

import { byId } from './dom.js';

/**
 * @param {string} title
 * @param {string} text
 * @param {string} action what the button that agrees says
 * @returns {Promise<boolean>}
 */
export function ask(title, text, action) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('question'));
  // Firefox knows dialogs from 98 on, Safari from 15.4.
  if (typeof dialog.showModal !== 'function') return Promise.resolve(confirm(`${title}\n\n${text}`));
  byId('question-title').textContent = title;
  byId('question-text').textContent = text;
  byId('question-ok').textContent = action;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'ok'), { once: true });
  });
}
