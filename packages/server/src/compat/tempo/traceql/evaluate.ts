// Evaluates TraceQL expressions on one span. A missing attribute is nil: it makes every comparison false.
import type { AttributeNode, BinaryOperator, Comparison, Field, Literal, Type } from './ast.ts';
import { shortTraceId, type TraceSpan, valueIn } from './model.ts';
import { compiled, type Pattern } from './regexp.ts';
import {
  allows,
  arithmetic,
  equal,
  FALSE,
  isNumeric,
  matching,
  NIL,
  negative,
  numberOf,
  TRUE,
  type Value,
} from './values.ts';

export type Evaluate = (span: TraceSpan) => Value;

const COMPARISONS = new Set<BinaryOperator>(['=', '!=', '<', '<=', '>', '>=', '=~', '!~']);

/** An expression as a function of a span. */
export function evaluator(field: Field): Evaluate {
  switch (field.node) {
    case 'literal':
      return () => field.literal;
    case 'attribute':
    case 'intrinsic':
      return (span) => span.value(field);
    case 'exists':
      return exists(field.operand, field.negated);
    case 'unary': {
      const operand = evaluator(field.operand);
      if (field.operator === '-') return (span) => minus(operand(span));
      return (span) => {
        const value = operand(span);
        return value.type === 'bool' ? truth(!value.value) : NIL;
      };
    }
    case 'binary':
      return binary(field);
  }
}

/** A filter as a predicate on spans; null matches every span. */
export function filter(field: Field | null): (span: TraceSpan) => boolean {
  if (!field) return () => true;
  const evaluate = evaluator(field);
  const together = conditionsOnOnePart(field);
  return (span) => {
    const value = evaluate(span);
    return value.type === 'bool' && value.value && together.every((holds) => holds(span));
  };
}

function truth(value: boolean): Literal {
  return value ? TRUE : FALSE;
}

function minus(value: Value): Literal {
  return value.type === 'list' ? NIL : negative(value);
}

/**
 * `attribute != nil`, or `= nil` (negated). In the scope of events or links, `= nil` holds where one of them lacks the
 * attribute, and not where there are none.
 */
function exists(operand: Field, negated: boolean): Evaluate {
  const evaluate = evaluator(operand);
  return (span) => {
    const parts = operand.node === 'attribute' ? span.partsOf(operand) : undefined;
    if (negated && parts && operand.node === 'attribute' && operand.scope !== 'none') {
      return truth(parts.some((part) => valueIn(part, operand) === NIL));
    }
    return truth((evaluate(span).type === 'nil') === negated);
  };
}

function isReference(field: Field): field is AttributeNode {
  return field.node === 'attribute' || field.node === 'intrinsic';
}

function binary(field: Extract<Field, { node: 'binary' }>): Evaluate {
  const { operator } = field;
  if (operator === '&&' || operator === '||') return logic(operator, evaluator(field.left), evaluator(field.right));
  if (!COMPARISONS.has(operator)) {
    const [left, right] = [evaluator(field.left), evaluator(field.right)];
    return (span) => calculated(operator as '+', left(span), right(span));
  }
  const comparison = operator as Comparison;
  const pattern = patternOf(field);
  const [leftField, rightField] = withShortTraceIds(field.left, field.right);
  const [left, right] = [candidates(leftField), candidates(rightField)];
  return (span) => {
    const rights = right(span);
    return truth(left(span).some((a) => rights.some((b) => compares(comparison, a, b, pattern))));
  };
}

/** Values an operand may have: several where a span has several events or links, one of which is enough. */
function candidates(field: Field): (span: TraceSpan) => Value[] {
  const evaluate = evaluator(field);
  if (!isReference(field)) return (span) => [evaluate(span)];
  return (span) => {
    const parts = span.partsOf(field);
    return parts?.length ? parts.map((part) => valueIn(part, field)) : [evaluate(span)];
  };
}

/** Trace ids may have leading zeros: taken off before they are compared. */
function withShortTraceIds(left: Field, right: Field): [Field, Field] {
  const isTraceId = (field: Field) => field.node === 'intrinsic' && field.name === 'trace:id';
  const short = (field: Field): Field =>
    field.node === 'literal' && field.literal.type === 'string'
      ? { ...field, literal: { type: 'string', value: shortTraceId(field.literal.value) } }
      : field;
  if (isTraceId(left)) return [left, short(right)];
  return isTraceId(right) ? [short(left), right] : [left, right];
}

function patternOf({ operator, right }: Extract<Field, { node: 'binary' }>): Pattern | undefined {
  if (operator !== '=~' && operator !== '!~') return undefined;
  return right.node === 'literal' && right.literal.type === 'string' ? compiled(right.literal.value) : undefined;
}

function logic(operator: '&&' | '||', left: Evaluate, right: Evaluate): Evaluate {
  return (span) => {
    const a = left(span);
    if (a.type === 'bool' && a.value === (operator === '||')) return a;
    const b = right(span);
    if (a.type !== 'bool' || b.type !== 'bool') return FALSE;
    return truth(operator === '&&' ? a.value && b.value : a.value || b.value);
  };
}

function calculated(operator: '+', a: Value, b: Value): Literal {
  if (a.type === 'list' || b.type === 'list' || !isNumeric(a.type) || !isNumeric(b.type)) return NIL;
  return arithmetic(operator, a, b);
}

/** Of a list one matching element is enough; `!=` and `!~` must hold for all. */
function compares(operator: Comparison, a: Value, b: Value, pattern: Pattern | undefined): boolean {
  if (a.type === 'list' && b.type === 'list') return false;
  if (a.type !== 'list' && b.type !== 'list') return compareTwo(operator, a, b, pattern);
  const test = (element: Literal) =>
    a.type === 'list'
      ? compareTwo(operator, element, b as Literal, pattern)
      : compareTwo(operator, a, element, pattern);
  const { values } = (a.type === 'list' ? a : b) as Extract<Value, { type: 'list' }>;
  return operator === '!=' || operator === '!~' ? values.every(test) : values.some(test);
}

export function compareTwo(operator: Comparison, a: Literal, b: Literal, pattern?: Pattern): boolean {
  const [left, right] = [a.type as Type, b.type as Type];
  if (!matching(left, right) || !allows(operator, left) || !allows(operator, right)) return false;
  if (a.type === 'nil' || b.type === 'nil') return false;
  switch (operator) {
    case '=':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case '=~':
      return pattern?.matches(String(a.value)) === true;
    case '!~':
      return pattern?.matches(String(a.value)) === false;
    default:
      return ordered(operator, order(a, b));
  }
}

/** Below 0 where the first is less; NaN where there is no order. Texts are in the order of their bytes. */
export function order(a: Literal, b: Literal): number {
  if (a.type === 'nil' || b.type === 'nil') return Number.NaN;
  if (a.type === 'string' && b.type === 'string') return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value));
  if (a.type !== 'float' && b.type !== 'float' && isNumeric(a.type) && isNumeric(b.type)) {
    return a.value === b.value ? 0 : a.value < b.value ? -1 : 1;
  }
  const [left, right] = [numberOf(a), numberOf(b)];
  return left === right ? 0 : left < right ? -1 : left > right ? 1 : Number.NaN;
}

function ordered(operator: '<' | '<=' | '>' | '>=', found: number): boolean {
  switch (operator) {
    case '<':
      return found < 0;
    case '<=':
      return found <= 0;
    case '>':
      return found > 0;
    case '>=':
      return found >= 0;
  }
}

/**
 * Conditions on events that are joined by nothing but `&&` must hold in one event, and those on links in one link. Only
 * comparisons of an attribute with a literal count.
 */
function conditionsOnOnePart(field: Field): Array<(span: TraceSpan) => boolean> {
  const conditions = conjunction(field);
  if (!conditions) return [];
  return (['event', 'link'] as const).flatMap((kind) => {
    const of = conditions.filter(({ attribute }) => scopeOf(attribute) === kind);
    if (of.length < 2) return [];
    return [
      (span: TraceSpan) =>
        (kind === 'event' ? span.events : span.links).some((part) =>
          of.every(({ attribute, test }) => test(valueIn(part, attribute))),
        ),
    ];
  });
}

function scopeOf(attribute: AttributeNode): string {
  return attribute.node === 'attribute' ? attribute.scope : attribute.name.replace(/:.*/, '');
}

interface Condition {
  attribute: AttributeNode;
  test: (value: Value) => boolean;
}

/** The comparisons that must all hold; undefined where the expression contains `||`. */
function conjunction(field: Field): Condition[] | undefined {
  if (field.node === 'exists' && isReference(field.operand)) {
    const { operand: attribute, negated } = field;
    return [{ attribute, test: (value) => (value.type === 'nil') === negated }];
  }
  if (field.node !== 'binary') return [];
  if (field.operator === '||') return undefined;
  if (field.operator === '&&') {
    const [left, right] = [conjunction(field.left), conjunction(field.right)];
    return left && right && [...left, ...right];
  }
  if (!COMPARISONS.has(field.operator)) return [];
  const { left, right } = field;
  const [operator, pattern] = [field.operator as Comparison, patternOf(field)];
  if (isReference(left) && right.node === 'literal') {
    return [{ attribute: left, test: (value) => compares(operator, value, right.literal, pattern) }];
  }
  if (isReference(right) && left.node === 'literal') {
    return [{ attribute: right, test: (value) => compares(operator, left.literal, value, pattern) }];
  }
  return [];
}
