// compare(): how often each value of each attribute occurs in the spans selected, and in the others.
import type { AttributeNode, Measure } from './ast.ts';
import { textOf } from './ast.ts';
import { filter } from './evaluate.ts';
import type { TraceSpan } from './model.ts';
import { type Slots, slotOf, type TimeSeries } from './series.ts';
import { keyOf, NIL, type Value } from './values.ts';

type Comparing = Extract<Measure, { node: 'compare' }>;

const INTRINSICS: AttributeNode[] = (
  [
    'name',
    'status',
    'statusMessage',
    'kind',
    'rootName',
    'rootServiceName',
    'instrumentation:name',
    'instrumentation:version',
  ] as const
).map((name) => ({ node: 'intrinsic', name, at: 0 }));

interface Side {
  name: 'baseline' | 'selection';
  values: Map<string, Map<string, { value: Value; counts: number[]; total: number }>>;
  totals: Map<string, number[]>;
}

/** Counts what Tempo counts: every attribute of a span, durations and ids aside. */
export class Comparison {
  readonly #measure: Comparing;
  readonly #slots: Slots;
  readonly #selected: (span: TraceSpan) => boolean;
  readonly #sides: { baseline: Side; selection: Side } = { baseline: side('baseline'), selection: side('selection') };

  constructor(measure: Comparing, slots: Slots) {
    this.#measure = measure;
    this.#slots = slots;
    const holds = filter(measure.selection);
    const { from, to } = measure;
    this.#selected = (span) => (from === 0n || (span.startNs > from && span.startNs <= to)) && holds(span);
  }

  span(span: TraceSpan): void {
    const slot = slotOf(this.#slots, span.startNs);
    if (slot < 0) return;
    const of = this.#selected(span) ? this.#sides.selection : this.#sides.baseline;
    for (const [name, value] of attributesOf(span)) this.#count(of, name, value, slot);
  }

  #count({ values, totals }: Side, name: string, value: Value, slot: number): void {
    const zeros = () => Array.from({ length: this.#slots.count }, () => 0);
    const known = values.get(name) ?? new Map();
    values.set(name, known);
    const key = keyOf(value);
    const counted = known.get(key) ?? { value, counts: zeros(), total: 0 };
    known.set(key, counted);
    counted.counts[slot] += 1;
    counted.total += 1;
    const total = totals.get(name) ?? zeros();
    totals.set(name, total);
    total[slot] = (total[slot] as number) + 1;
  }

  series(): TimeSeries[] {
    const found: TimeSeries[] = [];
    const label = (value: string) => ({ name: '__meta_type', value: { type: 'string' as const, value } });
    const tooMany = new Set<string>();
    for (const { name: side, values, totals } of Object.values(this.#sides)) {
      for (const [name, known] of values) {
        if (known.size > this.#measure.top) tooMany.add(name);
        const top = [...known.values()].sort((a, b) => b.total - a.total).slice(0, this.#measure.top);
        for (const { value, counts } of top) {
          found.push({ labels: [label(side), { name, value }], values: counts, exemplars: [] });
        }
      }
      for (const [name, values] of totals) {
        found.push({ labels: [label(`${side}_total`), { name, value: NIL }], values, exemplars: [] });
      }
    }
    for (const name of tooMany) {
      const error = { name: '__meta_error', value: { type: 'string' as const, value: '__too_many_values__' } };
      found.push({ labels: [error, { name, value: NIL }], values: [], exemplars: [] });
    }
    return found;
  }
}

function side(name: Side['name']): Side {
  return { name, values: new Map(), totals: new Map() };
}

function* attributesOf(span: TraceSpan): Generator<[name: string, value: Value]> {
  for (const attribute of INTRINSICS) yield [textOf(attribute), span.value(attribute)];
  yield* scoped('resource', span.resource);
  yield* scoped('instrumentation', span.scope);
  yield* scoped('span', span.attributes);
  for (const { attributes, intrinsics } of span.events) {
    const name = intrinsics['event:name'];
    if (name) yield ['event:name', name];
    yield* scoped('event', attributes);
  }
  for (const { attributes } of span.links) yield* scoped('link', attributes);
}

function* scoped(scope: 'resource' | 'instrumentation' | 'span' | 'event' | 'link', attributes: Map<string, Value>) {
  for (const [name, value] of attributes) {
    yield [textOf({ node: 'attribute', scope, name, at: 0 }), value] as [string, Value];
  }
}
