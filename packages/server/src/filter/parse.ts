// The filter language `q`: text to terms. It depends on nothing, so that the server and the web interface read a filter
// with the same code; what terms mean in SQL is in sql.ts.
const OPERATORS = ['!=', '>=', '<=', '=', '>', '<', '~'] as const;
export type Operator = (typeof OPERATORS)[number];

const PLACES = ['span', 'resource', 'scope', 'event', 'link'] as const;
export type Place = (typeof PLACES)[number];

/** Keys that name a column of the span; every other key names an attribute. */
export const COLUMNS = [
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
] as const;
export type ColumnKey = (typeof COLUMNS)[number];

/** What a span can be; the index is its code in the columns of a trace (`beacon.trace_rows`). */
export const STATUSES = ['completed', 'failed', 'timeout', 'lost', 'started'] as const;
export const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** 32 hex digits, as W3C writes a trace id, or the same as a uuid. */
export const TRACE_ID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** What a term is about: a column of the span, or an attribute, anywhere or in one place. */
export type Key = { column: ColumnKey } | { attribute: string; place: Place | null };

export type Term =
  | { kind: 'compare'; key: Key; operator: Operator; value: string }
  | { kind: 'has'; key: Key; negated: boolean }
  | { kind: 'word'; word: string };

/** A term as it is written: `text.slice(from, to)`. */
export interface Written {
  from: number;
  to: number;
  /** Without `has:`; as typed otherwise, quotes and escapes resolved. Empty for a bare word. */
  key: string;
  operator: Operator | null;
  has: 'has:' | '-has:' | null;
  /** Quotes and escapes resolved; of a bare word, the word. */
  value: string;
  /** Why it cannot be read, and where, counted from 0; null when it can. */
  wrong: { what: string; at: number } | null;
}

const MAX_TERMS = 50;

/** A wrong filter; `at` is where, counted from 0. */
export class FilterError extends Error {
  readonly at: number;
  constructor(what: string, text: string, at: number) {
    const rest = text.slice(at, at + 20);
    super(`${what} (at character ${at + 1}${rest === '' ? ', the end' : `, before ${JSON.stringify(rest)}`})`);
    this.name = 'FilterError';
    this.at = at;
  }
}

/**
 * Terms of a filter, all of which must hold.
 *
 * @throws FilterError that points at what is wrong.
 */
export function parseFilter(text: string): Term[] {
  return parseTerms(text).map(({ term }) => term);
}

/** The same, each with its place in the text. @throws FilterError */
export function parseTerms(text: string): Array<{ term: Term; from: number; to: number }> {
  return scanTerms(text).map((written, n) => {
    const { from, to, wrong } = written;
    if (n === MAX_TERMS) throw new FilterError(`at most ${MAX_TERMS} terms`, text, from);
    if (wrong) throw new FilterError(wrong.what, text, wrong.at);
    return { term: termOf(written, text), from, to };
  });
}

function termOf({ from, to, key: name, operator, has, value }: Written, text: string): Term {
  if (has) return { kind: 'has', key: keyOf(name), negated: has === '-has:' };
  if (operator === null) return { kind: 'word', word: value };
  const key = keyOf(name);
  const wrong = objection(key, operator, value);
  if (wrong) {
    const written = text.slice(from, to);
    const operatorAt = from + (written.startsWith('"') ? endOfQuotes(written) : written.indexOf(operator));
    throw new FilterError(wrong, text, wrong.startsWith(operator) ? operatorAt : operatorAt + operator.length);
  }
  return { kind: 'compare', key, operator, value };
}

function endOfQuotes(written: string): number {
  return /^"(?:[^"\\]|\\.)*"/s.exec(written)?.[0].length ?? 0;
}

/** Every term of a text, also of one that is still being typed: what cannot be read says so and ends at the next blank. */
export function scanTerms(text: string): Written[] {
  const scanner = new Scanner(text);
  const found: Written[] = [];
  for (scanner.skipSpace(); !scanner.done; scanner.skipSpace()) found.push(scanner.term());
  return found;
}

class Scanner {
  readonly #text: string;
  #at = 0;
  #wrong: Written['wrong'] = null;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  term(): Written {
    const from = this.#at;
    this.#wrong = null;
    const read = this.#read(from);
    if (!this.done && !this.#atSpace()) {
      this.#fail('a blank is missing between two terms');
      this.#until(/\s/);
    }
    return { from, to: this.#at, ...read, wrong: this.#wrong };
  }

  #read(from: number): Pick<Written, 'key' | 'operator' | 'has' | 'value'> {
    const has = (/^-?has:/.exec(this.#text.slice(from, from + 5))?.[0] ?? null) as Written['has'];
    if (has) {
      this.#at += has.length;
      const key = this.#word();
      if (key === '') this.#fail('a key is missing');
      return { key, operator: null, has, value: '' };
    }
    const name = this.#word();
    const operator = OPERATORS.find((each) => this.#text.startsWith(each, this.#at)) ?? null;
    if (operator === null) return { key: '', operator, has, value: name };
    if (name === '')
      this.#fail(`there is no key before ${operator}; a value with ${operator} in it needs quotes`, from);
    this.#at += operator.length;
    if (this.done || this.#atSpace()) {
      this.#fail('a value is missing; "" is the empty one');
      return { key: name, operator, has, value: '' };
    }
    const value = this.#text[this.#at] === '"' ? this.#quoted() : this.#until(/\s/);
    return { key: name, operator, has, value };
  }

  /** Quoted, or up to a blank or an operator. */
  #word(): string {
    return this.#text[this.#at] === '"' ? this.#quoted() : this.#until(/[\s=<>~]|!=/);
  }

  #until(stop: RegExp): string {
    const rest = this.#text.slice(this.#at);
    const found = rest.search(stop);
    const word = found < 0 ? rest : rest.slice(0, found);
    this.#at += word.length;
    return word;
  }

  #quoted(): string {
    const from = this.#at;
    let read = '';
    for (this.#at += 1; !this.done; this.#at += 1) {
      const char = this.#text[this.#at] as string;
      if (char === '"') {
        this.#at += 1;
        return read;
      }
      if (char === '\\') {
        this.#at += 1;
        const escaped = this.#text[this.#at] ?? '';
        if (escaped !== '"' && escaped !== '\\') this.#fail('after \\ only " or \\ may follow');
        read += escaped;
      } else read += char;
    }
    this.#fail('the quotes are not closed', from);
    return read;
  }

  #atSpace(): boolean {
    return /\s/.test(this.#text[this.#at] ?? '');
  }

  /** The first thing that is wrong with a term is the one to report. */
  #fail(what: string, at = this.#at): void {
    this.#wrong ??= { what, at: Math.min(at, this.#text.length) };
  }
}

function keyOf(name: string): Key {
  const column = COLUMNS.find((each) => each === name);
  if (column) return { column };
  // Attributes may have the same names as columns and places.
  if (name.length > 1 && name.startsWith('.')) return { attribute: name.slice(1), place: null };
  const place = PLACES.find((each) => name.startsWith(`${each}.`) && name.length > each.length + 1);
  return place ? { attribute: name.slice(place.length + 1), place } : { attribute: name, place: null };
}

const BIGINT_MAX = 9_223_372_036_854_775_807n;

/** Why this value cannot be compared so; undefined when it can. */
function objection(key: Key, operator: Operator, value: string): string | undefined {
  if (value.includes('\u0000') || !value.isWellFormed()) return 'this text cannot be in the database';
  if (!('column' in key)) return undefined;
  const { column } = key;
  const exact = () =>
    operator === '=' || operator === '!=' ? undefined : `${operator} does not go with ${column}: use = or !=`;
  const ordered = () => (operator === '~' ? `~ does not go with ${column}: use =, !=, >, >=, <, <=` : undefined);
  switch (column) {
    case 'status':
      return exact() ?? oneOf(column, STATUSES, value);
    case 'kind':
      return exact() ?? oneOf(column, KINDS, value);
    case 'trace':
      return exact() ?? (TRACE_ID.test(value) ? undefined : 'a trace id is 32 hex digits, or a uuid');
    case 'duration':
      return ordered() ?? (durationMs(value) === undefined ? DURATION_IS : undefined);
    case 'execution':
      if (exact() === undefined) return undefined;
      return ordered() ?? (isBigint(value) ? undefined : `only whole numbers of 64 bits go with ${operator}`);
    default:
      return undefined;
  }
}

const DURATION_IS = 'a duration is like 500ms, 2s, 1.5m, or a number of milliseconds';

function oneOf(column: string, allowed: readonly string[], value: string): string | undefined {
  return allowed.includes(value) ? undefined : `${column} is one of ${allowed.join(', ')}`;
}

/** A whole number that fits into 64 bits, as text: JavaScript's numbers would round it. */
function isBigint(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt(text) <= BIGINT_MAX && BigInt(text) >= -BIGINT_MAX;
}

const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `2s`, `1.5m`, `12`; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d{1,12}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] as number);
}
