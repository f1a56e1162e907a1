// Light or dark: as the system has it, unless chosen. Canvases ask for colours here and draw again when the theme changes.
import { computed, effect, signal } from '@preact/signals';

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const KEY = 'beacon-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', () => {
  systemIsDark.value = system.matches;
});

export const theme = signal<Theme>(THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'system');
export const isDark = computed(() => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark'));

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  if (theme.value === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme.value);
});

/** System, light, dark, and round again. */
export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] as Theme;
}

const probe = document.createElement('span');
const resolved = computed(() => ({ of: isDark.value, colours: new Map<string, string>() }));

/** A token of tokens.css as `rgb(...)`, for canvases; a component or effect that reads it is subscribed. */
export function colour(token: `--${string}`): string {
  const { colours } = resolved.value;
  const known = colours.get(token);
  if (known) return known;
  if (!probe.isConnected) {
    probe.hidden = true;
    document.documentElement.append(probe);
  }
  probe.style.color = `var(${token})`;
  const value = getComputedStyle(probe).color;
  colours.set(token, value);
  return value;
}
