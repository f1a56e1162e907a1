// The filter as text: its terms, the word under the cursor, and how to add to it.
import { scanTerms } from '@project-beacon/server/filter/parse.ts';

interface Place {
  text: string;
  from: number;
  to: number;
}

/** Terms of a filter in their order. */
export function termsOf(filter: string): Place[] {
  return scanTerms(filter).map(({ from, to }) => ({ text: filter.slice(from, to), from, to }));
}

/** The term the cursor is in or directly after; an empty one between two. */
export function termAt(filter: string, cursor: number): Place {
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
  const { key, operator, value } = scanTerms(term)[0] ?? { key: '', operator: null, value: '' };
  return operator === null ? undefined : { key, operator, value };
}

/** A value as a term takes it: in quotes where it has to be. */
export function quoted(value: string): string {
  return /^[^\s"\\]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** The filter with another term; one that is there already is not repeated. */
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
