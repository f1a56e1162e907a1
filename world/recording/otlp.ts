// The parts of OTLP/JSON that recording and replaying touch.

export interface Value {
  stringValue?: string;
  intValue?: string | number;
  [other: string]: unknown;
}

export interface Attribute {
  key: string;
  value?: Value;
}

export interface Event {
  timeUnixNano?: string;
  name?: string;
  attributes?: Attribute[];
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind?: number;
  startTimeUnixNano: string;
  endTimeUnixNano?: string;
  attributes?: Attribute[];
  events?: Event[];
  links?: { traceId: string; spanId: string }[];
  [other: string]: unknown;
}

export interface LogRecord {
  timeUnixNano?: string;
  observedTimeUnixNano?: string;
  traceId?: string;
  spanId?: string;
  [other: string]: unknown;
}

interface Resource {
  attributes?: Attribute[];
}

export interface ScopeSpans {
  scope?: { name?: string; version?: string };
  spans?: Span[];
}

export interface ScopeLogs {
  scope?: { name?: string; version?: string };
  logRecords?: LogRecord[];
}

export interface TracesRequest {
  resourceSpans?: { resource?: Resource; scopeSpans?: ScopeSpans[] }[];
}

export interface LogsRequest {
  resourceLogs?: { resource?: Resource; scopeLogs?: ScopeLogs[] }[];
}

export interface Recording {
  /** Versions of what was recorded, by name. */
  libraries: Record<string, string>;
  traces: TracesRequest[];
  logs: LogsRequest[];
}

export function spansOf(requests: TracesRequest[]): Span[] {
  return requests.flatMap(({ resourceSpans = [] }) =>
    resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans)),
  );
}

export function recordsOf(requests: LogsRequest[]): LogRecord[] {
  return requests.flatMap(({ resourceLogs = [] }) =>
    resourceLogs.flatMap(({ scopeLogs = [] }) => scopeLogs.flatMap(({ logRecords = [] }) => logRecords)),
  );
}
