// Rows of the tables as OTLP's spans and resources.
import { KEY_VALUE } from './messages.ts';
import type { AnyValue, KeyValue, ResourceSpans, Span, SpanEvent, SpanLink } from './traces.ts';
import { unpack } from './unpack.ts';

/** A span as read-back selects it. */
export interface SpanRecord {
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

export interface ResourceRecord {
  resource_id: string;
  attributes: string;
  scope_name: string | null;
  scope_version: string | null;
  otel: string | null;
}

type Json = Record<string, unknown>;

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

  constructor(row: SpanRecord, of: ResourceSpans) {
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

/** @param row Undefined where the spans have no resource: their service is all that is known then. */
export function resourceSpansOf(row: ResourceRecord | undefined, spans: SpanRecord[], traceId: string): ResourceSpans {
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

/** A log record as read-back selects it. */
export interface LogRecord {
  resource_id: string | null;
  trace_id: string;
  span_id: string | null;
  recorded_us: string;
  recorded_ns: number;
  severity: number;
  severity_text: string | null;
  event_name: string | null;
  body: string | null;
  attributes: string;
  otel: string | null;
  flags: number | null;
  /** As PostgreSQL writes it. */
  recorded_at: string;
  content_hash: string;
}

export interface ResourceLogs {
  resource: Json;
  scopeLogs: { scope: Json; logRecords: Json[]; schemaUrl?: string }[];
  schemaUrl?: string;
}

/** Records of one resource and scope. */
export function resourceLogsOf(row: ResourceRecord | undefined, records: readonly LogRecord[]): ResourceLogs {
  const otel = parsed(row?.otel ?? null);
  return {
    resource: { attributes: row ? attributesIn(row.attributes, undefined) : [] },
    scopeLogs: [
      {
        scope: {
          ...(row?.scope_name ? { name: row.scope_name } : {}),
          ...(row?.scope_version ? { version: row.scope_version } : {}),
          attributes: attributesOf((otel.scope_attributes ?? {}) as Json, undefined),
        },
        logRecords: records.map(logRecordOf),
        ...(otel.scope_schema_url ? { schemaUrl: otel.scope_schema_url as string } : {}),
      },
    ],
    ...(otel.resource_schema_url ? { schemaUrl: otel.resource_schema_url as string } : {}),
  };
}

function logRecordOf(row: LogRecord): Json {
  const otel = parsed(row.otel);
  return {
    timeUnixNano: `${BigInt(row.recorded_us) * 1_000n + BigInt(row.recorded_ns)}`,
    severityNumber: row.severity,
    ...(row.severity_text ? { severityText: row.severity_text } : {}),
    ...(row.body === null ? {} : { body: anyValue(parse(row.body)) }),
    attributes: attributesIn(row.attributes, undefined),
    ...count('droppedAttributesCount', otel.dropped_attributes),
    ...(row.flags ? { flags: row.flags >>> 0 } : {}),
    traceId: row.trace_id,
    ...(row.span_id ? { spanId: row.span_id } : {}),
    ...(row.event_name ? { eventName: row.event_name } : {}),
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
