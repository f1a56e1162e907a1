import { isRawJson } from '../store/values.ts';

// Span data comes from any program that sends spans. A model must be able to tell it from what Beacon says.

/** Around everything that came out of the database. */
export const FENCE = { open: '<beacon-data>', close: '</beacon-data>' } as const;

// What does not show, turns the direction of writing, or ends a line: control characters, zero-width and bidirectional
// marks, separators of lines, variation selectors, tag characters, lone surrogates.
const INVISIBLE = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/gu;

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text on one line in which every sign can be seen: what cannot is written as `\u202e`; the fence cannot be closed. */
export function visible(text: string): string {
  return text
    .replace(INVISIBLE, (sign) => NAMED[sign] ?? `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
    .replace(/<(?=\/?\s*beacon-data)/gi, '\\u003c');
}

/** The same for all texts and keys inside a value of JSON. */
export function visibleJson(value: unknown): unknown {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(visibleJson);
  if (value !== null && typeof value === 'object' && !isRawJson(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [visible(key), visibleJson(each)]));
  }
  return value;
}
