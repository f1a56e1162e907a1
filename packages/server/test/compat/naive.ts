// TraceQL a second time, in the plainest way: what a query means is written beside it, as a function of the OTLP that was
// sent. It shares nothing with the evaluator it is compared with.
import { seededRandom } from '@project-beacon/testkit/random.ts';
import type { Json } from '../receivers/spans.ts';

export interface NaiveSpan {
  id: string;
  parent: string | undefined;
  name: string;
  service: string;
  kind: string;
  status: string;
  startNs: bigint;
  durationNs: number;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
  events: Array<{ name: string; attributes: Record<string, unknown> }>;
  otlp: Json;
}

export interface NaiveTrace {
  id: string;
  spans: NaiveSpan[];
}

/** Numbers that look random and are the same each time. */
export function dice(seed: number): (sides: number) => number {
  const random = seededRandom(seed);
  return (sides) => Math.floor(random() * sides);
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUS = ['unset', 'ok', 'error'];

/** Traces of a few spans each, which differ in everything a query may ask. */
export function traces(count: number, startMs: number): NaiveTrace[] {
  const roll = dice(7);
  const hex = (value: number, length: number) => value.toString(16).padStart(length, '0');
  return Array.from({ length: count }, (_, t) => {
    const id = hex(0xabc000 + t, 32);
    const size = 1 + roll(9);
    const startNs = BigInt(startMs + t * 1_700) * 1_000_000n;
    const spans = Array.from({ length: size }, (__, s): NaiveSpan => {
      const of = (chance: number, value: unknown) => (roll(10) < chance ? value : undefined);
      const attributes = defined({
        str: of(6, ['x', 'y', 'zebra', 'é "q"'][roll(4)]),
        num: of(7, roll(6)),
        other: of(5, roll(6)),
        ratio: of(5, roll(8) / 2 + 0.25),
        flag: of(5, roll(2) === 1),
        tags: of(3, ['a', 'b', 'c'].slice(roll(2), 3)),
        zone: of(2, 'own'),
      });
      const service = ['cart', 'pay', 'db'][roll(3)] as string;
      const isOrphan = s > 1 && roll(12) === 0;
      return {
        id: hex(0x1000 + t * 16 + s, 16),
        parent: s === 0 ? undefined : isOrphan ? 'f'.repeat(16) : hex(0x1000 + t * 16 + roll(s), 16),
        name: `op${roll(4)}`,
        service,
        kind: KINDS[roll(6)] as string,
        status: STATUS[roll(3)] as string,
        startNs: startNs + BigInt(s * 1_000_001),
        durationNs: (1 + roll(40)) * 1_000_000 + roll(1_000),
        attributes,
        resource: { 'service.name': service, zone: service === 'db' ? 'us' : 'eu', cores: service === 'pay' ? 2 : 4 },
        events: Array.from({ length: roll(3) }, () => ({ name: `e${roll(3)}`, attributes: { size: roll(4) } })),
        otlp: {},
      };
    });
    for (const span of spans) span.otlp = otlp(id, span);
    return { id, spans };
  });
}

function defined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function anyValue(value: unknown): Json {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function keyValues(object: Record<string, unknown>): Json[] {
  return Object.entries(object).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function otlp(traceId: string, span: NaiveSpan): Json {
  return {
    resource: { attributes: keyValues(span.resource) },
    scopeSpans: [
      {
        scope: { name: 'naive' },
        spans: [
          {
            traceId,
            spanId: span.id,
            ...(span.parent ? { parentSpanId: span.parent } : {}),
            name: span.name,
            kind: KINDS.indexOf(span.kind),
            startTimeUnixNano: String(span.startNs),
            endTimeUnixNano: String(span.startNs + BigInt(span.durationNs)),
            attributes: keyValues(span.attributes),
            events: span.events.map(({ name, attributes }) => ({
              name,
              timeUnixNano: String(span.startNs),
              attributes: keyValues(attributes),
            })),
            status: { code: STATUS.indexOf(span.status) },
          },
        ],
      },
    ],
  };
}

/** A condition as text, and what it means; undefined of an attribute that is not there and stands for itself. */
export interface Condition {
  text: string;
  holds: (span: NaiveSpan, trace: NaiveTrace) => boolean | undefined;
}

type Get = (span: NaiveSpan, trace: NaiveTrace) => unknown;

function compare(operator: string, a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return false;
  if (Array.isArray(a)) {
    const test = (each: unknown) => compare(operator, each, b);
    return operator === '!=' || operator === '!~' ? a.every(test) : a.some(test);
  }
  if (typeof a !== typeof b) return false;
  switch (operator) {
    case '=':
      return a === b;
    case '!=':
      return a !== b;
    case '=~':
      return new RegExp(`^(?:${b})$`, 's').test(a as string);
    case '!~':
      return !new RegExp(`^(?:${b})$`, 's').test(a as string);
    case '<':
      return typeof a !== 'boolean' && (a as number) < (b as number);
    case '<=':
      return typeof a !== 'boolean' && (a as number) <= (b as number);
    case '>':
      return typeof a !== 'boolean' && (a as number) > (b as number);
    default:
      return typeof a !== 'boolean' && (a as number) >= (b as number);
  }
}

const own =
  (name: string): Get =>
  (span) =>
    span.attributes[name];
const ofResource =
  (name: string): Get =>
  (span) =>
    span.resource[name];
const anywhere =
  (name: string): Get =>
  (span) =>
    span.attributes[name] ?? span.resource[name];
const rootOf = (trace: NaiveTrace) => trace.spans.find(({ parent }) => parent === undefined) as NaiveSpan;

const TEXT_FIELDS: Array<[string, Get, string[]]> = [
  ['span.str', own('str'), ['x', 'y', 'zebra', 'é "q"', 'none']],
  ['.str', anywhere('str'), ['x', 'zebra']],
  ['.zone', anywhere('zone'), ['own', 'eu', 'us']],
  ['resource.zone', ofResource('zone'), ['eu', 'us', 'own']],
  ['resource.service.name', ofResource('service.name'), ['cart', 'pay', 'db']],
  ['name', (span) => span.name, ['op0', 'op1', 'op9']],
  ['span:name', (span) => span.name, ['op2', 'op3']],
  ['rootName', (_, trace) => rootOf(trace).name, ['op0', 'op1']],
  ['trace:rootService', (_, trace) => rootOf(trace).service, ['cart', 'db']],
  ['span.tags', own('tags'), ['a', 'b', 'c']],
];
const NUMBER_FIELDS: Array<[string, Get]> = [
  ['span.num', own('num')],
  ['.num', anywhere('num')],
  ['.other', anywhere('other')],
  ['span.ratio', own('ratio')],
  ['.cores', anywhere('cores')],
];

/** A condition on one thing. */
function atom(roll: (sides: number) => number): Condition {
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)] as T;
  const order = pick(['=', '!=', '<', '<=', '>', '>=']);
  switch (roll(10)) {
    case 0:
    case 1: {
      const [text, get, values] = pick(TEXT_FIELDS);
      const value = pick(values);
      return { text: `${text} ${order} ${JSON.stringify(value)}`, holds: (s, t) => compare(order, get(s, t), value) };
    }
    case 2: {
      const [text, get] = pick(TEXT_FIELDS);
      const [operator, pattern] = [pick(['=~', '!~']), pick(['x|y', '.*e.*', 'op[01]', 'c?art|db', 'e.', 'a|b'])];
      return { text: `${text} ${operator} \`${pattern}\``, holds: (s, t) => compare(operator, get(s, t), pattern) };
    }
    case 3: {
      const [text, get] = pick(NUMBER_FIELDS);
      const value = roll(2) === 0 ? roll(6) : roll(8) / 2 + 0.25;
      return { text: `${text} ${order} ${value}`, holds: (s, t) => compare(order, get(s, t), value) };
    }
    case 4: {
      const [[a, getA], [b, getB], plus] = [pick(NUMBER_FIELDS), pick(NUMBER_FIELDS), roll(3)];
      const sum: Get = (s, t) => {
        const value = getA(s, t);
        return value === undefined ? undefined : (value as number) * 2 + plus;
      };
      return { text: `${a} * 2 + ${plus} ${order} ${b}`, holds: (s, t) => compare(order, sum(s, t), getB(s, t)) };
    }
    case 5: {
      const [is, value] = [pick(['=', '!=']), pick(STATUS)];
      const kind = pick(KINDS);
      return roll(2) === 0
        ? { text: `status ${is} ${value}`, holds: (s) => compare(is, s.status, value) }
        : { text: `span:kind ${is} ${kind}`, holds: (s) => compare(is, s.kind, kind) };
    }
    case 6: {
      const ms = 1 + roll(40);
      return { text: `duration ${order} ${ms}ms`, holds: (s) => compare(order, s.durationNs, ms * 1e6) };
    }
    case 7: {
      const negated = roll(2) === 0;
      const name = pick(['str', 'flag', 'tags', 'nothing']);
      const sign = negated ? '=' : '!=';
      return { text: `span.${name} ${sign} nil`, holds: (s) => (s.attributes[name] === undefined) === negated };
    }
    case 8: {
      const negated = roll(2) === 0;
      const text = negated ? '!span.flag' : 'span.flag';
      return { text, holds: ({ attributes: { flag } }) => (flag === undefined ? undefined : flag === !negated) };
    }
    default: {
      const [size, name] = [roll(4), `e${roll(3)}`];
      return roll(2) === 0
        ? {
            text: `event.size ${order} ${size}`,
            holds: (s) => s.events.some(({ attributes }) => compare(order, attributes.size, size)),
          }
        : { text: `event:name = "${name}"`, holds: (s) => s.events.some((event) => event.name === name) };
    }
  }
}

export function condition(roll: (sides: number) => number, depth = 2): Condition {
  if (depth === 0 || roll(3) === 0) return atom(roll);
  const [left, right] = [condition(roll, depth - 1), condition(roll, depth - 1)];
  // Events asked for side by side must be one event: that is tested by itself.
  if (/event/.test(left.text) && /event/.test(right.text)) return left;
  const isAnd = roll(2) === 0;
  return {
    text: `(${left.text}) ${isAnd ? '&&' : '||'} (${right.text})`,
    holds: (span, trace) => {
      const [a, b] = [left.holds(span, trace), right.holds(span, trace)];
      // The left may decide alone; else what is neither true nor false makes the whole false.
      if (a === !isAnd) return a;
      if (a === undefined || b === undefined) return false;
      return isAnd ? a && b : a || b;
    },
  };
}

/** Sets of spans of one trace, by their ids. */
export interface Search {
  text: string;
  sets: (trace: NaiveTrace) => NaiveSpan[][];
}

/** Spans that hang on the root; the others have no place. */
function placed(trace: NaiveTrace, span: NaiveSpan): boolean {
  const above = ancestors(trace, span);
  return (above.at(-1) ?? span).parent === undefined;
}

function ancestors(trace: NaiveTrace, span: NaiveSpan): NaiveSpan[] {
  const parent = trace.spans.find(({ id }) => id === span.parent);
  return parent ? [parent, ...ancestors(trace, parent)] : [];
}

function relates(relation: string, trace: NaiveTrace, a: NaiveSpan, b: NaiveSpan): boolean {
  if (!placed(trace, a) || !placed(trace, b)) return false;
  switch (relation) {
    case '>':
      return b.parent === a.id;
    case '<':
      return a.parent === b.id;
    case '>>':
      return ancestors(trace, b).includes(a);
    case '<<':
      return ancestors(trace, a).includes(b);
    default:
      return a !== b && a.parent === b.parent;
  }
}

const RELATIONS = ['>', '>>', '<', '<<', '~'];

export function search(roll: (sides: number) => number): Search {
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)] as T;
  const filter = (of: Condition) => (trace: NaiveTrace) => trace.spans.filter((span) => of.holds(span, trace));
  const [left, right] = [condition(roll), condition(roll, 1)];
  const [lefts, rights] = [filter(left), filter(right)];
  const some = (spans: NaiveSpan[]) => (spans.length > 0 ? [spans] : []);
  switch (roll(6)) {
    case 0: {
      const sign = pick(['', '!', '&']);
      const relation = pick(RELATIONS);
      return {
        text: `{ ${left.text} } ${sign}${relation} { ${right.text} }`,
        sets: (trace) => {
          const [a, b] = [lefts(trace), rights(trace)];
          const matched = b.filter((each) => a.some((other) => relates(relation, trace, other, each)));
          if (sign === '!') return some(b.filter((each) => !matched.includes(each)));
          if (sign === '') return some(matched);
          const partners = a.filter((each) => b.some((other) => relates(relation, trace, each, other)));
          return some([...new Set([...matched, ...partners])]);
        },
      };
    }
    case 1: {
      const operator = pick(['&&', '||']);
      return {
        text: `{ ${left.text} } ${operator} { ${right.text} }`,
        sets: (trace) => {
          const [a, b] = [lefts(trace), rights(trace)];
          return operator === '&&' && (a.length === 0 || b.length === 0) ? [] : some([...new Set([...a, ...b])]);
        },
      };
    }
    case 2: {
      const [order, count] = [pick(['=', '!=', '<', '<=', '>', '>=']), roll(5)];
      return {
        text: `{ ${left.text} } | count() ${order} ${count}`,
        sets: (trace) => some(lefts(trace)).filter(({ length }) => compare(order, length, count)),
      };
    }
    case 3: {
      const [of, order, limit] = [pick(['min', 'max', 'sum', 'avg']), pick(['<', '>=']), roll(30)];
      const numbers = (spans: NaiveSpan[]) =>
        spans.map(({ attributes }) => attributes.num as number).filter((n) => n !== undefined);
      const value = (spans: NaiveSpan[]) => {
        const all = numbers(spans);
        if (all.length === 0) return undefined;
        const total = all.reduce((a, b) => a + b, 0);
        return { min: Math.min(...all), max: Math.max(...all), sum: total, avg: total / all.length }[of];
      };
      return {
        text: `{ ${left.text} } | ${of}(span.num) ${order} ${limit / 4}`,
        sets: (trace) => some(lefts(trace)).filter((spans) => compare(order, value(spans), limit / 4)),
      };
    }
    case 4: {
      const count = 1 + roll(2);
      return {
        text: `{ ${left.text} } | by(span.str) | count() > ${count}`,
        sets: (trace) =>
          [...Map.groupBy(lefts(trace), ({ attributes }) => attributes.str).values()].filter(
            (set) => set.length > count,
          ),
      };
    }
    default:
      return { text: `{ ${left.text} }`, sets: (trace) => some(lefts(trace)) };
  }
}
