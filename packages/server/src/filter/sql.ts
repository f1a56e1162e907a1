// What a filter means in SQL: one condition on a row of trace_spans. Values are bound, all of them.
import { type ColumnKey, durationMs, type Operator, type Place, type Term } from './parse.ts';

/** Collects values and hands out their placeholders. */
export class Bindings {
  readonly values: unknown[];
  /** Terms that are known to hold for no log record, in this transaction: none is looked for. */
  readonly unlogged: ReadonlySet<Term>;
  constructor(values: unknown[] = [], unlogged: ReadonlySet<Term> = new Set()) {
    this.values = [...values];
    this.unlogged = unlogged;
  }
  add(value: unknown, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}

const COLUMN_SQL: Record<Exclude<ColumnKey, 'execution'>, { name: string; type: string }> = {
  service: { name: 'service', type: 'text' },
  operation: { name: 'operation', type: 'text' },
  status: { name: 'status', type: 'text' },
  kind: { name: 'kind', type: 'text' },
  duration: { name: 'duration_ms', type: 'double precision' },
  job: { name: 'job_id', type: 'text' },
  model: { name: 'model_id', type: 'text' },
  region: { name: 'region', type: 'text' },
  trace: { name: 'trace_id', type: 'uuid' },
  error: { name: 'error_type', type: 'text' },
  message: { name: 'error_message', type: 'text' },
};

/**
 * A condition on the span `s`; `true` where there are no terms.
 *
 * `!=` asks for another value and not for none: a span without the key does not match. Comparisons of a null are not
 * true, so that a row that has nothing to compare is left out.
 */
export function filterSql(terms: readonly Term[], bind: Bindings): string {
  if (terms.length === 0) return 'true';
  return terms.map((term) => `(${termSql(term, bind)})`).join('\n  and ');
}

function termSql(term: Term, bind: Bindings): string {
  switch (term.kind) {
    case 'word': {
      const word = bind.add(term.word, 'text');
      const columns = ['service', 'operation', 'error_message'];
      return columns.map((name) => contains(`s.${name}`, word)).join(' or ');
    }
    case 'has': {
      const has = 'column' in term.key ? isThere(term.key.column) : anywhere(term, term.key, bind);
      // Null where there are no events: that is "has not", too.
      return term.negated ? `not coalesce(${has}, false)` : has;
    }
    case 'compare':
      return 'column' in term.key
        ? columnSql(term.key.column, term.operator, term.value, bind)
        : anywhere(term, term.key, bind);
  }
}

function contains(text: string, part: string): string {
  return `strpos(lower(${text}), lower(${part})) > 0`;
}

function isThere(column: ColumnKey): string {
  if (column === 'execution') return 's.execution_id is not null or s.execution_key is not null';
  return `s.${COLUMN_SQL[column].name} is not null`;
}

/** Each of its two columns has an index, and one of them is null. */
function executionSql(operator: Operator, value: string, bind: Bindings): string {
  const key = bind.add(value, 'text');
  const number = `beacon.execution_number(${key})`;
  if (operator === '=') return `s.execution_id = ${number} or s.execution_key = beacon.execution_key(${key})`;
  if (operator !== '!=') return `s.execution_id ${operator} ${key}::bigint`;
  return `coalesce(s.execution_key, s.execution_id::text) <> beacon.execution_text(${key})`;
}

function columnSql(column: ColumnKey, operator: Operator, value: string, bind: Bindings): string {
  if (column === 'execution') return executionSql(operator, value, bind);
  const { name, type } = COLUMN_SQL[column];
  const bound = bind.add(column === 'duration' ? durationMs(value) : value, type);
  if (operator === '~') return contains(`s.${name}`, bound);
  return `s.${name} ${operator === '!=' ? '<>' : operator} ${bound}${ordered(type, operator)}`;
}

/** Order of text is that of its bytes, whatever the database's language. */
function ordered(type: string, operator: Operator): string {
  return type === 'text' && /[<>]/.test(operator) ? ' collate "C"' : '';
}

/**
 * The same as a condition on a log record `l`, whether it has a span or none; undefined where a term is about something a
 * record does not have.
 */
export function logFilterSql(terms: readonly Term[], bind: Bindings): string | undefined {
  const conditions = terms.map((term) => {
    if (term.kind === 'word') return undefined;
    if ('column' in term.key) {
      const isTrace = term.key.column === 'trace' && term.kind === 'compare' && term.operator === '=';
      return isTrace ? `l.trace_id = ${bind.add(term.value, 'uuid')}` : undefined;
    }
    const { attribute, place } = term.key;
    if (place === 'span' || place === 'link' || (term.kind === 'has' && term.negated)) return undefined;
    const resource = resourceSql(term, bind);
    const own =
      place === null || place === 'event'
        ? [`beacon.log_fits(l.attributes, l.event_name, ${logArguments(term, attribute, bind)})`]
        : [];
    const shared = resource
      ? [`l.resource_id = any(array(select r.resource_id from beacon.trace_resources r where ${resource}))`]
      : [];
    return `(${[...own, ...shared].join(' or ')})`;
  });
  return conditions.length > 0 && conditions.every((each) => each !== undefined) ? conditions.join(' and ') : undefined;
}

type Attribute = { attribute: string; place: Place | null };
export type AttributeTerm = Exclude<Term, { kind: 'word' }>;

/** The condition in one place, or in any of them. Resources are few and found first; spans only say which is theirs. */
function anywhere(term: AttributeTerm, { attribute, place }: Attribute, bind: Bindings): string {
  const conditions = placed(term, attribute, bind);
  const places: Place[] = place ? [place] : ['span', 'resource', 'scope', 'event', 'link'];
  const sql = places.map((each) => {
    const condition = conditions[each]();
    return each === 'resource' || each === 'scope'
      ? `s.resource_id = any(array(select r.resource_id from beacon.trace_resources r where ${condition}))`
      : `(${condition})`;
  });
  return sql.join(' or ');
}

/**
 * Condition on a resource `r` under which a term on an attribute holds for all of its spans; undefined where the term is
 * about something else.
 */
export function resourceSql(term: AttributeTerm, bind: Bindings): string | undefined {
  if ('column' in term.key) return undefined;
  const { attribute, place } = term.key;
  const conditions = placed(term, attribute, bind);
  if (place === null) return `(${conditions.resource()}) or (${conditions.scope()})`;
  return place === 'resource' || place === 'scope' ? conditions[place]() : undefined;
}

/** What a term means in each place: of the span `s`, or of its resource `r`. */
function placed(term: AttributeTerm, attribute: string, bind: Bindings): Record<Place, () => string> {
  if (term.kind === 'compare' && term.operator === '=') return equality(term, attribute, bind);
  const name = bind.add(attribute, 'text');
  const test =
    term.kind === 'has' ? (json: string) => `${json} is not null` : comparison(term.operator, term.value, bind);
  const inObject = (attributes: string) => () =>
    term.kind === 'has' ? `${attributes} ? ${name}` : test(`(${attributes} -> ${name})`);
  const inList = (list: string, value: string) => () =>
    `exists (select 1 from jsonb_array_elements(case when jsonb_typeof(${list}) = 'array' then ${list} end) e where ${test(value)})`;
  const own = `(e -> 'attributes' -> ${name})`;
  return {
    span: inObject('s.metadata'),
    resource: inObject('r.attributes'),
    scope: inObject(SCOPE),
    // `event.name` is the name of the event.
    event: () =>
      `${inList('s.events', attribute === 'name' ? `coalesce(${own}, e -> 'name')` : own)()} or ${inLogs(term, attribute, bind)}`,
    link: inList('s.links', own),
  };
}

/** Attributes of the scope, with its name and version, which are columns. */
const SCOPE = `(coalesce(r.otel -> 'scope_attributes', '{}') || jsonb_strip_nulls(jsonb_build_object('name', r.scope_name, 'version', r.scope_version)))`;

/**
 * Equality by containment: of the text, of the number or truth value it may stand for, or of a list that has one of
 * them.
 */
function equality(
  term: AttributeTerm & { kind: 'compare' },
  attribute: string,
  bind: Bindings,
): Record<Place, () => string> {
  const { value } = term;
  const objects = objectsOf(attribute, value);
  const whole = lazily(() => bind.add(objects, 'jsonb[]'));
  const nested = lazily(() =>
    bind.add(
      objects.map((each) => `[{"attributes":${each}}]`),
      'jsonb[]',
    ),
  );
  const inObject = (attributes: string) => () => `${attributes} @> any(${whole()})`;
  const inList = (list: string) => () => `${list} @> any(${nested()})`;
  const event = inList('s.events');
  return {
    span: inObject('s.metadata'),
    resource: inObject('r.attributes'),
    scope: inObject(SCOPE),
    event: () => {
      const named =
        attribute === 'name' ? ` or s.events @> ${bind.add(JSON.stringify([{ name: value }]), 'jsonb')}` : '';
      return `${event()}${named} or ${inLogs(term, attribute, bind)}`;
    },
    link: inList('s.links'),
  };
}

/** What attributes contain that have this value: the text, the number or truth value it may stand for, or a list with it. */
function objectsOf(attribute: string, value: string): string[] {
  const key = JSON.stringify(attribute);
  return literalsOf(value).flatMap((literal) => [`{${key}:${literal}}`, `{${key}:[${literal}]}`]);
}

/** Events travel as log records too. A statement asks for their spans once, however many spans it looks at. */
function inLogs(term: AttributeTerm, attribute: string, bind: Bindings): string {
  if (bind.unlogged.has(term)) return 'false';
  return `(s.trace_id, s.span_id) in (select l.trace_id, l.span_id from beacon.logged_spans(${logArguments(term, attribute, bind)}) l)`;
}

/** Arguments of beacon.logged_spans for a term that may hold in an event. */
export function logArguments(term: AttributeTerm, attribute: string, bind: Bindings): string {
  const value = term.kind === 'compare' ? term.value : null;
  const isEqual = term.kind === 'compare' && term.operator === '=';
  return [
    bind.add(attribute, 'text'),
    bind.add(term.kind === 'compare' ? term.operator : 'has', 'text'),
    bind.add(value, 'text'),
    bind.add(value !== null && isNumber(value) ? value : null, 'numeric'),
    bind.add(isEqual ? objectsOf(attribute, term.value) : null, 'jsonb[]'),
  ].join(', ');
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

/** What the text of a value may stand for, as JSON. A number keeps its digits. */
export function literalsOf(value: string): string[] {
  const literals = [JSON.stringify(value)];
  if (isNumber(value)) literals.push(value);
  if (value === 'true' || value === 'false') literals.push(value);
  return literals;
}

function isNumber(value: string): boolean {
  return value.length <= 100 && NUMBER.test(value) && Number.isFinite(Number(value));
}

/** A comparison of a jsonb value that may be missing: as numbers where both are, else as text. */
function comparison(operator: Operator, value: string, bind: Bindings): (json: string) => string {
  const text = bind.add(value, 'text');
  const textOf = (json: string) => `(${json} #>> '{}')`;
  if (operator === '~') return (json) => contains(textOf(json), text);
  if (operator === '!=') {
    const number = isNumber(value) ? bind.add(value, 'jsonb') : undefined;
    return (json) => `${textOf(json)} <> ${text}${number ? ` and ${json} <> ${number}` : ''}`;
  }
  const asText = (json: string) => `${textOf(json)} ${operator} ${text} collate "C"`;
  if (!isNumber(value)) return asText;
  const number = bind.add(value, 'numeric');
  return (json) => `case jsonb_typeof(${json})
      when 'number' then ${json}::numeric ${operator} ${number}
      when 'string' then case when ${textOf(json)} ~ '^-?[0-9]{1,30}([.][0-9]{1,30})?$' then ${textOf(json)}::numeric ${operator} ${number} else ${asText(json)} end
    end`;
}

/** A value that is made when it is first asked for: what is bound but never named would be refused. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
