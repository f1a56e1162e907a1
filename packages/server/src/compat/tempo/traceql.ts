// TraceQL's filter on spans as ours. Ours has no "or": a query becomes as many filters as it has alternatives.
import { attributeKey, FAILED, has, hasNot, term } from '../../filter/text.ts';
import { goDurationMs } from '../params.ts';
import { type Comparator, type Expression, notUnderstood, parseTraceQl, type Value } from './traceql-syntax.ts';

/** A row of `search`, as far as conditions on a trace look at it. */
export interface TraceRow {
  root_service: string | null;
  root_operation: string | null;
  duration_ms: number | null;
}

/** One way in which a trace may match. */
export interface Alternative {
  /** Filter on its spans; empty for all. */
  q: string;
  /** Conditions on the trace itself, which `search` has no parameter for. */
  fits: Array<(row: TraceRow) => boolean>;
}

const MAX_ALTERNATIVES = 16;
type Plain = '=' | '!=' | '>' | '>=' | '<' | '<=' | '~';

/**
 * The alternatives of a query.
 *
 * @throws BeaconError for what is not understood.
 */
export function alternativesOf(query: string): Alternative[] {
  const found = branches(parseTraceQl(query));
  return found.map((parts) => ({
    q: parts.flatMap(({ q }) => q ?? []).join(' '),
    fits: parts.flatMap(({ fits }) => fits ?? []),
  }));
}

interface Part {
  q?: string;
  fits?: (row: TraceRow) => boolean;
}

/** Disjunctive normal form: a list of alternatives, each a list of parts that must all hold. */
function branches(expression: Expression): Part[][] {
  switch (expression.kind) {
    case 'all':
      return [[]];
    case 'or':
      return limited(expression.parts.flatMap(branches));
    case 'and':
      return expression.parts
        .map(branches)
        .reduce((all, more) => limited(all.flatMap((one) => more.map((other) => [...one, ...other]))), [
          [],
        ] as Part[][]);
    case 'compare':
      return limited(compared(expression.field, expression.comparator, expression.value));
  }
}

function limited(found: Part[][]): Part[][] {
  if (found.length > MAX_ALTERNATIVES) throw notUnderstood(`it has more than ${MAX_ALTERNATIVES} alternatives`);
  return found;
}

function compared(field: string, comparator: Comparator, value: Value): Part[][] {
  const intrinsic = INTRINSICS.get(field);
  if (intrinsic) return intrinsic(comparator, value);
  const key = keyOf(field);
  if (value.kind === 'word' && value.text === 'nil') {
    if (comparator === '=') return one(hasNot(key));
    if (comparator === '!=') return one(has(key));
  }
  return textual(comparator, textOf(value), (plain, text) => term(key, plain, text));
}

const SCOPES = new Map(
  Object.entries({
    span: 'span',
    resource: 'resource',
    event: 'event',
    link: 'link',
    instrumentation: 'scope',
  }),
);

function keyOf(field: string): string {
  if (/^(?:resource)?\.service\.name$/.test(field)) return 'service';
  if (field.startsWith('.')) return attributeKey(field.slice(1));
  const [, scope = '', name] = /^(\w+)\.(.+)$/s.exec(field) ?? [];
  const place = SCOPES.get(scope);
  if (place && name) return `${place}.${name}`;
  throw notUnderstood(`there is no field ${field}; attributes are written .name, span.name or resource.name`);
}

type Intrinsic = (comparator: Comparator, value: Value) => Part[][];

const column =
  (key: string): Intrinsic =>
  (comparator, value) =>
    textual(comparator, textOf(value), (plain, text) => term(key, plain, text));

const duration: Intrinsic = (comparator, value) => {
  const plain = ordered('duration', comparator);
  return one(term('duration', plain, String(milliseconds(value))));
};

const traceDuration: Intrinsic = (comparator, value) => {
  const plain = ordered('traceDuration', comparator);
  const ms = milliseconds(value);
  return [[{ fits: ({ duration_ms }) => duration_ms !== null && compares(duration_ms, plain, ms) }]];
};

const onRoot =
  (of: 'root_service' | 'root_operation'): Intrinsic =>
  (comparator, value) => {
    const text = textOf(value);
    const pattern = /~$/.test(comparator) ? patternOf(text) : undefined;
    const isIn = (found: string) =>
      pattern
        ? pattern.within
          ? found.includes(pattern.texts[0] as string)
          : pattern.texts.includes(found)
        : found === text;
    if (!['=', '!=', '=~', '!~'].includes(comparator)) throw notUnderstood(`${comparator} on the name of a root`);
    const negated = comparator.startsWith('!');
    return [[{ fits: (row) => row[of] !== null && isIn(row[of]) !== negated }]];
  };

const status: Intrinsic = (comparator, { text }) => {
  const isEqual = equality('status', comparator);
  switch (text) {
    case 'error':
      return one(isEqual ? FAILED : 'status!=failed status!=timeout status!=lost');
    // Whether success was said or assumed is kept, but not searched by.
    case 'ok':
    case 'unset':
      return one(isEqual ? 'status=completed' : 'status!=completed');
    default:
      throw notUnderstood(`status is error, ok or unset, not ${text}`);
  }
};

const kind: Intrinsic = (comparator, { text }) => {
  const isEqual = equality('kind', comparator);
  const name = text === 'unspecified' ? 'internal' : text;
  if (!['internal', 'server', 'client', 'producer', 'consumer'].includes(name))
    throw notUnderstood(`there is no kind ${text}`);
  return one(term('kind', isEqual ? '=' : '!=', name));
};

/** Grafana asks so for spans without a parent; a trace always has one, or one whose parent is missing. */
const root: Intrinsic = (comparator, { text }) => {
  if ((comparator === '<' && text === '0') || (comparator === '=' && text === '-1')) return [[]];
  throw notUnderstood('nestedSetParent other than < 0');
};

const INTRINSICS = new Map<string, Intrinsic>(
  Object.entries({
    name: column('operation'),
    'span:name': column('operation'),
    duration,
    'span:duration': duration,
    status,
    'span:status': status,
    statusMessage: column('message'),
    'span:statusMessage': column('message'),
    kind,
    'span:kind': kind,
    traceDuration,
    'trace:duration': traceDuration,
    rootName: onRoot('root_operation'),
    'trace:rootName': onRoot('root_operation'),
    rootServiceName: onRoot('root_service'),
    'trace:rootService': onRoot('root_service'),
    'event:name': column('event.name'),
    'instrumentation:name': column('scope.name'),
    'instrumentation:version': column('scope.version'),
    'trace:id': (comparator, value) =>
      one(term('trace', equality('trace:id', comparator) ? '=' : '!=', textOf(value).padStart(32, '0'))),
    nestedSetParent: root,
  }),
);

export const INTRINSIC_NAMES: readonly string[] = [...INTRINSICS.keys()].sort();

/** Equality, order, and of regular expressions those that are lists of texts or a text somewhere within. */
function textual(comparator: Comparator, text: string, make: (plain: Plain, text: string) => string): Part[][] {
  if (comparator !== '=~' && comparator !== '!~') return one(make(comparator, text));
  const { texts, within } = patternOf(text);
  if (comparator === '=~') return texts.map((each) => [{ q: make(within ? '~' : '=', each) }]);
  if (within) throw notUnderstood('!~ with .*: there is no "contains not"');
  return one(texts.map((each) => make('!=', each)).join(' '));
}

/** TraceQL's regular expressions match the whole value. */
function patternOf(text: string): { texts: string[]; within: boolean } {
  const within = /^\.\*(.+)\.\*$/s.exec(text)?.[1];
  const texts: string[] = [];
  const literal = within ?? text.replace(/^\^?\(?(.*?)\)?\$?$/s, '$1');
  let part = '';
  for (let i = 0; i < literal.length; i++) {
    const char = literal[i] as string;
    if (char === '|' && within === undefined) {
      texts.push(part);
      part = '';
    } else if (char === '\\' && /^[^\p{L}\p{N}]$/u.test(literal[i + 1] ?? '')) {
      i += 1;
      part += literal[i];
    } else if (/[.+*?^$()[\]{}|\\]/.test(char)) {
      throw notUnderstood(`the regular expression ${text}: lists like a|b and .*text.* are`);
    } else part += char;
  }
  texts.push(part);
  return { texts, within: within !== undefined };
}

function one(q: string): Part[][] {
  return [[{ q }]];
}

function textOf({ text }: Value): string {
  return text;
}

function milliseconds({ kind: of, text }: Value): number {
  // A number without a unit counts nanoseconds.
  return of === 'number' ? Number(text) / 1e6 : Number(goDurationMs('duration', text).toFixed(9));
}

function ordered(what: string, comparator: Comparator): Exclude<Plain, '~'> {
  if (comparator === '=~' || comparator === '!~') throw notUnderstood(`${comparator} on ${what}`);
  return comparator;
}

function equality(what: string, comparator: Comparator): boolean {
  if (comparator !== '=' && comparator !== '!=') throw notUnderstood(`${comparator} on ${what}`);
  return comparator === '=';
}

function compares(a: number, comparator: Exclude<Plain, '~'>, b: number): boolean {
  switch (comparator) {
    case '=':
      return a === b;
    case '!=':
      return a !== b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
  }
}
