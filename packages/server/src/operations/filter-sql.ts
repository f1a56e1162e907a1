// What a filter means in SQL: one condition on a row of trace_spans. Values are bound, all of them.
import { type ColumnKey, durationMs, type Key, type Operator, type Place, type Term } from './filter.ts';

/** Collects values and hands out their placeholders. */
export class Bindings {
  readonly values: unknown[];
  constructor(values: unknown[] = []) {
    this.values = [...values];
  }
  add(value: unknown, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}

const COLUMN_SQL: Record<ColumnKey, { name: string; type: string }> = {
  service: { name: 'service', type: 'text' },
  operation: { name: 'operation', type: 'text' },
  status: { name: 'status', type: 'text' },
  kind: { name: 'kind', type: 'text' },
  duration: { name: 'duration_ms', type: 'double precision' },
  job: { name: 'job_id', type: 'text' },
  execution: { name: 'execution_id', type: 'bigint' },
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
      const has = hasSql(term.key, bind);
      // Null where there are no events: that is "has not", too.
      return term.negated ? `not coalesce(${has}, false)` : has;
    }
    case 'compare':
      return 'column' in term.key
        ? columnSql(term.key.column, term.operator, term.value, bind)
        : attributeSql(term.key, term.operator, term.value, bind);
  }
}

function contains(text: string, part: string): string {
  return `strpos(lower(${text}), lower(${part})) > 0`;
}

function columnSql(column: ColumnKey, operator: Operator, value: string, bind: Bindings): string {
  const { name, type } = COLUMN_SQL[column];
  const bound = bind.add(column === 'duration' ? durationMs(value) : value, type);
  if (operator === '~') return contains(`s.${name}`, bound);
  return `s.${name} ${operator === '!=' ? '<>' : operator} ${bound}${ordered(type, operator)}`;
}

/** Order of text is that of its bytes, whatever the database's language. */
function ordered(type: string, operator: Operator): string {
  return type === 'text' && /[<>]/.test(operator) ? ' collate "C"' : '';
}

function hasSql(key: Key, bind: Bindings): string {
  if ('column' in key) return `s.${COLUMN_SQL[key.column].name} is not null`;
  const name = bind.add(key.attribute, 'text');
  return anywhere(key.place, {
    object: (attributes) => `${attributes} ? ${name}`,
    element: (value) => `${value(name)} is not null`,
  });
}

function attributeSql(
  { attribute, place }: { attribute: string; place: Place | null },
  operator: Operator,
  value: string,
  bind: Bindings,
): string {
  if (operator === '=') return equalsSql(attribute, place, value, bind);
  const name = bind.add(attribute, 'text');
  const compared = comparison(operator, value, bind);
  return anywhere(place, {
    object: (attributes) => compared(`(${attributes} -> ${name})`),
    element: (of) => compared(of(name)),
  });
}

/**
 * Equality by containment, which an index on the attributes can answer: of the text, of the number or truth value it
 * may stand for, or of a list that has one of them.
 */
function equalsSql(attribute: string, place: Place | null, value: string, bind: Bindings): string {
  const key = JSON.stringify(attribute);
  const literals = literalsOf(value).flatMap((literal) => [literal, `[${literal}]`]);
  const objects = literals.map((literal) => `{${key}:${literal}}`);
  let whole: string | undefined;
  let nested: string | undefined;
  const inObject = () => (whole ??= bind.add(objects, 'jsonb[]'));
  const inList = () =>
    (nested ??= bind.add(
      objects.map((each) => `[{"attributes":${each}}]`),
      'jsonb[]',
    ));
  const conditions = {
    span: () => `s.metadata @> any(${inObject()})`,
    resource: () => resources(`r.attributes @> any(${inObject()})`),
    scope: () =>
      resources(
        [`r.otel -> 'scope_attributes' @> any(${inObject()})`, ...scopeColumn(attribute, value, bind)].join(' or '),
      ),
    event: () => [`s.events @> any(${inList()})`, ...eventName(attribute, value, bind)].join(' or '),
    link: () => `s.links @> any(${inList()})`,
  };
  return place
    ? conditions[place]()
    : Object.values(conditions)
        .map((make) => make())
        .join(' or ');
}

/** `scope.name` and `scope.version` are columns. */
function scopeColumn(attribute: string, value: string, bind: Bindings): string[] {
  if (attribute !== 'name' && attribute !== 'version') return [];
  return [`r.scope_${attribute} = ${bind.add(value, 'text')}`];
}

/** `event.name` is the name of the event. */
function eventName(attribute: string, value: string, bind: Bindings): string[] {
  return attribute === 'name' ? [`s.events @> ${bind.add(JSON.stringify([{ name: value }]), 'jsonb')}`] : [];
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

/** What the text of a value may stand for, as JSON. A number keeps its digits. */
function literalsOf(value: string): string[] {
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
  if (operator === '~') return (json) => contains(`(${json} #>> '{}')`, text);
  if (operator === '!=')
    return (json) =>
      `${json} #>> '{}' <> ${text}${isNumber(value) ? ` and ${json} <> ${bind.add(value, 'jsonb')}` : ''}`;
  const asText = (json: string) => `(${json} #>> '{}') ${operator} ${text} collate "C"`;
  if (!isNumber(value)) return asText;
  const number = bind.add(value, 'numeric');
  return (json) => `case jsonb_typeof(${json})
      when 'number' then ${json}::numeric ${operator} ${number}
      when 'string' then case when ${json} #>> '{}' ~ '^-?[0-9]{1,30}([.][0-9]{1,30})?$' then (${json} #>> '{}')::numeric ${operator} ${number} else ${asText(json)} end
    end`;
}

interface Condition {
  /** On a jsonb object of attributes. */
  object: (attributes: string) => string;
  /** On an element of events or links; `value` gives the attribute of a name. */
  element: (value: (name: string) => string) => string;
}

/** The condition in one place, or in any of them. */
function anywhere(place: Place | null, condition: Condition): string {
  const inElement = (list: 'events' | 'links') => `exists (select from jsonb_array_elements(s.${list}) e
      where ${condition.element((name) => (list === 'events' ? `coalesce(e -> 'attributes' -> ${name}, case when ${name} = 'name' then e -> 'name' end)` : `(e -> 'attributes' -> ${name})`))})`;
  const conditions: Record<Place, () => string> = {
    span: () => condition.object('s.metadata'),
    resource: () => resources(condition.object('r.attributes')),
    scope: () =>
      resources(
        condition.object(
          `(coalesce(r.otel -> 'scope_attributes', '{}') || jsonb_strip_nulls(jsonb_build_object('name', r.scope_name, 'version', r.scope_version)))`,
        ),
      ),
    event: () => inElement('events'),
    link: () => inElement('links'),
  };
  return place
    ? conditions[place]()
    : Object.values(conditions)
        .map((make) => `(${make()})`)
        .join(' or ');
}

/** Resources are few and are found first; spans only say which is theirs. */
function resources(condition: string): string {
  return `s.resource_id = any(array(select r.resource_id from beacon.trace_resources r where ${condition}))`;
}
