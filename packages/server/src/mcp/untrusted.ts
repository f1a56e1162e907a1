// Span data comes from whoever sends spans. A model must be able to tell it from what Beacon says.

/** Around everything that came out of the database. */
export const FENCE = { open: '<beacon-data>', close: '</beacon-data>' } as const;

// What does not show, turns the direction of writing, or ends a line: C0, C1, soft hyphen, zero-width and bidirectional
// marks, line and paragraph separators, variation selectors, tag characters, lone surrogates.
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]|\p{Cs}/gu;

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
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [visible(key), visibleJson(each)]));
  }
  return value;
}
