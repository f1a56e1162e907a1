// Tempo's search over the operations `search` and `spans`.
import type pg from 'pg';
import { term } from '../../filter/text.ts';
import { type RunOptions, runQuery } from '../../queries/run.ts';
import { BeaconError } from '../../store/errors.ts';
import { countOf, goDurationMs, queryNamed, timeOf } from '../params.ts';
import { tagsAlternative } from './tags.ts';
import { type Alternative, alternativesOf, type TraceRow } from './traceql.ts';

export type Query = Record<string, string | string[] | undefined>;

interface FoundTrace extends TraceRow {
  trace_id: string;
  started_at: string;
  matched_spans: number | null;
}

interface FoundSpan {
  span_id: string;
  service: string;
  operation: string;
  status: string;
  started_at: string;
  duration_ms: number | null;
}

export interface Result {
  traces: object[];
  metrics: { inspectedTraces: number };
  /** Says in words what was left out; for a header. */
  truncated: string | null;
}

const LIMIT = 20;
const MAX_TRACES = 1_000;
const SPANS_PER_SET = 3;
const MAX_SPANS_PER_SET = 100;
const LOOK_BACK = '24h';
/** Traces looked at where a condition is on the trace itself. */
const PAGE = 500;
const MAX_PAGES = 10;
/** Tempo's own words, which Grafana shows. */
const NO_ROOT = '<root span not yet received>';

/**
 * `/api/search`: by `q`, or by `tags`, `minDuration` and `maxDuration`; `start` and `end` in seconds, `limit`, `spss`.
 *
 * @throws BeaconError for what is wrong or not understood.
 */
export async function searchTempo(pool: pg.Pool, query: Query, limits: RunOptions): Promise<Result> {
  const limit = countOf('limit', one(query, 'limit'), LIMIT, MAX_TRACES);
  const spansPerSet = countOf('spss', one(query, 'spss'), SPANS_PER_SET, MAX_SPANS_PER_SET);
  const found = new Map<string, { row: FoundTrace; q: string }>();
  const truncated: string[] = [];
  let inspected = 0;
  for (const alternative of asked(query)) {
    const params = { ...timesOf(query), ...(alternative.q ? { q: alternative.q } : {}) };
    const search = await pages(pool, alternative, params, limit, limits);
    inspected += search.inspected;
    if (search.truncated) truncated.push(search.truncated);
    for (const row of search.rows) if (!found.has(row.trace_id)) found.set(row.trace_id, { row, q: alternative.q });
  }
  const newest = [...found.values()].sort((a, b) => (a.row.started_at < b.row.started_at ? 1 : -1)).slice(0, limit);
  const traces: object[] = [];
  for (const { row, q } of newest) traces.push(await traceOf(pool, row, q, spansPerSet, limits));
  return { traces, metrics: { inspectedTraces: inspected }, truncated: truncated.join(' ') || null };
}

/** Which ways a trace may match. */
function asked(query: Query): Alternative[] {
  const [q, tags] = [one(query, 'q'), one(query, 'tags')];
  if (q && tags) throw new BeaconError('usage', 'q and tags are both given.', 'Give one of them.');
  if (q) return alternativesOf(q);
  const { q: terms, fits } = tagsAlternative(tags ?? '');
  const [least, max] = ['minDuration', 'maxDuration'].map((name) => {
    const text = one(query, name);
    return text === undefined ? undefined : goDurationMs(name, text);
  });
  const conditions = [
    ...(least === undefined ? [] : [({ duration_ms: ms }: TraceRow) => ms !== null && ms >= least]),
    ...(max === undefined ? [] : [({ duration_ms: ms }: TraceRow) => ms !== null && ms <= max]),
  ];
  return [{ q: terms, fits: [...fits, ...conditions] }];
}

/** Start and end, or the last day. */
export function timesOf(query: Query): { from: string; to?: string } {
  const [start, end] = [one(query, 'start'), one(query, 'end')];
  return {
    from: start ? timeOf('start', start, 1) : LOOK_BACK,
    // The end is exclusive, and whoever asks means the whole of that second.
    ...(end ? { to: timeOf('end', String(Number(end) + 1), 1) } : {}),
  };
}

/** Conditions on the trace itself are looked at here, page by page. */
async function pages(pool: pg.Pool, { fits }: Alternative, params: object, limit: number, limits: RunOptions) {
  const size = fits.length === 0 ? limit : PAGE;
  const rows: FoundTrace[] = [];
  let inspected = 0;
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await runQuery(
      pool,
      queryNamed('search'),
      { ...params, limit: size, ...(after && { after }) },
      limits,
    );
    inspected += answer.rows.length;
    const all = answer.rows as unknown as FoundTrace[];
    rows.push(...all.filter((row) => fits.every((fit) => fit(row))));
    after = answer.next;
    if (rows.length >= limit || after === null || fits.length === 0) {
      const truncated = fits.length === 0 || rows.length > limit ? answer.truncated : null;
      return { rows: rows.slice(0, limit), inspected, truncated };
    }
  }
  const truncated = `Conditions on whole traces were checked on the newest ${inspected} traces only.`;
  return { rows, inspected, truncated };
}

async function traceOf(
  pool: pg.Pool,
  row: FoundTrace,
  q: string,
  spansPerSet: number,
  limits: RunOptions,
): Promise<object> {
  const within = [q, term('trace', '=', row.trace_id)].filter(Boolean).join(' ');
  const params = { q: within, from: row.started_at, limit: spansPerSet };
  const { rows } = await runQuery(pool, queryNamed('spans'), params, limits);
  const spans = (rows as unknown as FoundSpan[]).map((span) => ({
    spanID: span.span_id,
    name: span.operation,
    startTimeUnixNano: nanoseconds(span.started_at),
    durationNanos: String(Math.round((span.duration_ms ?? 0) * 1e6)),
    attributes: [
      { key: 'service.name', value: { stringValue: span.service } },
      { key: 'status', value: { stringValue: statusOf(span.status) } },
    ],
  }));
  const set = { spans, matched: row.matched_spans ?? spans.length };
  return {
    traceID: row.trace_id.replaceAll('-', ''),
    rootServiceName: row.root_service ?? NO_ROOT,
    rootTraceName: row.root_operation ?? NO_ROOT,
    startTimeUnixNano: nanoseconds(row.started_at),
    durationMs: Math.round(row.duration_ms ?? 0),
    // Older clients read the one, newer ones the other.
    spanSet: set,
    spanSets: [set],
  };
}

function statusOf(status: string): string {
  return status === 'completed' || status === 'started' ? 'unset' : 'error';
}

/** Nanoseconds since the epoch of a time in ISO 8601 with microseconds. */
function nanoseconds(iso: string): string {
  const [, fraction = ''] = /\.(\d+)/.exec(iso) ?? [];
  const seconds = BigInt(Math.floor(Date.parse(iso) / 1_000));
  return `${seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))}`;
}

/** The first value of a parameter; undefined where it is missing or empty. */
export function one(query: Query, name: string): string | undefined {
  return [query[name] ?? []].flat()[0] || undefined;
}
