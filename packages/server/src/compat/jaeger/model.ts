// OTLP as the JSON of Jaeger's query API, version 1: what its UI, Grafana and scripts read.
import type { AnyValue, KeyValue, OtlpTraces, ResourceSpans, ScopeSpans, Span } from '../../otlp/traces.ts';
import { rawJson } from '../../store/values.ts';

export interface KeyValueJson {
  key: string;
  type: 'string' | 'bool' | 'int64' | 'float64' | 'binary';
  value: string | number | boolean;
}

interface Reference {
  refType: 'CHILD_OF' | 'FOLLOWS_FROM';
  traceID: string;
  spanID: string;
}

export interface JaegerSpan {
  traceID: string;
  spanID: string;
  flags: number;
  operationName: string;
  references: Reference[];
  /** Microseconds since the epoch. */
  startTime: number;
  /** Microseconds. */
  duration: number;
  tags: KeyValueJson[];
  logs: Array<{ timestamp: number; fields: KeyValueJson[] }>;
  processID: string;
  warnings: string[] | null;
}

export interface JaegerTrace {
  traceID: string;
  spans: JaegerSpan[];
  processes: Record<string, { serviceName: string; tags: KeyValueJson[] }>;
  warnings: string[] | null;
}

/** What a reader should know of a span beyond what was sent; by {@link markOf}. */
export interface Mark {
  /** Milliseconds its clock is corrected by. */
  skewMs: number;
  /** Milliseconds it has taken so far, where it has not ended. */
  soFarMs: number | undefined;
  /** In words; null where there is nothing to say. */
  note: string | null;
}

/** Key of a span among those of its trace: ids alone do repeat. */
export function markOf(spanId: string, startedUs: bigint | string): string {
  return `${spanId} ${startedUs}`;
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

/**
 * One trace. Every span comes out, those with the same id too.
 *
 * @param marks By {@link markOf}; times come out corrected by them, and the span says so in its warnings.
 * @param warnings About the trace as a whole.
 */
export function jaegerTrace(
  traceId: string,
  { resourceSpans }: OtlpTraces,
  marks: ReadonlyMap<string, Mark>,
  warnings: string[],
): JaegerTrace {
  const processes: JaegerTrace['processes'] = {};
  const ids = new Map<string, string>();
  const spans: JaegerSpan[] = [];
  for (const resource of resourceSpans) {
    const process = processOf(resource);
    const key = JSON.stringify(process);
    let id = ids.get(key);
    if (id === undefined) {
      id = `p${ids.size + 1}`;
      ids.set(key, id);
      processes[id] = process;
    }
    for (const scope of resource.scopeSpans) {
      for (const span of scope.spans) spans.push(spanOf(span, scope, id, marks));
    }
  }
  return { traceID: shortTraceId(traceId), spans, processes, warnings: warnings.length > 0 ? warnings : null };
}

/** Jaeger writes ids of 64 bits with 16 digits. */
function shortTraceId(traceId: string): string {
  return traceId.replace(/^0{16}/, '');
}

function processOf({ resource }: ResourceSpans): { serviceName: string; tags: KeyValueJson[] } {
  const name = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
  const tags = resource.attributes.filter(({ key }) => key !== 'service.name').map(tag);
  return { serviceName: name ?? 'unknown_service', tags };
}

function spanOf(span: Span, scope: ScopeSpans, processID: string, marks: ReadonlyMap<string, Mark>): JaegerSpan {
  const start = BigInt(span.startTimeUnixNano);
  const end = BigInt(span.endTimeUnixNano);
  const mark = marks.get(markOf(span.spanId, start / 1_000n));
  const traceID = shortTraceId(span.traceId);
  const parent: Reference[] = span.parentSpanId ? [{ refType: 'CHILD_OF', traceID, spanID: span.parentSpanId }] : [];
  return {
    traceID,
    spanID: span.spanId,
    flags: (span.flags ?? 1) & 0xff,
    operationName: span.name,
    references: [
      ...parent,
      ...span.links.map((link): Reference => {
        return { refType: 'FOLLOWS_FROM', traceID: shortTraceId(link.traceId), spanID: link.spanId };
      }),
    ],
    startTime: microseconds(start) + Math.round((mark?.skewMs ?? 0) * 1_000),
    duration: end === 0n ? Math.round((mark?.soFarMs ?? 0) * 1_000) : Math.max(0, microseconds(end - start)),
    tags: [...span.attributes.map(tag), ...meaning(span, scope)],
    logs: span.events.map(({ timeUnixNano, name, attributes }) => ({
      timestamp: microseconds(BigInt(timeUnixNano)) + Math.round((mark?.skewMs ?? 0) * 1_000),
      fields: [...(name ? [{ key: 'event', type: 'string' as const, value: name }] : []), ...attributes.map(tag)],
    })),
    processID,
    warnings: mark?.note ? mark.note.split('; ') : null,
  };
}

/** What OTLP has fields for, and Jaeger tags. */
function meaning({ kind, status, traceState }: Span, { scope }: ScopeSpans): KeyValueJson[] {
  const found: KeyValueJson[] = [];
  const add = (key: string, value: string | undefined) => {
    if (value) found.push({ key, type: 'string', value });
  };
  add('span.kind', KINDS[kind]);
  add('otel.scope.name', scope.name);
  add('otel.scope.version', scope.version);
  found.push(...scope.attributes.map(tag));
  add('w3c.tracestate', traceState);
  add('otel.status_code', status.code === 2 ? 'ERROR' : status.code === 1 ? 'OK' : undefined);
  add('otel.status_description', status.message);
  if (status.code === 2) found.push({ key: 'error', type: 'bool', value: true });
  return found;
}

/** Whole numbers beyond 2^53 go as text: JSON's readers would round them. */
function tag({ key, value }: KeyValue): KeyValueJson {
  if (value.stringValue !== undefined) return { key, type: 'string', value: value.stringValue };
  if (value.boolValue !== undefined) return { key, type: 'bool', value: value.boolValue };
  if (value.intValue !== undefined) {
    const number = Number(value.intValue);
    return { key, type: 'int64', value: Number.isSafeInteger(number) ? number : String(value.intValue) };
  }
  if (value.doubleValue !== undefined) {
    const number = Number(value.doubleValue);
    // JSON has no word for these.
    if (!Number.isFinite(number)) return { key, type: 'string', value: String(value.doubleValue) };
    return { key, type: 'float64', value: number };
  }
  if (value.bytesValue !== undefined) return { key, type: 'binary', value: value.bytesValue };
  return { key, type: 'string', value: JSON.stringify(plain(value)) ?? '' };
}

function plain(value: AnyValue): unknown {
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(plain);
  if (value.kvlistValue) {
    return Object.fromEntries((value.kvlistValue.values ?? []).map(({ key, value: item }) => [key, plain(item)]));
  }
  // OTLP writes whole numbers as text; here they are numbers, with all their digits.
  if (value.intValue !== undefined) return rawJson(String(value.intValue));
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue ?? null;
}

function microseconds(ns: bigint): number {
  return Number(ns / 1_000n);
}
