// How the trace pages say numbers.

/** Microseconds in the unit a person would use, three digits: `820 µs`, `12.4 ms`, `3.05 s`, `4 min 10 s`. */
export function durationText(us: number): string {
  if (us < 0) return `−${durationText(-us)}`;
  if (us < 999.5) return `${Math.round(us)} µs`;
  if (us < 999_500) return `${three(us / 1e3)} ms`;
  if (us < 59_950_000) return `${three(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function three(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** `12,345` */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 span`, `2 spans` */
export function plural(count: number, word: string): string {
  return `${countText(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** A share of 0 to 1 as `12 %`; small ones keep a digit. */
export function shareText(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}
