// How the trace pages say numbers.
import { count, duration } from '../ui/format.ts';

/** Microseconds in the unit a person would use. */
export function durationText(us: number): string {
  return us < 0 ? `−${duration(-us / 1000)}` : duration(us / 1000);
}

/** `1 span`, `2 spans` */
export function plural(n: number, word: string): string {
  return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
}
