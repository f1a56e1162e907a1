// Numbers, times and states in words and signs, the same in every verb.
const UNITS: Array<[ms: number, name: string]> = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `0.04 ms`, `12.3 ms`, `1.24 s`, `2 min 5 s`; `–` for no duration. */
export function duration(ms: unknown): string {
  if (ms === null || ms === undefined) return '–';
  const value = Number(ms);
  if (value < 10) return `${value.toFixed(2)} ms`;
  if (value < 100) return `${value.toFixed(1)} ms`;
  if (value < 1_000) return `${value.toFixed(0)} ms`;
  if (value < 60_000) return `${(value / 1_000).toFixed(2)} s`;
  return roughly(value, 2);
}

/** `just now`, `12 s ago`, `3 min ago`, `in 2 h`. */
export function ago(time: unknown, now = Date.now()): string {
  if (time === null || time === undefined) return 'never';
  const ms = now - Date.parse(String(time));
  if (Math.abs(ms) < 1_000) return 'just now';
  return ms > 0 ? `${roughly(ms, 1)} ago` : `in ${roughly(-ms, 1)}`;
}

function roughly(ms: number, parts: number): string {
  const words: string[] = [];
  let rest = ms;
  for (const [unit, name] of UNITS) {
    if (words.length === parts || (rest < unit && !(words.length === 0 && name === 's'))) continue;
    words.push(`${Math.floor(rest / unit)} ${name}`);
    rest %= unit;
  }
  return words.join(' ');
}

/** `1 span`, `2 spans`, `12,000 spans`. */
export function count(n: number, noun: string): string {
  return `${number(n)} ${noun}${n === 1 ? '' : 's'}`;
}

export function bytes(value: unknown): string {
  const n = Number(value);
  const unit = n >= 1e9 ? ([1e9, 'GB'] as const) : n >= 1e6 ? ([1e6, 'MB'] as const) : ([1e3, 'kB'] as const);
  return `${(n / unit[0]).toLocaleString('en-US', { maximumFractionDigits: 1 })} ${unit[1]}`;
}

/** At most three decimals, thousands separated. */
export function number(n: unknown): string {
  return n === null || n === undefined ? '–' : Number(n).toLocaleString('en-US', { maximumFractionDigits: 3 });
}

interface Sign {
  glyph: string;
  style: 'green' | 'red' | 'yellow' | 'cyan' | 'magenta';
}

const SIGNS: Record<string, Sign> = {
  completed: { glyph: '✔', style: 'green' },
  ok: { glyph: '✔', style: 'green' },
  alive: { glyph: '✔', style: 'green' },
  failed: { glyph: '✖', style: 'red' },
  fail: { glyph: '✖', style: 'red' },
  timeout: { glyph: '◷', style: 'red' },
  lost: { glyph: '?', style: 'magenta' },
  silent: { glyph: '?', style: 'magenta' },
  warn: { glyph: '!', style: 'yellow' },
  pending: { glyph: '!', style: 'yellow' },
  changed: { glyph: '✖', style: 'red' },
  unknown: { glyph: '?', style: 'magenta' },
  applied: { glyph: '✔', style: 'green' },
  started: { glyph: '▸', style: 'cyan' },
  stopped: { glyph: '■', style: 'cyan' },
};

/** Glyph and colour of a status; both say the same, so that neither is needed. */
export function signOf(status: unknown): Sign {
  return SIGNS[String(status)] ?? { glyph: '·', style: 'cyan' };
}
