/**
 * Finds and makes elements of the document, for the parts of the page.
 */

/**
 * The element with an id, which the page has.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Make a button that does something.
 *
 * @param {string} text
 * @param {() => unknown} action
 * @param {Record<string, string>} [attributes]
 * @returns {HTMLElement}
 */
export function makeButton(text, action, attributes = {}) {
  const button = make('button', { type: 'button', ...attributes }, text);
  button.addEventListener('click', action);
  return button;
}

/**
 * Say whether a button does anything now. It can have the focus in any case: a button that loses it takes the place of whoever
 * uses the keyboard away.
 *
 * @param {HTMLElement} button
 * @param {boolean} enabled
 */
export function enable(button, enabled) {
  if (enabled) button.removeAttribute('aria-disabled');
  else button.setAttribute('aria-disabled', 'true');
}

/**
 * @param {HTMLElement} button
 * @returns {boolean}
 */
export function isEnabled(button) {
  return button.getAttribute('aria-disabled') !== 'true';
}

/**
 * Call something when a button is used, while it is enabled.
 *
 * @param {string} id of the button
 * @param {() => unknown} action
 */
export function onUse(id, action) {
  const button = byId(id);
  button.addEventListener('click', () => {
    if (isEnabled(button)) action();
  });
}

/**
 * Copy text to the clipboard.
 *
 * @param {string} text
 * @returns {Promise<void>}
 */
export async function copy(text) {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = make('textarea', { 'aria-hidden': 'true', class: 'unseen' });
  /** @type {HTMLTextAreaElement} */ (area).value = text;
  document.body.append(area);
  /** @type {HTMLTextAreaElement} */ (area).select();
  document.execCommand('copy');
  area.remove();
}
