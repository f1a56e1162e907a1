// Tempo's search: by TraceQL, or by tags and durations.
import type pg from 'pg';
import { type RunOptions, readOnly } from '../../queries/run.ts';
import { BeaconError } from '../../store/errors.ts';
import { countOf, goDurationMs, timeOf } from '../params.ts';
import { tagsQuery } from './tags.ts';
import type { AttributeNode, Field, Stage } from './traceql/ast.ts';
import type { Range } from './traceql/candidates.ts';
import { filter } from './traceql/evaluate.ts';
import { inspect, isOfSpans, type Progress } from './traceql/inspect.ts';
import type { TraceFacts, TraceSpan } from './traceql/model.ts';
import { needsOfStages } from './traceql/needs.ts';
import { parseTraceQl } from './traceql/parse.ts';
import { filtersOf, pipeline, type Spanset } from './traceql/spansets.ts';
import { spanCondition } from './traceql/sql.ts';
import { shownValue } from './values.ts';

export type Query = Record<string, string | string[] | undefined>;

export interface Result {
  traces: object[];
  metrics: object;
  /** What was not looked at, in words. */
  warnings?: string[];
}

const LIMIT = 20;
const MAX_TRACES = 1_000;
const SPANS_PER_SET = 3;
const MAX_SPANS_PER_SET = 1_000;
const LOOK_BACK_MS = 24 * 3_600_000;
/** Tempo's own words, which Grafana shows. */
const NO_ROOT = '<root span not yet received>';

/**
 * `/api/search`: by `q`, or by `tags`, `minDuration` and `maxDuration`; `start` and `end` in seconds, `limit`, `spss`.
 *
 * @throws BeaconError for what is wrong.
 */
export async function searchTempo(pool: pg.Pool, query: Query, limits: RunOptions): Promise<Result> {
  const limit = positive('limit', one(query, 'limit'), LIMIT, MAX_TRACES);
  const spss = one(query, 'spss');
  const spansPerSet = countOf(
    'spss',
    spss === '0' ? String(MAX_SPANS_PER_SET) : spss,
    SPANS_PER_SET,
    MAX_SPANS_PER_SET,
  );
  const stages = stagesAsked(query);
  const range = rangeOf(query);
  const progress: Progress = { traces: 0, spans: 0, left: null };
  const found: Array<{ facts: TraceFacts; sets: Spanset[] }> = [];
  const run = pipeline(stages);
  const ofSpans = isOfSpans(stages);
  const traces = await readOnly(pool, limits, async ({ client }) => {
    const search = { needs: needsOfStages(stages), condition: spanCondition(stages), ofSpans, range, first: 2 * limit };
    for await (const batch of inspect(client, search, progress)) {
      for (const { facts, spans } of batch) {
        const sets = run(spans);
        if (sets.length > 0) found.push({ facts, sets });
      }
      if (found.length >= limit) break;
    }
    const newest = found.sort((a, b) => (a.facts.startNs < b.facts.startNs ? 1 : -1)).slice(0, limit);
    const stats = await serviceStats(client, newest, range);
    const shown = attributesShown(stages);
    return newest.map(({ facts, sets }) => traceShown(facts, sets, stats.get(facts.id), shown, spansPerSet));
  });
  return {
    traces,
    metrics: {
      inspectedTraces: progress.traces,
      inspectedSpans: String(progress.spans),
      completedJobs: progress.left === null ? 1 : 0,
      totalJobs: 1,
    },
    ...(progress.left === null ? {} : { warnings: [progress.left] }),
  };
}

function positive(name: string, text: string | undefined, otherwise: number, max: number): number {
  if (text !== undefined && /^0+$/.test(text))
    throw new BeaconError('usage', `${name} is 0.`, 'It must be at least 1.');
  return countOf(name, text, otherwise, max);
}

function stagesAsked(query: Query): Stage[] {
  const [q, tags] = [one(query, 'q'), one(query, 'tags')];
  if (q && tags) throw new BeaconError('usage', 'q and tags are both given.', 'Give one of them.');
  if (q) {
    const parsed = parseTraceQl(q);
    if (parsed.kind === 'search') return parsed.stages;
    throw new BeaconError('usage', 'This TraceQL query asks for metrics.', 'Send it to /api/metrics/query_range.');
  }
  const [minMs, maxMs] = ['minDuration', 'maxDuration'].map((name) => {
    const text = one(query, name);
    return text === undefined ? undefined : goDurationMs(name, text);
  });
  if (minMs !== undefined && maxMs !== undefined && minMs > maxMs) {
    throw new BeaconError('usage', 'minDuration is more than maxDuration.', 'Swap them.');
  }
  return tagsQuery(tags ?? '', minMs, maxMs);
}

/** Start and end, or the last day. */
export function rangeOf(query: Query): Range {
  const [start, end] = [one(query, 'start'), one(query, 'end')];
  // The end is exclusive, and the whole of that second is asked for.
  const to = end ? timeOf('end', String(Number(end) + 1), 1) : new Date(Date.now() + 3_600_000).toISOString();
  const from = start
    ? timeOf('start', start, 1)
    : new Date((end ? Date.parse(to) : Date.now()) - LOOK_BACK_MS).toISOString();
  if (start && end && Number(start) > Number(end)) throw new BeaconError('usage', 'start is after end.', 'Swap them.');
  return { from, to };
}

/** The same for queries of the registry. */
export function timesOf(query: Query): { from: string; to?: string } {
  const { from, to } = rangeOf(query);
  return { from, ...(one(query, 'end') ? { to } : {}) };
}

interface ServiceStats {
  spanCount: number;
  errorCount?: number;
}

/** Spans and errors by service of each trace. */
async function serviceStats(client: pg.PoolClient, found: Array<{ facts: TraceFacts }>, { from }: Range) {
  const ids = found.map(({ facts }) => facts.id);
  const stats = new Map<string, Record<string, ServiceStats>>();
  if (ids.length === 0) return stats;
  const { rows } = await client.query(
    `select encode(uuid_send(s.trace_id), 'hex') as id, s.service, count(*)::integer as spans,
      (count(*) filter (where s.status in ('failed', 'timeout', 'lost')))::integer as errors
    from beacon.spans_of($1::uuid[], $2::timestamptz - interval '1 day') s
    group by s.trace_id, s.service`,
    [ids, from],
  );
  for (const { id, service, spans, errors } of rows) {
    const of = stats.get(id) ?? {};
    of[service] = { spanCount: spans, ...(errors > 0 ? { errorCount: errors } : {}) };
    stats.set(id, of);
  }
  return stats;
}

interface Shown {
  attribute: AttributeNode;
  /** Values that no comparison of the query is about are not shown. */
  isAbout: (span: TraceSpan) => boolean;
}

const NOT_SHOWN = new Set(['name', 'duration', 'traceDuration', 'rootServiceName', 'rootName', 'trace:id', 'span:id']);

/** Attributes a query names: Tempo shows them with each span. */
function attributesShown(stages: Stage[]): Shown[] {
  const found = new Map<string, { attribute: AttributeNode; tests: Array<(span: TraceSpan) => boolean> }>();
  const add = (attribute: AttributeNode, test: (span: TraceSpan) => boolean) => {
    if (attribute.node === 'intrinsic' && NOT_SHOWN.has(attribute.name)) return;
    const key = attribute.node === 'attribute' ? `${attribute.scope}.${attribute.name}` : attribute.name;
    const known = found.get(key) ?? { attribute, tests: [] };
    known.tests.push(test);
    found.set(key, known);
  };
  const visit = (field: Field): void => {
    switch (field.node) {
      case 'literal':
        return;
      case 'attribute':
      case 'intrinsic':
        add(field, () => true);
        return;
      case 'binary': {
        const { operator, left, right } = field;
        const attribute = right.node === 'literal' ? left : left.node === 'literal' ? right : undefined;
        if (attribute?.node === 'attribute' || attribute?.node === 'intrinsic') {
          add(attribute, operator === '&&' || operator === '||' ? () => true : filter(field));
          return;
        }
        visit(left);
        visit(right);
        return;
      }
      default:
        visit(field.operand);
    }
  };
  for (const field of filtersOf(stages)) visit(field);
  return [...found.values()].map(({ attribute, tests }) => ({
    attribute,
    isAbout: (span) => tests.some((test) => test(span)),
  }));
}

function traceShown(
  facts: TraceFacts,
  sets: Spanset[],
  stats: Record<string, ServiceStats> | undefined,
  shown: Shown[],
  spansPerSet: number,
): object {
  const spanSets = sets.map(({ spans, attributes }) => ({
    spans: spans.slice(0, spansPerSet).map((span) => spanShown(span, shown)),
    matched: spans.length,
    ...(attributes.length > 0
      ? { attributes: attributes.map(([key, value]) => ({ key, value: shownValue(value) })) }
      : {}),
  }));
  return {
    traceID: facts.id,
    rootServiceName: facts.rootService || NO_ROOT,
    rootTraceName: facts.rootName || NO_ROOT,
    startTimeUnixNano: String(facts.startNs),
    durationMs: Number(facts.durationNs / 1_000_000n),
    // Older clients read the one, newer ones the other.
    spanSet: spanSets[0],
    spanSets,
    ...(stats ? { serviceStats: stats } : {}),
  };
}

function spanShown(span: TraceSpan, shown: Shown[]): object {
  const attributes = shown.flatMap(({ attribute, isAbout }) => {
    const value = span.value(attribute);
    if (value.type === 'nil' || !isAbout(span)) return [];
    return [{ key: attribute.name, value: shownValue(value) }];
  });
  return {
    spanID: span.id,
    name: span.name,
    startTimeUnixNano: String(span.startNs),
    durationNanos: String(span.durationNs ?? 0n),
    ...(attributes.length > 0 ? { attributes } : {}),
  };
}

/** The first value of a parameter; undefined where it is missing or empty. */
export function one(query: Query, name: string): string | undefined {
  return [query[name] ?? []].flat()[0] || undefined;
}
