// Filters as text, for APIs whose callers ask in another language.

/** A term that compares: `service`, `duration`, or `.http.method` for an attribute wherever it is. */
export function term(key: string, operator: '=' | '!=' | '>' | '>=' | '<' | '<=' | '~', value: string): string {
  return `${quoted(key)}${operator}${quoted(value)}`;
}

/** Spans that have the key at all. */
export function has(key: string): string {
  return `has:${quoted(key)}`;
}

export function hasNot(key: string): string {
  return `-has:${quoted(key)}`;
}

/** Spans that did not end well. */
export const FAILED = 'status!=completed status!=started';

/** An attribute of this name, even when a column or a place is called the same. */
export function attributeKey(name: string): string {
  return `.${name}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
