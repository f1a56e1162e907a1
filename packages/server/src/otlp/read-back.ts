// A trace out of the tables, as the OTLP that went in.
import type pg from 'pg';
import { encodeMessage } from './encode.ts';
import { TRACES } from './messages.ts';
import { LooseSpan, type ResourceRecord, resourceSpansOf, type SpanRecord } from './records.ts';
import type { OtlpTraces, ResourceSpans } from './traces.ts';

/** Spans read of one trace at once; what is beyond is left out, and said. */
const MAX_SPANS = 100_000;
/** Spans of one part of a trace that is read in parts. */
const PART_SPANS = 10_000;

const COLUMNS = `
select s.resource_id, encode(s.span_id, 'hex') as span_id, encode(s.parent_span_id, 'hex') as parent_span_id, s.service,
  s.operation, s.kind, s.status, ((extract(epoch from s.started_at) * 1000000)::bigint)::text as started_us, s.started_ns,
  s.duration_ms, s.error_message, s.metadata::text, s.events::text, s.links::text, s.trace_state, s.otel::text, s.flags,
  s.started_at::text, replace(s.trace_id::text, '-', '') as trace_id`;

const SUMMARIES = `
select replace(t.trace_id::text, '-', '') as trace_id, t.span_count from beacon.traces t where t.trace_id = any($1::uuid[])`;

/** In the order of their start. */
const OF_TRACES = `${COLUMNS} from beacon.spans_of_traces($1::uuid[], $2::integer) s`;

// In the order of the index of a trace, so that each part is read once.
const NEXT = `(s.span_id, s.started_at) > (decode($2, 'hex'), $3::timestamptz) order by s.span_id, s.started_at limit ${PART_SPANS}`;
const PART = `
with stored as materialized (
  select s.* from beacon.trace_spans s
  where s.trace_id = $1::uuid and s.started_at >= coalesce($4::timestamptz, '-infinity') and ${NEXT})
${COLUMNS}
from (
  select x.* from stored x
  union all
  select a.* from beacon.archived_spans(array[$1::uuid], coalesce($4::timestamptz, '-infinity')) a) s
-- With a table of the coordinator nothing but the spans is asked of a worker.
left join beacon.traces own on own.trace_id = $1::uuid
where ${NEXT}`;

export const RESOURCES = `
select resource_id, attributes::text, scope_name, scope_version, otel::text
from beacon.trace_resources where resource_id = any ($1::bigint[])`;

export interface TraceData {
  traces: OtlpTraces;
  json(): string;
  protobuf(): Buffer;
  spans: number;
}

/** A connection, or what asks on one. */
type Client = Pick<pg.Pool, 'query'>;

export interface CutTraceData extends TraceData {
  /** Whether there are more spans than were read. */
  isCut: boolean;
}

/**
 * Reads the first 100,000 spans of a trace as OTLP's TracesData; undefined when there is none.
 *
 * @param traceId 32 hexadecimal digits.
 * @throws the database's error.
 */
export async function readTrace(client: Client, traceId: string): Promise<CutTraceData | undefined> {
  const { found } = await readTraces(client, [traceId], MAX_SPANS);
  return found.get(traceId.toLowerCase());
}

export interface FoundTraces {
  /** By id, in lower case. */
  found: Map<string, CutTraceData>;
  /** Ids that were not read because those before them have as many spans as were asked for; in order. */
  left: string[];
}

/**
 * Reads several traces at once, in the order given, until they have more spans than `maxSpans`; the first is read whatever
 * it has, but for what is beyond its first 100,000 spans.
 *
 * @param traceIds 32 hexadecimal digits each.
 * @throws the database's error.
 */
export async function readTraces(client: Client, traceIds: string[], maxSpans: number): Promise<FoundTraces> {
  const chosen = traceIds.length > 1 ? await within(client, traceIds, maxSpans) : traceIds;
  const { rows } = await client.query<SpanRecord>(OF_TRACES, [chosen, MAX_SPANS + 1]);
  const isCut = rows.length > MAX_SPANS;
  const groups = Map.groupBy(rows.slice(0, MAX_SPANS), ({ trace_id }) => trace_id);
  const resources = await resourcesOf(client, rows);
  const found = new Map([...groups].map(([id, of]) => [id, { ...dataOf(resources, id, of), isCut }]));
  return { found, left: traceIds.slice(chosen.length) };
}

/** The first of these traces, as many as have no more spans than that together; at least one. */
async function within(client: Client, traceIds: string[], maxSpans: number): Promise<string[]> {
  const { rows } = await client.query<{ trace_id: string; span_count: number }>(SUMMARIES, [traceIds]);
  const known = new Map(rows.map(({ trace_id, span_count }) => [trace_id, span_count]));
  let spans = 0;
  const count = traceIds.findIndex((id, i) => {
    spans += known.get(id.toLowerCase()) ?? 0;
    return i > 0 && spans > maxSpans;
  });
  return count < 0 ? traceIds : traceIds.slice(0, count);
}

/**
 * Spans of traces that started in a time and for which a condition on the span `s` holds, in no order.
 *
 * @param traces Expression of their ids, a uuid[]; `since` of a timestamptz.
 * @param max How many are read.
 * @throws the database's error.
 */
export async function readSpans(
  client: Client,
  ask: { traces: string; since: string; condition: string; values: unknown[]; max: number },
): Promise<LooseSpan[]> {
  const { rows } = await client.query<SpanRecord>(
    `${COLUMNS} from beacon.spans_of(${ask.traces}, ${ask.since}) s where ${ask.condition} limit ${Math.round(ask.max)}`,
    ask.values,
  );
  const resources = await resourcesOf(client, rows);
  const shared = new Map<string, ResourceSpans>();
  return rows.map((row) => {
    const key = row.resource_id ?? `service ${row.service}`;
    const of = shared.get(key) ?? resourceSpansOf(resources.get(row.resource_id ?? ''), [row], row.trace_id);
    shared.set(key, of);
    return new LooseSpan(row, of);
  });
}

/**
 * Reads a trace of any size in parts of 10,000 spans, each by a statement of its own. A smaller trace is one part, in the
 * order of time. Parts say the resources of their own spans.
 *
 * @param ask Runs what it is given with a connection, which it may take away between two parts.
 * @param traceId 32 hexadecimal digits.
 * @throws the database's error.
 */
export async function* readTraceInParts(
  ask: <T>(work: (client: Client) => Promise<T>) => Promise<T>,
  traceId: string,
): AsyncGenerator<TraceData> {
  let last: { span_id: string; started_at: string } | undefined = { span_id: '', started_at: '-infinity' };
  const since = await ask(async (client) => {
    const { rows } = await client.query('select started_at::text from beacon.traces where trace_id = $1::uuid', [
      traceId,
    ]);
    return rows[0]?.started_at ?? null;
  });
  while (last) {
    const after: string[] = [last.span_id, last.started_at];
    const part = await ask(async (client) => {
      const { rows } = await client.query<SpanRecord>(PART, [traceId, ...after, since]);
      const end = rows.length === PART_SPANS ? rows.at(-1) : undefined;
      const data =
        rows.length > 0 ? dataOf(await resourcesOf(client, rows), traceId, rows.toSorted(byStart)) : undefined;
      return { data, end };
    });
    if (part.data) yield part.data;
    last = part.end;
  }
}

function byStart(a: SpanRecord, b: SpanRecord): number {
  const us = BigInt(a.started_us) - BigInt(b.started_us);
  return us === 0n ? a.started_ns - b.started_ns || (a.span_id < b.span_id ? -1 : 1) : us < 0n ? -1 : 1;
}

async function resourcesOf(client: Client, spans: SpanRecord[]): Promise<Map<string, ResourceRecord>> {
  const ids = [...new Set(spans.flatMap(({ resource_id }) => resource_id ?? []))];
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<ResourceRecord>(RESOURCES, [ids]);
  return new Map(rows.map((row) => [row.resource_id, row]));
}

function dataOf(resources: ReadonlyMap<string, ResourceRecord>, traceId: string, spans: SpanRecord[]): TraceData {
  const groups = Map.groupBy(spans, ({ resource_id, service }) => resource_id ?? service);
  const resourceSpans = [...groups.values()].map((of) =>
    resourceSpansOf(resources.get(of[0]!.resource_id ?? ''), of, traceId.toLowerCase()),
  );
  const traces: OtlpTraces = { resourceSpans };
  return {
    traces,
    // Of all numbers, only a double may be minus nothing; JSON.stringify would drop its sign.
    json: () => JSON.stringify(traces, (_key, value) => (Object.is(value, -0) ? JSON_RAW.rawJSON('-0') : value)),
    protobuf: () => encodeMessage(TRACES, traces).bytes,
    spans: spans.length,
  };
}

// Known to Node 22 and newer, not yet to TypeScript.
const JSON_RAW = JSON as unknown as { rawJSON(text: string): unknown };
