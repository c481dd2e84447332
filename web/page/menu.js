/**
 * Makes a button that opens a menu, after the pattern of the ARIA Authoring Practices.
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
    if (event.key === 'Tab' || event.key === 'Escape') {
      close();
      if (event.key === 'Tab') return;
      button.focus();
      event.stopPropagation();
    } else if (event.key === 'Enter' || event.key === ' ') {
      items[at].click();
    } else {
      const next = itemAt(items, at, event.key);
      if (next === null) return;
      next.focus();
    }
    event.preventDefault();
  });
  document.addEventListener('pointerdown', (event) => {
    const target = /** @type {Node} */ (event.target);
    if (isOpen() && !menu.contains(target) && !button.contains(target)) close();
  });
}

/**
 * Finds the item that a key leads to.
 *
 * @param {HTMLElement[]} items
 * @param {number} at which of them has the focus
 * @param {string} key
 * @returns {HTMLElement | null}
 */
function itemAt(items, at, key) {
  const steps = new Map([
    ['ArrowDown', at + 1],
    ['ArrowUp', at - 1],
    ['Home', 0],
    ['End', -1],
  ]);
  const step = steps.get(key);
  if (step !== undefined) return items[(step + items.length) % items.length];
  return items.find((item, index) => index > at && begins(item, key)) || items.find((item) => begins(item, key)) || null;
}

/**
 * @param {HTMLElement} item
 * @param {string} letter
 * @returns {boolean}
 */
function begins(item, letter) {
  return letter.length === 1 && (item.textContent || '').trim().toLowerCase().startsWith(letter.toLowerCase());
}
