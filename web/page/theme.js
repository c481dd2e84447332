/**
 * Chooses light or dark: as the system has it, unless the button says otherwise. index.html does the same before the page is
 * drawn.
 */

import { byId } from './dom.js';
import { remember, remembered } from './preferences.js';

const THEMES = ['system', 'light', 'dark'];

/** Let the button choose, beginning with what was chosen last. */
export function initTheme() {
  const button = byId('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const last = remembered('theme');
  let theme = last !== null && THEMES.includes(last) ? last : 'system';
  const apply = () => {
    const dark = theme === 'dark' || (theme === 'system' && system.matches);
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remember('theme', theme);
    apply();
  });
  // Safari knows events of media queries from 14 on.
  system.addEventListener('change', apply);
  apply();
}
