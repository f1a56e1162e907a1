// The filter as text: its terms, the word under the cursor, and how to add to it.
import type { ColumnKey } from '@project-beacon/server/filter/parse.ts';

interface Term {
  text: string;
  from: number;
  to: number;
}

/** Keys the server knows by name; everything else is an attribute. */
export const KNOWN_KEYS = [
  'service',
  'operation',
  'status',
  'kind',
  'duration',
  'job',
  'execution',
  'model',
  'region',
  'trace',
  'error',
  'message',
] as const satisfies readonly ColumnKey[];

const OPERATOR = /^(-?[^\s=!<>~"]+)(!=|>=|<=|=|>|<|~)(.*)$/s;

/** Terms of a filter in their order; a quoted value keeps its spaces. */
export function termsOf(filter: string): Term[] {
  const found = filter.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^\s"])+/g);
  return [...found].map((match) => ({ text: match[0], from: match.index, to: match.index + match[0].length }));
}

/** The term the cursor is in or directly behind; an empty one between two. */
export function termAt(filter: string, cursor: number): Term {
  const inside = termsOf(filter).find(({ from, to }) => cursor >= from && cursor <= to);
  return inside ?? { text: '', from: cursor, to: cursor };
}

interface Parts {
  key: string;
  operator: string;
  value: string;
}

/** `http.status>=500` in three; undefined for a bare word. The value comes without its quotes. */
export function partsOf(term: string): Parts | undefined {
  const [, key, operator, value] = OPERATOR.exec(term) ?? [];
  if (key === undefined || operator === undefined || value === undefined) return undefined;
  return { key, operator, value: value.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') };
}

/** A value as a term takes it: in quotes where it has to be. */
export function quoted(value: string): string {
  return /^[^\s"\\]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** The filter with a term more; one that is there already is not repeated. */
export function withTerm(filter: string, term: string): string {
  if (termsOf(filter).some(({ text }) => text === term)) return filter;
  return `${filter.trim()} ${term}`.trim();
}

/** The filter without its n-th term. */
export function withoutTerm(filter: string, n: number): string {
  return termsOf(filter)
    .filter((_, i) => i !== n)
    .map(({ text }) => text)
    .join(' ');
}
