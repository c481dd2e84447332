/**
 * Shows notices above the editor, until they are put away.
 */

import { byId, make, makeButton } from './dom.js';

/**
 * Show a notice in place of the one of the same kind.
 *
 * @param {string} kind
 * @param {string} text empty: there is nothing to know any more
 * @param {{ text: string, act: () => unknown }} [action]
 */
export function notify(kind, text, action) {
  const notices = byId('notices');
  for (const old of Array.from(notices.children)) if (old.getAttribute('data-kind') === kind) old.remove();
  if (text === '') return;
  const notice = make('div', { class: 'notice', role: 'alert', 'data-kind': kind }, make('p', {}, text));
  if (action !== undefined) notice.append(makeButton(action.text, action.act));
  notice.append(makeButton('Dismiss', () => notice.remove(), { class: 'plain' }));
  notices.append(notice);
}
