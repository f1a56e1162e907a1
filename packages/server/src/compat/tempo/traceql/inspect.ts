// Looks at traces one batch after the other: reads their spans, puts them in their trees, runs a query on them.
import type pg from 'pg';
import { Bindings } from '../../../filter/sql.ts';
import { readSpans } from '../../../otlp/read-back.ts';
import type { Field, Intrinsic, Stage } from './ast.ts';
import { type Candidate, candidates, needsSql, type Range } from './candidates.ts';
import { type TraceFacts, TraceSpan } from './model.ts';
import type { Needs } from './needs.ts';
import { filtersOf } from './spansets.ts';
import { factsOf, placeSpans } from './tree.ts';

/** Spans read for one request; what is beyond is left out, and said. */
const MAX_SPANS = 400_000;
const SPANS_AT_ONCE = 20_000;
const LOOK_FOR_MS = 10_000;

/** Intrinsics that only the whole trace tells. */
const OF_THE_TRACE = new Set<Intrinsic>([
  'rootName',
  'rootServiceName',
  'traceDuration',
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
  'span:childCount',
]);

/** Whether one filter begins the pipeline and nothing in it looks beyond the span. */
export function isOfSpans(stages: Stage[], more: Field[] = []): boolean {
  const [first, ...rest] = stages;
  if (first?.node !== 'filter' || rest.some(({ node }) => node === 'operation' || node === 'pipeline')) return false;
  return ![...filtersOf(stages), ...more].some(refersToTrace);
}

function refersToTrace(field: Field): boolean {
  switch (field.node) {
    case 'intrinsic':
      return OF_THE_TRACE.has(field.name);
    case 'binary':
      return refersToTrace(field.left) || refersToTrace(field.right);
    case 'unary':
    case 'exists':
      return refersToTrace(field.operand);
    default:
      return false;
  }
}

export interface Inspected {
  facts: TraceFacts;
  spans: TraceSpan[];
}

export interface Search {
  needs: Needs;
  /** What SQL says of the spans looked for; of one filter only. */
  condition?: ((bind: Bindings) => string | undefined) | undefined;
  ofSpans: boolean;
  range: Range;
  /** Traces in the first batch. */
  first: number;
}

export interface Progress {
  traces: number;
  spans: number;
  /** What was not looked at, in words; null when all was. */
  left: string | null;
}

/**
 * Traces of a stretch of time with the spans a query needs: all of a trace, or, where `ofSpans`, at least those that meet
 * its needs. `progress` is up to date whenever a batch is handed out, and says at the end what was left out.
 */
export async function* inspect(
  client: pg.PoolClient,
  { needs, condition, ofSpans, range, first }: Search,
  progress: Progress,
): AsyncGenerator<Inspected[]> {
  const until = Date.now() + LOOK_FOR_MS;
  const size = { traces: first };
  for await (const found of candidates(client, needs, condition, range, first)) {
    for (const batch of batchesOf(found, size)) {
      if (progress.spans >= MAX_SPANS || Date.now() > until) {
        progress.left = `Only ${progress.traces} traces were looked at, the newest first, none that began before ${batch[0]?.started_at}: narrow the time or the query.`;
        return;
      }
      yield await read(client, batch, { needs, condition, ofSpans }, progress);
    }
  }
}

/** Ever more traces at once, for the first ones may be enough; `size` grows with each batch. */
function* batchesOf(found: Candidate[], size: { traces: number }): Generator<Candidate[]> {
  let batch: Candidate[] = [];
  let spans = 0;
  for (const candidate of found) {
    const isFull = batch.length >= size.traces || spans + candidate.span_count > SPANS_AT_ONCE;
    if (batch.length > 0 && isFull) {
      yield batch;
      size.traces *= 2;
      batch = [];
      spans = 0;
    }
    batch.push(candidate);
    spans += candidate.span_count;
  }
  if (batch.length > 0) yield batch;
}

async function read(
  client: pg.PoolClient,
  batch: Candidate[],
  { needs, condition: more, ofSpans }: Pick<Search, 'needs' | 'condition' | 'ofSpans'>,
  progress: Progress,
): Promise<Inspected[]> {
  const bind = new Bindings();
  const least = batch.map(({ started_at: at }) => at).sort()[0];
  const narrow = ofSpans ? [needs && `(${needsSql(needs, bind)})`, more?.(bind)].filter((sql) => sql) : [];
  const condition = narrow.join(' and ') || 'true';
  const ids = batch.map(({ id }) => id);
  const traces = bind.add(ids, 'uuid[]');
  const since = bind.add(least, 'timestamptz');
  const max = MAX_SPANS - progress.spans;
  const loose = await readSpans(client, { traces, since, condition, values: bind.values, max: max + 1 });
  progress.traces += batch.length;
  progress.spans += loose.length;
  const byTrace = Map.groupBy(loose, ({ traceId }) => traceId);
  const inspected: Inspected[] = [];
  for (const candidate of batch) {
    const spans = (byTrace.get(candidate.id) ?? []).map((each) => new TraceSpan(each));
    if (loose.length > max && spans.length < candidate.span_count) {
      progress.left = `Trace ${candidate.id} has ${candidate.span_count} spans, too many to look at with the others.`;
      continue;
    }
    spans.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : a.id < b.id ? -1 : 1));
    if (!ofSpans) placeSpans(spans);
    const facts = ofSpans ? summaryOf(candidate) : factsOf(candidate.id, spans);
    for (const span of spans) span.trace = facts;
    if (spans.length > 0) inspected.push({ facts, spans });
  }
  return inspected;
}

function summaryOf({ id, started_at, completed_at, root_service, root_operation }: Candidate): TraceFacts {
  const startNs = nanoseconds(started_at);
  return {
    id,
    startNs,
    durationNs: completed_at === null ? 0n : nanoseconds(completed_at) - startNs,
    rootService: root_service ?? '',
    rootName: root_operation ?? '',
  };
}

/** Nanoseconds since the epoch of a time in ISO 8601 with microseconds. */
function nanoseconds(iso: string): bigint {
  const [, fraction = ''] = /\.(\d+)/.exec(iso) ?? [];
  const seconds = BigInt(Math.floor(Date.parse(iso) / 1_000));
  return seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
