// Pipelines on the spans of one trace: filters, joins, groups and aggregates.
import type { Aggregate, Field, Literal, SpansetNode, SpansetOperator, Stage } from './ast.ts';
import { textOf } from './ast.ts';
import { compareTwo, evaluator, filter, order } from './evaluate.ts';
import { refused } from './lexer.ts';
import type { TraceSpan } from './model.ts';
import { isNumeric, keyOf, NIL, type Value } from './values.ts';

export interface Spanset {
  spans: TraceSpan[];
  /** What groups and aggregates said of it: `by(name)`, `count()`. */
  attributes: Array<[name: string, value: Value]>;
}

type Step = (sets: Spanset[]) => Spanset[];

/** A pipeline as a function of the spans of a trace. */
export function pipeline(stages: Stage[]): (spans: TraceSpan[]) => Spanset[] {
  const run = stepsOf(stages);
  return (spans) => run([{ spans, attributes: [] }]);
}

function stepsOf(stages: Stage[]): Step {
  const steps = stages.map(stepOf);
  return (sets) => {
    let result = sets;
    for (const step of steps) {
      result = step(result);
      if (result.length === 0) break;
    }
    return result;
  };
}

function stepOf(stage: Stage): Step {
  switch (stage.node) {
    case 'filter': {
      const holds = filter(stage.field);
      return (sets) =>
        sets.flatMap((set) => {
          const spans = set.spans.filter(holds);
          return spans.length > 0 ? [{ ...set, spans }] : [];
        });
    }
    case 'operation':
      return joining(stage.operator, stepOf(stage.left), stepOf(stage.right), stage.at);
    case 'pipeline':
      return stepsOf(stage.stages);
    case 'aggregate': {
      const name = `${stage.aggregate.name}(${stage.aggregate.field ? fieldText(stage.aggregate.field) : ''})`;
      const aggregate = aggregating(stage.aggregate);
      return (sets) =>
        sets.flatMap((set) => {
          const value = aggregate(set.spans);
          if (value.type === 'nil' || !compareTwo(stage.operator, value, stage.literal)) return [];
          return [{ ...set, attributes: [...set.attributes, [name, value] as [string, Value]] }];
        });
    }
    case 'by':
      return grouping(stage.field);
    case 'coalesce':
      return (sets) => [{ spans: sets.flatMap(({ spans }) => spans), attributes: [] }];
    case 'select':
      return (sets) => sets;
  }
}

function grouping(field: Field): Step {
  const evaluate = evaluator(field);
  const name = `by(${fieldText(field)})`;
  return (sets) =>
    sets.flatMap((set) => {
      const groups = new Map<string, Spanset>();
      for (const span of set.spans) {
        const value = evaluate(span);
        const key = keyOf(value);
        const group = groups.get(key) ?? { spans: [], attributes: [...set.attributes, [name, value]] };
        groups.set(key, group);
        group.spans.push(span);
      }
      return [...groups.values()];
    });
}

function aggregating({ name, field }: Aggregate): (spans: TraceSpan[]) => Literal {
  if (!field) return (spans) => ({ type: 'int', value: BigInt(spans.length) });
  const evaluate = evaluator(field);
  return (spans) => {
    const values = spans
      .map(evaluate)
      .filter((value): value is Literal => value.type !== 'list' && value.type !== 'nil');
    const [first] = values;
    if (!first) return NIL;
    switch (name) {
      case 'min':
        return values.reduce((least, value) => (order(value, least) < 0 ? value : least));
      case 'max':
        return values.reduce((most, value) => (order(value, most) > 0 ? value : most));
      case 'sum':
        return sum(values);
      default:
        return divided(sum(values), values.length);
    }
  };
}

/** Values of another type than the first are left out. */
function sum(values: Literal[]): Literal {
  const first = values[0] as Literal;
  if (!isNumeric(first.type)) return first;
  return values.slice(1).reduce((total, value) => {
    if (value.type !== total.type) return total;
    if (total.type === 'float') return { type: 'float', value: total.value + (value as { value: number }).value };
    return {
      type: total.type as 'int',
      value: (total as { value: bigint }).value + (value as { value: bigint }).value,
    };
  }, first);
}

function divided(total: Literal, count: number): Literal {
  if (total.type === 'int') return { type: 'float', value: Number(total.value) / count };
  if (total.type === 'float') return { type: 'float', value: total.value / count };
  return total.type === 'duration' ? { type: 'duration', value: total.value / BigInt(count) } : total;
}

function joining(operator: SpansetOperator, left: Step, right: Step, at: number): Step {
  return (sets) =>
    sets.flatMap((set) => {
      const spans = joined(operator, left([set]), right([set]), at);
      return spans.length > 0 ? [{ ...set, spans }] : [];
    });
}

function joined(operator: SpansetOperator, left: Spanset[], right: Spanset[], at: number): TraceSpan[] {
  if (operator === '&&' || operator === '||') {
    const isEmpty = operator === '&&' ? left.length === 0 || right.length === 0 : left.length + right.length === 0;
    return isEmpty ? [] : [...new Set([...left, ...right].flatMap(({ spans }) => spans))];
  }
  if (right.length === 0) return [];
  if (left.length > 1 || right.length > 1) {
    throw refused('a relation needs one set of spans on either side', at, 'Put coalesce() after by().');
  }
  return related(operator, left[0]?.spans ?? [], right[0]?.spans ?? []);
}

/** Spans of the right that stand in the relation to one of the left, or to none; with `&` both sides. */
function related(operator: SpansetOperator, left: TraceSpan[], right: TraceSpan[]): TraceSpan[] {
  const [first, relation] = /^[!&]/.test(operator) ? [operator[0], operator.slice(1)] : ['', operator as string];
  const found = matches(relation, left, right);
  if (first === '!') return right.filter((span) => !found.has(span));
  const matched = right.filter((span) => found.has(span));
  if (first !== '&') return matched;
  const partners = matches(INVERSE[relation] as string, right, left);
  return [...new Set([...matched, ...left.filter((span) => partners.has(span))])];
}

const INVERSE: Record<string, string> = { '>': '<', '<': '>', '>>': '<<', '<<': '>>', '~': '~' };

/** Which of the right match. */
function matches(relation: string, left: TraceSpan[], right: TraceSpan[]): Set<TraceSpan> {
  const lefts = new Set(left);
  switch (relation) {
    case '>':
      return new Set(right.filter(({ parent }) => parent && lefts.has(parent)));
    case '<': {
      const parents = new Set(left.map(({ parent }) => parent));
      return new Set(right.filter((span) => parents.has(span)));
    }
    case '>>': {
      const under = new Map<TraceSpan, boolean>();
      return new Set(right.filter((span) => isUnder(span, lefts, under)));
    }
    case '<<': {
      const above = new Set<TraceSpan>();
      for (const { parent } of left) {
        for (let span = parent; span && !above.has(span); span = span.parent) above.add(span);
      }
      return new Set(right.filter((span) => above.has(span)));
    }
    default: {
      const families = Map.groupBy(left, ({ parentLeft }) => parentLeft);
      return new Set(
        right.filter((span) => {
          const family = span.parentLeft === 0 ? [] : (families.get(span.parentLeft) ?? []);
          return family.length > 1 || (family.length === 1 && family[0] !== span);
        }),
      );
    }
  }
}

function isUnder(span: TraceSpan, lefts: Set<TraceSpan>, known: Map<TraceSpan, boolean>): boolean {
  const path: TraceSpan[] = [];
  let result = false;
  for (let at: TraceSpan | undefined = span; at; at = at.parent) {
    const found = known.get(at);
    if (found !== undefined) {
      result = found;
      break;
    }
    path.push(at);
    if (at.parent && lefts.has(at.parent)) {
      result = true;
      break;
    }
  }
  for (const each of path) known.set(each, result);
  return result;
}

/** An expression as Tempo writes it. */
function fieldText(field: Field): string {
  const part = (of: Field) => {
    const text = fieldText(of);
    return of.node === 'literal' || of.node === 'attribute' || of.node === 'intrinsic' ? text : `(${text})`;
  };
  switch (field.node) {
    case 'attribute':
    case 'intrinsic':
      return textOf(field);
    case 'literal':
      return literalText(field.literal);
    case 'exists':
      return `${part(field.operand)} ${field.negated ? '=' : '!='} nil`;
    case 'unary':
      return `${field.operator}${part(field.operand)}`;
    case 'binary':
      return `${part(field.left)} ${field.operator} ${part(field.right)}`;
  }
}

function literalText(literal: Literal): string {
  if (literal.type === 'nil') return 'nil';
  if (literal.type === 'string') return `\`${literal.value}\``;
  if (literal.type === 'duration') return durationText(literal.value);
  if (literal.type === 'float' && Number.isInteger(literal.value)) return `${literal.value}.0`;
  return String(literal.value);
}

/** As Go writes durations: `1h2m0s`, `1.5s`, `100ms`. */
export function durationText(ns: bigint): string {
  if (ns < 0n) return `-${durationText(-ns)}`;
  const number = (value: bigint, unit: bigint) => String(Number(value) / Number(unit));
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < 1_000_000n) return `${number(ns, 1_000n)}µs`;
  if (ns < 1_000_000_000n) return `${number(ns, 1_000_000n)}ms`;
  const [hours, minutes] = [ns / 3_600_000_000_000n, (ns / 60_000_000_000n) % 60n];
  const seconds = `${number(ns % 60_000_000_000n, 1_000_000_000n)}s`;
  return `${hours > 0n ? `${hours}h` : ''}${hours > 0n || minutes > 0n ? `${minutes}m` : ''}${seconds}`;
}

/** Every set of spans of a pipeline, also those joined or nested. */
export function filtersOf(stages: Stage[]): Field[] {
  const of = (node: SpansetNode): Field[] => {
    if (node.node === 'filter') return node.field ? [node.field] : [];
    return node.node === 'operation' ? [...of(node.left), ...of(node.right)] : filtersOf(node.stages);
  };
  return stages.flatMap((stage) => {
    switch (stage.node) {
      case 'aggregate':
        return stage.aggregate.field ? [stage.aggregate.field] : [];
      case 'by':
        return [stage.field];
      case 'select':
        return stage.attributes;
      case 'coalesce':
        return [];
      default:
        return of(stage);
    }
  });
}
