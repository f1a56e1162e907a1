// The part of TraceQL that SQL says exactly: filters on one span and what spans are grouped by. undefined for the rest,
// which is evaluated here, span by span.
import type pg from 'pg';
import { Bindings } from '../../../filter/sql.ts';
import type { AttributeNode, Comparison, Field, Literal, Stage } from './ast.ts';

/** As reading back decides it: what was kept of the status on its way in comes first. */
const STATUS = `coalesce(case when s.otel ? 'status' then coalesce((s.otel -> 'status' ->> 'code')::integer, 0) end,
  case when s.status in ('failed', 'timeout') then 2 else 0 end)`;
const CODES = { unset: 0, ok: 1, error: 2 };
const NAME = `coalesce(s.otel ->> 'name', s.operation)`;
const KIND = `case when s.otel ? 'kind' then 'unspecified' else s.kind end`;
const DURATION = 'round(s.duration_ms * 1000000)';
/** Of the trace's summary; a trace whose root is missing has an empty one. */
const rootSql = (name: 'rootName' | 'rootServiceName') =>
  `coalesce((select t.${name === 'rootName' ? 'root_operation' : 'root_service'} from beacon.traces t where t.trace_id = s.trace_id), '')`;
const MAX_NS = 2 ** 53;

/** What the first filter of a pipeline says of a span, in SQL; undefined where it does not say all, or is not alone. */
export function spanCondition(stages: Stage[]): ((bind: Bindings) => string | undefined) | undefined {
  const [first] = stages;
  return first?.node === 'filter' ? (bind) => exactly(first.field, bind) : undefined;
}

/** Binds nothing where there is no condition: what is bound but never named would be refused. */
function exactly(field: Field | null, bind: Bindings): string | undefined {
  const count = bind.values.length;
  const sql = conditionSql(field, bind);
  if (sql === undefined) bind.values.length = count;
  return sql;
}

/** A condition on the span `s` that is never null. */
export function conditionSql(field: Field | null, bind: Bindings): string | undefined {
  if (!field) return 'true';
  switch (field.node) {
    case 'literal':
      return field.literal.type === 'bool' ? String(field.literal.value) : undefined;
    case 'exists':
      return existsSql(field, bind);
    case 'binary':
      return binarySql(field, bind);
    default:
      return undefined;
  }
}

function binarySql({ operator, left, right }: Extract<Field, { node: 'binary' }>, bind: Bindings): string | undefined {
  if (operator === '&&' || operator === '||') {
    const [a, b] = [conditionSql(left, bind), conditionSql(right, bind)];
    return a && b && `(${a} ${operator === '&&' ? 'and' : 'or'} ${b})`;
  }
  if ((left.node !== 'attribute' && left.node !== 'intrinsic') || right.node !== 'literal') return undefined;
  const sql = comparisonSql(left, operator as Comparison, right.literal, bind);
  return sql && `coalesce(${sql}, false)`;
}

const ORDERS = new Set(['=', '!=', '<', '<=', '>', '>=']);

function comparisonSql(of: AttributeNode, operator: Comparison, literal: Literal, bind: Bindings): string | undefined {
  const sign = operator === '!=' ? '<>' : operator;
  if (of.node === 'intrinsic') {
    switch (of.name) {
      case 'name':
        return textSql(NAME, operator, literal, bind);
      case 'rootName':
      case 'rootServiceName':
        return textSql(rootSql(of.name), operator, literal, bind);
      case 'status':
        if (literal.type !== 'status') return undefined;
        return `${STATUS} ${sign} ${CODES[literal.value]}`;
      case 'kind':
        return literal.type === 'kind' ? `${KIND} ${sign} ${bind.add(literal.value, 'text')}` : undefined;
      case 'duration':
        return durationSql(sign, literal, bind);
      case 'nestedSetParent': {
        const isRoot =
          literal.type === 'int' &&
          ((operator === '<' && literal.value === 0n) || (operator === '=' && literal.value === -1n));
        return isRoot ? 's.parent_span_id is null' : undefined;
      }
      default:
        return undefined;
    }
  }
  if (of.scope === 'resource' && of.name === 'service.name') return textSql('s.service', operator, literal, bind);
  if (!isSearchable(of.name)) return undefined;
  // What is bound has to be named: only what will be used is made.
  if (valueSql('null', operator, literal, new Bindings()) === undefined) return undefined;
  const name = bind.add(of.name, 'text');
  const test = (json: string) => valueSql(json, operator, literal, bind);
  const own = () => test(`(s.metadata -> ${name})`) as string;
  const ofResource = () => resourceSql(test(`(r.attributes -> ${name})`) as string);
  switch (of.scope) {
    case 'span':
      return own();
    case 'resource':
      return ofResource();
    case 'none': {
      if (of.name !== 'service.name')
        return anywhereSql(name, own(), ofResource(), resourceSql(`r.attributes ? ${name}`), test);
      const service = textSql('s.service', operator, literal, bind);
      return service && anywhereSql(name, own(), service, 'true', test);
    }
    default:
      return undefined;
  }
}

function resourceSql(condition: string): string {
  return `s.resource_id = any(array(select r.resource_id from beacon.trace_resources r where ${condition}))`;
}

/** The first place that has the attribute decides: the span, its resource, its events, its links, its scope. */
function anywhereSql(
  name: string,
  own: string,
  ofResource: string,
  hasResource: string,
  test: (json: string) => string | undefined,
): string {
  const some = (list: string, condition: string) => `exists (select from ${elements(list)} e where ${condition})`;
  const inParts = ['s.events', 's.links'].map(
    (list) =>
      `when ${some(list, `e -> 'attributes' ? ${name}`)} then ${some(list, test(`(e -> 'attributes' -> ${name})`) as string)}`,
  );
  return `case when s.metadata ? ${name} then ${own} when ${hasResource} then ${ofResource} ${inParts.join(' ')}
    else ${resourceSql(test(`(r.otel -> 'scope_attributes' -> ${name})`) as string)} end`;
}

function elements(list: string): string {
  return `jsonb_array_elements(case when jsonb_typeof(${list}) = 'array' then ${list} end)`;
}

function durationSql(sign: string, literal: Literal, bind: Bindings): string | undefined {
  const isNumber = literal.type === 'duration' || literal.type === 'int' || literal.type === 'float';
  if (!isNumber || !ORDERS.has(sign === '<>' ? '!=' : sign) || Math.abs(Number(literal.value)) > MAX_NS)
    return undefined;
  return `${DURATION} ${sign} ${bind.add(Number(literal.value), 'double precision')}`;
}

function textSql(column: string, operator: Comparison, literal: Literal, bind: Bindings): string | undefined {
  if (literal.type !== 'string' || !isSearchable(literal.value)) return undefined;
  if (operator === '=' || operator === '!=') {
    return `${column} ${operator === '=' ? '=' : '<>'} ${bind.add(literal.value, 'text')}`;
  }
  if (operator !== '=~' && operator !== '!~') return undefined;
  const texts = alternatives(literal.value);
  if (!texts) return undefined;
  return `${operator === '!~' ? 'not ' : ''}${column} = any(${bind.add(texts, 'text[]')})`;
}

/** Of a list one value is enough, except for "not"; containment means that for a single value, too. */
function valueSql(json: string, operator: Comparison, literal: Literal, bind: Bindings): string | undefined {
  const value = jsonOf(literal);
  if (value === undefined) return undefined;
  if (operator === '=') return `${json} @> ${bind.add(value.text, 'jsonb')}`;
  if (operator === '!=') {
    const first = `case when jsonb_typeof(${json}) = 'array' then ${json} -> 0 else ${json} end`;
    return `jsonb_typeof(${first}) = '${value.type}' and not ${json} @> ${bind.add(value.text, 'jsonb')}`;
  }
  if (value.type === 'string') {
    const texts = operator === '=~' && literal.type === 'string' ? alternatives(literal.value) : undefined;
    if (!texts) return undefined;
    return `${json} @> any(${bind.add(
      texts.map((each) => JSON.stringify(each)),
      'jsonb[]',
    )})`;
  }
  if (value.type !== 'number' || !ORDERS.has(operator)) return undefined;
  return `jsonb_path_exists(${json}, '$ ? (@ ${operator} $v)', jsonb_build_object('v', ${bind.add(value.text, 'jsonb')}))`;
}

function jsonOf(literal: Literal): { type: 'string' | 'number' | 'boolean'; text: string } | undefined {
  switch (literal.type) {
    case 'string':
      return isSearchable(literal.value) ? { type: 'string', text: JSON.stringify(literal.value) } : undefined;
    case 'bool':
      return { type: 'boolean', text: String(literal.value) };
    case 'int':
    case 'duration':
      return { type: 'number', text: String(literal.value) };
    case 'float':
      return Number.isFinite(literal.value) ? { type: 'number', text: String(literal.value) } : undefined;
    default:
      return undefined;
  }
}

function existsSql({ negated, operand }: Extract<Field, { node: 'exists' }>, bind: Bindings): string | undefined {
  if (operand.node === 'intrinsic') {
    const always = ['name', 'status', 'kind', 'statusMessage'].includes(operand.name);
    if (operand.name === 'duration') return `s.duration_ms is ${negated ? '' : 'not '}null`;
    return always ? String(!negated) : undefined;
  }
  if (operand.node !== 'attribute' || !isSearchable(operand.name)) return undefined;
  if (operand.scope === 'resource' && operand.name === 'service.name') return String(!negated);
  if (operand.scope !== 'span' || negated) return undefined;
  const value = `(s.metadata -> ${bind.add(operand.name, 'text')})`;
  const scalar = "in ('string', 'number', 'boolean')";
  const mixed = `jsonb_path_exists(${value}, '$[*] ? (@.type() <> $t)', jsonb_build_object('t', jsonb_typeof(${value} -> 0)))`;
  return `coalesce(case when jsonb_typeof(${value}) = 'array' then jsonb_typeof(${value} -> 0) ${scalar} and not ${mixed}
    else jsonb_typeof(${value}) ${scalar} end, false)`;
}

/** What spans are grouped by, as JSON that tells the types apart; undefined for what SQL does not say. */
export function groupSql(of: AttributeNode, bind: Bindings): string | undefined {
  if (of.node === 'intrinsic') {
    switch (of.name) {
      case 'name':
        return NAME;
      case 'rootName':
      case 'rootServiceName':
        return rootSql(of.name);
      case 'status':
        return STATUS;
      case 'kind':
        return KIND;
      default:
        return undefined;
    }
  }
  if (of.scope === 'resource' && of.name === 'service.name') return 's.service';
  return attributeSql(of, bind);
}

/** The value of an attribute as JSON, where it has one for the whole span. */
export function attributeSql(of: AttributeNode, bind: Bindings): string | undefined {
  if (of.node !== 'attribute' || !isSearchable(of.name)) return undefined;
  const name = bind.add(of.name, 'text');
  const ofResource = (json: string) =>
    `(select ${json} -> ${name} from beacon.trace_resources r where r.resource_id = s.resource_id)`;
  if (of.scope === 'span') return `(s.metadata -> ${name})`;
  if (of.scope === 'resource') return ofResource('r.attributes');
  if (of.scope !== 'none') return undefined;
  const first = (list: string) =>
    `(select e -> 'attributes' -> ${name} from ${elements(list)} e where e -> 'attributes' ? ${name} limit 1)`;
  const resource = of.name === 'service.name' ? 'to_jsonb(s.service)' : ofResource('r.attributes');
  return `coalesce(s.metadata -> ${name}, ${resource}, ${first('s.events')}, ${first('s.links')}, ${ofResource("r.otel -> 'scope_attributes'")})`;
}

/** The texts of `a|b|c`; undefined for any other regular expression. */
function alternatives(pattern: string): string[] | undefined {
  const texts: string[] = [];
  let text = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === '|') {
      texts.push(text);
      text = '';
    } else if (char === '\\' && /^[^\p{L}\p{N}]$/u.test(pattern[i + 1] ?? '')) {
      i += 1;
      text += pattern[i];
    } else if (/[.+*?^$()[\]{}\\]/.test(char)) return undefined;
    else text += char;
  }
  return [...texts, text];
}

function isSearchable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

/**
 * Whether a condition on spans looks into tables that are not where the spans are: of a cluster's workers it cannot be asked.
 *
 * @param sql Conditions and expressions of this file.
 */
export async function isOutOfReach(client: pg.PoolClient, sql: string): Promise<boolean> {
  if (!/\(select [^()]* from beacon\.|\(select t\./.test(sql)) return false;
  const { rows } = await client.query('select beacon.is_distributed() as distributed');
  return rows[0].distributed;
}
