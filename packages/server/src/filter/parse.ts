// The filter language `q`: text to terms. What they mean in SQL is in filter-sql.ts.
import { z } from 'zod';

const OPERATORS = ['!=', '>=', '<=', '=', '>', '<', '~'] as const;
export type Operator = (typeof OPERATORS)[number];

const PLACES = ['span', 'resource', 'scope', 'event', 'link'] as const;
export type Place = (typeof PLACES)[number];

const COLUMNS = [
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

/** What a term is about: a column of the span, or an attribute, wherever or in one place. */
export type Key = { column: ColumnKey } | { attribute: string; place: Place | null };

export type Term =
  | { kind: 'compare'; key: Key; operator: Operator; value: string }
  | { kind: 'has'; key: Key; negated: boolean }
  | { kind: 'word'; word: string };

const MAX_TERMS = 50;
const MAX_CHARACTERS = 4_000;

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
  const reader = new Reader(text);
  const terms: Term[] = [];
  for (reader.skipSpace(); !reader.done; reader.skipSpace()) {
    if (terms.length === MAX_TERMS) reader.fail(`at most ${MAX_TERMS} terms`);
    terms.push(reader.term());
  }
  return terms;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  fail(what: string, at = this.#at): never {
    throw new FilterError(what, this.#text, at);
  }

  skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  term(): Term {
    const at = this.#at;
    const has = /^-?has:/.exec(this.#text.slice(at, at + 5));
    if (has) {
      this.#at += has[0].length;
      const name = this.#word('a key');
      this.#ended();
      return { kind: 'has', key: keyOf(name), negated: has[0].startsWith('-') };
    }
    const quoted = this.#text[at] === '"';
    const name = quoted ? this.#quoted() : this.#name();
    const operator = OPERATORS.find((each) => this.#text.startsWith(each, this.#at));
    if (operator === undefined) {
      this.#ended();
      return { kind: 'word', word: name };
    }
    if (name === '') this.fail(`there is no key before ${operator}; a value with ${operator} in it needs quotes`, at);
    this.#at += operator.length;
    const valueAt = this.#at;
    if (this.done || /\s/.test(this.#text[valueAt] ?? '')) this.fail('a value is missing; "" is the empty one');
    const value = this.#text[valueAt] === '"' ? this.#quoted() : this.#until(/\s/);
    this.#ended();
    const key = keyOf(name);
    const wrong = objection(key, operator, value);
    if (wrong) this.fail(wrong, wrong.startsWith(operator) ? valueAt - operator.length : valueAt);
    return { kind: 'compare', key, operator, value };
  }

  /** Up to a blank or an operator. */
  #name(): string {
    return this.#until(/[\s=<>~]|!=/);
  }

  #word(what: string): string {
    const word = this.#text[this.#at] === '"' ? this.#quoted() : this.#name();
    if (word === '') this.fail(`${what} is missing`);
    return word;
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
        if (escaped !== '"' && escaped !== '\\') this.fail('after \\ only " or \\ may follow');
        read += escaped;
      } else read += char;
    }
    return this.fail('the quotes are not closed', from);
  }

  #ended(): void {
    if (!this.done && !/\s/.test(this.#text[this.#at] ?? '')) this.fail('a blank is missing between two terms');
  }
}

function keyOf(name: string): Key {
  const column = COLUMNS.find((each) => each === name);
  if (column) return { column };
  // Attributes may be called as columns and places are.
  if (name.length > 1 && name.startsWith('.')) return { attribute: name.slice(1), place: null };
  const place = PLACES.find((each) => name.startsWith(`${each}.`) && name.length > each.length + 1);
  return place ? { attribute: name.slice(place.length + 1), place } : { attribute: name, place: null };
}

export const STATUSES = ['started', 'completed', 'failed', 'timeout', 'lost'];
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const BIGINT_MAX = 9_223_372_036_854_775_807n;

/** Why this value cannot be compared so; undefined when it can. */
function objection(key: Key, operator: Operator, value: string): string | undefined {
  if (value.includes('\u0000') || !value.isWellFormed()) return 'this text cannot be in the database';
  if (!('column' in key)) return undefined;
  const { column } = key;
  const exact = (allowed: string) =>
    operator === '=' || operator === '!=' ? undefined : `${operator} does not go with ${column}: ${allowed}`;
  switch (column) {
    case 'status':
      return exact('use = or !=') ?? oneOf(column, STATUSES, value);
    case 'kind':
      return exact('use = or !=') ?? oneOf(column, KINDS, value);
    case 'trace':
      return exact('use = or !=') ?? (UUID.test(value) ? undefined : 'a trace id is 32 hex digits, or a uuid');
    case 'duration':
      if (operator === '~') return '~ does not go with duration: use =, !=, >, >=, <, <=';
      return durationMs(value) === undefined
        ? 'a duration is like 500ms, 2s, 1.5m, or a number of milliseconds'
        : undefined;
    case 'execution':
      if (operator === '~') return '~ does not go with execution: use =, !=, >, >=, <, <=';
      return isBigint(value) ? undefined : 'an execution id is a whole number of 64 bits';
    default:
      return undefined;
  }
}

function oneOf(column: string, allowed: string[], value: string): string | undefined {
  return allowed.includes(value) ? undefined : `${column} is one of ${allowed.join(', ')}`;
}

function isBigint(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt(text) <= BIGINT_MAX && BigInt(text) >= -BIGINT_MAX;
}

const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `2s`, `1.5m`, `12`; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d{1,12}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] as number);
}

/** Parameter `q`: a filter as text; what the operation gets are its terms. */
export const filterParam = z
  .string()
  .max(MAX_CHARACTERS)
  .transform((text, context): Term[] => {
    try {
      return parseFilter(text);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  })
  .optional()
  .describe(
    'Filter: terms that must all hold, as in service=router status=failed duration>500ms http.response.status_code>=500 has:beacon.retry "connection refused".',
  );

/** Terms that say what columns of the span must be; those without a value say nothing. */
export function equals(columns: Partial<Record<ColumnKey, string | undefined>>): Term[] {
  return Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : [{ kind: 'compare', key: { column: column as ColumnKey }, operator: '=', value }],
  );
}
