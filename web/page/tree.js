/**
 * Shows a tree of values, after the pattern of the ARIA Authoring Practices: one item has the focus, the arrow keys move it,
 * and an item's entries are fetched when it is opened, a page of them at a time.
 *
 * @import { Entry, Page, Reference } from './values.js'
 */

import { make } from './dom.js';
import { number, plural } from './format.js';

/** Entries that are shown at once. */
const PAGE = 100;

/** What separates the names on the path to an item: no name contains it. */
const SEPARATOR = '\n';

/**
 * @typedef {object} Item
 * @property {Entry} entry
 * @property {string} path
 * @property {Item | null} parent
 * @property {HTMLElement} element
 * @property {HTMLElement} row what is seen of it when it is closed
 * @property {HTMLElement | null} group of its entries, once it was opened
 */

/**
 * @typedef {object} TreeOptions
 * @property {string} label
 * @property {(reference: Reference, from: number, count: number) => Promise<Page>} fetch
 * @property {(item: Item | null) => void} [onSelect] is told which item has the focus
 * @property {(item: Item) => void} [onCopy]
 * @property {(item: Item) => void} [onDelete]
 */

export class Tree {
  /**
   * @param {HTMLElement} parent
   * @param {TreeOptions} options
   */
  constructor(parent, options) {
    this.options = options;
    this.element = make('ul', { role: 'tree', 'aria-label': options.label, class: 'tree' });
    parent.append(this.element);
    /** @type {WeakMap<Element, Item>} */
    this.items = new WeakMap();
    /** @type {Set<string>} paths of the items that are open */
    this.open = new Set();
    /** @type {Item | null} */
    this.current = null;
    this.element.addEventListener('click', (event) => this.clicked(event));
    this.element.addEventListener('keydown', (event) => this.pressed(event));
    this.element.addEventListener('focusin', (event) => {
      const item = this.itemOf(event.target);
      if (item !== null) this.choose(item);
    });
  }

  /**
   * Show other values. Items that were open at the same paths are opened again.
   *
   * @param {Entry[]} roots
   * @returns {Promise<void>}
   */
  async show(roots) {
    const chosen = this.current === null ? '' : this.current.path;
    const hadFocus = this.element.contains(document.activeElement);
    const content = document.createDocumentFragment();
    const items = roots.map((entry) => this.build(entry, null, roots.length > 1 || entry.name !== ''));
    content.append(...items.map(({ element }) => element));
    // What is open is fetched before it is shown, so that nothing jumps.
    await Promise.all(items.map((item) => this.reopen(item)));
    this.current = null;
    this.element.replaceChildren(content);
    const all = this.visible();
    const again = all.find(({ path }) => path === chosen);
    const item = again === undefined ? all[0] : again;
    if (item === undefined) return this.choose(null);
    this.choose(item);
    if (hadFocus) item.element.focus();
  }

  /**
   * @private
   * @param {Item} item
   */
  async reopen(item) {
    if (!this.open.has(item.path)) return;
    try {
      await this.expand(item);
    } catch (_gone) {
      this.open.delete(item.path);
      return;
    }
    await Promise.all(this.children(item).map((child) => this.reopen(child)));
  }

  /**
   * @private
   * @param {Entry} entry
   * @param {Item | null} parent
   * @param {boolean} named
   * @returns {Item}
   */
  build(entry, parent, named = true) {
    const { name, node } = entry;
    const row = make('div', { class: 'row' });
    if (named) row.append(make('span', { class: 'key' }, name), make('span', { class: 'equals' }, ' = '));
    row.append(make('span', { class: `value ${node.type.replace(' ', '-')}` }, node.text));
    if (node.size !== undefined && node.size > 0) row.append(make('span', { class: 'size' }, plural(node.size, 'entry', 'entries')));
    const element = make('li', { role: 'treeitem', tabindex: '-1', 'aria-selected': 'false' }, row);
    const path = parent === null ? name : parent.path + SEPARATOR + name;
    const item = { entry, path, parent, element, row, group: null };
    if (canOpen(item)) element.setAttribute('aria-expanded', 'false');
    this.items.set(element, item);
    return item;
  }

  /**
   * @private
   * @param {Item} item
   */
  async expand(item) {
    const { entry, element } = item;
    if (!canOpen(item)) return;
    this.open.add(item.path);
    if (item.group === null) {
      item.group = make('ul', { role: 'group' });
      await this.more(item, 0);
      element.append(item.group);
    }
    if (entry.node.reference !== undefined) element.setAttribute('aria-expanded', 'true');
  }

  /**
   * Fetch the next entries of an item.
   *
   * @private
   * @param {Item} item
   * @param {number} from
   */
  async more(item, from) {
    const { reference } = item.entry.node;
    if (reference === undefined || item.group === null) return;
    const { entries, size } = await this.options.fetch(reference, from, PAGE);
    item.group.append(...entries.map((entry) => this.build(entry, item).element));
    const shown = from + entries.length;
    if (shown >= size || entries.length === 0) return;
    const rest = make('li', { role: 'treeitem', tabindex: '-1', class: 'more', 'aria-selected': 'false' });
    rest.append(make('div', { class: 'row' }, `Show ${number(Math.min(PAGE, size - shown))} more of ${number(size)}`));
    const node = { type: 'more', text: '' };
    this.items.set(rest, { entry: { name: '', key: shown, node }, path: `${item.path}${SEPARATOR}...`, parent: item, element: rest, row: rest, group: null });
    item.group.append(rest);
  }

  /**
   * @private
   * @param {Item} item
   */
  collapse(item) {
    this.open.delete(item.path);
    item.element.setAttribute('aria-expanded', 'false');
  }

  /**
   * Do what an item is there for: open or close it, or fetch what follows.
   *
   * @private
   * @param {Item} item
   */
  async activate(item) {
    if (item.entry.node.type === 'more' && item.parent !== null) {
      const { parent } = item;
      const before = item.element.previousElementSibling;
      item.element.remove();
      await this.more(parent, item.entry.key);
      const next = before === null ? null : this.itemOf(before.nextElementSibling);
      if (next !== null) this.focus(next);
    } else if (isOpen(item)) {
      this.collapse(item);
    } else {
      await this.expand(item);
    }
  }

  /**
   * @private
   * @param {Item} item
   * @returns {Item[]}
   */
  children(item) {
    if (item.group === null) return [];
    return Array.from(item.group.children, (element) => this.itemOf(element)).filter(isItem);
  }

  /**
   * The items that can be seen, from top to bottom.
   *
   * @private
   * @returns {Item[]}
   */
  visible() {
    /** @type {Item[]} */
    const found = [];
    const visit = (/** @type {Item} */ item) => {
      found.push(item);
      if (isOpen(item)) this.children(item).forEach(visit);
    };
    Array.from(this.element.children, (element) => this.itemOf(element)).filter(isItem).forEach(visit);
    return found;
  }

  /**
   * @private
   * @param {EventTarget | null} target
   * @returns {Item | null}
   */
  itemOf(target) {
    const element = target instanceof Element ? target.closest('[role=treeitem]') : null;
    return (element !== null && this.items.get(element)) || null;
  }

  /**
   * @private
   * @param {Item | null} item
   */
  choose(item) {
    if (this.current !== null) {
      this.current.element.tabIndex = -1;
      this.current.element.setAttribute('aria-selected', 'false');
    }
    this.current = item;
    if (item !== null) {
      item.element.tabIndex = 0;
      item.element.setAttribute('aria-selected', 'true');
    }
    if (this.options.onSelect !== undefined) this.options.onSelect(item);
  }

  /**
   * @private
   * @param {Item} item
   */
  focus(item) {
    this.choose(item);
    item.element.focus();
  }

  /**
   * @private
   * @param {MouseEvent} event
   */
  clicked(event) {
    const item = this.itemOf(event.target);
    // Whoever selects text with the mouse does not want the item to close.
    const selection = getSelection();
    if (item === null || (selection !== null && !selection.isCollapsed && this.element.contains(selection.anchorNode))) return;
    this.focus(item);
    this.activate(item);
  }

  /**
   * @private
   * @param {KeyboardEvent} event
   */
  pressed(event) {
    const item = this.itemOf(event.target);
    if (item === null || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      const selection = getSelection();
      if (event.key === 'c' && this.options.onCopy !== undefined && (selection === null || selection.isCollapsed)) this.options.onCopy(item);
      return;
    }
    const all = this.visible();
    const at = all.indexOf(item);
    const go = (/** @type {Item | null | undefined} */ target) => target && this.focus(target);
    switch (event.key) {
      case 'ArrowDown':
        go(all[at + 1]);
        break;
      case 'ArrowUp':
        go(all[at - 1]);
        break;
      case 'Home':
        go(all[0]);
        break;
      case 'End':
        go(all[all.length - 1]);
        break;
      case 'ArrowRight':
        if (isOpen(item)) go(this.children(item)[0]);
        else this.expand(item);
        break;
      case 'ArrowLeft':
        if (isOpen(item)) this.collapse(item);
        else go(item.parent);
        break;
      case 'Enter':
      case ' ':
        this.activate(item);
        break;
      case 'Delete':
        if (this.options.onDelete !== undefined) this.options.onDelete(item);
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}

/**
 * @param {Item} item
 * @returns {boolean}
 */
function canOpen({ entry: { node } }) {
  return node.reference !== undefined && node.size !== undefined && node.size > 0;
}

/**
 * @param {Item} item
 * @returns {boolean}
 */
function isOpen({ element }) {
  return element.getAttribute('aria-expanded') === 'true';
}

/**
 * @param {Item | null} item
 * @returns {item is Item}
 */
function isItem(item) {
  return item !== null;
}
