/**
 * Makes tabs, after the pattern of the ARIA Authoring Practices: the arrow keys choose one.
 */

import { byId } from './dom.js';

export class Tabs {
  /**
   * @param {string[]} names `tab-NAME` and `panel-NAME` are the ids
   * @param {(name: string) => void} onChoose
   */
  constructor(names, onChoose) {
    this.names = names;
    this.onChoose = onChoose;
    this.chosen = names[0];
    names.forEach((name, index) => {
      const tab = byId(`tab-${name}`);
      tab.addEventListener('click', () => this.choose(name));
      tab.addEventListener('keydown', ({ key }) => {
        const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
        const target = key === 'Home' ? 0 : key === 'End' ? names.length - 1 : (index + step + names.length) % names.length;
        if (target === index) return;
        this.choose(names[target]);
        byId(`tab-${names[target]}`).focus();
      });
    });
    this.choose(this.chosen);
  }

  /** @param {string} chosen */
  choose(chosen) {
    this.chosen = chosen;
    for (const name of this.names) {
      const tab = byId(`tab-${name}`);
      tab.setAttribute('aria-selected', String(name === chosen));
      tab.tabIndex = name === chosen ? 0 : -1;
      byId(`panel-${name}`).hidden = name !== chosen;
    }
    this.onChoose(chosen);
  }
}
