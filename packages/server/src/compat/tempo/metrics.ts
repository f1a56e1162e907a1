// Tempo's metrics: series of numbers over time, or one number each, from spans.
import type pg from 'pg';
import { type RunOptions, readOnly } from '../../queries/run.ts';
import { BeaconError } from '../../store/errors.ts';
import { goDurationMs } from '../params.ts';
import { one, type Query } from './search.ts';
import type { Series } from './traceql/ast.ts';
import { Comparison } from './traceql/compare.ts';
import { counted, timestamp } from './traceql/count.ts';
import { inspect, isOfSpans, type Progress } from './traceql/inspect.ts';
import { needsOfStages } from './traceql/needs.ts';
import { parseTraceQl } from './traceql/parse.ts';
import {
  Collector,
  calculate,
  endOfSlot,
  joinedSeries,
  type Slots,
  slotOf,
  staged,
  type TimeSeries,
} from './traceql/series.ts';
import { pipeline } from './traceql/spansets.ts';
import { spanCondition } from './traceql/sql.ts';
import { shownValue } from './values.ts';

const DEFAULT_SINCE_MS = 3_600_000;
const MAX_SLOTS = 11_000;
const MAX_SERIES = 1_000;
const MAX_EXEMPLARS = 100;
const MAX_ROWS = 200_000;

/**
 * `/api/metrics/query_range` and `/api/metrics/query`.
 *
 * @throws BeaconError for what is wrong.
 */
export async function queryMetrics(
  pool: pg.Pool,
  query: Query,
  limits: RunOptions,
  isInstant: boolean,
): Promise<object> {
  const q = one(query, 'q') ?? one(query, 'query');
  if (!q) throw new BeaconError('usage', 'q is missing.', 'It is a TraceQL query like {} | rate().');
  const parsed = parseTraceQl(q);
  if (parsed.kind !== 'metrics') {
    throw new BeaconError('usage', 'This TraceQL query asks for traces.', 'Send it to /api/search, or add | rate().');
  }
  const slots = slotsOf(query, isInstant);
  const hint = parsed.hints.get('exemplars');
  const asked =
    hint?.type === 'int' ? Number(hint.value) : hint?.type === 'bool' && !hint.value ? 0 : countAsked(query);
  const exemplars = isInstant ? 0 : Math.max(0, Math.min(asked, MAX_EXEMPLARS));
  const progress: Progress = { traces: 0, spans: 0, left: null };
  const series = await readOnly(pool, limits, ({ client }) =>
    seriesOf(client, parsed.series, slots, exemplars, progress),
  );
  return answer(series, slots, progress);
}

function countAsked(query: Query): number {
  const text = one(query, 'exemplars');
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

async function seriesOf(
  client: pg.PoolClient,
  series: Series,
  slots: Slots,
  exemplars: number,
  progress: Progress,
): Promise<TimeSeries[]> {
  const found = await unstaged(client, series, slots, exemplars, progress);
  return staged(found, series.after);
}

async function unstaged(client: pg.PoolClient, series: Series, slots: Slots, exemplars: number, progress: Progress) {
  if (series.node === 'math') {
    const left = await seriesOf(client, series.left, slots, exemplars, progress);
    return joinedSeries(series.operator, left, await seriesOf(client, series.right, slots, exemplars, progress));
  }
  if (series.node === 'scaled') {
    const { operator, value: number, first } = series;
    const scale = (value: number) => (first ? calculate(operator, number, value) : calculate(operator, value, number));
    const of = await seriesOf(client, series.series, slots, exemplars, progress);
    return of.map(({ labels, values, exemplars: shown }) => ({
      labels,
      values: values.map(scale),
      exemplars: shown.map((each) => ({ ...each, value: scale(each.value) })),
    }));
  }
  return measured(client, series, slots, exemplars, progress);
}

async function measured(
  client: pg.PoolClient,
  { stages, measure }: Extract<Series, { node: 'series' }>,
  slots: Slots,
  exemplars: number,
  progress: Progress,
): Promise<TimeSeries[]> {
  const into = measure.node === 'compare' ? new Comparison(measure, slots) : new Collector(measure, slots, MAX_SERIES);
  if (into instanceof Collector && measure.node === 'measure') {
    if (await counted(client, stages, measure, into, { exemplars, maxRows: MAX_ROWS })) return whole(into, progress);
  }
  const run = pipeline(stages);
  const more = measure.node === 'compare' ? [] : [...measure.by, ...(measure.attribute ? [measure.attribute] : [])];
  const ofSpans = measure.node !== 'compare' && isOfSpans(stages, more);
  const end = endOfSlot(slots, slots.count - 1);
  const range = { from: timestamp(slots.startNs), to: timestamp(end + 1_000n) };
  let left = exemplars;
  const search = { needs: needsOfStages(stages), condition: spanCondition(stages), ofSpans, range, first: 200 };
  for await (const batch of inspect(client, search, progress)) {
    for (const { spans } of batch) {
      const within = run(spans).flatMap(({ spans: of }) => of.filter(({ startNs }) => slotOf(slots, startNs) >= 0));
      for (const [i, span] of within.entries()) {
        into.span(span, i === 0 && left > 0);
        if (i === 0) left -= 1;
      }
    }
  }
  return into instanceof Collector ? whole(into, progress) : into.series();
}

function whole(collector: Collector, progress: Progress): TimeSeries[] {
  if (collector.isFull)
    progress.left ??= `There are more than ${MAX_SERIES} series: group by less, or narrow the query.`;
  return collector.series();
}

/** Slots as Tempo aligns them: to multiples of the step, with one more before the start. */
function slotsOf(query: Query, isInstant: boolean): Slots {
  const now = BigInt(Date.now()) * 1_000_000n;
  const sinceText = one(query, 'since');
  const since = sinceText === undefined ? DEFAULT_SINCE_MS : goDurationMs('since', sinceText);
  const end = momentNs('end', one(query, 'end')) ?? now;
  const start = momentNs('start', one(query, 'start')) ?? (end > now ? now : end) - BigInt(Math.round(since * 1e6));
  if (end <= start) throw new BeaconError('usage', 'end is not after start.', 'Swap them.');
  if (isInstant) return { startNs: start, stepNs: end - start, count: 1, isInstant };
  const stepNs = stepOf(one(query, 'step'), start, end);
  const aligned = start - (start % stepNs);
  const from = aligned > stepNs ? aligned - stepNs : aligned;
  const to = end % stepNs === 0n ? end : end + stepNs - (end % stepNs);
  const count = Number((to - from) / stepNs);
  if (count > MAX_SLOTS) {
    throw new BeaconError(
      'usage',
      `That is ${count} points a series.`,
      `Raise step: at most ${MAX_SLOTS} points are answered.`,
    );
  }
  return { startNs: from, stepNs, count, isInstant };
}

function stepOf(text: string | undefined, start: bigint, end: bigint): bigint {
  if (text === undefined) return defaultStep(end - start);
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1_000 : goDurationMs('step', text);
  if (!(ms > 0)) throw new BeaconError('usage', 'step is 0.', 'It must be a duration like 15s, or seconds.');
  return BigInt(Math.round(ms * 1e6));
}

const SECOND = 1_000_000_000n;

/** About 240 points, rounded down to a time people read. */
function defaultStep(length: bigint): bigint {
  const wanted = length / 240n;
  if (length < 60n * SECOND) {
    const grain = 50_000_000n;
    return wanted > grain ? wanted - (wanted % grain) : grain;
  }
  const grain = [3_600n, 300n, 60n, 15n, 5n, 1n].map((s) => s * SECOND).find((each) => wanted > each);
  return grain ? wanted - (wanted % grain) : SECOND;
}

/** Seconds, with or without a fraction, or more than ten digits of nanoseconds, or ISO 8601. */
function momentNs(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}(?:\.\d{1,9})?$/.test(text)) {
    const [whole = '', fraction = ''] = text.split('.');
    return BigInt(whole) * SECOND + BigInt(fraction.padEnd(9, '0') || '0');
  }
  if (/^\d{11,19}$/.test(text)) return BigInt(text);
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    const hint = 'It must be seconds or nanoseconds since 1970, or a time in ISO 8601.';
    throw new BeaconError('usage', `${name} is "${text.slice(0, 50)}".`, hint);
  }
  return BigInt(ms) * 1_000_000n;
}

function answer(series: TimeSeries[], slots: Slots, progress: Progress): object {
  const shown = series
    .filter(({ values }) => values.some((value) => !Number.isNaN(value)))
    .map((each) => ({ each, key: sortKey(each) }))
    .sort((a, b) => a.each.labels.length - b.each.labels.length || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ each }) => (slots.isInstant ? instantShown(each) : rangeShown(each, slots)));
  return {
    series: shown,
    metrics: {
      inspectedTraces: progress.traces,
      completedJobs: progress.left === null ? 1 : 0,
      totalJobs: 1,
    },
    ...(progress.left === null ? {} : { status: 'PARTIAL', message: progress.left }),
  };
}

function sortKey({ labels }: TimeSeries): string {
  return labels.map(({ name, value }) => `${name}\u0000${JSON.stringify(shownValue(value))}`).join('\u0001');
}

function labelsShown({ labels }: Pick<TimeSeries, 'labels'>): object[] {
  return labels.map(({ name, value }) => ({ key: name, value: shownValue(value) }));
}

function instantShown(series: TimeSeries): object {
  return { labels: labelsShown(series), value: number(series.values[0] as number) };
}

function rangeShown(series: TimeSeries, slots: Slots): object {
  const samples = series.values.flatMap((value, slot) =>
    Number.isNaN(value) ? [] : [{ timestampMs: String(endOfSlot(slots, slot) / 1_000_000n), value: number(value) }],
  );
  const exemplars = series.exemplars
    .map((exemplar) => {
      const slot = slotOf(slots, BigInt(exemplar.timestampMs) * 1_000_000n + 1n);
      return {
        ...exemplar,
        value: Number.isNaN(exemplar.value) ? (series.values[slot] ?? Number.NaN) : exemplar.value,
      };
    })
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => a.timestampMs - b.timestampMs);
  return {
    labels: labelsShown(series),
    samples,
    ...(exemplars.length > 0
      ? {
          exemplars: exemplars.map((each) => ({
            labels: labelsShown(each),
            value: number(each.value),
            timestampMs: String(each.timestampMs),
          })),
        }
      : {}),
  };
}

/** JSON has no infinity; protobuf's JSON writes it so. */
function number(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
