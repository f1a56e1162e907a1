// Traces out of the tables, for this API.
import type pg from 'pg';
import { type CutTraceData, readTraces } from '../../otlp/read-back.ts';
import type { OtlpTraces, Span } from '../../otlp/traces.ts';
import { type RunOptions, readOnly } from '../../queries/run.ts';
import { type JaegerTrace, jaegerTrace, type Mark, markOf } from './model.ts';

export interface Read extends CutTraceData {
  traceId: string;
  marks: Map<string, Mark>;
}

/** Spans of an answer with several traces at most, some 100 MB of JSON; a single trace comes whole. */
export const MAX_SPANS = 50_000;

/** @param span A span_fact. */
const markSql = (span: string) => `json_build_object('span_id', encode(${span}.span_id, 'hex'),
  'started_us', ((extract(epoch from ${span}.started_at) * 1000000)::bigint)::text, 'skew_ms', ${span}.skew_ms,
  'so_far_ms', case when ${span}.ended then null else ${span}.duration_ms end, 'note',
  beacon.span_note(${span}.is_orphan, ${span}.skew_ms, ${span}.status, ${span}.duration_ms))`;

/** Open spans and orphans, and whether clocks contradict each other: only then the whole tree has to be built. */
const FACTS = `
with facts as materialized (select t from beacon.trace_facts($1) t)
select beacon.clock_offsets(array(select f.t from facts f)) <> '{}' as clocks_differ,
  coalesce((select json_agg(${markSql('(f.t)')}) from facts f where not (f.t).ended or (f.t).is_orphan), '[]') as marks`;

const TREE = `
select coalesce(json_agg(${markSql('t')}), '[]') as marks
from beacon.trace_tree($1) t
where t.skew_ms <> 0 or not t.ended or t.is_orphan`;

interface MarkRow {
  span_id: string;
  started_us: string;
  skew_ms: number;
  so_far_ms: number | null;
  note: string | null;
}

export interface ReadMany {
  /** In the order asked for. */
  read: Read[];
  missing: string[];
  /** How many were left out because those before them have as many spans as one answer should hold. */
  left: number;
}

/**
 * Traces with all their spans, in one transaction.
 *
 * @param traceIds 32 hexadecimal digits each.
 * @param raw Leaves clocks as they were.
 */
export function readMany(pool: pg.Pool, traceIds: string[], raw: boolean, limits: RunOptions): Promise<ReadMany> {
  return readOnly(pool, limits, ({ client }) => readIn(client, traceIds, raw));
}

/** The same within a transaction that has found out which. */
export async function readIn(client: pg.ClientBase, traceIds: string[], raw: boolean): Promise<ReadMany> {
  const { found, left } = await readTraces(client, traceIds, MAX_SPANS);
  const read: Read[] = [];
  for (const [traceId, trace] of found) {
    const marks = raw || !mayNeedMarks(trace.traces) ? [] : await marksOf(client, traceId);
    read.push({ ...trace, traceId, marks: new Map(marks) });
  }
  const place = new Map(traceIds.map((id, i) => [id, i]));
  read.sort((a, b) => place.get(a.traceId)! - place.get(b.traceId)!);
  const missing = traceIds.slice(0, traceIds.length - left.length).filter((id) => !found.has(id));
  return { read, missing, left: left.length };
}

/**
 * Whether a span is open, an orphan, or at a time at which its caller's clock says it cannot have been: what marks are
 * about, and the database decides. Most traces have none of it, and are spared the question.
 */
function mayNeedMarks({ resourceSpans }: OtlpTraces): boolean {
  const placed = new Map<string, { span: Span; service: string }>();
  const spans = resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ span, service })));
  });
  for (const each of spans) {
    if (each.span.endTimeUnixNano === '0' || placed.has(each.span.spanId)) return true;
    placed.set(each.span.spanId, each);
  }
  return spans.some(({ span, service }) => {
    if (!span.parentSpanId) return false;
    const parent = placed.get(span.parentSpanId);
    if (!parent) return true;
    if (span.kind !== SERVER || parent.service === service) return false;
    const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
    const [from, to] = [BigInt(parent.span.startTimeUnixNano), BigInt(parent.span.endTimeUnixNano)];
    return start < from || (end > to + ENDS_LATER_NS && end - start <= to - from);
  });
}

/** A server that ends less than 50 ms after its caller proves nothing (see clock_offsets); times there are rounded. */
const ENDS_LATER_NS = 49_900_000n;

/** As OTLP numbers the kinds. */
const SERVER = 2;

async function marksOf(client: pg.ClientBase, traceId: string): Promise<Array<[string, Mark]>> {
  const facts = await client.query(FACTS, [traceId]);
  const { rows } = facts.rows[0].clocks_differ ? await client.query(TREE, [traceId]) : facts;
  return (rows[0].marks as MarkRow[]).map(({ span_id, started_us, skew_ms, so_far_ms, note }) => [
    markOf(span_id, started_us),
    { skewMs: skew_ms, soFarMs: so_far_ms ?? undefined, note },
  ]);
}

export function jaegerOf({ traceId, traces, marks, spans, isCut }: Read): JaegerTrace {
  const warnings = isCut ? [`Only the first ${spans} spans of this trace are here.`] : [];
  return jaegerTrace(traceId, traces, marks, warnings);
}

/** The answer of version 3, as JSON: OTLP, wrapped as a gateway of gRPC does it. */
export function combined(read: readonly Read[]): string {
  // Each is an object with the one member resourceSpans; its text keeps what JSON.stringify would lose.
  const parts = read.map((trace) => trace.json().slice('{"resourceSpans":['.length, -']}'.length));
  return `{"result":{"resourceSpans":[${parts.join(',')}]}}`;
}
