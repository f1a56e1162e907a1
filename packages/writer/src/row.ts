import { createHash } from 'node:crypto';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export type SpanStatus = 'started' | 'completed' | 'failed' | 'timeout' | 'lost';

/** Seconds and nanoseconds since the epoch, as OpenTelemetry's HrTime. */
export type Time = readonly [seconds: number, nanoseconds: number];

export interface SpanEvent {
  name: string;
  time: Time;
  attributes?: Record<string, unknown> | undefined;
}

export interface SpanLink {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  traceState?: string | undefined;
  attributes?: Record<string, unknown> | undefined;
}

/** One span as the table `trace_spans` wants it; what PostgreSQL cannot hold is repaired on the way, and said in `otel`. */
export interface SpanRow {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  /** 16 hexadecimal digits; null for a root. */
  parentSpanId: string | null;
  service: string;
  operation: string;
  kind: SpanKind;
  status: SpanStatus;
  start: Time;
  /** Null while the span is open. */
  end: Time | null;
  /** A signed 64-bit integer as decimal text: JavaScript numbers stop at 2^53. */
  executionId: string | null;
  /** The key of an execution that is no such integer, a UUID for example; see `executionOf`. */
  executionKey: string | null;
  jobId: string | null;
  modelId: string | null;
  region: string | null;
  errorType: string | null;
  errorMessage: string | null;
  attributes: Record<string, unknown>;
  events: readonly SpanEvent[] | null;
  links: readonly SpanLink[] | null;
  traceState: string | null;
  /** What neither columns nor JSON can hold: dropped counts, types of attributes. Repairs are added as `repairs`. */
  otel: Record<string, unknown> | null;
  /** Row in `tracers`, as a uuid. */
  tracerId: string | null;
  resource: ResourceRow | null;
  flags: number | null;
  /** A row of this span may be in the table already as `started`: it is inserted or updated instead of copied. */
  update: boolean;
}

/** A row of `trace_resources`. Make it with `resourceRow`, once per resource and scope, and share it between spans. */
export interface ResourceRow {
  /** Signed 64-bit integer as decimal text. */
  id: string;
  attributes: Record<string, unknown>;
  scopeName: string | null;
  scopeVersion: string | null;
  otel: Record<string, unknown> | null;
}

/** A row of `trace_resources` whose JSON is text already: numbers keep what JavaScript's would lose. */
export interface EncodedResource {
  /** Signed 64-bit integer as decimal text. */
  id: string;
  /** JSON that jsonb takes as it is: no U+0000, no lone surrogates. */
  attributesJson: string;
  scopeName: string | null;
  scopeVersion: string | null;
  otelJson: string | null;
}

/** Gives a resource and its scope their id: the first 8 bytes of the SHA-256 of their canonical JSON, signed. */
export function resourceRow(from: Omit<ResourceRow, 'id'>): ResourceRow {
  const canonical = JSON.stringify(sorted([from.attributes, from.scopeName, from.scopeVersion, from.otel], 0));
  return { id: resourceId(canonical), ...from };
}

/** The id of a resource, from a text that is the same whenever the resource is. */
export function resourceId(canonical: string): string {
  return createHash('sha256').update(canonical).digest().readBigInt64BE(0).toString();
}

/** Keys in order, so that the same resource has the same id whatever order its detectors ran in. */
function sorted(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth > 16) return null;
  if (Array.isArray(value)) return value.map((item) => sorted(item, depth + 1));
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, depth + 1)]));
}
