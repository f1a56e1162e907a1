// The filter inside a trace: the language of the search bar, decided from columns where they know the answer.
import {
  durationMs,
  KINDS,
  type Operator,
  parseTerms,
  STATUSES,
  type Term,
} from '@project-beacon/server/filter/parse.ts';
import type { Trace } from './model.ts';
import { STARTED } from './wire.ts';

export interface Filter {
  /** Rows for which every term holds that the columns can decide. */
  test: (trace: Trace) => Uint8Array;
  /** Terms that only the database can decide, as typed. */
  database: string[];
}

/**
 * Reads a filter; it means what `q` means in every query of the server, with times rounded to microseconds.
 *
 * @throws FilterError that points at what is wrong.
 */
export function filterOf(text: string): Filter {
  const terms = parseTerms(text).map(({ term, from, to }) => ({
    predicate: predicateOf(term),
    text: text.slice(from, to),
  }));
  return {
    database: terms.filter(({ predicate }) => predicate === null).map((term) => term.text),
    test(trace) {
      const matches = new Uint8Array(trace.count).fill(1);
      for (const { predicate } of terms) {
        const holds = predicate?.(trace);
        for (let row = 0; holds && row < trace.count; row++) if (matches[row] && !holds(row)) matches[row] = 0;
      }
      return matches;
    },
  };
}

type Predicate = (trace: Trace) => (row: number) => boolean;

/** How a term is decided from the columns; null when they do not know. */
function predicateOf(term: Term): Predicate | null {
  if (term.kind === 'word') return wordPredicate(term.word);
  if (!('column' in term.key)) return null;
  const { column } = term.key;
  const value: (trace: Trace) => (row: number) => string | number | null = VALUES[column as keyof typeof VALUES];
  if (!value) return null;
  if (term.kind === 'has') {
    return (trace) => {
      const of = value(trace);
      return (row) => (of(row) !== null) !== term.negated;
    };
  }
  const compare = column === 'duration' ? durationTest(term.operator, term.value) : textTest(term.operator, term.value);
  return (trace) => {
    const of = value(trace);
    const known = new Map<string | number, boolean>();
    return (row) => {
      const found = of(row);
      if (found === null) return false;
      // Names repeat: each is compared once, and a span is a look-up.
      const before = known.get(found);
      if (before !== undefined) return before;
      const result = compare(found);
      known.set(found, result);
      return result;
    };
  };
}

const LOST = STATUSES.indexOf('lost');

/** Value of a column in a row; null where the database has none. */
const VALUES = {
  service: (trace: Trace) => (row: number) => trace.services[trace.service[row]!]!.name,
  operation: (trace: Trace) => (row: number) => trace.names[trace.name[row]!]!,
  status: (trace: Trace) => (row: number) => STATUSES[trace.status[row]!]!,
  kind: (trace: Trace) => (row: number) => KINDS[trace.kind[row]!]!,
  error: (trace: Trace) => (row: number) => trace.errors[trace.error[row]!]?.type ?? null,
  message: (trace: Trace) => (row: number) => trace.errors[trace.error[row]!]?.message ?? null,
  duration: (trace: Trace) => (row: number) =>
    trace.status[row] === STARTED || trace.status[row] === LOST ? null : trace.end[row]! - trace.start[row]!,
};

/** Contained in service, operation or error message, in any case. */
function wordPredicate(word: string): Predicate {
  const wanted = word.toLowerCase();
  return (trace) => {
    const within = (texts: Array<string | null>) => texts.map((text) => text?.toLowerCase().includes(wanted) ?? false);
    const services = within(trace.services.map((each) => each.name));
    const names = within(trace.names);
    const messages = within(trace.errors.map((each) => each.message));
    return (row) =>
      services[trace.service[row]!]! || names[trace.name[row]!]! || (messages[trace.error[row]!] ?? false);
  };
}

function textTest(operator: Operator, wanted: string): (value: string | number) => boolean {
  if (operator === '~') return (value) => `${value}`.toLowerCase().includes(wanted.toLowerCase());
  return (value) => holds(operator, compareBytes(`${value}`, wanted));
}

function durationTest(operator: Operator, wanted: string): (us: string | number) => boolean {
  const us = durationMs(wanted)! * 1_000;
  return (value) => holds(operator, Number(value) - us);
}

function holds(operator: Operator, difference: number): boolean {
  switch (operator) {
    case '=':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
    case '<':
      return difference < 0;
    default:
      return difference <= 0;
  }
}

const UTF8 = new TextEncoder();

/** Order of text is that of its bytes, as in the database. */
function compareBytes(a: string, b: string): number {
  const [x, y] = [UTF8.encode(a), UTF8.encode(b)];
  const at = x.findIndex((byte, n) => byte !== y[n]);
  return at < 0 ? x.length - y.length : x[at]! - (y[at] ?? -1);
}

/** Next row from `from` on (exclusive) for which it holds, going round; -1 when there is none. */
export function seek(count: number, from: number, step: 1 | -1, holds: (row: number) => boolean): number {
  for (let n = 1; n <= count; n++) {
    const row = (((from + step * n) % count) + count) % count;
    if (holds(row)) return row;
  }
  return -1;
}
