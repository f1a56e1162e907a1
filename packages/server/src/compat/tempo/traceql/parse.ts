// A whole query: sets of spans, their pipelines, and the series that metrics make of them.
import type {
  Aggregate,
  AggregateName,
  Literal,
  Measure,
  MetricsName,
  Order,
  Query,
  Series,
  SeriesStage,
  SpansetNode,
  SpansetOperator,
  Stage,
} from './ast.ts';
import { checkQuery } from './check.ts';
import { refused } from './lexer.ts';
import { parseField, parseLiteral } from './parse-field.ts';
import { arithmetic, negative, numberOf } from './values.ts';
import { Words } from './words.ts';

const LOGIC = ['&&', '||'];
const RELATIONS = ['>', '>>', '<', '<<', '~', '!>', '!>>', '!<', '!<<', '!~', '&>', '&>>', '&<', '&<<', '&~'];
const ORDERS = ['=', '!=', '<', '<=', '>', '>='];
const SPANSET_OPERATORS = new Set([...LOGIC, ...RELATIONS]);
const AGGREGATES = new Set(['count', 'avg', 'min', 'max', 'sum']);
const MEASURES = new Set([
  'rate',
  'count_over_time',
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'sum_over_time',
  'quantile_over_time',
  'histogram_over_time',
]);

/** One thing between two pipes, or a part of it, before it is known what the whole will be. */
type Part =
  | SpansetNode
  | { node: 'constant'; literal: Literal; at: number }
  | { node: 'scalar'; aggregate: Aggregate | null; at: number }
  | { node: 'measuring'; measure: Measure; after: SeriesStage[]; at: number }
  | { node: 'series-stage'; after: SeriesStage[]; at: number }
  | { node: 'metrics'; series: Series; at: number }
  | Exclude<Stage, SpansetNode>;

/**
 * Reads a query.
 *
 * @throws BeaconError with the position of what Tempo would refuse, too.
 */
export function parseTraceQl(text: string): Query {
  const words = new Words(text);
  const whole = pipeline(words);
  const hints = new Map<string, Literal>();
  while (words.name() === 'with') readHints(words, hints);
  if (words.peek().kind !== 'end') throw words.unexpected('the end');
  const query: Query =
    'series' in whole ? { kind: 'metrics', ...whole, hints } : { kind: 'search', stages: whole.stages, hints };
  checkQuery(query);
  return query;
}

function readHints(words: Words, hints: Map<string, Literal>): void {
  words.take();
  words.expect('(');
  do {
    const name = words.name();
    if (name === undefined) throw words.unexpected('the name of a hint');
    words.take();
    words.expect('=');
    const literal = parseLiteral(words);
    if (!literal) throw words.unexpected('a value');
    hints.set(name, literal);
  } while (words.accept(','));
  words.expect(')');
}

function pipeline(words: Words): { stages: Stage[] } | { series: Series } {
  const stages: Stage[] = [];
  let series: Series | undefined;
  do {
    const part = expression(words, 1);
    if (part.node === 'metrics') {
      if (stages.length > 0 || series) throw refused('metrics in brackets begin a query', part.at);
      series = part.series;
    } else if (part.node === 'measuring') {
      if (stages.length === 0 || series) throw refused('metrics follow a set of spans and a |', part.at);
      series = { node: 'series', stages: [...stages], measure: part.measure, after: part.after, at: part.at };
    } else if (part.node === 'series-stage') {
      if (!series) throw refused('topk and bottomk follow metrics', part.at);
      series.after.push(...part.after);
    } else if (series) throw refused('only topk and bottomk follow metrics', part.at);
    else stages.push(stageOf(part, stages.length === 0));
  } while (words.accept('|'));
  return series ? { series } : { stages };
}

function stageOf(part: Part, first: boolean): Stage {
  switch (part.node) {
    case 'scalar':
      throw refused('an aggregate must be compared with a value', part.at);
    case 'constant':
      throw refused('a value alone finds nothing', part.at);
    case 'coalesce':
      if (first) throw refused('coalesce() needs something before it', part.at);
      return part;
    case 'measuring':
    case 'metrics':
    case 'series-stage':
      throw refused('metrics cannot stand here', part.at);
    default:
      return part;
  }
}

function precedenceOf(sign: string | undefined): number {
  if (sign === undefined) return 0;
  if (LOGIC.includes(sign)) return 1;
  if (RELATIONS.includes(sign) || ORDERS.includes(sign)) return 2;
  if (sign === '+' || sign === '-') return 3;
  if (sign === '*' || sign === '/' || sign === '%') return 5;
  return sign === '^' ? 6 : 0;
}

function expression(words: Words, least: number): Part {
  return words.nested(() => {
    let left = operand(words);
    for (;;) {
      const sign = words.sign();
      const precedence = precedenceOf(sign);
      if (sign === undefined || precedence < least || precedence === 0) return left;
      const { at } = words.take();
      const right = expression(words, sign === '^' ? precedence : precedence + 1);
      left = joined(sign, left, right, at);
    }
  });
}

function operand(words: Words): Part {
  const { at } = words.peek();
  if (words.accept('{')) {
    if (words.accept('}')) return { node: 'filter', field: null, at };
    const field = parseField(words);
    words.expect('}');
    return { node: 'filter', field, at };
  }
  if (words.accept('(')) {
    const inner = bracketed(words, at);
    words.expect(')');
    return inner;
  }
  if (words.accept('-')) {
    const value = expression(words, 7);
    if (value.node !== 'constant') throw refused('a minus stands before a number', at);
    return { node: 'constant', literal: negative(value.literal), at };
  }
  const literal = ['int', 'float', 'duration'].includes(words.peek().kind) ? parseLiteral(words) : undefined;
  if (literal) return { node: 'constant', literal, at };
  const name = words.name();
  if (name === undefined || words.sign(1) !== '(') throw words.unexpected('"{" or a function');
  words.take();
  words.take();
  const made = called(words, name, at);
  return made;
}

function bracketed(words: Words, at: number): Part {
  // A value, an aggregate or a set of spans in brackets is itself; of a pipeline the whole is one part.
  const start = expression(words, 1);
  if (
    words.sign() !== '|' &&
    !['measuring', 'series-stage', 'by', 'select', 'coalesce', 'aggregate'].includes(start.node)
  ) {
    return start;
  }
  const stages: Stage[] = [stageOf(start, true)];
  while (words.accept('|')) {
    const part = expression(words, 1);
    if (part.node === 'measuring') {
      const series: Series = { node: 'series', stages, measure: part.measure, after: part.after, at: part.at };
      while (words.accept('|')) {
        const more = expression(words, 1);
        if (more.node !== 'series-stage') throw refused('only topk and bottomk follow metrics', more.at);
        series.after.push(...more.after);
      }
      return { node: 'metrics', series, at };
    }
    if (part.node === 'scalar' && words.sign() === ')') return { node: 'scalar', aggregate: null, at };
    stages.push(stageOf(part, false));
  }
  return { node: 'pipeline', stages, at };
}

/** After the name and the bracket of a function. */
function called(words: Words, name: string, at: number): Part {
  if (AGGREGATES.has(name)) {
    const field = name === 'count' ? null : parseField(words);
    words.expect(')');
    return { node: 'scalar', aggregate: { name: name as AggregateName, field, at }, at };
  }
  switch (name) {
    case 'by': {
      const field = parseField(words);
      words.expect(')');
      return { node: 'by', field, at };
    }
    case 'select': {
      const attributes = words.attributes();
      words.expect(')');
      return { node: 'select', attributes, at };
    }
    case 'coalesce':
      words.expect(')');
      return { node: 'coalesce', at };
    case 'topk':
    case 'bottomk': {
      const count = wholeNumber(words);
      words.expect(')');
      if (count < 1n) throw refused(`${name} keeps at least one series`, at);
      return { node: 'series-stage', after: [{ node: name, count: Number(count), at }], at };
    }
    case 'compare':
      return { node: 'measuring', measure: comparing(words), after: [], at };
    default:
      if (MEASURES.has(name))
        return { node: 'measuring', measure: measuring(words, name as MetricsName), after: [], at };
      throw refused(`there is no function ${name}`, at);
  }
}

function wholeNumber(words: Words): bigint {
  const word = words.peek();
  if (word.kind !== 'int') throw words.unexpected('a whole number');
  words.take();
  return word.value;
}

function measuring(words: Words, name: MetricsName): Measure {
  const measure: Measure = { node: 'measure', name, attribute: null, quantiles: [], by: [] };
  if (name !== 'rate' && name !== 'count_over_time') {
    measure.attribute = words.attribute() ?? null;
    if (!measure.attribute) throw words.unexpected('an attribute');
  }
  if (name === 'quantile_over_time') {
    words.expect(',');
    do {
      const word = words.peek();
      if (word.kind !== 'int' && word.kind !== 'float') throw words.unexpected('a number between 0 and 1');
      measure.quantiles.push(Number(word.value));
      words.take();
    } while (words.accept(','));
  }
  words.expect(')');
  if (words.name() === 'by') {
    words.take();
    words.expect('(');
    measure.by = words.attributes();
    words.expect(')');
  }
  return measure;
}

function comparing(words: Words): Measure {
  words.expect('{');
  const selection = words.sign() === '}' ? null : parseField(words);
  words.expect('}');
  const numbers: bigint[] = [];
  while (numbers.length < 3 && words.accept(',')) numbers.push(wholeNumber(words));
  if (numbers.length === 2) throw words.unexpected('the end of the time compared, after its start');
  words.expect(')');
  const [top = 10n, from = 0n, to = 0n] = numbers;
  return { node: 'compare', selection, top: Number(top), from, to };
}

function joined(sign: string, left: Part, right: Part, at: number): Part {
  if (isSpanset(left) && isSpanset(right)) {
    if (!SPANSET_OPERATORS.has(sign)) throw refused(`${sign} does not join sets of spans`, at);
    return { node: 'operation', operator: sign as SpansetOperator, left, right, at };
  }
  if (left.node === 'constant' && right.node === 'constant') {
    if (!['+', '-', '*', '/'].includes(sign)) throw refused(`${sign} does not go with two numbers`, at);
    return { node: 'constant', literal: folded(sign, left.literal, right.literal, at), at: left.at };
  }
  if (isScalar(left) && isScalar(right)) return scalars(sign, left, right, at);
  if (isMetrics(left) || isMetrics(right)) return metrics(sign, left, right, at);
  throw refused(`${sign} cannot join these two`, at);
}

function isSpanset(part: Part): part is SpansetNode {
  return part.node === 'filter' || part.node === 'operation' || part.node === 'pipeline';
}

function isScalar(part: Part): part is Extract<Part, { node: 'scalar' | 'constant' }> {
  return part.node === 'scalar' || part.node === 'constant';
}

function isMetrics(part: Part): boolean {
  return part.node === 'metrics' || part.node === 'measuring' || part.node === 'series-stage';
}

function folded(sign: string, left: Literal, right: Literal, at: number): Literal {
  if (left.type === 'duration' || right.type === 'duration')
    throw refused('durations are not calculated with here', at);
  const result = arithmetic(sign as '+', left, right);
  if (result.type === 'nil') throw refused('it divides by zero', at);
  return result;
}

function scalars(sign: string, left: Part, right: Part, at: number): Part {
  if (!ORDERS.includes(sign)) {
    if (!['+', '-', '*', '/', '%', '^'].includes(sign)) throw refused(`${sign} does not go with aggregates`, at);
    return { node: 'scalar', aggregate: null, at };
  }
  if (left.node !== 'scalar' || !left.aggregate || right.node !== 'constant') {
    throw refused('one aggregate is compared with one value; other forms are not supported, in Tempo neither', at);
  }
  return { node: 'aggregate', aggregate: left.aggregate, operator: sign as Order, literal: right.literal, at: left.at };
}

/** Metrics count durations in seconds. */
function secondsOf(literal: Literal): number {
  return literal.type === 'duration' ? numberOf(literal) / 1e9 : numberOf(literal);
}

function metrics(sign: string, left: Part, right: Part, at: number): Part {
  if (ORDERS.includes(sign)) {
    if (right.node !== 'constant') throw refused('metrics are compared with a number', at);
    const stage: SeriesStage = { node: 'threshold', operator: sign as Order, value: secondsOf(right.literal), at };
    if (left.node === 'metrics') {
      left.series.after.push(stage);
      return left;
    }
    if (left.node === 'measuring' || left.node === 'series-stage') {
      left.after.push(stage);
      return left;
    }
  }
  if (!['+', '-', '*', '/'].includes(sign)) throw refused(`${sign} does not go with metrics`, at);
  const operator = sign as '+';
  if (left.node === 'metrics' && right.node === 'metrics') {
    const series: Series = { node: 'math', operator, left: left.series, right: right.series, after: [], at };
    return { node: 'metrics', series, at: left.at };
  }
  const number = left.node === 'constant' ? left : right;
  const of = left.node === 'constant' ? right : left;
  if (number.node !== 'constant' || of.node !== 'metrics') {
    throw refused('metrics that are calculated with stand in brackets', at);
  }
  if (number.literal.type === 'duration') throw refused('a duration is not a factor of metrics', number.at);
  const value = numberOf(number.literal);
  const series: Series = { node: 'scaled', operator, series: of.series, value, first: number === left, after: [], at };
  return { node: 'metrics', series, at };
}
