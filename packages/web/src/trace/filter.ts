// The filter inside a trace: the language of the search bar, for what the columns know.
import { idOf, isFailure, type Trace } from './model.ts';
import { KINDS, STATUSES } from './wire.ts';

export interface Filter {
  /** Terms the columns can answer. */
  test: (trace: Trace) => Uint8Array;
  /** Terms about attributes, as typed: only the database can answer them. */
  attributes: string[];
}

interface Term {
  negative: boolean;
  key: string;
  operator: string;
  value: string;
  text: string;
}

const TERM = /^(-?)(?:(has):)?([\w.:/-]+?)(?:(!=|>=|<=|=|>|<|~)(.*))?$/s;
const UNITS: Record<string, number> = { us: 1, µs: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };

/**
 * Reads a filter: space separated terms that must all hold. A bare word is contained in service, operation or error
 * message; `error` alone means any failed span, `critical` the critical path. Values with spaces in double quotes.
 *
 * @throws Error in words when a term cannot be read.
 */
export function parseFilter(text: string): Filter {
  const terms = split(text).map(read);
  const own = terms.filter((term) => predicateOf(term) !== null);
  return {
    attributes: terms.filter((term) => predicateOf(term) === null).map((term) => term.text),
    test(trace) {
      const matches = new Uint8Array(trace.count).fill(1);
      for (const term of own) {
        const holds = predicateOf(term)!(trace);
        for (let row = 0; row < trace.count; row++) if (matches[row] && !holds(row)) matches[row] = 0;
      }
      return matches;
    },
  };
}

/** Words, but not at spaces inside double quotes. */
function split(text: string): string[] {
  const words = text.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];
  const open = words.find((word) => (word.replace(/\\./g, '').split('"').length - 1) % 2 === 1);
  if (open) throw new Error(`The quotation mark in ${open} is not closed.`);
  return words;
}

function unquote(text: string): string {
  return /^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

function read(text: string): Term {
  if (text.startsWith('"')) return { negative: false, key: '', operator: 'word', value: unquote(text), text };
  const parts = TERM.exec(text);
  const [, minus = '', has, key = '', operator, value = ''] = parts ?? [];
  if (!parts || (!operator && !has)) return { negative: false, key: '', operator: 'word', value: text, text };
  if (operator && value === '') throw new Error(`${text} needs a value behind ${operator}.`);
  return { negative: minus === '-', key, operator: operator ?? 'has', value: unquote(value), text };
}

type Predicate = (trace: Trace) => (row: number) => boolean;

/** How a term is decided from the columns; null when they do not know. */
function predicateOf(term: Term): Predicate | null {
  const { key, operator, value } = term;
  if (operator === 'word') return wordPredicate(value);
  if (key === 'service')
    return textPredicate(term, (trace) => [trace.services.map((each) => each.name), trace.service]);
  if (key === 'operation' || key === 'name') return textPredicate(term, (trace) => [trace.names, trace.name]);
  if (key === 'status') return textPredicate(term, (trace) => [[...STATUSES], trace.status]);
  if (key === 'kind') return textPredicate(term, (trace) => [[...KINDS], trace.kind]);
  if (key === 'message' || key === 'error') return textPredicate(term, (trace) => [trace.errors, trace.error]);
  if (key === 'note') return textPredicate(term, (trace) => [trace.notes, trace.note]);
  if (key === 'duration')
    return numberPredicate(operator, microseconds(value), (trace, row) => trace.end[row]! - trace.start[row]!);
  if (key === 'self') return numberPredicate(operator, microseconds(value), (trace, row) => trace.self[row]!);
  if (key === 'depth') return numberPredicate(operator, Number(value), (trace, row) => trace.depth[row]!);
  if (key === 'id') return (trace) => (row) => idOf(trace, row).startsWith(value.toLowerCase());
  return null;
}

/** Names are interned, so each is compared once and a span is a look-up. */
function wordPredicate(word: string): Predicate {
  const wanted = word.toLowerCase();
  return (trace) => {
    if (wanted === 'error' || wanted === 'errors') return (row) => isFailure(trace.status[row]!);
    if (wanted === 'critical') return (row) => trace.critical[row] === 1;
    const within = (texts: string[]) => texts.map((text) => text.toLowerCase().includes(wanted));
    const [services, names, errors] = [
      within(trace.services.map((each) => each.name)),
      within(trace.names),
      within(trace.errors),
    ];
    return (row) => services[trace.service[row]!]! || names[trace.name[row]!]! || (errors[trace.error[row]!] ?? false);
  };
}

function textPredicate(term: Term, of: (trace: Trace) => [texts: string[], column: ArrayLike<number>]): Predicate {
  const wanted = term.value.toLowerCase();
  const same: Record<string, (text: string) => boolean> = {
    '=': (text) => text.toLowerCase() === wanted,
    '!=': (text) => text.toLowerCase() !== wanted,
    '~': (text) => text.toLowerCase().includes(wanted),
    has: () => true,
    '>': (text) => text > term.value,
    '>=': (text) => text >= term.value,
    '<': (text) => text < term.value,
    '<=': (text) => text <= term.value,
  };
  return (trace) => {
    const [texts, column] = of(trace);
    const holds = texts.map(same[term.operator]!);
    const absent = term.operator === '!=';
    return (row) => (holds[column[row]!] ?? absent) !== term.negative;
  };
}

function numberPredicate(operator: string, wanted: number, of: (trace: Trace, row: number) => number): Predicate {
  const compare: Record<string, (a: number) => boolean> = {
    '=': (a) => a === wanted,
    '!=': (a) => a !== wanted,
    '>': (a) => a > wanted,
    '>=': (a) => a >= wanted,
    '<': (a) => a < wanted,
    '<=': (a) => a <= wanted,
  };
  const holds = compare[operator] ?? (() => true);
  return (trace) => (row) => holds(of(trace, row));
}

function microseconds(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)?$/.exec(text);
  if (!parts) throw new Error(`${text} is no duration: write 500ms, 2s, or a number of milliseconds.`);
  return Number(parts[1]) * UNITS[parts[2] ?? 'ms']!;
}

/** Next row from `from` on (exclusive) for which it holds, going round; -1 when there is none. */
export function seek(count: number, from: number, step: 1 | -1, holds: (row: number) => boolean): number {
  for (let n = 1; n <= count; n++) {
    const row = (((from + step * n) % count) + count) % count;
    if (holds(row)) return row;
  }
  return -1;
}
