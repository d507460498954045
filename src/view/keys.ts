import { go, isHelpOpen, isWrong, model, step, TABS, type Tab, type Theme, theme } from './state.ts';

/** What a key does, for the page and for its help. */
export const KEYS: readonly { readonly keys: readonly string[]; readonly does: string; act(): void }[] = [
  { keys: ['j'], does: 'next layer', act: () => step(1) },
  { keys: ['k'], does: 'layer before', act: () => step(-1) },
  { keys: ['n'], does: 'next layer that does not match', act: () => step(1, isWrong) },
  { keys: ['p'], does: 'layer before that does not match', act: () => step(-1, isWrong) },
  { keys: ['/'], does: 'find a layer', act: () => document.getElementById('search')?.focus() },
  { keys: ['o'], does: 'overview', act: () => show('overview') },
  { keys: ['l'], does: 'the layer', act: () => show('layer') },
  { keys: ['g'], does: 'graph', act: () => show('graph') },
  { keys: ['e'], does: 'execution', act: () => show('execution') },
  { keys: ['t'], does: 'light or dark', act: () => nextTheme() },
  {
    keys: ['?'],
    does: 'these keys',
    act: () => {
      isHelpOpen.value = !isHelpOpen.value;
    },
  },
];

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
}

function show(tab: Tab): void {
  if (TABS.includes(tab) && model.value !== null) go({ tab });
}

export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') {
    isHelpOpen.value = false;
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
    return;
  }
  const { target } = event;
  if (target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== 'checkbox')) return;
  const bound = KEYS.find(({ keys }) => keys.includes(event.key));
  if (bound === undefined) return;
  event.preventDefault();
  bound.act();
}
