/**
 * A button that opens a menu, after the pattern of the ARIA Authoring Practices.
 */

import { byId, make } from './dom.js';

/**
 * @typedef {object} Choice
 * @property {string} title
 * @property {string} detail
 */

/**
 * @template {Choice} T
 * @param {string} buttonId
 * @param {string} menuId
 * @param {T[]} choices
 * @param {(choice: T) => void} onChoose
 */
export function makeMenu(buttonId, menuId, choices, onChoose) {
  const button = byId(buttonId);
  const menu = byId(menuId);
  const items = choices.map((choice) => {
    const item = make('li', { role: 'menuitem', tabindex: '-1' }, make('span', { class: 'title' }, choice.title));
    if (choice.detail !== '') item.append(make('span', { class: 'detail' }, choice.detail));
    item.addEventListener('click', () => {
      close();
      onChoose(choice);
    });
    return item;
  });
  menu.append(...items);

  const isOpen = () => !menu.hidden;

  /** @param {number} index of the item that gets the focus */
  function open(index) {
    menu.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    items[index].focus();
  }

  function close() {
    menu.hidden = true;
    button.setAttribute('aria-expanded', 'false');
  }

  button.addEventListener('click', () => (isOpen() ? close() : open(0)));
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    open(event.key === 'ArrowDown' ? 0 : items.length - 1);
  });
  menu.addEventListener('keydown', (event) => {
    const at = items.findIndex((item) => item === document.activeElement);
    const go = (/** @type {number} */ index) => items[(index + items.length) % items.length].focus();
    switch (event.key) {
      case 'ArrowDown':
        go(at + 1);
        break;
      case 'ArrowUp':
        go(at - 1);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(-1);
        break;
      case 'Escape':
        close();
        button.focus();
        event.stopPropagation();
        break;
      case 'Enter':
      case ' ':
        items[at].click();
        break;
      case 'Tab':
        close();
        return;
      default: {
        const next = items.findIndex((item, index) => index > at && begins(item, event.key));
        const found = next < 0 ? items.findIndex((item) => begins(item, event.key)) : next;
        if (found < 0) return;
        go(found);
      }
    }
    event.preventDefault();
  });
  document.addEventListener('pointerdown', (event) => {
    const target = /** @type {Node} */ (event.target);
    if (isOpen() && !menu.contains(target) && !button.contains(target)) close();
  });
}

/**
 * @param {HTMLElement} item
 * @param {string} letter
 * @returns {boolean}
 */
function begins(item, letter) {
  return letter.length === 1 && (item.textContent || '').trim().toLowerCase().startsWith(letter.toLowerCase());
}
