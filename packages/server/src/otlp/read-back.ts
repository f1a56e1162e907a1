// A trace out of the tables, as the OTLP that went in.
import type pg from 'pg';
import { encodeMessage } from './encode.ts';
import { KEY_VALUE, TRACES } from './messages.ts';
import type { AnyValue, KeyValue, OtlpTraces, ResourceSpans, Span, SpanEvent, SpanLink } from './traces.ts';
import { unpack } from './unpack.ts';

/** Spans read of one trace at once; what is beyond is left out, and said. */
const MAX_SPANS = 100_000;
/** Spans of one part of a trace that is read in parts. */
const PART_SPANS = 10_000;

const COLUMNS = `
select s.resource_id, encode(s.span_id, 'hex') as span_id, encode(s.parent_span_id, 'hex') as parent_span_id, s.service,
  s.operation, s.kind, s.status, ((extract(epoch from s.started_at) * 1000000)::bigint)::text as started_us, s.started_ns,
  s.duration_ms, s.error_message, s.metadata::text, s.events::text, s.links::text, s.trace_state, s.otel::text, s.flags,
  s.started_at::text, replace(s.trace_id::text, '-', '') as trace_id
from beacon.trace_spans s`;

// Asked first and given as values: the planner then leaves out the partitions of other days, which costs more than to ask.
const SUMMARIES = `
select replace(t.trace_id::text, '-', '') as trace_id, t.span_count, t.started_at::text as since, t.active_to::text as until
from beacon.traces t where t.trace_id = any($1::uuid[])`;

const BETWEEN = `${COLUMNS}
where s.trace_id = any($1::uuid[]) and s.started_at between $2::timestamptz and $3::timestamptz
order by s.started_at, s.started_ns, s.span_id
limit $4`;

// In the order of the index of a trace, so that each part is read once.
const PART = `${COLUMNS}
where s.trace_id = $1 and s.started_at between
  coalesce((select t.started_at from beacon.traces t where t.trace_id = $1), '-infinity') and 'infinity'
  and (s.span_id, s.started_at) > (decode($2, 'hex'), $3::timestamptz)
order by s.span_id, s.started_at
limit ${PART_SPANS}`;

const RESOURCES = `
select resource_id, attributes::text, scope_name, scope_version, otel::text
from beacon.trace_resources where resource_id = any ($1::bigint[])`;

interface SpanRecord {
  trace_id: string;
  resource_id: string | null;
  span_id: string;
  parent_span_id: string | null;
  service: string;
  operation: string;
  kind: string;
  status: string;
  started_us: string;
  started_ns: number;
  duration_ms: number | null;
  error_message: string | null;
  metadata: string;
  events: string | null;
  links: string | null;
  trace_state: string | null;
  otel: string | null;
  flags: number | null;
  /** As PostgreSQL writes it. */
  started_at: string;
}

interface ResourceRecord {
  resource_id: string;
  attributes: string;
  scope_name: string | null;
  scope_version: string | null;
  otel: string | null;
}

type Json = Record<string, unknown>;

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
  const known = new Map<string, Summary>();
  for (const row of (await client.query<Summary>(SUMMARIES, [traceIds])).rows) known.set(row.trace_id, row);
  let spans = 0;
  let count = 0;
  for (const id of traceIds) {
    spans += known.get(id.toLowerCase())?.span_count ?? 0;
    if (count > 0 && spans > maxSpans) break;
    count++;
  }
  const chosen = traceIds.slice(0, count);
  const { rows } = await client.query<SpanRecord>(BETWEEN, [chosen, ...rangeOf(chosen, known), MAX_SPANS + 1]);
  const isCut = rows.length > MAX_SPANS;
  const groups = Map.groupBy(rows.slice(0, MAX_SPANS), ({ trace_id }) => trace_id);
  const resources = await resourcesOf(client, rows);
  const found = new Map([...groups].map(([id, of]) => [id, { ...dataOf(resources, id, of), isCut }]));
  return { found, left: traceIds.slice(count) };
}

interface Summary {
  trace_id: string;
  span_count: number;
  since: string;
  until: string | null;
}

/** Within which all spans of these traces start; a trace that did not come through a writer has no summary. */
function rangeOf(ids: string[], known: ReadonlyMap<string, Summary>): [since: string, until: string] {
  const summaries = ids.flatMap((id) => known.get(id.toLowerCase()) ?? []);
  if (summaries.length < ids.length) return ['-infinity', 'infinity'];
  // One format, UTC: they sort as the times do.
  const since = summaries.map((each) => each.since).sort()[0]!;
  const ends = summaries.map(({ until }) => until);
  return [since, ends.includes(null) ? 'infinity' : (ends as string[]).sort().at(-1)!];
}

/** A span by itself, read no further than it is asked. */
export class LooseSpan {
  readonly traceId: string;
  /** Service as the table has it. */
  readonly service: string;
  readonly startNs: bigint;
  /** Nanoseconds; undefined while it has not ended. */
  readonly durationNs: bigint | undefined;
  /** Its resource and scope, shared with other spans. */
  readonly of: ResourceSpans;
  readonly #row: SpanRecord;
  #otel: Json | undefined;

  constructor(row: SpanRecord & { trace_id: string }, of: ResourceSpans) {
    this.#row = row;
    this.of = of;
    this.traceId = row.trace_id;
    this.service = row.service;
    const kept = row.otel === null ? {} : this.#kept();
    const started = BigInt(row.started_us) * 1_000n + BigInt(row.started_ns);
    this.startNs = kept.start_ns === undefined ? started : BigInt(kept.start_ns as string);
    if (kept.end_ns !== undefined) this.durationNs = BigInt(kept.end_ns as string) - this.startNs;
    else if (row.duration_ms !== null) this.durationNs = BigInt(Math.round(row.duration_ms * 1e6));
  }

  get id(): string {
    return this.#row.span_id;
  }

  get parentId(): string | undefined {
    return this.#row.parent_span_id ?? undefined;
  }

  get name(): string {
    return (this.#kept().name as string | undefined) ?? this.#row.operation;
  }

  /** As in OTLP. */
  get kind(): number {
    const { kind } = this.#kept();
    return kind instanceof Digits ? Number(kind.text) : KINDS.indexOf(this.#row.kind);
  }

  get status(): Span['status'] {
    return statusOf(this.#row, this.#kept().status as Json | undefined);
  }

  get attributes(): KeyValue[] {
    return attributesIn(this.#row.metadata, this.#kept().exact);
  }

  get events(): SpanEvent[] {
    return list(this.#row.events).map(eventOf);
  }

  get links(): SpanLink[] {
    return list(this.#row.links).map(linkOf);
  }

  #kept(): Json {
    this.#otel ??= parsed(this.#row.otel);
    return this.#otel;
  }
}

const LOOSE = `
select encode(uuid_send(s.trace_id), 'hex') as trace_id, ${SPANS.slice(SPANS.indexOf('select') + 6, SPANS.indexOf('where'))}`;

/**
 * Spans for which a condition on the span `s` holds, in no order.
 *
 * @param max How many are read.
 * @throws the database's error.
 */
export async function readSpans(
  client: Client,
  { condition, values, max }: { condition: string; values: unknown[]; max: number },
): Promise<LooseSpan[]> {
  const { rows } = await client.query<SpanRecord & { trace_id: string }>(
    `${LOOSE} where ${condition} limit ${Math.round(max)}`,
    values,
  );
  const ids = [...new Set(rows.flatMap(({ resource_id }) => resource_id ?? []))];
  const resources = new Map(
    (await client.query<ResourceRecord>(RESOURCES, [ids])).rows.map((row) => [row.resource_id, row]),
  );
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
  while (last) {
    const after: string[] = [last.span_id, last.started_at];
    const part = await ask(async (client) => {
      const { rows } = await client.query<SpanRecord>(PART, [traceId, ...after]);
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

function resourceSpansOf(row: ResourceRecord | undefined, spans: SpanRecord[], traceId: string): ResourceSpans {
  const otel = parsed(row?.otel ?? null);
  const attributes = row ? attributesOf(parsed(row.attributes), otel.exact) : [text('service.name', spans[0]!.service)];
  return {
    resource: { attributes, ...count('droppedAttributesCount', otel.resource_dropped_attributes) },
    scopeSpans: [
      {
        scope: {
          ...(row?.scope_name ? { name: row.scope_name } : {}),
          ...(row?.scope_version ? { version: row.scope_version } : {}),
          attributes: attributesOf((otel.scope_attributes ?? {}) as Json, otel.scope_exact),
          ...count('droppedAttributesCount', otel.scope_dropped_attributes),
        },
        spans: spans.map((span) => spanOf(span, traceId)),
        ...(otel.scope_schema_url ? { schemaUrl: otel.scope_schema_url as string } : {}),
      },
    ],
    ...(otel.resource_schema_url ? { schemaUrl: otel.resource_schema_url as string } : {}),
  };
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

function spanOf(row: SpanRecord, traceId: string): Span {
  const otel = parsed(row.otel);
  const start = BigInt(row.started_us) * 1_000n + BigInt(row.started_ns);
  const end = row.duration_ms === null ? 0n : start + BigInt(Math.round(row.duration_ms * 1e6));
  return {
    traceId,
    spanId: row.span_id,
    ...(row.trace_state ? { traceState: row.trace_state } : {}),
    ...(row.parent_span_id ? { parentSpanId: row.parent_span_id } : {}),
    name: (otel.name as string | undefined) ?? row.operation,
    kind: otel.kind instanceof Digits ? Number(otel.kind.text) : KINDS.indexOf(row.kind),
    startTimeUnixNano: (otel.start_ns as string) ?? `${start}`,
    endTimeUnixNano: (otel.end_ns as string) ?? `${end}`,
    attributes: attributesIn(row.metadata, otel.exact),
    ...count('droppedAttributesCount', otel.dropped_attributes),
    events: list(row.events).map(eventOf),
    ...count('droppedEventsCount', otel.dropped_events),
    links: list(row.links).map(linkOf),
    ...count('droppedLinksCount', otel.dropped_links),
    status: statusOf(row, otel.status as Json | undefined),
    ...(row.flags ? { flags: row.flags >>> 0 } : {}),
  };
}

function statusOf({ status, error_message }: SpanRecord, kept: Json | undefined): Span['status'] {
  if (kept) {
    return {
      ...(kept.code instanceof Digits ? { code: Number(kept.code.text) } : {}),
      ...(kept.message ? { message: kept.message as string } : {}),
    };
  }
  const failed = status === 'failed' || status === 'timeout';
  return { ...(failed ? { code: 2 } : {}), ...(error_message ? { message: error_message } : {}) };
}

function eventOf(event: Json): SpanEvent {
  return {
    timeUnixNano: event.time as string,
    name: event.name as string,
    attributes: attributesOf((event.attributes ?? {}) as Json, event.exact),
    ...count('droppedAttributesCount', event.dropped_attributes),
  };
}

function linkOf(link: Json): SpanLink {
  return {
    traceId: link.trace_id as string,
    spanId: link.span_id as string,
    ...(link.trace_state ? { traceState: link.trace_state as string } : {}),
    attributes: attributesOf((link.attributes ?? {}) as Json, link.exact),
    ...count('droppedAttributesCount', link.dropped_attributes),
    ...count('flags', link.flags),
  };
}

/**
 * KeyValues of an object as PostgreSQL writes it. Looking at the source of every number is slow, so that is done only
 * where there are numbers within lists, or so large that digits would be lost.
 */
function attributesIn(json: string, exact: unknown): KeyValue[] {
  const found: KeyValue[] = [];
  for (const [key, value] of Object.entries(JSON.parse(json) as Json)) {
    if (typeof value === 'string') found.push({ key, value: { stringValue: value } });
    else if (typeof value === 'boolean') found.push({ key, value: { boolValue: value } });
    else if (typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e15 && value !== 0) {
      // jsonb writes 1.0 as it was given, and never an exponent.
      const isWhole = Number.isInteger(value) && !json.includes(`${JSON.stringify(key)}: ${value}.`);
      found.push({ key, value: isWhole ? { intValue: String(value) } : { doubleValue: value } });
    } else return attributesOf(parsed(json), exact);
  }
  return exact ? attributesOf(parsed(json), exact) : found;
}

/** KeyValues of an object; those JSON could not say all of, as they came. */
function attributesOf(object: Json, exact: unknown): KeyValue[] {
  const found = new Map<string, KeyValue>();
  for (const [key, value] of Object.entries(object)) found.set(key, { key, value: anyValue(value) });
  for (const base64 of (exact ?? []) as string[]) {
    const attribute = unpack(KEY_VALUE, Buffer.from(base64, 'base64'));
    const key = String(attribute.key ?? '');
    found.set(key.replaceAll('\u0000', '\ufffd'), { key, value: (attribute.value as AnyValue | undefined) ?? {} });
  }
  return [...found.values()];
}

function anyValue(value: unknown): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (value instanceof Digits) {
    return /[.eE]/.test(value.text) ? { doubleValue: Number(value.text) } : { intValue: value.text };
  }
  if (value === null) return {};
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  const values = Object.entries(value as Json).map(([key, item]) => ({ key, value: anyValue(item) }));
  return { kvlistValue: { values } };
}

/** A number as it is written: that tells 1 from 1.0, and keeps all digits. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function parsed(text: string | null): Json {
  return text === null ? {} : (parse(text) as Json);
}

function list(text: string | null): Json[] {
  return text === null ? [] : (parse(text) as Json[]);
}

function parse(text: string): unknown {
  return JSON.parse(text, (_key, value, context?: { source?: string }) =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value,
  );
}

function count(name: string, value: unknown): Json {
  return value instanceof Digits ? { [name]: Number(value.text) } : {};
}

function text(key: string, stringValue: string): KeyValue {
  return { key, value: { stringValue } };
}
