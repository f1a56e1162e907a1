// Types: what can be refused before a span is looked at.
import type {
  Aggregate,
  AttributeNode,
  Field,
  Intrinsic,
  Measure,
  Query,
  Series,
  SpansetNode,
  Stage,
  Type,
} from './ast.ts';
import { textOf } from './ast.ts';
import { refused } from './lexer.ts';
import { compiled } from './regexp.ts';
import { allows, isNumeric, matching } from './values.ts';

const TYPES: Record<Intrinsic, Type> = {
  duration: 'duration',
  name: 'string',
  status: 'status',
  statusMessage: 'string',
  kind: 'kind',
  'span:childCount': 'int',
  rootServiceName: 'string',
  rootName: 'string',
  traceDuration: 'duration',
  nestedSetLeft: 'int',
  nestedSetRight: 'int',
  nestedSetParent: 'int',
  'event:name': 'string',
  'event:timeSinceStart': 'duration',
  'link:spanID': 'string',
  'link:traceID': 'string',
  'instrumentation:name': 'attribute',
  'instrumentation:version': 'attribute',
  'trace:id': 'string',
  'span:id': 'string',
  'span:parentID': 'string',
};

/**
 * Checks the types of a query.
 *
 * @throws BeaconError with the position of the operator or field that does not fit.
 */
export function checkQuery(query: Query): void {
  if (query.kind === 'search') for (const stage of query.stages) checkStage(stage);
  else checkSeries(query.series, false);
}

function checkSeries(series: Series, isPart: boolean): void {
  if (series.node === 'math') {
    checkSeries(series.left, true);
    checkSeries(series.right, true);
  } else if (series.node === 'scaled') checkSeries(series.series, true);
  else {
    for (const stage of series.stages) checkStage(stage);
    if (series.measure.node === 'measure') {
      checkMeasure(series.measure, series.at);
      return;
    }
    if (isPart || series.after.length > 0) throw refused('compare() goes with no other function', series.at);
    const { selection, top, from, to } = series.measure;
    if (selection) checkFilter(selection);
    if (top < 1 || top > MAX_TOP) throw refused(`compare() shows 1 to ${MAX_TOP} values`, series.at);
    if (from !== 0n && to <= from) throw refused('the end of the time compared is not after its start', series.at);
  }
}

const MAX_TOP = 1_000;
const MAX_GROUPS = 5;

function checkMeasure({ name, by, quantiles }: Extract<Measure, { node: 'measure' }>, at: number): void {
  const max = name === 'quantile_over_time' || name === 'histogram_over_time' ? MAX_GROUPS - 1 : MAX_GROUPS;
  if (by.length > max) throw refused(`${name}() groups by at most ${max} attributes`, at);
  if (quantiles.some((each) => each > 1)) throw refused('a quantile is between 0 and 1', at);
}

function checkStage(stage: Stage): void {
  switch (stage.node) {
    case 'aggregate': {
      checkAggregate(stage.aggregate);
      const type = typeOfAggregate(stage.aggregate);
      const { literal, operator } = stage;
      if (!matching(type, literal.type) || !allows(operator, type) || !allows(operator, literal.type)) {
        throw refused(`${stage.aggregate.name}() gives a ${type} and is compared with a ${literal.type}`, stage.at);
      }
      return;
    }
    case 'by':
      typeOf(stage.field);
      if (!refersToSpan(stage.field)) throw refused('by() needs an attribute', stage.at);
      return;
    case 'select':
    case 'coalesce':
      return;
    default:
      checkSpanset(stage);
  }
}

function checkSpanset(spanset: SpansetNode): void {
  if (spanset.node === 'operation') {
    checkSpanset(spanset.left);
    checkSpanset(spanset.right);
  } else if (spanset.node === 'pipeline') for (const stage of spanset.stages) checkStage(stage);
  else if (spanset.field) checkFilter(spanset.field);
}

function checkFilter(field: Field): void {
  const type = typeOf(field);
  if (type !== 'bool' && type !== 'attribute') throw refused(`a filter is true or false, this is a ${type}`, field.at);
}

function checkAggregate({ name, field, at }: Aggregate): void {
  if (!field) return;
  const type = typeOf(field);
  if (type !== 'attribute' && !isNumeric(type)) throw refused(`${name}() needs a number, this is a ${type}`, field.at);
  if (!refersToSpan(field)) throw refused(`${name}() needs an attribute`, at);
}

function typeOfAggregate({ field }: Aggregate): Type {
  return field ? typeOf(field) : 'int';
}

function typeOfAttribute(attribute: AttributeNode): Type {
  return attribute.node === 'intrinsic' ? TYPES[attribute.name] : 'attribute';
}

/** The type of an expression, all of whose parts fit. */
function typeOf(field: Field): Type {
  switch (field.node) {
    case 'attribute':
    case 'intrinsic':
      return typeOfAttribute(field);
    case 'literal':
      return field.literal.type;
    case 'exists':
      return exists(field);
    case 'unary':
      return unary(field);
    case 'binary':
      return binary(field);
  }
}

function exists({ negated, operand, at }: Extract<Field, { node: 'exists' }>): Type {
  typeOf(operand);
  const always =
    operand.node === 'intrinsic' ||
    (operand.node === 'attribute' && operand.scope === 'resource' && operand.name === 'service.name');
  if (negated && always) throw refused(`${textOf(operand as AttributeNode)} is never nil`, at);
  return 'bool';
}

function unary({ operator, operand, at }: Extract<Field, { node: 'unary' }>): Type {
  const type = typeOf(operand);
  const fits = type === 'attribute' || (operator === '-' ? isNumeric(type) : type === 'bool');
  if (!fits) throw refused(`${operator} does not go with a ${type}`, at);
  return type;
}

const BOOLEAN = new Set(['&&', '||', '=', '!=', '<', '<=', '>', '>=', '=~', '!~']);

function binary({ operator, left, right, at }: Extract<Field, { node: 'binary' }>): Type {
  const [a, b] = [typeOf(left), typeOf(right)];
  if (!matching(a, b)) throw refused(`${operator} does not go with a ${a} and a ${b}`, at);
  for (const type of [a, b]) if (!allows(operator, type)) throw refused(`${operator} does not go with a ${type}`, at);
  if (operator === '=~' || operator === '!~') {
    if (right.node !== 'literal' || right.literal.type !== 'string') {
      throw refused(`after ${operator} stands a regular expression in quotes`, right.at);
    }
    if (!compiled(right.literal.value)) throw refused('this is not a regular expression of RE2', right.at);
  }
  if (BOOLEAN.has(operator)) return 'bool';
  return a === 'attribute' ? b : a;
}

function refersToSpan(field: Field): boolean {
  switch (field.node) {
    case 'literal':
      return false;
    case 'binary':
      return refersToSpan(field.left) || refersToSpan(field.right);
    case 'unary':
    case 'exists':
      return refersToSpan(field.operand);
    default:
      return true;
  }
}
