// Series of numbers over time: how spans are counted and measured into them, and what is made of them afterwards.
import type { AttributeNode, Measure, SeriesStage } from './ast.ts';
import { textOf } from './ast.ts';
import { compareTwo } from './evaluate.ts';
import type { TraceSpan } from './model.ts';
import { keyOf, NIL, numberOf, type Value } from './values.ts';

export interface Label {
  name: string;
  value: Value;
}

export interface Exemplar {
  labels: Label[];
  /** NaN for "as the series at that time". */
  value: number;
  timestampMs: number;
}

export interface TimeSeries {
  labels: Label[];
  /** One a slot; NaN where there is none. */
  values: number[];
  exemplars: Exemplar[];
}

/** Stretches of time, each without its start and with its end, in nanoseconds. */
export interface Slots {
  startNs: bigint;
  stepNs: bigint;
  count: number;
  /** One value for the whole stretch. */
  isInstant: boolean;
}

/** The slot of a moment; -1 outside. */
export function slotOf({ startNs, stepNs, count }: Slots, ns: bigint): number {
  if (ns <= startNs) return -1;
  const slot = Number((ns - startNs - 1n) / stepNs);
  return slot < count ? slot : -1;
}

export function endOfSlot({ startNs, stepNs }: Slots, slot: number): bigint {
  return startNs + BigInt(slot + 1) * stepNs;
}

type SimpleMeasure = Extract<Measure, { node: 'measure' }>;

interface Group {
  by: Value[];
  /** Power of two a value is at most; of measures with a distribution. */
  bucket: number | null;
  counts: number[];
  sums: number[];
  least: number[];
  most: number[];
  exemplars: Exemplar[];
}

/** Collects what a measure needs, from single spans or from what the database has counted. */
export class Collector {
  readonly measure: SimpleMeasure;
  readonly slots: Slots;
  readonly #groups = new Map<string, Group>();
  readonly #max: number;
  /** Whether there are more series than are kept. */
  isFull = false;

  constructor(measure: SimpleMeasure, slots: Slots, maxSeries: number) {
    this.measure = measure;
    this.slots = slots;
    this.#max = maxSeries;
  }

  get hasBuckets(): boolean {
    return this.measure.name === 'quantile_over_time' || this.measure.name === 'histogram_over_time';
  }

  span(span: TraceSpan, exemplar: boolean): void {
    const slot = slotOf(this.slots, span.startNs);
    if (slot < 0) return;
    const measured = this.measure.attribute ? measuredOf(this.measure.attribute, span) : { value: 1, bucket: null };
    if (this.hasBuckets && measured.bucket === null) return;
    const by = this.measure.by.map((attribute) => span.value(attribute));
    const group = this.#group(by, this.hasBuckets ? measured.bucket : null);
    if (!group) return;
    add(group, slot, 1, measured.value, measured.value, measured.value);
    if (exemplar) group.exemplars.push(this.#exemplar(span, measured.value));
  }

  counted(
    slot: number,
    by: Value[],
    bucket: number | null,
    count: number,
    sum: number,
    least: number,
    most: number,
  ): void {
    const group = this.#group(by, bucket);
    if (group) add(group, slot, count, sum, least, most);
  }

  exemplar(by: Value[], bucket: number | null, exemplar: Exemplar): void {
    this.#group(by, bucket)?.exemplars.push(exemplar);
  }

  #exemplar(span: TraceSpan, value: number): Exemplar {
    const { name } = this.measure;
    const isCount = name === 'rate' || name === 'count_over_time' || name === 'histogram_over_time';
    return {
      labels: exemplarLabels(span),
      value: isCount ? Number.NaN : value,
      timestampMs: Number(span.startNs / 1_000_000n),
    };
  }

  #group(by: Value[], bucket: number | null): Group | undefined {
    const key = `${bucket ?? ''} ${by.map(keyOf).join(' ')}`;
    let group = this.#groups.get(key);
    if (group) return group;
    if (this.#groups.size >= this.#max) {
      this.isFull = true;
      return undefined;
    }
    const of = (value: number) => Array.from({ length: this.slots.count }, () => value);
    group = { by, bucket, counts: of(0), sums: of(0), least: of(Number.NaN), most: of(Number.NaN), exemplars: [] };
    this.#groups.set(key, group);
    return group;
  }

  series(): TimeSeries[] {
    const groups = [...this.#groups.values()];
    if (this.measure.name === 'quantile_over_time') return this.#quantiles(groups);
    // Without groups there is a series even if nothing was counted.
    if (groups.length === 0 && this.measure.by.length === 0 && !this.hasBuckets && isCount(this.measure)) {
      const values = Array.from({ length: this.slots.count }, () => 0);
      return [{ labels: this.#labels([], null), values, exemplars: [] }];
    }
    return groups.map((group) => ({
      labels: this.#labels(group.by, group.bucket),
      values: group.counts.map((_, slot) => this.#value(group, slot)),
      exemplars: group.exemplars,
    }));
  }

  #labels(by: Value[], bucket: number | null): Label[] {
    const labels = by.flatMap((value, i): Label[] =>
      value.type === 'nil' ? [] : [{ name: textOf(this.measure.by[i] as AttributeNode), value }],
    );
    if (bucket !== null) labels.push({ name: '__bucket', value: { type: 'float', value: bucket } });
    if (labels.length > 0) return labels;
    const [first] = this.measure.by;
    if (first) return [{ name: textOf(first), value: NIL }];
    return this.hasBuckets ? [] : [{ name: '__name__', value: { type: 'string', value: this.measure.name } }];
  }

  #value({ counts, sums, least, most }: Group, slot: number): number {
    const count = counts[slot] as number;
    switch (this.measure.name) {
      case 'rate':
        return count / (Number(this.slots.stepNs) / 1e9);
      case 'min_over_time':
        return least[slot] as number;
      case 'max_over_time':
        return most[slot] as number;
      case 'sum_over_time':
        return Number.isNaN(least[slot]) ? Number.NaN : (sums[slot] as number);
      case 'avg_over_time':
        return Number.isNaN(least[slot]) ? Number.NaN : (sums[slot] as number) / count;
      default:
        return count;
    }
  }

  #quantiles(groups: Group[]): TimeSeries[] {
    const families = Map.groupBy(groups, ({ by }) => by.map(keyOf).join(' '));
    return [...families.values()].flatMap((family) => {
      const sorted = family.sort((a, b) => (a.bucket ?? 0) - (b.bucket ?? 0));
      const [first] = sorted;
      return this.measure.quantiles.map((quantile) => {
        const values = Array.from({ length: this.slots.count }, (_, slot) => {
          const buckets = sorted.map(({ bucket, counts }) => ({
            max: bucket as number,
            count: counts[slot] as number,
          }));
          return quantileOf(
            quantile,
            buckets.filter(({ count }) => count > 0),
          );
        });
        const all = sorted.map(({ bucket, counts }) => ({
          max: bucket as number,
          count: counts.reduce((a, b) => a + b, 0),
        }));
        return {
          labels: [
            ...this.#labels(first?.by ?? [], null),
            { name: 'p', value: { type: 'float' as const, value: quantile } },
          ],
          values,
          exemplars: sorted
            .flatMap(({ exemplars }) => exemplars)
            .filter(({ value }) => this.#nearest(value, all) === quantile),
        };
      });
    });
  }

  /** The quantile an exemplar illustrates: the least that is not below it. */
  #nearest(value: number, buckets: Bucket[]): number {
    const quantiles = [...this.measure.quantiles].sort((a, b) => a - b);
    return quantiles.find((quantile) => value <= quantileOf(quantile, buckets)) ?? (quantiles.at(-1) as number);
  }
}

function isCount({ name }: SimpleMeasure): boolean {
  return name === 'rate' || name === 'count_over_time';
}

function add(group: Group, slot: number, count: number, sum: number, least: number, most: number): void {
  if (Number.isNaN(sum)) return;
  group.counts[slot] = (group.counts[slot] as number) + count;
  group.sums[slot] = (group.sums[slot] as number) + sum;
  if (!((group.least[slot] as number) <= least)) group.least[slot] = least;
  if (!((group.most[slot] as number) >= most)) group.most[slot] = most;
}

/** Seconds of a span's duration, else the number; with its bucket, where whole numbers and durations have one. */
function measuredOf(attribute: AttributeNode, span: TraceSpan): { value: number; bucket: number | null } {
  const value = span.value(attribute);
  const number = numberOf(value);
  if (Number.isNaN(number)) return { value: Number.NaN, bucket: null };
  const isDuration = value.type === 'duration';
  const bucket = value.type === 'float' || number < 2 ? null : bucketOf(number);
  const inSeconds = attribute.node === 'intrinsic' && attribute.name === 'duration';
  return {
    value: inSeconds ? number / 1e9 : number,
    bucket: bucket === null || !isDuration ? bucket : bucket / 1e9,
  };
}

/** The least power of two that is not below. */
function bucketOf(value: number): number {
  let bucket = 2 ** Math.ceil(Math.log2(value));
  if (bucket < value) bucket *= 2;
  else if (bucket / 2 >= value) bucket /= 2;
  return bucket;
}

function exemplarLabels(span: TraceSpan): Label[] {
  const text = (name: string, value: string): Label => ({ name, value: { type: 'string', value } });
  return [
    text('trace:id', span.traceId),
    text('span:id', span.id),
    text('name', span.name),
    text('resource.service.name', span.service),
  ];
}

interface Bucket {
  max: number;
  count: number;
}

/** The quantile of a distribution over powers of two, interpolated within its bucket as exponents are. */
function quantileOf(quantile: number, buckets: Bucket[]): number {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return 0;
  const wanted = Math.max(1, Math.ceil(quantile * total));
  let before = 0;
  for (const [i, { max, count }] of buckets.entries()) {
    if (before + count === wanted) return max;
    if (before + count > wanted) {
      const high = Math.log2(max);
      const previous = buckets[i - 1];
      const low = previous ? Math.log2(previous.max) : high - 1;
      return 2 ** (low + ((high - low) * (wanted - before)) / count);
    }
    before += count;
  }
  return buckets.at(-1)?.max ?? 0;
}

/** Series by what tells them apart: their labels, the name of the measure aside. */
function seriesKey({ labels }: TimeSeries): string {
  return labels
    .filter(({ name }) => name !== '__name__')
    .map(({ name, value }) => `${name}=${keyOf(value)}`)
    .join(',');
}

/** What topk, bottomk and thresholds leave. */
export function staged(series: TimeSeries[], stages: SeriesStage[]): TimeSeries[] {
  return stages.reduce((left, stage) => {
    if (stage.node === 'threshold') return thresholded(left, stage);
    return ranked(left, stage.count, stage.node === 'topk');
  }, series);
}

function thresholded(series: TimeSeries[], { operator, value: limit }: Extract<SeriesStage, { node: 'threshold' }>) {
  const holds = (value: number) =>
    !Number.isNaN(value) && compareTwo(operator, { type: 'float', value }, { type: 'float', value: limit });
  return series
    .map(({ labels, values, exemplars }) => ({
      labels,
      values: values.map((value) => (holds(value) ? value : Number.NaN)),
      exemplars: exemplars.filter(({ value }) => holds(value)),
    }))
    .filter(({ values }) => values.some((value) => !Number.isNaN(value)));
}

/** At each time the largest, or the smallest, of them; of equals the first in the order of labels. */
function ranked(series: TimeSeries[], count: number, largest: boolean): TimeSeries[] {
  if (series.length <= count) return series;
  const keys = new Map(series.map((each) => [each, each.labels.map(({ value }) => text(value)).join('\u0000')]));
  const kept = new Map(series.map((each) => [each, each.values.map(() => Number.NaN)]));
  const slots = series[0]?.values.length ?? 0;
  for (let slot = 0; slot < slots; slot++) {
    const there = series.filter(({ values }) => !Number.isNaN(values[slot]));
    there.sort((a, b) => {
      const [x, y] = [a.values[slot] as number, b.values[slot] as number];
      if (x !== y) return largest ? y - x : x - y;
      const [first, second] = [keys.get(a) as string, keys.get(b) as string];
      return first < second ? -1 : first > second ? 1 : 0;
    });
    for (const each of there.slice(0, count)) (kept.get(each) as number[])[slot] = each.values[slot] as number;
  }
  return series
    .map((each) => ({ ...each, values: kept.get(each) as number[] }))
    .filter(({ values }) => values.some((value) => !Number.isNaN(value)));
}

function text(value: Value): string {
  return value.type === 'nil' || value.type === 'list' ? keyOf(value) : String(value.value);
}

export type MathOperator = '+' | '-' | '*' | '/';

export function calculate(operator: MathOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? Number.NaN : a / b;
  }
}

/** Series with the same labels, one with the other; one without labels goes with all. */
export function joinedSeries(operator: MathOperator, left: TimeSeries[], right: TimeSeries[]): TimeSeries[] {
  const [lefts, rights] = [byKey(left), byKey(right)];
  const target = rights.has('') ? lefts : rights;
  return [...target.keys()].flatMap((key) => {
    const [a, b] = [lefts.get(key) ?? lefts.get(''), rights.get(key) ?? rights.get('')];
    if (!a || !b) return [];
    const values = a.values.map((value, i) => calculate(operator, value, b.values[i] as number));
    return [
      { labels: joinedLabels(operator, a.labels, b.labels), values, exemplars: [...a.exemplars, ...b.exemplars] },
    ];
  });
}

function byKey(series: TimeSeries[]): Map<string, TimeSeries> {
  return new Map(series.map((each) => [seriesKey(each), each]));
}

function joinedLabels(operator: MathOperator, left: Label[], right: Label[]): Label[] {
  const nameOf = (labels: Label[]) => labels.find(({ name }) => name === '__name__')?.value;
  const [a, b] = [nameOf(left), nameOf(right)];
  const others = [...left, ...right].filter(
    ({ name }, i, all) => name !== '__name__' && all.findIndex((label) => label.name === name) === i,
  );
  if (a?.type !== 'string' || b?.type !== 'string') return others;
  return [{ name: '__name__', value: { type: 'string', value: `(${a.value} ${operator} ${b.value})` } }, ...others];
}
