// What some span of a trace must be like for a query to find the trace, as terms of our own filter: SQL looks for that,
// and what it finds is looked at exactly. A need may let too much through, and never too little.
import type { ColumnKey, Operator, Place, Term } from '../../../filter/parse.ts';
import type { AttributeNode, Comparison, Field, Literal, SpansetNode, Stage } from './ast.ts';

/** Lists of terms, one of which must hold; none at all is never, undefined is nothing known. */
export type Needs = Term[][] | undefined;

const MAX_ALTERNATIVES = 12;
const MAX_TERMS = 20;
const PLACES: Record<string, Place | null> = {
  none: null,
  span: 'span',
  resource: 'resource',
  event: 'event',
  link: 'link',
  instrumentation: 'scope',
};

/** What a pipeline needs: of its filters, any that is known. */
export function needsOfStages(stages: Stage[]): Needs {
  let needs: Needs;
  for (const stage of stages) {
    if (stage.node === 'filter' || stage.node === 'operation' || stage.node === 'pipeline') {
      needs = either(needs, needsOfSpanset(stage));
    }
  }
  return needs;
}

function needsOfSpanset(spanset: SpansetNode): Needs {
  if (spanset.node === 'filter') return spanset.field ? needsOf(spanset.field) : undefined;
  if (spanset.node === 'pipeline') return needsOfStages(spanset.stages);
  const [left, right] = [needsOfSpanset(spanset.left), needsOfSpanset(spanset.right)];
  if (spanset.operator === '||') return any(left, right);
  return spanset.operator.startsWith('!') ? right : either(right, left);
}

/** Of two needs that must both be met, by different spans perhaps, the one that tells more. */
function either(a: Needs, b: Needs): Needs {
  if (!a || !b) return a ?? b;
  const least = (needs: Term[][]) => Math.min(...needs.map((terms) => terms.length));
  return least(a) >= least(b) ? a : b;
}

function any(a: Needs, b: Needs): Needs {
  if (!a || !b || a.length + b.length > MAX_ALTERNATIVES) return undefined;
  return [...a, ...b];
}

/** Both of one span. */
function both(a: Needs, b: Needs): Needs {
  if (!a || !b) return a ?? b;
  const joined = a.flatMap((one) => b.map((other) => [...one, ...other]));
  return joined.length > MAX_ALTERNATIVES || joined.some((terms) => terms.length > MAX_TERMS) ? either(a, b) : joined;
}

/** What a span must be like for an expression on it to be true. */
function needsOf(field: Field): Needs {
  switch (field.node) {
    case 'literal':
      return field.literal.type === 'bool' && field.literal.value ? undefined : [];
    case 'attribute':
      return has([field]);
    case 'exists':
      return field.negated ? undefined : has(operands(field.operand) ?? []);
    case 'binary':
      if (field.operator === '&&') return both(needsOf(field.left), needsOf(field.right));
      if (field.operator === '||') return any(needsOf(field.left), needsOf(field.right));
      return compared(field);
    default:
      return undefined;
  }
}

function compared({ operator, left, right }: Extract<Field, { node: 'binary' }>): Needs {
  if (isAttribute(left) && right.node === 'literal')
    return needsOfComparison(left, operator as Comparison, right.literal);
  if (isAttribute(right) && left.node === 'literal' && operator === '=')
    return needsOfComparison(right, '=', left.literal);
  const [a, b] = [operands(left), operands(right)];
  return a && b ? has([...a, ...b]) : undefined;
}

function isAttribute(field: Field): field is AttributeNode {
  return field.node === 'attribute' || field.node === 'intrinsic';
}

/** Attributes without which the value of an expression is nil; undefined where it may have one all the same. */
function operands(field: Field): AttributeNode[] | undefined {
  switch (field.node) {
    case 'attribute':
    case 'intrinsic':
      return [field];
    case 'literal':
      return [];
    case 'unary':
      return field.operator === '-' ? operands(field.operand) : undefined;
    case 'binary': {
      if (!['+', '-', '*', '/', '%', '^'].includes(field.operator)) return undefined;
      const [left, right] = [operands(field.left), operands(field.right)];
      return left && right && [...left, ...right];
    }
    default:
      return undefined;
  }
}

/** Spans have all of these attributes; of intrinsics there is nothing to say. */
function has(attributes: AttributeNode[]): Needs {
  const terms = attributes.flatMap((attribute): Term[] => {
    // Spans of our own tracers have it in a column.
    if (attribute.node === 'intrinsic' || attribute.name === 'service.name') return [];
    const place = PLACES[attribute.scope] as Place | null;
    return [{ kind: 'has', key: { attribute: attribute.name, place }, negated: false }];
  });
  return terms.length > 0 ? [terms] : undefined;
}

function needsOfComparison(attribute: AttributeNode, operator: Comparison, literal: Literal): Needs {
  if (literal.type === 'nil') return [];
  if (attribute.node === 'intrinsic') return needsOfIntrinsic(attribute, operator, literal);
  if (operator !== '=') return has([attribute]);
  if (literal.type === 'status' || literal.type === 'kind') return [];
  const value = String(literal.value);
  if (!isSearchable(value)) return has([attribute]);
  const place = PLACES[attribute.scope] as Place | null;
  const term: Term = { kind: 'compare', key: { attribute: attribute.name, place }, operator: '=', value };
  if (attribute.name !== 'service.name' || (place !== null && place !== 'resource')) return [[term]];
  if (literal.type !== 'string') return undefined;
  return [[column('service', '=', value)], [term]];
}

function needsOfIntrinsic(
  { name }: Extract<AttributeNode, { node: 'intrinsic' }>,
  operator: Comparison,
  literal: Literal,
): Needs {
  const isEqual = operator === '=';
  switch (name) {
    case 'name':
      if (!isEqual || literal.type !== 'string' || !isSearchable(literal.value) || literal.value === '')
        return undefined;
      return [[column('operation', '=', literal.value)]];
    case 'status':
      if (!isEqual || literal.type !== 'status' || literal.value !== 'error') return undefined;
      return [[column('status', '!=', 'completed'), column('status', '!=', 'started')]];
    case 'kind':
      if (!isEqual || literal.type !== 'kind') return undefined;
      return [[column('kind', '=', literal.value === 'unspecified' ? 'internal' : literal.value)]];
    case 'duration':
      return duration(operator, literal);
    case 'trace:id': {
      if (!isEqual || literal.type !== 'string') return undefined;
      const id = literal.value.padStart(32, '0');
      return /^[0-9a-fA-F]{32}$/.test(id) ? [[column('trace', '=', id)]] : [];
    }
    case 'event:name':
    case 'instrumentation:name':
    case 'instrumentation:version': {
      if (!isEqual || literal.type !== 'string' || !isSearchable(literal.value) || literal.value === '')
        return undefined;
      const [scope, attribute = ''] = name.split(':');
      const place = PLACES[scope as string] as Place;
      return [[{ kind: 'compare', key: { attribute, place }, operator: '=', value: literal.value }]];
    }
    default:
      return undefined;
  }
}

/** Durations are kept as milliseconds; the bounds are wider by a rounding. */
function duration(operator: Comparison, literal: Literal): Needs {
  if (literal.type !== 'duration' && literal.type !== 'int' && literal.type !== 'float') return undefined;
  const ms = Number(literal.value) / 1e6;
  if (!(ms > 1 && ms < 1e11)) return undefined;
  const least = column('duration', '>=', `${Math.floor(ms)}ms`);
  const most = column('duration', '<=', `${Math.ceil(ms)}ms`);
  switch (operator) {
    case '>':
    case '>=':
      return [[least]];
    case '<':
    case '<=':
      return [[most]];
    case '=':
      return [[least, most]];
    default:
      return undefined;
  }
}

function column(key: ColumnKey, operator: Operator, value: string): Term {
  return { kind: 'compare', key: { column: key }, operator, value };
}

/** A text the database holds as it is. */
function isSearchable(text: string): boolean {
  return text.length <= 1_000 && !text.includes('\u0000') && text.isWellFormed();
}
