// The JSON of Jaeger's query API as OTLP, for traces that were saved from there.
import type { AnyValue, KeyValue, OtlpTraces, Span, SpanLink } from './traces.ts';

type Json = Record<string, unknown>;

/** Tags that are fields in OTLP. */
const FIELDS = new Set([
  'span.kind',
  'error',
  'otel.status_code',
  'otel.status_description',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
  'w3c.tracestate',
]);
const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

/** Whether it is an answer of `/api/traces`, or one trace of it. */
export function isJaeger(json: Json): boolean {
  return Array.isArray(json.data) || (Array.isArray(json.spans) && typeof json.processes === 'object');
}

/** What is not a span is left for the decoder to refuse, by its place in the file. */
export function fromJaeger(json: Json): OtlpTraces {
  const traces = Array.isArray(json.data) ? (json.data as Json[]) : [json];
  return { resourceSpans: traces.flatMap(resourcesOf) };
}

function resourcesOf(trace: Json): OtlpTraces['resourceSpans'] {
  const processes = (trace.processes ?? {}) as Record<string, Json>;
  const groups = Map.groupBy((trace.spans ?? []) as Json[], ({ processID, tags }) => {
    const { name, version } = scopeOf(tagsOf(tags));
    return JSON.stringify([processID, name, version]);
  });
  return [...groups.values()].map((spans) => {
    const process = processes[String(spans[0]?.processID)] ?? {};
    const name = { key: 'service.name', value: { stringValue: String(process.serviceName ?? 'unknown_service') } };
    const resource = { attributes: [name, ...tagsOf(process.tags).map(attribute)] };
    const scope = { ...scopeOf(tagsOf(spans[0]?.tags)), attributes: [] };
    return { resource, scopeSpans: [{ scope, spans: spans.map(spanOf) }] };
  });
}

function spanOf(span: Json): Span {
  const tags = tagsOf(span.tags);
  const value = (key: string) => tags.find((tag) => tag.key === key)?.value;
  const references = (span.references ?? []) as Json[];
  const traceId = wide(span.traceID);
  const parent = references.find(({ refType, traceID }) => refType === 'CHILD_OF' && wide(traceID) === traceId);
  const start = BigInt(String(span.startTime ?? 0)) * 1_000n;
  const failed = value('error') === true || value('error') === 'true' || value('otel.status_code') === 'ERROR';
  const message = value('otel.status_description');
  const code = failed ? 2 : value('otel.status_code') === 'OK' ? 1 : 0;
  return {
    traceId,
    spanId: String(span.spanID ?? ''),
    ...(value('w3c.tracestate') ? { traceState: String(value('w3c.tracestate')) } : {}),
    ...(parent ? { parentSpanId: String(parent.spanID) } : {}),
    name: String(span.operationName ?? ''),
    kind: Math.max(0, KINDS.indexOf(String(value('span.kind') ?? ''))),
    startTimeUnixNano: `${start}`,
    endTimeUnixNano: `${start + BigInt(String(span.duration ?? 0)) * 1_000n}`,
    attributes: tags.filter(({ key }) => !FIELDS.has(key)).map(attribute),
    events: ((span.logs ?? []) as Json[]).map(eventOf),
    links: references.filter((reference) => reference !== parent).map(linkOf),
    status: { ...(code ? { code } : {}), ...(message ? { message: String(message) } : {}) },
  };
}

function eventOf({ timestamp, fields }: Json) {
  const tags = tagsOf(fields);
  return {
    timeUnixNano: `${BigInt(String(timestamp ?? 0)) * 1_000n}`,
    name: String(tags.find(({ key }) => key === 'event')?.value ?? ''),
    attributes: tags.filter(({ key }) => key !== 'event').map(attribute),
  };
}

function linkOf({ traceID, spanID }: Json): SpanLink {
  return { traceId: wide(traceID), spanId: String(spanID ?? ''), attributes: [] };
}

interface Tag {
  key: string;
  type?: string;
  value: unknown;
}

function tagsOf(tags: unknown): Tag[] {
  return Array.isArray(tags) ? (tags as Tag[]) : [];
}

function scopeOf(tags: Tag[]): { name?: string; version?: string } {
  const find = (what: string) =>
    tags.find(({ key }) => key === `otel.scope.${what}` || key === `otel.library.${what}`)?.value;
  const [name, version] = [find('name'), find('version')];
  return { ...(name ? { name: String(name) } : {}), ...(version ? { version: String(version) } : {}) };
}

function attribute({ key, type, value }: Tag): KeyValue {
  return { key: String(key), value: anyValueOf(type, value) };
}

function anyValueOf(type: string | undefined, value: unknown): AnyValue {
  switch (type) {
    case 'bool':
      return { boolValue: value === true || value === 'true' };
    case 'int64':
      return { intValue: String(value) };
    case 'float64':
      return { doubleValue: value as number };
    case 'binary':
      return { bytesValue: String(value) };
    default:
      return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
  }
}

/** Ids of 64 bits are written with 16 digits, or fewer. */
function wide(id: unknown): string {
  return String(id ?? '').padStart(32, '0');
}
